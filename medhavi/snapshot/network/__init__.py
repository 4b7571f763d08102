"""Links between the tables of a snapshot."""
