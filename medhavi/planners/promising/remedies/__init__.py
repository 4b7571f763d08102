"""Changes that would help a request, each tried by a quote of its own."""
