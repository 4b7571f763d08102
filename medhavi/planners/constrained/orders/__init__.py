"""Orders of a constrained run with their lines, causes and weights."""
