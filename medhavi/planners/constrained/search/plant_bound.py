"""What no plan of a plant can beat: by chains, and by the time of its machines.

A demand that is late by its chain is so in any plan; of the others, those count that
machines have no time for (see `capacity_bound`). Work is what a demand needs of all
items below it, by shares of grains and without lots; all stock that there is counts as
time of every machine that it might relieve.

For orders of any size from the least lot on, split as one likes: n units are not
through before the first lot of them could begin and all work is done, nor before the
components of all are there and the last lot is made.
"""

from __future__ import annotations

import math
from itertools import chain as chained
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.bounds import Claim, capacity_bound
from medhavi.planners.constrained.search.construction import calendars_of, opened
from medhavi.planners.kernels.plant_kernels.plant_record import begin_from, end_from
from medhavi.planners.run_limits import answered
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Generator

    from medhavi.planners.kernels.plant_kernels.plant_record import Plant

    Asked = tuple[int, int]
    Steps = Generator[Asked, int, int]


def earliest_finishes(plant: Plant) -> list[int]:
    """Earliest instant at which each demand could be served [s].

    Parameters
    ----------
    plant
        Items in order, consumers first; arrays of numpy.
    """
    chain = Chain(plant)
    return [
        chain.there(int(item), int(qty))
        for item, qty in zip(plant.d_item, plant.d_qty, strict=True)
    ]


class Chain:
    """What a plant can do when it has one thing to do, with all the stock.

    Parameters
    ----------
    plant
        Items in order, consumers first; arrays of numpy.
    """

    def __init__(self, plant: Plant) -> None:
        self._known: dict[tuple[int, int], int] = {}
        self._begun: dict[int, int] = {}
        names = ("grain", "least", "floor", "post", "lead")
        self._plant = plant
        self._closes = (plant.calendar >= 0).tolist()
        starts = plant.x_start.tolist()
        self._options = [range(low, high) for low, high in pairwise(starts)]
        self._times = list(
            zip(*(getattr(plant, n).tolist() for n in TIMES), strict=True)
        )
        columns = [getattr(plant, name).tolist() for name in names]
        self._items = list(zip(*columns, stood(plant).tolist(), strict=True))
        machine, units = plant.machine.tolist(), np.diff(plant.m_lane).tolist()
        where = [{machine[option] for option in own} for own in self._options]
        self._units = [
            0 if -1 in several else sum(units[one] for one in several)
            for several in where
        ]
        """Units of machines that may work on each item; 0: it needs none."""
        lines = list(zip(plant.c_item.tolist(), plant.c_qty.tolist(), strict=True))
        starts = plant.c_start.tolist()
        self._lines = [lines[low:high] for low, high in pairwise(starts)]

    def begins(self, item: int) -> int:
        """Earliest instant at which work on an item could begin [s]."""
        return answered(self._begins(item), self._there)

    def _begins(self, item: int) -> Steps:
        found = self._begun.get(item)
        if found is None:
            grain, least, floor, _, _, _ = self._items[item]
            small = -(-least // grain)
            found = int(floor)
            for part, per in self._lines[item]:
                found = max(found, (yield part, small * per))
            found = min(self._opens(option, found) for option in self._options[item])
            self._begun[item] = found
        return found

    def _opens(self, option: int, time: int) -> int:
        """Earliest begin of work by an option [s]."""
        if not self._closes[option]:
            return time
        return int(begin_from(self._plant, option, time, 0))

    def _through(self, item: int, begin: int, grains: int) -> int:
        """When so many grains are made that are begun from an instant on [s]."""
        return min(
            self._worked(option, begin, grains) for option in self._options[item]
        )

    def _worked(self, option: int, begin: int, grains: int) -> int:
        fixed, rate, scale = self._times[option]
        length: int = -(-(fixed + grains * rate) // scale)
        begin = self._opens(option, begin)
        if not self._closes[option]:
            return begin + length
        return int(end_from(self._plant, option, begin, length))

    def there(self, item: int, qty: int) -> int:
        """Earliest instant at which so much of an item could be there [s]."""
        return answered(self._there((item, qty)), self._there)

    def _there(self, asked: Asked) -> Steps:
        item, qty = asked
        grain, least, floor, post, lead, stock = self._items[item]
        if qty <= stock:
            return 0
        if lead >= 0:
            return int(lead)
        known = self._known.get((item, qty))
        if known is not None:
            return known
        grains = -(-max(qty - stock, least) // grain)
        small = -(-least // grain)
        found = int(floor)
        for part, per in self._lines[item]:
            found = max(found, (yield part, grains * per))
        found = self._through(item, found, small)
        if self._units[item]:
            begin = yield from self._begins(item)
            # One unit at least makes its share of all that is made.
            share = -(-grains // self._units[item])
            found = max(found, self._through(item, begin, share))
        self._known[item, qty] = found = int(found + post)
        return found


TIMES = ("fixed", "rate", "scale")
SAFE = 1e-9
"""Share by which work is counted low, and stock high: floats are not exact."""


def stood(plant: Plant) -> np.ndarray:
    """How much stands of each item, as if all were there now. Shape (n_items,)."""
    found = np.zeros(len(plant.order), np.int64)
    np.add.at(found, plant.s_item, plant.s_qty)
    return found


class Least(NamedTuple):
    """Weighted lateness of any plan at least [days], and how many demands are late.

    `by_chain` are late whatever else is made, `by_capacity` more for lack of time.
    """

    days: float
    by_chain: int
    by_capacity: int

    @property
    def late(self) -> int:
        """How many demands are late in any plan."""
        return self.by_chain + self.by_capacity


def least_of(plant: Plant) -> Least:
    """Bound what any plan of a plant can reach.

    Parameters
    ----------
    plant
        Items in order, consumers first; arrays of numpy.
    """
    chain = Chain(plant)
    base = int(plant.base[0])
    total, chained = 0, 0
    free: list[int] = []
    lines = zip(
        plant.d_item.tolist(),
        plant.d_qty.tolist(),
        plant.d_due.tolist(),
        plant.d_weight.tolist(),
        strict=True,
    )
    for demand, (item, qty, due, weight) in enumerate(lines):
        late = chain.there(item, qty) - due
        if late > 0:
            chained += 1
            total += weight * (base + late)
        else:
            free.append(demand)
    costs = (plant.d_weight * base).tolist()
    bound = capacity_bound(claims_of(plant, chain, free), costs)
    return Least((total + bound.cost) / 100 / DAY, chained, bound.late)


def claims_of(plant: Plant, chain: Chain, demands: list[int]) -> list[list[Claim]]:
    """What demands claim of each group of machines until they must be served.

    Machines that may work on the same item are a group.

    Parameters
    ----------
    plant, chain
        The plant; what it can do when it has nothing else to do.
    demands
        Those that count.

    Returns
    -------
    list of list of Claim
        By group; none where all its claims fit, for it makes nothing late.
    """
    groups, of = _groups(plant)
    loads = _loads(plant, of)
    first = [1 << 60] * len(groups)
    spared = [0.0] * len(groups)
    items = zip(of, stood(plant).tolist(), plant.lead.tolist(), strict=True)
    for item, (own, stock, lead) in enumerate(items):
        if own >= 0:
            first[own] = min(first[own], chain.begins(item))
        if stock and lead < 0:
            for group, (share, _) in loads[item].items():
                spared[group] += stock * share
    begins = np.array(first, np.int64)
    extra = np.array([math.ceil(one * (1 + SAFE)) for one in spared], np.int64)
    who = np.array(demands, np.int64)
    each, where, work, tail = _claimed(loads, plant.d_item[who])
    who = who[each]
    until = plant.d_due[who] - tail
    budget = extra[where]
    calendars = calendars_of(plant, len(plant.m_lane) - 1)
    units = np.diff(plant.m_lane).tolist()
    for group, members in enumerate(groups):
        own = where == group
        if not own.any():
            continue
        for machine in members:
            calendar = calendars[machine]
            since = opened(plant, calendar, begins[group : group + 1])
            there = opened(plant, calendar, until[own]) - since
            budget[own] += np.maximum(0, there) * units[machine]
    needed = np.floor(plant.d_qty[who] * work * (1 - SAFE)).astype(np.int64)
    # Numbers of two bytes are sorted by their digits, far faster than others.
    short = np.min_scalar_type(len(groups))
    order = np.argsort(where.astype(short), kind="stable")
    claims: list[list[Claim]] = [[] for _ in groups]
    ends = np.searchsorted(where[order], np.arange(len(groups) + 1))
    for group, (low, high) in enumerate(pairwise(ends.tolist())):
        own_claims = order[low:high]
        own_claims = own_claims[np.argsort(budget[own_claims], kind="stable")]
        # Who is served by earliest budget fits wherever anybody does (Jackson 1955).
        if (np.cumsum(needed[own_claims]) > budget[own_claims]).any():
            columns = (budget, needed, who)
            rows = zip(*(one[own_claims].tolist() for one in columns), strict=True)
            claims[group] = [Claim(*row) for row in rows]
    return claims


def _claimed(
    loads: list[dict[int, tuple[float, int]]], items: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """List the loads of items, item after item, each as often as it is there.

    Returns
    -------
    each, group, work, tail
        Place among the items; group of machines, work, least time after it. (n_loads,).
    """
    found, turn = np.unique(items, return_inverse=True)
    known = [loads[item] for item in found.tolist()]
    counts = np.array([len(load) for load in known], np.int64)
    starts, times = np.cumsum(counts) - counts, counts[turn]
    each = np.repeat(np.arange(len(items)), times)
    inside = np.arange(len(each)) - np.repeat(np.cumsum(times) - times, times)
    line = np.repeat(starts[turn], times) + inside
    where = np.fromiter(chained.from_iterable(known), np.int64, counts.sum())
    shares = [one for load in known for one in load.values()]
    work = np.array([one for one, _ in shares], np.float64)
    tail = np.array([one for _, one in shares], np.int64)
    return each, where[line], work[line], tail[line]


def _groups(plant: Plant) -> tuple[list[list[int]], list[int]]:
    """Machines by group; and the group of each item, -1 where it needs no machine."""
    above = list(range(len(plant.m_lane) - 1))

    def top(machine: int) -> int:
        while above[machine] != machine:
            machine = above[machine]
        return machine

    several = [
        set(plant.machine[low:high].tolist())
        for low, high in pairwise(plant.x_start.tolist())
    ]
    for machines in several:
        least = min((top(one) for one in machines if one >= 0), default=-1)
        for machine in machines - {-1}:
            above[top(machine)] = least
    tops = [top(machine) for machine in range(len(above))]
    number = {one: place for place, one in enumerate(sorted(set(tops)))}
    groups: list[list[int]] = [[] for _ in number]
    for machine, one in enumerate(tops):
        groups[number[one]].append(machine)
    of = [-1 if -1 in one else number[tops[min(one)]] for one in several]
    return groups, of


def _loads(plant: Plant, of: list[int]) -> list[dict[int, tuple[float, int]]]:
    """Work of an item and all below it on each group of machines.

    Per group: seconds per step, and the least time from the end of such work to the
    arrival of the item [s].
    """
    loads: list[dict[int, tuple[float, int]]] = [{} for _ in plant.order]
    starts = plant.c_start.tolist()
    parts, amounts = plant.c_item.tolist(), plant.c_qty.tolist()
    names = ("grain", "least", "post", "lead")
    items = list(zip(*(getattr(plant, n).tolist() for n in names), strict=True))
    times = list(zip(*(getattr(plant, n).tolist() for n in TIMES), strict=True))
    options = plant.x_start.tolist()
    for item in range(len(loads) - 1, -1, -1):
        grain, least, post, lead = items[item]
        if lead >= 0:
            continue
        load, small = loads[item], -(-least // grain)
        ways = times[options[item] : options[item + 1]]
        shortest = min((fixed + small * rate) // scale for fixed, rate, scale in ways)
        if of[item] >= 0:
            quickest = min(rate / scale / grain for _, rate, scale in ways)
            load[of[item]] = (quickest, post)
        for line in range(starts[item], starts[item + 1]):
            share = amounts[line] / grain
            for group, (work, tail) in loads[parts[line]].items():
                before, shorter = load.get(group, (0.0, 1 << 60))
                load[group] = (
                    before + share * work,
                    min(shorter, tail + shortest + post),
                )
    return loads
