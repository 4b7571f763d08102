# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Place the orders of a plain request in the free stretches of machines, in integers.

The steps of an order stand one after the other in the earliest room of their machines
(serial list scheduling; Kolisch, European Journal of Operational Research 90, 1996,
320-333), as `chain` places them among what its ledgers hold. Orders of the same
walk are no part of the rows; they are looked at beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.kernels.promise_kernels.supply_record import (
    BY,
    C_END,
    C_FIRST,
    CHEAPEST,
    FAR,
    LOW,
    NO_ROOM,
    O_FIXED,
    O_RATE,
    O_ROW,
    O_SCALE,
    O_SPLITTABLE,
    O_TIME,
    ORDERS,
    OWN,
    OWN_END,
    OWN_ORDER,
    OWN_ROW,
    OWN_START,
    PREFERRED,
    REFUSED,
    S_ALTERNATES,
    S_CLOSES,
    S_OPENS,
    S_START,
    S_STEP,
    S_STEP_END,
    T_LAG,
    T_MOVE,
    T_OPTION,
    T_OPTION_END,
    T_QUEUE,
    T_RULE,
    TRACE,
)

if TYPE_CHECKING:
    import numpy as np

    from medhavi.planners.kernels.promise_kernels.supply_record import (
        Room,
        State,
        Supply,
    )


def first_behind(values: np.ndarray, low: int, high: int, value: int) -> int:
    """First place of `[low, high)` with more than a value, else `high`."""
    while low < high:
        middle = (low + high) // 2
        if values[middle] > value:
            high = middle
        else:
            low = middle + 1
    return low


def unbroken(supply: Supply, time: int, instant: int, work: int) -> tuple[int, int]:
    """Start and end of open seconds without a pause; FAR: not known."""
    first, last = supply.calendars[time, C_FIRST], supply.calendars[time, C_END]
    if first == last:
        return instant, instant + work
    for place in range(first_behind(supply.w_end, first, last, instant), last):
        start = max(instant, supply.w_start[place])
        if start + work <= supply.w_end[place]:
            return start, start + work
    return FAR, FAR


def worked(supply: Supply, time: int, instant: int, work: int) -> tuple[int, int]:
    """Start and end of open seconds, as early as possible; FAR: not known."""
    first, last = supply.calendars[time, C_FIRST], supply.calendars[time, C_END]
    if first == last:
        return instant, instant + work
    place = first_behind(supply.w_end, first, last, instant)
    if place == last:
        return FAR, FAR
    start = max(instant, supply.w_start[place])
    finish = start + work
    if finish > supply.w_end[place]:
        target = supply.w_before[place] + finish - supply.w_start[place]
        at = first_behind(supply.w_before, place, last, target - 1) - 1
        finish = supply.w_start[at] + target - supply.w_before[at]
        if finish > supply.w_end[at]:
            return FAR, FAR
    return start, finish


def fit(
    supply: Supply,
    room: Room,
    state: State,
    option: int,
    length: int,
    bound: int,
    latest: int,
) -> tuple[int, int]:
    """First room for a length from a bound on that begins before `latest`.

    NO_ROOM: there is none; FAR: not in the time that is known.
    """
    row, time = supply.options[option, O_ROW], supply.options[option, O_TIME]
    splittable = supply.options[option, O_SPLITTABLE]
    width = len(room.start) // len(room.held)
    low = row * width
    high = low + room.held[row]
    own = state.tally[OWN]
    for place in range(first_behind(room.end, low, high, bound), high):
        begin, end = max(room.start[place], bound), room.end[place]
        while end - begin >= length:
            if begin >= latest:
                return NO_ROOM, NO_ROOM
            if splittable:
                start, finish = worked(supply, time, begin, length)
            else:
                start, finish = unbroken(supply, time, begin, length)
            if start == FAR:
                return FAR, FAR
            if finish > end:
                break
            behind = begin
            for one in range(own):
                if (
                    state.own[one, OWN_ROW] == row
                    and state.own[one, OWN_START] < finish
                    and state.own[one, OWN_END] > start
                ):
                    behind = state.own[one, OWN_END]
            if behind == begin:
                return start, finish
            begin = behind
        if begin >= latest:
            return NO_ROOM, NO_ROOM
    return NO_ROOM, NO_ROOM


def chained(
    supply: Supply,
    room: Room,
    state: State,
    source: int,
    size: int,
    start: int,
    hasty: int,
) -> int:
    """Choose option, start and end of every step, written behind the trace.

    Gives when the last one is through, its move included; NO_ROOM, or REFUSED.
    """
    trace, at = state.trace, state.tally[TRACE]
    bound, after = start, start
    for step in range(
        supply.sources[source, S_STEP], supply.sources[source, S_STEP_END]
    ):
        rule = supply.steps[step, T_RULE]
        if rule == CHEAPEST and not hasty:
            return REFUSED
        bound += supply.steps[step, T_QUEUE]
        chosen = -1
        limit = FAR
        for option in range(
            supply.steps[step, T_OPTION], supply.steps[step, T_OPTION_END]
        ):
            work = (
                supply.options[option, O_FIXED] + supply.options[option, O_RATE] * size
            )
            length = -(-work // supply.options[option, O_SCALE])
            begin, end = fit(supply, room, state, option, length, bound, limit - length)
            if begin == FAR:
                return REFUSED
            if begin == NO_ROOM or end >= limit:
                continue
            chosen, limit = option, end
            trace[at] = option
            trace[at + 1] = begin
            trace[at + 2] = end
            if (rule == PREFERRED and not hasty) or limit <= bound + length:
                break
        if chosen < 0:
            return NO_ROOM
        after = limit + supply.steps[step, T_MOVE]
        bound = after + supply.steps[step, T_LAG]
        at += 3
    return after


def soonest(
    supply: Supply, room: Room, state: State, source: int, size: int, start: int
) -> int:
    """Place an order with preferred machines in time, else with those through first.

    The steps stand at the end of the trace; gives what `chained` gives.
    """
    at = state.tally[TRACE]
    by = state.tally[BY]
    if by == FAR:
        return chained(supply, room, state, source, size, start, 1)
    after = chained(supply, room, state, source, size, start, 0)
    if after == REFUSED or not supply.sources[source, S_ALTERNATES]:
        return after
    if NO_ROOM < after <= by:
        return after
    wide = 3 * (supply.sources[source, S_STEP_END] - supply.sources[source, S_STEP])
    state.tally[TRACE] = at + wide
    other = chained(supply, room, state, source, size, start, 1)
    state.tally[TRACE] = at
    if other == REFUSED:
        return REFUSED
    if after == NO_ROOM or NO_ROOM < other < after:
        for place in range(at, at + wide):
            state.trace[place] = state.trace[place + wide]
        return other
    return after


def placed(
    supply: Supply, room: Room, state: State, source: int, size: int, latest: int
) -> int:
    """Place an order whose components are there by `latest`; it holds its machines.

    Gives when its goods are there, or REFUSED.
    """
    count, trace = state.tally, state.trace
    at = count[TRACE]
    wide = 3 * (supply.sources[source, S_STEP_END] - supply.sources[source, S_STEP])
    if at + 4 * wide > len(trace) or count[OWN] + wide > len(state.own):
        return REFUSED
    bound = max(supply.sources[source, S_START], latest)
    after = soonest(supply, room, state, source, size, bound)
    if after < 0:
        return REFUSED
    first, queue = trace[at + 1], supply.steps[supply.sources[source, S_STEP], T_QUEUE]
    start = first - queue
    if (
        start < supply.sources[source, S_OPENS]
        or start >= supply.sources[source, S_CLOSES]
    ):
        return REFUSED
    if latest > LOW and first > latest and start > supply.sources[source, S_START]:
        # The queue before the first step runs while components are on their way.
        begin = max(supply.sources[source, S_START], latest - queue)
        if begin != bound:
            count[TRACE] = at + wide
            other = soonest(supply, room, state, source, size, begin)
            count[TRACE] = at
            if other == REFUSED:
                return REFUSED
            if NO_ROOM < other < after and trace[at + wide + 1] >= latest:
                after = other
                for place in range(at, at + wide):
                    trace[place] = trace[place + wide]
    own = count[OWN]
    for place in range(at, at + wide, 3):
        state.own[own, OWN_ROW] = supply.options[trace[place], O_ROW]
        state.own[own, OWN_START] = trace[place + 1]
        state.own[own, OWN_END] = trace[place + 2]
        state.own[own, OWN_ORDER] = count[ORDERS]
        own += 1
    count[OWN] = own
    count[ORDERS] += 1
    count[TRACE] = at + wide
    return after


def meets(supply: Supply, state: State, source: int) -> int:
    """Whether an order of the walk holds a machine that a source may use."""
    for step in range(
        supply.sources[source, S_STEP], supply.sources[source, S_STEP_END]
    ):
        for option in range(
            supply.steps[step, T_OPTION], supply.steps[step, T_OPTION_END]
        ):
            for own in range(state.tally[OWN]):
                if state.own[own, OWN_ROW] == supply.options[option, O_ROW]:
                    return 1
    return 0


def contended(state: State) -> int:
    """Whether several orders of the walk hold one machine."""
    for one in range(state.tally[OWN]):
        for other in range(one):
            if (
                state.own[one, OWN_ROW] == state.own[other, OWN_ROW]
                and state.own[one, OWN_ORDER] != state.own[other, OWN_ORDER]
            ):
                return 1
    return 0


# ----------------------------------------------------------------- what is held
def hold(room: Room, row: int, start: int, finish: int) -> int:
    """Take `[start, finish)` out of the free stretches of a row; 0: it is full."""
    width = len(room.start) // len(room.held)
    low = row * width
    high = low + room.held[row]
    if high - low + 1 >= width:
        return 0
    first = first_behind(room.end, low, high, start)
    last = first
    while last < high and room.start[last] < finish:
        last += 1
    if first == last:
        return 1
    left, right = room.start[first], room.end[last - 1]
    pieces = int(left < start) + int(right > finish)
    moved = pieces - (last - first)
    if moved > 0:
        for place in range(high - 1, last - 1, -1):
            room.start[place + moved] = room.start[place]
            room.end[place + moved] = room.end[place]
    elif moved < 0:
        for place in range(last, high):
            room.start[place + moved] = room.start[place]
            room.end[place + moved] = room.end[place]
    if left < start:
        room.start[first] = left
        room.end[first] = start
        first += 1
    if right > finish:
        room.start[first] = finish
        room.end[first] = right
    room.held[row] += moved
    return 1


def clear(room: Room, row: int, start: int, finish: int) -> int:
    """Make `[start, finish)`, whole between two uses, one free stretch; 0: full."""
    if not hold(room, row, start, finish):
        return 0
    width = len(room.start) // len(room.held)
    low = row * width
    high = low + room.held[row]
    first = first_behind(room.start, low, high, start)
    for place in range(high - 1, first - 1, -1):
        room.start[place + 1] = room.start[place]
        room.end[place + 1] = room.end[place]
    room.start[first] = start
    room.end[first] = finish
    room.held[row] += 1
    return 1
