"""Lots of a level: the best of all ways to cut needs into lots, and plans of them."""

from __future__ import annotations

import dataclasses
import itertools
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from medhavi.optimize.highs import Highs, SolverLimits
from medhavi.optimize.problem import SolveStatus
from medhavi.planners.constrained import netted_run
from medhavi.planners.constrained.memory import memory_of
from medhavi.planners.constrained.netting.prescribed_sources import Decisions
from medhavi.planners.constrained.search import searched_run
from medhavi.planners.constrained.search.plant.model import largest_tree
from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    joined_from,
    joined_until,
)
from medhavi.planners.master_plan.lots.lot_program import (
    EARLY,
    LATE,
    NEVER_MADE,
    LotHours,
    LotItem,
    LotNeed,
    LotSizes,
    lot_program,
)
from tests import factories
from tests.api import ConstrainedParameters, verify
from tests.examples import examples
from tests.planners.netted_plans import PARAMETERS
from tests.planners.search_plants import DAY, plant
from tests.planners.small_plans import KERNELS, day, orders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.master_plan.lots.lot_program import LotProgram


DAYS = np.ones(4)


def item(
    *needs: tuple[int, float],
    setup: float = 30.0,
    hold: float = 1.0,
    hours: Sequence[LotHours] = (),
    late: float = 100.0,
    first: int = 0,
) -> LotItem:
    return LotItem(
        needs=tuple(LotNeed(bucket, qty, late) for bucket, qty in needs),
        setup_cost=setup,
        holding=np.full(len(DAYS), hold),
        first=first,
        hours=tuple(hours),
    )


def solved(items: Sequence[LotItem], free: object) -> tuple[float, list[list[int]]]:
    """Least cost of the lots of some products, and when each need is made."""
    stated = lot_program(items, np.array(free, float).reshape(-1, len(DAYS)), DAYS)
    found = Highs().open(stated.program).solve()
    assert found.outcome is SolveStatus.OPTIMAL
    return found.objective, stated.buckets(found.values)


def tight(seed: int, products: int, days: int) -> LotProgram:
    """State lots of one machine whose hours are nearly all taken, drawn by seed."""
    rng = np.random.default_rng(seed)
    qty = rng.integers(20, 120, size=(products, days))
    items = [
        LotItem(
            needs=tuple(
                LotNeed(bucket, float(qty[place, bucket]), 1000.0)
                for bucket in range(2, days)
            ),
            setup_cost=float(rng.integers(200, 900)),
            holding=np.ones(days),
            first=0,
            hours=(LotHours(0, float(rng.integers(10, 40)), 1.0),),
        )
        for place in range(products)
    ]
    free = np.full((1, days), qty[:, 2:].sum() / days * 1.14)
    return lot_program(items, free, np.ones(days))


@pytest.mark.nightly
def test_needs_that_first_solutions_leave_out_are_given_to_lots_of_shared_ones():
    """After its root node the solver leaves four needs out: 320,436 against 223,417."""
    stated = tight(seed=0, products=6, days=12)
    solver = Highs(limits=SolverLimits(nodes=1))
    cost = stated.program.cost
    plain = solver.open(stated.program).solve()
    found = stated.solve(solver)
    never = stated.program.column_block("never").span
    assert plain.values[never].sum() > 3.5
    assert found.values[never].sum() < 2.5
    assert cost @ found.values < 0.75 * (cost @ plain.values)
    # Each need is whole in one lot, and hours and sequence hold.
    whole = found.values[stated.program.whole]
    assert np.abs(whole - whole.round()).max() < 1e-6


# --- the program ---------------------------------------------------------------------
def test_needs_join_one_lot_until_to_hold_them_costs_more_than_a_set_up():
    """Ten a day: two days are held for 30 in sum, what a lot costs; a third for 60."""
    needs = [(0, 10.0), (1, 10.0), (2, 10.0)]
    cost, made = solved([item(*needs, setup=35.0)], [])
    assert made == [[0, 0, 0]]
    assert cost == pytest.approx(65)
    cost, made = solved([item(*needs, setup=15.0)], [])
    assert len(set(made[0])) == 2
    assert cost == pytest.approx(40)


def test_a_lot_is_made_earlier_where_hours_are_short():
    """Three lots of a day want day 2, with what is begun on day 1: one is held."""
    hours = [LotHours(0, 1.0, 0.5)]
    cheap = item((2, 10.0), hold=0.1, hours=hours)
    dear = item((2, 10.0), hold=2.0, hours=hours)
    cost, made = solved([dear, cheap, dear], [6, 6, 6, 6])
    assert made == [[2], [1], [2]]
    assert cost == pytest.approx(91)


def test_what_does_not_fit_into_a_day_is_begun_the_day_before():
    """A lot of 9 h on days of 6 h."""
    cost, made = solved([item((1, 18.0), hours=[LotHours(0, 0.0, 0.5)])], [6, 6, 6, 6])
    assert made == [[1]]
    assert cost == pytest.approx(30)


def test_what_no_bucket_has_hours_for_is_never_made():
    cost, made = solved([item((0, 10.0), hours=[LotHours(0, 5.0, 1.0)])], [0, 0, 0, 0])
    assert made == [[NEVER_MADE]]
    assert cost == pytest.approx(10 * 100 * 4 + 30)


def enumerated(items: Sequence[LotItem], free: np.ndarray) -> float:
    """Cost of the cheapest of all ways to make each need in some bucket, or never.

    The hours that a bucket takes of the one before are as the program allows.
    """
    usual = [
        hours.setup + hours.each * need.qty
        for one in items
        for need in one.needs
        for hours in one.hours
    ]
    most = max(sum(usual) / len(usual), max(usual) - float(free.max()))
    choices = [buckets_of(one, need) for one in items for need in one.needs]
    firsts = np.cumsum([0, *(len(one.needs) for one in items)])
    best = np.inf
    for made in itertools.product(*choices):
        parts = [made[a:b] for a, b in itertools.pairwise(firsts)]
        kept = [[t for t in own if t != NEVER_MADE] for own in parts]
        if all(own == sorted(own) for own in kept) and fits(items, parts, free, most):
            best = min(best, sum(map(cost_of, items, parts)))
    return best


def buckets_of(one: LotItem, need: LotNeed) -> list[int]:
    """Buckets in which a need may be made."""
    last = min(need.bucket + LATE, len(DAYS) - 1)
    held = [
        need.qty * one.holding[bucket : need.bucket].sum() for bucket in range(last + 1)
    ]
    near = [
        bucket
        for bucket in range(one.first, last + 1)
        if bucket >= need.bucket - 1 or held[bucket] <= EARLY * one.setup_cost
    ]
    return [NEVER_MADE, *near]


def cost_of(one: LotItem, made: Sequence[int]) -> float:
    """What it costs to make the needs of a product in some buckets."""
    cost = one.setup_cost * len(set(made) - {NEVER_MADE})
    for need, bucket in zip(one.needs, made, strict=True):
        if bucket == NEVER_MADE:
            cost += need.qty * need.late * (len(DAYS) - need.bucket) + one.setup_cost
        else:
            cost += need.qty * one.holding[bucket : need.bucket].sum()
            cost += need.qty * need.late * max(0, bucket - need.bucket)
    return cost


def fits(
    items: Sequence[LotItem],
    parts: Sequence[Sequence[int]],
    free: np.ndarray,
    most: float,
) -> bool:
    """Whether buckets have the hours, with so many of the one before."""
    hours = np.zeros(len(DAYS))
    for one, made in zip(items, parts, strict=True):
        for each in one.hours:
            for bucket in set(made) - {NEVER_MADE}:
                hours[bucket] += each.setup
            for need, bucket in zip(one.needs, made, strict=True):
                if bucket != NEVER_MADE:
                    hours[bucket] += each.each * need.qty
    over = 0.0
    for bucket in range(len(DAYS) - 1, -1, -1):
        over = max(0.0, hours[bucket] + over - free[bucket])
        if over > (most if bucket else 0.0) + 1e-9:
            return False
    return True


@pytest.mark.parametrize("seed", range(examples(2, 40)))
def test_lots_are_the_cheapest_of_all_ways_to_cut_needs(seed):
    draw = random.Random(seed)
    items = [
        item(
            *(
                (bucket, float(draw.randint(2, 9)))
                for bucket in sorted(draw.sample(range(len(DAYS)), draw.randint(1, 3)))
            ),
            setup=float(draw.choice([5, 20, 60])),
            hold=draw.choice([0.5, 2.0]),
            late=draw.choice([3.0, 50.0]),
            hours=[LotHours(0, draw.choice([0.0, 2.0]), draw.choice([0.5, 1.0]))],
            first=draw.choice([0, 0, 1]),
        )
        for _ in range(2)
    ]
    free = np.array([float(draw.choice([0, 6, 12])) for _ in DAYS])
    cost, made = solved(items, free)
    assert cost == pytest.approx(enumerated(items, free), abs=1e-6)
    for own in made:
        begun = [bucket for bucket in own if bucket != NEVER_MADE]
        assert begun == sorted(begun)


# --- sizes and prices ---------------------------------------------------------------
MOST_UNITS = 12


def priced_orders(sizes: Sequence[LotSizes], bucket: int) -> list[float]:
    """Least cost of orders in a bucket that bring so many units, by units."""
    costs = [0.0, *[np.inf] * MOST_UNITS]
    for units in range(1, MOST_UNITS + 1):
        for one in sizes:
            for size in range(int(one.least), min(units, int(one.most)) + 1):
                if bucket >= one.first and size % (one.multiple or 1) == 0:
                    price = one.fixed + one.each * size
                    costs[units] = min(costs[units], costs[units - size] + price)
    return costs


@pytest.mark.req("OMC-7.9.1")
@pytest.mark.parametrize("seed", range(examples(2, 60)))
def test_orders_of_sizes_are_the_cheapest_of_all_ways_to_buy(seed):
    """Least orders, multiples, a price break, a second supplier that is later."""
    draw = random.Random(seed)
    multiple, least = draw.choice([0.0, 2.0, 3.0]), draw.choice([1, 4])
    start = -(-least // int(multiple or 1)) * int(multiple or 1)
    end = 6 // int(multiple or 1) * int(multiple or 1)
    more = (end + (multiple or 1.0), 12.0, multiple, 0.0, draw.choice([1.0, 3.0]), 0)
    sizes = [
        LotSizes("X", float(start), float(end), multiple, 0.0, 4.0, 0),
        LotSizes("X", *more),
        LotSizes(
            "Y", 1.0, 12.0, 0.0, draw.choice([0.0, 5.0]), 2.5, draw.choice([0, 2])
        ),
    ]
    qty = {t: draw.randint(1, 4) for t in draw.sample(range(4), draw.randint(1, 3))}
    needs = [(t, float(qty[t])) for t in sorted(qty)]
    hold, late = draw.choice([0.1, 1.0]), 20.0
    one = item(*needs, setup=200.0, hold=hold, late=late)
    one = dataclasses.replace(one, sizes=tuple(sizes))
    stated = lot_program([one], np.zeros((0, 4)), DAYS)
    found = Highs().open(stated.program).solve()
    ways = np.array(list(itertools.product(range(MOST_UNITS + 1), repeat=4)))
    costs = np.array([priced_orders(sizes, bucket) for bucket in range(4)])
    there = ways.cumsum(axis=1) - np.cumsum([qty.get(t, 0) for t in range(4)])
    spent = costs[np.arange(4), ways].sum(axis=1)
    spent += (hold * np.maximum(there, 0) - late * np.minimum(there, 0)).sum(axis=1)
    best = spent[there[:, -1] >= 0].min()
    assert found.objective == pytest.approx(best, rel=1e-4)
    bought = sum(order.qty for order in stated.orders(found.values, 0))
    assert bought >= sum(qty.values()) - 1e-6
    made = stated.buckets(found.values)[0]
    assert made == sorted(made)
    assert NEVER_MADE not in made


# --- lots that are obeyed -----------------------------------------------------------
FOUR = [
    {"demand": f"D{number}", "product": "A", "qty": 5.0 + number, "due": day(number)}
    for number in range(10, 14)
]
MADE = {
    "demands": FOUR,
    "routings": [{"routing": "R", "product": "A", "fixed_cost": 1.0}],
    "steps": [{"routing": "R", "step": 1, "run_minutes_per_unit": 10.0}],
    "resources": [{"resource": "M"}],
    "step_resources": [{"routing": "R", "step": 1, "resource": "M"}],
}


@pytest.mark.parametrize("way", ["netted", "searched"])
@pytest.mark.parametrize(
    ("begins", "sizes"),
    [
        ([day(12)], [31.0, 35.0]),
        ([day(11), day(13)], [15.0, 33.0, 18.0]),
        ([day(20)], [66.0]),
    ],
)
def test_needs_between_two_instants_join_one_lot(way, begins, sizes):
    """15, 16, 17 and 18 on four days."""
    snapshot = factories.snapshot(**MADE)
    lots = {("A", "L"): tuple(int(at.timestamp()) for at in begins)}
    decisions = Decisions(lots=lots)
    if way == "netted":
        memory = memory_of(snapshot, PARAMETERS, decisions)
        made = netted_run.plan(memory, PARAMETERS, "0", None, seed=None, why="asked")
    else:
        settings = ConstrainedParameters.from_mapping({**KERNELS, "effort": "light"})
        made = searched_run.plan(snapshot, settings, "0", decisions=decisions)
    assert [qty for _, qty, _, _ in orders(made)] == sizes
    assert not verify(made, snapshot)


@pytest.mark.parametrize("taken", [{}, {"offset_minutes": 60.0}])
def test_what_is_bought_in_lots_is_so_for_when_orders_take_it_late(taken):
    """As early as can be, both orders of A begin in the first lot: ten were bought.

    A component that is taken an hour after the begin is placed anew by all rules.
    """
    own = {"routing": "R", "step": 1}
    snapshot = factories.snapshot(
        products=[{"product": "A"}, {"product": "C"}],
        demands=[{"product": "A", "qty": 5.0, "due": day(n)} for n in (10, 20)],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{**own, "run_minutes_per_unit": 10.0}],
        resources=[{"resource": "M"}],
        step_resources=[{**own, "resource": "M"}],
        bom_lines=[{"routing": "R", "component": "C", "qty": 1.0, **taken}],
        supply_terms=[{"product": "C", "lead_time_days": 1.0, "moq": 3.0}],
    )
    lots = {("C", "L"): tuple(int(day(n).timestamp()) for n in (0, 12))}
    settings = ConstrainedParameters.from_mapping({**KERNELS, "effort": "light"})
    made = searched_run.plan(snapshot, settings, "0", decisions=Decisions(lots=lots))
    assert verify(made, snapshot) == []
    assert made.supplies.filter(product="C")["qty"].to_list() == [5.0, 5.0]


def test_an_order_joins_the_needs_of_its_lot_or_those_of_its_days():
    row = {"machine": 0, "rate": 1}
    lots = plant([{**row, "lots": [5 * DAY, 9 * DAY], "cover": FAR}], [])
    assert [joined_from(lots, 0, at * DAY) for at in (1, 5, 8, 9)] == [
        -FAR,
        5 * DAY,
        5 * DAY,
        9 * DAY,
    ]
    assert [joined_until(lots, 0, at * DAY) for at in (1, 5, 8)] == [
        5 * DAY,
        9 * DAY,
        9 * DAY,
    ]
    assert joined_until(lots, 0, 9 * DAY) >= FAR
    window = plant([{**row, "cover": 3 * DAY}], [])
    assert joined_from(window, 0, DAY) == DAY
    assert joined_until(window, 0, DAY) == 4 * DAY


def test_an_order_is_cut_into_as_many_as_its_lot_asks_for():
    """Ones of A in lots of 2 + 3 and 4, ones of B by need: not nine of either."""
    row = {"machine": 0, "rate": 1, "most": 1}
    asked = [(0, 2, DAY, 1), (0, 3, 2 * DAY, 1), (0, 4, 6 * DAY, 1)]
    lots = {**row, "lots": [5 * DAY], "cover": FAR}
    assert largest_tree(plant([lots], asked)) == 5
    assert largest_tree(plant([{**row, "cover": DAY}], asked)) == 9
    beside = [(1, qty, due, weight) for _, qty, due, weight in asked]
    assert largest_tree(plant([{**lots, "most": 0}, row], [asked[0], *beside])) == 4
