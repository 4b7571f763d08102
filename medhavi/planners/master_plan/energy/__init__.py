"""Energy: what the power of resources costs by tariffs."""
