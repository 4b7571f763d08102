"""Lists, tiles and sentences of pages that show a plan: cockpit, capacity, suppliers."""
