"""Buckets and alternatives of the program."""
