"""Facts folded into the tables of a snapshot."""
