"""Deliveries of a need: shipments, parts, joint places and pairs of sources."""
