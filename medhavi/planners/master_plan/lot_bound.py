r"""What lots of a product, and whole orders, cost at least in every plan.

Of a product with one source, whose lots arrive in bucket t of the positions, y_t of
them; e_d of what demand d gets stands already, z_dt came in lots of bucket t:

    given_d = e_d + sum_t z_dt,   z_dt <= q_d y_t,   sum_d z_dt <= M y_t
    sum_d e_d <= existing,   sum_dt z_dt <= x
    sum_(u <= t, products) (a y_u + sum_d b z_du) <= hours open by the end of t

and costs K y_t + sum h_dt z_dt. K is the fixed cost of an order, of which no more than
M is of use. Each row holds in every plan:

- An order is counted once, and serves a demand by its whole need at most.
- What was received by the end of a bucket and is delivered in a later one is in stock
  at that end, by which the scorecard counts holding; nothing is delivered before it is
  due. Stock of others is on top of it.
- All work of lots that are there by an instant was done before it, on the hours that
  were open: a set-up a (of the step, whatever ran before) and b for a unit of use.
- What comes later than a bucket begins is late by as much.

This is the facility-location relaxation (Krarup and Bilde 1977) with hours summed up
over time: a lot may run from bucket to bucket. Far ends of time are one column each
without a lot or hours, at the least that they cost.

Beside its useful amount x_s, of which a unit costs r_s at least, a source s whose
orders are no straight line has n_sk orders within the sizes of its k-th price, w_sk
units in all, of which a unit gives g_s:

    a_sk n_sk <= w_sk <= b_sk n_sk,   w_sk = m_s e_sk,   n_sk and e_sk whole
    existing_n + sum_s g_s w_sk >= sum_s b_ns w_sk + sum_dk y_dk
    r_s x_s + more_s >= sum_k (f_sk n_sk + p_sk w_sk)

All that is ordered is paid, be it of use or not. Of any plan the orders that others
make good for may be left out and those of more than all that is wanted cut to it, or
to the least size of the best price: what is left fits these rows and costs no more. So
b_sk of a source without a largest lot is the larger one of both, and whole columns have
an end: without one HiGHS may miss the best of them.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.netting.earliest_supply import given_beside
from medhavi.planners.master_plan.blocks import PART_OF
from medhavi.planners.master_plan.statement import ObjectivePart
from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.results.buckets import grid
from medhavi.units import DAY, DAYS_PER_YEAR, MINUTE, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from medhavi.optimize.problem import Block, Floats, Ints, Problem
    from medhavi.planners.master_plan.statement import ProgramRun
    from medhavi.planners.mrp.netting_state.state import (
        Node,
        NodeKey,
        SupplyAlternative,
    )
    from medhavi.providers.sources import Source

    Bools = NDArray[np.bool_]

EARLY = 3.0
"""Set-ups that a demand is held for at most in a bucket of its own."""
LATE = 3
"""Buckets of their own behind the one in which a demand is due."""
MOST_BUCKETS = 200
"""With more, lots are left out: time by the hour says little more of them."""
MOST_WHOLE = 4_000
"""Shares of demands beyond which lots may be parts, to be solved sooner."""


class LotPrice(NamedTuple):
    """A product of which lots are counted, by unit of use.

    Parameters
    ----------
    key
        The product at its place.
    column
        What its source brings.
    fixed
        Weighted cost of an order [base currency].
    saved
        What a useful unit costs less where that is paid beside.
    most
        Units of an order that are of use.
    existing
        Units that stand.
    holding
        Weighted cost to hold a unit for a second [base currency].
    setup, each
        Seconds of each resource for an order, and for a unit.
    """

    key: NodeKey
    column: int
    fixed: float
    saved: float
    most: float
    existing: float
    holding: float
    setup: dict[str, float]
    each: dict[str, float]


class DemandPart(NamedTuple):
    """A part of a demand: its column, units, due date and lateness at least [s].

    `late` is the weighted cost of a unit for a second.
    """

    key: NodeKey
    column: int
    size: float
    due: int
    over: int
    late: float


def has_lots(run: ProgramRun) -> set[NodeKey]:
    """Products of which all that demands get of new supply comes in lots of one source.

    Not of what dies, may stand in for something or be replaced, falls out of other
    work, is held for somebody or taken by orders that stand: stock of it may be less
    than what waits for demands.
    """
    beside = given_beside(run.model)
    taken = {one.node.key for one in run.release.needs if one.demand == NO_DEMAND}
    held = {pin.node.key for pins in run.intake.pins.values() for pin in pins}
    nodes = [node for cluster in run.clusters for node in cluster]
    others = {other.key for node in nodes for other, _, _ in node.substitutes}
    found = set()
    for node in nodes:
        ways = run.model.ways(node)
        if (
            len(ways) == 1
            and len(ways[0].yields) < 2
            and ways[0].source.own_fixed_cost > 0
            and node.shelf_life is None
            and not node.substitutes
            and id(node) not in beside
            and node.key not in taken | held | others
        ):
            found.add(node.key)
    return found


def seconds_of(
    run: ProgramRun, way: SupplyAlternative, gain: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of finite resources that an order takes at least, and a useful unit.

    Of steps that leave no choice. None of a source that may have begun before now.
    """
    setup: dict[str, float] = {}
    each: dict[str, float] = {}
    source, capacity = way.source, run.providers.capacity
    if source.kind != "make" or source.fence_start < run.as_of:
        return setup, each
    for task in capacity.compiled(source.source).tasks:
        options = [one for epoch in task.plan.epochs for one in epoch.options]
        pace = options[0].axis.steady if len(options) == 1 else None
        for name, amount in options[0].resources if pace else ():
            clock = capacity.resource(name)
            if pace and clock.finite and clock.bucket is None:
                fixed = float(options[0].setup) + float(task.fixed / pace)
                setup[name] = setup.get(name, 0.0) + amount * fixed
                rate = amount * float(task.rate / pace) / gain
                each[name] = each.get(name, 0.0) + rate
    return setup, each


def holding_of(run: ProgramRun, node: Node) -> float:
    """Weighted cost by the scorecard to hold a unit for a second [base currency]."""
    value = run.model.unit_cost(node.key[0]) * float(node.step)
    yearly = run.goals.inventory_weight * value * float(node.rules.holding_rate)
    return yearly / DAYS_PER_YEAR / DAY


class _Shares(NamedTuple):
    """What demand parts get of lots: arrays, one place a column.

    `in_lot`: of a lot of that bucket; `timed`: there by the end of the bucket.
    """

    part: Ints
    product: Ints
    bucket: Ints
    in_lot: Bools
    timed: Bools
    hold: Floats
    late: Floats


def add_lots(
    problem: Problem,
    run: ProgramRun,
    products: Sequence[LotPrice],
    parts: Sequence[DemandPart],
) -> dict[int, list[tuple[int, float]]]:
    """Add the lots of products to the program of a bound.

    Parameters
    ----------
    problem
        Has the columns of what sources bring and demands get.
    run
        Built and not netted.
    products
        Those of `has_lots` that demands ask for.
    parts
        All that demands get of them.

    Returns
    -------
    dict of int to list of (int, float)
        Columns that pay for the lots of a source, with what each pays, by its column.
    """
    edges = _edges(run, parts)
    if edges is None or not products:
        return {one.column: [] for one in products}
    shares = _shares(run, products, parts, edges)
    size, count = len(edges) - 1, len(shares.part)
    # One bucket more: orders that come when nobody asks.
    # No more are of use than units are: without an end HiGHS may miss the best of them.
    asked = dict.fromkeys((one.key for one in products), 1.0)
    for part in parts:
        asked[part.key] += part.size
    lots = problem.columns(
        "lots",
        len(products) * (size + 1),
        upper=np.repeat([asked[one.key] for one in products], size + 1),
        whole=count <= MOST_WHOLE,
    )
    share = problem.columns("of lots", count)
    _add_shares(problem, products, parts, shares, share)
    more = _add_sizes(problem, products, parts, shares, (lots, share))
    paid: dict[int, list[tuple[int, float]]] = {}
    for number, one in enumerate(products):
        kind = run.model.ways(run.model.node(one.key))[0].source.kind
        span = np.arange(number * (size + 1), (number + 1) * (size + 1))
        paid[one.column] = [(column, one.fixed) for column in lots.at(span).tolist()]
        paid[one.column].append((int(more.at([number])[0]), 1.0))
        problem.cost(PART_OF[kind], lots.at(span), one.fixed)
        problem.cost(PART_OF[kind], more.at([number]), 1.0)
    problem.cost(ObjectivePart.HOLDING, share.at(np.arange(count)), shares.hold)
    problem.cost(ObjectivePart.LATENESS, share.at(np.arange(count)), shares.late)
    _add_hours(problem, run, products, edges, (lots, share), shares)
    return paid


def _add_shares(
    problem: Problem,
    products: Sequence[LotPrice],
    parts: Sequence[DemandPart],
    shares: _Shares,
    share: Block,
) -> None:
    """Add where parts come from: of what stands, and of what sources bring."""
    place = {one.key: number for number, one in enumerate(products)}
    owner = [place[part.key] for part in parts]
    every, each = np.arange(len(shares.part)), np.arange(len(parts))
    stands = problem.columns("stands", len(parts))
    rows = problem.rows("given of", len(parts), 0.0, 0.0)
    problem.entries(rows.at(each), [one.column for one in parts], -1.0)
    problem.entries(rows.at(each), stands.at(each), 1.0)
    problem.entries(rows.at(shares.part), share.at(every), 1.0)
    stock = [one.existing for one in products]
    rows = problem.rows("standing", len(products), upper=stock)
    problem.entries(rows.at(owner), stands.at(each), 1.0)
    rows = problem.rows("brought", len(products), upper=0.0)
    problem.entries(rows.at(shares.product), share.at(every), 1.0)
    source = [one.column for one in products]
    problem.entries(rows.at(np.arange(len(products))), source, -1.0)


def _add_sizes(
    problem: Problem,
    products: Sequence[LotPrice],
    parts: Sequence[DemandPart],
    shares: _Shares,
    columns: tuple[Block, Block],
) -> Block:
    """Add how much lots bring at most, and what they cost by the unit at least.

    Gives the columns of what they cost beyond their set-ups.
    """
    lots, share = columns
    buckets = lots.size // len(products)
    lot = lots.at(shares.product * buckets + shares.bucket)
    some = np.flatnonzero(shares.in_lot)
    sizes = np.array([part.size for part in parts])
    rows = problem.rows("of a lot", len(some), upper=0.0)
    every = np.arange(len(some))
    problem.entries(rows.at(every), share.at(some), 1.0)
    problem.entries(rows.at(every), lot[some], -sizes[shares.part[some]])
    rows = problem.rows("of use", lots.size, upper=0.0)
    problem.entries(lot[some] - lots.start + rows.start, share.at(some), 1.0)
    most = np.repeat([one.most for one in products], buckets)
    every = np.arange(lots.size)
    problem.entries(rows.at(every), lots.at(every), -most)
    # All orders cost as much at least as the source does by the cheapest lot.
    rows = problem.rows("paid", len(products), lower=0.0)
    more = problem.columns("paid more", len(products))
    problem.entries(rows.at(np.arange(len(products))), more.at(np.arange(more.size)), 1)
    fixed = np.repeat([one.fixed for one in products], buckets)
    problem.entries(rows.at(every // buckets), lots.at(every), fixed)
    saved = np.array([one.saved for one in products])
    source = [one.column for one in products]
    problem.entries(rows.at(np.arange(len(products))), source, -saved)
    return more


def _edges(run: ProgramRun, parts: Sequence[DemandPart]) -> Ints | None:
    """Edges of the buckets of the positions from now on; None: too many."""
    rule = grid(run.settings.bucket, run.as_of)
    until = max((part.due for part in parts), default=run.as_of)
    found, behind = [run.as_of], 0
    while found[-1] <= until or behind < LATE:
        behind += found[-1] > until
        here = np.asarray([found[-1]], dtype=np.int64)
        found.append(int(rule.ends(rule.starts(here))[0]))
        if len(found) > MOST_BUCKETS:
            return None
    return np.asarray(found, dtype=np.int64)


def _shares(
    run: ProgramRun,
    products: Sequence[LotPrice],
    parts: Sequence[DemandPart],
    edges: Ints,
) -> _Shares:
    """Buckets in which lots for each part may arrive, and what each costs at least."""
    place = {one.key: number for number, one in enumerate(products)}
    # Holding counts up to the end of the horizon.
    held = np.minimum(edges, max(run.settings.horizon_end, run.as_of))
    last = len(edges) - 2
    rows: list[tuple[int, int, int, bool, bool, float, float]] = []
    for number, part in enumerate(parts):
        which = place[part.key]
        product = products[which]
        due = max(part.due, run.as_of)
        own = int(np.searchsorted(edges, due, side="right")) - 1
        # Backward from the due date until holding costs more than some set-ups: what is
        # earlier is one column, without a lot.
        for bucket in range(own, -1, -1):
            hold = product.holding * float(held[own] - held[bucket])
            far = hold * part.size > EARLY * product.fixed
            rows.append((number, which, bucket, not far, True, hold, 0.0))
            if far:
                break
        # Later ones; the last stands for all time after it, at the least lateness
        # there.
        for bucket in range(own + 1, own + LATE + 2):
            far = bucket > min(own + LATE, last)
            # From the begin of the bucket, less what its chain makes the part late in
            # any case.
            over = int(edges[min(bucket, last + 1)]) - part.due - part.over
            late = part.late * max(0, over)
            rows.append((number, which, min(bucket, last), not far, not far, 0.0, late))
            if far:
                break
    columns = zip(*rows, strict=True)
    kinds = (int, int, int, bool, bool, float, float)
    return _Shares(*(np.array(c, k) for c, k in zip(columns, kinds, strict=True)))


def _add_hours(
    problem: Problem,
    run: ProgramRun,
    products: Sequence[LotPrice],
    edges: Ints,
    columns: tuple[Block, Block],
    shares: _Shares,
) -> None:
    """Add rows of the hours of each resource, summed up to the end of each bucket."""
    lots, share = columns
    size, buckets = len(edges) - 1, lots.size // len(products)
    names = sorted({name for one in products for name in one.setup})
    if not names:
        return
    open_by = np.array([_open_by(run, name, edges) for name in names])
    rows = problem.rows("open hours", len(names) * size, upper=open_by.ravel())
    for number, name in enumerate(names):
        for place, one in enumerate(products):
            if name not in one.setup:
                continue
            own = np.flatnonzero((shares.product == place) & shares.timed)
            for end in range(size):
                row = rows.at([number * size + end])
                some = own[shares.bucket[own] <= end]
                problem.entries(
                    np.repeat(row, len(some)), share.at(some), one.each[name]
                )
                which = lots.at(place * buckets + np.arange(end + 1))
                problem.entries(np.repeat(row, end + 1), which, one.setup[name])


def _open_by(run: ProgramRun, name: str, edges: Ints) -> Floats:
    """Seconds of a resource from now to the end of each bucket, with its overtime."""
    clock = run.providers.capacity.resource(name)
    spans = [clock.available(low, high) for low, high in pairwise(edges.tolist())]
    (row,) = run.snapshot["resources"].filter(resource=name).to_dicts()
    # Of each day that has begun by then, the first and the last one in part.
    days = (edges[1:] - edges[0]) / DAY + 2
    most = run.snapshot["resource_units"].filter(resource=name)["units"].max()
    units = max(row["units"], most or 0.0)
    beyond = days * row["overtime_minutes_per_day"] * MINUTE * units
    found: Floats = np.cumsum(spans) + beyond
    return found


MOST_ORDER_COUNTS = 400
"""Whole columns beyond which orders are left out: as parts they say nothing more."""
DUST = 1e-9
"""Money below which there is none."""


class OrderSizes(NamedTuple):
    """Sizes of orders between two price breaks [units ordered], and what they cost.

    `fixed` is paid an order, `each` a unit [base currency].
    """

    least: int
    most: int
    fixed: float
    each: float


class WholeSource(NamedTuple):
    """A source whose orders are whole.

    Parameters
    ----------
    kind
        make, buy or move.
    column
        Its useful amount.
    paid
        Columns that pay for it besides, with what each pays [base currency].
    wanted
        Of it in all [units ordered]: no more orders than that are of use.
    multiple
        Of each order [units ordered].
    sizes
        By price.
    cells
        Rows of goods, with what a unit ordered gives; what it takes is below zero.
    """

    kind: str
    column: int
    paid: Sequence[tuple[int, float]]
    wanted: float
    multiple: int
    sizes: Sequence[OrderSizes]
    cells: Sequence[tuple[int, float]]


def largest_size(source: Source, wanted: float) -> int:
    """Largest order of which a plan has need that wants so much [units ordered]."""
    breaks = [_units(source, qty) for qty in source.costs.min_qtys]
    found = max(source.lot(one) for one in (1, math.ceil(wanted), *breaks))
    return min(found, source.max_lot or found)


def order_sizes(
    source: Source, most: int, price: Callable[[int], float]
) -> tuple[OrderSizes, ...]:
    """Sizes of orders by price; none: each unit costs the same, and all are possible.

    Parameters
    ----------
    source
        Lots and prices.
    most
        Largest order [units].
    price
        Cost of an order of a size [base currency].
    """
    least = source.lot(1)
    breaks = {source.lot(_units(source, qty)) for qty in source.costs.min_qtys}
    starts = [least, *sorted(one for one in breaks if least < one <= most)]
    found = []
    # Within a price range cost is linear in the size: two sizes tell the fixed cost and
    # the price.
    for start, end in zip(starts, [*starts[1:], most + 1], strict=True):
        last = start + (end - 1 - start) // source.multiple * source.multiple
        each = 0.0
        if last > start:
            each = (price(last) - price(start)) / (last - start)
        found.append(OrderSizes(start, last, price(start) - each * start, each))
    plain = len(found) == 1 and least == 1 and source.multiple == 1
    if plain and most > 1 and abs(found[0].fixed) <= DUST:
        return ()
    return tuple(found)


def _units(source: Source, qty: float) -> int:
    return math.ceil(exact(qty) / source.step) or 1


def add_orders(
    problem: Problem,
    sources: Sequence[WholeSource],
    goods: Sequence[tuple[int, int, float]],
    existing: Floats,
) -> None:
    """Add whole orders to the program of a bound.

    Parameters
    ----------
    problem
        Has the columns of what sources bring and demands get.
    sources
        Those whose orders are no straight line.
    goods
        Cells of the rows of goods: row, column, coefficient.
    existing
        What stands of each product, by row.
    """
    ranges = [(place, one) for place, s in enumerate(sources) for one in s.sizes]
    count = len(ranges)
    if (
        not 0
        < count + sum(sources[p].multiple > 1 for p, _ in ranges)
        <= MOST_ORDER_COUNTS
    ):
        return
    every = np.arange(count)
    owner = np.array([place for place, _ in ranges])
    pieces = np.array([float(sources[place].multiple) for place in owner])
    some = np.flatnonzero(pieces > 1)
    least = np.array([float(one.least) for _, one in ranges])
    most = np.array([float(one.most) for _, one in ranges])
    wanted = np.array([math.ceil(sources[place].wanted) + 1.0 for place in owner])
    orders = problem.columns("orders", count, upper=wanted, whole=True)
    units = problem.columns("ordered", count)
    pieces_at_most = np.ceil((wanted + most) / pieces)[some]
    lots = problem.columns("multiples", len(some), upper=pieces_at_most, whole=True)
    for name, size, sign in (("least size", least, -1.0), ("largest size", most, 1.0)):
        rows = problem.rows(name, count, lower=0.0)
        problem.entries(rows.at(every), units.at(every), -sign)
        problem.entries(rows.at(every), orders.at(every), sign * size)
    rows = problem.rows("of multiples", len(some), 0.0, 0.0)
    problem.entries(rows.at(np.arange(len(some))), units.at(some), 1.0)
    problem.entries(
        rows.at(np.arange(len(some))), lots.at(np.arange(len(some))), -pieces[some]
    )
    paid = problem.rows("paid for orders", len(sources), lower=0.0)
    more = problem.columns("paid more for orders", len(sources))
    problem.entries(paid.at(owner), orders.at(every), [-one.fixed for _, one in ranges])
    problem.entries(paid.at(owner), units.at(every), [-one.each for _, one in ranges])
    for place, source in enumerate(sources):
        columns = [more.start + place, *(column for column, _ in source.paid)]
        amounts = [1.0, *(amount for _, amount in source.paid)]
        problem.entries(np.repeat(paid.at([place]), len(columns)), columns, amounts)
        problem.cost(PART_OF[source.kind], more.at([place]), 1.0)
    own = {source.column for source in sources}
    cells = [cell for cell in goods if cell[1] not in own]
    for column, (place, _) in enumerate(ranges, start=units.start):
        cells += [(row, column, rate) for row, rate in sources[place].cells]
    rows = problem.rows("ordered goods", len(existing), lower=-existing)
    where, which, rates = zip(*cells, strict=True)
    problem.entries(rows.at(where), which, rates)
