"""Stock levels yield to demands where what they are made of is short (rule 7).

A piece of A is made of one B in an hour. B cannot be had but as stated; of A, five are
wanted in stock.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.planners.constrained.netting.rationing import Projection
from medhavi.units import NEVER
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.small_plans import KERNELS, day

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

HOUR = 1 / 24
pytestmark = pytest.mark.req("MRP-07")


def planned(
    parts: float,
    receipts: list[tuple[float, float]],
    demands: list[tuple[float, float]],
    safety: float = 5.0,
    levels: list[tuple[float, float]] | None = None,
    ready: float = 0.0,
) -> Plan:
    """Plan with parts in stock and goods ready; all else as (day, quantity)."""
    tables: dict[str, Any] = {
        "products": [{"product": "A"}, {"product": "B"}],
        "routings": [{"routing": "R", "product": "A"}],
        "steps": [{"routing": "R", "fixed_minutes": 60.0}],
        "bom_lines": [{"routing": "R", "component": "B"}],
        "stock": [
            {"product": product, "qty": qty}
            for product, qty in (("B", parts), ("A", ready))
            if qty
        ],
        "supply_orders": [
            {"supply_order": f"P{i}", "product": "B", "due": day(at), "qty": qty}
            for i, (at, qty) in enumerate(receipts)
        ],
        "demands": [
            {"demand": f"D{i}", "product": "A", "due": day(at), "qty": qty}
            for i, (at, qty) in enumerate(demands)
        ],
        "inventory_policies": [{"product": "A", "safety_qty": safety}],
        "inventory_levels": [
            {"product": "A", "valid_from": day(at), "safety_qty": qty}
            for at, qty in levels or ()
        ],
    }
    snapshot = factories.snapshot(**tables)
    made = plan(snapshot, "constrained", KERNELS)
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


def served(made: Plan) -> dict[str, tuple[float, str]]:
    rows = made.fulfilment.select("demand", "planned", "status").rows()
    return {demand: (qty, status) for demand, qty, status in rows}


def test_demands_take_parts_before_the_stock_level_does():
    made = planned(60.0, [], [(8, 40.0), (12, 20.0)])
    assert served(made) == {"D0": (40.0, "on_time"), "D1": (20.0, "on_time")}


def test_a_stock_level_is_met_when_the_next_parts_are_there():
    made = planned(0.0, [(6, 30.0), (16, 9.0)], [(8, 30.0), (20, 4.0)])
    assert served(made) == {"D0": (30.0, "on_time"), "D1": (4.0, "on_time")}
    new = made.supplies.filter(pl.col("kind") == "make").sort("finish")
    assert new["finish"][0] <= day(8)
    assert new["qty"].sum() == 39.0
    assert new["finish"][1] == day(16 + HOUR)


def test_only_what_is_not_there_in_time_is_late():
    made = planned(0.0, [(6, 33.0), (16, 80.0)], [(8, 30.0), (10, 20.0), (18, 10.0)])
    assert served(made) == {
        "D0": (30.0, "on_time"),
        "D1": (20.0, "late"),
        "D2": (10.0, "on_time"),
    }
    last = made.deliveries.filter(pl.col("demand") == "D1")
    assert last.sort("date").select("date", "qty").rows() == [
        (day(10), 3.0),
        (day(16 + HOUR), 17.0),
    ]


LINES = st.lists(st.tuples(st.integers(2, 25), st.integers(1, 9)), max_size=4)


@settings(max_examples=examples(2, 20))
@given(st.integers(0, 20), LINES, LINES.filter(bool), st.integers(1, 12))
def test_a_stock_level_makes_no_demand_late_or_short(parts, receipts, demands, safety):
    """Without the level the demands get the same, by the same day."""
    with_level = planned(parts, receipts, demands, safety)
    without = planned(parts, receipts, demands, 0.0)
    columns = "demand", "planned", "lateness_h"
    assert (
        with_level.fulfilment.select(columns).rows()
        == without.fulfilment.select(columns).rows()
    )


def test_demands_do_not_wait_for_what_a_level_lacks_for_some_days():
    # Ten A lie there, four are kept until day 11 and one after it; parts come on
    # day 14. What the level lacks until then is taken by nobody before the last day.
    made = planned(
        0.0,
        [(14, 300.0)],
        [(9, 100.0), (160, 100.0)],
        safety=0.0,
        levels=[(0, 4.0), (11, 1.0)],
        ready=10.0,
    )
    assert served(made) == {"D0": (100.0, "late"), "D1": (100.0, "on_time")}
    dates = made.deliveries.filter(demand="D0")["date"].to_list()
    assert dates == [day(9), day(14 + HOUR)]


def test_what_somebody_takes_after_the_next_receipt_may_be_missing_until_then():
    kept = Projection()
    taker = SimpleNamespace(instant=60)
    kept.add(SimpleNamespace(available=0, qty=10, takers=[(taker, 8)]))
    assert kept.spare(0, 14) == 10
    assert kept.spare(0, NEVER) == 2
    kept.take(10, 0, 14)
    assert kept.spare(0, 14) == 0
    assert kept.spare(14, NEVER) == 2
