"""Rounds that improve a constrained plan: other sources, other lots, repairs."""
