r"""Lot sizing of products of one level: which needs one order brings, and when.

Facility-location formulation (Krarup and Bilde 1977, Numerische Methoden bei
Optimierungsaufgaben 3, 155-186; Pochet and Wolsey, Production Planning by Mixed Integer
Programming, ISBN 978-0387299594, section 7.2). Of each product with y_t = 1 where a lot
is there by the end of bucket t, x_ts = 1 where it brings the need q_s of bucket s, and
u_s = 1 where nothing brings it:

    least  sum K y_t + sum q_s (hold_ts + late_ts) x_ts + sum q_s never_s u_s
    sum_t x_ts + u_s = 1,   x_ts <= y_t
    sum_(v <= t) x_vs <= sum_(v <= t) x_vr + u_r   for r the need before s
    sum_products (a y_t + sum_s b q_s x_ts) + w_(t+1) - w_t <= free_t,  w_t <= W

of each resource with free_t hours in bucket t, a for a set-up and b for a unit. Work
w_t for lots of bucket t is done in the bucket before, as much as a usual lot: it may
run over night with one set-up.

Of a product that is bought at prices by quantity an order of range k, n_tk of them,
brings w_tk units and costs f n_tk + p_k w_tk; what is left over is held:

    a_k n_tk <= w_tk <= b_k n_tk,   w_tk = m e_tk,   n_tk and e_tk whole
    sum_s q_s x_ts + left_t = sum_k w_tk,   y_t <= sum_k n_tk

Its needs may be shared among lots: what is left over of one serves a part of them.

A need is brought by one lot alone, and none of a later lot before one of an earlier
lot, so that a lot is known by the needs that it covers.
That is harder for a solver than shares, but for w: what did not fit by a little does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.problem import Floats, Problem, Program, inner

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from medhavi.optimize.problem import Block, Ints, Solution, Solver
    from medhavi.progress import Cancelled

EARLY = 3.0
"""Set-ups that a need is held for at most, made earlier than it is needed."""
LATE = 3
"""Buckets that a need comes late at most; what is later counts as never."""
NEVER_MADE = -1
"""Bucket of a need that no lot brings."""
DUST = 1e-6
"""Money, hours or units, or a share of them, below which there are none."""


class LotNeed(NamedTuple):
    """A need of a product.

    Parameters
    ----------
    bucket
        In which it is.
    qty
        How much [units].
    late
        What a unit costs for a day that it comes late.
    """

    bucket: int
    qty: float
    late: float


class LotHours(NamedTuple):
    """Hours of a resource: of a set-up, and for a unit."""

    resource: int
    setup: float
    each: float


class LotSizes(NamedTuple):
    """Sizes of orders between two price breaks of a source [units of the product].

    Each is a whole number of `multiple` (0: any); `fixed` is paid an order, `each` a
    unit, and none is there before bucket `first`. `hours` are what an order takes.
    """

    source: str
    least: float
    most: float
    multiple: float
    fixed: float
    each: float
    first: int
    hours: tuple[LotHours, ...] = ()

    @property
    def unit(self) -> float:
        """What a unit of the least order costs."""
        return self.each + self.fixed / self.least


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LotItem:
    """A product whose lots are sized.

    Parameters
    ----------
    needs
        By bucket, rising, one of each bucket.
    setup_cost
        What a lot costs whatever its size; with `sizes` the most that a larger one
        saves, and they say what it costs.
    holding
        What it costs to hold a unit over each bucket, shape (T,).
    first
        First bucket in which a lot may be there.
    hours
        What a lot takes of resources; with `sizes` nothing, they say what orders take.
    sizes
        Of orders, where their least, multiple or price matters.
    """

    needs: tuple[LotNeed, ...]
    setup_cost: float
    holding: Floats
    first: int
    hours: tuple[LotHours, ...]
    sizes: tuple[LotSizes, ...] = ()

    @property
    def ordered_in(self) -> set[int]:
        """Buckets in which orders of sizes may be there: sooner only costs more."""
        return {one.bucket for one in self.needs} | {one.first for one in self.sizes}

    @property
    def resources(self) -> set[int]:
        """Resources of which lots take hours."""
        sized = (hours for one in self.sizes for hours in one.hours)
        return {one.resource for one in (*self.hours, *sized)}

    def renumbered(self, place: Mapping[int, int]) -> LotItem:
        """The product with other numbers of resources."""

        def of(hours: Sequence[LotHours]) -> tuple[LotHours, ...]:
            return tuple(one._replace(resource=place[one.resource]) for one in hours)

        sizes = tuple(one._replace(hours=of(one.hours)) for one in self.sizes)
        return replace(self, hours=of(self.hours), sizes=sizes)


class LotOrder(NamedTuple):
    """An order of sizes: bucket by whose end it is there, and how much it brings."""

    sizes: LotSizes
    bucket: int
    qty: float


class _NeedShares(NamedTuple):
    """Needs by bucket of production: places in the items, costs, quantities."""

    item: list[int]
    need: list[int]
    bucket: list[int]
    cost: list[float]
    qty: list[float]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LotProgram:
    """A program, and what its shares stand for: item, need and bucket of each."""

    program: Program
    items: Sequence[LotItem]
    share_item: Sequence[int]
    share_need: Sequence[int]
    share_bucket: Sequence[int]

    def buckets(self, values: Floats) -> list[list[int]]:
        """Bucket in which each need of each item is made; `NEVER_MADE`: in none."""
        found = [[NEVER_MADE] * len(item.needs) for item in self.items]
        shares = values[self.program.column_block("shares").span]
        for place in np.flatnonzero(shares > 1 / 2).tolist():
            item, need = self.share_item[place], self.share_need[place]
            found[item][need] = self.share_bucket[place]
        never = values[self.program.column_block("never").span]
        first = 0
        for number, one in enumerate(self.items):
            left_out = never[first : first + len(one.needs)] > 1 / 2
            first += len(one.needs)
            if one.sizes:
                orders = self.orders(values, number)
                found[number] = _covering(one.needs, left_out.tolist(), orders)
        return found

    def orders(self, values: Floats, item: int) -> list[LotOrder]:
        """Orders of an item with sizes, by bucket."""
        units = self.program.column_block(f"ordered {item}")
        size = units.size // len(self.items[item].sizes)
        amounts = values[units.span].reshape(-1, size)
        return [
            LotOrder(
                self.items[item].sizes[which], bucket, float(amounts[which, bucket])
            )
            for bucket in range(size)
            for which in np.flatnonzero(amounts[:, bucket] > DUST).tolist()
        ]

    def solve(self, solver: Solver, cancelled: Cancelled | None = None) -> Solution:
        """Lots of all needs, as far as the solver finds some.

        Where hours are short its first solutions leave needs to no lot at all. Then
        needs are shared among lots first, which is far easier, and each is given to one
        of the lots that are made so; what costs less is the answer.
        """
        program = self.program
        found = solver.open(program).solve(cancelled=cancelled)
        if len(found.values) and not self._left_out(found):
            return found
        lots, share = (program.column_block(name) for name in ("lots", "shares"))
        whole = np.setdiff1d(program.whole, share.at(np.arange(share.size)))
        shared = solver.open(replace(program, whole=whole)).solve(cancelled=cancelled)
        if not len(shared.values):
            return found
        most = program.column_upper.copy()
        # Lots that the shares do not make stay closed: only which lot brings a need is
        # left.
        most[lots.span] = np.round(shared.values[lots.span])
        given = solver.open(replace(program, column_upper=most))
        again = given.solve(cancelled=cancelled)
        both = [one for one in (found, again) if len(one.values)]
        return min(both, key=lambda one: inner(program.cost, one.values), default=found)

    def _left_out(self, solution: Solution) -> bool:
        """Whether a solution leaves some need to no lot."""
        never = self.program.column_block("never").span
        return bool((solution.values[never] > 1 / 2).any())


def lot_program(items: Sequence[LotItem], free: Floats, days: Floats) -> LotProgram:
    """State the lots of some products that share resources.

    Parameters
    ----------
    items
        Products of one level.
    free
        Hours of the resources, shape (R, T).
    days
        Length of each bucket, shape (T,).
    """
    ends = np.cumsum(days)
    shares = _shares(items, ends)
    problem = Problem()
    size = len(ends)
    count = len(shares.item)
    lots = problem.columns("lots", len(items) * size, 0.0, 1.0, whole=True)
    share = problem.columns("shares", count, 0.0, 1.0, whole=True)
    owner, sizes, never = [], [], []
    for place, item in enumerate(items):
        for need in item.needs:
            owner.append(place)
            sizes.append(need.qty)
            # As late as at the end of all time, a bucket at least.
            left = ends[-1] - ends[need.bucket] + days[-1]
            never.append(need.qty * need.late * left + item.setup_cost)
    first = np.cumsum([0, *(len(item.needs) for item in items)])
    made = problem.rows("needs", len(owner), 1.0, 1.0)
    short = problem.columns("never", len(owner), 0.0, 1.0)
    where = first[shares.item] + np.array(shares.need, int)
    every = np.arange(count)
    problem.entries(made.at(where), share.at(every), 1.0)
    problem.entries(made.at(np.arange(len(owner))), short.at(np.arange(len(owner))), 1)
    problem.cost("late", short.at(np.arange(len(owner))), never)
    problem.cost("held and late", share.at(every), shares.cost)
    setups = np.repeat([0 if i.sizes else i.setup_cost for i in items], size)
    problem.cost("set-ups", lots.at(np.arange(len(items) * size)), setups)
    tied = problem.rows("of a lot", count, upper=0.0)
    lot = np.array(shares.item, int) * size + np.array(shares.bucket, int)
    problem.entries(tied.at(every), share.at(every), 1.0)
    problem.entries(tied.at(every), lots.at(lot), -1.0)
    loose = {
        need
        for place, item in enumerate(items)
        if item.sizes
        for need in range(first[place], first[place + 1])
    }
    _add_sequence(problem, first.tolist(), loose, (share, short), shares)
    hours = _add_hours(problem, items, free, lots, share, shares)
    for place, item in enumerate(items):
        if item.sizes:
            each_lot = lots.at(place * size + np.arange(size))
            _add_orders(problem, place, item, each_lot, share, shares, hours)
    # Of an item with sizes its orders are whole, and that is enough.
    sized = [bool(items[place].sizes) for place in shares.item]
    own = np.repeat([bool(item.sizes) for item in items], size)
    parts = np.concatenate(
        [share.at(np.flatnonzero(sized)), lots.at(np.flatnonzero(own))]
    )
    program = problem.program()
    return LotProgram(
        program=replace(program, whole=np.setdiff1d(program.whole, parts)),
        items=items,
        share_item=shares.item,
        share_need=shares.need,
        share_bucket=shares.bucket,
    )


def _covering(
    needs: Sequence[LotNeed], left_out: Sequence[bool], orders: Sequence[LotOrder]
) -> list[int]:
    """Bucket of the order that brings the last of each need, in their sequence."""
    asked, there, place = 0.0, 0.0, -1
    found = []
    for need, out in zip(needs, left_out, strict=True):
        if out or not orders:
            found.append(NEVER_MADE)
            continue
        asked += need.qty
        while there < asked * (1 - DUST) - DUST and place + 1 < len(orders):
            place += 1
            there += orders[place].qty
        found.append(orders[max(place, 0)].bucket)
    return found


def _add_orders(
    problem: Problem,
    place: int,
    item: LotItem,
    lots: Ints,
    share: Block,
    shares: _NeedShares,
    hours: Block,
) -> None:
    """Add the orders of an item with sizes, by size and bucket, and what is left."""
    size = len(item.holding)
    count = len(item.sizes) * size
    every, buckets = np.arange(count), np.arange(size)
    least, most, multiple, fixed, each, first = (
        np.repeat([one[field] for one in item.sizes], size) for field in range(1, 7)
    )
    bucket = np.tile(buckets, len(item.sizes))
    may_be = (bucket >= first) & np.isin(bucket, [*item.ordered_in])
    wanted = sum(need.qty for need in item.needs)
    # Whole columns have an end: without one HiGHS may miss the best of them.
    open_at = np.where(may_be, np.ceil(wanted / least) + 1, 0.0)
    orders = problem.columns(f"orders {place}", count, upper=open_at, whole=True)
    units = problem.columns(f"ordered {place}", count)
    problem.cost("orders", orders.at(every), fixed)
    problem.cost("orders", units.at(every), each)
    for name, bound, sign in (("least", least, 1.0), ("most", most, -1.0)):
        rows = problem.rows(f"{name} order {place}", count, lower=0.0)
        problem.entries(rows.at(every), units.at(every), sign)
        problem.entries(rows.at(every), orders.at(every), -sign * bound)
    for which, one in enumerate(item.sizes):
        own = which * size + buckets
        for resource, setup, unit in one.hours:
            problem.entries(hours.at(resource * size + buckets), orders.at(own), setup)
            problem.entries(hours.at(resource * size + buckets), units.at(own), unit)
    some = np.flatnonzero(multiple > 0)
    ends = np.ceil((wanted + most[some]) / multiple[some]) + 1
    pieces = problem.columns(f"multiples {place}", len(some), upper=ends, whole=True)
    rows = problem.rows(f"multiples {place}", len(some), 0.0, 0.0)
    problem.entries(rows.at(np.arange(len(some))), units.at(some), 1.0)
    problem.entries(
        rows.at(np.arange(len(some))), pieces.at(np.arange(len(some))), -multiple[some]
    )
    # What is left over is held until the end.
    left = problem.columns(f"left {place}", size)
    held = np.cumsum(item.holding[::-1])[::-1]
    problem.cost("held and late", left.at(buckets), held)
    rows = problem.rows(f"brought {place}", size, 0.0, 0.0)
    problem.entries(rows.at(buckets), left.at(buckets), -1.0)
    problem.entries(rows.at(every % size), units.at(every), 1.0)
    own = np.flatnonzero(np.array(shares.item, int) == place)
    bucket, qty = np.array(shares.bucket, int)[own], np.array(shares.qty)[own]
    problem.entries(rows.at(bucket), share.at(own), -qty)
    rows = problem.rows(f"ordered in {place}", size, upper=0.0)
    problem.entries(rows.at(buckets), lots, 1.0)
    problem.entries(rows.at(every % size), orders.at(every), -1.0)


def _shares(items: Sequence[LotItem], ends: Floats) -> _NeedShares:
    """Buckets in which each need may be made, and what it costs there."""
    found = _NeedShares([], [], [], [], [])
    for place, item in enumerate(items):
        held = np.concatenate([[0.0], np.cumsum(item.holding)])
        most, ordered_in = EARLY * item.setup_cost, item.ordered_in
        for number, need in enumerate(item.needs):
            due = need.bucket
            for bucket in range(item.first, min(due + LATE, len(ends) - 1) + 1):
                if item.sizes and bucket not in ordered_in:
                    continue
                if bucket <= due:
                    cost = need.qty * float(held[due] - held[bucket])
                    if cost > most and bucket < due - 1:
                        continue
                else:
                    cost = need.qty * need.late * float(ends[bucket] - ends[due])
                found.item.append(place)
                found.need.append(number)
                found.bucket.append(bucket)
                found.cost.append(cost)
                found.qty.append(need.qty)
    return found


def _add_sequence(
    problem: Problem,
    first: Sequence[int],
    loose: Container[int],
    columns: tuple[Block, Block],
    shares: _NeedShares,
) -> None:
    """Add rows by which needs of a product are made in their sequence.

    Else a lot would cover needs on both sides of another one's. Not of those that are
    `loose`.
    """
    share, short = columns
    by_need: dict[int, list[int]] = {}
    for place, (item, need) in enumerate(zip(shares.item, shares.need, strict=True)):
        by_need.setdefault(first[item] + need, []).append(place)
    pairs = [
        (need - 1, need, bucket)
        for need, places in by_need.items()
        if need - 1 in by_need and need not in first and need not in loose
        for bucket in (shares.bucket[place] for place in places)
    ]
    rows = problem.rows("sequence", len(pairs), upper=0.0)
    for row, (before, need, bucket) in enumerate(pairs):
        for owner, sign in ((need, 1.0), (before, -1.0)):
            some = [one for one in by_need[owner] if shares.bucket[one] <= bucket]
            problem.entries(np.repeat(rows.at([row]), len(some)), share.at(some), sign)
        problem.entries(rows.at([row]), short.at([before]), -1.0)


def _add_hours(
    problem: Problem,
    items: Sequence[LotItem],
    free: Floats,
    lots: Block,
    share: Block,
    shares: _NeedShares,
) -> Block:
    """Add the hours that lots take of each resource in each bucket."""
    resources, size = free.shape
    used = problem.rows("hours", resources * size, upper=free.ravel())
    buckets = np.arange(size)
    usual: list[list[float]] = [[] for _ in range(resources)]
    item, bucket = np.array(shares.item, int), np.array(shares.bucket, int)
    qty = np.array(shares.qty)
    for place, one in enumerate(items):
        own = np.flatnonzero(item == place)
        for resource, setup, each in one.hours:
            rows = used.at(resource * size + buckets)
            problem.entries(rows, lots.at(place * size + buckets), setup)
            rows = used.at(resource * size + bucket[own])
            problem.entries(rows, share.at(own), each * qty[own])
            usual[resource] += [setup + each * need.qty for need in one.needs]
        for sizes in one.sizes:
            for resource, setup, each in sizes.hours:
                usual[resource] += [
                    setup + each * max(sizes.least, need.qty) for need in one.needs
                ]
    # The last bucket has no work of the next one, the first one no bucket before it.
    begun = problem.columns(
        "begun before",
        resources * size,
        upper=np.where(buckets > 0, _overnight(usual, free)[:, None], 0.0).ravel(),
    )
    every = np.arange(resources * size)
    problem.entries(used.at(every), begun.at(every), -1.0)
    before = every[every % size > 0]
    problem.entries(used.at(before - 1), begun.at(before), 1.0)
    return used


def _overnight(usual: Sequence[Sequence[float]], free: Floats) -> Floats:
    """Hours that work of a bucket may take of the one before, shape (R,).

    Those of a mean lot of one need; more where the largest fits into no bucket.
    """
    found = np.zeros(len(usual))
    for resource, lots in enumerate(usual):
        if lots:
            most = max(lots) - float(free[resource].max(initial=0.0))
            found[resource] = max(sum(lots) / len(lots), most)
    return found
