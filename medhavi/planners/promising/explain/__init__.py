"""Answers with their limiters, traces, sensitivity and arrival curve."""
