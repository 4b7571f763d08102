"""How much of a product may lie at a place, in programs and plans of mode optimize."""
