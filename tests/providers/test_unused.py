"""Filled columns without effect in mode mrp."""

from __future__ import annotations

from medhavi.planners.mrp.unsupported import unused_columns
from tests import factories


def test_plain_data_has_nothing_unused():
    snapshot = factories.snapshot(supply_terms=[{}], lanes=[{}], reservations=[{}])
    assert unused_columns(snapshot) == ()


def test_filled_cells_are_counted_per_column():
    snapshot = factories.snapshot(
        supply_terms=[
            {"reliability": 0.5, "lead_time_p95_days": 9},
            {"supplier": "T", "reliability": 0.7},
        ],
        lanes=[{"min_fill_kg": 10}, {"origin": "W", "destination": "L"}],
        disruptions=[{}],
        reservations=[{"kind": "transport", "subject": "T1"}, {}],
    )
    assert [(u.table, u.column, u.cells) for u in unused_columns(snapshot)] == [
        ("supply_terms", "lead_time_p95_days", 1),
        ("supply_terms", "reliability", 2),
        ("lanes", "min_fill_kg", 1),
        ("disruptions", "severity", 1),
        ("reservations", "kind", 1),
    ]
