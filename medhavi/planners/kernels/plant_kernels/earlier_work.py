# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Resume an earlier schedule: what still fits is laid as it was, the rest served anew.

Each order is decoded by the rules of the plant as it is now, and stays where it starts
when it did and ends no later. One without an option was not scheduled yet: it goes
where it ends first, from its start on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.kernels.plant_kernels.consolidation import serve_cheaper, takers
from medhavi.planners.kernels.plant_kernels.item_netting import ranks_of
from medhavi.planners.kernels.plant_kernels.justification import (
    finish_all,
    lay_blocks,
    ready_at,
)
from medhavi.planners.kernels.plant_kernels.lot_streaming import clear, new_desk
from medhavi.planners.kernels.plant_kernels.placement import place_early
from medhavi.planners.kernels.plant_kernels.plant_record import FAR, lot_of, taken_of
from medhavi.planners.kernels.plant_kernels.repair import left_of
from medhavi.planners.kernels.plant_kernels.schedule_record import (
    BEHIND,
    FULL,
    JOINED,
    JOINT,
    NARROW,
    SERVED,
    SPARE,
    keep,
    new_order,
    peg_to,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord


class EarlierWork(NamedTuple):
    """Orders and pegs of an earlier schedule, by numbers of the plant as it is now.

    Orders of consumers come first: `o_item` (-1: there is none any more), `o_qty`,
    `o_start`, `o_end`, `o_option` (-1: it was not scheduled), `o_lane` as of
    `ScheduleRecord`. What an order takes
    are the pegs from its `o_peg` to that of the next one; what a demand takes are those
    from its `d_peg` on: `p_from` (an order, -2 - a supply that stands, -1: it is gone)
    and `p_qty`.
    """

    o_item: np.ndarray
    o_qty: np.ndarray
    o_start: np.ndarray
    o_end: np.ndarray
    o_option: np.ndarray
    o_lane: np.ndarray
    o_peg: np.ndarray
    d_peg: np.ndarray
    p_from: np.ndarray
    p_qty: np.ndarray


def gives(plant: Plant, plan: ScheduleRecord, giver: int, part: int) -> bool:
    """Whether a giver, an order or a supply that stands, brings a part."""
    if giver < 0:
        return plant.s_item[-2 - giver] == part
    item = plan.o_item[giver]
    return item == part or plant.asked[item] == part


def covers(plant: Plant, plan: ScheduleRecord, order: int, start: int) -> bool:
    """Whether an order that begins at an instant has pegs for all that it takes."""
    item, qty, pegs = plan.o_item[order], plan.o_qty[order], 0
    peg = plan.o_peg[order]
    while peg >= 0:
        pegs += 1
        peg = plan.g_also[peg]
    for line in range(plant.c_start[item], plant.c_start[item + 1]):
        part = plant.c_item[line]
        wanted = taken_of(plant, line, qty)
        peg = plan.o_peg[order]
        while peg >= 0:
            if gives(plant, plan, plan.g_from[peg], part):
                wanted -= plan.g_qty[peg]
                pegs -= 1
            peg = plan.g_also[peg]
        # What is missing has to be something that can be bought before it begins.
        if wanted < 0 or (wanted > 0 and not 0 <= plant.lead[part] <= start):
            return False
    # Any peg left is of a part that it does not take any more.
    return pegs == 0


def peg_as_before(
    plant: Plant,
    plan: ScheduleRecord,
    work: EarlierWork,
    of: np.ndarray,
    pegs: tuple[int, int],
    taker: int,
    use: int,
) -> bool:
    """Peg a taker to what it took before, as far as that is there; whether all is.

    Of what stands others may have taken since: what an order can buy in time instead is
    not pegged. `pegs` bounds its pegs, `use` is when it uses what it takes.
    """
    for peg in range(pegs[0], pegs[1]):
        giver, qty = work.p_from[peg], work.p_qty[peg]
        if giver < -1:
            there = left_of(plant, plan, -2 - giver, use)
            lead = plant.lead[plant.s_item[-2 - giver]]
            if taker >= 0 and 0 <= lead <= use:
                qty = min(qty, max(there, 0))
        else:
            giver = of[giver] if giver >= 0 else -1
            there = plan.o_gain[giver] - plan.o_used[giver] if giver >= 0 else 0
        if there < qty:
            return False
        if qty > 0:
            peg_to(plan, giver, taker, qty)
    return True


def lay_as_before(
    plant: Plant, plan: ScheduleRecord, work: EarlierWork, of: np.ndarray, at: int
) -> int:
    """Order of a schedule that an earlier one is; -1: it does not fit."""
    item, qty, start = work.o_item[at], work.o_qty[at], work.o_start[at]
    if item < 0 or qty < plant.least[item] or 0 < plant.most[item] < qty:
        return -1
    if qty % plant.grain[item] > 0 and qty != plant.most[item]:
        return -1
    option = work.o_option[at]
    order = new_order(plant, plan, item, qty)
    pegs = work.o_peg[at], work.o_peg[at + 1]
    there = peg_as_before(plant, plan, work, of, pegs, order, start)
    if there and option < 0:
        start = max(start, ready_at(plant, plan, order))
    if there and covers(plant, plan, order, start):
        in_time = option < 0
        if in_time:
            first, behind = plant.x_start[item], plant.x_start[item + 1]
            place_early(plant, plan, order, start, first, behind)
        elif ready_at(plant, plan, order) <= start:
            plan.o_lane[order] = work.o_lane[at]
            # Its own unit alone: `place_early` looks for the one on which it ends first
            # else.
            plan.state[BEHIND] = 1 if plant.unit[option] >= 0 else 0
            place_early(plant, plan, order, start, option, option + 1)
            plan.state[BEHIND] = 0
            late = plan.o_end[order] > work.o_end[at]
            in_time = plan.o_start[order] == start and not late
        if in_time and plan.state[FULL] == 0:
            keep(plan)
            return order
    clear(plant, plan)
    return -1


def find_demands(work: EarlierWork, hit: np.ndarray, demands: np.ndarray) -> None:
    """Find a demand that is not hit for each earlier order that has one; -1: none."""
    # Orders of consumers come first, so each has its demand when its parts ask for it.
    for at in range(len(demands)):
        demands[at] = -1
    for demand in range(len(hit)):
        for peg in range(work.d_peg[demand], work.d_peg[demand + 1]):
            if hit[demand] == 0 and work.p_from[peg] >= 0:
                demands[work.p_from[peg]] = demand
    for at in range(len(demands)):
        for peg in range(work.o_peg[at], work.o_peg[at + 1]):
            if demands[at] >= 0 and work.p_from[peg] >= 0:
                demands[work.p_from[peg]] = demands[at]


def resume(
    plant: Plant,
    plan: ScheduleRecord,
    work: EarlierWork,
    hit: np.ndarray,
    of: np.ndarray,
) -> int:
    """Lay earlier orders into an empty schedule, as far as they fit and are needed.

    Parameters
    ----------
    plant, plan
        The plant; the schedule, which changes.
    work
        What was planned before.
    hit
        Shape (n_demands,): 1 where a demand is to be served anew; those whose orders do
        not fit are added.
    of
        Shape (n_orders,): gets the orders in the schedule, -1: it is not there.

    Returns
    -------
    int
        How many demands were added: then the schedule holds orders that nobody needs.
    """
    orders = len(work.o_item)
    demands = np.empty(orders, np.int64)
    keys = np.empty(orders, np.int64)
    find_demands(work, hit, demands)
    for at in range(orders):
        of[at] = -1
        # Of equal starts those that give come first.
        keys[at] = work.o_start[orders - 1 - at]
    lay_blocks(plant, plan)
    for rank in ranks_of(keys):
        at = orders - 1 - rank
        if demands[at] >= 0:
            plan.state[SERVED] = demands[at]
            of[at] = lay_as_before(plant, plan, work, of, at)
    added = 0
    for demand in range(len(hit)):
        if hit[demand] == 1:
            continue
        plan.state[SERVED] = demand
        pegs = work.d_peg[demand], work.d_peg[demand + 1]
        use = plant.d_due[demand] + plant.d_shelf[demand]
        if peg_as_before(plant, plan, work, of, pegs, -1 - demand, use):
            keep(plan)
        else:
            clear(plant, plan)
            hit[demand] = 1
            added += 1
    finish_all(plant, plan)
    return added


def trim(plant: Plant, plan: ScheduleRecord, ids: np.ndarray, most: int) -> None:
    """Make orders no larger than what is taken of them asks for, where none gets later.

    Parameters
    ----------
    plant, plan
        The plant; the schedule, which changes.
    ids
        Orders; the schedule may not hold all of them any more.
    most
        Demands that are served anew at a time, at most.
    """
    desk = new_desk(len(plant.d_item), most)
    plan.state[NARROW] = 0
    for order in ids:
        used, item = plan.o_used[order], plan.o_item[order]
        if used == 0 or lot_of(plant, item, used) >= plan.o_qty[order]:
            continue
        count = takers(plan, desk, order, 0)
        if count == 0:
            continue
        # Orders for a joined item are made for `JOINT` at least: with what is taken of
        # this one it comes back in the lot for that, and no larger.
        plan.state[JOINED] = plant.asked[item] + 1
        plan.state[JOINT] = used
        plan.state[SPARE] = FAR
        if serve_cheaper(plant, plan, desk, count, FAR):
            keep(plan)
        plan.state[JOINED] = 0
