# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Moves: take demands out of a schedule and put them back, better or not at all.

Sources: Shaw 1998, Schrimpf et al. 2000 (ruin and recreate).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.kernels.plant_record import cost_of, draw
from medhavi.planners.kernels.repair import slowest, supply, users, withdraw
from medhavi.planners.kernels.schedule_record import (
    FREE_ORDERS,
    FREE_PEGS,
    FULL,
    JOURNAL,
    keep,
    place_of,
    undo,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_record import Plant
    from medhavi.planners.kernels.schedule_record import (
        Schedule,
    )

MOST_BLOCKS = 256
MOST_PATH = 64


def pick(plan: Schedule, count: int) -> int:
    """Give a random number below `count`."""
    draw(plan.noise)
    return (plan.noise[0] >> 4) % count


def gather(
    plant: Plant,
    plan: Schedule,
    demand: int,
    found: np.ndarray,
    most: int,
    seen: np.ndarray,
) -> int:
    """Collect a late demand and those whose orders stand in the way of its own."""
    path = np.empty(MOST_PATH, np.int64)
    block = np.empty(MOST_BLOCKS, np.int64)
    found[0] = demand
    seen[demand] = 1
    count = 1
    waiting = 0
    order, _ = slowest(plant, plan, plan.d_peg[demand])
    while order >= 0 and waiting < MOST_PATH:
        other, ready = slowest(plant, plan, plan.o_peg[order])
        if plan.o_start[order] > ready and plant.machine[plan.o_item[order]] >= 0:
            path[waiting] = order
            waiting += 1
        order = other
    turns = 1 + pick(plan, 3) if waiting > 0 else 0
    for _ in range(turns):
        order = path[pick(plan, waiting)]
        _, ready = slowest(plant, plan, plan.o_peg[order])
        machine = plant.machine[plan.o_item[order]]
        at = place_of(plan, machine, plan.o_start[order]) - 1
        blocks = 0
        while at >= machine * plan.width[0] and blocks < MOST_BLOCKS:
            other = plan.lane[at]
            if plan.o_end[other] <= ready:
                break
            block[blocks] = other
            blocks += 1
            at -= 1
        if blocks == 0:
            continue
        other = block[pick(plan, blocks)] if draw(plan.noise) < 0.6 else block[0]
        more = users(plan, other, found, count, most, seen)
        if more >= most:
            for place in range(count, more):
                seen[found[place]] = 0
        else:
            count = more
    return count


def improve(  # noqa: C901, PLR0912, PLR0915  (one loop over local arrays)
    plant: Plant,
    plan: Schedule,
    moves: int,
    most: int,
    heat: float,
    urgency: np.ndarray,
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
    urgency
        Per demand: the sequence of putting back [s].
    tally
        Adds up: moves, moves that were better, change of the weighted lateness.

    Returns
    -------
    int
        How many demands were late when last counted.
    """
    demands = len(plant.d_item)
    late = np.empty(demands, np.int64)
    found = np.empty(most + 8, np.int64)
    keys = np.empty(most + 8, np.float64)
    seen = np.zeros(demands, np.int64)
    lates = 0
    reserve = len(plan.j_kind) // 2
    for move in range(moves):
        if move % 64 == 0:
            lates = 0
            for demand in range(demands):
                if plan.d_finish[demand] > plant.d_due[demand]:
                    late[lates] = demand
                    lates += 1
            if lates == 0:
                return 0
        demand = late[pick(plan, lates)]
        tally[0] += 1
        if plan.d_finish[demand] <= plant.d_due[demand]:
            continue
        count = gather(plant, plan, demand, found, most, seen)
        if draw(plan.noise) < 0.3:
            other = late[pick(plan, lates)]
            if seen[other] == 0 and count < most:
                seen[other] = 1
                found[count] = other
                count += 1
        before = 0
        for place in range(count):
            before += cost_of(plant, found[place], plan.d_finish[found[place]])
            seen[found[place]] = 0
        turn = draw(plan.noise)
        spread = draw(plan.noise) * 864000.0
        for place in range(count):
            keys[place] = urgency[found[place]] + spread * draw(plan.noise)
        if turn < 0.7:
            keys[0] = -1e18
        elif turn > 0.9:
            keys[0] = 1e18
        allowed = before + int(-heat * math.log(draw(plan.noise)))
        for place in range(count):
            withdraw(plant, plan, found[place])
        ranks = np.argsort(keys[:count], kind="mergesort")
        after = 0
        good = True
        for rank in ranks:
            other = found[rank]
            supply(plant, plan, other)
            after += cost_of(plant, other, plan.d_finish[other])
            if (
                after > allowed
                or plan.state[FULL] == 1
                or plan.state[JOURNAL] > reserve
                or plan.state[FREE_ORDERS] < plan.room[0]
                or plan.state[FREE_PEGS] < plan.room[1]
            ):
                good = False
                break
        if good:
            tally[1] += 1 if after < before else 0
            tally[2] += after - before
            keep(plan)
        else:
            undo(plant, plan, 0)
            plan.state[FULL] = 0
    return lates
