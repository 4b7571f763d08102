"""Array functions in the numba subset; plain Python runs them with equal results."""
