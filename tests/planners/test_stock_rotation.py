"""Safety stock of what dies is kept by rotation: first expired, first out.

P is made in 10 h, dies after 14 days, and goes into A; a safety stock of 10 is there on
day 0 and dies on day 10. By hand: what is wanted before then takes it, and what was
made for that is the safety stock from there on. What nothing takes dies, and is made
anew (rule 7 of the semantics: due at the instant the projection falls below it).
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
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
@pytest.mark.parametrize(
    ("wanted_on", "orders"),
    [
        # Each takes what was made for the one before, which lasts 14 days; the last
        # is made on day 27, and lasts until day 41.
        ((8, 18, 28), 3),
        # Nothing takes what dies on day 10: it is made anew, taken on day 12, and what
        # was made on day 11 dies on day 25. That is made anew, too, for day 28.
        ((12, 28), 4),
        # What was made on day 7 dies on day 21, and nothing takes it.
        ((8, 28), 3),
    ],
)
def test_what_dies_first_is_used_first_and_the_safety_stock_lasts(
    mode, wanted_on, orders
):
    snapshot = company(*wanted_on)
    found = plan(snapshot, mode)
    assert verify(found, snapshot) == []
    assert lasting(found) >= 40
    made = found.supplies.filter(pl.col("product") == "P")
    assert made["qty"].to_list() == [10] * orders
    assert set(found.fulfilment["status"]) == {"on_time"}
    # A plan on this one is the same.
    again = plan(snapshot, mode, baseline=found)
    assert again.fingerprint == found.fingerprint


@pytest.mark.req("MRP-06")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
@pytest.mark.parametrize(
    ("safety", "bought"),
    [
        # 10 die on day 10; a purchase lasts 15 days, and the horizon ends on day 45.
        (10, [(10, 10), (25, 10), (40, 10)]),
        # What is there falls to 0 on day 10, which is below 4.
        (4, [(10, 4), (25, 4), (40, 4)]),
    ],
)
def test_a_stock_level_is_ordered_anew_when_its_goods_die(mode, safety, bought):
    """Nothing is wanted of it but the level; a purchase takes 2 days."""
    snapshot = factories.snapshot(
        settings=[{"horizon_days": 45, "bucket": "day"}],
        products=[{"product": "A", "shelf_life_days": 15}],
        stock=[{"product": "A", "qty": 10, "expires_at": day(10)}],
        inventory_policies=[{"product": "A", "safety_qty": safety}],
        supply_terms=[{"product": "A", "lead_time_days": 2, "unit_price": 1}],
    )
    found = plan(snapshot, mode)
    assert verify(found, snapshot) == []
    rows = found.supplies.select("finish", "qty").rows()
    assert [(days(at), qty) for at, qty in rows] == bought


@pytest.mark.req("MRP-06")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_what_dies_before_an_order_could_come_is_ordered_when_it_can(mode):
    """Stock dies on day 1, a purchase takes 4 days."""
    snapshot = factories.snapshot(
        settings=[{"horizon_days": 12, "bucket": "day"}],
        products=[{"product": "A", "shelf_life_days": 15}],
        stock=[{"product": "A", "qty": 10, "expires_at": day(1)}],
        inventory_policies=[{"product": "A", "safety_qty": 10}],
        supply_terms=[{"product": "A", "lead_time_days": 4, "unit_price": 1}],
    )
    found = plan(snapshot, mode)
    assert verify(found, snapshot) == []
    rows = found.supplies.select("finish", "qty").rows()
    assert [(days(at), qty) for at, qty in rows] == [(4, 10)]


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
    orders = []
    for fresh in (0, 5):
        demand = {"product": "P", "qty": 10, "due": day(8), "min_shelf_days": fresh}
        snapshot = factories.snapshot(demands=[demand], **rows)
        found = plan(snapshot, "constrained")
        assert verify(found, snapshot) == []
        assert set(found.fulfilment["status"]) == {"on_time"}
        assert lasting(found) >= 40
        orders.append(days(found.supplies["finish"].sort()[1]))
    # Day 8 takes what is there, and what was made for it dies on day 22; or that dies
    # on day 10.
    assert orders == [22, 10]


def dying_level(cost_per_hour: float) -> Snapshot:
    """A level of 10 that dies on day 10, and a demand for 2 on day 12."""
    return factories.snapshot(
        settings=[{"horizon_days": 20, "bucket": "day"}],
        products=[{"product": "P", "shelf_life_days": 14, "unit_cost": 10}],
        demands=[{"demand": "D", "product": "P", "qty": 2, "due": day(12)}],
        routings=[{"routing": "RP", "product": "P"}],
        steps=[{"routing": "RP", "run_minutes_per_unit": 60}],
        step_resources=[{"routing": "RP", "step": 1, "resource": "N"}],
        resources=[{"resource": "N", "cost_per_hour": cost_per_hour}],
        stock=[{"product": "P", "qty": 10, "expires_at": day(10)}],
        inventory_policies=[{"product": "P", "safety_qty": 10}],
    )


@pytest.mark.req("MRP-06")
@pytest.mark.parametrize(("cost_per_hour", "ordered"), [(1.0, [10, 2]), (50.0, [2])])
def test_mode_optimize_makes_stock_anew_where_that_costs_less_than_to_lack_it(
    cost_per_hour, ordered
):
    """10 die on day 10: 10 h of work replace them, and lacking them costs 105."""
    snapshot = dying_level(cost_per_hour)
    found = plan(snapshot, "optimize")
    assert verify(found, snapshot) == []
    assert found.supplies.sort("finish")["qty"].to_list() == ordered
    steps = [step.name for step in found.run.steps]
    assert ("goods of stock levels that die are made anew" in steps) == (
        cost_per_hour == 50.0
    )


@pytest.mark.parametrize(
    ("effort", "share", "tried"),
    [("light", 0.01, True), ("light", 1.0, False), ("standard", 1.0, True)],
)
def test_at_light_effort_it_is_tried_where_it_may_save_a_share(effort, share, tried):
    settings = {"effort": effort, "renewal_share": share}
    found = plan(dying_level(50.0), "optimize", settings)
    steps = [step.name for step in found.run.steps]
    assert ("goods of stock levels that die are made anew" in steps) == tried
