r"""What whole orders cost at least: least lots, multiples and prices by quantity.

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
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.master_plan.blocks import PART_OF
from medhavi.units import exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.optimize.problem import Floats, Problem
    from medhavi.providers.sources import Source

MOST_WHOLE = 400
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
    if not 0 < count + sum(sources[p].multiple > 1 for p, _ in ranges) <= MOST_WHOLE:
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
