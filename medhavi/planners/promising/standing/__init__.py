"""Accepted promises: whether they hold, renewal, and promises of the past."""
