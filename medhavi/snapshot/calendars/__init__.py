"""Working time: zones, days, shifts, and their exceptions."""
