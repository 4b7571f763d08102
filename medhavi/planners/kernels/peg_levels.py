"""Trace every demand down to the supply that serves it, a level at a time on arrays.

The same as `peg_trace`: all needs of one low-level code are traced together, once all
that takes of their orders is. It pays off where a level has many matches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from medhavi.planners.kernels.peg_trace import SAFE, arranged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medhavi.planners.kernels.peg_trace import PegGraph

    Ints = NDArray[np.int64]

LEAST = 200
"""Matches of a level, on average, from which arrays pay off."""


class Parts(NamedTuple):
    """What demands want of a need, by need and rising: the row of the need, place."""

    row: Ints
    begin: Ints
    end: Ints
    demand: Ints
    level: Ints


class Allocations(NamedTuple):
    """What a need takes, by need and in sequence: the row of the need, unit, size."""

    row: Ints
    unit: Ints
    size: Ints
    position: Ints


class Pegs(NamedTuple):
    """Pegs of one level; `row` is the need of each."""

    row: Ints
    demand: Ints
    unit: Ints
    qty: Ints
    level: Ints
    position: Ints


class Slices(NamedTuple):
    """What demands have of orders, by the place of the unit and rising in its span."""

    place: Ints
    begin: Ints
    end: Ints
    demand: Ints
    level: Ints


Columns = TypeVar("Columns", Parts, Allocations, Pegs, Slices)


def low_level_codes(graph: PegGraph, most: int) -> Ints | None:
    """Level of each need, above which is all that takes of its order.

    Parameters
    ----------
    graph
        What is traced.
    most
        Levels that are looked for.

    Returns
    -------
    ndarray or None
        Shape (n_needs,). None where there are more levels, where needs of several
        levels take of one unit, or where sums go beyond 62 bits.
    """
    if not len(graph.match_unit) or float(graph.match_qty.sum(dtype=np.float64)) > SAFE:
        return None
    need = np.repeat(np.arange(len(graph.need_qty)), np.diff(graph.match_start))
    _, rank = np.unique(graph.need_rank, return_inverse=True)
    used = np.flatnonzero(graph.need_consumer >= 0)
    consumer = graph.need_consumer[used]
    order = np.repeat(np.arange(len(graph.span)), np.diff(graph.unit_start))
    codes = np.zeros(int(rank.max()) + 1, dtype=np.int64)
    for _ in range(most):
        of_unit = np.zeros(len(graph.held), dtype=np.int64)
        np.maximum.at(of_unit, graph.match_unit, codes[rank][need])
        of_order = np.zeros(len(graph.span), dtype=np.int64)
        np.maximum.at(of_order, order, of_unit[graph.unit_of])
        lower = codes.copy()
        np.maximum.at(lower, rank[used], of_order[consumer] + 1)
        if np.array_equal(lower, codes):
            found: Ints = codes[rank]
            goes_on = graph.held[graph.match_unit] >= 0
            alike = found[need] == of_unit[graph.match_unit]
            return found if alike[goes_on].all() else None
        codes = lower
    return None


def trace_by_level(graph: PegGraph, codes: Ints) -> tuple[Ints, ...]:
    """Pegs of all levels as of `peg_trace.trace`.

    Parameters
    ----------
    graph
        What is traced.
    codes
        Shape (n_needs,): low-level code of each need.
    """
    turn = np.empty(len(codes), dtype=np.int64)
    turn[graph.need_order] = np.arange(len(codes))
    served = np.diff(graph.match_start) > 0
    served &= (graph.need_demand >= 0) | (graph.need_consumer >= 0)
    needs = graph.need_order[served[graph.need_order]]
    needs = needs[np.argsort(codes[needs], kind="stable")]
    place = np.zeros(len(graph.held), dtype=np.int64)
    place[graph.unit_of] = np.arange(len(graph.unit_of))
    none = np.zeros(0, dtype=np.int64)
    slices, found = Slices(none, none, none, none, none), []
    for level in np.split(needs, np.flatnonzero(np.diff(codes[needs])) + 1):
        parts = _parts(graph, level, slices)
        pegs = _pegs(parts, _taken(graph, level, parts), len(level))
        slices = _sorted(_joined(slices, _slices(graph, pegs, place)))
        found.append(pegs._replace(row=turn[level[pegs.row]]))
    return _sorted(_joined(*found))[1:]


def _parts(graph: PegGraph, needs: Ints, slices: Slices) -> Parts:
    """What each need is for: a demand, or those behind the order that consumes."""
    consumer, wanted = graph.need_consumer[needs], graph.need_qty[needs]
    direct = np.flatnonzero(consumer < 0)
    own = needs[direct]
    of_demands = Parts(
        direct,
        np.zeros(len(direct), dtype=np.int64),
        wanted[direct],
        graph.need_demand[own],
        graph.need_level[own],
    )
    ordered = np.flatnonzero(consumer >= 0)
    first, last = (
        np.searchsorted(slices.place, graph.unit_start[consumer[ordered] + end])
        for end in (0, 1)
    )
    row, which = _spread(first, last)
    row = ordered[row]
    span = graph.span[consumer[row]]
    of_orders = Parts(
        row,
        _stretched(slices.begin[which], wanted[row], span),
        _stretched(slices.end[which], wanted[row], span),
        slices.demand[which],
        slices.level[which] + 1,
    )
    return _sorted(_joined(of_demands, of_orders))


def _taken(graph: PegGraph, needs: Ints, parts: Parts) -> Allocations:
    """What each need takes; what is kept for a demand meets its part."""
    row, which = _spread(graph.match_start[needs], graph.match_start[needs + 1])
    cells = (graph.match_unit, graph.match_qty, graph.match_position)
    found = Allocations(row, *(column[which] for column in cells))
    pinned = (graph.need_pinned[needs] > 0) & (graph.need_consumer[needs] >= 0)
    if not pinned.any():
        return found
    laid = [Allocations(*(column[~pinned[row]] for column in found))]
    owner = graph.match_owner[which]
    for one in np.flatnonzero(pinned).tolist():
        own = slice(*np.searchsorted(row, (one, one + 1)).tolist())
        for_it = slice(*np.searchsorted(parts.row, (one, one + 1)).tolist())
        columns = (*found[1:], owner)
        wishes = (parts.begin, parts.end, parts.demand)
        unit, size, position = arranged(
            *(column[own].tolist() for column in columns),
            *(column[for_it].tolist() for column in wishes),
        )
        laid.append(
            Allocations(
                np.full(len(unit), one, dtype=np.int64),
                *(
                    np.array(column, dtype=np.int64)
                    for column in (unit, size, position)
                ),
            )
        )
    return _sorted(_joined(*laid))


def _pegs(parts: Parts, matches: Allocations, count: int) -> Pegs:
    """Where parts and matches of `count` needs meet."""
    ends = np.cumsum(matches.size)
    starts = ends - matches.size
    # The matches of all needs stand on one line, so no part may reach beyond its own.
    line = np.concatenate([np.zeros(1, dtype=np.int64), ends])
    edges = line[np.searchsorted(matches.row, np.arange(count + 1))]
    low, high = edges[parts.row], edges[parts.row + 1]
    begin = np.minimum(low + parts.begin, high)
    end = np.minimum(low + parts.end, high)
    part, match = _spread(
        np.searchsorted(ends, begin, "right"), np.searchsorted(starts, end, "left")
    )
    place = np.maximum(starts[match], begin[part])
    qty = np.minimum(ends[match], end[part]) - place
    met = (qty > 0) & (matches.unit[match] >= 0)
    part, match, place = part[met], match[met], place[met]
    return Pegs(
        parts.row[part],
        parts.demand[part],
        matches.unit[match],
        qty[met],
        parts.level[part],
        matches.position[match] + place - starts[match],
    )


def _slices(graph: PegGraph, pegs: Pegs, place: Ints) -> Slices:
    """Slices of units that pass on; a peg that goes on from the last is one with it."""
    passed = np.flatnonzero(graph.held[pegs.unit] >= 0)
    passed = passed[np.argsort(pegs.unit[passed], kind="stable")]
    unit, begin = pegs.unit[passed], pegs.position[passed]
    end, demand, level = (
        begin + pegs.qty[passed],
        pegs.demand[passed],
        pegs.level[passed],
    )
    rank = np.empty(len(unit), dtype=np.int64)
    rank[np.lexsort((begin, unit))] = np.arange(len(unit))
    # What comes later but stands before others is a slice of its own.
    last = rank >= np.maximum.accumulate(rank)
    rising = np.flatnonzero(last)
    before, after = rising[:-1], rising[1:]
    goes_on = (unit[before] == unit[after]) & (end[before] == begin[after])
    goes_on &= (demand[before] == demand[after]) & (level[before] == level[after])
    first = np.flatnonzero(np.concatenate([[True], ~goes_on])[: len(rising)])
    reach = end[rising[np.append(first[1:], len(rising))[: len(first)] - 1]]
    chosen = np.concatenate([rising[first], np.flatnonzero(~last)])
    ends = np.concatenate([reach, end[~last]])
    by_place = np.lexsort((begin[chosen], place[unit[chosen]]))
    chosen = chosen[by_place]
    offset = graph.unit_offset[unit[chosen]]
    return Slices(
        place[unit[chosen]],
        offset + begin[chosen],
        offset + ends[by_place],
        demand[chosen],
        level[chosen],
    )


def _stretched(position: Ints, quantity: Ints, length: Ints) -> Ints:
    """Positions of spans of `length` on `quantity`, as of `peg_trace.stretch`."""
    inside = position <= SAFE // np.maximum(quantity, 1)
    exact: Ints = position * quantity // length
    if inside.all():
        return exact
    about = np.minimum((position * (quantity / length)).astype(np.int64), quantity)
    return np.where(position == length, quantity, np.where(inside, exact, about))


def _spread(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Numbers from `first` to before `last` of each row: rows and numbers."""
    counts = np.maximum(last - first, 0)
    row = np.repeat(np.arange(len(counts)), counts)
    return row, np.arange(len(row)) + (first - np.cumsum(counts) + counts)[row]


def _joined(*parts: Columns) -> Columns:
    """Rows of all parts."""
    return type(parts[0])(
        *(np.concatenate(columns) for columns in zip(*parts, strict=True))
    )


def _sorted(rows: Columns) -> Columns:
    """Rows by their first column; those that share it stay as they come."""
    key = rows[0]
    if (key[1:] >= key[:-1]).all():
        return rows
    by = np.argsort(key, kind="stable")
    return type(rows)(*(column[by] for column in rows))
