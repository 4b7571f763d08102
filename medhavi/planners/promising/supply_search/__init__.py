"""What is asked for and held, and the search over stock, make, buy and move for it."""
