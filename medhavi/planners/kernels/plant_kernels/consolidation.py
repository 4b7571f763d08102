# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Fewer orders for the same demands: what costs less money and makes nothing later.

What was opened for one demand has a lot of its own where an earlier one, made for
another demand afterwards, has enough left, or where one lot would do for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.kernels.plant_kernels.lot_streaming import (
    clear,
    money_of,
    new_desk,
    put_back,
    sort_found,
)
from medhavi.planners.kernels.plant_kernels.plant_record import FAR, cost_of
from medhavi.planners.kernels.plant_kernels.repair import withdraw
from medhavi.planners.kernels.plant_kernels.schedule_record import (
    FULL,
    JOINED,
    JOINT,
    JOURNAL,
    MADE,
    NARROW,
    REMOVED,
    SPARE,
    keep,
    users,
)
from medhavi.units import DAY

PRIME = 1_000_003
"""Weight of a quantity beside an option, where orders of an item are compared."""

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.lot_streaming import Desk
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord


def serve_cheaper(
    plant: Plant, plan: ScheduleRecord, desk: Desk, count: int, most: int
) -> bool:
    """Serve what was found anew, none later, and for less than `most` more money.

    Later where that is worth it, if orders are chosen by money and `most` is not
    `FAR`: then no money is asked for. What changed is in the journal, to be kept.
    False: it cannot be, and nothing changed.
    """
    # Here nobody lists late demands: their room holds when each is served at the
    # latest.
    found, wanted = desk.found, desk.late
    worth = plant.worth[0] if most < FAR else 0.0
    before = 0
    for place in range(count):
        demand = found[place]
        before += cost_of(plant, demand, plan.d_finish[demand])
        wanted[demand] = max(plan.d_finish[demand], plant.d_due[demand])
        desk.keys[place] = plant.d_due[demand]
        withdraw(plant, plan, demand)
    sort_found(desk, count)
    cheaper = False
    after = -1
    if plan.state[FULL] == 0:
        # Who is later weighs more, and somebody is where all weigh more.
        after = put_back(plant, plan, desk, count, FAR if worth > 0 else before)
    if after >= 0 and worth > 0:
        cheaper = after + worth * money_of(plant, plan) < before + worth * most
    # The sum may hide one that is later behind others that are sooner.
    elif after >= 0:
        cheaper = money_of(plant, plan) < most
        for place in range(count):
            if plan.d_finish[found[place]] > wanted[found[place]]:
                cheaper = False
    if not cheaper:
        clear(plant, plan)
    return cheaper


def takers(plan: ScheduleRecord, desk: Desk, order: int, count: int) -> int:
    """Add the demands of an order to those found; 0: all of them are too many."""
    found, seen = desk.found, desk.seen
    for place in range(count):
        seen[found[place]] = 1
    more = users(plan, order, found, count, len(found), seen)
    for place in range(more):
        seen[found[place]] = 0
    return more if more < len(found) else 0


def first_due(plant: Plant, desk: Desk, since: int, until: int) -> int:
    """First due date of the demands that were found from one place to another."""
    first = FAR
    for place in range(since, until):
        first = min(first, plant.d_due[desk.found[place]])
    return first


def lots_of(
    plant: Plant,
    plan: ScheduleRecord,
    desk: Desk,
    item: int,
    ids: np.ndarray,
    dues: np.ndarray,
) -> int:
    """List the orders for an item by the first due date that they serve; how many."""
    count = 0
    for place in range(plant.a_start[item], plant.a_start[item + 1]):
        order = plan.i_head[plant.a_item[place]]
        while order >= 0:
            due = first_due(plant, desk, 0, takers(plan, desk, order, 0))
            at = count
            while at > 0 and dues[at - 1] > due:
                dues[at], ids[at] = dues[at - 1], ids[at - 1]
                at -= 1
            dues[at], ids[at] = due, order
            count += 1
            order = plan.o_next[order]
    return count


def may_all(desk: Desk, count: int, may: np.ndarray) -> bool:
    """Whether all demands that were found may be served anew."""
    for place in range(count):
        if may[desk.found[place]] == 0:
            return False
    return True


def join(
    plant: Plant,
    plan: ScheduleRecord,
    desk: Desk,
    item: int,
    pair: tuple[int, int],
    may: np.ndarray,
) -> bool:
    """Make one order of two for an item, where that costs less; whether it was done.

    What the later one serves is held for longer.
    """
    order, other = pair
    first = takers(plan, desk, order, 0)
    both = takers(plan, desk, other, first)
    if min(first, both) == 0 or not may_all(desk, both, may):
        return False
    held = 0
    if both > first:
        gap = first_due(plant, desk, first, both) - first_due(plant, desk, 0, first)
        held = plant.each_day[item] * (gap // DAY) * plan.o_used[other]
    plan.state[JOINED] = item + 1
    plan.state[JOINT] = plan.o_used[order] + plan.o_used[other]
    # What it gives beyond all needs is no matter here: money decides.
    plan.state[SPARE] = FAR
    done = serve_cheaper(plant, plan, desk, both, -held)
    plan.state[JOINED] = 0
    return done


def mark_changed(plan: ScheduleRecord, touched: np.ndarray, change: np.ndarray) -> None:
    """Mark items whose orders have other quantities or options by the journal.

    An order that was made anew as it was leaves its item unmarked. `change` holds
    zeros, shape (n_items,), int64, and does again.
    """
    for at in range(plan.state[JOURNAL]):
        kind = plan.j_kind[at]
        if kind in (MADE, REMOVED):
            order = plan.j_id[at]
            own = plan.o_qty[order] * PRIME + plan.o_option[order] + 1
            change[plan.o_item[order]] += own if kind == MADE else -own
    for at in range(plan.state[JOURNAL]):
        if plan.j_kind[at] in (MADE, REMOVED):
            item = plan.o_item[plan.j_id[at]]
            if change[item] != 0:
                touched[item] = 1
            change[item] = 0


def consolidate(
    plant: Plant,
    plan: ScheduleRecord,
    most: int,
    may: np.ndarray,
    touched: np.ndarray,
) -> int:
    """Serve demands by fewer or cheaper orders, where none gets later.

    Parameters
    ----------
    plant, plan
        The plant; the schedule, which changes.
    most
        Demands that are served anew at a time, at most.
    may
        1 for each demand that may be served anew. Shape (n_demands,), int64.
    touched
        1 for each item whose orders are looked through; afterwards for each whose
        orders changed since they were. Shape (n_items,), int64.

    Returns
    -------
    int
        How often that was so.
    """
    plan.state[NARROW] = 0
    desk = new_desk(len(plant.d_item), most)
    ids = np.empty(len(plan.o_item), np.int64)
    dues = np.empty(len(plan.o_item), np.int64)
    change = np.zeros(len(plant.order), np.int64)
    saved = 0
    for item in range(len(plant.order)):
        priced = seen = 0
        for place in range(plant.a_start[item], plant.a_start[item + 1]):
            priced = max(priced, plant.each_order[plant.a_item[place]])
            seen = max(seen, touched[plant.a_item[place]])
            touched[plant.a_item[place]] = 0
        # Without a price an order less saves nothing; where a rule says what a lot
        # covers, or goods are made to order, that rule decides.
        if seen == 0 or priced == 0 or plant.cover[item] > 0 or plant.apart[item] == 1:
            continue
        count = lots_of(plant, plan, desk, item, ids, dues)
        # After a success the same place is looked at again: the bound ends that.
        tries, at = 2 * count, 0
        while at < count and tries > 0:
            tries -= 1
            alone = takers(plan, desk, ids[at], 0)
            own = alone > 0 and may_all(desk, alone, may)
            done = own and serve_cheaper(plant, plan, desk, alone, 0)
            if own and not done and at + 1 < count:
                done = join(plant, plan, desk, item, (ids[at], ids[at + 1]), may)
            if done:
                mark_changed(plan, touched, change)
                keep(plan)
                saved += 1
                # Orders were made anew, with other numbers.
                count = lots_of(plant, plan, desk, item, ids, dues)
            else:
                at += 1
    return saved
