"""Multi-level pegging from matches: who is served by what, down to stock and purchase.

Many to many and deterministic (PEG-02, PEG-04): a second run gives the same pegs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.kernels.peg_trace import (
    LEAST,
    PegGraph,
    low_level_codes,
    trace,
    trace_by_level,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medhavi.planners.kernels.compiled import EngineName

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
        Demand or -1; consuming order or -1; quantity [units].
    need, unit, qty
        One entry per match, in sequence.
    unit_order, unit_qty
        Order of each unit or -1; its quantity [units].
    owner
        One entry per match: the demand d that it is kept for, -2 - d: for it alone, or
        -1; empty: none is.
    need_level
        Level at which a need of a demand stands; empty: all at 0.
    position
        One entry per match: its place inside the unit [units]; empty: as matched.
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
    need_level: Column = ()
    position: Column = ()


class PegArrays(NamedTuple):
    """Pegs as arrays of equal length.

    `qty` and `position`, the place inside the unit, are in steps of its product.
    """

    demand: Ints
    unit: Ints
    qty: Ints
    level: Ints
    position: Ints


def peg(matches: Matches, engine: EngineName) -> PegArrays:
    """Trace all demands through all levels.

    Parameters
    ----------
    engine
        "python": need after need; "numba": a level at a time; "auto": what is faster.

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
    counts = np.bincount(need_of, minlength=n_needs)
    unit_start, ordered, offset, span = _spans(matches)
    rank = _ints(matches.need_rank)
    owner = np.full(len(need_of), -1, dtype=np.int64)
    if len(matches.owner):
        owner = _ints(matches.owner)
    level = np.zeros(n_needs, dtype=np.int64)
    if len(matches.need_level):
        level = _ints(matches.need_level)
    position = _ints(matches.position)
    if not len(position):
        position = _positions(unit_of_match, taken)
    pinned = np.zeros(n_needs, dtype=np.int64)
    pinned[need_of[owner != -1]] = 1
    graph = PegGraph(
        np.argsort(rank, kind="stable"),
        rank,
        _ints(matches.need_demand),
        _ints(matches.need_consumer),
        _ints(matches.need_qty),
        level,
        _starts(counts),
        unit_of_match[by_need],
        taken[by_need],
        position[by_need],
        owner[by_need],
        pinned,
        unit_start,
        ordered,
        offset,
        span,
        _held(matches),
    )
    most = {"python": 0, "numba": n_needs + 1}.get(engine, len(need_of) // LEAST + 1)
    codes = low_level_codes(graph, most)
    found = trace(graph) if codes is None else trace_by_level(graph, codes)
    return PegArrays(*map(_ints, found))


def peg_again(
    matches: Matches,
    before: PegArrays,
    unit_rank: Ints,
    reached: NDArray[np.bool_],
    engine: EngineName,
) -> PegArrays:
    """Trace what is taken at some places; what stands above them is as it was.

    Parameters
    ----------
    matches
        What was matched, everywhere.
    before
        Pegs of an earlier trace in its sequence; those at other places still hold.
    unit_rank
        Shape (n_units,): place of the node of each unit in the order of planning.
    reached
        Shape (n_places,): where is traced. With a place, all that orders there take
        from is reached.

    Returns
    -------
    Pegs
        Those of the units of these places, as tracing everything gives them.

    Notes
    -----
    O(matches and pegs there), but for some passes over whole arrays. Orders made above
    hand down the slices that `before` has of their units: each is entered as a demand
    at its level that takes just this slice.
    """
    need_of, rank = _ints(matches.need), _ints(matches.need_rank)
    unit_order, taken = _ints(matches.unit_order), _ints(matches.qty)
    chosen = np.flatnonzero(reached[rank[need_of]])
    needs, need = np.unique(need_of[chosen], return_inverse=True)
    consumer = _ints(matches.need_consumer)[needs]
    takes = np.zeros(matches.n_orders + 1, dtype=np.bool_)
    takes[consumer] = True
    takes[-1] = False
    ordered = np.flatnonzero(takes[unit_order])
    above = np.zeros(len(unit_order), dtype=np.bool_)
    above[ordered[~reached[unit_rank[ordered]]]] = True
    handed = np.flatnonzero(above[before.unit])
    units = np.union1d(_ints(matches.unit)[chosen], ordered)
    orders = np.flatnonzero(takes)
    unit = np.searchsorted(units, _ints(matches.unit)[chosen])
    count = len(handed)
    fresh = np.zeros(len(needs), dtype=np.int64)
    nobody = np.full(count, -1, dtype=np.int64)
    owner = _ints(matches.owner)[chosen] if len(matches.owner) else fresh[need] - 1
    part = Matches(
        need_rank=np.concatenate([nobody, rank[needs]]),
        need_demand=np.concatenate(
            [before.demand[handed], _ints(matches.need_demand)[needs]]
        ),
        need_consumer=np.concatenate(
            [nobody, np.where(consumer < 0, -1, np.searchsorted(orders, consumer))]
        ),
        need_qty=np.concatenate([before.qty[handed], _ints(matches.need_qty)[needs]]),
        need=np.concatenate([np.arange(count), need + count]),
        unit=np.concatenate([np.searchsorted(units, before.unit[handed]), unit]),
        qty=np.concatenate([before.qty[handed], taken[chosen]]),
        unit_order=np.where(
            takes[unit_order[units]], np.searchsorted(orders, unit_order[units]), -1
        ),
        unit_qty=_ints(matches.unit_qty)[units],
        n_orders=len(orders),
        owner=np.concatenate([nobody, owner]),
        need_level=np.concatenate([before.level[handed], fresh]),
        position=np.concatenate(
            [before.position[handed], _positions(unit, taken[chosen])]
        ),
    )
    found = peg(part, engine)
    # The slices handed down come first, one peg each.
    made = PegArrays(*(column[count:] for column in found))
    return made._replace(unit=units[made.unit])


def _ints(values: Column) -> Ints:
    return np.asarray(values, dtype=np.int64)


def _starts(counts: Ints) -> Ints:
    starts = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def _positions(unit: Ints, taken: Ints) -> Ints:
    """Where inside its unit each match begins, in the sequence of matching."""
    order = np.argsort(unit, kind="stable")
    running = np.zeros(len(unit) + 1, dtype=np.int64)
    np.cumsum(taken[order], out=running[1:])
    first = _starts(np.bincount(unit))
    places = np.empty(len(unit), dtype=np.int64)
    places[order] = running[:-1] - running[first[unit[order]]]
    return places


def _held(matches: Matches) -> Ints:
    """Whether the order of each unit has needs: 0, else -1; shape (n_units,)."""
    takes = np.zeros(matches.n_orders + 1, dtype=np.bool_)
    takes[_ints(matches.need_consumer)] = True
    takes[-1] = False
    return takes[_ints(matches.unit_order)].astype(np.int64) - 1


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
