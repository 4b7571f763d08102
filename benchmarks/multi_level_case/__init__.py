"""Public instances of several plants and levels: as tables, and judges of a plan."""
