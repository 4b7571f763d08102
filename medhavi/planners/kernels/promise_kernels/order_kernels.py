# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Read the orders of a way from its trace, price them, and hold their machines.

The sums are those of `option_cost`, in the same order: they agree to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.kernels.promise_kernels.machine_kernels import hold
from medhavi.planners.kernels.promise_kernels.supply_record import (
    A_DUE,
    A_GAIN,
    A_KG,
    A_LATE,
    A_SHARE,
    A_STEPS,
    B_CASH,
    B_CO2,
    B_HOLDING,
    B_LATENESS,
    B_MATERIAL,
    B_PRODUCTION,
    B_TOTAL,
    B_TRANSPORT,
    BUY,
    C_SHIPMENTS,
    E_LANE,
    F_NODES,
    H_AGAIN,
    H_ARRIVAL,
    H_LEAVES,
    H_LEG,
    H_LEG_END,
    H_STEPS,
    K_EMITS,
    K_FIXED,
    K_KG,
    K_UNIT,
    L_ADDEND,
    L_GOOD,
    L_NEED,
    L_SHARE,
    LYING,
    MAKE,
    N_GOOD,
    N_INSTANT,
    N_KIND,
    N_PLACE,
    N_READY,
    N_SIZE,
    N_SOURCE,
    N_STEPS,
    N_SURPLUS,
    N_TAKER,
    NODES,
    NOW,
    O_FIXED,
    O_RATE,
    O_ROW,
    O_SCALE,
    P_CO2,
    P_EMITS,
    P_FIXED,
    P_GAIN,
    P_HOUR,
    P_RATE,
    P_SHARE,
    P_TIER,
    P_TIER_END,
    P_UNIT,
    P_UNITS,
    READ,
    REFUSED,
    S_ADDEND,
    S_GAIN,
    S_GOOD,
    S_KIND,
    S_LINE,
    S_LINE_END,
    S_READY,
    S_SHARE,
    S_STEP,
    S_STEP_END,
    STOCK,
    T_MOVE,
    W_EDGE,
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

HOUR = 3600
DAY = 86_400
YEAR = 365
"""Days of a year of holding."""
TONNE = 1000.0


def noted(
    state: State, taker: int, kind: int, good: int, steps: int, ready: int
) -> int:
    """Add a node where it is of any quantity; gives its place.

    REFUSED: they are too many.
    """
    count, nodes = state.tally, state.nodes
    place = count[NODES]
    if steps <= 0:
        return 0
    if place == len(nodes):
        return REFUSED
    nodes[place, N_TAKER] = taker
    nodes[place, N_KIND] = kind
    nodes[place, N_GOOD] = good
    nodes[place, N_STEPS] = steps
    nodes[place, N_READY] = ready
    nodes[place, N_SURPLUS] = 0
    nodes[place, N_INSTANT] = ready
    count[NODES] = place + 1
    return place


def told(supply: Supply, state: State, taker: int, good: int, steps: int) -> int:
    """Read what was chosen for a need, from place `tally[READ]` of the trace on.

    Gives 0, or REFUSED.
    """
    count, trace, nodes = state.tally, state.trace, state.nodes
    at = count[READ]
    source = trace[at]
    if source < 0:
        count[READ] = at + 1
        lying = steps if source == STOCK else 0
        return min(noted(state, taker, LYING, good, lying, count[NOW]), 0)
    part, size = trace[at + 1], trace[at + 2]
    count[READ] = at + 3
    lies = noted(state, taker, LYING, good, part, count[NOW])
    kind = supply.sources[source, S_KIND]
    ready = supply.sources[source, S_READY]
    place = noted(state, taker, kind, good, steps - part, ready)
    if min(lies, place) == REFUSED:
        return REFUSED
    brought = size
    if kind == MAKE:
        brought = size * supply.sources[source, S_GAIN]
        brought += supply.sources[source, S_ADDEND]
        brought = brought // supply.sources[source, S_SHARE]
    nodes[place, N_SOURCE] = source
    nodes[place, N_SIZE] = size
    nodes[place, N_SURPLUS] = brought - (steps - part)
    if kind == BUY:
        return 0
    for line in range(
        supply.sources[source, S_LINE], supply.sources[source, S_LINE_END]
    ):
        need = size * supply.lines[line, L_NEED] + supply.lines[line, L_ADDEND]
        need = -(-need // supply.lines[line, L_SHARE])
        wanted = supply.lines[line, L_GOOD]
        if told(supply, state, place, wanted, need) == REFUSED:
            return REFUSED
    at = count[READ]
    last = supply.sources[source, S_STEP_END] - 1
    wide = 3 * (last + 1 - supply.sources[source, S_STEP])
    count[READ] = at + wide
    nodes[place, N_PLACE] = at
    nodes[place, N_READY] = trace[at + wide - 1] + supply.steps[last, T_MOVE]
    for other in range(place + 1, count[NODES]):
        if nodes[other, N_TAKER] == place:
            nodes[other, N_INSTANT] = trace[at + 1]
    return 0


def delivered_orders(
    supply: Supply, state: State, source: int, begin: int, steps: int
) -> int:
    """Read a delivered way from a place of the trace on.

    Gives how many nodes it has, or REFUSED.
    """
    state.tally[READ], state.tally[NODES] = begin, 0
    good = supply.sources[source, S_GOOD]
    # A literal would make another type of the recursion, which numba does not keep.
    nobody = state.tally[NODES] - 1
    if told(supply, state, nobody, good, steps) == REFUSED:
        return REFUSED
    return state.tally[NODES]


def hours_cost(
    supply: Supply, prices: Prices, state: State, source: int, size: int, place: int
) -> float:
    """What the hours of an order cost; its steps stand at a place of the trace."""
    total = 0.0
    for step in range(
        supply.sources[source, S_STEP], supply.sources[source, S_STEP_END]
    ):
        option = state.trace[place + 3 * (step - supply.sources[source, S_STEP])]
        work = supply.options[option, O_FIXED] + supply.options[option, O_RATE] * size
        length = -(-work // supply.options[option, O_SCALE])
        hour, units = prices.options[option, P_HOUR], prices.options[option, P_UNITS]
        total += hour * units * length / HOUR
    return total


def price_of(prices: Prices, source: int, qty: float) -> float:
    """Price of an order, without its hours; the last tier it reaches holds."""
    if qty <= 0:
        return 0.0
    tier = prices.source_steps[source, P_TIER]
    last = prices.source_steps[source, P_TIER_END] - 1
    while tier < last and prices.tiers[tier + 1, 0] <= qty:
        tier += 1
    return prices.sources[source, P_FIXED] + prices.tiers[tier, 1] * qty


def freight(
    net: Net,
    lanes: Lanes,
    weight: float,
    bill: np.ndarray,
    shipment: int,
    qty: float,
) -> None:
    """Add what the legs of a shipment cost and emit; a unit has a weight [kg]."""
    cost, emitted = 0.0, 0.0
    for leg in range(
        lanes.shipments[shipment, H_LEG], lanes.shipments[shipment, H_LEG_END]
    ):
        lane = net.edges[lanes.legs[leg, W_EDGE], E_LANE]
        unit = lanes.prices[lane, K_UNIT] + lanes.prices[lane, K_KG] * weight
        if qty > 0:
            cost += lanes.prices[lane, K_FIXED] + unit * qty
        emitted += lanes.prices[lane, K_EMITS] * weight / TONNE * qty
    bill[B_TRANSPORT] += cost
    bill[B_CASH] += cost
    bill[B_CO2] += emitted


def lateness(lanes: Lanes, asked: np.ndarray, rate: float, date: int) -> float:
    """Price of the days that deliveries come after due."""
    if date <= asked[A_DUE]:
        return 0.0
    late = 0.0
    for one in range(lanes.counts[C_SHIPMENTS]):
        scaled = lanes.shipments[one, H_STEPS] * asked[A_GAIN]
        behind = max(lanes.shipments[one, H_ARRIVAL] - asked[A_DUE], 0)
        late += scaled / asked[A_SHARE] * behind / DAY
    return late * rate if late > 0 else 0.0


def holding(prices: Prices, good: int, qty: float, seconds: int) -> float:
    """Price of new goods that wait for their use."""
    value = prices.goods[good, P_UNIT]
    if value == 0.0:
        value = 1.0
    days = seconds / DAY
    return qty * value * prices.goods[good, P_RATE] * days / YEAR


def billed(
    supply: Supply,
    prices: Prices,
    state: State,
    net: Net,
    lanes: Lanes,
    line: Line,
    date: int,
) -> None:
    """Add up in `line.billed` what the nodes cost and emit, shipment by shipment."""
    nodes, shares, bill, asked = state.nodes, state.shares, line.billed, line.asked
    for place in range(len(bill)):
        bill[place] = 0.0
    for one in range(lanes.counts[C_SHIPMENTS]):
        paid = bill[B_CASH]
        sent = lanes.shipments[one, H_STEPS]
        for node in range(state.tally[NODES]):
            taker, good = nodes[node, N_TAKER], nodes[node, N_GOOD]
            share, steps, instant = 1.0, nodes[node, N_STEPS], nodes[node, N_INSTANT]
            shared = 0
            if taker < 0:
                steps, shared = sent, asked[A_STEPS] - sent
                instant = max(lanes.shipments[one, H_LEAVES], nodes[node, N_READY])
            else:
                share = shares[taker]
            scaled = steps * prices.good_steps[good, 0]
            qty = scaled / prices.good_steps[good, 1]
            if nodes[node, N_KIND] == LYING:
                bill[B_MATERIAL] += qty * prices.goods[good, P_UNIT] * share
                bill[B_CO2] += qty * prices.goods[good, P_CO2] * share
                continue
            part = share * steps / (steps + shared + nodes[node, N_SURPLUS])
            shares[node] = part
            source, size = nodes[node, N_SOURCE], nodes[node, N_SIZE]
            ordered = size * prices.source_steps[source, P_GAIN]
            ordered = ordered / prices.source_steps[source, P_SHARE]
            price = price_of(prices, source, ordered)
            bill[B_CASH] += price
            bill[B_CO2] += prices.sources[source, P_EMITS] * ordered * part
            if nodes[node, N_KIND] == BUY:
                bill[B_MATERIAL] += price * part
            else:
                place = nodes[node, N_PLACE]
                work = hours_cost(supply, prices, state, source, size, place)
                bill[B_CASH] += work
                bill[B_PRODUCTION] += (price + work) * part
            if instant > nodes[node, N_READY]:
                waits = instant - nodes[node, N_READY]
                bill[B_HOLDING] += holding(prices, good, qty, waits) * share
        if lanes.shipments[one, H_AGAIN]:
            bill[B_CASH] = paid
        scaled = sent * asked[A_GAIN]
        freight(net, lanes, line.rates[A_KG], bill, one, scaled / asked[A_SHARE])
    bill[B_LATENESS] = lateness(lanes, asked, line.rates[A_LATE], date)
    total = bill[B_MATERIAL] + bill[B_PRODUCTION]
    total = total + bill[B_TRANSPORT] + bill[B_HOLDING]
    bill[B_TOTAL] = total + bill[B_LATENESS]


def held(supply: Supply, room: Room, line: Line) -> int:
    """Hold the machines of what was found; 0: a row is full, hold all again."""
    for node in range(line.found[F_NODES]):
        if line.nodes[node, N_KIND] != MAKE:
            continue
        source, place = line.nodes[node, N_SOURCE], line.nodes[node, N_PLACE]
        for _ in range(
            supply.sources[source, S_STEP], supply.sources[source, S_STEP_END]
        ):
            row = supply.options[line.trace[place], O_ROW]
            start, finish = line.trace[place + 1], line.trace[place + 2]
            if start < finish and not hold(room, row, start, finish):
                return 0
            place += 3
    return 1
