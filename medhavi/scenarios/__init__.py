"""Scenarios: studies that compare plans of changed snapshots.

Pure: parses a study, computes one run. Executing many runs, caching, tracking and
reports are the workbench's.
"""
