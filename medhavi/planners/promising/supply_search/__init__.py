"""Explosion of a need over stock, make, buy and move, and its deliveries."""
