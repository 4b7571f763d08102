# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Answer a plain line: two passes over its ways, the earliest and cheapest is kept.

The passes are those of `quest`: first with preferred machines where they are through in
time, then, where nothing is in time, with those that are through first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from medhavi.planners.kernels.lane_kernels import given_back, in_order, sent
from medhavi.planners.kernels.order_kernels import billed, delivered_orders
from medhavi.planners.kernels.supply_kernels import delivered
from medhavi.planners.kernels.supply_record import (
    A_DUE,
    A_LAST_DAY,
    A_LEAST,
    A_STEPS,
    ASKED,
    B_TOTAL,
    BILL,
    BUDGET,
    BY,
    C_LEGS,
    C_SHIPMENTS,
    CONTENDED,
    EVALUATIONS,
    F_DATE,
    F_GREEDY,
    F_LEGS,
    F_NODES,
    F_ROUGH,
    F_SHIPMENTS,
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
    if line.found[F_WAY] < 0 or date < line.found[F_DATE]:
        return 1
    if line.billed[B_TOTAL] != line.bill[B_TOTAL]:
        return int(line.billed[B_TOTAL] < line.bill[B_TOTAL])
    rank = line.ways[line.found[F_WAY], Y_RANK]
    return int(line.ways[way, Y_RANK] < rank)


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

    Gives its date, or REFUSED; FAR: it does not get there, or is later than the best.
    """
    tally, asked, way = state.tally, line.asked, line.found[F_TRIED]
    best = line.found[F_DATE]
    source, steps = line.ways[way, Y_SOURCE], asked[A_STEPS]
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
    if date == REFUSED or too_small(lanes, line):
        return REFUSED
    if date < 0 or date > best or date == line.dates[way]:
        return FAR
    in_order(lanes)
    read = delivered_orders(supply, state, source, 0, steps)
    if read == REFUSED or date > asked[A_LAST_DAY]:
        return REFUSED
    billed(supply, prices, state, net, lanes, line, date)
    if better(line, way, date):
        kept(state, lanes, line, way, date)
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
