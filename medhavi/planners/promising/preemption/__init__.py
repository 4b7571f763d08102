"""Accepted promises of lower priority that give way to a request."""
