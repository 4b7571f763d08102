"""The machines of a plant, the options that work on them, and when they are open."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from medhavi.planners.kernels.plant_kernels.plant_record import FAR
from medhavi.providers.capacity.axis import ResourceOption, WorkContent
from medhavi.providers.capacity.clocks import Duration
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.constrained.search.found_orders import SearchableRun
    from medhavi.providers.capacity.schedule import RoutingTask
    from medhavi.snapshot.calendars.calendars import WorkingTime


PROBES = (1, 2, 3, 7, 1000, 1_000_000)
"""Sizes at which a length is compared with what the kernels count [grains]."""
FINEST = 10_000
"""Largest denominator of a time that is not whole seconds at any size: 64 bits hold it
times any size."""
KNOWN_BEFORE = 60 * DAY
KNOWN_AFTER = 1200 * DAY
"""Open time is known from so long before now to so long after the last due date [s]."""


class UnfitError(Exception):
    """What keeps a run from the search, in words."""


def refuse(why: str) -> NoReturn:
    """Fail: a run is more than a plant can say.

    Raises
    ------
    UnfitError
        Always.
    """
    raise UnfitError(why)


@dataclass(slots=True)
class Option:
    """One way to do the work of an item, as `Plant` has it; `taken` are its resources.

    What is bought has one that says nothing.
    """

    machine: int = -1
    fixed: int = 0
    rate: int = 0
    scale: int = 1
    calendar: int = -1
    whole: int = 0
    taken: ResourceOption | None = None


def _standing_work(run: SearchableRun) -> dict[str, list[tuple[int, int]]]:
    """When existing orders are at work on each resource, by start [UTC s].

    They stand on their dates, as they are stated; where those are gone, the rounds find
    others.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for order in run.release.orders:
        if order.kind != "make":
            continue
        if order.timing.start < run.as_of and order.status != "in_process":
            refuse(f"order {order.existing} should have begun")
        for window in order.timing.steps:
            for name, units in window.resources:
                if units != 1.0 or window.family is not None:
                    refuse(f"order {order.existing} has a family or several units")
                found.setdefault(name, []).append((window.start, window.finish))
    return {name: sorted(spans) for name, spans in found.items()}


def _cut(
    spans: Sequence[tuple[int, int]], busy: Sequence[tuple[int, int]]
) -> tuple[list[tuple[int, int]], list[int]]:
    """Open spans without the busy ones, and the places before which busy time lies."""
    found: list[tuple[int, int]] = []
    walls: list[int] = []
    waiting = deque(sorted(busy))
    for low, high in spans:
        moment = low
        while waiting and waiting[0][0] < high:
            begin, end = waiting[0]
            if begin > moment:
                found.append((moment, begin))
            if found and (not walls or walls[-1] < len(found)):
                walls.append(len(found))
            moment = max(moment, min(end, high))
            if end > high:
                break
            waiting.popleft()
        if moment < high:
            found.append((moment, high))
    return found, walls


def _linear(length: Duration, grain: int, routing: str) -> tuple[int, int, int]:
    """Fixed time, rate and scale in small numbers [s, s per grain, times scale]."""
    stated = [length.length(grains * grain) for grains in PROBES]
    rate = stated[1] - stated[0]
    fixed = stated[0] - rate
    if stated == [fixed + grains * rate for grains in PROBES]:
        return fixed, rate, 1
    first, each = (
        Fraction(number, length.scale).limit_denominator(FINEST)
        for number in (length.fixed, length.rate * grain)
    )
    scale = lcm(first.denominator, each.denominator)
    fixed, rate = int(first * scale), int(each * scale)
    # Minutes with very many decimals may differ at a size that no order has. Those of a
    # fraction that was rounded up are a trifle more than it: half of the next one.
    for found in ((fixed, rate, scale), (2 * fixed + 1, 2 * rate, 2 * scale)):
        fixed, rate, scale = found
        lengths = [-(-(fixed + grains * rate) // scale) for grains in PROBES[:-1]]
        if lengths == stated[:-1]:
            return found
    refuse(f"{routing} has no steady length")


def large_cost(task: RoutingTask, option: ResourceOption) -> float:
    """Cost of a large order by an option."""
    work = WorkContent(option.setup, task.run(PROBES[-1]))
    seconds = (work.setup + work.run) / (option.axis.steady or 1)
    return option.cost_per_hour * float(seconds)


class Machines:
    """Machines that options name, in the order in which they are met.

    Parameters
    ----------
    run
        A run that is built and not netted yet.

    Attributes
    ----------
    numbers, units, stops
        Of each machine its number, how many units it has, and when it is down or at
        work that stands [UTC s].
    calendars
        Number and open time, by the identity of the time and the machine whose work
        that stands is left out ("": none).
    """

    def __init__(self, run: SearchableRun) -> None:
        self._run = run
        self._as_of = run.as_of
        self.numbers: dict[str, int] = {}
        self.units: list[int] = []
        self.stops: list[tuple[tuple[int, int], ...]] = []
        self.calendars: dict[tuple[int, str], tuple[int, WorkingTime]] = {}
        resources = run.snapshot["resources"]
        self._rows = {row["resource"]: row for row in resources.iter_rows(named=True)}
        self._standing = _standing_work(run)

    def option(
        self, grain: int, routing: str, task: RoutingTask, taken: ResourceOption
    ) -> Option:
        """Read what an option does to a number of grains of so many steps.

        Raises
        ------
        UnfitError
            It is more than a plant can say.
        """
        node = task.node
        if taken.axis.steady is None:
            refuse(f"{routing} has a pace that changes")
        option = Option(whole=int(not node.splittable), taken=taken)
        length = Duration.of(node, taken, task.fixed, task.rate)
        option.fixed, option.rate, option.scale = _linear(length, grain, routing)
        finite = [
            (name, units)
            for name, units in taken.resources
            if self._rows[name]["finite"]
        ]
        if len(finite) > 1:
            refuse(f"{routing} needs several machines")
        busy = ""
        if finite and option.fixed + option.rate > 0:
            option.machine = self._number(*finite[0])
            busy = finite[0][0] if finite[0][0] in self._standing else ""
        option.calendar = self._calendar(taken.axis.working, busy)
        return option

    def _calendar(self, working: WorkingTime, busy: str) -> int:
        """Number of an open time, less the work that stands on a machine."""
        if working.always_open and not busy:
            return -1
        key = id(working), busy
        return self.calendars.setdefault(key, (len(self.calendars), working))[0]

    def windows(self, last: int) -> dict[str, np.ndarray]:
        """Open windows of all calendars, for due dates up to a last one [UTC s]."""
        begin, end = self._as_of - KNOWN_BEFORE, max(last, self._as_of) + KNOWN_AFTER
        rows: list[tuple[int, ...]] = []
        start = [0]
        for (_, busy), (_, working) in self.calendars.items():
            # Beyond what is known all counts as open; the clocks refuse what is there.
            spans = [(-FAR, begin), *working.segments(begin, end), (end, FAR)]
            found, walls = _cut(spans, self._standing.get(busy, ()))
            before, first = -FAR, len(rows)
            bounds = [0, *walls, len(found)]
            for place, (low, high) in enumerate(found):
                opens = low if low == -FAR else low - self._as_of
                closes = high if high == FAR else high - self._as_of
                piece = bisect_right(bounds, place)
                since, until = first + bounds[piece - 1], first + bounds[piece]
                rows.append((opens, closes, before, since, until))
                before += closes - opens
            start.append(len(rows))
        columns = np.array(rows, np.int64).reshape(-1, 5).T
        names = ("k_open", "k_close", "k_before", "k_first", "k_next")
        named = zip(names, columns, strict=True)
        return {
            "k_start": np.array(start, np.int64),
            **{name: column.copy() for name, column in named},
        }

    def _number(self, name: str, units: float) -> int:
        known = self.numbers.get(name)
        if known is not None and units == 1.0:
            return known
        row = self._rows[name]
        clock = self._run.providers.capacity.resource(name)
        there = clock.constant
        if there is None and max(level[2] for level in clock.levels) <= 1.0:
            # Where its one unit is not there, it is closed.
            there = 1.0
        if there is None or there % 1 or units != 1.0:
            refuse(f"{name} has units that change, or that work together")
        if row["bucket"] is not None or row["max_early_days"] is not None:
            refuse(f"{name} is counted in buckets, or must not be early")
        standing = self._standing.get(name, ())
        if standing and there > 1:
            refuse(f"{name} has several units and orders to make that exist")
        if any(one[1] > other[0] for one, other in pairwise(standing)):
            refuse(f"existing orders are on {name} at a time")
        self.units.append(int(there))
        self.stops.append((*clock.stops, *standing))
        return self.numbers.setdefault(name, len(self.numbers))
