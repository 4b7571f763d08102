"""Plans of mode optimize that start from whole orders of all products."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

import medhavi
from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.api import plan, verify
from tests.examples import some
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

FROM_ORDERS = "guided, from whole orders"


def shop(
    demands: list[tuple[str, float, float]], setup: float = 60.0, fixed: float = 0.0
) -> Snapshot:
    """One machine open 8 h a day that makes A and B, an hour a unit.

    `demands` are product, quantity and due day; `setup` [min] and `fixed` are what an
    order takes whatever its size.
    """
    return factories.snapshot(
        settings=[{"as_of": day(0), "horizon_days": 12.0, "bucket": "day"}],
        products=[{"product": name, "unit_cost": 10.0} for name in "AB"],
        calendars=[{"calendar": "DAY"}],
        shifts=[
            {"calendar": "DAY", "weekday": weekday, "start": "00:00", "finish": "08:00"}
            for weekday in range(1, 8)
        ],
        resources=[{"resource": "M", "calendar": "DAY"}],
        routings=[
            {"routing": name, "product": name, "fixed_cost": fixed} for name in "AB"
        ],
        steps=[
            {"routing": name, "setup_minutes": setup, "run_minutes_per_unit": 60.0}
            for name in "AB"
        ],
        step_resources=[{"routing": name} for name in "AB"],
        demands=[
            {"demand": f"D{n}", "product": name, "qty": qty, "due": day(due)}
            for n, (name, qty, due) in enumerate(demands)
        ],
    )


@pytest.mark.nightly
def test_a_plan_tries_whole_orders_says_so_and_repeats():
    demands = [(name, 3.0, due) for due in (2, 3, 4, 5) for name in "AB"]
    snapshot = shop(demands, fixed=20.0)
    settings = {"bucket": "day"}
    made = plan(snapshot, mode="optimize", settings=settings)
    again = plan(snapshot, mode="optimize", settings=settings)
    assert not verify(made, snapshot)
    steps = {step.name: step.cost for step in made.run.steps}
    assert FROM_ORDERS in steps
    assert min(steps.values()) == pytest.approx(
        made.contributions["plan"].drop_nulls().sum(), abs=0.01
    )
    assert made.supplies.equals(again.supplies)


def test_whole_orders_are_left_out_where_they_are_too_many_or_effort_is_light():
    snapshot = shop([("A", 3.0, 3), ("B", 3.0, 4)])
    settings = {"bucket": "day"}
    none = plan(
        snapshot, mode="optimize", settings={**settings, "most_whole_orders": 0}
    )
    assert FROM_ORDERS not in [step.name for step in none.run.steps]
    light = plan(snapshot, mode="optimize", settings={**settings, "effort": "light"})
    assert FROM_ORDERS not in [step.name for step in light.run.steps]


@pytest.mark.parametrize("seed", some(range(4), 2))
@pytest.mark.nightly
def test_whole_orders_never_make_a_plan_dearer(seed: int):
    draw = random.Random(seed)
    demands = [
        (draw.choice("AB"), float(draw.randint(1, 6)), float(draw.randint(1, 6)))
        for _ in range(6)
    ]
    snapshot = shop(demands, setup=draw.choice([60.0, 180.0]), fixed=30.0)
    found = [
        plan(
            snapshot,
            mode="optimize",
            settings={"bucket": "day", "most_whole_orders": most},
        )
        for most in (3_000, 0)
    ]
    assert not verify(found[0], snapshot)
    cost, without = (one.contributions["plan"].drop_nulls().sum() for one in found)
    assert cost <= without + 0.01


@pytest.mark.req("OMO-15")
def test_no_plan_of_mode_optimize_beats_a_front():
    """12, 20 and 18 of A at 40 an order, of C each: 40 and more at 2, else at 4.

    One order of 12, whose C cost 4, and one of 38 for both that come later: 48 and 80
    for C, 80 for two orders, and what lies a while. A front had three orders: 242.
    """
    snapshot = factories.snapshot(
        products=[
            {"product": "A", "unit_cost": 10.0},
            {"product": "C", "unit_cost": 2.0},
        ],
        resources=[{"resource": "M"}],
        routings=[{"routing": "R", "product": "A", "fixed_cost": 40.0}],
        steps=[{"routing": "R", "run_minutes_per_unit": 30}],
        step_resources=[{"routing": "R"}],
        bom_lines=[{"routing": "R", "component": "C"}],
        supply_terms=[
            {"product": "C", "supplier": name, "unit_price": price, "moq": least}
            | {"lead_time_days": days}
            for name, price, least, days in (("S1", 2.0, 40.0, 8.0), ("S2", 4.0, 0, 1))
        ],
        demands=[
            {"demand": f"D{number}", "product": "A", "qty": qty, "due": day(due)}
            for number, (qty, due) in enumerate([(12, 5), (20, 12), (18, 20)])
        ],
    )
    found = medhavi.pareto(snapshot, ("cost", "lateness"), 3)
    assert found.points["cost"].to_list() == [pytest.approx(208, abs=2)]
    assert not verify(found.plan(1), snapshot)
    least = scorecard(plan(snapshot, "optimize"), snapshot).objectives
    assert found.points["cost"][0] <= least["cost"]
    within = {"cost": found.points["cost"][0] + 1}
    kept = medhavi.pareto(snapshot, ("cost", "lateness"), 3, budgets=within)
    assert kept.points["cost"].to_list() == found.points["cost"].to_list()
