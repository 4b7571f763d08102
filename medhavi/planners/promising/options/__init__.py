"""Search over the options of one request."""
