"""Lists, tiles and sentences of pages of a plan: cockpit, capacity, suppliers."""
