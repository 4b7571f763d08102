# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Serve demands of a schedule alone or anew: whole, or with orders cut into lots.

A late demand may be earlier where its orders are cut: into lots side by side, or into
what can be made of the goods that are there, and the rest.

Source: lot streaming, Reiter 1966 (Journal of Business 39).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.kernels.plant_kernels.justification import (
    alive,
    clear_lanes,
    date_lives,
    lay_blocks,
)
from medhavi.planners.kernels.plant_kernels.plant_record import FAR, cost_of, draw
from medhavi.planners.kernels.plant_kernels.repair import (
    arrival,
    lasting,
    left_of,
    spare_of,
    supply,
    withdraw,
)
from medhavi.planners.kernels.plant_kernels.schedule_record import (
    BELOW,
    DEAD,
    FREE_ORDERS,
    FREE_PEGS,
    FULL,
    JOINED,
    JOURNAL,
    MADE,
    NARROW,
    REMOVED,
    SERVED,
    SPARE,
    keep,
    pick,
    set_cut,
    slowest,
    undo,
    users,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord

MOST_BLOCKS = 256
MOST_PATH = 64
REVIVALS = 6
"""How often all is looked through for what takes something dead."""
LEAST_SHARE = 100
"""More lots have to save one part in so many of the weighted lateness."""
MOST_CUT = 10
"""Lots into which the orders of an item are cut for a demand, at most."""
WHOLE = 0.3
"""How often orders that are cut are made whole again."""
ALONE = 0.5
"""How often they are cut as for the demand alone."""
FIRST_LOT = 0.3
"""How often what can be made of what is there comes first."""


class MoveSettings(NamedTuple):
    """What moves go by, made once.

    `urgency` is the sequence of putting demands back [s]. `least` is when each demand
    would be served if it were alone [s]: few can be sooner. `cut` is how its orders are
    cut then, as `d_cut`; empty: no move cuts orders. `in_parts` is 1 where what there
    is for a demand is delivered before the rest. `stock` holds one number: how often a
    move takes out who has of stock what a late demand might have.
    """

    urgency: np.ndarray
    least: np.ndarray
    cut: np.ndarray
    in_parts: np.ndarray
    stock: np.ndarray


class Desk(NamedTuple):
    """Room to work out a move, made once.

    `late` are late demands, `found` those that a move takes out, with their `keys`;
    `seen` marks them. `path` and `block` are orders.
    """

    late: np.ndarray
    found: np.ndarray
    keys: np.ndarray
    seen: np.ndarray
    path: np.ndarray
    block: np.ndarray


def new_desk(demands: int, most: int) -> Desk:
    """Make room to work out moves of so many demands at most."""
    return Desk(
        np.empty(demands, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.float64),
        np.zeros(demands, np.int64),
        np.empty(MOST_PATH, np.int64),
        np.empty(MOST_BLOCKS, np.int64),
    )


def sort_found(desk: Desk, count: int) -> None:
    """Sort what was taken out by its keys."""
    found, keys = desk.found, desk.keys
    for place in range(1, count):
        key, demand = keys[place], found[place]
        at = place
        while at > 0 and keys[at - 1] > key:
            keys[at] = keys[at - 1]
            found[at] = found[at - 1]
            at -= 1
        keys[at] = key
        found[at] = demand


def put_back(
    plant: Plant, plan: ScheduleRecord, desk: Desk, count: int, allowed: int
) -> int:
    """Serve what was taken out; gives the weighted lateness, -1: more than allowed."""
    after = 0
    # `supply` does not look at the journal: half of it is kept for one demand more.
    reserve = len(plan.j_kind) // 2
    for place in range(count):
        other = desk.found[place]
        supply(plant, plan, other)
        after += cost_of(plant, other, plan.d_finish[other])
        if (
            after > allowed
            or plan.state[FULL] == 1
            or plan.state[DEAD] > 0
            or plan.state[JOURNAL] > reserve
            or plan.state[FREE_ORDERS] < plan.room[0]
            or plan.state[FREE_PEGS] < plan.room[1]
        ):
            return -1
    joined = plan.state[JOINED] - 1
    if joined >= 0 and spare_of(plant, plan, joined) > plan.state[SPARE]:
        return -1
    return after


def put_or_undo(
    plant: Plant, plan: ScheduleRecord, desk: Desk, count: int, allowed: int
) -> int:
    """Serve what was taken out, or undo all; the weighted lateness, FAR: undone.

    With what orders cost more than before, where they are chosen by money.
    """
    after, worth = FAR, plant.worth[0]
    if plan.state[FULL] == 0:
        late = put_back(plant, plan, desk, count, FAR if worth > 0 else allowed)
        if late >= 0:
            after = late + int(worth * money_of(plant, plan))
    if after <= allowed:
        keep(plan)
        return after
    clear(plant, plan)
    return FAR


def money_of(plant: Plant, plan: ScheduleRecord) -> int:
    """What the orders made since the last change was kept cost more than those removed.

    In millionths of the base currency.
    """
    money = 0
    for at in range(plan.state[JOURNAL]):
        kind = plan.j_kind[at]
        if kind in (MADE, REMOVED):
            price = price_of(plant, plan, plan.j_id[at])
            money += price if kind == MADE else -price
    return money


def paid(plant: Plant, plan: ScheduleRecord, ids: np.ndarray) -> int:
    """What all orders cost, as of `money_of`; `ids` has room for them."""
    money = 0
    for at in range(alive(plant, plan, ids)):
        money += price_of(plant, plan, ids[at])
    return money


def price_of(plant: Plant, plan: ScheduleRecord, order: int) -> int:
    """What an order costs by its option, in millionths of the base currency."""
    item, option = plan.o_item[order], plan.o_option[order]
    each = plant.each_step[item] + plant.dear_step[option]
    return plant.each_order[item] + plant.dear_order[option] + each * plan.o_qty[order]


def date_alone(
    plant: Plant, plan: ScheduleRecord, least: np.ndarray, cut: np.ndarray
) -> None:
    """Date each demand as if it were alone, in a schedule that is empty and stays so.

    Parameters
    ----------
    least
        Shape (n_demands,), int64: gets when each is served [s].
    cut
        Shape (3 n_demands,), int64: gets how its orders are cut then, as `d_cut`;
        empty: they are whole.
    """
    path = np.empty(MOST_PATH, np.int64)
    lay_blocks(plant, plan)
    for demand in range(len(plant.d_item)):
        if plant.d_weight[demand] > 0:
            least[demand] = finish_alone(plant, plan, demand, (0, 0, 0))
            if len(cut) > 0 and least[demand] > plant.d_due[demand]:
                cut_alone(plant, plan, demand, path, least, cut)
            clear(plant, plan)
    clear_lanes(plan)


def finish_alone(
    plant: Plant, plan: ScheduleRecord, demand: int, cut: tuple[int, int, int]
) -> int:
    """When a demand is served whose orders are cut so, with nothing else planned [s].

    It stays served.
    """
    clear(plant, plan)
    set_cut(plan, demand, cut)
    supply(plant, plan, demand)
    return plan.d_finish[demand]


def clear(plant: Plant, plan: ScheduleRecord) -> None:
    """Take back all changes."""
    undo(plant, plan, 0)
    plan.state[FULL] = 0
    plan.state[DEAD] = 0


def cut_alone(
    plant: Plant,
    plan: ScheduleRecord,
    demand: int,
    path: np.ndarray,
    least: np.ndarray,
    cut: np.ndarray,
) -> None:
    """Find how to cut the orders for a demand that is late though it is alone.

    It is served; parameters as of `date_alone`, and room for items.
    """
    items = waited_for(plant, plan, demand, path)
    first = first_lot(plant, plan, demand)
    whole = cost_of(plant, demand, least[demand])
    best = whole - whole // LEAST_SHARE
    for place in range(items):
        for lots in range(1 if place == 0 and first > 0 else 2, MOST_CUT + 1):
            way = path[place] + 1, lots, first if lots == 1 else 0
            finish = finish_alone(plant, plan, demand, way)
            cost = cost_of(plant, demand, finish)
            works = plan.state[FULL] == 0 and plan.state[DEAD] == 0
            if works and cost < best:
                best, least[demand] = cost, finish
                for at in range(3):
                    cut[3 * demand + at] = way[at]


def waited_for(
    plant: Plant, plan: ScheduleRecord, demand: int, path: np.ndarray
) -> int:
    """List what is made or moved that a demand waits for, its own item first.

    Gives how many items there are. What the lots of an item are, no other rule says.
    Where a receipt is waited for, orders in its place may be sooner in lots.
    """
    count, peg = 0, plan.d_peg[demand]
    while count < len(path):
        order, ready = slowest(plant, plan, peg)
        if order >= 0:
            item = plant.asked[plan.o_item[order]]
        elif ready > 0:
            item = awaited(plant, plan, peg, ready)
        else:
            break
        lots = plant.cover[item] == 0 and plant.lead[item] < 0
        if lots and (count == 0 or path[count - 1] != item):
            path[count] = item
            count += 1
        if order < 0:
            break
        peg = plan.o_peg[order]
    return count


def awaited(plant: Plant, plan: ScheduleRecord, peg: int, ready: int) -> int:
    """Item of the supply that stands of a list of pegs and comes at an instant."""
    while plan.g_from[peg] >= 0 or plant.s_ready[-2 - plan.g_from[peg]] < ready:
        peg = plan.g_also[peg]
    supply = -2 - plan.g_from[peg]
    low, high = 0, len(plant.order)
    while high - low > 1:
        middle = (low + high) >> 1
        if plant.s_start[middle] <= supply:
            low = middle
        else:
            high = middle
    return low


def first_lot(plant: Plant, plan: ScheduleRecord, demand: int) -> int:
    """Quantity of a demand for which goods are there that it waits for [steps].

    Along the orders that it waits for, the first one counts of which some can be made;
    0: there is none.
    """
    plan.state[SERVED] = demand
    order, _ = slowest(plant, plan, plan.d_peg[demand])
    while order >= 0:
        item = plant.asked[plan.o_item[order]]
        for place in range(plant.a_start[item], plant.a_start[item + 1]):
            most = at_hand(plant, plan, plant.a_item[place])
            if 0 < most < plan.o_qty[order]:
                return plant.d_qty[demand] * most // plan.o_qty[order]
        order, _ = slowest(plant, plan, plan.o_peg[order])
    return 0


def at_hand(plant: Plant, plan: ScheduleRecord, source: int) -> int:
    """Largest order of a source whose goods are there now [steps]; `FAR`: any.

    0: they do not do for a least one.
    """
    most, item = FAR, source
    while item >= 0:
        earlier = -1
        for line in range(plant.c_start[item], plant.c_start[item + 1]):
            part = plant.c_item[line]
            if plant.asked[part] != part:
                earlier = part
                continue
            if plant.c_each[line] == 0:
                continue
            there = 0
            for stands in range(plant.s_start[part], plant.s_start[part + 1]):
                if plant.s_ready[stands] <= 0:
                    there += left_of(plant, plan, stands, 0)
            there = there * plant.c_over[line] - plant.c_more[line]
            most = min(most, max(there, 0) // plant.c_each[line])
        item = earlier
    if most < FAR:
        # Rounded up to whole grains it would wait for more goods.
        most -= most % plant.grain[source]
    return most if most >= plant.least[source] else 0


def draw_cut(
    plant: Plant,
    plan: ScheduleRecord,
    alone: np.ndarray,
    demand: int,
    path: np.ndarray,
) -> bool:
    """Cut the orders for a demand otherwise than now; gives whether they were whole.

    Parameters
    ----------
    alone
        How orders are cut for demands that are alone, as of `date_alone`.
    demand
        It is served.
    path
        Room for items.
    """
    place = 3 * demand
    whole = plan.d_cut[place] == 0
    if not whole and draw(plan.noise) < WHOLE:
        set_cut(plan, demand, (0, 0, 0))
    elif alone[place] > 0 and draw(plan.noise) < ALONE:
        set_cut(plan, demand, (alone[place], alone[place + 1], alone[place + 2]))
    else:
        items = waited_for(plant, plan, demand, path)
        if items == 0:
            return False
        first = 0
        if whole and draw(plan.noise) < FIRST_LOT:
            first = first_lot(plant, plan, demand)
        item = path[0 if first > 0 else pick(plan, items)]
        lots = 1 if first > 0 else 2 + pick(plan, 1 + pick(plan, MOST_CUT - 1))
        set_cut(plan, demand, (item + 1, lots, first))
    return whole


def with_share(late: int) -> int:
    """Lateness of which more lots save too little."""
    return late + late // (LEAST_SHARE - 1)


def comes(plant: Plant, plan: ScheduleRecord, giver: int) -> int:
    """When what an order makes, or -2 - a supply that stands, is there [s]."""
    if giver >= 0:
        return arrival(plant, plan, giver)
    return plant.s_ready[-2 - giver]


def late_parts(plant: Plant, plan: ScheduleRecord, demand: int) -> int:
    """Lateness of all that serves a demand, each part by itself [steps x s]."""
    late, peg = 0, plan.d_peg[demand]
    while peg >= 0:
        later = comes(plant, plan, plan.g_from[peg]) - plant.d_due[demand]
        late += plan.g_qty[peg] * max(later, 0)
        peg = plan.g_also[peg]
    return late


def serve_cut(
    plant: Plant,
    plan: ScheduleRecord,
    desk: Desk,
    demand: int,
    cut: tuple[int, int, int],
    most: tuple[int, int],
) -> bool:
    """Serve a demand anew with its orders cut otherwise, or leave all as it is.

    `most` is how late it may be, weighted, and by its parts, as of `late_parts`.
    """
    set_cut(plan, demand, cut)
    withdraw(plant, plan, demand)
    desk.found[0] = demand
    after = -1
    if plan.state[FULL] == 0:
        after = put_back(plant, plan, desk, 1, most[0])
    if after >= 0 and late_parts(plant, plan, demand) <= most[1]:
        keep(plan)
        return True
    clear(plant, plan)
    return False


def prefer_sources(plant: Plant, plan: ScheduleRecord, most: int) -> None:
    """Serve what takes from less preferred sources anew, where that costs nothing.

    Parameters
    ----------
    plant, plan
        The plant; the schedule, which changes.
    most
        Demands that are taken out at a time, at most.
    """
    plan.state[NARROW] = 0
    desk = new_desk(len(plant.d_item), most)
    ids = np.empty(len(plan.o_item), np.int64)
    for item in range(len(plant.order)):
        first, behind = plant.a_start[item], plant.a_start[item + 1]
        for place in range(behind - 1, first, -1):
            source, count = plant.a_item[place], 0
            order = plan.i_head[source]
            while order >= 0:
                ids[count] = order
                count += 1
                order = plan.o_next[order]
            # No order of it is made anew: one that is used and of it is an old one.
            plan.state[BELOW] = place
            for at in range(count):
                if plan.o_item[ids[at]] == source and plan.o_used[ids[at]] > 0:
                    serve_anew(plant, plan, desk, ids[at])
    plan.state[BELOW] = 0


def serve_anew(plant: Plant, plan: ScheduleRecord, desk: Desk, order: int) -> None:
    """Take all demands out that an order serves, and put them back if not later."""
    found = desk.found
    count = users(plan, order, found, 0, len(found), desk.seen)
    before = 0
    for place in range(count):
        demand = found[place]
        desk.seen[demand] = 0
        desk.keys[place] = plant.d_due[demand]
        before += cost_of(plant, demand, plan.d_finish[demand])
    if count == len(found):
        return
    for place in range(count):
        withdraw(plant, plan, found[place])
    sort_found(desk, count)
    put_or_undo(plant, plan, desk, count, before)


def revive(plant: Plant, plan: ScheduleRecord) -> int:
    """Serve what takes something dead anew; gives how many demands still do.

    What could not be taken out or put back counts as all of them.
    """
    desk = new_desk(len(plant.d_item), len(plant.d_item))
    ids = np.empty(len(plan.o_item), np.int64)
    count = 0
    plan.state[NARROW] = 0
    for _ in range(REVIVALS):
        count = dead_users(plant, plan, desk, ids)
        for place in range(count):
            desk.keys[place] = plant.d_due[desk.found[place]]
            withdraw(plant, plan, desk.found[place])
            keep(plan)
        sort_found(desk, count)
        if not serve_all(plant, plan, desk.found[:count]):
            return len(plant.d_item)
        if count == 0:
            break
    plan.state[DEAD] = 0
    return dead_users(plant, plan, desk, ids) if count > 0 else 0


def serve_all(plant: Plant, plan: ScheduleRecord, demands: np.ndarray) -> bool:
    """Serve demands that have nothing, in sequence; False: there is no room left."""
    plan.state[NARROW] = 0
    for demand in demands:
        supply(plant, plan, demand)
        if plan.state[FULL] == 1 or plan.state[FREE_ORDERS] < plan.room[0]:
            return False
        keep(plan)
    plan.state[DEAD] = 0
    return True


def dead_users(plant: Plant, plan: ScheduleRecord, desk: Desk, ids: np.ndarray) -> int:
    """Collect the demands that take something dead, directly or not; how many."""
    found, seen, count = desk.found, desk.seen, 0
    orders = alive(plant, plan, ids)
    date_lives(plant, plan, ids, orders)
    for at in range(orders):
        order = ids[at]
        if plan.o_start[order] > lasting(plant, plan, plan.o_peg[order]):
            count = users(plan, order, found, count, len(found), seen)
    for demand in range(len(plant.d_item)):
        use = max(plant.d_due[demand], plan.d_finish[demand]) + plant.d_shelf[demand]
        if seen[demand] == 0 and use > lasting(plant, plan, plan.d_peg[demand]):
            seen[demand] = 1
            found[count] = demand
            count += 1
    for place in range(count):
        seen[found[place]] = 0
    return count
