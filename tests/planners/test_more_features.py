"""Many features at once: every plan of a random network holds, and is made again."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.findings import BadData
from medhavi.snapshot import Snapshot
from tests import factories
from tests.api import plan, verify
from tests.examples import some
from tests.more_features import with_features


@pytest.mark.req("MRP-01")
@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
@pytest.mark.parametrize("seed", some(range(120), 4))
def test_a_plan_of_many_features_holds(seed: int, mode: str) -> None:
    rows = factories.tables(**with_features(seed))
    settings = {} if mode == "mrp" else {"effort": "light"}
    try:
        snapshot = Snapshot.from_frames(rows).require()
        made = plan(snapshot, mode, settings)
    except BadData as refused:
        pytest.skip(str(refused)[:80])
    assert [str(fault) for fault in verify(made, snapshot)] == []
    assert plan(snapshot, mode, settings).fingerprint == made.fingerprint


@pytest.mark.req("MRP-02")
def test_an_order_begins_when_what_it_takes_earlier_is_no_component_any_more() -> None:
    """B is taken 5 h before the order begins, until 10 January, and there is none."""
    end = dt.datetime(2026, 1, 10, tzinfo=dt.UTC)
    made = factories.snapshot(
        routings=[{"routing": "R", "product": "A", "location": "PLANT"}],
        bom_lines=[
            {"routing": "R", "component": "B", "offset_minutes": -300, "valid_to": end}
        ],
        lanes=[{"origin": "PLANT", "destination": "WH"}],
        inventory_levels=[{"product": "A", "location": "WH", "safety_qty": 30}],
        demands=[{"product": "C"}],
    )
    found = plan(made, "constrained")
    assert verify(found, made) == []
    orders = found.supplies.filter(kind="make")
    assert orders["start"].to_list() == [end + dt.timedelta(hours=5)]
