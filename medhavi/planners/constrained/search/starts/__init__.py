"""Starts of a search: an earlier schedule, or orders that are given."""
