"""Models like companies: their network, their tables, the neutral JSON of frePPLe."""
