"""Constrained plans that follow a program, and what they come to."""
