"""Schedules, their problems and tables."""
