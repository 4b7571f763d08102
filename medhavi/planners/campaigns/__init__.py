"""Campaigns: families in a row, their limits, cleanings, order and savings."""
