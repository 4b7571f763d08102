"""Search for a good constrained plan on integers: construction, then improvement."""
