"""Trace every demand down to the supply that serves it, all levels in one pass.

An order is a span [0, length) over its outputs. What a demand takes of an output is a
slice of that span; a need of the order is the same span stretched to the need's
quantity. So the slices of an order, stretched, meet the matches of its needs in a walk
of two pointers. Stretched ends are cumulative and rounded down, hence the parts of a
need sum to it exactly.

The file holds plain loops over int64 arrays only, so that numba can compile it; the
interpreted form is the reference (equal results are tested).
"""

from __future__ import annotations

import numpy as np

SAFE = 2**62


def stretch(position: int, quantity: int, length: int) -> int:
    """Map a position of a span of `length` onto `quantity`, rounded down.

    Exact while the product fits 62 bits; beyond, by the ratio in float64, which keeps
    order and both ends.
    """
    if position == length:
        return quantity
    if position <= SAFE // max(quantity, 1):
        return position * quantity // length
    return min(int(position * (quantity / length)), quantity)


def trace(
    need_order: np.ndarray,
    need_demand: np.ndarray,
    need_consumer: np.ndarray,
    need_qty: np.ndarray,
    match_start: np.ndarray,
    match_unit: np.ndarray,
    match_qty: np.ndarray,
    match_position: np.ndarray,
    unit_start: np.ndarray,
    unit_of: np.ndarray,
    unit_offset: np.ndarray,
    span: np.ndarray,
    n_units: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give the pegs of all levels.

    Parameters
    ----------
    need_order
        Shape (n_needs,), int64: needs so that an order's takers come before its needs.
    need_demand, need_consumer, need_qty
        Shape (n_needs,): demand or -1; order that consumes or -1; quantity [steps].
    match_start
        Shape (n_needs + 1,): first match of each need.
    match_unit, match_qty, match_position
        Shape (n_matches,): unit, quantity, place inside the unit [steps].
    unit_start, unit_of
        Shape (n_orders + 1,) and (n_ordered_units,): units of each order, main first.
    unit_offset
        Shape (n_units,): begin of the unit in the span of its order [steps].
    span
        Shape (n_orders,): length of each span [steps].
    n_units
        Number of units.

    Returns
    -------
    demand, unit, qty, level
        Shape (n_pegs,), int64: quantity in steps of the unit's product; level 0 is the
        demanded product.
    """
    capacity = 2 * len(match_unit) + 16
    peg_demand = np.empty(capacity, np.int64)
    peg_unit = np.empty(capacity, np.int64)
    peg_qty = np.empty(capacity, np.int64)
    peg_level = np.empty(capacity, np.int64)
    pegs = 0
    # Slices of a unit in ascending position, as linked lists.
    first = np.full(n_units, -1, np.int64)
    last = np.full(n_units, -1, np.int64)
    slice_start = np.empty(capacity, np.int64)
    slice_end = np.empty(capacity, np.int64)
    slice_demand = np.empty(capacity, np.int64)
    slice_level = np.empty(capacity, np.int64)
    slice_next = np.empty(capacity, np.int64)
    slices = 0

    for turn in range(len(need_order)):
        need = need_order[turn]
        match, stop = match_start[need], match_start[need + 1]
        if match == stop:
            continue
        consumer = need_consumer[need]
        if need_demand[need] < 0 and consumer < 0:
            continue
        covered = 0
        unit_place = unit_start[consumer] if consumer >= 0 else 0
        unit_stop = unit_start[consumer + 1] if consumer >= 0 else 1
        quantity, length = need_qty[need], 1
        if consumer >= 0:
            length = span[consumer]
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
                    begin = stretch(offset + slice_start[part], quantity, length)
                    end = stretch(offset + slice_end[part], quantity, length)
                    demand = slice_demand[part]
                    level = slice_level[part] + 1
                    part = slice_next[part]
                else:
                    begin, end = 0, quantity
                    demand, level = need_demand[need], 0
                    part = -1
                while match < stop and covered + match_qty[match] <= begin:
                    covered += match_qty[match]
                    match += 1
                at = match
                reach = covered
                while at < stop and reach < end:
                    low = max(reach, begin)
                    high = min(reach + match_qty[at], end)
                    taken = high - low
                    if taken > 0:
                        if pegs + 1 >= capacity or slices + 1 >= capacity:
                            capacity *= 2
                            peg_demand = grown(peg_demand, capacity)
                            peg_unit = grown(peg_unit, capacity)
                            peg_qty = grown(peg_qty, capacity)
                            peg_level = grown(peg_level, capacity)
                            slice_start = grown(slice_start, capacity)
                            slice_end = grown(slice_end, capacity)
                            slice_demand = grown(slice_demand, capacity)
                            slice_level = grown(slice_level, capacity)
                            slice_next = grown(slice_next, capacity)
                        unit = match_unit[at]
                        peg_demand[pegs] = demand
                        peg_unit[pegs] = unit
                        peg_qty[pegs] = taken
                        peg_level[pegs] = level
                        pegs += 1
                        position = match_position[at] + low - reach
                        tail = last[unit]
                        if (
                            tail >= 0
                            and slice_end[tail] == position
                            and slice_demand[tail] == demand
                            and slice_level[tail] == level
                        ):
                            slice_end[tail] = position + taken
                        else:
                            slice_start[slices] = position
                            slice_end[slices] = position + taken
                            slice_demand[slices] = demand
                            slice_level[slices] = level
                            if tail < 0:
                                first[unit] = slices
                                last[unit] = slices
                                slice_next[slices] = -1
                            elif slice_start[tail] <= position:
                                slice_next[tail] = slices
                                slice_next[slices] = -1
                                last[unit] = slices
                            else:
                                before = -1
                                after = first[unit]
                                while after >= 0 and slice_start[after] < position:
                                    before = after
                                    after = slice_next[after]
                                slice_next[slices] = after
                                if before < 0:
                                    first[unit] = slices
                                else:
                                    slice_next[before] = slices
                            slices += 1
                    if reach + match_qty[at] > end:
                        break
                    reach += match_qty[at]
                    at += 1
                match, covered = at, reach
            unit_place += 1
    return (
        peg_demand[:pegs].copy(),
        peg_unit[:pegs].copy(),
        peg_qty[:pegs].copy(),
        peg_level[:pegs].copy(),
    )


def grown(values: np.ndarray, capacity: int) -> np.ndarray:
    """Copy an array into a longer one; the rest is not set."""
    larger = np.empty(capacity, np.int64)
    larger[: len(values)] = values
    return larger
