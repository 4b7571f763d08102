"""A plan: its tables, folder, causes and verdicts."""
