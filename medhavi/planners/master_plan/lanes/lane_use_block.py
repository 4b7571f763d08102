r"""Block of lane use: departures below their least load, and lanes of lower preference.

Sets. l in L: lanes with a least load F_l [kg] and a timetable; k in K: buckets of
decisions; s in S(l): sources of the program that move by l, in columns t in T(s, k)
which leave in k; x_st: units ordered, of w_s kg each; e_lk: kg of existing orders.

    sum_(t in T(s, k)) x_st <= M_s u_lk                    for each l, k, s in S(l)
    below_lk >= F_l u_lk - e_lk - sum_(s, t) w_s x_st      [kg]
    u_lk, below_lk >= 0,   cost  price sum_lk below_lk     [base currency]

u_lk is the share of a departure that is used. M_s is the most of s that is wanted, see
`most_ordered`: the fixed charge with a row a source (Krarup and Bilde 1977), so all
that is wanted of a lane pays what lacks to one full load, however it is spread. Where
no M_s is known nothing is counted. Of a lane without a timetable each order has a
vehicle: what lacks to the least load of an order of usual size is spread over it.

A lane of preference q pays, for each order of usual size Q of a product at a place
whose best source has preference p,

    price (q - p) sum_t x_st / Q                           [base currency]

In the program with whole orders each order pays both, and gets back what it fills:

    filled_t <= w_s x_t,  filled_t <= F_l z_t,   cost  price (F_l z_t - filled_t)

where z_t orders are made in column t: of a lane without a timetable, or with one
product alone. Other lanes have the rows of departures.

Switch: the block is empty where `min_fill_price` and `lane_preference_price` are 0.

A plan pays the same prices for `kg_below_fill` and `lanes_behind`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.master_plan.openings.opening_block import most_ordered
from medhavi.planners.master_plan.statement import ObjectivePart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.optimize.problem import Block, Floats, Ints, Problem
    from medhavi.planners.master_plan.source_rates import SourceColumns
    from medhavi.planners.master_plan.statement import Statement

DEPARTED, DEPARTS = "departures used", "leaves with a departure"
BELOW, LEAST_LOAD, FILLED = "below the least load", "least load", "filled"


def add_lane_use(
    problem: Problem, statement: Statement, orders: Block, *, whole: bool
) -> None:
    """Add prices of lanes, and rows of least loads; `whole` orders pay their own."""
    parameters = statement.parameters
    moves = [
        (plan, most)
        for plan, most in zip(statement.plans, _most(statement), strict=True)
        if plan.kind == "move"
    ]
    if parameters.lane_preference_price and not whole:
        for plan, _ in moves:
            each = parameters.lane_preference_price * _behind(statement, plan)
            _add_each(problem, orders, plan, ObjectivePart.LANE_PREFERENCE, each)
    if not parameters.min_fill_price:
        return
    carried = Counter(_lane(plan) for plan in statement.plans)
    by_lane: dict[str, list[tuple[SourceColumns, float]]] = defaultdict(list)
    for plan, most in moves:
        least, lane = plan.ways[0].source.least_load_kg, _lane(plan)
        if not least or (whole and _has_vehicle(statement, plan, carried[lane])):
            continue
        if _is_scheduled(statement, plan):
            by_lane[lane].append((plan, most))
        else:
            missing = max(0.0, least - _weight(statement, plan) * plan.size)
            each = parameters.min_fill_price * missing
            _add_each(problem, orders, plan, ObjectivePart.BELOW_FILL, each)
    _add_least_loads(problem, statement, orders, by_lane)


class OrderPrice(NamedTuple):
    """What an order pays for its lane: money of the goal, and what it may fill [kg]."""

    money: float
    least: float


def order_price(statement: Statement, plan: SourceColumns, carried: int) -> OrderPrice:
    """Price of an empty order for its lane, which has so many products."""
    if plan.kind != "move":
        return OrderPrice(0.0, 0.0)
    parameters = statement.parameters
    money = least = 0.0
    if parameters.lane_preference_price:
        money += parameters.lane_preference_price * _behind(statement, plan)
    if parameters.min_fill_price and _has_vehicle(statement, plan, carried):
        least = plan.ways[0].source.least_load_kg
        money += parameters.min_fill_price * least
    return OrderPrice(money, least)


def add_filled(
    problem: Problem,
    statement: Statement,
    orders: Block,
    made: Iterable[tuple[SourceColumns, Ints, float]],
) -> None:
    """Pay whole orders back what they fill of their least load.

    Parameters
    ----------
    made
        Sources, places of their whole columns among all, and their least load [kg].
    """
    ours = [one for one in made if one[2]]
    size = sum(len(whole) for _, whole, _ in ours)
    filled = problem.columns(FILLED, size)
    loads, most = (problem.rows(f"{FILLED}, {n}", size, upper=0.0) for n in "xz")
    first = 0
    for plan, whole, least in ours:
        every = first + np.arange(len(whole))
        columns = orders.at(plan.first + np.arange(len(whole)))
        for rows, own, each in (
            (loads, columns, _weight(statement, plan)),
            (most, whole, least),
        ):
            problem.entries(rows.at(every), filled.at(every), 1.0)
            problem.entries(rows.at(every), own, -each)
        first += len(whole)
    price = statement.parameters.min_fill_price
    problem.cost(ObjectivePart.BELOW_FILL, filled.at(np.arange(size)), -price)


def _lane(plan: SourceColumns) -> str:
    return plan.ways[0].source.source


def _is_scheduled(statement: Statement, plan: SourceColumns) -> bool:
    """Whether a lane leaves by a timetable."""
    return statement.run.providers.transport.timetable(_lane(plan)).scheduled


def _has_vehicle(statement: Statement, plan: SourceColumns, carried: int) -> bool:
    """Whether an order leaves alone: without a timetable, or as the one product."""
    return carried == 1 or not _is_scheduled(statement, plan)


def _most(statement: Statement) -> Sequence[float]:
    """Most that is wanted of each source, where least loads have a price."""
    if not statement.parameters.min_fill_price:
        return [0.0] * len(statement.plans)
    return list(most_ordered(statement))


def _add_each(
    problem: Problem, orders: Block, plan: SourceColumns, part: str, each: float
) -> None:
    """Spread money of an order over one of usual size."""
    if each:
        columns = orders.at(plan.first + np.arange(len(plan.times.start)))
        problem.cost(part, columns, each / plan.size)


def _behind(statement: Statement, plan: SourceColumns) -> int:
    """How far a lane is behind the best source of its product at its place."""
    ways = statement.run.model.ways(plan.given[0].node) if plan.given else plan.ways
    own = plan.ways[0].source.preference
    return own - min([own, *(way.source.preference for way in ways)])


def _weight(statement: Statement, plan: SourceColumns) -> float:
    """Weight of a unit of what is moved [kg]."""
    return statement.run.providers.facts.weight_kg(plan.ways[0].source.product)


def _add_least_loads(
    problem: Problem,
    statement: Statement,
    orders: Block,
    by_lane: Mapping[str, Sequence[tuple[SourceColumns, float]]],
) -> None:
    """Add a row per lane and bucket, and one per source that leaves in it."""
    size, lanes = statement.grid.size, sorted(by_lane)
    used = problem.columns(DEPARTED, len(lanes) * size)
    below = problem.columns(BELOW, len(lanes) * size)
    loads = problem.rows(LEAST_LOAD, len(lanes) * size, -_standing(statement, lanes))
    links: list[tuple[int, Ints, float]] = []
    for number, lane in enumerate(lanes):
        places = number * size + np.arange(size)
        problem.entries(loads.at(places), below.at(places), 1.0)
        least = by_lane[lane][0][0].ways[0].source.least_load_kg
        problem.entries(loads.at(places), used.at(places), -least)
        for plan, most in by_lane[lane]:
            bucket = np.searchsorted(statement.grid.edges, plan.times.begin, "right")
            place = number * size + bucket - 1
            columns = plan.first + np.arange(len(bucket))
            weight = _weight(statement, plan)
            problem.entries(loads.at(place), orders.at(columns), weight)
            if np.isfinite(most) and most > 0:
                links += [
                    (int(at), columns[place == at], most) for at in np.unique(place)
                ]
    rows = problem.rows(DEPARTS, len(links), upper=0.0)
    for row, (at, columns, most) in enumerate(links):
        here = rows.at([row])
        problem.entries(np.repeat(here, len(columns)), orders.at(columns), 1.0)
        problem.entries(here, used.at([at]), -most)
    price = statement.parameters.min_fill_price
    problem.cost(ObjectivePart.BELOW_FILL, below.at(np.arange(below.size)), price)


def _standing(statement: Statement, lanes: Sequence[str]) -> Floats:
    """Weight of existing orders by lane and bucket, lane first [kg]."""
    grid, run = statement.grid, statement.run
    found: Floats = np.zeros((len(lanes), grid.size))
    for order in run.release.orders:
        departure = order.timing.departure
        if order.source_id in lanes and departure is not None:
            at = int(np.searchsorted(grid.edges, departure, side="right")) - 1
            if 0 <= at < grid.size:
                found[lanes.index(order.source_id), at] += run.weight_kg(order)
    return found.ravel()
