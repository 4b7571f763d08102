# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Serve a demand out of a schedule, or take it out again.

The functions know one-dimensional arrays only (see `plant_record`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    begin_by,
    end_by,
    length_of,
    lot_of,
    taken_of,
)
from medhavi.planners.kernels.plant_kernels.schedule_record import (
    FINISHED,
    FULL,
    HELD,
    JOURNAL,
    LIFTED,
    NARROW,
    REMOVED,
    UNPEGGED,
    lift,
    new_order,
    note,
    peg_to,
    place_early,
    stays_changed,
    undo,
    unlink_giver,
    unlink_item,
)

if TYPE_CHECKING:
    import numpy as np

    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord


def arrival(plant: Plant, plan: ScheduleRecord, order: int) -> int:
    """When what an order makes is there [s]."""
    return plan.o_end[order] + plant.post[plan.o_item[order]]


def earliest_lot(plan: ScheduleRecord, item: int) -> int:
    """Placed order of an item with something left that ends first.

    -1: there is none.
    """
    used, qty, follower = plan.o_used, plan.o_qty, plan.o_next
    ends = plan.o_end
    best = -1
    # What has no place yet ends then.
    first = FAR
    order = plan.i_head[item]
    while order >= 0:
        if used[order] < qty[order] and ends[order] < first:
            first = ends[order]
            best = order
        order = follower[order]
    return best


def earliest_supply(plant: Plant, plan: ScheduleRecord, item: int) -> int:
    """First supply of an item that stands and has something left; -1: there is none."""
    for supply in range(plant.s_start[item], plant.s_start[item + 1]):
        if plan.s_used[supply] < plant.s_qty[supply]:
            return supply
    return -1


def take_lots(
    plant: Plant,
    plan: ScheduleRecord,
    item: int,
    need: int,
    taker: int,
    ready: int,
    until: int,
) -> tuple[int, int]:
    """Take what is there by an instant, the first one first; what stands before orders.

    Returns
    -------
    need, ready
        What is still missing [steps]; when all that was taken is there.
    """
    while need > 0:
        supply = earliest_supply(plant, plan, item)
        lot = earliest_lot(plan, item)
        there = FAR if lot < 0 else arrival(plant, plan, lot)
        if supply >= 0 and plant.s_ready[supply] <= there:
            there = plant.s_ready[supply]
            if there > 0 and there > until:
                break
            taken = min(plant.s_qty[supply] - plan.s_used[supply], need)
            peg_to(plan, -2 - supply, taker, taken)
        else:
            if lot < 0 or there > until:
                break
            taken = min(plan.o_qty[lot] - plan.o_used[lot], need)
            peg_to(plan, lot, taker, taken)
        need -= taken
        ready = max(ready, there)
    return need, ready


def covered_by(plant: Plant, plan: ScheduleRecord, made: int, need: int) -> bool:
    """Whether other supplies of its item cover a need when an order is made.

    Nothing else takes from lots of an item while what is below it is served.
    """
    used, qty, follower = plan.o_used, plan.o_qty, plan.o_next
    ends = plan.o_end
    last = ends[made]
    order = plan.i_head[plan.o_item[made]]
    while order >= 0 and need > 0:
        if order != made and ends[order] <= last:
            need -= qty[order] - used[order]
        order = follower[order]
    item = plan.o_item[made]
    last += plant.post[item]
    for supply in range(plant.s_start[item], plant.s_start[item + 1]):
        if plant.s_ready[supply] <= last:
            need -= plant.s_qty[supply] - plan.s_used[supply]
    return need <= 0


def ask(
    plant: Plant,
    plan: ScheduleRecord,
    depth: int,
    item: int,
    need: int,
    taker: int,
    by: int,
) -> tuple[int, int]:
    """Serve a need from what is there in time, else open an order for the rest.

    Returns
    -------
    depth, ready
        One frame more where an order was opened; when what was taken is there.
    """
    need, ready = take_lots(plant, plan, item, need, taker, 0, by)
    if need == 0:
        return depth, ready
    mark = plan.state[JOURNAL]
    qty = lot_of(plant, item, need)
    order = new_order(plan, item, qty)
    plan.f_order[depth] = order
    plan.f_taker[depth] = taker
    plan.f_need[depth] = need
    plan.f_by[depth] = by
    plan.f_mark[depth] = mark
    plan.f_line[depth] = plant.c_start[item]
    plan.f_ready[depth] = plant.floor[item]
    plan.f_before[depth] = ready
    return depth + 1, ready


def supply(plant: Plant, plan: ScheduleRecord, demand: int) -> None:
    """Serve a demand: take lots that are in time, make others, as early as can be."""
    first = -1 - demand
    item, qty = plant.d_item[demand], plant.d_qty[demand]
    depth, finish = ask(plant, plan, 0, item, qty, first, plant.d_due[demand])
    while depth > 0:
        top = depth - 1
        order = plan.f_order[top]
        item = plan.o_item[order]
        qty = plan.o_qty[order]
        if plan.f_line[top] < plant.c_start[item + 1]:
            line = plan.f_line[top]
            plan.f_line[top] += 1
            part = plant.c_item[line]
            if plant.lead[part] >= 0:
                continue
            option = plant.x_start[item]
            length = length_of(plant, item, option, qty)
            wanted = taken_of(plant, line, qty)
            by = end_by(plant, option, plan.f_by[top] - plant.post[item], length)
            by = begin_by(plant, option, by, length)
            depth, ready = ask(plant, plan, depth, part, wanted, order, by)
            if depth == top + 1:
                plan.f_ready[top] = max(plan.f_ready[top], ready)
            continue
        ready = settle(plant, plan, top)
        depth = top
        if top == 0:
            finish = max(finish, ready)
        else:
            plan.f_ready[top - 1] = max(plan.f_ready[top - 1], ready)
    note(plan, FINISHED, demand, plan.d_finish[demand])
    plan.d_finish[demand] = finish


def bought_by(plant: Plant, plan: ScheduleRecord, part: int, wanted: int) -> int:
    """When so much of what is bought is there: of what stands, or by its lead time."""
    for supply in range(plant.s_start[part], plant.s_start[part + 1]):
        there = plant.s_ready[supply]
        if there >= plant.lead[part]:
            break
        wanted -= plant.s_qty[supply] - plan.s_used[supply]
        if wanted <= 0:
            return there
    return plant.lead[part]


def settle(plant: Plant, plan: ScheduleRecord, top: int) -> int:
    """Place the order of a frame, or take it back where other lots come no later."""
    order = plan.f_order[top]
    item = plan.o_item[order]
    qty = plan.o_qty[order]
    ready = plan.f_ready[top]
    for line in range(plant.c_start[item], plant.c_start[item + 1]):
        part = plant.c_item[line]
        if plant.lead[part] > ready:
            wanted = taken_of(plant, line, qty)
            ready = max(ready, bought_by(plant, plan, part, wanted))
    first, behind = plant.x_start[item], plant.x_start[item + 1]
    if plan.state[NARROW] == 1:
        behind = first + 1
    place_early(plant, plan, order, ready, first, behind)
    for line in range(plant.c_start[item], plant.c_start[item + 1]):
        part = plant.c_item[line]
        if plant.lead[part] > plan.o_start[order]:
            wanted = taken_of(plant, line, qty)
            for supply in range(plant.s_start[part], plant.s_start[part + 1]):
                taken = min(plant.s_qty[supply] - plan.s_used[supply], wanted)
                if taken > 0:
                    peg_to(plan, -2 - supply, order, taken)
                    wanted -= taken
    need = plan.f_need[top]
    taker = plan.f_taker[top]
    before = plan.f_before[top]
    if plan.state[FULL] == 0 and covered_by(plant, plan, order, need):
        undo(plant, plan, plan.f_mark[top])
        need, before = take_lots(plant, plan, item, need, taker, before, FAR)
        return before
    peg_to(plan, order, taker, need)
    return max(before, arrival(plant, plan, order))


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
                plan.state[FULL] = 1
        unlink_item(plan, order)
        note(plan, REMOVED, order, 0)
        depth = let_go(plan, plan.o_peg[order], depth)


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
                if depth == len(stack):
                    return most
                stack[depth] = taker
                depth += 1
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
