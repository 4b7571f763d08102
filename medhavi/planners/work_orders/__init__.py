"""Orders from proposal to completion: states, firming, what the shop floor reports."""
