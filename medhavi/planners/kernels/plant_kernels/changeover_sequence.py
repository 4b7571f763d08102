# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Turns of work on units that are changed over, where all moves as late as may be.

Lanes hold the last order first there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    begin_by,
    change_of,
    changed_by,
    changed_from,
    end_by,
    length_of,
)
from medhavi.planners.kernels.plant_kernels.schedule_record import insert

if TYPE_CHECKING:
    import numpy as np

    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord

KEEPS_TURN = -2
"""In the place of a family: work keeps its turn among what is on its unit."""


def append(plan: ScheduleRecord, lane: int, order: int) -> None:
    """Put an order behind the others of a lane, at the instants that it has."""
    insert(plan, lane, lane * plan.width[0] + plan.laned[lane], order)


def before_last(
    plant: Plant, plan: ScheduleRecord, lane: int, family: int, limit: int
) -> int:
    """Latest end before the last one of a lane that holds the last order first.

    `family` is what the unit is set up for then.
    """
    if plan.laned[lane] == 0:
        return limit
    at = lane * plan.width[0] + plan.laned[lane] - 1
    other = plan.lane[at]
    own, start = plan.o_option[other], plan.o_start[other]
    change = change_of(plant, plant.machine[own], family, plant.family[own])
    return min(limit, changed_by(plant, own, start, change))


def later_turn(
    plant: Plant, plan: ScheduleRecord, order: int, limit: int, before: int
) -> tuple[int, int, int]:
    """Last gap on a unit with changeovers behind work that comes after: where, when.

    The lane holds the last order first; `before` is the family ahead of the order in
    the sequence that was, as of `families_ahead`. What is ahead has to have time for
    the changeover without the order between, and changeovers take no more time than
    before. Place -1: there is no such gap.
    """
    option = plan.o_option[order]
    machine, family = plant.machine[option], plant.family[option]
    lane = plant.m_lane[machine]
    length = length_of(plant, plan.o_item[order], option, plan.o_qty[order])
    low = lane * plan.width[0]
    stop = low + plan.laned[lane]
    if stop == low or before == KEEPS_TURN or family < 0:
        return -1, 0, 0
    front = plant.family[plan.o_option[plan.lane[stop - 1]]]
    if front < 0:
        return -1, 0, 0
    # Out of its turn, an order leaves its own time and two changeovers free; what was
    # before it is then changed over directly to what was after it.
    ahead = change_of(plant, machine, before, family)
    saved = ahead + change_of(plant, machine, family, front)
    without = change_of(plant, machine, before, front)
    if without > saved + length:
        return -1, 0, 0
    saved -= without
    # Last gap first: the first one that fits is the latest.
    for at in range(low, stop):
        free, added = limit, 0
        earlier = plan.lane[at]
        own = plant.family[plan.o_option[earlier]]
        if own < 0:
            return -1, 0, 0
        if at > low:
            other = plan.lane[at - 1]
            taking = plan.o_option[other]
            change = change_of(plant, machine, family, plant.family[taking])
            free = min(limit, changed_by(plant, taking, plan.o_start[other], change))
            added = change - change_of(plant, machine, own, plant.family[taking])
        if free <= plan.o_end[earlier]:
            continue
        change = change_of(plant, machine, own, family)
        # All changeovers together would take longer than in the sequence that was.
        if added + change > saved:
            continue
        end = end_by(plant, option, free, length)
        start = begin_by(plant, option, end, length)
        if changed_from(plant, option, plan.o_end[earlier], change) <= start:
            return at, start, end
    return -1, 0, 0


def place_turn(
    plant: Plant, plan: ScheduleRecord, order: int, limit: int, before: int
) -> tuple[int, int]:
    """Put an order on its unit with changeovers: in a later turn, else ahead of all.

    Work without a family leaves the next one time to be changed over from what is
    before it (`before`). Where that is not known it keeps its instants.
    """
    option = plan.o_option[order]
    lane, family = plant.m_lane[plant.machine[option]], plant.family[option]
    if family < 0:
        if before == KEEPS_TURN:
            append(plan, lane, order)
            return plan.o_start[order], plan.o_end[order]
        family = before
    at, start, end = later_turn(plant, plan, order, limit, before)
    if at >= 0:
        insert(plan, lane, at, order)
        return start, end
    length = length_of(plant, plan.o_item[order], option, plan.o_qty[order])
    end = end_by(plant, option, before_last(plant, plan, lane, family, limit), length)
    append(plan, lane, order)
    return begin_by(plant, option, end, length), end


def block_of(plant: Plant, plan: ScheduleRecord, block: int) -> int:
    """Order that a block that stands is in a schedule."""
    return len(plan.o_item) - len(plant.v_begin) + block


def families_ahead(plant: Plant, plan: ScheduleRecord, found: np.ndarray) -> None:
    """Family of the unit ahead of each order on it; -1: none is known.

    `KEEPS_TURN` of work of a family directly behind work without one, and of all orders
    where some of them stay: those are placed out of their turn. Shape of `found`
    (n_orders,).
    """
    found[:] = KEEPS_TURN
    for lane in range(len(plan.laned)):
        low = lane * plan.width[0]
        ahead, alone = -1, False
        for at in range(low, low + plan.laned[lane]):
            order = plan.lane[at]
            # Orders that stay are placed before all others, so what is last on a lane
            # is not what comes after an order in the sequence.
            if order < block_of(plant, plan, 0) and plan.o_stays[order] < FAR:
                found[:] = KEEPS_TURN
                return
            family = plant.family[plan.o_option[order]]
            # Work without a family ahead of it keeps time for the changeover to it, so
            # it keeps its turn.
            found[order] = KEEPS_TURN if alone and family >= 0 else ahead
            alone = family < 0
            if family >= 0:
                ahead = family
