# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Net a plant item by item: plain loops over int64 arrays.

Sources: Orlicky, Material Requirements Planning; Knuth 1998, The Art of Computer
Programming 3, 5.2.3 (heaps) and 5.2.5 (sorting by distribution).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    begin_by,
    begin_from,
    end_by,
    end_from,
    fresh_from,
    gain_of,
    joined_until,
    length_of,
    lot_of,
    taken_of,
    used_until,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.plant_record import Pass, Plant

MOST_PEGS = 4
"""Pegs for which room has to be left before a requirement is served."""
DIGIT = 12
"""Bits of a digit."""
FEW = 100
"""Numbers up to which the plainest way to sort is the fastest."""


def order_all(plant: Plant, work: Pass, wanted: np.ndarray, wait: np.ndarray) -> bool:
    """Net a plant and link what its orders take, as of `net`."""
    if not net(plant, work, wanted, wait):
        return False
    link(work)
    return True


def net(plant: Plant, work: Pass, wanted: np.ndarray, wait: np.ndarray) -> bool:
    """Net item by item, consumers first: lots as needed, first come first served.

    Parameters
    ----------
    plant, work
        The plant; arrays to fill.
    wanted
        Instant at which each demand is wanted [s].
    wait
        Queue that is allowed for before the orders of each item [s].

    Returns
    -------
    bool
        False: the arrays are too short.
    """
    work.totals[0] = 0
    work.totals[1] = 0
    for demand in range(len(plant.d_item)):
        work.d_ready[demand] = plant.d_floor[demand]
    for supply in range(len(plant.s_qty)):
        work.s_rest[supply] = plant.s_qty[supply]
    needs = ask_demands(plant, work, wanted)
    ids = np.empty(len(work.r_to), np.int64)
    # Consumers come first: when an item is netted, all its requirements are known.
    for place in range(len(plant.order)):
        item = plant.order[place]
        count = count_needs(work, item)
        if count == 0:
            continue
        # Both ways list the same sequence.
        if count > FEW:
            list_needs(work, item, ids, count)
            sort_needs(work, ids, count)
        else:
            list_few(work, item, ids)
        needs = net_item(plant, work, item, ids[:count], wait, needs)
        if needs < 0:
            return False
    return True


def ask_demands(plant: Plant, work: Pass, wanted: np.ndarray) -> int:
    """Open a requirement for each demand; gives how many there are."""
    for item in range(len(plant.order)):
        work.r_head[item] = -1
    for demand in range(len(plant.d_item)):
        item = plant.d_item[demand]
        work.r_time[demand] = wanted[demand]
        work.r_qty[demand] = plant.d_qty[demand]
        work.r_to[demand] = -1 - demand
        work.r_for[demand] = demand
        work.r_until[demand] = wanted[demand] + plant.d_shelf[demand]
        work.r_next[demand] = work.r_head[item]
        work.r_head[item] = demand
    return len(plant.d_item)


def count_needs(work: Pass, item: int) -> int:
    """Count the requirements of an item."""
    count = 0
    at = work.r_head[item]
    while at >= 0:
        count += 1
        at = work.r_next[at]
    return count


def list_few(work: Pass, item: int, ids: np.ndarray) -> None:
    """List the requirements of an item by instant, of equal ones the oldest first."""
    times, follower = work.r_time, work.r_next
    at = work.r_head[item]
    count = 0
    while at >= 0:
        slot = count
        # What comes now is older than all that is listed.
        while slot > 0 and times[ids[slot - 1]] >= times[at]:
            ids[slot] = ids[slot - 1]
            slot -= 1
        ids[slot] = at
        count += 1
        at = follower[at]


def list_needs(work: Pass, item: int, ids: np.ndarray, count: int) -> None:
    """List the requirements of an item, the oldest first."""
    at = work.r_head[item]
    while at >= 0:
        count -= 1
        ids[count] = at
        at = work.r_next[at]


def sort_needs(work: Pass, ids: np.ndarray, count: int) -> None:
    """Sort requirements by instant; equal ones stay in their sequence."""
    times = np.empty(count, np.int64)
    listed = np.empty(count, np.int64)
    for slot in range(count):
        listed[slot] = ids[slot]
        times[slot] = work.r_time[ids[slot]]
    for slot, rank in enumerate(ranks_of(times)):
        ids[slot] = listed[rank]


def net_item(
    plant: Plant,
    work: Pass,
    item: int,
    ids: np.ndarray,
    wait: np.ndarray,
    needs: int,
) -> int:
    """Serve the requirements of an item; gives how many there are of all, -1: too many.

    Parameters
    ----------
    ids
        Requirements in the sequence in which they are served.
    wait
        As of `net`.
    needs
        Requirements of all items up to now.
    """
    orders, made, spare, life = work.totals[0], -1, 0, FAR
    for place in range(len(ids)):
        at = ids[place]
        if work.totals[1] + MOST_PEGS > len(work.p_to):
            return -1
        need, taker = work.r_qty[at], work.r_to[at]
        # Dead for this requirement, it is not kept for those after it, which come
        # later.
        if spare > 0 and work.o_due[made] + life < work.r_until[at]:
            spare = 0
        if spare > 0 and plant.apart[item] == 1 and work.o_for[made] != work.r_for[at]:
            spare = 0
        used = min(spare, need)
        if used > 0:
            give(work, made, taker, used)
            spare -= used
            need -= used
        need = take_standing(plant, work, item, at, need)
        # Any quantity can be bought, so no order is netted: who takes it waits the lead
        # time.
        if need > 0 and plant.lead[item] >= 0:
            work.o_release[taker] = max(work.o_release[taker], plant.lead[item])
            continue
        while need > 0:
            source = plant.a_item[plant.a_start[item]]
            if plant.a_start[item] + 1 < plant.a_start[item + 1]:
                source = source_of(plant, item, work.r_time[at], need)
            asked = need
            if plant.cover[item] > 0:
                asked += joined(plant, work, item, ids, place, plant.life[source])
            # One lot may be less than the need (largest lot): then the next one is
            # opened.
            qty = lot_of(plant, source, asked)
            gain = gain_of(plant, source, qty)
            lines = plant.c_start[source + 1] - plant.c_start[source]
            if (
                orders >= len(work.o_item)
                or needs + lines > len(work.r_to)
                or work.totals[1] + MOST_PEGS > len(work.p_to)
            ):
                return -1
            open_order(plant, work, orders, source, qty, work.r_until[at])
            work.o_due[orders] = work.r_time[at]
            # All that a demand needs carries its number down: what is kept for one
            # demand is given to orders for it alone.
            work.o_for[orders] = work.r_for[at]
            used = min(gain, need)
            give(work, orders, taker, used)
            need -= used
            spare = gain - used
            made, life = orders, plant.life[source]
            needs = ask_parts(plant, work, orders, at, wait[source], needs)
            orders += 1
    work.totals[0] = orders
    return needs


def ask_parts(
    plant: Plant, work: Pass, order: int, at: int, wait: int, needs: int
) -> int:
    """Open requirements for what an order takes; gives how many there are of all.

    Parameters
    ----------
    at
        The requirement that the order is for.
    wait
        Queue that is allowed for before it [s].
    """
    source, qty = work.o_item[order], work.o_qty[order]
    length, option = work.o_length[order], plant.x_start[source]
    by = work.r_time[at] - plant.post[source] - plant.soft[source]
    end = end_by(plant, option, by, length)
    # Backward by the first option: which one works is decided when it is dispatched.
    begin = begin_by(plant, option, end, length) - wait
    for line in range(plant.c_start[source], plant.c_start[source + 1]):
        part = plant.c_item[line]
        work.r_time[needs] = begin
        work.r_qty[needs] = taken_of(plant, line, qty)
        work.r_to[needs] = order
        work.r_for[needs] = work.r_for[at]
        work.r_until[needs] = used_until(plant, source, begin, work.r_until[at])
        work.r_next[needs] = work.r_head[part]
        work.r_head[part] = needs
        needs += 1
    return needs


def joined(
    plant: Plant, work: Pass, item: int, ids: np.ndarray, first: int, life: int
) -> int:
    """What later requirements lack that an order for one of them joins [steps].

    Parameters
    ----------
    ids, first
        Requirements by instant; the place of the one that the order is for.
    life
        For how long what it gives may be used [s].
    """
    own = ids[first]
    begin = work.r_time[own]
    end = joined_until(plant, item, begin)
    wanted, lacking = 0, 0
    for place in range(first + 1, len(ids)):
        at = ids[place]
        if work.r_time[at] >= end or begin + life < work.r_until[at]:
            break
        if plant.apart[item] == 1 and work.r_for[at] != work.r_for[own]:
            continue
        wanted += work.r_qty[at]
        there = 0
        for supply in range(plant.s_start[item], plant.s_start[item + 1]):
            if plant.s_ready[supply] <= work.r_time[at] and plant.s_for[supply] < 0:
                there += work.s_rest[supply]
        # The worst of all instants counts: a receipt that comes later helps nobody
        # before it.
        lacking = max(lacking, wanted - there)
    return lacking


def give(work: Pass, giver: int, taker: int, qty: int) -> None:
    """Peg an order, or a supply that stands, to a taker."""
    peg = work.totals[1]
    work.p_from[peg] = giver
    work.p_to[peg] = taker
    work.p_qty[peg] = qty
    work.totals[1] = peg + 1


def take_standing(plant: Plant, work: Pass, item: int, at: int, need: int) -> int:
    """Take of what stands for a requirement; gives what is still missing [steps]."""
    taker = work.r_to[at]
    for supply in range(plant.s_start[item], plant.s_start[item + 1]):
        used = min(work.s_rest[supply], need)
        if used == 0 or not serves(plant, supply, work.r_for[at]):
            continue
        if plant.s_until[supply] < work.r_until[at]:
            continue
        there = plant.s_ready[supply]
        # Supplies come by date: those after it are later still.
        if there > 0 and there > latest_of(plant, item, work.r_time[at], need):
            # What is bought or made now comes sooner.
            break
        if work.totals[1] + 2 > len(work.p_to):
            break
        give(work, -2 - supply, taker, used)
        work.s_rest[supply] -= used
        need -= used
        # Who takes of a receipt starts no sooner than that is there.
        if taker >= 0:
            work.o_release[taker] = max(work.o_release[taker], there)
        else:
            work.d_ready[-1 - taker] = max(work.d_ready[-1 - taker], there)
    return need


def serves(plant: Plant, supply: int, demand: int) -> bool:
    """Whether a supply that stands is kept for nobody else than a demand."""
    return plant.s_for[supply] < 0 or plant.s_for[supply] == demand


def latest_of(plant: Plant, item: int, wanted: int, need: int) -> int:
    """When a supply that stands has to be there at the latest to be taken [s].

    When it is wanted, or when what is bought or made instead could be there.
    """
    if plant.lead[item] >= 0:
        return plant.lead[item]
    first = FAR
    for place in range(plant.a_start[item], plant.a_start[item + 1]):
        first = min(first, alone_from(plant, place, need))
    return max(wanted, first)


def alone_from(plant: Plant, place: int, need: int) -> int:
    """When an order of a source is there, with nobody in its way [s]."""
    source = plant.a_item[place]
    option = plant.x_start[source]
    length = length_of(plant, source, option, lot_of(plant, source, need))
    begin = begin_from(plant, option, plant.a_ready[place], length)
    return end_from(plant, option, begin, length) + plant.post[source]


def source_of(plant: Plant, item: int, wanted: int, need: int) -> int:
    """Preferred source of an item that can be in time, else the one there first."""
    best, first = -1, FAR
    for place in range(plant.a_start[item], plant.a_start[item + 1]):
        there = alone_from(plant, place, need)
        # By preference: the first one in time is sooner than all before it, which are
        # late.
        if best < 0 or there < first:
            best, first = plant.a_item[place], there
        if there <= wanted:
            break
    return best


def open_order(
    plant: Plant, work: Pass, order: int, item: int, qty: int, until: int
) -> None:
    """Fill in what an order is by its item, its quantity and the last use."""
    work.o_item[order] = item
    work.o_qty[order] = qty
    work.o_release[order] = plant.floor[item]
    work.o_post[order] = plant.post[item]
    work.o_length[order] = length_of(plant, item, plant.x_start[item], qty)
    if plant.life[item] < FAR:
        fresh = fresh_from(plant, item, until, work.o_length[order])
        work.o_release[order] = max(work.o_release[order], fresh)


def link(work: Pass) -> None:
    """List the takers of each order, and count what all wait for."""
    orders, pegs = work.totals[0], work.totals[1]
    for order in range(orders + 1):
        work.t_start[order] = 0
    for order in range(orders):
        work.o_lacks[order] = 0
    for demand in range(len(work.d_lacks)):
        work.d_lacks[demand] = 0
    for peg in range(pegs):
        giver = work.p_from[peg]
        if giver >= 0:
            work.t_start[giver + 1] += 1
            taker = work.p_to[peg]
            if taker >= 0:
                work.o_lacks[taker] += 1
            else:
                work.d_lacks[-1 - taker] += 1
    for order in range(orders):
        work.t_start[order + 1] += work.t_start[order]
    # Until dispatch `o_ready` is where the next taker of each order is written.
    for order in range(orders):
        work.o_ready[order] = work.t_start[order]
    for peg in range(pegs):
        giver = work.p_from[peg]
        if giver >= 0:
            work.t_taker[work.o_ready[giver]] = work.p_to[peg]
            work.o_ready[giver] += 1


def ranks_of(keys: np.ndarray) -> np.ndarray:
    """Places of numbers in order of size, of equal ones the first first.

    Parameters
    ----------
    keys
        Shape (n,), int64; the largest is less than 2^62 above the least.

    Returns
    -------
    numpy.ndarray
        Shape (n,), int64, as `numpy.argsort` with kind "stable" gives.
    """
    count = len(keys)
    ranks = np.empty(count, np.int64)
    if count <= FEW:
        for at in range(count):
            slot = at
            while slot > 0 and keys[ranks[slot - 1]] > keys[at]:
                ranks[slot] = ranks[slot - 1]
                slot -= 1
            ranks[slot] = at
        return ranks
    other = np.empty(count, np.int64)
    least = most = keys[0]
    for at in range(count):
        ranks[at] = at
        least = min(least, keys[at])
        most = max(most, keys[at])
    size = 1 << DIGIT
    starts = np.empty(size, np.int64)
    shift = 0
    # A machine shifts by the rest of 64: beyond that digits would never end.
    # Lowest digit first. Each turn is stable, so what lower digits sorted stays so.
    while shift < 64 and (most - least) >> shift > 0:
        for digit in range(size):
            starts[digit] = 0
        for at in range(count):
            starts[((keys[at] - least) >> shift) & (size - 1)] += 1
        begin = 0
        for digit in range(size):
            held = starts[digit]
            starts[digit] = begin
            begin += held
        for at in range(count):
            rank = ranks[at]
            digit = ((keys[rank] - least) >> shift) & (size - 1)
            other[starts[digit]] = rank
            starts[digit] += 1
        ranks, other = other, ranks
        shift += DIGIT
    return ranks


def push(keys: np.ndarray, values: np.ndarray, count: int, key: int, value: int) -> int:
    """Add to a heap; gives its new length."""
    at = count
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] <= key:
            break
        keys[at] = keys[above]
        values[at] = values[above]
        at = above
    keys[at] = key
    values[at] = value
    return count + 1


def pop(keys: np.ndarray, values: np.ndarray, count: int) -> tuple[int, int]:
    """Take the least of a heap; gives its value, and the new length.

    The gap goes down to a leaf and what fills it up again: one comparison a level, and
    none that is hard to foresee (Floyd 1964, as told by Knuth 1998, 5.2.3).
    """
    value = values[0]
    count -= 1
    key, moved = keys[count], values[count]
    at, below = 0, 1
    while 0 < below < count - 1:
        below += keys[below + 1] < keys[below]
        keys[at] = keys[below]
        values[at] = values[below]
        at = below
        below = 2 * at + 1
    if below < count:
        keys[at] = keys[below]
        values[at] = values[below]
        at = below
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] < key:
            break
        keys[at] = keys[above]
        values[at] = values[above]
        at = above
    keys[at] = key
    values[at] = moved
    return value, count
