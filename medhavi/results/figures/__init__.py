"""Key figures of plans and promises."""
