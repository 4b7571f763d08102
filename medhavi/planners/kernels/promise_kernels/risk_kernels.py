# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""When a way arrives at all points of a sample, and its orders at the quoted one.

The steps are those of `sampled_chain` and `replaying`: what waits moves, everything
else stays; then orders and shipments are placed again at the point that is quoted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from medhavi.planners.kernels.promise_kernels.machine_kernels import first_behind
from medhavi.planners.kernels.promise_kernels.risk_record import (
    CERTAIN,
    COLUMNS,
    FEW_DEPARTURES,
    POINTS,
    Q_BASE,
    Q_MOST,
    Q_SUBJECT,
    R_COLUMNS,
    R_STAMP,
    R_SUBJECTS,
    R_WAITS,
    R_WANTED,
    U_CURVE,
    U_GROUP,
    U_P50,
    U_P80,
    U_P95,
    U_PLACE,
    U_RANK,
    U_SEEN,
    U_UP,
    UNKNOWN_TIME,
    V_HIGH,
    V_LOW,
    V_P50,
    V_P80,
    X_BASE,
    X_SUBJECT,
    Z_SUBJECT,
)
from medhavi.planners.kernels.promise_kernels.supply_record import (
    BUY,
    C_LEGS,
    C_SHIPMENTS,
    E_LANE,
    H_LEG,
    H_LEG_END,
    K_CUTOFF,
    K_FIRST,
    K_LAST,
    K_TRANSIT,
    LOW,
    N_KIND,
    N_READY,
    N_SOURCE,
    N_TAKER,
    NODES,
    NOW,
    REFUSED,
    W_EDGE,
)

if TYPE_CHECKING:
    import numpy as np

    from medhavi.planners.kernels.promise_kernels.risk_record import Risk
    from medhavi.planners.kernels.promise_kernels.supply_record import (
        Lanes,
        Net,
        State,
    )

LEVEL_LOW = 0.5
LEVEL_MIDDLE = 0.8
LEVEL_HIGH = 0.95
NEAR_WHOLE = 1e-7
"""Part of a second next to a whole one within which floats are not trusted."""


# ------------------------------------------------------------------- what is uncertain
def added(risk: Risk, subject: int) -> int:
    """Add a subject to those of the way, in their order; REFUSED: it is not known."""
    counts, times = risk.counts, risk.times
    if subject == UNKNOWN_TIME:
        return REFUSED
    if subject == CERTAIN or times[subject, U_SEEN] == counts[R_STAMP]:
        return 0
    place = counts[R_SUBJECTS]
    if place == len(risk.subjects):
        return REFUSED
    times[subject, U_SEEN] = counts[R_STAMP]
    rank = times[subject, U_RANK]
    while place > 0 and times[risk.subjects[place - 1], U_RANK] > rank:
        risk.subjects[place] = risk.subjects[place - 1]
        place -= 1
    risk.subjects[place] = subject
    counts[R_SUBJECTS] += 1
    return 0


def uncertain(state: State, net: Net, lanes: Lanes, risk: Risk) -> int:
    """List the subjects of a way; gives how many, REFUSED: one is not known."""
    counts, nodes = risk.counts, state.nodes
    counts[R_STAMP] += 1
    counts[R_SUBJECTS] = 0
    for node in range(state.tally[NODES]):
        if nodes[node, N_KIND] != BUY:
            continue
        if added(risk, risk.sources[nodes[node, N_SOURCE], X_SUBJECT]) == REFUSED:
            return REFUSED
    for leg in range(lanes.counts[C_LEGS]):
        lane = net.edges[lanes.legs[leg, W_EDGE], E_LANE]
        if added(risk, risk.lanes[Z_SUBJECT, lane]) == REFUSED:
            return REFUSED
    return counts[R_SUBJECTS]


def dimensions(risk: Risk) -> int:
    """Each subject its dimension, groups one; gives how many there are."""
    times, subjects, count = risk.times, risk.subjects, 0
    for place in range(risk.counts[R_SUBJECTS]):
        one = subjects[place]
        times[one, U_PLACE] = count
        for other in range(place):
            if times[subjects[other], U_GROUP] == times[one, U_GROUP]:
                times[one, U_PLACE] = times[subjects[other], U_PLACE]
                break
        if times[one, U_PLACE] == count:
            count += 1
    return count


def time_at(risk: Risk, subject: int, level: float) -> int:
    """Time of a subject at a level [s]; REFUSED: floats do not tell."""
    if level == LEVEL_MIDDLE:
        return risk.times[subject, U_P80]
    if level == LEVEL_HIGH:
        return risk.times[subject, U_P95]
    if level <= LEVEL_MIDDLE:
        share = (level - LEVEL_LOW) / (LEVEL_MIDDLE - LEVEL_LOW)
        first, growth = risk.curves[subject, V_P50], risk.curves[subject, V_LOW]
        whole = risk.times[subject, U_P50]
    else:
        share = (level - LEVEL_MIDDLE) / (LEVEL_HIGH - LEVEL_MIDDLE)
        first, growth = risk.curves[subject, V_P80], risk.curves[subject, V_HIGH]
        whole = risk.times[subject, U_P80]
    if growth == 0.0 or share == 0.0:
        return whole
    time = first * math.exp(growth * share)
    whole = int(time)
    if time - whole < NEAR_WHOLE or whole + 1 - time < NEAR_WHOLE:
        return REFUSED
    return whole + risk.times[subject, U_UP]


def column_of(risk: Risk, subject: int, row: int) -> int:
    """Place of the times of a subject at the points of a row.

    They are kept for all subjects of the same curve. REFUSED: floats do not tell one.
    """
    counts, keys = risk.counts, risk.keys
    curve = risk.times[subject, U_CURVE]
    key = (row << 32) + curve
    place = (31 * row + 127 * curve) % COLUMNS
    while keys[place] != key and keys[place] >= 0:
        place = (place + 1) % COLUMNS
    if keys[place] == key:
        return place
    if 4 * counts[R_COLUMNS] >= 3 * COLUMNS:
        counts[R_COLUMNS] = 0
        for other in range(COLUMNS):
            keys[other] = -1
    for point in range(POINTS):
        time = time_at(risk, subject, risk.levels[row, point])
        if time == REFUSED:
            return REFUSED
        risk.columns[place, point] = time
    keys[place] = key
    counts[R_COLUMNS] += 1
    return place


# --------------------------------------------------------------------------- sampling
def awaited(state: State, risk: Risk) -> int:
    """List what a way waits for; gives an instant before which it never is ready."""
    nodes, after, now = state.nodes, risk.after, state.tally[NOW]
    count, floor, waits = state.tally[NODES], now, 0
    for node in range(count):
        if nodes[node, N_TAKER] < 0:
            after[node] = 0
        ready, inner = nodes[node, N_READY] + after[node], after[node]
        kind, planned = nodes[node, N_KIND], LOW
        for other in range(node + 1, count):
            if nodes[other, N_TAKER] == node:
                planned = max(planned, nodes[other, N_READY])
        subject = CERTAIN
        if kind == BUY:
            subject = risk.sources[nodes[node, N_SOURCE], X_SUBJECT]
        if planned > LOW:
            floor = max(floor, now + inner)
            for other in range(node + 1, count):
                if nodes[other, N_TAKER] == node:
                    after[other] = ready - planned
        elif subject >= 0:
            base = risk.sources[nodes[node, N_SOURCE], X_BASE]
            risk.waits[waits, Q_SUBJECT] = subject
            risk.waits[waits, Q_BASE] = base + inner
            waits += 1
        else:
            floor = max(floor, ready)
    risk.counts[R_WAITS] = waits
    return floor


def bounded(risk: Risk, first: int, floor: int) -> int:
    """Note the bounds of all waits; gives when all is ready at the least, or REFUSED.

    Parameters
    ----------
    first
        Place of the points.
    """
    waits, least = risk.waits, floor
    for one in range(risk.counts[R_WAITS]):
        subject, base = waits[one, Q_SUBJECT], waits[one, Q_BASE]
        row = first + risk.times[subject, U_PLACE]
        low = time_at(risk, subject, risk.bounds[row, 0])
        high = time_at(risk, subject, risk.bounds[row, 1])
        if min(low, high) == REFUSED:
            return REFUSED
        waits[one, Q_MOST] = base + high
        least = max(least, base + low)
    return least


def ready_at_points(risk: Risk, first: int, least: int) -> int:
    """Find when all is ready at each point; REFUSED: not known."""
    ready, waits = risk.ready, risk.waits
    for point in range(POINTS):
        ready[point] = least
    for one in range(risk.counts[R_WAITS]):
        if waits[one, Q_MOST] <= least:
            continue
        subject, base = waits[one, Q_SUBJECT], waits[one, Q_BASE]
        place = column_of(risk, subject, first + risk.times[subject, U_PLACE])
        if place == REFUSED:
            return REFUSED
        for point in range(POINTS):
            ready[point] = max(ready[point], base + risk.columns[place, point])
    return 0


def leaves_at_points(
    departures: np.ndarray,
    there: np.ndarray,
    leaves: np.ndarray,
    late: int,
    low: int,
    high: int,
) -> None:
    """Find the departure behind each point that is `there`, `late` added [s].

    None is before place `low` of the departures, or behind place `high`.
    """
    last = departures[high]
    for point in range(POINTS):
        leaves[point] = last
    if high - low > FEW_DEPARTURES:
        for point in range(POINTS):
            place = first_behind(departures, low, high, there[point] + late)
            leaves[point] = departures[place]
        return
    for place in range(high - 1, low - 1, -1):
        departure = departures[place]
        for point in range(POINTS):
            if there[point] + late < departure:
                leaves[point] = departure


def sent_at_points(
    net: Net, lanes: Lanes, risk: Risk, first: int, shipment: int
) -> int:
    """Send a shipment at each point by the first departures; REFUSED: not known."""
    there = risk.there
    for point in range(POINTS):
        there[point] = risk.ready[point]
    for leg in range(
        lanes.shipments[shipment, H_LEG], lanes.shipments[shipment, H_LEG_END]
    ):
        lane = net.edges[lanes.legs[leg, W_EDGE], E_LANE]
        late = lanes.lanes[lane, K_CUTOFF] - 1
        least, most = there[0], there[0]
        for point in range(POINTS):
            least, most = min(least, there[point]), max(most, there[point])
        low, high = lanes.lanes[lane, K_FIRST], lanes.lanes[lane, K_LAST]
        soonest = first_behind(lanes.leaves, low, high, least + late)
        latest = first_behind(lanes.leaves, soonest, high, most + late)
        if latest == high:
            return REFUSED
        leaves_at_points(lanes.leaves, there, risk.leaves, late, soonest, latest)
        subject, transit = risk.lanes[Z_SUBJECT, lane], lanes.lanes[lane, K_TRANSIT]
        if subject < 0:
            for point in range(POINTS):
                there[point] = risk.leaves[point] + transit
            continue
        place = column_of(risk, subject, first + risk.times[subject, U_PLACE])
        if place == REFUSED:
            return REFUSED
        for point in range(POINTS):
            there[point] = risk.leaves[point] + risk.columns[place, point]
    return 0


def sampled(state: State, net: Net, lanes: Lanes, risk: Risk, first: int) -> int:
    """Find when the last shipment arrives at each point; REFUSED: not known."""
    least = bounded(risk, first, awaited(state, risk))
    if least == REFUSED or ready_at_points(risk, first, least) == REFUSED:
        return REFUSED
    comes = risk.comes
    for point in range(POINTS):
        comes[point] = 0
    for shipment in range(lanes.counts[C_SHIPMENTS]):
        if sent_at_points(net, lanes, risk, first, shipment) == REFUSED:
            return REFUSED
        for point in range(POINTS):
            comes[point] = max(comes[point], risk.there[point])
    return 0


def timely(comes: np.ndarray, limit: int) -> int:
    """Count the points at which the last shipment is there by an instant."""
    count = 0
    for point in range(POINTS):
        if comes[point] <= limit:
            count += 1
    return count


def at_rank(comes: np.ndarray, rank: int, low: int, high: int) -> int:
    """Date of a rank among those of the points: none before it suffices.

    It lies between two dates, these among them.
    """
    while low < high:
        middle = (low + high) // 2
        if timely(comes, middle) > rank:
            high = middle
        else:
            low = middle + 1
    return low


def rank_at(level: float) -> int:
    """Place of a level among the points in order."""
    return min(int(level * POINTS), POINTS - 1)


def point_of(risk: Risk, rank: int, date: int) -> int:
    """Point of a rank; of equal dates the earlier points come first."""
    left = rank - timely(risk.comes, date - 1)
    for point in range(POINTS):
        if risk.comes[point] == date:
            if left == 0:
                return point
            left -= 1
    return REFUSED


def wanted(risk: Risk) -> int:
    """Place of the points of a way; REFUSED: they are not drawn yet."""
    count = dimensions(risk)
    if count >= len(risk.tables):
        return REFUSED
    if risk.tables[count] < 0:
        risk.counts[R_WANTED] = count
        return REFUSED
    return risk.tables[count]
