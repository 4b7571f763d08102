# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""The record of a schedule that changes, and how its changes are undone exactly.

A schedule holds orders, the pegs between them and their places on the machines, in
arrays with free lists. Every change is written to a journal, and what is unlinked keeps
its neighbours: undone in the opposite order, all links are as they were (Knuth 2000).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    draw,
    gain_of,
    limited,
    shared,
    take_room,
    window_of,
)

if TYPE_CHECKING:
    import numpy as np

    from medhavi.planners.kernels.plant_kernels.plant_record import Plant

FREE_ORDERS, FREE_PEGS, JOURNAL, FULL = 0, 1, 2, 3
NARROW, BEHIND, TRIES, BELOW, SERVED, APART = 4, 5, 6, 7, 8, 9
DEAD, LATER = 10, 11
JOINED, JOINT, SPARE = 12, 13, 14
PLACED, LIFTED, PEGGED, UNPEGGED = 1, 2, 3, 4
MADE, REMOVED, FINISHED, HELD, CUT = 5, 6, 7, 8, 9


class ScheduleRecord(NamedTuple):
    """A schedule that changes; `state` holds free orders, free pegs, journal, full.

    Its fifth number is 1 while orders come from their first source alone and are worked
    on by their first option, its sixth while they go behind all others of machines with
    changeovers. The seventh counts the sources that are tried for a demand; of the item
    whose sources hold the place that is the eighth, only those before it are tried. The
    ninth is the demand that is served. The tenth is 1 while no order comes later to a
    late demand than it could. The
    eleventh is 0, or by how much later than planned it uses what is dead by then [s];
    the next is by how much later it is expected to use what may die [s]. Of the item
    whose number less one is the thirteenth, orders are made for the need at least that
    is the fourteenth, and the fifteenth is what its orders may give beyond all needs.

    `room`: free orders and pegs that a demand needs at most when it is served.

    Orders: `o_item`, `o_qty`, `o_start`, `o_end` (work), `o_option` (of its item),
    `o_lane` (unit of its machine), `o_beside` (units of the others that it needs, or
    what it takes of buckets [s], the second number of `width` each, and once more to
    try), `o_for` (demand that it was made for), `o_until` (last use of what it gives),
    `o_stays` (end at which it stays, as late as may be; `FAR`: none), `o_ahead` (end by
    which it is made where it may be later; `FAR`: none), `o_gain` (steps that it
    gives), `o_used` (those that are taken), `o_next`, `o_back` (orders of its item),
    `o_peg` (first peg that it takes), `o_user` (first that takes from it). Pegs:
    `g_from`, `g_to`, `g_qty`, `g_also` (next of the taker), `g_next`, `g_back` (of the
    giver). `lane` holds
    `width` places per lane in order of time, `laned` how many are taken. `taken` is
    what orders take of the room of windows, `s_used` of supplies that stand, whose
    first peg is `s_user`. `d_cut`
    says how orders for a demand are cut, in three numbers: the item that they are for,
    plus one (0: they are whole), into how many lots, and of which quantity another one
    is before them [steps; 0: none]. `f_*` are stacks: frames of `supply`. The last
    orders are the blocks that stand.
    """

    state: np.ndarray
    room: np.ndarray
    noise: np.ndarray
    o_item: np.ndarray
    o_qty: np.ndarray
    o_start: np.ndarray
    o_end: np.ndarray
    o_option: np.ndarray
    o_lane: np.ndarray
    o_beside: np.ndarray
    o_for: np.ndarray
    o_gain: np.ndarray
    o_until: np.ndarray
    o_stays: np.ndarray
    o_ahead: np.ndarray
    o_used: np.ndarray
    o_next: np.ndarray
    o_back: np.ndarray
    o_peg: np.ndarray
    o_user: np.ndarray
    free_order: np.ndarray
    g_from: np.ndarray
    g_to: np.ndarray
    g_qty: np.ndarray
    g_also: np.ndarray
    g_next: np.ndarray
    g_back: np.ndarray
    free_peg: np.ndarray
    i_head: np.ndarray
    s_used: np.ndarray
    s_user: np.ndarray
    taken: np.ndarray
    lane: np.ndarray
    laned: np.ndarray
    width: np.ndarray
    d_peg: np.ndarray
    d_finish: np.ndarray
    d_cut: np.ndarray
    j_kind: np.ndarray
    j_id: np.ndarray
    j_old: np.ndarray
    f_item: np.ndarray
    f_place: np.ndarray
    f_best: np.ndarray
    f_there: np.ndarray
    f_order: np.ndarray
    f_taker: np.ndarray
    f_need: np.ndarray
    f_by: np.ndarray
    f_until: np.ndarray
    f_mark: np.ndarray
    f_line: np.ndarray
    f_ready: np.ndarray
    f_before: np.ndarray
    f_lots: np.ndarray
    stack: np.ndarray


def pick(plan: ScheduleRecord, count: int) -> int:
    """Random number below `count`."""
    draw(plan.noise)
    return (plan.noise[0] >> 4) % count


def note(plan: ScheduleRecord, kind: int, which: int, old: int) -> None:
    """Write a change down."""
    # Nothing looks whether the journal is full: `put_back` ends a move while half of it
    # is left, which is more than one demand can write.
    at = plan.state[JOURNAL]
    plan.j_kind[at] = kind
    plan.j_id[at] = which
    plan.j_old[at] = old
    plan.state[JOURNAL] = at + 1


def set_cut(plan: ScheduleRecord, demand: int, cut: tuple[int, int, int]) -> None:
    """Cut the orders for a demand from now on, as of `d_cut`."""
    for place in range(3):
        note(plan, CUT, 3 * demand + place, plan.d_cut[3 * demand + place])
        plan.d_cut[3 * demand + place] = cut[place]


def undo(plant: Plant, plan: ScheduleRecord, mark: int) -> None:
    """Take back every change since the mark, the last one first."""
    while plan.state[JOURNAL] > mark:
        plan.state[JOURNAL] -= 1
        at = plan.state[JOURNAL]
        kind = plan.j_kind[at]
        which = plan.j_id[at]
        # Its start, lane and option are those with which it was placed: what set them
        # later is taken back by now.
        if kind == PLACED:
            lift(plant, plan, which)
        # An order that was lifted keeps start, option, unit and hours of buckets, so it
        # goes back where it was.
        elif kind == LIFTED:
            lay(plant, plan, which)
        elif kind == PEGGED:
            unlink_giver(plan, which)
            # All pegs that the taker got later are taken back: this one is the first of
            # its list.
            taker = plan.g_to[which]
            if taker < 0:
                plan.d_peg[-1 - taker] = plan.g_also[which]
            else:
                plan.o_peg[taker] = plan.g_also[which]
            plan.free_peg[plan.state[FREE_PEGS]] = which
            plan.state[FREE_PEGS] += 1
        elif kind == UNPEGGED:
            relink_giver(plan, which)
        elif kind == MADE:
            unlink_item(plan, which)
            plan.free_order[plan.state[FREE_ORDERS]] = which
            plan.state[FREE_ORDERS] += 1
        elif kind == REMOVED:
            relink_item(plan, which)
        elif kind == FINISHED:
            plan.d_finish[which] = plan.j_old[at]
        elif kind == CUT:
            plan.d_cut[which] = plan.j_old[at]
        else:
            plan.d_peg[which] = plan.j_old[at]


def keep(plan: ScheduleRecord) -> None:
    """Keep all changes; what was removed is free again."""
    # Numbers of what was removed are given out again from here on alone: until now
    # `undo` might need what stands under them.
    for at in range(plan.state[JOURNAL]):
        kind = plan.j_kind[at]
        if kind == UNPEGGED:
            plan.free_peg[plan.state[FREE_PEGS]] = plan.j_id[at]
            plan.state[FREE_PEGS] += 1
        elif kind == REMOVED:
            plan.free_order[plan.state[FREE_ORDERS]] = plan.j_id[at]
            plan.state[FREE_ORDERS] += 1
    plan.state[JOURNAL] = 0


def unlink_item(plan: ScheduleRecord, order: int) -> None:
    """Take an order out of the list of its item; it keeps its neighbours."""
    back, after = plan.o_back[order], plan.o_next[order]
    if back >= 0:
        plan.o_next[back] = after
    else:
        plan.i_head[plan.o_item[order]] = after
    if after >= 0:
        plan.o_back[after] = back


def relink_item(plan: ScheduleRecord, order: int) -> None:
    """Put an order back between its neighbours."""
    back, after = plan.o_back[order], plan.o_next[order]
    if back >= 0:
        plan.o_next[back] = order
    else:
        plan.i_head[plan.o_item[order]] = order
    if after >= 0:
        plan.o_back[after] = order


def unlink_giver(plan: ScheduleRecord, peg: int) -> None:
    """Unlink a peg from its giver; it keeps its neighbours."""
    giver = plan.g_from[peg]
    back, after = plan.g_back[peg], plan.g_next[peg]
    if back >= 0:
        plan.g_next[back] = after
    if after >= 0:
        plan.g_back[after] = back
    if giver < 0:
        plan.s_used[-2 - giver] -= plan.g_qty[peg]
        if back < 0:
            plan.s_user[-2 - giver] = after
        return
    plan.o_used[giver] -= plan.g_qty[peg]
    if back < 0:
        plan.o_user[giver] = after


def relink_giver(plan: ScheduleRecord, peg: int) -> None:
    """Relink a peg to its giver."""
    giver = plan.g_from[peg]
    back, after = plan.g_back[peg], plan.g_next[peg]
    if back >= 0:
        plan.g_next[back] = peg
    if after >= 0:
        plan.g_back[after] = peg
    if giver < 0:
        plan.s_used[-2 - giver] += plan.g_qty[peg]
        if back < 0:
            plan.s_user[-2 - giver] = peg
        return
    plan.o_used[giver] += plan.g_qty[peg]
    if back < 0:
        plan.o_user[giver] = peg


def peg_to(plan: ScheduleRecord, giver: int, taker: int, qty: int) -> None:
    """Peg a taker (order, or -1 - demand) to an order, or -2 - a supply that stands."""
    plan.state[FREE_PEGS] -= 1
    peg = plan.free_peg[plan.state[FREE_PEGS]]
    plan.g_from[peg] = giver
    plan.g_to[peg] = taker
    plan.g_qty[peg] = qty
    if taker < 0:
        plan.g_also[peg] = plan.d_peg[-1 - taker]
        plan.d_peg[-1 - taker] = peg
    else:
        plan.g_also[peg] = plan.o_peg[taker]
        plan.o_peg[taker] = peg
    if giver < 0:
        head = plan.s_user[-2 - giver]
        plan.s_used[-2 - giver] += qty
        plan.s_user[-2 - giver] = peg
    else:
        head = plan.o_user[giver]
        plan.o_used[giver] += qty
        plan.o_user[giver] = peg
    plan.g_next[peg] = head
    plan.g_back[peg] = -1
    if head >= 0:
        plan.g_back[head] = peg
    note(plan, PEGGED, peg, 0)


def new_order(plant: Plant, plan: ScheduleRecord, item: int, qty: int) -> int:
    """Make an order that has no place yet."""
    plan.state[FREE_ORDERS] -= 1
    order = plan.free_order[plan.state[FREE_ORDERS]]
    plan.o_item[order] = item
    plan.o_qty[order] = qty
    plan.o_gain[order] = gain_of(plant, item, qty)
    plan.o_for[order] = plan.state[SERVED]
    plan.o_used[order] = 0
    plan.o_peg[order] = -1
    plan.o_user[order] = -1
    # An order without a place ends in `FAR`, so that nobody counts on it
    # (`earliest_lot`, `covered_by`).
    plan.o_start[order] = -1
    plan.o_end[order] = FAR
    plan.o_until[order] = plan.o_stays[order] = plan.o_ahead[order] = FAR
    head = plan.i_head[item]
    plan.o_next[order] = head
    plan.o_back[order] = -1
    if head >= 0:
        plan.o_back[head] = order
    plan.i_head[item] = order
    note(plan, MADE, order, 0)
    return order


def place_of(plan: ScheduleRecord, lane: int, start: int) -> int:
    """Place of the first order of a lane that starts from `start` on."""
    placed, starts = plan.lane, plan.o_start
    # Work on a lane does not overlap, so starts rise with the place.
    low = lane * plan.width[0]
    high = low + plan.laned[lane]
    while low < high:
        middle = (low + high) >> 1
        if starts[placed[middle]] < start:
            low = middle + 1
        else:
            high = middle
    return low


def bucketed(plant: Plant, option: int) -> bool:
    """Whether the hours of the machine of an option are counted per bucket."""
    return plant.bucket[option] >= 0


def room_place(plant: Plant, option: int, bucket: int) -> int:
    """Place of the room of a bucket."""
    first = plant.k_start[plant.bucket[option]]
    return plant.l_room[plant.l_start[option]] + bucket - first


def hold_buckets(plant: Plant, plan: ScheduleRecord, order: int, sign: int) -> None:
    """Take what an order takes of its buckets, or give it back (-1)."""
    option, low = plan.o_option[order], order * plan.width[1]
    # The row counts buckets from the one in which the order begins: who changes its
    # start gives the hours back before, and takes them after.
    at = window_of(plant, plant.bucket[option], plan.o_start[order])
    place = room_place(plant, option, at)
    for later in range(plan.width[1]):
        share = plan.o_beside[low + later]
        if share != 0:
            plan.taken[place + later] += sign * share


def give_hours_back(plant: Plant, plan: ScheduleRecord, order: int) -> None:
    """Take an order off the lane of a machine whose hours are counted per bucket.

    There others may begin when it does.
    """
    hold_buckets(plant, plan, order, -1)
    lane, placed = plan.o_lane[order], plan.lane
    at = place_of(plan, lane, plan.o_start[order])
    # Several orders may begin at one instant there, each with some hours of the bucket.
    while placed[at] != order:
        at += 1
    last = lane * plan.width[0] + plan.laned[lane] - 1
    while at < last:
        placed[at] = placed[at + 1]
        at += 1
    plan.laned[lane] -= 1


def lay(plant: Plant, plan: ScheduleRecord, order: int) -> None:
    """Put an order at its start on its lane, or into its window."""
    option = plan.o_option[order]
    if plant.machine[option] < 0:
        if limited(plant, option):
            qty = plan.o_qty[order]
            take_room(plant, plan.taken, option, plan.o_start[order], qty)
        return
    lane, start = plan.o_lane[order], plan.o_start[order]
    insert(plan, lane, place_of(plan, lane, start), order)
    if bucketed(plant, option):
        hold_buckets(plant, plan, order, 1)
    elif shared(plant, option):
        for at in range(plant.w_start[option + 1] - plant.w_start[option]):
            lane = plan.o_beside[order * plan.width[1] + at]
            put(plan, lane, place_of(plan, lane, start), order)


def insert(plan: ScheduleRecord, lane: int, at: int, order: int) -> None:
    """Put an order at a place of a lane of its machine; what is there moves on."""
    put(plan, lane, at, order)
    plan.o_lane[order] = lane


def put(plan: ScheduleRecord, lane: int, at: int, order: int) -> None:
    """Put an order at a place of a lane; what is there moves on."""
    placed = plan.lane
    end = lane * plan.width[0] + plan.laned[lane]
    while end > at:
        placed[end] = placed[end - 1]
        end -= 1
    placed[at] = order
    plan.laned[lane] += 1


def lift(plant: Plant, plan: ScheduleRecord, order: int) -> None:
    """Take an order off its lane, or out of its window."""
    option = plan.o_option[order]
    if plant.machine[option] < 0:
        if limited(plant, option):
            qty = plan.o_qty[order]
            take_room(plant, plan.taken, option, plan.o_start[order], -qty)
        return
    if bucketed(plant, option):
        give_hours_back(plant, plan, order)
        return
    take_off(plan, plan.o_lane[order], order)
    if shared(plant, option):
        for at in range(plant.w_start[option + 1] - plant.w_start[option]):
            take_off(plan, plan.o_beside[order * plan.width[1] + at], order)


def take_off(plan: ScheduleRecord, lane: int, order: int) -> None:
    """Take an order off a lane; what is after it moves up."""
    placed, at = plan.lane, place_of(plan, lane, plan.o_start[order])
    last = lane * plan.width[0] + plan.laned[lane] - 1
    while at < last:
        placed[at] = placed[at + 1]
        at += 1
    plan.laned[lane] -= 1


def users(
    plan: ScheduleRecord,
    order: int,
    found: np.ndarray,
    count: int,
    most: int,
    seen: np.ndarray,
) -> int:
    """Add the demands that an order serves; gives how many there are now."""
    stack, first = plan.stack, plan.o_user
    takers, others = plan.g_to, plan.g_next
    stack[0] = order
    depth = 1
    while depth > 0 and count < most:
        depth -= 1
        peg = first[stack[depth]]
        while peg >= 0 and count < most:
            taker = takers[peg]
            if taker >= 0:
                # Too many to look at count as too many demands: callers leave such an
                # order alone.
                if depth == len(stack):
                    return most
                stack[depth] = taker
                depth += 1
            # Marks stay: the caller clears those of all that is found.
            elif seen[-1 - taker] == 0:
                seen[-1 - taker] = 1
                found[count] = -1 - taker
                count += 1
            peg = others[peg]
    return count


def slowest(plant: Plant, plan: ScheduleRecord, peg: int) -> tuple[int, int]:
    """Order of a list of pegs that comes last (-1: what stands, or none), and when."""
    givers, others = plan.g_from, plan.g_also
    ends, items, post = plan.o_end, plan.o_item, plant.post
    stands = plant.s_ready
    best = -1
    # What is there now holds nobody up.
    last = 0
    while peg >= 0:
        giver = givers[peg]
        if giver >= 0:
            there = ends[giver] + post[items[giver]]
            if there > last:
                last = there
                best = giver
        elif stands[-2 - giver] > last:
            last = stands[-2 - giver]
            best = -1
        peg = others[peg]
    return best, last
