# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Answer a plain line: two passes over its ways, the earliest and cheapest is kept.

The passes are those of `quest`: first with preferred machines where they are through in
time, then, where nothing is in time, with those that are through first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from medhavi.planners.kernels.lane_kernels import again, given_back, in_order, sent
from medhavi.planners.kernels.machine_kernels import first_behind
from medhavi.planners.kernels.order_kernels import billed, delivered_orders
from medhavi.planners.kernels.replay_kernels import (
    as_searched,
    draw,
    draw_level,
    draw_purchases,
    keeps,
    orders_again,
    purchases_as_searched,
)
from medhavi.planners.kernels.risk_kernels import (
    LEVEL_HIGH,
    LEVEL_LOW,
    LEVEL_MIDDLE,
    in_rising_order,
    point_of,
    rank_at,
    sampled,
    uncertain,
    wanted,
)
from medhavi.planners.kernels.risk_record import HALVINGS, POINTS, R_SUBJECTS
from medhavi.planners.kernels.supply_kernels import delivered
from medhavi.planners.kernels.supply_record import (
    A_DUE,
    A_LAST_DAY,
    A_LEAST,
    A_RANK,
    A_STEPS,
    ASKED,
    B_TOTAL,
    BILL,
    BUDGET,
    BY,
    C_LEGS,
    C_SHIPMENTS,
    C_TIMED,
    CONTENDED,
    D_P50,
    D_P80,
    D_P95,
    D_TIMELY,
    EVALUATIONS,
    F_DATE,
    F_GREEDY,
    F_LEGS,
    F_NODES,
    F_P50,
    F_P80,
    F_P95,
    F_ROUGH,
    F_SHIPMENTS,
    F_SUBJECTS,
    F_TIMELY,
    F_TRACE,
    F_TRIED,
    F_WAY,
    FAR,
    GREEDY,
    H_STEPS,
    LEG,
    NODE,
    NODES,
    REFUSED,
    REPEATS,
    SHIPMENT,
    TRACE,
    WALK,
    Y_PLACE,
    Y_RANK,
    Y_SOURCE,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.supply_record import (
        Lanes,
        Line,
        Net,
        Prices,
        Room,
        State,
        Supply,
    )


def too_small(lanes: Lanes, line: Line) -> int:
    """Tell whether one of several shipments is below the least delivery."""
    count = lanes.counts[C_SHIPMENTS]
    if count < 2:
        return 0
    for one in range(count):
        if lanes.shipments[one, H_STEPS] < line.asked[A_LEAST]:
            return 1
    return 0


def kept(state: State, lanes: Lanes, line: Line, way: int, date: int) -> None:
    """Keep the way that was evaluated last as the best."""
    found, nodes, legs = line.found, state.tally[NODES], lanes.counts[C_LEGS]
    shipments, trace = lanes.counts[C_SHIPMENTS], state.tally[TRACE]
    found[F_WAY], found[F_DATE] = way, date
    found[F_GREEDY] = state.tally[GREEDY] or state.tally[CONTENDED]
    found[F_NODES], found[F_TRACE] = nodes, trace
    found[F_SHIPMENTS], found[F_LEGS] = shipments, legs
    found[F_P50], found[F_P80] = line.dated[D_P50], line.dated[D_P80]
    found[F_P95], found[F_TIMELY] = line.dated[D_P95], line.dated[D_TIMELY]
    found[F_SUBJECTS] = line.risk.counts[R_SUBJECTS]
    for place in range(found[F_SUBJECTS]):
        line.risk.kept[place] = line.risk.subjects[place]
    for place in range(nodes):
        for column in range(NODE):
            line.nodes[place, column] = state.nodes[place, column]
    for place in range(trace):
        line.trace[place] = state.trace[place]
    for place in range(shipments):
        for column in range(SHIPMENT):
            line.shipments[place, column] = lanes.shipments[place, column]
    for place in range(legs):
        for column in range(LEG):
            line.legs[place, column] = lanes.legs[place, column]
    for place in range(BILL):
        line.bill[place] = line.billed[place]


def better(line: Line, way: int, date: int) -> int:
    """Tell whether a way is earlier than the best, or cheaper, or first by name."""
    if line.found[F_WAY] < 0 or date != line.found[F_DATE]:
        return int(date < line.found[F_DATE])
    if line.billed[B_TOTAL] != line.bill[B_TOTAL]:
        return int(line.billed[B_TOTAL] < line.bill[B_TOTAL])
    rank = line.ways[line.found[F_WAY], Y_RANK]
    return int(line.ways[way, Y_RANK] < rank)


def evaluated(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
) -> int:
    """Evaluate the way `line.found[F_TRIED]` with its orders and shipments.

    Gives its date, REFUSED, or NO_ROOM: it does not get there.
    """
    tally, way = state.tally, line.found[F_TRIED]
    source, steps = line.ways[way, Y_SOURCE], line.asked[A_STEPS]
    for place in range(WALK):
        tally[place] = 0
    tally[WALK] += 1
    tally[ASKED] = -1
    ready = delivered(supply, room, state, source, 0, steps, 0)
    if ready == REFUSED or tally[REPEATS]:
        return REFUSED
    if tally[GREEDY] or tally[CONTENDED]:
        line.found[F_ROUGH] = 1
    date = sent(net, lanes, line, line.ways[way, Y_PLACE], ready, steps)
    if too_small(lanes, line):
        return REFUSED
    in_order(lanes)
    return date


def anew(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
) -> int:
    """Evaluate a way at the times that are drawn; gives its date, or REFUSED."""
    way, steps = line.found[F_TRIED], line.asked[A_STEPS]
    counted = state.tally[EVALUATIONS]
    given_back(lanes)
    draw_purchases(supply, line.risk)
    date = evaluated(supply, room, state, net, lanes, line)
    if date >= 0:
        source = line.ways[way, Y_SOURCE]
        if delivered_orders(supply, state, source, 0, steps) == REFUSED:
            date = REFUSED
    purchases_as_searched(supply, line.risk)
    state.tally[EVALUATIONS] = counted
    return date if date >= 0 else REFUSED


def held_at(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
) -> int:
    """Place orders and shipments at the times that are drawn; as `anew`."""
    if not keeps(state, lanes):
        return anew(supply, room, state, net, lanes, line)
    ready = orders_again(supply, room, state, line.risk)
    if ready == REFUSED:
        return REFUSED
    return again(net, lanes, line, ready, line.asked[A_STEPS])


def arrival_at(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
    level: float,
) -> int:
    """Give when a way arrives that has one uncertain time, at a level of it.

    REFUSED: not known.
    """
    trace = state.tally[TRACE]
    date = draw_level(lanes, line.risk, level)
    if date != REFUSED:
        date = held_at(supply, room, state, net, lanes, line)
    state.tally[TRACE] = trace
    return date


def halved(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
    limit: int,
) -> int:
    """Find the largest level at which a way is there by an instant.

    Gives the middle of the last two levels, in parts of 2 * POINTS, or REFUSED.
    """
    low, high = 0, 2 * POINTS
    for _ in range(HALVINGS):
        middle = (low + high) // 2
        level = middle / (2 * POINTS)
        date = arrival_at(supply, room, state, net, lanes, line, level)
        if date == REFUSED:
            return REFUSED
        if date <= limit:
            low = middle
        else:
            high = middle
    return high if high == 2 * POINTS else (low + high) // 2


def walked(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
    date: int,
) -> int:
    """Evaluate a way at the quantiles of its one uncertain time, then as it was.

    Gives its date, or REFUSED.
    """
    dated, basis = line.dated, line.asked[A_RANK]
    if not keeps(state, lanes):
        return REFUSED
    for place in range(D_P50, D_P95 + 1):
        level = LEVEL_LOW
        if place == D_P80:
            level = LEVEL_MIDDLE
        elif place == D_P95:
            level = LEVEL_HIGH
        if rank_at(level) == basis:
            continue
        dated[place] = arrival_at(supply, room, state, net, lanes, line, level)
        if dated[place] == REFUSED:
            return REFUSED
    limit = max(line.asked[A_DUE], date)
    dated[D_TIMELY] = halved(supply, room, state, net, lanes, line, limit)
    as_searched(lanes, line.risk)
    given_back(lanes)
    counted = state.tally[EVALUATIONS]
    anew_date = evaluated(supply, room, state, net, lanes, line)
    state.tally[EVALUATIONS] = counted
    source = line.ways[line.found[F_TRIED], Y_SOURCE]
    read = delivered_orders(supply, state, source, 0, line.asked[A_STEPS])
    if dated[D_TIMELY] == REFUSED or anew_date != date or read == REFUSED:
        return REFUSED
    return date


def sampled_date(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
) -> int:
    """Push points through a way, and place it where the quoted one has it.

    Gives its date, or REFUSED.
    """
    risk, dated = line.risk, line.dated
    first = wanted(risk)
    if first == REFUSED or sampled(state, net, lanes, risk, first) == REFUSED:
        return REFUSED
    in_rising_order(risk.rising)
    at = risk.rising[line.asked[A_RANK]]
    point = point_of(risk, line.asked[A_RANK])
    held = REFUSED
    if draw(lanes, risk, first, point) != REFUSED:
        held = held_at(supply, room, state, net, lanes, line)
    if held == REFUSED:
        return REFUSED
    moved = held - at
    dated[D_P50] = risk.rising[rank_at(LEVEL_LOW)] + moved
    dated[D_P80] = risk.rising[rank_at(LEVEL_MIDDLE)] + moved
    dated[D_P95] = risk.rising[rank_at(LEVEL_HIGH)] + moved
    limit = max(line.asked[A_DUE], held) - moved
    dated[D_TIMELY] = 2 * first_behind(risk.rising, 0, POINTS, limit)
    return held


def quoted(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
    date: int,
) -> int:
    """Give the date of a way that is quoted, its orders standing where it is true.

    Notes in `line.dated` what other chances there are; REFUSED: not known.
    """
    risk, dated = line.risk, line.dated
    dated[D_P50] = dated[D_P80] = dated[D_P95] = date
    dated[D_TIMELY] = 2 * POINTS
    risk.counts[R_SUBJECTS] = 0
    if not lanes.counts[C_TIMED]:
        return date
    count = uncertain(state, net, lanes, risk)
    if count == 1:
        date = walked(supply, room, state, net, lanes, line, date)
    elif count > 1:
        date = sampled_date(supply, room, state, net, lanes, line)
    as_searched(lanes, risk)
    return REFUSED if count == REFUSED else date


def tried(
    supply: Supply,
    room: Room,
    state: State,
    prices: Prices,
    net: Net,
    lanes: Lanes,
    line: Line,
) -> int:
    """Evaluate the way `line.found[F_TRIED]`, and keep it where it is the best.

    Gives its date as it was searched, or REFUSED; FAR: it does not get there, or is
    later than the best.
    """
    way, steps = line.found[F_TRIED], line.asked[A_STEPS]
    date = evaluated(supply, room, state, net, lanes, line)
    if date == REFUSED:
        return REFUSED
    if date < 0 or date == line.dates[way]:
        return FAR
    if date > line.found[F_DATE] and not lanes.counts[C_TIMED]:
        return FAR
    read = delivered_orders(supply, state, line.ways[way, Y_SOURCE], 0, steps)
    told = REFUSED
    if read != REFUSED:
        told = quoted(supply, room, state, net, lanes, line, date)
    if told == REFUSED:
        return REFUSED
    if told > line.asked[A_LAST_DAY]:
        return date if lanes.counts[C_TIMED] else REFUSED
    billed(supply, prices, state, net, lanes, line, told)
    if better(line, way, told):
        kept(state, lanes, line, way, told)
    return REFUSED if math.isnan(line.billed[B_TOTAL]) else date


def answered(
    supply: Supply,
    room: Room,
    state: State,
    prices: Prices,
    net: Net,
    lanes: Lanes,
    line: Line,
) -> int:
    """Find the best way of a line; gives its date, or REFUSED."""
    tally, found, due = state.tally, line.found, line.asked[A_DUE]
    found[F_WAY], found[F_DATE], found[F_ROUGH] = -1, FAR, 0
    evaluations = 0
    for hasty in range(2):
        tally[BY] = due
        if hasty:
            tally[BY] = FAR
        for way in range(len(line.ways)):
            if evaluations >= tally[BUDGET]:
                return REFUSED
            if not hasty:
                line.dates[way] = -1
            found[F_TRIED] = way
            date = tried(supply, room, state, prices, net, lanes, line)
            given_back(lanes)
            if date == REFUSED:
                return REFUSED
            evaluations += 1 + tally[EVALUATIONS]
            if not hasty:
                line.dates[way] = date
        if found[F_DATE] <= due:
            break
    if found[F_WAY] < 0:
        return REFUSED
    return found[F_DATE]
