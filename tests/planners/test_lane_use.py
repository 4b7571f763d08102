"""Least loads of departures and lanes of lower preference have a price in money."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import product
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from medhavi.errors import UsageError
from medhavi.results.figures.lane_use import kg_below_fill, lanes_behind
from tests import factories
from tests.api import OptimizeParameters, plan, verify
from tests.examples import some
from tests.planners.mixed_sources import DAYS, company, tables_of
from tests.planners.optimal_plans import checked, parts, sources
from tests.planners.small_plans import day, fulfilment
from tests.planners.test_shared_departures import left, paid, shipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from tests.planners.test_shared_departures import Rows, Wanted


def filled(
    asked: Sequence[Wanted],
    value: float,
    fill: float,
    fixed: float = 0.0,
    standing: Mapping[int, float] | None = None,
) -> Rows:
    """What is `shipped`, a kg a unit, on departures of a least load.

    `standing` are existing transfers of Z by the day on which they leave.
    """
    rows = shipped(asked, fixed, value)
    rows["lanes"][0]["min_fill_kg"] = fill
    rows["products"].append({"product": "Z", "weight_kg": 1.0})
    rows["stock"].append({"product": "Z", "location": "W", "qty": 1000.0})
    rows["supply_orders"] = [
        {"supply_order": f"Z{at}", "kind": "transfer", "product": "Z", "location": "L"}
        | {"source": "T", "qty": kg, "status": "released", "start": day(at)}
        | {"due": day(at + 1)}
        for at, kg in (standing or {}).items()
    ]
    return rows


def told(made: Plan) -> dict[str, float]:
    """Parts of what the plan costs."""
    return dict(made.contributions.select("part", "plan").iter_rows())


def missing_by_hand(made: Plan, snapshot: Snapshot) -> float:
    """Kilograms that lack to the least loads, counted row by row."""
    least = {row["lane"]: row["min_fill_kg"] for row in snapshot["lanes"].to_dicts()}
    each = {row["product"]: row["weight_kg"] for row in snapshot["products"].to_dicts()}
    timed = set(snapshot["departures"]["lane"])
    load: dict[tuple[Any, ...], float] = defaultdict(float)
    new = set()
    for row in made.supplies.filter(kind="move").to_dicts():
        vehicle = row["departure"] if row["lane"] in timed else row["id"]
        load[row["lane"], vehicle] += row["qty"] * each[row["product"]]
        if row["status"] == "planned":
            new.add((row["lane"], vehicle))
    return sum(max(0.0, float(least[lane]) - load[lane, at]) for lane, at in new)


@pytest.mark.req("OMO-09")
@pytest.mark.parametrize(
    ("value", "price", "departures", "missing", "held"),
    [
        # 5 of A on day 4, 5 of B on day 8; B four days sooner costs 40, or 0.40.
        (3650.0, 0.0, 2, 8.0, 0.0),
        (3650.0, 4.9, 2, 8.0, 0.0),
        (3650.0, 5.1, 1, 0.0, 40.0),
        (36.5, 0.06, 1, 0.0, 0.4),
    ],
)
def test_orders_leave_together_where_that_costs_less_than_the_weight_that_lacks(
    value: float, price: float, departures: int, missing: float, held: float
) -> None:
    """A departure is to carry 9 kg: each with five lacks four."""
    snapshot = factories.snapshot(**filled([("A", 5, 4), ("B", 5, 8)], value, 9.0))
    found = checked(snapshot, {"min_fill_price": price})
    assert left(found) == departures
    assert kg_below_fill(found, snapshot) == pytest.approx(missing)
    assert told(found)["holding"] == pytest.approx(held)
    assert {fulfilment(found, f"D{n}")["status"] for n in (0, 1)} == {"on_time"}
    if price:
        assert told(found)["below least load"] == pytest.approx(price * missing)
    else:
        assert "below least load" not in told(found)


@pytest.mark.req("OMO-09")
@pytest.mark.parametrize(("fill", "lacks"), [(9.0, 4.0), (5.0, 0.0), (12.0, 7.0)])
def test_the_program_counts_what_lacks_to_a_least_load_whatever_else_it_may_do(
    fill: float, lacks: float
) -> None:
    """Five are wanted, no more: to spread them over departures saves nothing."""
    snapshot = factories.snapshot(**filled([("A", 5, 8)], 36.5, fill))
    found = checked(snapshot, {"min_fill_price": 2.0})
    assert parts(found)["below least load"] == pytest.approx(2 * lacks)
    assert told(found)["below least load"] == pytest.approx(2 * lacks)


@pytest.mark.req("OMO-09")
def test_what_leaves_anyway_fills_a_departure() -> None:
    """Existing transfers bring 6 kg on day 2: A, wanted on day 5, leaves with them."""
    rows = filled([("A", 5, 5)], 36.5, 9.0, standing={2: 6.0})
    snapshot = factories.snapshot(**rows)
    found = checked(snapshot, {"min_fill_price": 2.0})
    (moved,) = found.supplies.filter(kind="move", product="A").to_dicts()
    assert moved["departure"] == day(2)
    assert kg_below_fill(found, snapshot) == 0


@pytest.mark.req("OMO-09")
def test_a_lane_without_a_timetable_sends_a_vehicle_for_each_order() -> None:
    """Five of A and five of B weigh five kg each: four lack twice, whatever leaves."""
    rows = filled([("A", 5, 4), ("B", 5, 4)], 36.5, 9.0)
    snapshot = factories.snapshot(**{**rows, "departures": []})
    found = checked(snapshot, {"min_fill_price": 2.0})
    assert told(found)["below least load"] == pytest.approx(2 * 2 * 4)
    assert parts(found)["below least load"] == pytest.approx(2 * 2 * 4)


@pytest.mark.req("OMO-09")
@pytest.mark.parametrize(("price", "lane"), [(0.0, "U"), (9.0, "U"), (11.0, "T")])
def test_the_preferred_lane_is_used_where_the_other_saves_less_than_the_preference(
    price: float, lane: str
) -> None:
    """Ten units cost 20 on T, 10 on U, which is the second choice."""
    rows = shipped([("A", 10.0, 6)], 0.0, 36.5)
    rows["departures"] = []
    way = {"origin": "W", "destination": "L", "duration_h": 24}
    rows["lanes"] = [
        {"lane": "T", **way, "preference": 1, "cost_per_unit": 2},
        {"lane": "U", **way, "preference": 2, "cost_per_unit": 1},
    ]
    snapshot = factories.snapshot(**rows)
    found = checked(snapshot, {"lane_preference_price": price})
    assert sources(found) == {lane: 10}
    assert lanes_behind(found, snapshot) == (lane == "U")
    if price:
        own = price if lane == "U" else 0.0
        assert told(found)["lane preference"] == pytest.approx(own)
        assert parts(found)["lane preference"] == pytest.approx(own)


def least(
    asked: Sequence[Wanted],
    value: float,
    fill: float,
    price: float,
    fixed: float,
    standing: Mapping[int, float],
) -> float:
    """Least money of departures, least loads and stock: all arrivals tried."""
    each, best = value * 0.2 / 365, float("inf")
    for arrivals in product(*(range(1, due + 1) for _, _, due in asked)):
        held = sum(
            qty * each * (due - at)
            for (_, qty, due), at in zip(asked, arrivals, strict=True)
        )
        money = held
        for at in set(arrivals):
            load = standing.get(at - 1, 0.0) + sum(
                qty
                for (_, qty, _), own in zip(asked, arrivals, strict=True)
                if own == at
            )
            money += price * max(0.0, fill - load)
            money += 0.0 if at - 1 in standing else fixed
        best = min(best, money)
    return best


def drawn(seed: int) -> tuple[Rows, float, float]:
    """Random wants on departures of a least load, its price, and the least money."""
    draw = random.Random(seed)
    asked = [
        (name, float(draw.randint(1, 9)), draw.randint(2, 9))
        for name in "ABCDE"[: draw.randint(2, 5)]
    ]
    value, fixed = draw.choice([36.5, 365.0, 3650.0]), draw.choice([0.0, 20.0])
    fill, price = float(draw.randint(4, 20)), draw.choice([0.1, 1.0, 5.0])
    standing = {draw.randint(1, 7): 3.0} if draw.random() < 0.5 else {}
    rows = filled(asked, value, fill, fixed, standing)
    return rows, price, least(asked, value, fill, price, fixed, standing)


@pytest.mark.req("OMO-09")
@pytest.mark.parametrize("seed", some(range(24), 3))
def test_least_loads_departures_and_stock_cost_least_in_all(seed: int) -> None:
    rows, price, cheapest = drawn(seed)
    snapshot = factories.snapshot(**rows)
    found = checked(snapshot, {"min_fill_price": price})
    missing = missing_by_hand(found, snapshot)
    assert kg_below_fill(found, snapshot) == pytest.approx(missing)
    assert told(found)["below least load"] == pytest.approx(price * missing)
    assert paid(found, rows) + price * missing == pytest.approx(cheapest)


@pytest.mark.req("OMO-09")
@pytest.mark.parametrize("seed", some(range(24, 120), 3))
def test_a_plan_that_pays_for_least_loads_is_no_dearer_than_one_that_does_not(
    seed: int,
) -> None:
    """Transfers of one date move together, so a plan may cost more than the least."""
    rows, price, cheapest = drawn(seed)
    snapshot = factories.snapshot(**rows)
    costs = []
    for paying in (price, 0.0):
        found = checked(snapshot, {"min_fill_price": paying})
        costs.append(paid(found, rows) + price * missing_by_hand(found, snapshot))
    assert cheapest - 1e-6 <= costs[0] <= costs[1] + 1e-6


@pytest.mark.req("OMO-09")
@pytest.mark.parametrize("seed", some((17, 24, 63, 7, 11, 33, 60), 2))
@pytest.mark.nightly
def test_of_mixed_sources_the_prices_of_lanes_make_no_plan_dearer(seed: int) -> None:
    """Of 50 companies six cost up to 47 % more: orders were priced as usual ones."""
    draw = random.Random(seed)
    stated = tables_of(company(seed))
    fill, preference = draw.randint(3, 20), draw.randint(1, 3)
    snapshot = stated.replace(
        lanes=stated["lanes"].with_columns(
            min_fill_kg=pl.lit(float(fill)), preference=pl.lit(preference)
        ),
        products=stated["products"].with_columns(weight_kg=pl.lit(1.0)),
    )
    prices = {
        "min_fill_price": draw.choice([0.5, 3.0]),
        "lane_preference_price": draw.choice([0.0, 15.0]),
    }
    usual = {"bucket": f"{DAYS}xday", "late_days": 20}
    costs = []
    for paying in (True, False):
        found = plan(snapshot, "optimize", {**usual, **(prices if paying else {})})
        assert verify(found, snapshot) == []
        lacks = prices["min_fill_price"] * missing_by_hand(found, snapshot)
        behind = prices["lane_preference_price"] * lanes_behind(found, snapshot)
        parts_of = told(found)
        if paying:
            assert parts_of.pop("below least load") == pytest.approx(lacks)
            assert parts_of.pop("lane preference", 0.0) == pytest.approx(behind)
        costs.append(sum(one or 0.0 for one in parts_of.values()) + lacks + behind)
        if paying:
            assert found.run.bound is None or found.run.bound <= costs[0] + 1e-6
    assert costs[0] <= costs[1] + 1e-6


@pytest.mark.req("OMO-09")
def test_a_least_load_is_read_where_it_has_a_price_and_is_told_where_not() -> None:
    snapshot = factories.snapshot(**filled([("A", 5, 4)], 36.5, 9.0))
    for price, count in ((0.0, 1), (1.0, 0)):
        found = checked(snapshot, {"min_fill_price": price})
        idle = [one for one in found.findings if one.code == "PLAN011"]
        assert len(idle) == count


@pytest.mark.parametrize("name", ["min_fill_price", "lane_preference_price"])
def test_a_price_of_lane_use_is_a_number_and_not_negative(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        OptimizeParameters(**{name: -1.0})
