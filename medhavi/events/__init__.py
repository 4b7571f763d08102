"""Events: the envelope, the catalogue of types, and the stores that keep them."""
