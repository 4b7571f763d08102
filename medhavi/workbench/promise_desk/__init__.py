"""Quotes and commits on the live book, their watch and their counters."""
