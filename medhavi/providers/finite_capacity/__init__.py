"""Capacity beside other work: ledgers of resources, chains of steps, buckets."""
