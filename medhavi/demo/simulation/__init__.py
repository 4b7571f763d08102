"""What happens in the demo company, day by day."""
