"""Place what a search found: purchases as their clocks say, all work as it was found.

First all is as early as can be, for there the causes of what is late are read; then
work is as late as found, and purchases as late as that allows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.orders.causes import Wait
from medhavi.planners.constrained.orders.jobs import Job, Take
from medhavi.planners.constrained.placement.placing import Placing
from medhavi.planners.constrained.search.laying_out import Grouped
from medhavi.planners.constrained.search.mismatch import differ
from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from medhavi.planners.constrained.netting.dating import FeasibleRelease
    from medhavi.planners.constrained.orders.lines import Line
    from medhavi.planners.constrained.placement.sequence import Scene
    from medhavi.planners.constrained.placement.shop import Shop
    from medhavi.planners.constrained.search.laying_out import Layout
    from medhavi.planners.mrp.netting_state.state import Order, SupplyUnit
    from medhavi.providers.sources import Source, Timing


class FoundPlacing(Placing):
    """Places orders where a search found room; purchases as their suppliers deliver.

    Parameters
    ----------
    release, shop, scene
        As of `Placing`; there are no orders yet.
    layout
        What was found; it is laid before anything is placed.
    """

    def __init__(
        self,
        release: FeasibleRelease,
        shop: Shop,
        scene: Scene,
        layout: Layout,
    ) -> None:
        super().__init__(release, shop, scene)
        self._layout = layout
        self._bought: list[_Purchase] = []
        self._place = self._begins = np.empty(0, np.int64)
        self._takers = np.empty(0, np.int64)

    # --- forward -------------------------------------------------------------------
    def forward(self) -> None:
        """Date purchases as early as possible; check the goods of all work.

        Raises
        ------
        MismatchError
            An order would begin before its goods are there.
        """
        layout, release = self._layout, self._release
        plant, orders = layout.model.plant, layout.orders
        self._bought = [
            self._buy_early(order, order.source)
            for order in release.orders
            if order.source is not None and order.source.kind == "buy"
        ]
        item = layout.item
        index = np.array([order.index for order in orders], np.int64)
        self._place = np.full(len(release.orders), -1, np.int64)
        self._place[index] = np.arange(len(index))
        queue = np.array(layout.model.queues, np.int64)[item]
        # A floor of the plant is that of the work; orders begin with their queue.
        floor = layout.model.as_of + plant.floor[item] - queue
        goods = self._goods()[index]
        begins = np.where(goods > ALWAYS, np.maximum(floor, goods - queue), floor)
        if (begins > layout.early.begin - queue).any():
            differ("work begins before its goods are there")
        self._begins = begins

    def _buy_early(self, order: Order, source: Source) -> _Purchase:
        """Date a purchase as early as it can be."""
        soft = max(0, order.need - order.timing.finish)
        # Nothing is limited of what a search knows: the clock alone says when.
        timing = source.clock.earliest(self._release.floor(source), order.steps)
        if timing is None:
            differ(f"{order.source_id} does not deliver")
        _put(order, timing)
        return _Purchase(order, source, soft)

    def _floor(self, order: Order) -> int:
        source = order.source
        return ALWAYS if source is None else self._release.floor(source)

    def _goods(self) -> np.ndarray:
        """When all that an order takes is there, by its index [UTC seconds]."""
        release = self._release
        found = np.full(len(release.orders), ALWAYS, np.int64)
        # What an order needs is registered with it, one need for each line.
        plant, orders = self._layout.model.plant, self._layout.orders
        index = np.array([order.index for order in orders], np.int64)
        lines = np.diff(plant.c_start)[self._layout.item]
        owner = np.full(len(release.needs), -1, np.int64)
        owner[len(owner) - lines.sum() :] = np.repeat(index, lines)
        self._takers = taker = owner[np.array(release.match_need, np.int64)]
        arrives = np.array([unit.arrives for unit in release.units], np.int64)
        ours = taker >= 0
        unit = np.array(release.match_unit, np.int64)
        np.maximum.at(found, taker[ours], arrives[unit[ours]])
        return found

    # --- reasons -------------------------------------------------------------------
    @property
    def by_order(self) -> Mapping[int, Job]:
        """Orders with what they take, by index; each is made when it is asked for."""
        return _Jobs(self._release, self._takers, self._floor)

    def waits(self, job: Job) -> tuple[Wait, ...]:
        """What an order waited for beyond its goods; before anything moves back."""
        layout, place = self._layout, int(self._place[job.order.index])
        if place < 0:
            return ()
        number = int(layout.item[place])
        machine = int(layout.model.plant.machine[number])
        ready = int(self._begins[place]) + layout.model.queues[number]
        begin = int(layout.early.begin[place])
        if machine < 0 or ready == begin:
            return ()
        # A machine of a plant is always open: what keeps work from it is other work.
        name = layout.model.machines[machine]
        return tuple(
            Wait("make", name, max(low, ready), min(high, begin))
            for low, high in self._held(machine, ready, begin)
        )

    def _held(self, machine: int, start: int, finish: int) -> Iterator[tuple[int, int]]:
        """Stretches of found work on a machine that reach into a span."""
        begins, ends = self._busy[machine]
        place = bisect_right(ends, start)
        while place < len(begins) and begins[place] < finish:
            yield begins[place], ends[place]
            place += 1

    @cached_property
    def _busy(self) -> list[tuple[list[int], list[int]]]:
        """Begin and end of each stretch of found work without a gap, by machine."""
        layout = self._layout
        machine, work = layout.model.plant.machine[layout.item], layout.early
        turn = np.lexsort((work.begin, machine))
        machine, begin, end = machine[turn], work.begin[turn], work.end[turn]
        # The work on a machine is never on two orders: it begins and ends in sequence.
        gap = (begin[1:] > end[:-1]) | (machine[1:] != machine[:-1])
        opens, closes = np.r_[True, gap], np.r_[gap, True]
        begins, ends = begin[opens].tolist(), end[closes].tolist()
        count = np.arange(len(layout.model.machines) + 1)
        bounds = np.searchsorted(machine[opens], count).tolist()
        return [(begins[low:high], ends[low:high]) for low, high in pairwise(bounds)]

    # --- backward ------------------------------------------------------------------
    def backward(self, lines: Iterable[Line]) -> None:
        """Date all work as late as found, then purchases as late as that allows."""
        release = self._release
        for order in self._layout.orders:
            (unit,) = order.units
            unit.arrives = unit.available = order.timing.finish
        for need in release.needs:
            taker = need.order
            if taker is not None:
                need.instant = taker.timing.steps[0].start
        taken: dict[int, int] = {}
        for line in lines:
            for part in line.parts:
                if part.unit.order is not None and part.unit.order.kind == "buy":
                    index = part.unit.index
                    taken[index] = min(part.date, taken.get(index, NEVER))
        for purchase in self._bought:
            _buy_late(purchase, taken)


class _Purchase(NamedTuple):
    """A purchase, its source, and its safety time, which is given up first [s]."""

    order: Order
    source: Source
    soft: int


def _buy_late(purchase: _Purchase, taken: Mapping[int, int]) -> None:
    """Date a purchase as late as those that take from it allow."""
    order, source, soft = purchase
    now = order.timing
    limit = min(_wanted(unit, taken) for unit in order.units)
    if limit == NEVER:
        limit = max(order.need, now.finish)
    if limit - soft <= now.finish:
        return
    later = source.clock.latest(limit, order.steps)
    if later is not None and later.finish > now.finish and later.start >= now.start:
        _put(order, later)


def _put(order: Order, timing: Timing) -> None:
    """Write down where an order is, and when its goods are there."""
    order.timing = timing
    for unit in order.units:
        unit.arrives = unit.available = timing.finish


def _wanted(unit: SupplyUnit, taken: Mapping[int, int]) -> int:
    """When a unit is taken first: for a delivery, or by an order."""
    found = taken.get(unit.index, NEVER)
    for need, _ in unit.takers:
        if need.demand == NO_DEMAND:
            found = min(found, need.instant)
    return found


class _Jobs(Mapping[int, Job]):
    """Orders with what they take, made when they are asked for."""

    def __init__(
        self,
        release: FeasibleRelease,
        takers: np.ndarray,
        floor: Callable[[Order], int],
    ) -> None:
        self._release = release
        self._matches = Grouped(takers, len(release.orders))
        self._floor = floor
        self._known: dict[int, Job] = {}

    def __getitem__(self, index: int) -> Job:
        known = self._known.get(index)
        if known is None:
            known = self._known[index] = self._job(self._release.orders[index])
        return known

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return len(self._release.orders)

    def _job(self, order: Order) -> Job:
        release = self._release
        units: dict[int, list[SupplyUnit]] = {}
        for match in self._matches[order.index]:
            unit = release.units[release.match_unit[match]]
            units.setdefault(release.match_need[match], []).append(unit)
        takes = [Take(release.needs[need], found) for need, found in units.items()]
        floor = self._floor(order)
        return Job(order.index, order, takes, floor=floor, placed=True)
