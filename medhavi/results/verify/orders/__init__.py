"""Checks of orders: sources, operations, components, capacity, lead times."""
