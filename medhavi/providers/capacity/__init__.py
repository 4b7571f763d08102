"""Capacity of resources and routings without other work."""
