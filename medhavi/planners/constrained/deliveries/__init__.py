"""Deliveries of a constrained plan."""
