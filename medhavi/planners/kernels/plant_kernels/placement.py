# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Where work fits among other work: gaps of lanes, changeovers, hours of buckets.

Work on machines whose hours are counted per bucket is spread over them: it takes of one
bucket after the other what is left there, beside others. What it takes of each, from
that of its begin on, stands in its row of `o_beside`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    begin_by,
    begin_from,
    change_of,
    changed_from,
    end_by,
    end_from,
    length_of,
    limited,
    machine_of,
    on_lane,
    roomy_from,
    shared,
    take_room,
    window_of,
)
from medhavi.planners.kernels.plant_kernels.schedule_record import (
    BEHIND,
    FULL,
    PLACED,
    bucketed,
    hold_buckets,
    insert,
    note,
    place_of,
    put,
    room_place,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.plant_kernels.plant_record import Plant
    from medhavi.planners.kernels.plant_kernels.schedule_record import ScheduleRecord


def family_before(plant: Plant, plan: ScheduleRecord, lane: int, at: int) -> int:
    """Family that a lane is set up for before one of its places; -1: none is known."""
    # Work without a family leaves its unit set up as it is.
    while at > lane * plan.width[0]:
        at -= 1
        family = plant.family[plan.o_option[plan.lane[at]]]
        if family >= 0:
            return family
    return -1


def leaves_change(
    plant: Plant, plan: ScheduleRecord, lane: int, at: int, family: int, end: int
) -> bool:
    """Whether work that ends at an instant leaves time for the next changeover.

    It is before a place of a lane, which is set up for `family` after it. Time for a
    changeover lies directly before the work that needs it.
    """
    option, placed = plan.o_option, plan.lane
    stop = lane * plan.width[0] + plan.laned[lane]
    while at < stop:
        other = placed[at]
        own = option[other]
        if plant.family[own] >= 0:
            change = change_of(plant, plant.machine[own], family, plant.family[own])
            return changed_from(plant, own, end, change) <= plan.o_start[other]
        # Work without a family needs no changeover: that for what comes after it lies
        # behind it.
        end = plan.o_end[other]
        at += 1
    return True


def stays_changed(plant: Plant, plan: ScheduleRecord, lane: int, start: int) -> bool:
    """Whether a lane from which work was lifted leaves time for the next changeover."""
    at = place_of(plan, lane, start)
    if at == lane * plan.width[0]:
        return True
    end = plan.o_end[plan.lane[at - 1]]
    return leaves_change(
        plant, plan, lane, at, family_before(plant, plan, lane, at), end
    )


def behind(
    plant: Plant, plan: ScheduleRecord, lane: int, at: int, option: int, ready: int
) -> int:
    """Instant from which work can begin at a place of a lane with changeovers [s]."""
    if at == lane * plan.width[0]:
        return ready
    before = family_before(plant, plan, lane, at)
    change = change_of(plant, plant.machine[option], before, plant.family[option])
    free = changed_from(plant, option, plan.o_end[plan.lane[at - 1]], change)
    return max(ready, free)


def first_gap(
    plant: Plant, plan: ScheduleRecord, lane: int, option: int, length: int, ready: int
) -> tuple[int, int, int]:
    """First gap of a lane that is long enough: its place, start and end of the work."""
    starts, ends, placed = plan.o_start, plan.o_end, plan.lane
    changing = plant.m_change[plant.machine[option]] >= 0
    low = lane * plan.width[0]
    high = stop = low + plan.laned[lane]
    while low < high:
        middle = (low + high) >> 1
        if ends[placed[middle]] <= ready:
            low = middle + 1
        else:
            high = middle
    free = ready
    if changing:
        # Sequences stay when all is moved earlier: what comes next goes behind what is
        # laid.
        if plan.state[BEHIND] == 1:
            low = stop
        free = behind(plant, plan, lane, low, option, ready)
    start = begin_from(plant, option, free, length)
    end = end_from(plant, option, start, length)
    while low < stop:
        other = placed[low]
        # Long enough for the work itself. Where units are changed over, the next work
        # has to keep time for its own changeover, too, now from this family.
        if starts[other] >= end:
            if not changing:
                break
            family = plant.family[option]
            if family < 0:
                family = family_before(plant, plan, lane, low)
            if leaves_change(plant, plan, lane, low, family, end):
                break
        low += 1
        # Most gaps are shorter than the work itself, whatever is open in them.
        while low < stop and starts[placed[low]] - ends[placed[low - 1]] < length:
            low += 1
        # It ends after `ready`: those that do not were passed over above.
        free = ends[placed[low - 1]]
        if changing:
            free = behind(plant, plan, lane, low, option, ready)
        start = begin_from(plant, option, free, length)
        end = end_from(plant, option, start, length)
    return low, start, end


def first_shared(
    plant: Plant, plan: ScheduleRecord, option: int, length: int, ready: int
) -> tuple[int, int]:
    """First span in which all machines of an option have a free unit: start and end."""
    low, high = plant.w_start[option] - 1, plant.w_start[option + 1]
    start, end, agreed = ready, FAR, 0
    place = low
    # One machine after the other moves the span later, to where it has a free unit,
    # until all in a row leave it as it is. The span never moves earlier, and its end
    # follows from its begin by the calendar of the option: so it is the first one that
    # all have.
    while agreed < high - low:
        machine = machine_of(plant, option, place)
        begin = through = FAR
        for lane in range(plant.m_lane[machine], plant.m_lane[machine + 1]):
            _, early, last = first_gap(plant, plan, lane, option, length, start)
            if last < through:
                begin, through = early, last
        agreed = agreed + 1 if begin == start and through == end else 1
        start, end = begin, through
        place = place + 1 if place + 1 < high else low
    return start, end


def take_lanes(plant: Plant, plan: ScheduleRecord, order: int, length: int) -> None:
    """Put an order on a free lane of each machine of its option, at its start."""
    option, start = plan.o_option[order], plan.o_start[order]
    low = plant.w_start[option]
    for place in range(low - 1, plant.w_start[option + 1]):
        machine = machine_of(plant, option, place)
        lane = plant.m_lane[machine]
        at, begin, _ = first_gap(plant, plan, lane, option, length, start)
        # `first_shared` found a free unit of each machine at this span: it ends before
        # they do.
        while begin > start:
            lane += 1
            at, begin, _ = first_gap(plant, plan, lane, option, length, start)
        if place < low:
            insert(plan, lane, at, order)
        else:
            put(plan, lane, at, order)
            plan.o_beside[order * plan.width[1] + place - low] = lane


def fills_up(plant: Plant, plan: ScheduleRecord, option: int) -> bool:
    """Whether a lane of a machine of an option has no place left for another order."""
    low = plant.w_start[option]
    for place in range(low - 1, plant.w_start[option + 1]):
        machine = machine_of(plant, option, place)
        for lane in range(plant.m_lane[machine], plant.m_lane[machine + 1]):
            if plan.laned[lane] + 1 >= plan.width[0]:
                return True
    return False


def open_until(plant: Plant, calendar: int, time: int) -> int:
    """Open seconds of a calendar before an instant."""
    if calendar < 0:
        return time
    at = window_of(plant, calendar, time)
    return plant.k_before[at] + max(time - plant.k_open[at], 0)


def room_between(
    plant: Plant, plan: ScheduleRecord, option: int, bucket: int, span: tuple[int, int]
) -> int:
    """Seconds that work can have of a bucket within a span of it."""
    place = room_place(plant, option, bucket)
    calendar = plant.calendar[option]
    times = open_until(plant, calendar, span[1]) - open_until(plant, calendar, span[0])
    return min(times, plant.l_most[place] - plan.taken[place])


def clear_row(plan: ScheduleRecord, row: int) -> None:
    """Take nothing of any bucket."""
    for place in range(row * plan.width[1], (row + 1) * plan.width[1]):
        plan.o_beside[place] = 0


def spread_from(
    plant: Plant, plan: ScheduleRecord, row: int, option: int, time: int, length: int
) -> tuple[int, int]:
    """Spread work as early as there is room from an instant on: its begin and end.

    What it takes of each bucket is written into a row. Work that would reach over more
    buckets than a row has places begins after the first one.
    """
    width, first, rest = plan.width[1], -1, length
    begin = end = time
    while rest > 0:
        # A second of open time is asked for: work may go on in the next bucket.
        opens = begin_from(plant, option, time, 1)
        at = window_of(plant, plant.bucket[option], opens)
        time = plant.k_close[at]
        # Begun anew in the next bucket; what was written for the earlier begin is
        # cleared.
        if first >= 0 and at - first >= width:
            time, first, rest = plant.k_close[first], -1, length
            continue
        most = min(rest, room_between(plant, plan, option, at, (opens, time)))
        # `time` is the end of this bucket by now: the next one is looked at.
        if most <= 0:
            continue
        if first < 0:
            clear_row(plan, row)
            first, begin = at, opens
        plan.o_beside[row * width + at - first] = most
        end = end_from(plant, option, opens, most)
        rest -= most
    return begin, end


def spread_by(
    plant: Plant,
    plan: ScheduleRecord,
    row: int,
    option: int,
    time: int,
    sizes: tuple[int, int],
) -> tuple[int, int]:
    """Spread work as late as there is room by an instant: its begin and end.

    `sizes` are its length, and the instant before which it does not begin; -FAR: there
    is no room so late, or it would reach over too many buckets.
    """
    rest, floor = sizes
    width = plan.width[1]
    behind = (row + 1) * width
    first = last = -1
    begin = end = -FAR
    clear_row(plan, row)
    while rest > 0:
        finish = end_by(plant, option, time, 1)
        if finish <= floor:
            return -FAR, -FAR
        at = window_of(plant, plant.bucket[option], finish - 1)
        time = max(plant.k_open[at], floor)
        if last >= 0 and last - at >= width:
            return -FAR, -FAR
        most = min(rest, room_between(plant, plan, option, at, (time, finish)))
        time = plant.k_open[at]
        if most <= 0:
            continue
        if last < 0:
            last, end = at, finish
        first, begin = at, begin_by(plant, option, finish, most)
        # Written from the end of the row on, as the bucket of the begin is known at
        # last.
        plan.o_beside[behind - 1 - (last - at)] = most
        rest -= most
    low, gap = row * width, width - 1 - (last - first)
    for place in range(low, behind):
        later = place + gap
        plan.o_beside[place] = plan.o_beside[later] if later < behind else 0
    return begin, end


def first_span(
    plant: Plant, plan: ScheduleRecord, option: int, ready: int, sizes: tuple[int, int]
) -> tuple[int, int]:
    """First span of work on no machine, several or buckets: start and end.

    `sizes` are its length and its quantity.
    """
    length, qty = sizes
    if shared(plant, option):
        return first_shared(plant, plan, option, length, ready)
    if bucketed(plant, option):
        # The row behind those of all orders serves to try: the order itself takes
        # nothing yet.
        return spread_from(plant, plan, len(plan.o_item), option, ready, length)
    if limited(plant, option):
        begin = roomy_from(plant, plan.taken, option, ready, qty)
    else:
        begin = begin_from(plant, option, ready, length)
    return begin, end_from(plant, option, begin, length)


def gets_hours(plant: Plant, plan: ScheduleRecord, order: int) -> bool:
    """Take hours of buckets for an order, from its start on; False: no room."""
    way, start = plan.o_option[order], plan.o_start[order]
    lane = plant.m_lane[plant.machine[way]]
    if plan.laned[lane] + 1 >= plan.width[0]:
        return False
    insert(plan, lane, place_of(plan, lane, start), order)
    length = length_of(plant, plan.o_item[order], way, plan.o_qty[order])
    spread_from(plant, plan, order, way, start, length)
    hold_buckets(plant, plan, order, 1)
    return True


def gets_lanes(
    plant: Plant, plan: ScheduleRecord, order: int, unit: int, at: int
) -> bool:
    """Put an order at its place of a lane, or on all lanes it needs; False: no room."""
    way, item = plan.o_option[order], plan.o_item[order]
    if shared(plant, way):
        if fills_up(plant, plan, way):
            return False
        take_lanes(plant, plan, order, length_of(plant, item, way, plan.o_qty[order]))
        return True
    if bucketed(plant, way):
        return gets_hours(plant, plan, order)
    if plan.laned[unit] + 1 >= plan.width[0]:
        return False
    insert(plan, unit, at, order)
    return True


def place_early(
    plant: Plant, plan: ScheduleRecord, order: int, ready: int, first: int, behind: int
) -> None:
    """Put an order where it ends first, from `ready` on, by options `first` on."""
    item, qty = plan.o_item[order], plan.o_qty[order]
    way = at = unit = -1
    start = end = FAR
    for option in range(first, behind):
        length, machine = length_of(plant, item, option, qty), plant.machine[option]
        if machine < 0 or shared(plant, option) or bucketed(plant, option):
            sizes = length, qty
            begin, through = first_span(plant, plan, option, ready, sizes)
            # Of equal ends the first option and the first unit count.
            if through < end:
                way, start, end = option, begin, through
        else:
            low, high = plant.m_lane[machine], plant.m_lane[machine + 1]
            if plan.state[BEHIND] == 1 and plant.unit[option] >= 0:
                # None is later on its own unit; on others that is not certain.
                low, high = plan.o_lane[order], plan.o_lane[order] + 1
            for lane in range(low, high):
                place, begin, through = first_gap(
                    plant, plan, lane, on_lane(plant, option, lane), length, ready
                )
                if through < end:
                    way, at, unit, start, end = option, place, lane, begin, through
    plan.o_option[order] = way
    # Before its lanes: they are searched from this start on.
    plan.o_start[order] = start
    plan.o_end[order] = end
    if plant.machine[way] >= 0:
        if not gets_lanes(plant, plan, order, unit, at):
            # Not noted as placed: `undo` must not lift what is on no lane.
            plan.state[FULL] = 1
            return
    elif limited(plant, way):
        take_room(plant, plan.taken, way, start, qty)
    note(plan, PLACED, order, 0)
