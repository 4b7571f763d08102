"""The book of promises: what is held, what it costs, and the same with rows changed."""
