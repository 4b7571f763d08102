"""What mode constrained reads of the tables."""

from __future__ import annotations

from medhavi.planners.mrp.unsupported import MRP

READING = MRP.with_capacity("constrained", "max_early_days")
