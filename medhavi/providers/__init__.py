"""What planners ask: sources, recipes, clocks, holds."""
