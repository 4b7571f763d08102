"""Safety stock of what dies is kept by rotation: first expired, first out.

P is made in 10 h, dies after 14 days, and goes into A; a safety stock of 10 is there on
day 0 and dies on day 10. By hand: what is wanted before then takes it, and what was
made for that is the safety stock from there on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import day, days

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


def company(*wanted_on: float, **more: object) -> Snapshot:
    """A demand of 10 of A on each of some days."""
    return factories.snapshot(
        settings=[{"horizon_days": 40, "bucket": "day"}],
        products=[{"product": "A"}, {"product": "P", "shelf_life_days": 14}],
        resources=[{"resource": "M"}, {"resource": "N"}],
        demands=[
            {"demand": f"D{n}", "product": "A", "qty": 10, "due": day(at), **more}
            for n, at in enumerate(wanted_on)
        ],
        routings=[
            {"routing": "RA", "product": "A"},
            {"routing": "RP", "product": "P"},
        ],
        steps=[
            {"routing": "RA", "run_minutes_per_unit": 60},
            {"routing": "RP", "run_minutes_per_unit": 60},
        ],
        step_resources=[
            {"routing": "RA", "step": 1, "resource": "M"},
            {"routing": "RP", "step": 1, "resource": "N"},
        ],
        bom_lines=[{"routing": "RA", "component": "P"}],
        stock=[{"product": "P", "qty": 10, "expires_at": day(10)}],
        inventory_policies=[{"product": "P", "safety_qty": 10}],
    )


def lasting(made: Plan) -> float | None:
    """Day on which less of P is there than the safety stock, the first one."""
    rows = made.positions.filter((pl.col("product") == "P") & (pl.col("on_hand") < 10))
    return days(rows["bucket"].min())


@pytest.mark.req("MRP-06")
@pytest.mark.parametrize(
    ("wanted_on", "day_without"),
    [
        # Each takes what was made for the one before, which lasts 14 days; the last
        # is made on day 27.
        ((8, 18, 28), 41),
        # Nothing takes what dies on day 10.
        ((12, 28), 10),
        # What was made on day 7 dies on day 21, and nothing takes it.
        ((8, 28), 21),
    ],
)
def test_what_dies_first_is_used_first_and_the_safety_stock_lasts(
    wanted_on, day_without
):
    snapshot = company(*wanted_on)
    found = plan(snapshot, "constrained")
    assert verify(found, snapshot) == []
    assert lasting(found) == day_without
    # Nothing is made for it, nothing is late, and a plan on this one keeps it.
    made = found.supplies.filter(pl.col("product") == "P")
    assert made["qty"].to_list() == [10] * len(wanted_on)
    assert set(found.fulfilment["status"]) == {"on_time"}
    again = plan(snapshot, "constrained", baseline=found)
    assert verify(again, snapshot) == []
    assert lasting(again) == day_without


@pytest.mark.req("MRP-06")
def test_a_demand_that_wants_it_fresh_keeps_what_was_made_for_it():
    """What is there is good for 2 days when it is sold on day 8; 5 are asked."""
    rows = {
        "settings": [{"horizon_days": 40, "bucket": "day"}],
        "products": [{"product": "P", "shelf_life_days": 14}],
        "stock": [{"product": "P", "qty": 10, "expires_at": day(10)}],
        "inventory_policies": [{"product": "P", "safety_qty": 10}],
        "routings": [{"routing": "RP", "product": "P"}],
        "steps": [{"routing": "RP", "run_minutes_per_unit": 60}],
        "step_resources": [{"routing": "RP", "step": 1, "resource": "N"}],
        "resources": [{"resource": "N"}],
    }
    lasts = []
    for fresh in (0, 5):
        demand = {"product": "P", "qty": 10, "due": day(8), "min_shelf_days": fresh}
        snapshot = factories.snapshot(demands=[demand], **rows)
        found = plan(snapshot, "constrained")
        assert verify(found, snapshot) == []
        assert set(found.fulfilment["status"]) == {"on_time"}
        lasts.append(lasting(found))
    assert lasts[1] == 10
    assert lasts[0] > 20
