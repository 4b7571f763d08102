"""Integer-coded supply search and sampled arrivals, for plain requests in bulk."""
