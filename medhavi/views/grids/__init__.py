"""What grids have in common: groups of their rows."""
