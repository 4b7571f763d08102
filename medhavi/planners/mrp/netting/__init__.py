"""Netting of a node: coverage, lots, resupply, postponement."""
