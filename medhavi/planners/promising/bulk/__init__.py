"""Many plain requests at once on the integer model."""
