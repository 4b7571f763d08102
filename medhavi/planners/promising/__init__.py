"""Promising: what can be delivered when, at what cost, and what would help."""
