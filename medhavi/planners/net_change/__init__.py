"""Planning anew only what changed rows reach."""
