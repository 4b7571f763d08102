"""Promises with their parts, tables and risk."""
