"""Level loads: their price in the program, and work of plans that is moved ahead."""
