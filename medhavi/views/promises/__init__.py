"""Promises as pages show them."""
