"""Goods that just miss a departure take the next one."""

from __future__ import annotations

import datetime as dt

import pytest

from tests import factories
from tests.api import plan, verify
from tests.examples import some

CUTOFF = dt.datetime(2026, 1, 12, 2, tzinfo=dt.UTC)


def bought(ready):
    """A purchase at P that is there at an instant, for L; a departure every Monday."""
    return factories.snapshot(
        demands=[
            {
                "demand": "D1",
                "product": "A",
                "location": "L",
                "qty": 5,
                "due": CUTOFF + dt.timedelta(hours=18),
            }
        ],
        locations=[{"location": "P"}, {"location": "L"}],
        lanes=[
            {
                "lane": "LN",
                "origin": "P",
                "destination": "L",
                "duration_h": 10,
                "cutoff_h": 4,
            }
        ],
        departures=[{"lane": "LN", "weekday": 1, "time": "06:00:00"}],
        supply_orders=[
            {
                "supply_order": "PO",
                "kind": "purchase",
                "product": "A",
                "location": "P",
                "qty": 5,
                "status": "released",
                "due": ready,
            }
        ],
    )


@pytest.mark.parametrize(
    ("seconds", "weeks"),
    [(0, 0), (1, 1), *some([(-1, 0), (30, 1), (60, 1), (703, 1), (1800, 1)], 1)],
)
def test_goods_ready_after_a_cutoff_take_the_next_departure(seconds, weeks):
    snapshot = bought(CUTOFF + dt.timedelta(seconds=seconds))
    made = plan(snapshot, mode="constrained")
    [leaves] = made.supplies.filter(made.supplies["kind"] == "move")["start"]
    assert leaves == CUTOFF + dt.timedelta(hours=4, weeks=weeks)
    assert made.fulfilment["short"].to_list() == [0]
    assert verify(made, snapshot) == []
