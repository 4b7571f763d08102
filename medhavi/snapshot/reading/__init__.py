"""Files and rows of people read as typed tables."""
