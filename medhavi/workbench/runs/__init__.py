"""Runs and published plans of a workspace."""
