"""Netting under finite supply: slices, rationing, dates of orders."""
