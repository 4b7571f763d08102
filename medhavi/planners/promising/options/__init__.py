"""Search over the options of one request, and when each of them arrives."""
