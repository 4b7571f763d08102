# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Send what an order brings over lanes with timetables, in integers.

Ways are found by label-setting as in `arrival_search`: of equal arrivals the one with
fewer legs wins, then the lane, by id. What one departure does not take, or not soon,
goes over several as in `spreading`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.kernels.promise_kernels.machine_kernels import first_behind
from medhavi.planners.kernels.promise_kernels.supply_record import (
    A_DUE,
    A_LEAST,
    A_SPLIT,
    A_VOLUME,
    A_VOLUME_SHARE,
    A_WEIGHT,
    A_WEIGHT_SHARE,
    C_FULL,
    C_LEGS,
    C_SHIPMENTS,
    C_TAKEN,
    C_TIMED,
    E_HEAD,
    E_LANE,
    E_TAIL,
    FAR,
    H_AGAIN,
    H_ARRIVAL,
    H_LEAVES,
    H_LEG,
    H_LEG_END,
    H_STEPS,
    K_CUTOFF,
    K_FIRST,
    K_LAST,
    K_TRANSIT,
    K_VOLUME,
    K_WEIGHT,
    LEG,
    NO_ROOM,
    R_ARRIVAL,
    R_EDGE,
    R_HOPS,
    R_LEAVES,
    R_READY,
    R_SETTLED,
    REFUSED,
    SHIPMENT,
    W_ARRIVAL,
    W_EDGE,
    W_LEAVES,
    W_READY,
)

if TYPE_CHECKING:
    import numpy as np

    from medhavi.planners.kernels.promise_kernels.supply_record import Lanes, Net


GUESSES = 5
"""Quantities that are tried before halving (`guess`)."""


# ------------------------------------------------------------------------- one way
def boarded(lanes: Lanes, lane: int, bound: int, weight: int, volume: int) -> int:
    """Place of the first departure from an instant on that has room.

    NO_ROOM: no vehicle is large enough; REFUSED: none in the time that is known.
    """
    last = lanes.lanes[lane, K_LAST]
    place = first_behind(lanes.leaves, lanes.lanes[lane, K_FIRST], last, bound - 1)
    if place == last:
        return REFUSED
    most = lanes.lanes[lane, K_WEIGHT] - weight
    more = lanes.lanes[lane, K_VOLUME] - volume
    if lanes.weights[place] <= most and lanes.volumes[place] <= more:
        return place
    lanes.counts[C_FULL] += 1
    if most < 0 or more < 0:
        return NO_ROOM
    while place < last:
        if lanes.weights[place] <= most and lanes.volumes[place] <= more:
            return place
        place += 1
    return REFUSED


def nearest(net: Net) -> int:
    """Open place that may reach the destination first; -1: none is open."""
    found = -1
    for place in range(len(net.left)):
        if net.reached[place, R_SETTLED] or net.reached[place, R_ARRIVAL] == FAR:
            continue
        if found < 0:
            found = place
            continue
        one = net.reached[place, R_ARRIVAL] + net.left[place]
        other = net.reached[found, R_ARRIVAL] + net.left[found]
        if one < other or (
            one == other and net.reached[place, R_HOPS] < net.reached[found, R_HOPS]
        ):
            found = place
    return found


def earliest_way(
    net: Net, lanes: Lanes, start: int, ready: int, weight: int, volume: int
) -> int:
    """Label places until the destination, place 0, is settled.

    Gives the legs, in `lanes.way` from the last one on; 0: no way leads there; REFUSED:
    it leaves the time that is known.
    """
    reached = net.reached
    for place in range(len(net.left)):
        reached[place, R_ARRIVAL] = FAR
        reached[place, R_SETTLED] = 0
    reached[start, R_ARRIVAL] = ready
    reached[start, R_HOPS] = 0
    reached[start, R_EDGE] = -1
    goal = FAR
    while True:
        place = nearest(net)
        if place < 0:
            return 0
        reached[place, R_SETTLED] = 1
        if place == 0:
            break
        at, hops = reached[place, R_ARRIVAL], reached[place, R_HOPS] + 1
        for edge in range(net.first[place], net.first[place + 1]):
            head, lane = net.edges[edge, E_HEAD], net.edges[edge, E_LANE]
            transit = lanes.lanes[lane, K_TRANSIT]
            bound = at + lanes.lanes[lane, K_CUTOFF]
            left, known = net.left[head], reached[head, R_ARRIVAL]
            least = bound + transit
            if reached[head, R_SETTLED] or least + left > goal or least > known:
                continue
            vehicle = boarded(lanes, lane, bound, weight, volume)
            if vehicle == REFUSED:
                return REFUSED
            if vehicle < 0:
                continue
            arrival = lanes.leaves[vehicle] + transit
            if arrival + left > goal or arrival > known:
                continue
            if arrival == known and (
                hops > reached[head, R_HOPS]
                or (
                    hops == reached[head, R_HOPS]
                    and lane >= net.edges[reached[head, R_EDGE], E_LANE]
                )
            ):
                continue
            reached[head, R_ARRIVAL] = arrival
            reached[head, R_HOPS] = hops
            reached[head, R_EDGE] = edge
            reached[head, R_READY] = at
            reached[head, R_LEAVES] = vehicle
            if head == 0:
                goal = arrival
    return backward(net, lanes)


def backward(net: Net, lanes: Lanes) -> int:
    """Write down the legs to the destination, the last one first; gives how many."""
    place, count = 0, 0
    while net.reached[place, R_EDGE] >= 0:
        edge = net.reached[place, R_EDGE]
        if count == len(lanes.way):
            return REFUSED
        lanes.way[count, W_EDGE] = edge
        lanes.way[count, W_READY] = net.reached[place, R_READY]
        lanes.way[count, W_LEAVES] = net.reached[place, R_LEAVES]
        lanes.way[count, W_ARRIVAL] = net.reached[place, R_ARRIVAL]
        count += 1
        place = net.edges[edge, E_TAIL]
    return count


def timed(
    net: Net, lanes: Lanes, count: int, ready: int, weight: int, volume: int
) -> int:
    """Time the way found by the times that count, on the first departures.

    Gives its arrival; REFUSED: some lane has none in the time that is known.
    """
    at = ready
    for leg in range(count - 1, -1, -1):
        lane = net.edges[lanes.way[leg, W_EDGE], E_LANE]
        bound = at + lanes.lanes[lane, K_CUTOFF]
        place = boarded(lanes, lane, bound, weight, volume)
        if place < 0:
            return REFUSED
        lanes.way[leg, W_READY] = at
        lanes.way[leg, W_LEAVES] = place
        at = lanes.leaves[place] + lanes.timed[lane]
        lanes.way[leg, W_ARRIVAL] = at
    return at


def led(
    net: Net, lanes: Lanes, start: int, ready: int, weight: int, volume: int
) -> int:
    """Find the earliest way, at the times that count; gives what `earliest_way` does.

    It is the earliest as stated; where times are uncertain, these make its dates.
    """
    count = earliest_way(net, lanes, start, ready, weight, volume)
    at = 0
    if count > 0 and lanes.counts[C_TIMED]:
        at = timed(net, lanes, count, ready, weight, volume)
    return REFUSED if at == REFUSED else count


# -------------------------------------------------------------------- shipments
def weight_of(asked: np.ndarray, steps: int) -> int:
    """Weight of a quantity, rounded up [mg]."""
    return -(-steps * asked[A_WEIGHT] // asked[A_WEIGHT_SHARE])


def volume_of(asked: np.ndarray, steps: int) -> int:
    """Volume of a quantity, rounded up [cm3]."""
    return -(-steps * asked[A_VOLUME] // asked[A_VOLUME_SHARE])


def looked(
    net: Net, lanes: Lanes, asked: np.ndarray, start: int, ready: int, steps: int
) -> tuple[int, int]:
    """When a quantity would arrive, and how much its departures take.

    NO_ROOM: there is no way; REFUSED: not known.
    """
    weight, volume = weight_of(asked, steps), volume_of(asked, steps)
    count = led(net, lanes, start, ready, weight, volume)
    if count == REFUSED:
        return REFUSED, 0
    if count == 0:
        return NO_ROOM, 0
    if lanes.counts[C_TIMED]:
        return lanes.way[0, W_ARRIVAL], 0
    room = 0
    if weight > 0 or volume > 0:
        room = FAR
    for leg in range(count):
        lane = net.edges[lanes.way[leg, W_EDGE], E_LANE]
        place = lanes.way[leg, W_LEAVES]
        if weight > 0:
            left = lanes.lanes[lane, K_WEIGHT] - lanes.weights[place]
            room = min(room, left // weight)
        if volume > 0:
            left = lanes.lanes[lane, K_VOLUME] - lanes.volumes[place]
            room = min(room, left // volume)
    return lanes.way[0, W_ARRIVAL], min(room, FAR // steps) * steps


def shipped(
    net: Net, lanes: Lanes, asked: np.ndarray, start: int, ready: int, steps: int
) -> int:
    """Send a quantity together, and take its room; gives the arrival as `looked`."""
    weight, volume = weight_of(asked, steps), volume_of(asked, steps)
    count = led(net, lanes, start, ready, weight, volume)
    if count == REFUSED:
        return REFUSED
    if count == 0:
        return NO_ROOM
    return booked(lanes, asked, steps, count)


def again(net: Net, lanes: Lanes, asked: np.ndarray, ready: int, steps: int) -> int:
    """Send the only shipment by the same lanes at another time; takes its room.

    Gives the arrival, or REFUSED.
    """
    count = lanes.counts[C_LEGS]
    if count > len(lanes.way):
        return REFUSED
    for leg in range(count):
        lanes.way[count - 1 - leg, W_EDGE] = lanes.legs[leg, W_EDGE]
    given_back(lanes)
    weight, volume = weight_of(asked, steps), volume_of(asked, steps)
    if timed(net, lanes, count, ready, weight, volume) == REFUSED:
        return REFUSED
    return booked(lanes, asked, steps, count)


def booked(lanes: Lanes, asked: np.ndarray, steps: int, count: int) -> int:
    """Take the room of the way that was found; gives the arrival, or REFUSED."""
    weight, volume = weight_of(asked, steps), volume_of(asked, steps)
    counts = lanes.counts
    one, first = counts[C_SHIPMENTS], counts[C_LEGS]
    if (
        one == len(lanes.shipments)
        or first + count > len(lanes.legs)
        or counts[C_TAKEN] + count > len(lanes.taken)
    ):
        return REFUSED
    for leg in range(count):
        for column in range(LEG):
            lanes.legs[first + leg, column] = lanes.way[count - 1 - leg, column]
        place = lanes.way[count - 1 - leg, W_LEAVES]
        lanes.weights[place] += weight
        lanes.volumes[place] += volume
        at = counts[C_TAKEN]
        lanes.taken[at, 0] = place
        lanes.taken[at, 1] = weight
        lanes.taken[at, 2] = volume
        counts[C_TAKEN] = at + 1
    lanes.shipments[one, H_STEPS] = steps
    lanes.shipments[one, H_ARRIVAL] = lanes.way[0, W_ARRIVAL]
    lanes.shipments[one, H_LEAVES] = lanes.leaves[lanes.legs[first, W_LEAVES]]
    lanes.shipments[one, H_AGAIN] = 0
    lanes.shipments[one, H_LEG] = first
    lanes.shipments[one, H_LEG_END] = first + count
    counts[C_SHIPMENTS], counts[C_LEGS] = one + 1, first + count
    return lanes.way[0, W_ARRIVAL]


def given_back(lanes: Lanes) -> None:
    """Release the room of all shipments, and forget them."""
    counts = lanes.counts
    for place in range(counts[C_TAKEN]):
        lanes.weights[lanes.taken[place, 0]] -= lanes.taken[place, 1]
        lanes.volumes[lanes.taken[place, 0]] -= lanes.taken[place, 2]
    counts[C_SHIPMENTS] = counts[C_LEGS] = counts[C_TAKEN] = 0


def guess(room: int, like: int, rest: int, tries: int) -> int:
    """Quantity to try: what departures tell, what the last one took, all."""
    if tries < 2:
        return room + tries
    if tries < GUESSES - 1:
        return like + tries - 2
    return rest


def most(
    net: Net,
    lanes: Lanes,
    asked: np.ndarray,
    start: int,
    ready: int,
    rest: int,
    like: int,
) -> int:
    """Most that arrives as early as the least delivery; 0: nothing does.

    `like` is what the departure before took; REFUSED: not known.
    """
    least = max(asked[A_LEAST], 1)
    low, high = min(least, rest), rest + 1
    first, room = looked(net, lanes, asked, start, ready, low)
    if first < 0:
        return 0 if first == NO_ROOM else REFUSED
    low = max(low, min(room, rest))
    tries = 0
    while tries < GUESSES or high - low > 1:
        size = (low + high) // 2
        if tries < GUESSES:
            size = guess(room, like, rest, tries)
        tries += 1
        if not low < size < high:
            continue
        comes, _ = looked(net, lanes, asked, start, ready, size)
        if comes == REFUSED:
            return REFUSED
        if comes == first:
            low = size
        else:
            high = size
    left = rest - low
    if 0 < left < least and low - (least - left) >= least:
        return rest - least
    return low


def over_several(
    net: Net, lanes: Lanes, asked: np.ndarray, start: int, ready: int, steps: int
) -> int:
    """Fill the earliest departures first; gives the last arrival, as `looked`."""
    rest, size, latest = steps, 0, 0
    while rest > 0:
        size = most(net, lanes, asked, start, ready, rest, size)
        if size == REFUSED:
            return REFUSED
        if size <= 0:
            return NO_ROOM
        arrival = shipped(net, lanes, asked, start, ready, size)
        if arrival < 0:
            return arrival
        if rest < steps:
            lanes.shipments[lanes.counts[C_SHIPMENTS] - 1, H_AGAIN] = 1
        latest = max(latest, arrival)
        rest -= size
    return latest


def sent(
    net: Net, lanes: Lanes, asked: np.ndarray, start: int, ready: int, steps: int
) -> int:
    """Send what is ready at a place, in several shipments where that is sooner.

    Gives the last arrival; NO_ROOM: it does not get there; REFUSED: not known.
    """
    lanes.counts[C_FULL] = 0
    whole = shipped(net, lanes, asked, start, ready, steps)
    if not asked[A_SPLIT] or 0 <= whole <= asked[A_DUE]:
        return whole
    if whole < 0:
        return REFUSED
    if not lanes.counts[C_FULL]:
        return whole
    least = min(max(asked[A_LEAST], 1), steps)
    first, _ = looked(net, lanes, asked, start, ready, least)
    if first < 0 or first >= whole:
        return REFUSED if first == REFUSED else whole
    given_back(lanes)
    latest = over_several(net, lanes, asked, start, ready, steps)
    if latest == REFUSED or 0 <= latest < whole:
        return latest
    given_back(lanes)
    return shipped(net, lanes, asked, start, ready, steps)


def in_order(lanes: Lanes) -> None:
    """Sort shipments by arrival; what was sent first stays first."""
    for one in range(1, lanes.counts[C_SHIPMENTS]):
        place = one
        while (
            place > 0
            and lanes.shipments[place - 1, H_ARRIVAL]
            > lanes.shipments[place, H_ARRIVAL]
        ):
            for column in range(SHIPMENT):
                moved = lanes.shipments[place, column]
                lanes.shipments[place, column] = lanes.shipments[place - 1, column]
                lanes.shipments[place - 1, column] = moved
            place -= 1
