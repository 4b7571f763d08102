"""Planners: pure functions of a snapshot, settings and a seed."""
