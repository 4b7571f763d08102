# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Answer a plain line: two passes over its ways, the earliest and cheapest is kept.

The passes are those of `quest`: first with preferred machines where they are through in
time, then, where nothing is in time, with those that are through first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from medhavi.planners.kernels.promise_kernels.lane_kernels import (
    again,
    given_back,
    in_order,
    sent,
)
from medhavi.planners.kernels.promise_kernels.order_kernels import (
    billed,
    delivered_orders,
)
from medhavi.planners.kernels.promise_kernels.replay_kernels import (
    as_searched,
    draw,
    draw_level,
    draw_purchases,
    keeps,
    orders_again,
    purchases_as_searched,
)
from medhavi.planners.kernels.promise_kernels.risk_kernels import (
    LEVEL_HIGH,
    LEVEL_LOW,
    LEVEL_MIDDLE,
    at_rank,
    point_of,
    rank_at,
    sampled,
    timely,
    uncertain,
    wanted,
)
from medhavi.planners.kernels.promise_kernels.risk_record import (
    ANEW,
    DRAWN,
    HALVINGS,
    KNOWN,
    POINTS,
    R_MODE,
    R_SUBJECTS,
    SEARCHED,
)
from medhavi.planners.kernels.promise_kernels.supply_kernels import delivered
from medhavi.planners.kernels.promise_kernels.supply_record import (
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
    D_AT,
    D_BY_DATE,
    D_ON_TIME,
    D_P50,
    D_P80,
    D_P95,
    D_SEARCHED,
    EVALUATIONS,
    F_BY_DATE,
    F_DATE,
    F_GREEDY,
    F_LEGS,
    F_NODES,
    F_ON_TIME,
    F_P50,
    F_P80,
    F_P95,
    F_ROUGH,
    F_SHIPMENTS,
    F_SUBJECTS,
    F_TRACE,
    F_TRIED,
    F_WAY,
    FAR,
    GREEDY,
    H_STEPS,
    LEG,
    NO_ROOM,
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
    import numpy as np

    from medhavi.planners.kernels.promise_kernels.supply_record import (
        Lanes,
        Line,
        Net,
        Prices,
        Room,
        State,
        Supply,
    )


def too_small(lanes: Lanes, least: int) -> int:
    """Whether one of several shipments is below the least delivery."""
    count = lanes.counts[C_SHIPMENTS]
    if count < 2:
        return 0
    for one in range(count):
        if lanes.shipments[one, H_STEPS] < least:
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
    found[F_P95] = line.dated[D_P95]
    found[F_ON_TIME], found[F_BY_DATE] = line.dated[D_ON_TIME], line.dated[D_BY_DATE]
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
    """Whether a way is earlier than the best, or cheaper, or first by name."""
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
    tally, way, risk = state.tally, line.found[F_TRIED], line.risk
    source, steps = line.ways[way, Y_SOURCE], line.asked[A_STEPS]
    for place in range(WALK):
        tally[place] = 0
    tally[WALK] += 1
    tally[ASKED] = -1
    if risk.counts[R_MODE] == DRAWN:
        draw_purchases(supply, risk)
    ready = delivered(supply, room, state, source, 0, steps, 0)
    if ready == REFUSED or tally[REPEATS]:
        return REFUSED
    if tally[GREEDY] or tally[CONTENDED]:
        line.found[F_ROUGH] = 1
    date = sent(net, lanes, line.asked, line.ways[way, Y_PLACE], ready, steps)
    if too_small(lanes, line.asked[A_LEAST]):
        return REFUSED
    in_order(lanes)
    return date


def placed_again(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
) -> int:
    """Place orders and shipment at the times that are drawn; the date, or REFUSED."""
    ready = orders_again(supply, room, state, line.risk)
    if ready == REFUSED:
        return REFUSED
    return again(net, lanes, line.asked, ready, line.asked[A_STEPS])


def placed_at(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
    level: float,
) -> int:
    """Date of a way with its one uncertain time at a level [s], or REFUSED."""
    trace = state.tally[TRACE]
    if draw_level(lanes, line.risk, level) == REFUSED:
        return REFUSED
    date = placed_again(supply, room, state, net, lanes, line)
    state.tally[TRACE] = trace
    return date


def known_side(dated: np.ndarray, level: float, limit: int) -> int:
    """Whether the dates by their chance show that a level keeps a limit.

    1: it does; -1: it misses it; 0: only its own date shows that.
    """
    for number in range(D_P95 + 1):
        if dated[number] <= limit and level <= level_of(number):
            return 1
    for number in range(D_P95 + 1):
        if dated[number] > limit and level >= level_of(number):
            return -1
    return 0


def level_of(place: int) -> float:
    """Level of one of the dates by their chance."""
    if place == D_P50:
        return LEVEL_LOW
    return LEVEL_MIDDLE if place == D_P80 else LEVEL_HIGH


def walked(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
) -> int:
    """Find the dates of a way at the quantiles of its one uncertain time.

    The chances to come by due and by the quoted date are halved down to levels. Gives
    ANEW: the way has to be evaluated as it was; or REFUSED.
    """
    dated = line.dated
    for number in range(D_P95 + 1):
        level = level_of(number)
        if rank_at(level) != line.asked[A_RANK]:
            date = placed_at(supply, room, state, net, lanes, line, level)
            if date == REFUSED:
                return REFUSED
            dated[number] = date
    for place in range(D_ON_TIME, D_BY_DATE + 1):
        limit = line.asked[A_DUE] if place == D_ON_TIME else dated[D_SEARCHED]
        low, high = 0, 2 * POINTS
        for _ in range(HALVINGS):
            middle = (low + high) // 2
            level = middle / (2 * POINTS)
            side = known_side(dated, level, limit)
            if side == 0:
                date = placed_at(supply, room, state, net, lanes, line, level)
                if date == REFUSED:
                    return REFUSED
                side = 1 if date <= limit else -1
            if side > 0:
                low = middle
            else:
                high = middle
        dated[place] = (low + high) // 2
        if low == 0 or high == 2 * POINTS:
            dated[place] = low if low == 0 else high
    line.risk.counts[R_MODE] = KNOWN
    return ANEW


def moved(line: Line, date: int) -> int:
    """Move the dates that were sampled to the one that is held; gives that."""
    dated, by = line.dated, date - line.dated[D_AT]
    for place in range(D_P50, D_P95 + 1):
        dated[place] += by
    dated[D_ON_TIME] = 2 * timely(line.risk.comes, line.asked[A_DUE] - by)
    dated[D_BY_DATE] = 2 * timely(line.risk.comes, date - by)
    return date


def drawn_at(lanes: Lanes, line: Line, first: int) -> int:
    """Read the dates from the points, and draw the quoted one; gives 0, or REFUSED."""
    risk, dated, basis = line.risk, line.dated, line.asked[A_RANK]
    least, most = risk.comes[0], risk.comes[0]
    for point in range(POINTS):
        least, most = min(least, risk.comes[point]), max(most, risk.comes[point])
    for place in range(D_P95, D_P50 - 1, -1):
        rank = rank_at(level_of(place))
        most = at_rank(risk.comes, rank, least, most)
        dated[place] = most
        if rank == basis:
            dated[D_AT] = most
    return draw(lanes, risk, first, point_of(risk, basis, dated[D_AT]))


def quoted(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
) -> int:
    """Date of a way that is quoted, its orders standing where it is true.

    Notes in `line.dated` what other chances there are. Gives REFUSED: not known; ANEW:
    it has to be evaluated once more, at the times of the lanes now.
    """
    risk, dated, keeps_all = line.risk, line.dated, keeps(state, lanes)
    count = uncertain(state, net, lanes, risk)
    if count == REFUSED or (count == 1 and not keeps_all):
        return REFUSED
    if count == 0:
        return dated[D_SEARCHED]
    if count == 1:
        return walked(supply, room, state, net, lanes, line)
    line.found[F_ROUGH] = 1
    first = wanted(risk)
    if (
        first == REFUSED
        or sampled(state, net, lanes, risk, first) == REFUSED
        or drawn_at(lanes, line, first) == REFUSED
    ):
        return REFUSED
    if not keeps_all:
        risk.counts[R_MODE] = DRAWN
        return ANEW
    date = placed_again(supply, room, state, net, lanes, line)
    return REFUSED if date == REFUSED else moved(line, date)


def dated_way(
    supply: Supply,
    room: Room,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
    date: int,
) -> int:
    """Date that is quoted of a way that was evaluated; as of `quoted`.

    Gives FAR: it does not get there, or is known, or later than the best.
    """
    risk, dated = line.risk, line.dated
    way, mode = line.found[F_TRIED], risk.counts[R_MODE]
    risk.counts[R_MODE] = SEARCHED
    late = date > line.found[F_DATE] and not lanes.counts[C_TIMED]
    known = date == NO_ROOM or date == line.dates[way]
    if mode == SEARCHED and (known or late):
        return FAR
    source, steps, read = line.ways[way, Y_SOURCE], line.asked[A_STEPS], REFUSED
    if date >= 0:
        read = delivered_orders(supply, state, source, 0, steps)
    if mode == DRAWN:
        purchases_as_searched(supply, risk)
    if read == REFUSED:
        return REFUSED
    if mode == SEARCHED:
        dated[D_SEARCHED] = date
        dated[D_P50] = dated[D_P80] = dated[D_P95] = date
        dated[D_ON_TIME] = 2 * POINTS if date <= line.asked[A_DUE] else 0
        dated[D_BY_DATE] = 2 * POINTS
        risk.counts[R_SUBJECTS] = 0
        if lanes.counts[C_TIMED]:
            date = quoted(supply, room, state, net, lanes, line)
    elif mode == DRAWN:
        date = moved(line, date)
    return date


def judged(
    supply: Supply,
    prices: Prices,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
    date: int,
) -> int:
    """Price a way, and keep it where it is the best; gives how it was searched.

    REFUSED: its price is not known, or it is too late for the rules of kernels.
    """
    if date > line.asked[A_LAST_DAY]:
        return line.dated[D_SEARCHED] if lanes.counts[C_TIMED] else REFUSED
    billed(supply, prices, state, net, lanes, line, date)
    way = line.found[F_TRIED]
    if better(line, way, date):
        kept(state, lanes, line, way, date)
    known = not math.isnan(line.billed[B_TOTAL])
    return line.dated[D_SEARCHED] if known else REFUSED


def begun_line(line: Line) -> None:
    """Forget what was found for the line before."""
    line.found[F_WAY], line.found[F_DATE], line.found[F_ROUGH] = -1, FAR, 0
    for way in range(len(line.ways)):
        line.dates[way] = -1


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
    risk, evaluations = line.risk, 0
    begun_line(line)
    for hasty in range(2):
        tally[BY] = FAR if hasty else due
        for way in range(len(line.ways)):
            if evaluations >= tally[BUDGET]:
                return REFUSED
            found[F_TRIED] = way
            risk.counts[R_MODE] = SEARCHED
            date = ANEW
            while date == ANEW:
                date = evaluated(supply, room, state, net, lanes, line)
                if risk.counts[R_MODE] == SEARCHED:
                    evaluations += 1 + tally[EVALUATIONS]
                date = dated_way(supply, room, state, net, lanes, line, date)
                if 0 <= date < FAR:
                    date = judged(supply, prices, state, net, lanes, line, date)
                given_back(lanes)
                as_searched(lanes, risk)
            if date == REFUSED:
                return REFUSED
            line.dates[way] = date
        if found[F_DATE] <= due:
            break
    if found[F_WAY] < 0:
        return REFUSED
    return found[F_DATE]
