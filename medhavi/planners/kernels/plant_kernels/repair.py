# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Serve a demand out of a schedule, or take it out again.

The functions know one-dimensional arrays only (see `plant_record`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.kernels.plant_kernels.item_netting import serves
from medhavi.planners.kernels.plant_kernels.placement import (
    place_early,
    stays_changed,
)
from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    begin_by,
    end_by,
    fresh_from,
    joined_from,
    joined_until,
    length_of,
    lot_of,
    taken_of,
    used_until,
)
from medhavi.planners.kernels.plant_kernels.schedule_record import (
    BELOW,
    DEAD,
    FINISHED,
    FULL,
    HELD,
    JOINED,
    JOINT,
    JOURNAL,
    LATER,
    LIFTED,
    NARROW,
    REMOVED,
    SERVED,
    TRIES,
    UNPEGGED,
    lift,
    new_order,
    note,
    peg_to,
    undo,
    unlink_giver,
    unlink_item,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord

MOST_DEAD = 4
"""How often a demand is served anew because something was dead, at most."""
MOST_TRIES = 64
"""Sources that are tried once more for a demand, at most: they multiply by level."""


def arrival(plant: Plant, plan: ScheduleRecord, order: int) -> int:
    """When what an order makes is there [s]."""
    return plan.o_end[order] + plant.post[plan.o_item[order]]


def is_open_to(plant: Plant, plan: ScheduleRecord, item: int, order: int) -> bool:
    """Whether an order for an item may serve the demand that is served."""
    return plant.apart[item] == 0 or plan.o_for[order] == plan.state[SERVED]


def earliest_lot(
    plant: Plant, plan: ScheduleRecord, item: int, use: int
) -> tuple[int, int]:
    """Placed order for an item with something left that is there first, and when.

    What is dead when it is used does not count. -1: there is none.
    """
    used, gain, follower = plan.o_used, plan.o_gain, plan.o_next
    ends, lasts = plan.o_end, plan.o_until
    best = -1
    first = FAR
    for place in range(plant.a_start[item], plant.a_start[item + 1]):
        source = plant.a_item[place]
        post = plant.post[source]
        # What has no place yet ends in `FAR`.
        until = first - post
        order = plan.i_head[source]
        while order >= 0:
            if (
                used[order] < gain[order]
                and ends[order] < until
                and lasts[order] >= use
                and is_open_to(plant, plan, item, order)
            ):
                until = ends[order]
                first = until + post
                best = order
            order = follower[order]
    return best, first


def earliest_supply(plant: Plant, plan: ScheduleRecord, item: int, use: int) -> int:
    """First supply of an item that stands and has something left; -1: there is none."""
    for supply in range(plant.s_start[item], plant.s_start[item + 1]):
        if left_of(plant, plan, supply, use) > 0:
            return supply
    return -1


def left_of(plant: Plant, plan: ScheduleRecord, supply: int, use: int) -> int:
    """What the demand that is served may take of a supply that stands [steps]."""
    if not serves(plant, supply, plan.state[SERVED]) or plant.s_until[supply] < use:
        return 0
    return plant.s_qty[supply] - plan.s_used[supply]


def take_lots(
    plant: Plant,
    plan: ScheduleRecord,
    item: int,
    need: int,
    taker: int,
    ready: int,
    times: tuple[int, int],
) -> tuple[int, int]:
    """Take what is there by an instant, the first one first; what stands before orders.

    `times` are that instant, and the last use: what dies before it is left.

    Returns
    -------
    need, ready
        What is still missing [steps]; when all that was taken is there.
    """
    until, use = times
    # Each turn uses up a supply, a lot or the need.
    while need > 0:
        supply = earliest_supply(plant, plan, item, use)
        lot, there = earliest_lot(plant, plan, item, use)
        if supply >= 0 and plant.s_ready[supply] <= there:
            there = plant.s_ready[supply]
            # What is there now is taken even for what was wanted before now.
            if there > 0 and there > until:
                break
            taken = min(left_of(plant, plan, supply, use), need)
            peg_to(plan, -2 - supply, taker, taken)
        else:
            if lot < 0 or there > until:
                break
            taken = min(plan.o_gain[lot] - plan.o_used[lot], need)
            peg_to(plan, lot, taker, taken)
        need -= taken
        ready = max(ready, there)
    return need, ready


def covered_by(
    plant: Plant, plan: ScheduleRecord, item: int, made: int, need: int, use: int
) -> bool:
    """Whether other supplies of an item cover a need when an order is made.

    Nothing else takes from lots of an item while what is below it is served.
    """
    used, gain, follower = plan.o_used, plan.o_gain, plan.o_next
    ends = plan.o_end
    last = arrival(plant, plan, made)
    for place in range(plant.a_start[item], plant.a_start[item + 1]):
        source = plant.a_item[place]
        until = last - plant.post[source]
        order = plan.i_head[source]
        while order >= 0 and need > 0:
            if (
                order != made
                and ends[order] <= until
                and plan.o_until[order] >= use
                and is_open_to(plant, plan, item, order)
            ):
                need -= gain[order] - used[order]
            order = follower[order]
    for supply in range(plant.s_start[item], plant.s_start[item + 1]):
        if plant.s_ready[supply] <= last:
            need -= left_of(plant, plan, supply, use)
    return need <= 0


def ask(
    plant: Plant,
    plan: ScheduleRecord,
    depth: int,
    item: int,
    need: int,
    taker: int,
    times: tuple[int, int],
) -> tuple[int, int]:
    """Serve a need from what is there in time, else open an order for the rest.

    `times` are when it is wanted, and the last use of what it gets.

    Returns
    -------
    depth, ready
        One frame more where an order was opened; when what was taken is there.
    """
    by, until = times[0], times[1] + plan.state[LATER]
    need, ready = take_lots(plant, plan, item, need, taker, 0, (by, until))
    if need == 0:
        return depth, ready
    plan.f_item[depth] = item
    plan.f_taker[depth] = taker
    plan.f_by[depth] = by
    plan.f_until[depth] = until
    plan.f_lots[depth] = -1
    open_need(plant, plan, depth, need, ready)
    return depth + 1, ready


def open_need(
    plant: Plant, plan: ScheduleRecord, top: int, need: int, ready: int
) -> None:
    """Open an order for what a frame still needs, of which some is there by now."""
    plan.f_best[top] = -1
    plan.f_there[top] = FAR
    plan.f_need[top] = need
    # Up to here all is taken back when another source is tried or other lots will do:
    # the order, and whatever was made for it below.
    plan.f_mark[top] = plan.state[JOURNAL]
    plan.f_before[top] = ready
    plan.f_lots[top] += 1
    open_source(plant, plan, top, plant.a_start[plan.f_item[top]])


def unserved(plant: Plant, plan: ScheduleRecord, item: int, by: int) -> tuple[int, int]:
    """What demands for an item lack that an order wanted by an instant joins [steps].

    Those that were taken out and are not back yet; and when the order is wanted then.
    """
    lacking, first = 0, by
    begin, end = joined_from(plant, item, by), joined_until(plant, item, by)
    # A move takes several demands out. Those of one lot get it as one order again, so
    # the first one that is back opens it for all.
    for demand in range(len(plant.d_item)):
        if (
            plant.d_item[demand] == item
            and plan.d_peg[demand] < 0
            and demand != plan.state[SERVED]
            and begin <= plant.d_due[demand] < end
        ):
            lacking += plant.d_qty[demand]
            first = min(first, plant.d_due[demand])
    for supply in range(plant.s_start[item], plant.s_start[item + 1]):
        lacking -= plant.s_qty[supply] - plan.s_used[supply]
    return max(lacking, 0), first


def spare_of(plant: Plant, plan: ScheduleRecord, item: int) -> int:
    """What orders for an item give beyond all needs [steps]."""
    spare = 0
    for place in range(plant.a_start[item], plant.a_start[item + 1]):
        order = plan.i_head[plant.a_item[place]]
        while order >= 0:
            spare += plan.o_gain[order] - plan.o_used[order]
            order = plan.o_next[order]
    return spare


def cut_need(plant: Plant, plan: ScheduleRecord, top: int, source: int) -> int:
    """Need that an order of a frame is for, where orders for its demand are cut.

    What lots take comes in one lot for all where a machine takes longer to begin it
    than to run.
    """
    item, need, made = plan.f_item[top], plan.f_need[top], plan.f_lots[top]
    place = 3 * plan.state[SERVED]
    cut, first = plan.d_cut[place] - 1, plan.d_cut[place + 2]
    if item == cut:
        if first > 0 and made == 0:
            # What can be made of the goods that are there comes before the other lots.
            return min(need, first)
        lots = plan.d_cut[place + 1] + (1 if first > 0 else 0) - made
        return -(-need // max(lots, 1))
    above = top - 1
    while above >= 0 and plant.asked[plan.f_item[above]] != plan.f_item[above]:
        above -= 1
    if first > 0 or above < 0 or plan.f_item[above] != cut or plant.asked[item] != item:
        return need
    option = plant.x_start[source]
    # Set-up against run time, both times `scale`.
    run = need // plant.grain[source] * plant.rate[option]
    if plant.machine[option] < 0 or run >= plant.fixed[option]:
        return need
    # From the part of this lot up to what all its lots still need.
    return -(-need * plan.f_need[above] // max(plan.o_gain[plan.f_order[above]], 1))


def open_source(plant: Plant, plan: ScheduleRecord, top: int, place: int) -> None:
    """Open an order of a source for the need of a frame."""
    source, item = plant.a_item[place], plan.f_item[top]
    need = plan.f_need[top]
    if plant.cover[item] > 0 and plant.apart[item] == 0:
        more, plan.f_by[top] = unserved(plant, plan, item, plan.f_by[top])
        need += more
    if plan.state[JOINED] == item + 1:
        need = max(need, plan.state[JOINT])
    elif plan.d_cut[3 * plan.state[SERVED]] > 0:
        need = cut_need(plant, plan, top, source)
    qty = lot_of(plant, source, need)
    plan.f_place[top] = place
    plan.f_order[top] = new_order(plant, plan, source, qty)
    plan.f_line[top] = plant.c_start[source]
    plan.f_ready[top] = plant.floor[source]
    # Made sooner it would be dead before it is used.
    if plant.life[source] < FAR:
        length = length_of(plant, source, plant.x_start[source], qty)
        fresh = fresh_from(plant, source, plan.f_until[top], length)
        plan.f_ready[top] = max(plan.f_ready[top], fresh)


def last_source(plant: Plant, plan: ScheduleRecord, item: int) -> int:
    """Place of the last source of an item that is tried now."""
    first, last = plant.a_start[item], plant.a_start[item + 1] - 1
    if plan.state[NARROW] == 1 or plan.state[TRIES] >= MOST_TRIES:
        return first
    if first < plan.state[BELOW] <= last:
        return plan.state[BELOW] - 1
    return last


def tries_again(plant: Plant, plan: ScheduleRecord, top: int, ready: int) -> bool:
    """Take the late order of a frame back and try its next source, at last the best.

    False: it stays; it is in time, or no other source is there sooner.
    """
    place, best = plan.f_place[top], plan.f_best[top]
    # `f_best` is -1 before a source was late, the place of the best late one while
    # others are tried, and `FAR` once that is opened again for good.
    if ready <= plan.f_by[top] or place < best:
        # What is tried once more because it was the best one stays in any case.
        return False
    if ready < plan.f_there[top]:
        best = plan.f_best[top] = place
        plan.f_there[top] = ready
    following = place + 1
    if place >= last_source(plant, plan, plan.f_item[top]):
        if best == place:
            return False
        following = best
        plan.f_best[top] = FAR
    plan.state[TRIES] += 1
    # Nothing of a source that was tried stays, so sources are compared in one and the
    # same schedule.
    undo(plant, plan, plan.f_mark[top])
    open_source(plant, plan, top, following)
    return True


def supply(plant: Plant, plan: ScheduleRecord, demand: int) -> None:
    """Serve a demand: take lots that are in time, make others, as early as can be.

    Where something is dead when it is used, all is tried again with a later use.
    """
    mark, due = plan.state[JOURNAL], plant.d_due[demand]
    plan.state[SERVED] = demand
    plan.state[LATER] = 0
    plan.state[DEAD] = 0
    # The use of what may die is known once the demand is served: from then on its goods
    # are asked for as if they were used so much later. What is dead after the last turn
    # makes `put_back` refuse the move.
    for turn in range(MOST_DEAD + 1):
        if turn > 0 and plan.state[DEAD] == 0:
            break
        plan.state[LATER] = plan.state[DEAD]
        undo(plant, plan, mark)
        serve_once(plant, plan, demand)
        lasts = lasting(plant, plan, plan.d_peg[demand]) - plant.d_shelf[demand]
        use = max(due, plan.d_finish[demand])
        plan.state[DEAD] = max(plan.state[DEAD], later_use(plan, due, use, lasts))


def serve_once(plant: Plant, plan: ScheduleRecord, demand: int) -> None:
    """Serve a demand; what is dead when it is used is counted."""
    plan.state[TRIES] = 0
    plan.state[DEAD] = 0
    first, due = -1 - demand, plant.d_due[demand]
    item, qty = plant.d_item[demand], plant.d_qty[demand]
    until = due + plant.d_shelf[demand]
    depth, finish = ask(plant, plan, 0, item, qty, first, (due, until))
    while depth > 0:
        top = depth - 1
        order = plan.f_order[top]
        item = plan.o_item[order]
        qty = plan.o_qty[order]
        if plan.f_line[top] < plant.c_start[item + 1]:
            line = plan.f_line[top]
            plan.f_line[top] += 1
            part = plant.c_item[line]
            # What is bought has no order: `settle` waits for it.
            if plant.lead[part] >= 0:
                continue
            option = plant.x_start[item]
            length = length_of(plant, item, option, qty)
            wanted = taken_of(plant, line, qty)
            # Backward by the first option, as in netting: its real one is found when it
            # is placed.
            by = plan.f_by[top] - plant.post[item] - plant.soft[item]
            by = end_by(plant, option, by, length)
            by = begin_by(plant, option, by, length)
            until = max(by, plan.f_ready[top])
            until = used_until(plant, item, until, plan.f_until[top])
            depth, ready = ask(plant, plan, depth, part, wanted, order, (by, until))
            # No order was opened below: all was there. Else its frame says when, as it
            # closes.
            if depth == top + 1:
                plan.f_ready[top] = max(plan.f_ready[top], ready)
            continue
        ready, rest = settle(plant, plan, top)
        asked = plan.f_item[top]
        # With a single source there is nothing to compare.
        several = plant.a_start[asked] + 1 < plant.a_start[asked + 1]
        if several and tries_again(plant, plan, top, ready):
            continue
        if rest > 0 and plan.state[FULL] == 0:
            # One lot is not enough: the next one is an order of its own.
            open_need(plant, plan, top, rest, ready)
            continue
        depth = top
        if top == 0:
            finish = max(finish, ready)
        else:
            plan.f_ready[top - 1] = max(plan.f_ready[top - 1], ready)
    note(plan, FINISHED, demand, plan.d_finish[demand])
    # What it has already may come later than what was made for the rest.
    plan.d_finish[demand] = max(finish, plant.d_floor[demand])


def lasting(plant: Plant, plan: ScheduleRecord, peg: int) -> int:
    """Last instant at which all that a list of pegs takes may be used [s]."""
    least = FAR
    while peg >= 0:
        giver = plan.g_from[peg]
        until = plan.o_until[giver] if giver >= 0 else plant.s_until[-2 - giver]
        least = min(least, until)
        peg = plan.g_also[peg]
    return least


def lasts_until(plant: Plant, plan: ScheduleRecord, order: int, taken: int) -> int:
    """Last instant of use of what an order gives, which takes what lasts so long."""
    item = plan.o_item[order]
    life = plant.life[item]
    if plant.carries[item] == 1:
        return min(taken, plan.o_start[order] + life)
    return plan.o_end[order] + plant.post[item] + life if life < FAR else FAR


def later_use(plan: ScheduleRecord, planned: int, use: int, lasts: int) -> int:
    """By how much later than planned goods have to be counted as used [s].

    0: they last until they are.
    """
    if use <= lasts:
        return 0
    return max(use - planned, plan.state[LATER] + use - lasts)


def date_life(plant: Plant, plan: ScheduleRecord, top: int) -> int:
    """Date the last use of what the order of a frame gives; as of `later_use`."""
    order = plan.f_order[top]
    item, use, lasts = plan.o_item[order], plan.o_start[order], FAR
    if plant.mortal[item] == 1:
        lasts = lasting(plant, plan, plan.o_peg[order])
    if plant.mortal[item] == 1 or plant.life[item] < FAR:
        plan.o_until[order] = lasts_until(plant, plan, order, lasts)
    if plant.carries[item] == 1:
        use = max(use, plan.f_until[top])
    if use <= lasts:
        return 0
    option = plant.x_start[item]
    length = length_of(plant, item, option, plan.o_qty[order])
    by = end_by(plant, option, plan.f_by[top] - plant.post[item], length)
    return later_use(plan, begin_by(plant, option, by, length), use, lasts)


def bought_by(
    plant: Plant, plan: ScheduleRecord, part: int, wanted: int, use: int
) -> int:
    """When so much of what is bought is there: of what stands, or by its lead time."""
    for supply in range(plant.s_start[part], plant.s_start[part + 1]):
        there = plant.s_ready[supply]
        # Bought now it is there no later.
        if there >= plant.lead[part]:
            break
        wanted -= left_of(plant, plan, supply, use)
        if wanted <= 0:
            return there
    return plant.lead[part]


def settle(plant: Plant, plan: ScheduleRecord, top: int) -> tuple[int, int]:
    """Place the order of a frame, or take it back where other lots come no later.

    Returns
    -------
    ready, rest
        When what was taken is there; what is still missing [steps].
    """
    order = plan.f_order[top]
    item = plan.o_item[order]
    qty = plan.o_qty[order]
    ready = plan.f_ready[top]
    for line in range(plant.c_start[item], plant.c_start[item + 1]):
        part = plant.c_item[line]
        # Where the order waits longer for other parts, this one can be bought by then.
        if plant.lead[part] > ready:
            wanted = taken_of(plant, line, qty)
            ready = max(ready, bought_by(plant, plan, part, wanted, ready))
    first, behind = plant.x_start[item], plant.x_start[item + 1]
    if plan.state[NARROW] == 1:
        behind = first + 1
    place_early(plant, plan, order, ready, first, behind)
    for line in range(plant.c_start[item], plant.c_start[item + 1]):
        part = plant.c_item[line]
        # It starts before a purchase could be there: then it lives on what stands,
        # which `bought_by` found to be enough.
        if plant.lead[part] > plan.o_start[order]:
            wanted = taken_of(plant, line, qty)
            for supply in range(plant.s_start[part], plant.s_start[part + 1]):
                use = plan.o_start[order]
                taken = min(left_of(plant, plan, supply, use), wanted)
                if taken > 0:
                    peg_to(plan, -2 - supply, order, taken)
                    wanted -= taken
    need = plan.f_need[top]
    taker = plan.f_taker[top]
    before = plan.f_before[top]
    until = plan.f_until[top]
    dead = date_life(plant, plan, top)
    item = plan.f_item[top]
    # What is there no later makes the order needless: it is taken back with all below
    # it. Only now can this be said, as its end had to be known.
    if plan.state[FULL] == 0 and covered_by(plant, plan, item, order, need, until):
        undo(plant, plan, plan.f_mark[top])
        need, before = take_lots(plant, plan, item, need, taker, before, (FAR, until))
        return before, need
    plan.state[DEAD] = max(plan.state[DEAD], dead)
    used = min(plan.o_gain[order], need)
    peg_to(plan, order, taker, used)
    return max(before, arrival(plant, plan, order)), need - used


def let_go(plan: ScheduleRecord, peg: int, depth: int) -> int:
    """Free what a list of pegs takes; orders that nobody needs go on the stack."""
    while peg >= 0:
        giver = plan.g_from[peg]
        unlink_giver(plan, peg)
        note(plan, UNPEGGED, peg, 0)
        if giver >= 0 and plan.o_used[giver] == 0:
            plan.stack[depth] = giver
            depth += 1
        peg = plan.g_also[peg]
    return depth


def withdraw(plant: Plant, plan: ScheduleRecord, demand: int) -> None:
    """Take a demand out, and all orders that served it alone."""
    depth = let_go(plan, plan.d_peg[demand], 0)
    note(plan, HELD, demand, plan.d_peg[demand])
    plan.d_peg[demand] = -1
    while depth > 0:
        depth -= 1
        order = plan.stack[depth]
        lift(plant, plan, order)
        note(plan, LIFTED, order, 0)
        machine = plant.machine[plan.o_option[order]]
        if machine >= 0 and plant.m_change[machine] >= 0:
            lane, start = plan.o_lane[order], plan.o_start[order]
            if not stays_changed(plant, plan, lane, start):
                # What is before it leaves the next work too little time for its
                # changeover: the move is given up.
                plan.state[FULL] = 1
        unlink_item(plan, order)
        note(plan, REMOVED, order, 0)
        depth = let_go(plan, plan.o_peg[order], depth)
