"""What no plan costs less than: exact on tiny companies, never above a known plan."""

from __future__ import annotations

import math
import random
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from medhavi.findings import BadData
from medhavi.optimize.highs import Highs
from medhavi.planners.master_plan.cost_bound import cost_at_least
from medhavi.planners.master_plan.master_run import built_run
from medhavi.planners.master_plan.trade_offs import pareto
from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.api import OptimizeParameters, plan, verify
from tests.examples import examples, some
from tests.planners.optimal_plans import DAILY
from tests.planners.small_plans import day
from tests.planners.wide_snapshots import wide_tables

if TYPE_CHECKING:
    from collections.abc import Callable

Tables = dict[str, list[dict[str, Any]]]
FREE = [{"product": "A", "location": "L", "holding_rate": 0.0}]


def at_least(snapshot, **settings: object) -> float:
    """Bound of all plans of a snapshot."""
    run = built_run(snapshot, OptimizeParameters.from_mapping({**DAILY, **settings}))
    found = cost_at_least(run, Highs())
    assert found is not None
    return found


def wanted(
    *amounts: float, first: float = 20.0, **more: object
) -> list[dict[str, Any]]:
    return [
        {"demand": f"D{n}", "product": "A", "qty": qty, "due": day(first + n)}
        | {"price": 1000.0, **more}
        for n, qty in enumerate(amounts)
    ]


# --- examples ------------------------------------------------------------------------
@pytest.mark.req("OME-07")
def test_ten_demands_at_100_an_order_cost_100_at_least():
    """A mean order would carry one demand: 1,000, and one order serves all."""
    snapshot = factories.snapshot(
        demands=wanted(*[10.0] * 10),
        routings=[{"routing": "R", "product": "A", "fixed_cost": 100.0}],
        inventory_policies=FREE,
    )
    assert at_least(snapshot) == pytest.approx(100, rel=1e-5)
    found = plan(snapshot, "optimize", DAILY)
    assert scorecard(found, snapshot).total == pytest.approx(100)
    assert found.run.bound == pytest.approx(100, rel=1e-5)
    assert found.run.gap == pytest.approx(0, abs=1e-5)
    assert (
        "the plan comes to 100 EUR; no plan costs less than 100 EUR (gap < 0.1 %)"
        in str(found)
    )


@pytest.mark.req("OME-07")
def test_a_least_lot_beyond_all_that_is_wanted_is_paid_whole_in_the_bound():
    """50 of a least lot of 1,000 at 1, or of 10 at 2: 100."""
    terms = [
        {"product": "A", "supplier": "LARGE", "moq": 1000.0, "unit_price": 1.0},
        {"product": "A", "supplier": "SMALL", "moq": 10.0, "unit_price": 2.0},
    ]
    snapshot = factories.snapshot(
        demands=wanted(50.0),
        suppliers=[{"supplier": "LARGE"}, {"supplier": "SMALL"}],
        supply_terms=[{**one, "lead_time_days": 2} for one in terms],
    )
    assert at_least(snapshot) == pytest.approx(100, rel=1e-5)


def test_a_fixed_cost_is_spread_over_the_largest_lot():
    """30 in lots of at most 10: three orders."""
    snapshot = factories.snapshot(
        demands=wanted(30.0),
        routings=[
            {"routing": "R", "product": "A", "fixed_cost": 50.0, "max_lot": 10.0}
        ],
    )
    assert at_least(snapshot) == pytest.approx(150, rel=1e-5)


def test_what_cannot_be_there_in_time_is_late_in_the_bound():
    """Five days late at 3 a unit and day, and 1 to buy."""
    snapshot = factories.snapshot(
        demands=wanted(4.0, first=5.0, late_cost_per_day=3.0, short_cost=900.0),
        supply_terms=[{"product": "A", "lead_time_days": 10, "unit_price": 1.0}],
    )
    assert at_least(snapshot) == pytest.approx(4 * (5 * 3 + 1), rel=1e-5)
    weighed = at_least(snapshot, cost_weight=0.0, lateness_weight=2.0)
    assert weighed == pytest.approx(4 * 5 * 3 * 2, rel=1e-5)


def test_rival_lines_and_what_stands_in_are_free_to_choose():
    """Both need one B at 5 or one C at 2."""
    terms = [("B", 5.0), ("C", 2.0)]
    snapshot = factories.snapshot(
        demands=wanted(6.0),
        routings=[{"routing": "R", "product": "A"}],
        bom_lines=[
            {"routing": "R", "component": name, "substitute_group": "G"}
            | {"priority": place}
            for place, (name, _) in enumerate(terms, start=1)
        ],
        supply_terms=[
            {"product": name, "lead_time_days": 1, "unit_price": price}
            for name, price in terms
        ],
    )
    assert at_least(snapshot) == pytest.approx(12, rel=1e-5)
    taken = factories.snapshot(
        demands=wanted(6.0),
        substitutes=[{"product": "A", "substitute": "C", "ratio": 2.0}],
        supply_terms=[{"product": "C", "lead_time_days": 1, "unit_price": 2.0}],
    )
    assert at_least(taken) == pytest.approx(24, rel=1e-5)


# --- against every way to order ------------------------------------------------------
def tiny(seed: int) -> tuple[Tables, float]:
    """A tiny company, and what the cheapest of all its ways to order costs."""
    draw = random.Random(seed)
    qty, stock = draw.randint(1, 8), draw.randint(0, 6)
    lot = {"min_lot": draw.choice([0, 3]), "lot_multiple": draw.choice([0, 2])}
    routing: dict[str, float | int | None] = {
        "fixed_cost": draw.choice([0.0, 7.0, 40.0]),
        "cost_per_unit": 1.0,
        **lot,
    }
    hourly, minutes = draw.choice([0.0, 6.0]), draw.choice([0.0, 30.0])
    most = draw.choice([None, 4])
    routing["max_lot"] = most
    terms = [
        {"supplier": name, "moq": draw.choice([0, 5, 9]), "unit_price": price}
        | {"lot_multiple": draw.choice([0, 4])}
        for name, price in (("X", 1.0), ("Y", draw.choice([2.0, 3.0])))
    ]
    tier = draw.choice([None, (6, 0.5)])
    short = draw.choice([2.0, 15.0, 500.0])
    given: Tables = {
        "products": [{"product": "A"}, {"product": "B"}],
        "demands": wanted(float(qty), short_cost=short),
        "routings": [{"routing": "R", "product": "A", **routing}],
        "resources": [{"resource": "M", "cost_per_hour": hourly}],
        "steps": [{"routing": "R", "step": 1, "run_minutes_per_unit": minutes}],
        "step_resources": [{"routing": "R", "step": 1, "resource": "M"}],
        "bom_lines": [{"routing": "R", "component": "B", "qty_per": 2.0}],
        "stock": [{"product": "B", "location": "L", "qty": float(stock)}],
        "suppliers": [{"supplier": "X"}, {"supplier": "Y"}],
        "supply_terms": [{"product": "B", "lead_time_days": 1, **one} for one in terms],
    }
    if tier is not None:
        given["price_tiers"] = [
            {"supplier": "X", "product": "B", "min_qty": tier[0], "unit_price": tier[1]}
        ]

    def making(units: int) -> float:
        return routing["fixed_cost"] + units * (1.0 + hourly * minutes / 60)

    def buying(row: dict[str, Any], units: int) -> float:
        cheap = tier is not None and row["supplier"] == "X" and units >= tier[0]
        return units * (tier[1] if cheap and tier else row["unit_price"])

    made = [
        (n, making(n))
        for n in range(1, 13)
        if n >= lot["min_lot"]
        and n % (lot["lot_multiple"] or 1) == 0
        and (most is None or n <= most)
    ]
    bought = [
        (n, buying(row, n))
        for row in terms
        for n in range(1, 31)
        if n >= row["moq"] and n % (row["lot_multiple"] or 1) == 0
    ]
    cost_to_make, cost_to_buy = orders_of(made, math.inf), orders_of(bought, 0.0)
    best = min(
        cost_to_make(total)
        + cost_to_buy(max(0, 2 * total - stock))
        + short * max(0, qty - total)
        for total in range(13)
    )
    return given, best


def orders_of(
    choices: list[tuple[int, float]], beyond: float
) -> Callable[[int], float]:
    """Least cost of orders that bring so much; `beyond`: of bringing more."""

    @cache
    def cost(units: int) -> float:
        if units <= 0:
            return beyond if units else 0.0
        return min(price + cost(units - size) for size, price in choices)

    return cost


@pytest.mark.req("OME-07", "OMC-7.9.1")
@pytest.mark.parametrize("seed", range(examples(6, 200)))
def test_the_bound_is_the_cheapest_way_to_order(seed):
    """Companies with lots, least orders, prices by quantity and fixed costs."""
    given, best = tiny(seed)
    assert at_least(factories.snapshot(**given)) == pytest.approx(best, rel=1e-4)


@pytest.mark.req("OPA-05", "OME-07")
@pytest.mark.parametrize("seed", range(examples(3, 60)))
@pytest.mark.parametrize("most", [0, 10**9])
@pytest.mark.nightly
def test_the_bound_and_the_better_plan_hold_on_either_grid(seed, most):
    tables, cheapest = tiny(seed)
    snapshot = factories.snapshot(**tables)
    made = plan(snapshot, "optimize", {"most_cells": most})
    assert made.run.program.grid.startswith("21xday" if most else "1xweek")
    assert verify(made, snapshot) == []
    assert made.run.bound == pytest.approx(cheapest, rel=1e-4)
    cost = scorecard(made, snapshot).total
    usual = scorecard(plan(snapshot, "constrained"), snapshot).total
    assert cheapest * (1 - 1e-6) <= cost <= usual + 1e-6


# --- against plans -------------------------------------------------------------------
def priced(seed: int) -> Tables:
    """A wide company in which everything costs something."""
    draw, tables = random.Random(seed), wide_tables(seed)
    for row in tables.get("supply_terms", ()):
        row["unit_price"] = draw.choice([1.0, 3.0, 7.5])
    for row in tables.get("routings", ()):
        row |= {"fixed_cost": draw.choice([0.0, 10.0, 200.0]), "cost_per_unit": 0.5}
    for row in tables.get("lanes", ()):
        row |= {"fixed_cost": draw.choice([0.0, 100.0]), "cost_per_unit": 0.5}
    for row in tables.get("resources", ()):
        row["cost_per_hour"] = draw.choice([0.0, 5.0, 40.0])
    for row in tables.get("demands", ()):
        row["price"] = draw.choice([None, 10.0, 5000.0])
    return tables


@pytest.mark.req("OME-07")
@pytest.mark.parametrize("seed", some(range(100, 250), 3))
def test_no_plan_of_a_wide_company_costs_less_than_its_bound(seed):
    snapshot = factories.snapshot(**priced(seed))
    try:
        made = plan(snapshot, "constrained")
    except BadData:
        return
    money = scorecard(made, snapshot).total
    assert at_least(snapshot) <= money * (1 + 1e-9) + 1e-6


def test_every_plan_of_a_front_knows_the_bound():
    snapshot = factories.snapshot(
        demands=wanted(5.0),
        supply_terms=[{"product": "A", "lead_time_days": 2, "unit_price": 3.0}],
    )
    front = pareto(snapshot, ("cost", "lateness"), 2)
    assert front.plans
    for made in front.plans.values():
        assert made.run.bound == pytest.approx(15, rel=1e-5)
