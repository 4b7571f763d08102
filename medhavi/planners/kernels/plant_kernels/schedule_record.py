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
    begin_by,
    begin_from,
    change_of,
    changed_by,
    changed_from,
    end_by,
    end_from,
    gain_of,
    length_of,
    limited,
    on_lane,
    roomy_by,
    roomy_from,
    take_room,
)

if TYPE_CHECKING:
    import numpy as np

    from medhavi.planners.kernels.plant_kernels.plant_record import Plant

FREE_ORDERS, FREE_PEGS, JOURNAL, FULL = 0, 1, 2, 3
NARROW, BEHIND, TRIES, BELOW, SERVED, APART = 4, 5, 6, 7, 8, 9
DEAD, LATER = 10, 11
PLACED, LIFTED, PEGGED, UNPEGGED = 1, 2, 3, 4
MADE, REMOVED, FINISHED, HELD = 5, 6, 7, 8


class ScheduleRecord(NamedTuple):
    """A schedule that changes; `state` holds free orders, free pegs, journal, full.

    Its fifth number is 1 while orders come from their first source alone and are worked
    on by their first option, its sixth while they go behind all others of machines with
    changeovers. The seventh counts the sources that are tried for a demand; of the item
    whose sources hold the place that is the eighth, only those before it are tried. The
    ninth is the demand that is served. The tenth is 1 while no order comes later to a
    late demand than it could. The
    eleventh is 0, or by how much later than planned it uses what is dead by then [s];
    the last is by how much later it is expected to use what may die [s].

    `room`: free orders and pegs that a demand needs at most when it is served.

    Orders: `o_item`, `o_qty`, `o_start`, `o_end` (work), `o_option` (of its item),
    `o_lane` (unit of its machine), `o_for` (demand that it was made for), `o_until`
    (last use of what it gives), `o_gain` (steps that it gives), `o_used` (those that
    are taken), `o_next`, `o_back` (orders of its item), `o_peg` (first peg that it
    takes), `o_user` (first that takes from it). Pegs: `g_from`, `g_to`, `g_qty`,
    `g_also` (next of the taker), `g_next`, `g_back` (of the giver). `lane` holds
    `width` places per lane in order of time, `laned` how many are taken. `taken` is
    what orders take of the room of windows, `s_used` of supplies that stand. `f_*` are
    stacks: frames of `supply`. The last orders are the blocks that stand.
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
    o_for: np.ndarray
    o_gain: np.ndarray
    o_until: np.ndarray
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
    taken: np.ndarray
    lane: np.ndarray
    laned: np.ndarray
    width: np.ndarray
    d_peg: np.ndarray
    d_finish: np.ndarray
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
    stack: np.ndarray


def note(plan: ScheduleRecord, kind: int, which: int, old: int) -> None:
    """Write a change down."""
    at = plan.state[JOURNAL]
    plan.j_kind[at] = kind
    plan.j_id[at] = which
    plan.j_old[at] = old
    plan.state[JOURNAL] = at + 1


def undo(plant: Plant, plan: ScheduleRecord, mark: int) -> None:
    """Take back every change since the mark, the last one first."""
    while plan.state[JOURNAL] > mark:
        plan.state[JOURNAL] -= 1
        at = plan.state[JOURNAL]
        kind = plan.j_kind[at]
        which = plan.j_id[at]
        if kind == PLACED:
            lift(plant, plan, which)
        elif kind == LIFTED:
            lay(plant, plan, which)
        elif kind == PEGGED:
            unlink_giver(plan, which)
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
        else:
            plan.d_peg[which] = plan.j_old[at]


def keep(plan: ScheduleRecord) -> None:
    """Keep all changes; what was removed is free again."""
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
    if giver < 0:
        plan.s_used[-2 - giver] -= plan.g_qty[peg]
        return
    plan.o_used[giver] -= plan.g_qty[peg]
    back, after = plan.g_back[peg], plan.g_next[peg]
    if back >= 0:
        plan.g_next[back] = after
    else:
        plan.o_user[giver] = after
    if after >= 0:
        plan.g_back[after] = back


def relink_giver(plan: ScheduleRecord, peg: int) -> None:
    """Relink a peg to its giver."""
    giver = plan.g_from[peg]
    if giver < 0:
        plan.s_used[-2 - giver] += plan.g_qty[peg]
        return
    plan.o_used[giver] += plan.g_qty[peg]
    back, after = plan.g_back[peg], plan.g_next[peg]
    if back >= 0:
        plan.g_next[back] = peg
    else:
        plan.o_user[giver] = peg
    if after >= 0:
        plan.g_back[after] = peg


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
        plan.s_used[-2 - giver] += qty
    else:
        head = plan.o_user[giver]
        plan.o_used[giver] += qty
        plan.g_next[peg] = head
        plan.g_back[peg] = -1
        if head >= 0:
            plan.g_back[head] = peg
        plan.o_user[giver] = peg
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
    plan.o_start[order] = -1
    plan.o_end[order] = FAR
    plan.o_until[order] = FAR
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
    low = lane * plan.width[0]
    high = low + plan.laned[lane]
    while low < high:
        middle = (low + high) >> 1
        if starts[placed[middle]] < start:
            low = middle + 1
        else:
            high = middle
    return low


def lay(plant: Plant, plan: ScheduleRecord, order: int) -> None:
    """Put an order at its start on its lane, or into its window."""
    option = plan.o_option[order]
    if plant.machine[option] < 0:
        if limited(plant, option):
            qty = plan.o_qty[order]
            take_room(plant, plan.taken, option, plan.o_start[order], qty)
        return
    lane = plan.o_lane[order]
    insert(plan, lane, place_of(plan, lane, plan.o_start[order]), order)


def insert(plan: ScheduleRecord, lane: int, at: int, order: int) -> None:
    """Put an order at a place of a lane; what is there moves on."""
    placed = plan.lane
    end = lane * plan.width[0] + plan.laned[lane]
    while end > at:
        placed[end] = placed[end - 1]
        end -= 1
    placed[at] = order
    plan.laned[lane] += 1
    plan.o_lane[order] = lane


def lift(plant: Plant, plan: ScheduleRecord, order: int) -> None:
    """Take an order off its lane, or out of its window."""
    option = plan.o_option[order]
    if plant.machine[option] < 0:
        if limited(plant, option):
            qty = plan.o_qty[order]
            take_room(plant, plan.taken, option, plan.o_start[order], -qty)
        return
    placed, lane = plan.lane, plan.o_lane[order]
    at = place_of(plan, lane, plan.o_start[order])
    last = lane * plan.width[0] + plan.laned[lane] - 1
    while at < last:
        placed[at] = placed[at + 1]
        at += 1
    plan.laned[lane] -= 1


def family_before(plant: Plant, plan: ScheduleRecord, lane: int, at: int) -> int:
    """Family that a lane is set up for before one of its places; -1: none is known."""
    while at > lane * plan.width[0]:
        at -= 1
        family = plant.family[plan.o_option[plan.lane[at]]]
        if family >= 0:
            return family
    return -1


def leaves_change(
    plant: Plant, plan: ScheduleRecord, lane: int, at: int, family: int, end: int
) -> bool:
    """Whether work that ends at an instant leaves time for the next changeover.

    It is before a place of a lane, which is set up for `family` after it. Time for a
    changeover lies directly before the work that needs it.
    """
    option, placed = plan.o_option, plan.lane
    stop = lane * plan.width[0] + plan.laned[lane]
    while at < stop:
        other = placed[at]
        own = option[other]
        if plant.family[own] >= 0:
            change = change_of(plant, plant.machine[own], family, plant.family[own])
            return changed_from(plant, own, end, change) <= plan.o_start[other]
        end = plan.o_end[other]
        at += 1
    return True


def stays_changed(plant: Plant, plan: ScheduleRecord, lane: int, start: int) -> bool:
    """Whether a lane from which work was lifted leaves time for the next changeover."""
    at = place_of(plan, lane, start)
    if at == lane * plan.width[0]:
        return True
    end = plan.o_end[plan.lane[at - 1]]
    return leaves_change(
        plant, plan, lane, at, family_before(plant, plan, lane, at), end
    )


def behind(
    plant: Plant, plan: ScheduleRecord, lane: int, at: int, option: int, ready: int
) -> int:
    """Instant from which work can begin at a place of a lane with changeovers [s]."""
    if at == lane * plan.width[0]:
        return ready
    before = family_before(plant, plan, lane, at)
    change = change_of(plant, plant.machine[option], before, plant.family[option])
    free = changed_from(plant, option, plan.o_end[plan.lane[at - 1]], change)
    return max(ready, free)


def first_gap(
    plant: Plant, plan: ScheduleRecord, lane: int, option: int, length: int, ready: int
) -> tuple[int, int, int]:
    """First gap of a lane that is long enough: its place, start and end of the work."""
    starts, ends, placed = plan.o_start, plan.o_end, plan.lane
    changing = plant.m_change[plant.machine[option]] >= 0
    low = lane * plan.width[0]
    high = stop = low + plan.laned[lane]
    while low < high:
        middle = (low + high) >> 1
        if ends[placed[middle]] <= ready:
            low = middle + 1
        else:
            high = middle
    free = ready
    if changing:
        if plan.state[BEHIND] == 1:
            low = stop
        free = behind(plant, plan, lane, low, option, ready)
    start = begin_from(plant, option, free, length)
    end = end_from(plant, option, start, length)
    while low < stop:
        other = placed[low]
        if starts[other] >= end:
            if not changing:
                break
            family = plant.family[option]
            if family < 0:
                family = family_before(plant, plan, lane, low)
            if leaves_change(plant, plan, lane, low, family, end):
                break
        low += 1
        free = ends[other]
        if changing:
            free = behind(plant, plan, lane, low, option, ready)
        start = begin_from(plant, option, free, length)
        end = end_from(plant, option, start, length)
    return low, start, end


def place_early(
    plant: Plant, plan: ScheduleRecord, order: int, ready: int, first: int, behind: int
) -> None:
    """Put an order where it ends first, from `ready` on, by options `first` on."""
    item, qty = plan.o_item[order], plan.o_qty[order]
    way = at = unit = -1
    start = end = FAR
    for option in range(first, behind):
        length, machine = length_of(plant, item, option, qty), plant.machine[option]
        if machine < 0:
            if limited(plant, option):
                begin = roomy_from(plant, plan.taken, option, ready, qty)
            else:
                begin = begin_from(plant, option, ready, length)
            through = end_from(plant, option, begin, length)
            if through < end:
                way, start, end = option, begin, through
        else:
            low, high = plant.m_lane[machine], plant.m_lane[machine + 1]
            if plan.state[BEHIND] == 1 and plant.unit[option] >= 0:
                # None is later on its own unit; on others that is not certain.
                low, high = plan.o_lane[order], plan.o_lane[order] + 1
            for lane in range(low, high):
                place, begin, through = first_gap(
                    plant, plan, lane, on_lane(plant, option, lane), length, ready
                )
                if through < end:
                    way, at, unit, start, end = option, place, lane, begin, through
    plan.o_option[order] = way
    plan.o_start[order] = start
    plan.o_end[order] = end
    if plant.machine[way] >= 0:
        if plan.laned[unit] + 1 >= plan.width[0]:
            plan.state[FULL] = 1
            return
        insert(plan, unit, at, order)
    elif limited(plant, way):
        take_room(plant, plan.taken, way, start, qty)
    note(plan, PLACED, order, 0)


def last_gap(
    plant: Plant, plan: ScheduleRecord, lane: int, option: int, length: int, limit: int
) -> tuple[int, int, int]:
    """Last gap of a lane that is long enough: its place, start and end of the work.

    Lanes hold the last order first here: those that come after others are placed
    before them, so that few have to move on.
    """
    starts, ends, placed = plan.o_start, plan.o_end, plan.lane
    end = end_by(plant, option, limit, length)
    start = begin_by(plant, option, end, length)
    low = lane * plan.width[0]
    high = stop = low + plan.laned[lane]
    while low < high:
        middle = (low + high) >> 1
        if starts[placed[middle]] >= limit:
            low = middle + 1
        else:
            high = middle
    while low < stop:
        other = placed[low]
        if ends[other] <= start:
            break
        if starts[other] < end:
            end = end_by(plant, option, starts[other], length)
            start = begin_by(plant, option, end, length)
        low += 1
    return low, start, end


def append(plan: ScheduleRecord, lane: int, order: int) -> None:
    """Put an order behind the others of a lane, at the instants that it has."""
    insert(plan, lane, lane * plan.width[0] + plan.laned[lane], order)


def before_last(
    plant: Plant, plan: ScheduleRecord, lane: int, option: int, limit: int
) -> int:
    """Latest end before the last one of a lane that holds the last order first."""
    if plan.laned[lane] == 0:
        return limit
    at = lane * plan.width[0] + plan.laned[lane] - 1
    other = plan.lane[at]
    own, start = plan.o_option[other], plan.o_start[other]
    family = plant.family[own]
    change = change_of(plant, plant.machine[option], plant.family[option], family)
    return min(limit, changed_by(plant, own, start, change))


def place_late(plant: Plant, plan: ScheduleRecord, order: int, limit: int) -> None:
    """Put an order into the last gap of its option that ends by `limit`.

    On a machine with changeovers all keep their sequence, and work without a family
    its instants: what it leaves to the next one follows from what is before it.
    """
    item, option = plan.o_item[order], plan.o_option[order]
    length = length_of(plant, item, option, plan.o_qty[order])
    machine = plant.machine[option]
    if machine >= 0 and plant.m_change[machine] >= 0:
        lane = plant.m_lane[machine]
        if plant.family[option] < 0:
            append(plan, lane, order)
            return
        limit = before_last(plant, plan, lane, option, limit)
        end = end_by(plant, option, limit, length)
        start = begin_by(plant, option, end, length)
        append(plan, lane, order)
    elif limited(plant, option):
        qty = plan.o_qty[order]
        start, end = plan.o_start[order], plan.o_end[order]
        # Of what arrives when it does, its own departure alone is sure to have room.
        at = roomy_by(plant, plan.taken, option, (end, limit), qty)
        if at >= 0:
            start, end = plant.k_open[at], plant.k_close[at]
        take_room(plant, plan.taken, option, start, qty)
    elif machine < 0:
        end = end_by(plant, option, limit, length)
        start = begin_by(plant, option, end, length)
    else:
        best, high = plant.m_lane[machine], plant.m_lane[machine + 1]
        if plant.unit[option] >= 0:
            best, high = plan.o_lane[order], plan.o_lane[order] + 1
        own = on_lane(plant, option, best)
        at, start, end = last_gap(plant, plan, best, own, length, limit)
        for lane in range(best + 1, high):
            place, begin, through = last_gap(plant, plan, lane, option, length, limit)
            if begin > start:
                best, at, start, end = lane, place, begin, through
        insert(plan, best, at, order)
    plan.o_start[order] = start
    plan.o_end[order] = end


def turn_lanes(plan: ScheduleRecord) -> None:
    """Turn the sequence of the orders on all lanes around."""
    placed = plan.lane
    for lane in range(len(plan.laned)):
        low = lane * plan.width[0]
        high = low + plan.laned[lane] - 1
        while low < high:
            held = placed[low]
            placed[low] = placed[high]
            placed[high] = held
            low += 1
            high -= 1
