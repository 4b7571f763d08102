# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Dispatch the orders of a plant, event by event: plain loops over int64 arrays.

Source: Panwalkar and Iskander 1977 (dispatching rules).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.kernels.plant_kernels.item_netting import pop, push
from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    MOST_LOTS,
    begin_from,
    change_of,
    changed_from,
    cost_of,
    draw,
    end_from,
    length_of,
    limited,
    machine_of,
    on_lane,
    roomy_from,
    take_room,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.plant_record import Pass, Plant


SHORT, HOLD, RELUCTANCE, ALIKE, AHEAD = 0, 1, 2, 3, 4


def rank_orders(plant: Plant, work: Pass, short: float, earlier: np.ndarray) -> None:
    """Each order its key: due, plus a share of its length, less its memory.

    `short` is the share of its length that makes an order less urgent; `earlier` holds
    `MOST_LOTS` numbers per item: by how much each of its lots is more urgent [s].
    """
    for item in range(len(plant.order)):
        work.item_last[item] = -1
    for order in range(work.totals[0]):
        item = work.o_item[order]
        work.item_last[item] += 1
        lot = min(work.item_last[item], MOST_LOTS - 1)
        longer = int(short * work.o_length[order])
        key = work.o_due[order] + longer
        work.o_key[order] = key - earlier[item * MOST_LOTS + lot]


def others_busy(plant: Plant, work: Pass, order: int) -> bool:
    """Whether a machine that an order needs beside its own one has no free unit."""
    option = work.o_option[order]
    for place in range(plant.w_start[option], plant.w_start[option + 1]):
        machine = plant.w_machine[place]
        if work.busy[machine] == plant.m_lane[machine + 1] - plant.m_lane[machine]:
            return True
    return False


def take_others(
    plant: Plant, work: Pass, order: int, units: int, length: int, touches: int
) -> int:
    """Take units and load of the machines that an order needs beside its own one.

    Negative ones are given back. All whose work needs a machine that is free are
    touched, also where that is its own one; gives how many are touched then.
    """
    option = work.o_option[order]
    for place in range(plant.w_start[option] - 1, plant.w_start[option + 1]):
        machine = machine_of(plant, option, place)
        if place >= plant.w_start[option]:
            work.busy[machine] += units
            work.m_load[machine] += length
            if units < 0:
                touches = touch(work, machine, touches)
        if units < 0:
            for at in range(plant.n_start[machine], plant.n_start[machine + 1]):
                touches = touch(work, plant.n_machine[at], touches)
    return touches


def touch(work: Pass, machine: int, touches: int) -> int:
    """Mark a machine that looks for work; gives how many do."""
    if work.marked[machine] == 0:
        work.marked[machine] = 1
        work.touched[touches] = machine
        touches += 1
    return touches


def choose(  # noqa: C901  (calls cost more)
    plant: Plant,
    work: Pass,
    queue: np.ndarray,
    coming: np.ndarray,
    machine: int,
    now: int,
    rule: np.ndarray,
) -> int:
    """Take what a free machine starts: place in its queue; -1: it holds.

    It holds for a more urgent order that comes before the most urgent of the queue
    would end, and whose key is less by `hold` lengths; then what fits before may go.

    Parameters
    ----------
    queue, coming
        Orders that are ready, and those that will be.
    machine, now
        The machine; instant [s].
    rule
        As of `evaluate`.
    """
    hold, alike = rule[HOLD], rule[ALIKE]
    order_key, length, ready = work.o_key, work.o_work, work.o_ready
    changing = plant.m_change[machine] >= 0
    sharing = len(plant.w_machine) > 0
    family = work.m_family[machine] if changing else -1
    place = -1
    least = 0
    for at in range(len(queue)):
        if sharing and others_busy(plant, work, queue[at]):
            continue
        key = order_key[queue[at]]
        if changing:
            own = plant.family[work.o_option[queue[at]]]
            key += int(alike * change_of(plant, machine, family, own))
        if place < 0 or key < least:
            least = key
            place = at
    if len(coming) == 0 or place < 0:
        return place
    best = queue[place]
    first = FAR
    begin = begin_from(plant, work.o_option[best], now, length[best])
    end = end_from(plant, work.o_option[best], begin, length[best])
    bound = least - hold * length[best]
    for at in range(len(coming)):
        order = coming[at]
        if ready[order] < end and order_key[order] < bound and ready[order] < first:
            first = ready[order]
    if first == FAR:
        return place
    place = -1
    for at in range(len(queue)):
        order = queue[at]
        if sharing and others_busy(plant, work, order):
            continue
        begin = begin_from(plant, work.o_option[order], now, length[order])
        if end_from(plant, work.o_option[order], begin, length[order]) > first:
            continue
        if place < 0 or order_key[order] < least:
            least = order_key[order]
            place = at
    return place


def end_standing(plant: Plant, work: Pass, machine: int, now: int) -> None:
    """Set a machine up as the blocks that are over by an instant leave it."""
    turn = work.m_turn[machine]
    while turn < plant.v_start[machine + 1] and plant.v_end[turn] <= now:
        work.m_free[machine] = max(work.m_free[machine], plant.v_end[turn])
        work.m_family[machine] = plant.family[plant.v_option[turn]]
        turn += 1
    work.m_turn[machine] = turn


def soonest(plant: Plant, work: Pass, order: int, now: int, reluctance: float) -> int:
    """Option of an order that is through first behind all that its machine has now.

    The machine is changed over from what it is set up for now. Another option than the
    first one counts as through `reluctance` of its lengths later.
    """
    item, qty = work.o_item[order], work.o_qty[order]
    best, first = -1, FAR
    for option in range(plant.x_start[item], plant.x_start[item + 1]):
        length, machine = length_of(plant, item, option, qty), plant.machine[option]
        begin = now
        if machine >= 0:
            units = plant.m_lane[machine + 1] - plant.m_lane[machine]
            waits = work.m_load[machine] // units
            if plant.m_change[machine] >= 0:
                end_standing(plant, work, machine, now)
                family, own = work.m_family[machine], plant.family[option]
                waits += change_of(plant, machine, family, own)
            for place in range(plant.w_start[option], plant.w_start[option + 1]):
                machine = plant.w_machine[place]
                units = plant.m_lane[machine + 1] - plant.m_lane[machine]
                waits = max(waits, work.m_load[machine] // units)
            begin += waits
        begin = begin_from(plant, option, begin, length)
        end = end_from(plant, option, begin, length)
        if best >= 0:
            end += int(reluctance * length)
        if end < first:
            best, first = option, end
    return best


def begin_changed(
    plant: Plant, work: Pass, machine: int, option: int, now: int, length: int
) -> int:
    """Begin of work from an instant on, behind its changeover; -1: a block is before.

    The next block that stands has to be left time for its own changeover.
    """
    family, own = work.m_family[machine], plant.family[option]
    change = change_of(plant, machine, family, own)
    begin = max(now, changed_from(plant, option, work.m_free[machine], change))
    begin = begin_from(plant, option, begin, length)
    turn = work.m_turn[machine]
    if turn < plant.v_start[machine + 1]:
        end = end_from(plant, option, begin, length)
        after = plant.v_option[turn]
        change = change_of(
            plant, machine, family if own < 0 else own, plant.family[after]
        )
        if changed_from(plant, after, end, change) > plant.v_begin[turn]:
            return -1
    return begin


def first_unit(
    plant: Plant, work: Pass, option: int, now: int, length: int
) -> tuple[int, int, int]:
    """Free unit on which work begins first, of those it ends first: begin and end.

    Of machines whose units have open times of their own; one is free.
    """
    machine = plant.machine[option]
    best, first, last = -1, FAR, FAR
    for lane in range(plant.m_lane[machine], plant.m_lane[machine + 1]):
        if work.l_free[lane] > now:
            continue
        own = on_lane(plant, option, lane)
        begin = begin_from(plant, own, now, length)
        end = end_from(plant, own, begin, length)
        if begin < first or (begin == first and end < last):
            best, first, last = lane, begin, end
    return best, first, last


def dispatch(  # noqa: C901, PLR0912, PLR0915  (calls cost more)
    plant: Plant, work: Pass, rule: np.ndarray, limit: int
) -> tuple[int, int]:
    """Run through all events, unless the weighted lateness reaches a limit before.

    Gives how many orders were started, and the weighted lateness up to then: that of a
    demand counts from its due day on, as far as it is certain by then.

    Records are opened once, at the top: numba counts references whenever a field is
    read, which costs more than the rest of an event.
    """
    orders = work.totals[0]
    way, ready, begins, left = work.o_option, work.o_ready, work.o_start, work.o_left
    ends, woken, lanes = work.o_end, work.woken, plant.m_lane
    length, where, post = work.o_work, work.o_machine, work.o_post
    item, options, load = work.o_item, plant.x_start, work.m_load
    first, takers, finish = work.t_start, work.t_taker, work.d_finish
    heap, value = work.h_key, work.h_value
    low, queue, queued = work.q_start, work.q_order, work.q_count
    coming, count, busy = work.u_order, work.u_count, work.busy
    touched, marked = work.touched, work.marked
    awaits, turns, due = work.d_left, work.d_turn, plant.d_due
    changes, families, free = plant.m_change, work.m_family, work.m_free
    machines, demands = len(busy), len(finish)
    sharing = len(plant.w_machine) > 0
    total = 0
    for demand in range(demands):
        finish[demand] = work.d_ready[demand]
        awaits[demand] = work.d_lacks[demand]
        total += cost_of(plant, demand, finish[demand])
    for machine in range(machines):
        low[machine] = 0
        queued[machine] = 0
        count[machine] = 0
        busy[machine] = 0
        marked[machine] = 0
        woken[machine] = -1
        load[machine] = 0
        families[machine] = -1
        free[machine] = 0
        work.m_turn[machine] = plant.v_start[machine]
    low[machines] = 0
    for lane in range(lanes[machines]):
        work.l_free[lane] = 0
    for place in range(len(work.taken)):
        work.taken[place] = 0
    # Key of an event: twice its instant, and one more where an order ends then.
    events = 0
    for order in range(orders):
        opens = work.o_due[order] - work.o_length[order] - int(rule[AHEAD])
        ready[order] = max(work.o_release[order], opens)
        left[order] = work.o_lacks[order]
        length[order] = work.o_length[order]
        option = options[item[order]]
        way[order] = option
        where[order] = plant.machine[option]
        # It may wait at each machine of its options: all of them keep room for it.
        while option < options[item[order] + 1]:
            if plant.machine[option] >= 0:
                low[plant.machine[option] + 1] += 1
            option += 1
    for machine in range(machines):
        low[machine + 1] += low[machine]
    for order in range(orders):
        if left[order] == 0:
            machine = where[order]
            if machine >= 0:
                coming[low[machine] + count[machine]] = order
                count[machine] += 1
            events = push(heap, value, events, ready[order] * 2, order)
    started = 0
    fallen = 0
    while events > 0 and total < limit:
        now = heap[0] >> 1
        while fallen < demands and due[turns[fallen]] < now:
            demand = turns[fallen]
            fallen += 1
            # Its last order begins now or later.
            if awaits[demand] > 0 and finish[demand] < now:
                total += cost_of(plant, demand, now)
                total -= cost_of(plant, demand, finish[demand])
                finish[demand] = now
        touches = 0
        while events > 0 and heap[0] >> 1 == now:
            through = heap[0] & 1
            order, events = pop(heap, value, events)
            # Beyond the orders stand machines that open now.
            machine = order - orders if order >= orders else where[order]
            if order >= orders:
                woken[machine] = -1
            elif through == 1:
                busy[machine] -= 1
                load[machine] -= length[order]
                if sharing:
                    touches = take_others(
                        plant, work, order, -1, -length[order], touches
                    )
            else:
                if machine >= 0:
                    base = low[machine]
                    for at in range(base, base + count[machine]):
                        if coming[at] == order:
                            count[machine] -= 1
                            coming[at] = coming[base + count[machine]]
                            break
                if options[item[order]] + 1 < options[item[order] + 1]:
                    option = soonest(plant, work, order, now, rule[RELUCTANCE])
                    if machine >= 0 and marked[machine] == 0:
                        # What it held for may go elsewhere.
                        marked[machine] = 1
                        touched[touches] = machine
                        touches += 1
                    machine = plant.machine[option]
                    way[order] = option
                    where[order] = machine
                    length[order] = length_of(
                        plant, item[order], option, work.o_qty[order]
                    )
                if machine >= 0:
                    queue[low[machine] + queued[machine]] = order
                    queued[machine] += 1
                    load[machine] += length[order]
                    if sharing:
                        take_others(plant, work, order, 0, length[order], touches)
                else:
                    # Nothing to wait for: it starts as if its own machine were free.
                    machine = machines
            if machine == machines:
                touched[touches] = -1 - order
                touches += 1
            elif marked[machine] == 0:
                marked[machine] = 1
                touched[touches] = machine
                touches += 1
        turn = 0
        while turn < touches:
            machine = touched[turn]
            turn += 1
            if machine < 0:
                order = -1 - machine
                if limited(plant, way[order]):
                    begin = roomy_from(
                        plant, work.taken, way[order], now, work.o_qty[order]
                    )
                    take_room(plant, work.taken, way[order], begin, work.o_qty[order])
                else:
                    begin = begin_from(plant, way[order], now, length[order])
                end = end_from(plant, way[order], begin, length[order])
            else:
                marked[machine] = 0
                units = lanes[machine + 1] - lanes[machine]
                if busy[machine] == units or queued[machine] == 0:
                    continue
                base = low[machine]
                if changes[machine] >= 0:
                    end_standing(plant, work, machine, now)
                place = choose(
                    plant,
                    work,
                    queue[base : base + queued[machine]],
                    coming[base : base + count[machine]],
                    machine,
                    now,
                    rule,
                )
                if place < 0:
                    continue
                order = queue[base + place]
                lane, end = -1, FAR
                if plant.unit[way[order]] >= 0:
                    lane, opens, end = first_unit(
                        plant, work, way[order], now, length[order]
                    )
                else:
                    opens = begin_from(plant, way[order], now, length[order])
                begin = opens
                # Closed until later: it is chosen anew then, for another set-up maybe.
                if changes[machine] >= 0 and begin == now:
                    begin = begin_changed(
                        plant, work, machine, way[order], now, length[order]
                    )
                    if begin < 0:
                        opens = plant.v_end[work.m_turn[machine]]
                if opens > now:
                    # Closed: what comes until it opens may go first.
                    if woken[machine] < 0 or opens < woken[machine]:
                        woken[machine] = opens
                        wake = orders + machine
                        events = push(heap, value, events, opens * 2, wake)
                    continue
                queued[machine] -= 1
                queue[base + place] = queue[base + queued[machine]]
                busy[machine] += 1
                if sharing:
                    take_others(plant, work, order, 1, 0, touches)
                # Another unit of the machine is free at this instant.
                if busy[machine] < units and queued[machine] > 0:
                    touched[touches] = machine
                    touches += 1
                if lane >= 0:
                    work.o_lane[order] = lane
                    work.l_free[lane] = end
                else:
                    end = end_from(plant, way[order], begin, length[order])
                if changes[machine] >= 0:
                    free[machine] = end
                    if plant.family[way[order]] >= 0:
                        families[machine] = plant.family[way[order]]
                events = push(heap, value, events, end * 2 + 1, order)
            started += 1
            begins[order] = begin
            ends[order] = end
            there = end + post[order]
            for place in range(first[order], first[order + 1]):
                taker = takers[place]
                if taker < 0:
                    demand = -1 - taker
                    awaits[demand] -= 1
                    if finish[demand] < there:
                        total += cost_of(plant, demand, there)
                        total -= cost_of(plant, demand, finish[demand])
                        finish[demand] = there
                    continue
                ready[taker] = max(ready[taker], there)
                left[taker] -= 1
                if left[taker] == 0:
                    other = where[taker]
                    if other >= 0:
                        coming[low[other] + count[other]] = taker
                        count[other] += 1
                    events = push(heap, value, events, ready[taker] * 2, taker)
    return started, total


def evaluate(
    plant: Plant,
    work: Pass,
    earlier: np.ndarray,
    rule: np.ndarray,
    limit: int,
) -> int:
    """Rank and dispatch the orders of `order_all`; gives the weighted lateness.

    A pass ends where it reaches the limit: then it gives no less than that, and its
    dates mean nothing. -1: orders wait for each other. `rule` holds what a setting
    says: `SHORT`, `HOLD`, `RELUCTANCE`, `ALIKE` and `AHEAD` are its places.
    """
    rank_orders(plant, work, rule[SHORT], earlier)
    started, total = dispatch(plant, work, rule, limit)
    if total < limit and started < work.totals[0]:
        return -1
    return total


def blame(
    plant: Plant,
    work: Pass,
    earlier: np.ndarray,
    chance: float,
    step: float,
    weight: int,
    noise: np.ndarray,
) -> None:
    """Make orders more urgent that waited on the critical paths of late demands.

    Parameters
    ----------
    earlier
        Memory as of `rank_orders`; it grows.
    chance, step
        Share of the late demands that are looked at; share of the lateness that counts.
    weight
        Only demands that weigh as much are looked at.
    noise
        One number; the state of the random numbers.
    """
    lot = np.empty(work.totals[0], np.int64)
    slowest = np.empty(work.totals[0], np.int64)
    root = np.empty(len(plant.d_item), np.int64)
    find_paths(work, lot, slowest, root)
    for demand in range(len(plant.d_item)):
        late = work.d_finish[demand] - plant.d_due[demand]
        if late <= 0 or plant.d_weight[demand] < weight or draw(noise) > chance:
            continue
        # From half a day to ten days [s].
        hours = min(max(late, 43200), 864000)
        remember(work, earlier, (root[demand], step * hours), (lot, slowest), noise)


def find_paths(
    work: Pass, lot: np.ndarray, slowest: np.ndarray, root: np.ndarray
) -> None:
    """Find each order's place among those of its item, and what comes to it last.

    `root` is what comes last to each demand; -1: nothing that it had to wait for.
    """
    for item in range(len(work.item_last)):
        work.item_last[item] = -1
    for demand in range(len(root)):
        root[demand] = -1
    for order in range(work.totals[0]):
        item = work.o_item[order]
        work.item_last[item] += 1
        lot[order] = min(work.item_last[item], MOST_LOTS - 1)
        slowest[order] = -1
    for peg in range(work.totals[1]):
        giver, taker = work.p_from[peg], work.p_to[peg]
        if giver < 0:
            continue
        if taker < 0:
            other = root[-1 - taker]
            if other < 0 or arrival_of(work, giver) > arrival_of(work, other):
                root[-1 - taker] = giver
        elif arrival_of(work, giver) > work.o_release[taker]:
            other = slowest[taker]
            if other < 0 or arrival_of(work, giver) > arrival_of(work, other):
                slowest[taker] = giver


def remember(
    work: Pass,
    earlier: np.ndarray,
    blamed: tuple[int, float],
    path: tuple[np.ndarray, np.ndarray],
    noise: np.ndarray,
) -> None:
    """Add to the memory of all orders of a path that waited for their machine.

    Parameters
    ----------
    blamed
        The last order of the path; by how much at most [s].
    path
        `lot` and `slowest` of `find_paths`.
    """
    order, most = blamed
    lot, slowest = path
    while order >= 0:
        if work.o_start[order] > work.o_ready[order]:
            place = work.o_item[order] * MOST_LOTS + lot[order]
            earlier[place] += int(most * draw(noise))
        order = slowest[order]


def arrival_of(work: Pass, order: int) -> int:
    """When what an order makes is there [s]."""
    return work.o_end[order] + work.o_post[order]
