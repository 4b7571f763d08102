"""What the orders page shows: its grid, edits of the selected orders, one order."""
