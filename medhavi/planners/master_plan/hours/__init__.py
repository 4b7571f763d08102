"""Hours of resources in the program."""
