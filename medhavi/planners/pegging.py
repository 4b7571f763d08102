"""Multi-level pegging from matches: who is served by what, down to stock and purchase.

Many to many and deterministic (PEG-02, PEG-04): a second run gives the same pegs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.planners.kernels.compiled import (
    compiled_trace,
    interpreted_trace,
    uses_numba,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medhavi.planners.kernels.compiled import Engine

    Ints = NDArray[np.int64]
    Column = Sequence[int] | Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """What was matched, as arrays.

    Parameters
    ----------
    need_rank
        Place of each need's node in the order of planning; takers of an order rank
        before its needs.
    need_demand, need_consumer, need_qty
        Demand or -1; consuming order or -1; quantity [steps].
    need, unit, qty
        One entry per match, in sequence.
    unit_order, unit_qty
        Order of each unit or -1; its quantity [steps].
    n_orders
        Number of orders.
    owner
        One entry per match: the demand d that it is kept for, -2 - d: for it alone, or
        -1; empty: none is.
    """

    need_rank: Column
    need_demand: Column
    need_consumer: Column
    need_qty: Column
    need: Column
    unit: Column
    qty: Column
    unit_order: Column
    unit_qty: Column
    n_orders: int
    owner: Column = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pegs:
    """Pegs as arrays of equal length; `qty` in steps of the unit's product."""

    demand: Ints
    unit: Ints
    qty: Ints
    level: Ints


def peg(matches: Matches, engine: Engine) -> Pegs:
    """Trace all demands through all levels.

    Notes
    -----
    O(matches + pegs); exact integers. The number of pegs grows with the demands that
    share a lot times the levels below it.
    """
    need_of = _ints(matches.need)
    unit_of_match = _ints(matches.unit)
    taken = _ints(matches.qty)
    by_need = np.argsort(need_of, kind="stable")
    n_needs = len(matches.need_qty)
    n_units = len(matches.unit_qty)
    counts = np.bincount(need_of, minlength=n_needs)
    unit_start, ordered, offset, span = _spans(matches)
    rank = _ints(matches.need_rank)
    owner = np.full(len(need_of), -1, dtype=np.int64)
    if len(matches.owner):
        owner = _ints(matches.owner)
    pinned = np.zeros(n_needs, dtype=np.int64)
    pinned[need_of[owner != -1]] = 1
    arguments: tuple[Any, ...] = (
        np.argsort(rank, kind="stable"),
        _ints(matches.need_demand),
        _ints(matches.need_consumer),
        _ints(matches.need_qty),
        _starts(counts),
        unit_of_match[by_need],
        taken[by_need],
        _positions(unit_of_match, taken)[by_need],
        owner[by_need],
        pinned,
        unit_start,
        ordered,
        offset,
        span,
        n_units,
    )
    if uses_numba(engine, len(need_of)):
        demand, unit, qty, level = compiled_trace()(*arguments)
        return Pegs(demand=demand, unit=unit, qty=qty, level=level)
    plain = [a.tolist() if isinstance(a, np.ndarray) else a for a in arguments]
    found = interpreted_trace()(*plain)
    demand, unit, qty, level = (_ints(column) for column in found)
    return Pegs(demand=demand, unit=unit, qty=qty, level=level)


def _ints(values: Column) -> Ints:
    return np.asarray(values, dtype=np.int64)


def _starts(counts: Ints) -> Ints:
    starts = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def _positions(unit: Ints, taken: Ints) -> Ints:
    """Give where inside its unit each match begins, in the sequence of matching."""
    order = np.argsort(unit, kind="stable")
    running = np.zeros(len(unit) + 1, dtype=np.int64)
    np.cumsum(taken[order], out=running[1:])
    first = _starts(np.bincount(unit))
    places = np.empty(len(unit), dtype=np.int64)
    places[order] = running[:-1] - running[first[unit[order]]]
    return places


def _spans(matches: Matches) -> tuple[Ints, Ints, Ints, Ints]:
    """Lay the units of each order side by side; main product first."""
    order_of = _ints(matches.unit_order)
    quantity = _ints(matches.unit_qty)
    ordered = np.flatnonzero(order_of >= 0)
    ordered = ordered[np.argsort(order_of[ordered], kind="stable")]
    counts = np.bincount(order_of[ordered], minlength=matches.n_orders)
    starts = _starts(counts)
    running = np.zeros(len(ordered) + 1, dtype=np.int64)
    np.cumsum(quantity[ordered], out=running[1:])
    offset = np.zeros(len(quantity), dtype=np.int64)
    offset[ordered] = running[:-1] - running[starts[order_of[ordered]]]
    return starts, ordered, offset, running[starts[1:]] - running[starts[:-1]]
