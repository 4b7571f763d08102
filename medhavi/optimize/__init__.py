"""Linear programs from named blocks of arrays, and who solves them.

This layer knows columns, rows and numbers, no supply chain; solvers are called here
alone.
"""
