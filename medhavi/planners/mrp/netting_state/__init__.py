"""State of a netting run: nodes, alternatives, orders, pegs."""
