"""Placement of orders in time under finite capacity."""
