"""Keep stock at its levels, whatever customers order (REP-01 … REP-04)."""
