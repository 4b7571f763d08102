"""Checks of a snapshot, and the rows held back where one fails."""
