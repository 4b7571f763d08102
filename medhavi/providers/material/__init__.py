"""Material availability: stock, lots, open orders, bills of materials."""
