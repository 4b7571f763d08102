# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Lots of late demands in the end: as few as pay, and first what goes soonest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.kernels.plant_kernels.lot_streaming import (
    LEAST_SHARE,
    clear,
    first_lot,
    late_parts,
    new_desk,
    serve_cut,
    waited_for,
    with_share,
)
from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    cost_of,
    first_at,
    limited,
)
from medhavi.planners.kernels.plant_kernels.repair import withdraw
from medhavi.planners.kernels.plant_kernels.schedule_record import (
    FULL,
    NARROW,
    bucketed,
    slowest,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.lot_streaming import Desk, MoveSettings
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord


def settle_cuts(
    plant: Plant, plan: ScheduleRecord, aims: MoveSettings, most: int
) -> None:
    """Cut orders for demands no more than pays, and so that what is there comes first.

    Parameters
    ----------
    plant, plan
        The plant; the schedule, which changes.
    aims
        What moves go by: whether they cut orders.
    most
        Demands that are taken out at a time, at most.
    """
    plan.state[NARROW] = 0
    desk = new_desk(len(plant.d_item), most)
    for demand in range(len(aims.cut) // 3):
        item, first = plan.d_cut[3 * demand], plan.d_cut[3 * demand + 2]
        late = cost_of(plant, demand, plan.d_finish[demand])
        parts = late_parts(plant, plan, demand) if aims.in_parts[demand] == 1 else FAR
        if first > 0:
            more = parts + parts // (LEAST_SHARE - 1)
            serve_cut(plant, plan, desk, demand, (0, 0, 0), (with_share(late), more))
        elif item > 0:
            join_lots(plant, plan, desk, demand, late)
        elif late > 0 and parts < FAR:
            first = first_lot(plant, plan, demand)
            items = waited_for(plant, plan, demand, desk.path)
            if first > 0 and items > 0:
                cut = (desk.path[0] + 1, 1, first)
                fewer = parts - parts // LEAST_SHARE - 1
                serve_cut(plant, plan, desk, demand, cut, (late, fewer))
        if late > 0 and parts < FAR:
            fill_departure(plant, plan, desk, demand)


def join_lots(
    plant: Plant, plan: ScheduleRecord, desk: Desk, demand: int, late: int
) -> None:
    """Cut orders for a demand into fewer equal lots, then join all behind the first.

    `late` is the weighted lateness that is allowed; whole they may be with their share.
    """
    item, lots = plan.d_cut[3 * demand], plan.d_cut[3 * demand + 1]
    for fewer in range(1, lots):
        cut = (item if fewer > 1 else 0, fewer, 0)
        allowed = late if fewer > 1 else with_share(late)
        if serve_cut(plant, plan, desk, demand, cut, (allowed, FAR)):
            lots = fewer
            break
    if lots > 2 and item - 1 == plant.d_item[demand]:
        first = -(-plant.d_qty[demand] // lots)
        if not serve_cut(plant, plan, desk, demand, (item, 1, first), (late, FAR)):
            join_rest(plant, plan, desk, demand, late)


def join_rest(
    plant: Plant, plan: ScheduleRecord, desk: Desk, demand: int, late: int
) -> None:
    """Serve a demand by what one of its lots brings, and one lot for all the rest.

    Lots of equal size are as many as the least of several sources asks for, though
    another one brings what that leaves at once. `late` is as of `join_lots`.
    """
    sizes = desk.path
    count, peg = 0, plan.d_peg[demand]
    while peg >= 0 and count < len(sizes):
        if plan.g_from[peg] >= 0:
            sizes[count] = plan.g_qty[peg]
            count += 1
        peg = plan.g_also[peg]
    item = plant.d_item[demand] + 1
    for place in range(count):
        first = sizes[place]
        if serve_cut(plant, plan, desk, demand, (item, 1, first), (late, FAR)):
            break


def fill_departure(plant: Plant, plan: ScheduleRecord, desk: Desk, demand: int) -> None:
    """Send as much for a late demand as still fits a departure before its last one."""
    late = cost_of(plant, demand, plan.d_finish[demand])
    parts = late_parts(plant, plan, demand)
    first = departure_room(plant, plan, demand)
    if 0 < first < plant.d_qty[demand]:
        cut = (plant.d_item[demand] + 1, 1, first)
        fewer = parts - parts // LEAST_SHARE - 1
        serve_cut(plant, plan, desk, demand, cut, (late, fewer))


def departure_room(plant: Plant, plan: ScheduleRecord, demand: int) -> int:
    """What the first departure that has room takes for a late demand [steps].

    As if nothing were sent for it yet; 0: it waits for no departure with limits.
    """
    order, _ = slowest(plant, plan, plan.d_peg[demand])
    if order < 0:
        return 0
    option, source = plan.o_option[order], plan.o_item[order]
    if plant.asked[source] != plant.d_item[demand] or bucketed(plant, option):
        return 0
    if not limited(plant, option):
        return 0
    _, ready = slowest(plant, plan, plan.o_peg[order])
    last, most = plan.o_start[order], 0
    low = plant.k_start[plant.calendar[option]]
    high = plant.k_start[plant.calendar[option] + 1]
    withdraw(plant, plan, demand)
    at = first_at(plant.k_open, low, high, ready)
    while plan.state[FULL] == 0 and at < high and plant.k_open[at] < last:
        most = FAR
        for limit in range(plant.l_start[option], plant.l_start[option + 1]):
            place = plant.l_room[limit] + at - low
            room = max(plant.l_most[place] - plan.taken[place], 0)
            if plant.l_each[limit] > 0:
                most = min(most, room * plant.l_over[limit] // plant.l_each[limit])
        most -= most % plant.grain[source]
        if most > 0 and most >= plant.least[source]:
            break
        most = 0
        at += 1
    clear(plant, plan)
    return most
