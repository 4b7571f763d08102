"""Whole orders: planned lots, level by level, and orders of all products at once."""
