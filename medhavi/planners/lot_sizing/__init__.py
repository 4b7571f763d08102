"""Lot rules over the net needs of a product: pure functions of needs and prices."""
