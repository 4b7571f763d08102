"""Trace every demand down to the supply that serves it, all levels in one pass.

An order is a span [0, length) over its outputs. What a demand takes of an output is a
slice of that span; a need of the order is the same span stretched to the need's
quantity. So the slices of an order, stretched, meet the matches of its needs in a walk
of two pointers. Stretched ends are cumulative and rounded down, hence the parts of a
need sum to it exactly.

What a firm peg or a hold keeps for a demand stands where the slice of that demand is:
the matches of such a need are arranged before the walk. What is made to the order of a
demand is kept for it alone: where its slice is too short, by what was rounded or is not
delivered, the rest serves nobody.

`trace` takes one need after the other, in plain Python; `trace_by_level` a level at a
time on arrays, once all that takes of its orders is traced. That pays off where a level
has many matches (equal results are tested).
"""

from __future__ import annotations

from bisect import insort
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

SAFE = 2**62


class PegGraph(NamedTuple):
    """What is traced, as int64 arrays.

    Parameters
    ----------
    need_order
        Shape (n_needs,): needs so that an order's takers come before its needs.
    need_rank
        Shape (n_needs,): place of each need's node in the order of planning.
    need_demand, need_consumer, need_qty
        Shape (n_needs,): demand or -1; order that consumes or -1; quantity [units].
    need_level
        Shape (n_needs,): level of what a need of a demand takes, 0 where it demands it.
    match_start
        Shape (n_needs + 1,): first match of each need.
    match_unit, match_qty, match_position
        Shape (n_matches,): unit, quantity, place inside the unit [units].
    match_owner, need_pinned
        Shape (n_matches,): the demand d that a match is kept for, -2 - d: for it
        alone, or -1; and shape (n_needs,): 1 where a match of the need has an owner.
    unit_start, unit_of
        Shape (n_orders + 1,) and (n_ordered_units,): units of each order, main first.
    unit_offset
        Shape (n_units,): begin of the unit in the span of its order [units].
    span
        Shape (n_orders,): length of each span [units].
    held
        Shape (n_units,): 0 where the order of the unit has needs, else -1.
    """

    need_order: np.ndarray
    need_rank: np.ndarray
    need_demand: np.ndarray
    need_consumer: np.ndarray
    need_qty: np.ndarray
    need_level: np.ndarray
    match_start: np.ndarray
    match_unit: np.ndarray
    match_qty: np.ndarray
    match_position: np.ndarray
    match_owner: np.ndarray
    need_pinned: np.ndarray
    unit_start: np.ndarray
    unit_of: np.ndarray
    unit_offset: np.ndarray
    span: np.ndarray
    held: np.ndarray


def stretch(position: int, quantity: int, length: int, exact: int) -> int:
    """Map a position of a span of `length` onto `quantity`, rounded down.

    Exact up to the position `exact`, where the product still fits 62 bits; beyond, by
    the ratio in float64, which keeps order and both ends.
    """
    if position == length:
        return quantity
    if position <= exact:
        if quantity == length:
            return position
        return position * quantity // length
    return min(int(position * (quantity / length)), quantity)


def arranged(
    unit: Sequence[int],
    qty: Sequence[int],
    position: Sequence[int],
    owner: Sequence[int],
    part_begin: Sequence[int],
    part_end: Sequence[int],
    part_demand: Sequence[int],
) -> tuple[list[int], list[int], list[int]]:
    """Lay the matches of one need so that what is kept for a demand meets its part.

    Parameters
    ----------
    unit, qty, position, owner
        Of each match of the need; owner is for whom it is kept (-1: anyone; -2 - d:
        demand d and nobody else).
    part_begin, part_end, part_demand
        Of each part: what a demand wants of the need, rising [units].

    Returns
    -------
    unit, qty, position
        Of each piece: matches cut where needed, from place 0 of the need on; unit -1
        where nothing is.
    """
    left = list(qty)
    kept: list[list[tuple[int, int]]] = []
    for begin, end, demand in zip(part_begin, part_end, part_demand, strict=True):
        room, own = end - begin, []
        for i, who in enumerate(owner):
            taken = min(left[i], room)
            # Who is kept for a demand, alone or not, is the demand itself here.
            if taken > 0 and (who if who >= -1 else -2 - who) == demand:
                own.append((i, taken))
                left[i] -= taken
                room -= taken
        kept.append(own)
    used = [0] * len(left)
    new_unit: list[int] = []
    new_qty: list[int] = []
    new_position: list[int] = []

    def put(i: int, taken: int) -> None:
        new_unit.append(unit[i])
        new_qty.append(taken)
        new_position.append(position[i] + used[i])
        used[i] += taken

    reach = 0
    for begin, end, own in zip(part_begin, part_end, kept, strict=True):
        # First what no demand stands behind, then the part itself.
        for inside in (False, True):
            room = end - begin if inside else begin - reach
            for i, taken in own if inside else ():
                put(i, taken)
                room -= taken
            for i, who in enumerate(owner):
                taken = min(left[i], room)
                # What is kept for a demand alone serves no other one; between parts,
                # where no demand is, it may lie.
                if taken > 0 and not (inside and who < -1):
                    put(i, taken)
                    left[i] -= taken
                    room -= taken
            if room > 0:
                new_unit.append(-1)
                new_qty.append(room)
                new_position.append(0)
        reach = end
    return new_unit, new_qty, new_position


Slice = tuple[int, int, int, int]
"""What a demand has of a unit: begin and end inside it [units], demand, level."""


def trace(graph: PegGraph) -> tuple[list[int], ...]:
    """Pegs of all levels, need after need.

    Returns
    -------
    demand, unit, qty, level, position
        Of each peg: quantity in steps of the unit's product; level 0 is the demanded
        product; place inside the unit [units].
    """
    web: Any = PegGraph(*(column.tolist() for column in graph))
    slices: dict[int, list[Slice]] = {}
    pegs: list[tuple[int, int, int, int, int]] = []
    for need in web.need_order:
        consumer = web.need_consumer[need]
        own = slice(web.match_start[need], web.match_start[need + 1])
        units = web.match_unit[own]
        if not units or (web.need_demand[need] < 0 and consumer < 0):
            continue
        sizes, places = web.match_qty[own], web.match_position[own]
        parts = _parts(web, need, slices)
        if web.need_pinned[need] and consumer >= 0:
            wishes = ([part[at] for part in parts] for at in range(3))
            units, sizes, places = arranged(
                units, sizes, places, web.match_owner[own], *wishes
            )
        # Parts rise, so both pointers only go forward.
        match = covered = 0
        for begin, end, demand, level in parts:
            while match < len(units) and covered + sizes[match] <= begin:
                covered += sizes[match]
                match += 1
            while match < len(units) and covered < end:
                ahead = covered + sizes[match]
                low = max(covered, begin)
                taken = min(ahead, end) - low
                unit = units[match]
                if taken > 0 and unit >= 0:
                    position = places[match] + low - covered
                    pegs.append((demand, unit, taken, level, position))
                    if web.held[unit] >= 0:
                        cut = (position, position + taken, demand, level)
                        _enter(slices.setdefault(unit, []), cut)
                if ahead > end:
                    break
                covered = ahead
                match += 1
    return tuple(map(list, zip(*pegs, strict=True))) or ([], [], [], [], [])


def _parts(
    web: PegGraph, need: int, slices: Mapping[int, Sequence[Slice]]
) -> list[Slice]:
    """What a need is for, rising: a demand, or those behind the order that consumes."""
    consumer, quantity = web.need_consumer[need], web.need_qty[need]
    if consumer < 0:
        return [(0, quantity, web.need_demand[need], web.need_level[need])]
    length, exact = web.span[consumer], SAFE // max(quantity, 1)
    found = []
    for unit in web.unit_of[web.unit_start[consumer] : web.unit_start[consumer + 1]]:
        offset = web.unit_offset[unit]
        for begin, end, demand, level in slices.get(unit, ()):
            found.append(
                (
                    stretch(offset + begin, quantity, length, exact),
                    stretch(offset + end, quantity, length, exact),
                    demand,
                    level + 1,
                )
            )
    return found


def _enter(slices: list[Slice], cut: Slice) -> None:
    """Enter a slice of a unit; what goes on from the last one is one with it."""
    # Cut by cut, slices of one demand would multiply from level to level.
    if slices and slices[-1][1:] == (cut[0], *cut[2:]):
        slices[-1] = (slices[-1][0], *cut[1:])
    else:
        # A need that is planned later may take an earlier place of the unit.
        insort(slices, cut, key=itemgetter(0))


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
    # Longest path by relaxation: each turn is one level deeper; a cycle never settles
    # and ends at `most`.
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
            # A level is traced at once, so all that takes of a unit that passes on has
            # to be on one level: else slices would be missing below.
            alike = found[need] == of_unit[graph.match_unit]
            return found if alike[goes_on].all() else None
        codes = lower
    return None


def trace_by_level(graph: PegGraph, codes: Ints) -> tuple[Ints, ...]:
    """Pegs of all levels as of `trace`.

    Parameters
    ----------
    graph
        What is traced.
    codes
        Shape (n_needs,): low-level code of each need.
    """
    # Rows are needs by their turn in `trace`, so both list pegs in the same sequence.
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
        parts = _level_parts(graph, level, slices)
        pegs = _pegs(parts, _taken(graph, level, parts), len(level))
        slices = _sorted(_joined(slices, _slices(graph, pegs, place)))
        found.append(pegs._replace(row=turn[level[pegs.row]]))
    return _sorted(_joined(*found))[1:]


def _level_parts(graph: PegGraph, needs: Ints, slices: Slices) -> Parts:
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
    # First match that ends after the part begins, up to the first that starts at its
    # end.
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
    """Positions of spans of `length` on `quantity`, as of `stretch`."""
    inside = position <= SAFE // np.maximum(quantity, 1)
    # Where the product does not fit it wraps around; `inside` leaves those out below.
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
