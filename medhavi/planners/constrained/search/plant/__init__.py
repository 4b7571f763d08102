"""The plant of plain numbers that a search plans, read from a run."""
