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

The file holds plain loops over int64 arrays only, so that numba can compile it; the
interpreted form is the reference (equal results are tested).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SAFE = 2**62


class PegGraph(NamedTuple):
    """What is traced, as of `trace`."""

    need_order: np.ndarray
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


class Traced(NamedTuple):
    """What is filled: pegs, as `trace` gives them, and the slices of each unit.

    The slices of a unit are a linked list in ascending position: `first` and `last` of
    it, and `held`, how many there are, -1 where no need takes them on. A slice is a peg
    with those that go on from it: `end` is where they end, `following` the next slice
    or -1.
    """

    demand: np.ndarray
    unit: np.ndarray
    qty: np.ndarray
    level: np.ndarray
    position: np.ndarray
    end: np.ndarray
    following: np.ndarray
    first: np.ndarray
    last: np.ndarray
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


def grown(values: np.ndarray, capacity: int) -> np.ndarray:
    """Copy an array into a longer one; the rest is not set."""
    larger = np.empty(capacity, np.int64)
    larger[: len(values)] = values
    return larger


def arranged(
    unit: np.ndarray,
    qty: np.ndarray,
    position: np.ndarray,
    owner: np.ndarray,
    part_begin: np.ndarray,
    part_end: np.ndarray,
    part_demand: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay the matches of one need so that what is kept for a demand meets its part.

    Parameters
    ----------
    unit, qty, position, owner
        Shape (n_matches,): its matches, and for whom they are kept (-1: anyone; -2 - d:
        demand d and nobody else).
    part_begin, part_end, part_demand
        Shape (n_parts,): what each demand wants of the need, rising [units].

    Returns
    -------
    unit, qty, position
        Shape (n_pieces,): matches cut where needed, from place 0 of the need on; unit
        -1 where nothing is.
    """
    count, parts = len(unit), len(part_begin)
    left = np.empty(count, np.int64)
    keeper = np.empty(count, np.int64)
    for i in range(count):
        left[i] = qty[i]
        keeper[i] = owner[i] if owner[i] >= -1 else -2 - owner[i]
    kept_part = np.empty(count + parts, np.int64)
    kept_match = np.empty(count + parts, np.int64)
    kept_qty = np.empty(count + parts, np.int64)
    kept = 0
    for part in range(parts):
        room = part_end[part] - part_begin[part]
        for i in range(count):
            if keeper[i] == part_demand[part] and left[i] > 0 and room > 0:
                taken = min(left[i], room)
                kept_part[kept] = part
                kept_match[kept] = i
                kept_qty[kept] = taken
                kept += 1
                left[i] -= taken
                room -= taken
    used = np.empty(count, np.int64)
    for i in range(count):
        used[i] = 0
    most = 2 * count + 5 * parts
    new_unit = np.empty(most, np.int64)
    new_qty = np.empty(most, np.int64)
    new_position = np.empty(most, np.int64)
    pieces = own = reach = 0
    for part in range(parts):
        # First what no demand stands behind, then the part itself.
        for inside in range(2):
            room = part_begin[part] - reach
            if inside:
                room = part_end[part] - part_begin[part]
                while own < kept and kept_part[own] == part:
                    i = kept_match[own]
                    new_unit[pieces] = unit[i]
                    new_qty[pieces] = kept_qty[own]
                    new_position[pieces] = position[i] + used[i]
                    used[i] += kept_qty[own]
                    room -= kept_qty[own]
                    pieces += 1
                    own += 1
            for i in range(count):
                taken = min(left[i], room)
                if taken > 0 and not (inside and owner[i] < -1):
                    new_unit[pieces] = unit[i]
                    new_qty[pieces] = taken
                    new_position[pieces] = position[i] + used[i]
                    used[i] += taken
                    left[i] -= taken
                    room -= taken
                    pieces += 1
            if room > 0:
                new_unit[pieces] = -1
                new_qty[pieces] = room
                new_position[pieces] = 0
                pieces += 1
        reach = part_end[part]
    return new_unit[:pieces], new_qty[:pieces], new_position[:pieces]


def fill(web: PegGraph, found: Traced, turn: int, pegs: int) -> tuple[int, int]:
    """Trace needs as long as there is room for all that one may bring.

    No array takes the place of another here: compiled, it would be counted at every
    step who refers to it, which takes longer than all the rest.

    Parameters
    ----------
    web, found
        What is traced and what is filled.
    turn, pegs
        How many needs are done, and how many pegs there are.

    Returns
    -------
    turn, pegs
        The same after it; all needs are done, or too little room is left.
    """
    (
        need_order,
        need_demand,
        need_consumer,
        need_qty,
        need_level,
        match_start,
        match_unit,
        match_qty,
        match_position,
        match_owner,
        need_pinned,
        unit_start,
        unit_of,
        unit_offset,
        span,
    ) = web
    (
        peg_demand,
        peg_unit,
        peg_qty,
        peg_level,
        peg_position,
        slice_end,
        following,
        first,
        last,
        held,
    ) = found
    while turn < len(need_order):
        need = need_order[turn]
        match, stop = match_start[need], match_start[need + 1]
        consumer = need_consumer[need]
        if match == stop or (need_demand[need] < 0 and consumer < 0):
            turn += 1
            continue
        covered = 0
        unit_place = unit_start[consumer] if consumer >= 0 else 0
        unit_stop = unit_start[consumer + 1] if consumer >= 0 else 1
        quantity, length = need_qty[need], 1
        exact = SAFE // max(quantity, 1)
        units, sizes, places = match_unit, match_qty, match_position
        parts = 1
        if consumer >= 0:
            length = span[consumer]
            parts = 0
            for place in range(unit_place, unit_stop):
                parts += held[unit_of[place]]
            if need_pinned[need]:
                part_begin = np.empty(parts, np.int64)
                part_end = np.empty(parts, np.int64)
                part_demand = np.empty(parts, np.int64)
                parts = 0
                for place in range(unit_place, unit_stop):
                    parent = unit_of[place]
                    offset = unit_offset[parent]
                    part = first[parent]
                    while part >= 0:
                        begin = offset + peg_position[part]
                        end = offset + slice_end[part]
                        part_begin[parts] = stretch(begin, quantity, length, exact)
                        part_end[parts] = stretch(end, quantity, length, exact)
                        part_demand[parts] = peg_demand[part]
                        parts += 1
                        part = following[part]
                units, sizes, places = arranged(
                    match_unit[match:stop],
                    match_qty[match:stop],
                    match_position[match:stop],
                    match_owner[match:stop],
                    part_begin,
                    part_end,
                    part_demand,
                )
                match, stop = 0, len(units)
        # Each step of the walk goes beyond a match or a part.
        if pegs + stop - match + parts > len(peg_qty):
            break
        turn += 1
        while unit_place < unit_stop and match < stop:
            if consumer >= 0:
                parent = unit_of[unit_place]
                part = first[parent]
            else:
                parent = -1
                part = 0
            while part >= 0 and match < stop:
                if consumer >= 0:
                    offset = unit_offset[parent]
                    begin = offset + peg_position[part]
                    end = offset + slice_end[part]
                    # Written out, as below: calls take the interpreter a third longer.
                    if end <= exact:
                        begin = begin * quantity // length
                        end = end * quantity // length
                    else:
                        begin = stretch(begin, quantity, length, exact)
                        end = stretch(end, quantity, length, exact)
                    demand = peg_demand[part]
                    level = peg_level[part] + 1
                    part = following[part]
                else:
                    begin, end = 0, quantity
                    demand, level = need_demand[need], need_level[need]
                    part = -1
                while match < stop and covered + sizes[match] <= begin:
                    covered += sizes[match]
                    match += 1
                at = match
                reach = covered
                while at < stop and reach < end:
                    ahead = reach + sizes[at]
                    low = reach if reach > begin else begin
                    taken = (ahead if ahead < end else end) - low
                    unit = units[at]
                    if taken > 0 and unit >= 0:
                        peg_demand[pegs] = demand
                        peg_unit[pegs] = unit
                        peg_qty[pegs] = taken
                        peg_level[pegs] = level
                        position = places[at] + low - reach
                        peg_position[pegs] = position
                        tail = last[unit]
                        if held[unit] < 0:
                            # Stock and purchases: most pegs, and nothing goes on.
                            pass
                        elif (
                            tail >= 0
                            and slice_end[tail] == position
                            and peg_demand[tail] == demand
                            and peg_level[tail] == level
                        ):
                            slice_end[tail] = position + taken
                        else:
                            slice_end[pegs] = position + taken
                            following[pegs] = -1
                            held[unit] += 1
                            if tail < 0:
                                first[unit] = pegs
                                last[unit] = pegs
                            elif peg_position[tail] <= position:
                                following[tail] = pegs
                                last[unit] = pegs
                            else:
                                before, place = -1, first[unit]
                                while peg_position[place] < position:
                                    before, place = place, following[place]
                                following[pegs] = place
                                if before < 0:
                                    first[unit] = pegs
                                else:
                                    following[before] = pegs
                        pegs += 1
                    if ahead > end:
                        break
                    reach = ahead
                    at += 1
                match, covered = at, reach
            unit_place += 1
    return turn, pegs


def trace(
    need_order: np.ndarray,
    need_demand: np.ndarray,
    need_consumer: np.ndarray,
    need_qty: np.ndarray,
    need_level: np.ndarray,
    match_start: np.ndarray,
    match_unit: np.ndarray,
    match_qty: np.ndarray,
    match_position: np.ndarray,
    match_owner: np.ndarray,
    need_pinned: np.ndarray,
    unit_start: np.ndarray,
    unit_of: np.ndarray,
    unit_offset: np.ndarray,
    span: np.ndarray,
    held: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pegs of all levels.

    Parameters
    ----------
    need_order
        Shape (n_needs,), int64: needs so that an order's takers come before its needs.
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
        Shape (n_units,): 0 where the order of the unit has needs, else -1; is changed.

    Returns
    -------
    demand, unit, qty, level, position
        Shape (n_pegs,), int64: quantity in steps of the unit's product; level 0 is the
        demanded product; place inside the unit [units].
    """
    web = PegGraph(
        need_order,
        need_demand,
        need_consumer,
        need_qty,
        need_level,
        match_start,
        match_unit,
        match_qty,
        match_position,
        match_owner,
        need_pinned,
        unit_start,
        unit_of,
        unit_offset,
        span,
    )
    # What is never written takes no memory; growing copies all.
    capacity, n_units = 4 * len(match_unit) + 16, len(held)
    found = Traced(
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int64),
        np.full(n_units, -1, np.int64),
        np.full(n_units, -1, np.int64),
        held,
    )
    turn, pegs = fill(web, found, 0, 0)
    while turn < len(need_order):
        capacity *= 2
        found = Traced(
            grown(found.demand, capacity),
            grown(found.unit, capacity),
            grown(found.qty, capacity),
            grown(found.level, capacity),
            grown(found.position, capacity),
            grown(found.end, capacity),
            grown(found.following, capacity),
            found.first,
            found.last,
            found.held,
        )
        turn, pegs = fill(web, found, turn, pegs)
    return (
        found.demand[:pegs],
        found.unit[:pegs],
        found.qty[:pegs],
        found.level[:pegs],
        found.position[:pegs],
    )
