"""Amounts of the program carried out as orders."""
