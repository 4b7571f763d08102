"""Filled columns without effect in mode mrp."""

from __future__ import annotations

import re

from medhavi.planners.mrp.unsupported import check_supported
from tests import factories


def unused(snapshot):
    found = [one for one in check_supported(snapshot) if one.code == "PLAN011"]
    return [
        (one.table, one.column, int(re.search(r"\((\d+) filled", one.message)[1]))
        for one in found
    ]


def test_plain_data_has_nothing_unused():
    snapshot = factories.snapshot(supply_terms=[{}], lanes=[{}], reservations=[{}])
    assert unused(snapshot) == []


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
    assert unused(snapshot) == [
        ("supply_terms", "lead_time_p95_days", 1),
        ("supply_terms", "reliability", 2),
        ("lanes", "min_fill_kg", 1),
        ("reservations", "kind", 1),
    ]
