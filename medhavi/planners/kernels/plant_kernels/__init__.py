"""Compiled search of a plant."""
