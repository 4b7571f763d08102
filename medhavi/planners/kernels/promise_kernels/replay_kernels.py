# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Place the orders of a way again at times that are drawn (`replaying`).

Choices and quantities stay; what waits for stock alone stands, everything else is
placed again after what goes into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.kernels.promise_kernels.machine_kernels import placed
from medhavi.planners.kernels.promise_kernels.risk_kernels import time_at
from medhavi.planners.kernels.promise_kernels.risk_record import (
    CERTAIN,
    DRAWN,
    R_MODE,
    R_STAMP,
    R_SUBJECTS,
    U_DRAWN,
    U_LANE,
    U_P50,
    U_PLACE,
    U_SEEN,
    X_BASE,
    X_LEVEL,
    X_SUBJECT,
    Z_LEVEL,
    Z_MEDIAN,
)
from medhavi.planners.kernels.promise_kernels.supply_record import (
    BUY,
    C_SHIPMENTS,
    C_TIMED,
    LOW,
    LYING,
    MAKE,
    N_GOOD,
    N_INSTANT,
    N_KIND,
    N_PLACE,
    N_READY,
    N_SIZE,
    N_SOURCE,
    N_SURPLUS,
    N_TAKER,
    NODES,
    O_ROW,
    ORDERS,
    OWN,
    OWN_END,
    OWN_ORDER,
    OWN_ROW,
    OWN_START,
    REFUSED,
    S_READY,
    S_STEP,
    S_STEP_END,
    TRACE,
)

if TYPE_CHECKING:
    from medhavi.planners.kernels.promise_kernels.risk_record import Risk
    from medhavi.planners.kernels.promise_kernels.supply_record import (
        Lanes,
        Room,
        State,
        Supply,
    )


def draw(lanes: Lanes, risk: Risk, first: int, point: int) -> int:
    """Draw the times of the subjects of a way at a point; REFUSED: not known.

    All other lanes take their median.
    """
    times = risk.times
    for place in range(risk.counts[R_SUBJECTS]):
        subject = risk.subjects[place]
        level = risk.levels[first + times[subject, U_PLACE], point]
        time = time_at(risk, subject, level)
        if time == REFUSED:
            return REFUSED
        times[subject, U_DRAWN] = time
    draw_lanes(lanes, risk)
    return 0


def draw_level(lanes: Lanes, risk: Risk, level: float) -> int:
    """Draw the time of the one subject of a way at a level; REFUSED: not known."""
    subject = risk.subjects[0]
    time = time_at(risk, subject, level)
    if time == REFUSED:
        return REFUSED
    risk.times[subject, U_DRAWN] = time
    draw_lanes(lanes, risk)
    return 0


def draw_lanes(lanes: Lanes, risk: Risk) -> None:
    """Set the lanes of a way to the times drawn, others to their median."""
    times = risk.times
    for lane in range(len(lanes.timed)):
        lanes.timed[lane] = risk.lanes[Z_MEDIAN, lane]
    for place in range(risk.counts[R_SUBJECTS]):
        subject = risk.subjects[place]
        if times[subject, U_LANE] >= 0:
            lanes.timed[times[subject, U_LANE]] = times[subject, U_DRAWN]


def draw_purchases(supply: Supply, risk: Risk) -> None:
    """Set purchases to their times at a point; all others to their median."""
    times = risk.times
    for source in range(len(risk.sources)):
        subject = risk.sources[source, X_SUBJECT]
        if subject == CERTAIN:
            continue
        ready = REFUSED
        if subject >= 0:
            ready = risk.sources[source, X_BASE] + times[subject, U_P50]
            if times[subject, U_SEEN] == risk.counts[R_STAMP]:
                ready = risk.sources[source, X_BASE] + times[subject, U_DRAWN]
        supply.sources[source, S_READY] = ready


def as_searched(lanes: Lanes, risk: Risk) -> None:
    """Reset lanes to the times of the search, where nothing is evaluated at others."""
    if risk.counts[R_MODE] == DRAWN or not lanes.counts[C_TIMED]:
        return
    for lane in range(len(lanes.timed)):
        lanes.timed[lane] = risk.lanes[Z_LEVEL, lane]


def purchases_as_searched(supply: Supply, risk: Risk) -> None:
    """Reset purchases to the times of the search."""
    for source in range(len(risk.sources)):
        if risk.sources[source, X_SUBJECT] != CERTAIN:
            supply.sources[source, S_READY] = risk.sources[source, X_LEVEL]


def keeps(state: State, lanes: Lanes) -> int:
    """Whether a way keeps its choices when its times move (`replaying`)."""
    nodes, count = state.nodes, state.tally[NODES]
    if lanes.counts[C_SHIPMENTS] != 1:
        return 0
    for node in range(count):
        if nodes[node, N_KIND] == LYING or not nodes[node, N_SURPLUS]:
            continue
        for other in range(count):
            if (
                nodes[other, N_KIND] == LYING
                and nodes[other, N_GOOD] == nodes[node, N_GOOD]
            ):
                return 0
    return 1


def stand(supply: Supply, state: State, risk: Risk) -> int:
    """Reserve machines for orders waiting for stock alone; not yet for others.

    Gives 0, or REFUSED: the walk has no room for them.
    """
    nodes, count, own = state.nodes, state.tally, state.own
    count[OWN] = count[ORDERS] = 0
    for node in range(count[NODES]):
        risk.moving[node] = 0
        if nodes[node, N_KIND] != LYING and nodes[node, N_TAKER] >= 0:
            risk.moving[nodes[node, N_TAKER]] = 1
    for node in range(count[NODES]):
        if nodes[node, N_KIND] != MAKE or risk.moving[node]:
            continue
        source, place = nodes[node, N_SOURCE], nodes[node, N_PLACE]
        for _ in range(
            supply.sources[source, S_STEP], supply.sources[source, S_STEP_END]
        ):
            if count[OWN] == len(own):
                return REFUSED
            own[count[OWN], OWN_ROW] = supply.options[state.trace[place], O_ROW]
            own[count[OWN], OWN_START] = state.trace[place + 1]
            own[count[OWN], OWN_END] = state.trace[place + 2]
            own[count[OWN], OWN_ORDER] = count[ORDERS]
            count[OWN] += 1
            place += 3
        count[ORDERS] += 1
    return 0


def made_again(supply: Supply, room: Room, state: State, risk: Risk, node: int) -> int:
    """Place an order behind what goes into it now; gives 0, or REFUSED."""
    nodes, count = state.nodes, state.tally
    if not risk.moving[node]:
        return 0
    latest = LOW
    for other in range(node + 1, count[NODES]):
        if nodes[other, N_TAKER] == node:
            latest = max(latest, nodes[other, N_READY])
    at = count[TRACE]
    source, size = nodes[node, N_SOURCE], nodes[node, N_SIZE]
    ready = placed(supply, room, state, source, size, latest)
    if ready < 0:
        return REFUSED
    nodes[node, N_PLACE], nodes[node, N_READY] = at, ready
    for other in range(node + 1, count[NODES]):
        if nodes[other, N_TAKER] == node:
            nodes[other, N_INSTANT] = state.trace[at + 1]
    return 0


def orders_again(supply: Supply, room: Room, state: State, risk: Risk) -> int:
    """Place all orders of a way at the times that are drawn; gives when it is ready.

    Each is placed after all that goes into it; REFUSED: not known.
    """
    if stand(supply, state, risk) == REFUSED:
        return REFUSED
    nodes, count, stack, depth = state.nodes, state.tally[NODES], risk.stack, 0
    for node in range(count + 1):
        # Nobody takes what is delivered, and nothing is left behind the last node.
        taker = -1
        if node < count:
            taker = nodes[node, N_TAKER]
        while depth > 0 and stack[depth - 1] != taker:
            depth -= 1
            if made_again(supply, room, state, risk, stack[depth]) == REFUSED:
                return REFUSED
        if node == count:
            break
        if nodes[node, N_KIND] == MAKE:
            stack[depth] = node
            depth += 1
        elif nodes[node, N_KIND] == BUY:
            source = nodes[node, N_SOURCE]
            subject = risk.sources[source, X_SUBJECT]
            if subject >= 0:
                base = risk.sources[source, X_BASE]
                nodes[node, N_READY] = base + risk.times[subject, U_DRAWN]
    ready = LOW
    for node in range(count):
        if nodes[node, N_TAKER] < 0:
            ready = max(ready, nodes[node, N_READY])
    return ready
