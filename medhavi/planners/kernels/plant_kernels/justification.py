# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Move all orders of a schedule as late as they may be, and as early again.

Source: Valls, Ballestin and Quintanilla 2005.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.kernels.plant_kernels.changeover_sequence import (
    append,
    block_of,
    families_ahead,
    place_turn,
)
from medhavi.planners.kernels.plant_kernels.item_netting import ranks_of
from medhavi.planners.kernels.plant_kernels.placement import (
    clear_row,
    place_early,
    spread_by,
    stays_changed,
)
from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    begin_by,
    begin_from,
    cost_of,
    end_by,
    end_from,
    length_of,
    limited,
    machine_of,
    on_lane,
    roomy_by,
    shared,
    take_room,
)
from medhavi.planners.kernels.plant_kernels.repair import (
    lasting,
    lasts_until,
)
from medhavi.planners.kernels.plant_kernels.schedule_record import (
    APART,
    BEHIND,
    FULL,
    JOURNAL,
    bucketed,
    hold_buckets,
    insert,
    lay,
    lift,
    new_order,
    peg_to,
    place_of,
    put,
    slowest,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.plant_record import Pass, Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord


FIRST = FAR >> 1
"""By how much later, among keys, what stays counts than what does not [s]."""


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
        # All after it on this lane end earlier still.
        if ends[other] <= start:
            break
        if starts[other] < end:
            end = end_by(plant, option, starts[other], length)
            start = begin_by(plant, option, end, length)
        low += 1
    return low, start, end


def last_shared(
    plant: Plant, plan: ScheduleRecord, option: int, length: int, limit: int
) -> tuple[int, int]:
    """Last span in which all machines of an option have a free unit: start and end."""
    low, high = plant.w_start[option] - 1, plant.w_start[option + 1]
    start, end, agreed = -FAR, limit, 0
    place = low
    # As `first_shared`, backward: the span never moves later.
    while agreed < high - low:
        machine = machine_of(plant, option, place)
        begin = through = -FAR
        for lane in range(plant.m_lane[machine], plant.m_lane[machine + 1]):
            _, late, last = last_gap(plant, plan, lane, option, length, end)
            if late > begin:
                begin, through = late, last
        agreed = agreed + 1 if begin == start and through == end else 1
        start, end = begin, through
        place = place + 1 if place + 1 < high else low
    return start, end


def take_late_lanes(
    plant: Plant, plan: ScheduleRecord, order: int, length: int, end: int
) -> None:
    """Put an order on a free lane of each machine of its option, where it ends."""
    option = plan.o_option[order]
    low = plant.w_start[option]
    for place in range(low - 1, plant.w_start[option + 1]):
        machine = machine_of(plant, option, place)
        lane = plant.m_lane[machine]
        at, _, last = last_gap(plant, plan, lane, option, length, end)
        while last < end:
            lane += 1
            at, _, last = last_gap(plant, plan, lane, option, length, end)
        if place < low:
            insert(plan, lane, at, order)
        else:
            put(plan, lane, at, order)
            plan.o_beside[order * plan.width[1] + place - low] = lane


def postpone(
    plant: Plant, plan: ScheduleRecord, order: int, limit: int, length: int
) -> tuple[int, int]:
    """Move an order on buckets as late as there is room by a limit: begin and end.

    All others keep what they take, so it never has to begin earlier.
    """
    option, width, row = plan.o_option[order], plan.width[1], len(plan.o_item)
    start, end = plan.o_start[order], plan.o_end[order]
    # Its own hours count as free for itself, in the buckets where it is now.
    hold_buckets(plant, plan, order, -1)
    begin, finish = spread_by(plant, plan, row, option, limit, (length, start))
    if begin >= start:
        start, end = begin, finish
        for place in range(width):
            plan.o_beside[order * width + place] = plan.o_beside[row * width + place]
    plan.o_start[order] = start
    hold_buckets(plant, plan, order, 1)
    return start, end


def place_late(
    plant: Plant, plan: ScheduleRecord, order: int, limit: int, before: int
) -> None:
    """Put an order into the last gap of its option that ends by `limit`.

    On a machine with changeovers all keep their sequence, but for work that later takes
    no more of them (`before` is as of `families_ahead`).
    """
    item, option = plan.o_item[order], plan.o_option[order]
    length = length_of(plant, item, option, plan.o_qty[order])
    machine = plant.machine[option]
    if machine >= 0 and plant.m_change[machine] >= 0:
        start, end = place_turn(plant, plan, order, limit, before)
    elif bucketed(plant, option):
        start, end = postpone(plant, plan, order, limit, length)
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
    elif shared(plant, option):
        start, end = last_shared(plant, plan, option, length, limit)
        take_late_lanes(plant, plan, order, length, end)
    else:
        best, high = plant.m_lane[machine], plant.m_lane[machine + 1]
        # On another unit its open time is another one, and it might begin earlier than
        # now.
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


def alive(plant: Plant, plan: ScheduleRecord, ids: np.ndarray) -> int:
    """List all orders, those of consumers first; gives how many there are.

    Blocks that stand come behind them.
    """
    count = 0
    for place in range(len(plant.order)):
        order = plan.i_head[plant.order[place]]
        while order >= 0:
            ids[count] = order
            count += 1
            order = plan.o_next[order]
    for block in range(len(plant.v_begin)):
        ids[count + block] = block_of(plant, plan, block)
    return count


def may_die(plant: Plant) -> bool:
    """Whether anything that orders take or give may die."""
    for item in range(len(plant.order)):
        if plant.mortal[item] == 1 or plant.life[item] < FAR:
            return True
    return False


def date_lives(plant: Plant, plan: ScheduleRecord, ids: np.ndarray, count: int) -> None:
    """Date the last use of what orders give; those of consumers come first."""
    for place in range(count):
        order = ids[count - 1 - place]
        taken = FAR
        if plant.mortal[plan.o_item[order]] == 1:
            taken = lasting(plant, plan, plan.o_peg[order])
        plan.o_until[order] = lasts_until(plant, plan, order, taken)


def date_uses(
    plant: Plant, plan: ScheduleRecord, ids: np.ndarray, uses: np.ndarray
) -> None:
    """Date the last use of what orders give that is made of it; consumers first."""
    for order in ids:
        use = -FAR
        peg = plan.o_user[order]
        while peg >= 0:
            taker = plan.g_to[peg]
            if taker >= 0:
                use = max(use, plan.o_start[taker])
                if plant.carries[plan.o_item[taker]] == 1:
                    use = max(use, uses[taker])
            else:
                demand = -1 - taker
                until = max(plant.d_due[demand], plan.d_finish[demand])
                use = max(use, until + plant.d_shelf[demand])
            peg = plan.g_next[peg]
        uses[order] = use


def last_end(plant: Plant, plan: ScheduleRecord, order: int, limit: int) -> int:
    """When work has to end, by a limit, so that it begins before its goods die [s].

    Where it pauses just then it stays where it is.
    """
    lasts = lasting(plant, plan, plan.o_peg[order])
    option = plan.o_option[order]
    length = length_of(plant, plan.o_item[order], option, plan.o_qty[order])
    if begin_by(plant, option, end_by(plant, option, limit, length), length) <= lasts:
        return limit
    begin = begin_from(plant, option, lasts, length)
    if begin > lasts:
        return min(limit, plan.o_end[order])
    return min(limit, end_from(plant, option, begin, length))


def justify_right(plant: Plant, plan: ScheduleRecord) -> None:
    """Move every order as late as what takes from it allows; none moves earlier.

    A demand allows what it has, or its due date; where its parts are delivered apart,
    each of them. What is to be made ahead is no later than that. Orders that stay come
    first, to the ends where they do: others may find no room as late as they are
    then, which the caller has to see.
    """
    ids = np.empty(len(plan.o_item), np.int64)
    count = alive(plant, plan, ids)
    keys = np.empty(count + len(plant.v_begin), np.int64)
    for at in range(len(keys)):
        # Last end first: who takes from an order ends after it, so its limit is known
        # when its turn comes. Of equal ends consumers are first in `ids`, and ranks are
        # stable.
        keys[at] = -plan.o_end[ids[at]]
        if at < count and plan.o_stays[ids[at]] < FAR:
            keys[at] = -plan.o_stays[ids[at]] - FIRST
    ahead = np.empty(len(plan.o_item), np.int64)
    families_ahead(plant, plan, ahead)
    clear_lanes(plan)
    # What has not moved yet keeps its hours, so others leave it room to stay.
    if plan.width[1] > 0:
        hold_all_buckets(plant, plan, ids[:count])
    dying = may_die(plant)
    if dying:
        date_lives(plant, plan, ids, count)
    for at in ranks_of(keys):
        order = ids[at]
        if at >= count:
            append(plan, plan.o_lane[order], order)
            continue
        limit = plan.o_stays[order]
        if limit == FAR:
            soonest = max(plan.o_ahead[order], plan.o_end[order])
            limit = min(limit_of(plant, plan, order), soonest)
        if plant.mortal[plan.o_item[order]] == 1:
            limit = last_end(plant, plan, order, limit)
        place_late(plant, plan, order, limit, ahead[order])
    turn_lanes(plan)
    if plan.width[1] > 0:
        lay_on_buckets(plant, plan, ids[:count])
    # Ends moved, so what they give dies later.
    if dying:
        date_lives(plant, plan, ids, count)
    finish_all(plant, plan)


def hold_all_buckets(plant: Plant, plan: ScheduleRecord, ids: np.ndarray) -> None:
    """Hold what each order takes of buckets, until it moves itself."""
    for order in ids:
        if bucketed(plant, plan.o_option[order]):
            hold_buckets(plant, plan, order, 1)


def lay_on_buckets(plant: Plant, plan: ScheduleRecord, ids: np.ndarray) -> None:
    """Put orders that take hours of buckets on their lanes by their starts."""
    for order in ids:
        if bucketed(plant, plan.o_option[order]):
            lane = plan.o_lane[order]
            insert(plan, lane, place_of(plan, lane, plan.o_start[order]), order)


def clear_lanes(plan: ScheduleRecord) -> None:
    """Take all orders off their lanes, and out of their windows."""
    for lane in range(len(plan.laned)):
        plan.laned[lane] = 0
    for place in range(len(plan.taken)):
        plan.taken[place] = 0


def limit_of(plant: Plant, plan: ScheduleRecord, order: int) -> int:
    """When the work of an order has to end, for what takes from it [s].

    Its soft time lies before that, where it ends soon enough now.
    """
    limit, post = FAR, plant.post[plan.o_item[order]]
    peg = plan.o_user[order]
    while peg >= 0:
        taker = plan.g_to[peg]
        if taker >= 0:
            limit = min(limit, plan.o_start[taker])
        else:
            demand = -1 - taker
            latest = plan.d_finish[demand]
            if plan.state[APART] == 1:
                latest = plan.o_end[order] + post
            limit = min(limit, max(plant.d_due[demand], latest))
        peg = plan.g_next[peg]
    soft = plant.soft[plan.o_item[order]]
    return limit - post if soft == 0 else max(limit - post - soft, plan.o_end[order])


def justify_left(plant: Plant, plan: ScheduleRecord) -> None:
    """Move every order as early as its goods allow, in order of starts; none later."""
    ids = np.empty(len(plan.o_item), np.int64)
    count = alive(plant, plan, ids)
    total = count + len(plant.v_begin)
    keys = np.empty(total, np.int64)
    for at in range(total):
        # First start first, of equal ones those who give: turned around, consumers come
        # last.
        keys[at] = plan.o_start[ids[total - 1 - at]]
    clear_lanes(plan)
    if plan.width[1] > 0:
        hold_all_buckets(plant, plan, ids[:count])
    uses = np.empty(len(plan.o_item), np.int64)
    dying = may_die(plant)
    if dying:
        date_uses(plant, plan, ids[:count], uses)
    plan.state[BEHIND] = 1
    for at in ranks_of(keys):
        order = ids[total - 1 - at]
        if total - 1 - at >= count:
            append(plan, plan.o_lane[order], order)
            continue
        option = plan.o_option[order]
        ready = ready_at(plant, plan, order)
        life = plant.life[plan.o_item[order]]
        if life < FAR:
            fresh = uses[order] - life
            if plant.carries[plan.o_item[order]] == 0:
                fresh -= plant.post[plan.o_item[order]]
            # Made sooner it would be dead when it is used; but never later than now.
            ready = max(ready, min(fresh, plan.o_start[order]))
        if bucketed(plant, option):
            hold_buckets(plant, plan, order, -1)
        # All before it moved no later, so where it is now there is room for it still.
        place_early(plant, plan, order, ready, option, option + 1)
        # Nothing of this is undone; noted, it would fill the journal.
        plan.state[JOURNAL] = 0
    plan.state[BEHIND] = 0
    if dying:
        date_lives(plant, plan, ids, count)
    finish_all(plant, plan)


def prefer(plant: Plant, plan: ScheduleRecord) -> None:
    """Return orders to preferred options where those are in time."""
    ids = np.empty(len(plan.o_item), np.int64)
    most = plan.width[1]
    beside = np.empty(most, np.int64)
    for at in range(alive(plant, plan, ids)):
        order = ids[at]
        item, own, end = plan.o_item[order], plan.o_option[order], plan.o_end[order]
        if plant.ranked[item] == 0 or own == plant.x_start[item]:
            continue
        if plan.o_stays[order] < FAR:
            continue
        if plant.mortal[item] == 1 or plant.life[item] < FAR:
            # Elsewhere it takes another time: goods might die.
            continue
        start, lane = plan.o_start[order], plan.o_lane[order]
        limit = limit_of(plant, plan, order)
        for place in range(most):
            beside[place] = plan.o_beside[order * most + place]
        lift(plant, plan, order)
        changing = plant.machine[own] >= 0 and plant.m_change[plant.machine[own]] >= 0
        ready = ready_at(plant, plan, order)
        preferred = own
        # Without it the next changeover does not fit: no option is tried and it goes
        # back.
        if changing and not stays_changed(plant, plan, lane, start):
            preferred = plant.x_start[item]
        plan.o_end[order] = FAR
        for option in range(plant.x_start[item], preferred):
            place_early(plant, plan, order, ready, option, option + 1)
            if plan.state[FULL] == 1:
                plan.state[FULL] = 0
                plan.o_end[order] = FAR
                continue
            if plan.o_end[order] <= limit:
                break
            lift(plant, plan, order)
        if plan.o_end[order] > limit:
            plan.o_option[order] = own
            plan.o_start[order] = start
            plan.o_end[order] = end
            plan.o_lane[order] = lane
            for place in range(most):
                plan.o_beside[order * most + place] = beside[place]
            lay(plant, plan, order)
        plan.state[JOURNAL] = 0
    finish_all(plant, plan)


def comes_from(plant: Plant, giver: int, part: int) -> bool:
    """Whether a giver is a supply of a part that stands."""
    return giver < 0 and plant.s_item[-2 - giver] == part


def ready_at(plant: Plant, plan: ScheduleRecord, order: int) -> int:
    """When an order has all that it needs [s]."""
    item = plan.o_item[order]
    _, ready = slowest(plant, plan, plan.o_peg[order])
    ready = max(ready, plant.floor[item])
    for line in range(plant.c_start[item], plant.c_start[item + 1]):
        part = plant.c_item[line]
        if plant.lead[part] <= ready:
            continue
        peg = plan.o_peg[order]
        while peg >= 0 and not comes_from(plant, plan.g_from[peg], part):
            peg = plan.g_also[peg]
        if peg < 0:
            ready = plant.lead[part]
    return ready


def finish_all(plant: Plant, plan: ScheduleRecord) -> int:
    """Date all demands anew; gives the weighted lateness."""
    total = 0
    for demand in range(len(plant.d_item)):
        _, last = slowest(plant, plan, plan.d_peg[demand])
        last = max(last, plant.d_floor[demand])
        plan.d_finish[demand] = last
        total += cost_of(plant, demand, last)
    return total


def load(plant: Plant, plan: ScheduleRecord, work: Pass) -> int:
    """Take over orders, dates and pegs of a pass; the schedule is empty before."""
    of = np.empty(work.totals[0], np.int64)
    load_orders(plant, plan, work, of)
    load_pegs(plant, plan, work, of)
    return finish_all(plant, plan)


def load_orders(plant: Plant, plan: ScheduleRecord, work: Pass, of: np.ndarray) -> None:
    """Take over the orders of a pass; `of` gets their numbers."""
    for at in range(work.totals[0]):
        order = new_order(plant, plan, work.o_item[at], work.o_qty[at])
        of[at] = order
        plan.o_for[order] = work.o_for[at]
        plan.o_option[order] = work.o_option[at]
        plan.o_start[order] = work.o_start[at]
        plan.o_end[order] = work.o_end[at]
        plan.state[JOURNAL] = 0
    keys = np.empty(work.totals[0], np.int64)
    for at in range(work.totals[0]):
        keys[at] = work.o_start[at]
    # By start, so a lane is free where its last order ends before.
    for at in ranks_of(keys):
        order, lane, option = of[at], work.o_lane[at], work.o_option[at]
        if bucketed(plant, option):
            # A pass knows no buckets: what an order takes of them is found later.
            clear_row(plan, order)
            lane = plant.m_lane[plant.machine[option]]
        elif plant.unit[option] < 0:
            lane = free_lane(plant, plan, order, plant.machine[option])
        plan.o_lane[order] = lane
        first = plant.w_start[option]
        for place in range(first, plant.w_start[option + 1]):
            lane = free_lane(plant, plan, order, plant.w_machine[place])
            plan.o_beside[order * plan.width[1] + place - first] = lane
        lay(plant, plan, order)
    lay_blocks(plant, plan)


def lay_blocks(plant: Plant, plan: ScheduleRecord) -> None:
    """Put the blocks that stand on their lanes."""
    for block in range(len(plant.v_begin)):
        order, option = block_of(plant, plan, block), plant.v_option[block]
        plan.o_option[order] = option
        plan.o_start[order] = plant.v_begin[block]
        plan.o_end[order] = plant.v_end[block]
        plan.o_peg[order] = plan.o_user[order] = -1
        plan.o_lane[order] = plant.m_lane[plant.machine[option]]
        lay(plant, plan, order)


def free_lane(plant: Plant, plan: ScheduleRecord, order: int, machine: int) -> int:
    """Lane of a machine whose last order ends before one that comes after all."""
    if machine < 0:
        return 0
    lane = plant.m_lane[machine]
    while plan.laned[lane] > 0:
        last = plan.lane[lane * plan.width[0] + plan.laned[lane] - 1]
        if plan.o_end[last] <= plan.o_start[order]:
            break
        lane += 1
    return lane


def load_pegs(plant: Plant, plan: ScheduleRecord, work: Pass, of: np.ndarray) -> None:
    """Take over the pegs of a pass whose orders are `of`."""
    for peg in range(work.totals[1]):
        giver, taker = work.p_from[peg], work.p_to[peg]
        if giver < 0 and taker >= 0:
            # What stands of a part that is bought serves what starts too early to buy.
            part = plant.s_item[-2 - giver]
            if plant.lead[part] >= 0 and work.o_start[taker] >= plant.lead[part]:
                continue
        source = giver if giver < 0 else of[giver]
        peg_to(plan, source, taker if taker < 0 else of[taker], work.p_qty[peg])
        plan.state[JOURNAL] = 0
