"""The planning cycle: file, steps, journal."""
