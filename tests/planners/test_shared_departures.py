"""Transfers leave with others where that costs less: a departure is paid once."""

from __future__ import annotations

import datetime as dt
import random
from itertools import product
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.results.figures.scorecard import scorecard
from tests import factories
from tests.api import plan, verify
from tests.examples import some
from tests.planners.optimal_plans import DAILY, best
from tests.planners.small_plans import day, fulfilment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.plans.plan import Plan

Rows = dict[str, list[dict[str, Any]]]
Wanted = tuple[str, float, int]
"""Product, quantity and the day on which it is wanted."""
EACH_DAY = [{"weekday": number, "time": dt.time(0)} for number in range(1, 8)]
NEVER_SHORT = {"short_cost": 1e5}


def shipped(asked: Sequence[Wanted], fixed: float, value: float) -> Rows:
    """What lies in W is wanted at L, a day away; there a unit costs 20 % of `value`.

    That is by year; to lie in W costs nothing.
    """
    names = sorted({name for name, _, _ in asked})
    return {
        "settings": [{"bucket": "day"}],
        "products": [
            {"product": name, "unit_cost": value, "weight_kg": 1.0} for name in names
        ],
        "locations": [{"location": "L"}, {"location": "W"}],
        "lanes": [
            {"lane": "T", "origin": "W", "destination": "L", "duration_h": 24}
            | {"fixed_cost": fixed}
        ],
        "departures": [{"lane": "T", **one} for one in EACH_DAY],
        "inventory_policies": [
            {"product": name, "location": "W", "holding_rate": 0.0} for name in names
        ],
        "stock": [{"product": name, "location": "W", "qty": 1000.0} for name in names],
        "demands": [
            {"demand": f"D{number}", "product": name, "location": "L", "qty": qty}
            | {"due": day(due), **NEVER_SHORT}
            for number, (name, qty, due) in enumerate(asked)
        ],
    }


def least(asked: Sequence[Wanted], fixed: float, value: float) -> float:
    """Least money of departures and of what is at L before it is wanted: all tried."""
    each = value * 0.2 / 365
    return min(
        fixed * len(set(arrivals))
        + sum(
            qty * each * (due - at)
            for (_, qty, due), at in zip(asked, arrivals, strict=True)
        )
        for arrivals in product(*(range(1, due + 1) for _, _, due in asked))
    )


def paid(found: Plan, rows: Rows) -> float:
    card = scorecard(found, factories.snapshot(**rows))
    return card.transport + card.holding


def left(found: Plan) -> int:
    """How often the lane left."""
    moves = found.supplies.filter(pl.col("kind") == "move")
    return moves["departure"].n_unique()


@pytest.mark.req("OMO-05", "OMC-7.8.1")
@pytest.mark.parametrize(("value", "departures"), [(3650.0, 2), (36.5, 1)])
def test_orders_leave_together_where_holding_costs_less_than_a_departure(
    value, departures
):
    """5 of A on day 4, 5 of B on day 8: to be there 4 days sooner costs 40, or 0.40."""
    asked = [("A", 5.0, 4), ("B", 5.0, 8)]
    rows = shipped(asked, 30.0, value)
    found = best(**rows)
    assert left(found) == departures
    assert paid(found, rows) == pytest.approx(least(asked, 30.0, value))
    assert {fulfilment(found, f"D{n}")["status"] for n in (0, 1)} == {"on_time"}
    assert "orders and departures joined" in {one.name for one in found.run.steps}


@pytest.mark.req("OMO-05", "OMO-08")
@pytest.mark.parametrize(("share", "departures"), [(0.005, 1), (1.0, 2)])
def test_on_a_baseline_orders_leave_together_where_that_saves_its_share(
    share: float, departures: int
) -> None:
    """B is wanted on day 8, not 4: another departure costs 30, to wait there 0.40."""
    before, after = (
        factories.snapshot(**shipped([("A", 5.0, 4), ("B", 5.0, due)], 30.0, 36.5))
        for due in (4, 8)
    )
    settings = {**DAILY, "joining_share": share}
    first = plan(before, "optimize", settings)
    found = plan(after, "optimize", settings, baseline=first)
    assert (left(first), left(found)) == (1, departures)
    assert verify(found, after) == []


@pytest.mark.req("OMO-05")
def test_lots_do_not_join_for_a_departure_that_others_pay_as_well():
    """5 of A, B and C on days 4 and 8: to join those of a product costs 20, saves 30.

    All three joined are one departure and 60, as they are wanted two departures.
    """
    asked = [(name, 5.0, due) for name in "ABC" for due in (4, 8)]
    rows = shipped(asked, 30.0, 1825.0)
    found = best(**rows)
    assert paid(found, rows) == pytest.approx(60)
    assert left(found) == 2


@pytest.mark.req("OMO-05", "OMC-7.8.1")
@pytest.mark.parametrize(("room", "departures"), [(11.0, 1), (10.0, 2)])
def test_what_leaves_together_has_room_there(room: float, departures: int):
    """6 of A on day 4, 5 of B on day 8; a departure costs 30, to wait less than 1."""
    rows = shipped([("A", 6.0, 4), ("B", 5.0, 8)], 30.0, 36.5)
    rows["lanes"][0]["capacity_kg"] = room
    assert left(best(**rows)) == departures


@pytest.mark.req("OMO-05", "OMC-7.8.1")
def test_who_has_no_room_on_one_departure_leaves_with_the_one_before():
    """2 of A on day 2, 7 of B on day 4, 6 of C on day 8; 10 have room."""
    rows = shipped([("A", 2.0, 2), ("B", 7.0, 4), ("C", 6.0, 8)], 30.0, 36.5)
    rows["lanes"][0]["capacity_kg"] = 10.0
    moves = best(**rows).supplies.filter(pl.col("kind") == "move")
    leaves = dict(moves.select("product", "departure").iter_rows())
    assert leaves["A"] == leaves["B"] == day(1)
    assert leaves["C"] == day(7)


@pytest.mark.req("OMO-05", "OMC-7.8.1")
@pytest.mark.parametrize("seed", some(range(200), 3))
def test_departures_with_little_room_are_never_overloaded(seed: int):
    """The check of the plan finds nothing; no demand has two departures of its own."""
    draw = random.Random(seed)
    asked = [
        (name, float(draw.randint(1, 9)), draw.randint(1, 12))
        for name in "ABCDEFGH"[: draw.randint(2, 8)]
        for _ in range(draw.randint(1, 3))
    ]
    rows = shipped(asked, draw.choice([5.0, 30.0, 90.0]), draw.choice([36.5, 365.0]))
    most = max(qty for _, qty, _ in asked) + draw.randint(0, 6)
    rows["lanes"][0]["capacity_kg"] = most
    assert left(best(**rows)) <= len(asked)


@pytest.mark.req("OMO-05")
@pytest.mark.parametrize("seed", some(range(200), 3))
def test_departures_and_what_is_there_early_cost_least(seed: int):
    draw = random.Random(seed)
    asked = [
        (name, float(draw.randint(1, 9)), draw.randint(1, 9))
        for name in "ABCDE"[: draw.randint(2, 5)]
    ]
    fixed, value = draw.choice([5.0, 30.0, 90.0]), draw.choice([36.5, 365.0, 3650.0])
    rows = shipped(asked, fixed, value)
    found = best(**rows)
    assert paid(found, rows) == pytest.approx(least(asked, fixed, value))


@pytest.mark.req("OMO-05", "OMO-01")
def test_a_departure_that_many_share_is_chosen_over_a_cheap_way_for_each():
    """10 kg each of four products: a courier takes 80 each, the lorry 100 for all."""
    rows = shipped([(name, 10.0, 8) for name in "ABCD"], 100.0, 1.0)
    rows["lanes"][0] |= {"preference": 2}
    rows["lanes"].append(
        {"lane": "C", "origin": "W", "destination": "L", "duration_h": 24}
        | {"preference": 1, "cost_per_kg": 8.0}
    )
    found = best(**rows)
    assert paid(found, rows) == pytest.approx(100)
    assert left(found) == 1
