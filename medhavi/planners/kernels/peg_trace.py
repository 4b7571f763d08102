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

One need after the other, in plain Python; `peg_levels` traces a level at a time on
arrays (equal results are tested).
"""

from __future__ import annotations

from bisect import insort
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

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
    if slices and slices[-1][1:] == (cut[0], *cut[2:]):
        slices[-1] = (slices[-1][0], *cut[1:])
    else:
        insort(slices, cut, key=itemgetter(0))
