"""Improvement: plans made of the best one of a run, one change each."""
