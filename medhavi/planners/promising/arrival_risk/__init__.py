"""Distribution of the arrival of an option."""
