"""Blocks of the linear program, one module a rule."""
