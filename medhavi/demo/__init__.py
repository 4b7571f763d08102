"""The demo company: a cosmetics maker told as 18 months of events (design 10)."""
