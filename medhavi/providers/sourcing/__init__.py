"""Sources of an item at a location: make, buy, move; suppliers, terms, quotas."""
