# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Moves: take demands out of a schedule and put them back, better or not at all.

Sources: Shaw 1998, Schrimpf et al. 2000 (ruin and recreate).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from medhavi.planners.kernels.plant_kernels.lot_streaming import (
    LEAST_SHARE,
    draw_cut,
    new_desk,
    put_or_undo,
    sort_found,
)
from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    begin_from,
    cost_of,
    draw,
    length_of,
    on_lane,
)
from medhavi.planners.kernels.plant_kernels.repair import (
    spare_of,
    withdraw,
)
from medhavi.planners.kernels.plant_kernels.schedule_record import (
    JOINED,
    JOINT,
    NARROW,
    SPARE,
    pick,
    place_of,
    slowest,
    users,
)

if TYPE_CHECKING:
    import numpy as np

    from medhavi.planners.kernels.plant_kernels.lot_streaming import Desk, MoveSettings
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord

NEAR = 0.6
"""How often any order that blocks another goes, not the one right before it."""
JOINS = 0.25
"""How often the lot that blocks is joined with another one of its product."""
LEAST_SET_UP = 20
"""Work of a lot in set-ups of its own up to which it may pay to join it."""
SECOND = 0.3
"""How often a second late demand is taken out."""
COSTLIER = 0.7
"""How often the weightier one of two late demands is taken."""
FIRST = 0.7
"""How often the late demand is put back first."""
PREFERRED = 0.3
"""How often all that is put back is worked on by its first option."""
CUTS = 0.15
"""How often the orders for the late demand are cut otherwise than before."""
AGAIN = 64
"""Moves after which late demands are listed anew."""
NEARER = 0.5
"""How often it is what stands of a product, not of one that goes into it."""
LAST = 0.1
"""How often it is put back last."""


def critical_path(
    plant: Plant, plan: ScheduleRecord, demand: int, path: np.ndarray
) -> int:
    """List the orders that wait for their machine, from a demand on; gives how many."""
    waiting = 0
    order, _ = slowest(plant, plan, plan.d_peg[demand])
    while order >= 0 and waiting < len(path):
        other, ready = slowest(plant, plan, plan.o_peg[order])
        option = plan.o_option[order]
        if plan.o_start[order] > ready and plant.machine[option] >= 0:
            item = plan.o_item[order]
            length = length_of(plant, item, option, plan.o_qty[order])
            own = on_lane(plant, option, plan.o_lane[order])
            # Who waits for a calendar alone has nobody in the way: taking others out is
            # no help.
            if plan.o_start[order] > begin_from(plant, own, ready, length):
                path[waiting] = order
                waiting += 1
        order = other
    return waiting


def blocks_of(plant: Plant, plan: ScheduleRecord, order: int, block: np.ndarray) -> int:
    """List what holds the lanes of an order that has all it needs; gives how many.

    What ends last is the first one.
    """
    _, ready = slowest(plant, plan, plan.o_peg[order])
    option = plan.o_option[order]
    changing = plant.m_change[plant.machine[option]] >= 0
    blocks = blocks_on(plan, order, (plan.o_lane[order], ready), block, changing, 0)
    for at in range(plant.w_start[option + 1] - plant.w_start[option]):
        lane = plan.o_beside[order * plan.width[1] + at]
        more = blocks_on(plan, order, (lane, ready), block, changing, blocks)
        # Each lane adds its last one first; the last one of all lanes has to be at
        # place 0.
        if 0 < blocks < more and plan.o_end[block[blocks]] > plan.o_end[block[0]]:
            last = block[blocks]
            block[blocks] = block[0]
            block[0] = last
        blocks = more
    return blocks


def blocks_on(
    plan: ScheduleRecord,
    order: int,
    where: tuple[int, int],
    block: np.ndarray,
    changing: bool,  # noqa: FBT001
    found: int,
) -> int:
    """Add what holds a lane before an order; gives how many there are.

    `where` is the lane, and from when on the order has all it needs.
    """
    lane, ready = where
    at = place_of(plan, lane, plan.o_start[order]) - 1
    blocks = found
    while at >= lane * plan.width[0] and blocks < len(block):
        other = plan.lane[at]
        # Beyond it nothing delays the order; on units that are changed over the one
        # before it does even so, by the family that it leaves.
        if plan.o_end[other] <= ready and (blocks > found or not changing):
            break
        block[blocks] = other
        blocks += 1
        at -= 1
    return blocks


def gather(
    plant: Plant, plan: ScheduleRecord, desk: Desk, demand: int, stock: float
) -> int:
    """Collect a late demand and those whose orders stand in the way of its own.

    Where no work is in its way, or so often as `stock` says, one goes as well that
    takes of what stands; 0: none does.
    """
    found, seen = desk.found, desk.seen
    found[0] = demand
    seen[demand] = 1
    count = 1
    waiting = critical_path(plant, plan, demand, desk.path)
    turns = 1 + pick(plan, 3) if waiting > 0 else 0
    for _ in range(turns):
        order = desk.path[pick(plan, waiting)]
        blocks = blocks_of(plant, plan, order, desk.block)
        if blocks == 0:
            continue
        other = desk.block[pick(plan, blocks) if draw(plan.noise) < NEAR else 0]
        joins = plan.state[JOINED] == 0 and set_up_long(plant, plan, other)
        if joins and draw(plan.noise) < JOINS:
            count = add_lots(plant, plan, desk, other, count)
        else:
            count = add_users(plan, desk, other, count)
    if (
        stock > 0
        and len(plant.s_qty) > 0
        and (waiting == 0 or draw(plan.noise) < stock)
    ):
        count = add_takers(plant, plan, desk, found[pick(plan, count)], count)
    # Stock levels are the last demands and weigh nothing: else there are none.
    if plant.d_weight[len(plant.d_weight) - 1] == 0:
        count = add_levels(plant, plan, desk, demand, count)
    return count


def add_users(plan: ScheduleRecord, desk: Desk, order: int, count: int) -> int:
    """Collect the demands of an order, unless they are too many; gives how many."""
    more = users(plan, order, desk.found, count, len(desk.found), desk.seen)
    if more < len(desk.found):
        return more
    # Not all of them fit, and an order is only free once all its demands are out.
    for place in range(count, more):
        desk.seen[desk.found[place]] = 0
    return count


def add_takers(
    plant: Plant, plan: ScheduleRecord, desk: Desk, demand: int, count: int
) -> int:
    """Collect demands that take of what stands what another might; gives how many.

    It stands of the product of the other demand, or of one that goes into that by any
    source: what is given to those who need not have it is missing for those who do.
    """
    item, peg = plant.d_item[demand], -1
    # Down the product structure by chance; it ends at the latest where nothing goes in.
    while peg < 0:
        supplies = plant.s_start[item + 1] - plant.s_start[item]
        if supplies > 0 and draw(plan.noise) < NEARER:
            peg = taker_of(plan, plant.s_start[item] + pick(plan, supplies))
            if peg >= 0:
                continue
        first = plant.a_start[item]
        source = plant.a_item[first + pick(plan, plant.a_start[item + 1] - first)]
        lines = plant.c_start[source + 1] - plant.c_start[source]
        if lines == 0:
            return count
        item = plant.c_item[plant.c_start[source] + pick(plan, lines)]
    taker = plan.g_to[peg]
    if taker >= 0:
        return add_users(plan, desk, taker, count)
    if desk.seen[-1 - taker] == 0 and count < len(desk.found):
        desk.seen[-1 - taker] = 1
        desk.found[count] = -1 - taker
        count += 1
    return count


def taker_of(plan: ScheduleRecord, supply: int) -> int:
    """Draw one of the pegs that take from a supply that stands; -1: there is none."""
    peg, count = plan.s_user[supply], 0
    while peg >= 0:
        count += 1
        peg = plan.g_next[peg]
    peg = plan.s_user[supply]
    for _ in range(pick(plan, count) if count > 1 else 0):
        peg = plan.g_next[peg]
    return peg


def set_up_long(plant: Plant, plan: ScheduleRecord, order: int) -> bool:
    """Whether an order has a changeover, or a set-up of some share of its work."""
    option, item = plan.o_option[order], plan.o_item[order]
    if plant.m_change[plant.machine[option]] >= 0:
        return True
    work = plan.o_qty[order] // plant.grain[item] * plant.rate[option]
    return LEAST_SET_UP * plant.fixed[option] > work


def add_lots(
    plant: Plant,
    plan: ScheduleRecord,
    desk: Desk,
    order: int,
    count: int,
) -> int:
    """Collect the demands of a lot and of another of its product, to make one of both.

    The other one is the next, or the one before. What they serve together is noted.
    Where a rule says what lots join, that holds.
    """
    item = plant.asked[plan.o_item[order]]
    if plant.cover[item] > 0 or plant.apart[item] == 1:
        return add_users(plan, desk, order, count)
    taker = order
    # A step is an order of its own that the next step takes: the last one is the lot.
    while taker >= 0 and plant.asked[plan.o_item[taker]] == item:
        order, peg = taker, plan.o_user[taker]
        taker = plan.g_to[peg] if peg >= 0 else -1
    later = draw(plan.noise) < 0.5
    best, other = -1, plan.i_head[plan.o_item[order]]
    while other >= 0:
        after = plan.o_start[other] > plan.o_start[order]
        nearer = best < 0 or (plan.o_start[other] < plan.o_start[best]) == later
        if other != order and after == later and nearer:
            best = other
        other = plan.o_next[other]
    if best < 0:
        return count
    first = add_users(plan, desk, order, count)
    both = add_users(plan, desk, best, first)
    # Demands of both have to be out, else one lot stays as it is.
    if first > count and both > first:
        plan.state[JOINED] = item + 1
        plan.state[JOINT] = plan.o_used[order] + plan.o_used[best]
    return both


def add_levels(
    plant: Plant, plan: ScheduleRecord, desk: Desk, demand: int, count: int
) -> int:
    """Collect the stock levels of what comes last to a demand; gives how many."""
    item = plant.d_item[demand]
    order, _ = slowest(plant, plan, plan.d_peg[demand])
    while count < len(desk.found):
        level = plant.i_level[item]
        if level >= 0 and desk.seen[level] == 0:
            desk.seen[level] = 1
            desk.found[count] = level
            count += 1
        if order < 0:
            break
        item = plan.o_item[order]
        order, _ = slowest(plant, plan, plan.o_peg[order])
    return count


def find_late(
    plant: Plant, plan: ScheduleRecord, least: np.ndarray, late: np.ndarray
) -> int:
    """List all late demands that were sooner if they were alone; gives how many."""
    lates = 0
    for demand in range(len(plant.d_item)):
        first = max(plant.d_due[demand], least[demand])
        # Alone it would be no sooner: no move can help, and moves are counted.
        if plan.d_finish[demand] > first and plant.d_weight[demand] > 0:
            late[lates] = demand
            lates += 1
    return lates


def choose_late(
    plant: Plant, plan: ScheduleRecord, least: np.ndarray, late: np.ndarray
) -> int:
    """Take one of the late demands; often the one of two with more to gain."""
    demand = late[pick(plan, len(late))]
    if draw(plan.noise) >= COSTLIER:
        return demand
    other = late[pick(plan, len(late))]
    gain = saved_alone(plant, plan, least, demand)
    return other if saved_alone(plant, plan, least, other) > gain else demand


def saved_alone(
    plant: Plant, plan: ScheduleRecord, least: np.ndarray, demand: int
) -> int:
    """By how much the weighted lateness of a demand is more than if it were alone."""
    alone = cost_of(plant, demand, least[demand])
    return cost_of(plant, demand, plan.d_finish[demand]) - alone


def rank_found(
    plan: ScheduleRecord, desk: Desk, count: int, urgency: np.ndarray
) -> None:
    """Sort what was taken out by when it is put back: mostly the late demand first."""
    found, keys = desk.found, desk.keys
    turn = draw(plan.noise)
    spread = draw(plan.noise) * 864000.0
    for place in range(count):
        # By urgency, disturbed by up to ten days [s], so that the same demands come
        # back in other sequences, too.
        keys[place] = urgency[found[place]] + spread * draw(plan.noise)
    if turn < FIRST:
        keys[0] = -1e18
    elif turn > 1 - LAST:
        keys[0] = 1e18
    sort_found(desk, count)


def has_choice(plant: Plant) -> bool:
    """Whether some work has several options, or some item several sources."""
    items = len(plant.order)
    return plant.x_start[items] > items or len(plant.a_item) > items


def move(
    plant: Plant,
    plan: ScheduleRecord,
    desk: Desk,
    aims: MoveSettings,
    lates: int,
    heat: float,
    tally: np.ndarray,
) -> None:
    """Take a late demand and others out, and put them back; undo what is worse."""
    found, seen = desk.found, desk.seen
    demand = choose_late(plant, plan, aims.least, desk.late[:lates])
    tally[0] += 1
    # The list is up to `AGAIN` moves old.
    if plan.d_finish[demand] <= plant.d_due[demand]:
        return
    plan.state[JOINED] = 0
    count = gather(plant, plan, desk, demand, aims.stock[0])
    if plan.state[JOINED] > 0:
        plan.state[SPARE] = spare_of(plant, plan, plan.state[JOINED] - 1)
    if draw(plan.noise) < SECOND:
        other = desk.late[pick(plan, lates)]
        if seen[other] == 0 and count < len(found):
            seen[other] = 1
            found[count] = other
            count += 1
    before = 0
    for place in range(count):
        before += cost_of(plant, found[place], plan.d_finish[found[place]])
        seen[found[place]] = 0
    least = 0
    if len(aims.cut) > 0 and draw(plan.noise) < CUTS:
        more = draw_cut(plant, plan, aims.cut, demand, desk.path)
        # More lots are more orders: they have to save a share, and heat does not excuse
        # them.
        least = before // LEAST_SHARE + 1 if more else 0
    for place in range(count):
        withdraw(plant, plan, found[place])
    rank_found(plan, desk, count, aims.urgency)
    if has_choice(plant):
        plan.state[NARROW] = 1 if draw(plan.noise) < PREFERRED else 0
    allowed = before - least
    if least == 0:
        # Simulated annealing: by d worse is accepted with probability exp(-d / heat)
        # (Metropolis et al. 1953). Drawn before, it ends moves that are worse early.
        allowed += int(-heat * math.log(draw(plan.noise)))
    after = put_or_undo(plant, plan, desk, count, allowed)
    plan.state[JOINED] = 0
    if after < FAR:
        tally[1] += 1 if after < before else 0
        tally[2] += after - before


def improve(
    plant: Plant,
    plan: ScheduleRecord,
    moves: int,
    most: int,
    heat: float,
    aims: MoveSettings,
    tally: np.ndarray,
) -> int:
    """Try moves: demands out, back in, kept where the lateness is not (much) worse.

    Parameters
    ----------
    plant, plan
        The plant; the schedule, which changes.
    moves, most
        How many moves; demands that one move takes out at most.
    heat
        By how much worse a move may be, as mean of an exponential [weighted s].
    aims
        What they go by.
    tally
        Adds up: moves, moves that were better, change of the weighted lateness.

    Returns
    -------
    int
        How many demands were late that need not be, when last counted.
    """
    desk = new_desk(len(plant.d_item), most)
    lates = 0
    for done in range(moves):
        if done % AGAIN == 0:
            lates = find_late(plant, plan, aims.least, desk.late)
            if lates == 0:
                return 0
        move(plant, plan, desk, aims, lates, heat, tally)
    return lates
