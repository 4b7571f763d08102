"""Compiled supply search and sampled arrivals of promises."""
