"""Scenario studies and hindsight, with their executor and cache."""
