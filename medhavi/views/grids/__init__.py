"""Rows of grids and charts: groups of them, and rows that a chart takes as they are."""
