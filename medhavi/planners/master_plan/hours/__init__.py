"""Hours of resources in the program: what is open and used, and how level that is."""
