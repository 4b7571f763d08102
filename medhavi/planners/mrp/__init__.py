"""Material requirements planning: net, size, date and peg every level (MRP-01 … 22)."""
