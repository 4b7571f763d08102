"""The machines of a plant, the options that work on them, and when they are open."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from medhavi.planners.kernels.plant_kernels.plant_record import FAR
from medhavi.providers.capacity.axis import ResourceOption, WorkContent
from medhavi.providers.capacity.clocks import Duration
from medhavi.providers.finite_capacity.occupancy import held_capacity
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.constrained.search.found_orders import SearchableRun
    from medhavi.providers.capacity.resources import ResourceClock
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


Row = tuple[int, int, int, int, int]
"""`k_open`, `k_close`, `k_before`, `k_first` and `k_next` of `Plant`."""


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
    family: int = -1
    taken: ResourceOption | None = None


class Standing(NamedTuple):
    """When an existing order is at work on a resource [UTC s], and its family."""

    start: int
    finish: int
    family: str | None


def _standing_work(run: SearchableRun) -> dict[str, list[Standing]]:
    """When existing orders and reservations are on each resource, by start.

    They stand on their dates, as they are stated; where those are gone, the rounds find
    others.
    """
    found: dict[str, list[Standing]] = {}
    for order in run.release.orders:
        if order.kind != "make":
            continue
        if order.timing.start < run.as_of and order.status != "in_process":
            refuse(f"order {order.existing} should have begun")
        for window in order.timing.steps:
            for name, units in window.resources:
                if units != 1.0:
                    refuse(f"order {order.existing} has several units")
                span = Standing(window.start, window.finish, window.family)
                found.setdefault(name, []).append(span)
    own = {demand.demand for demand in run.intake.demands}
    capacity, holds = run.providers.capacity, run.providers.reservations.capacity
    for work in held_capacity(holds, capacity, own):
        for window in work.windows:
            for name, units in window.resources:
                if units != 1.0:
                    refuse(f"several units of {name} are reserved")
                span = Standing(window.start, window.finish, window.family)
                found.setdefault(name, []).append(span)
    return {
        name: sorted(spans, key=lambda one: one[:2]) for name, spans in found.items()
    }


def _cut(
    spans: Sequence[tuple[int, int]], busy: Sequence[Standing]
) -> tuple[list[tuple[int, int]], list[int]]:
    """Open spans without the busy ones, and the places before which busy time lies."""
    found: list[tuple[int, int]] = []
    walls: list[int] = []
    waiting = deque(busy)
    for low, high in spans:
        moment = low
        while waiting and waiting[0].start < high:
            begin, end, _ = waiting[0]
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


def open_rows(
    spans: Sequence[tuple[int, int]], walls: Sequence[int], first: int, zero: int
) -> list[Row]:
    """Rows of the open spans of a calendar.

    Parameters
    ----------
    spans
        In order of time, from -`FAR` to `FAR` [UTC s].
    walls
        Places before which busy time lies.
    first
        How many rows of other calendars come before.
    zero
        Instant from which rows count [UTC s].
    """
    rows: list[Row] = []
    before = -FAR
    bounds = [0, *walls, len(spans)]
    for place, (low, high) in enumerate(spans):
        opens = low if low == -FAR else low - zero
        closes = high if high == FAR else high - zero
        piece = bisect_right(bounds, place)
        since, until = first + bounds[piece - 1], first + bounds[piece]
        rows.append((opens, closes, before, since, until))
        before += closes - opens
    return rows


def columns_of(rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """Windows of calendars in columns. Shapes (n_rows,), int64."""
    columns = np.array(rows, np.int64).reshape(-1, 5).T
    names = ("k_open", "k_close", "k_before", "k_first", "k_next")
    named = zip(names, columns, strict=True)
    return {name: column.copy() for name, column in named}


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
        self._families: dict[str, int] = {}
        self._matrices: dict[str, int] = {}
        self._changing: dict[int, ResourceClock] = {}
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
            name = finite[0][0]
            option.machine = self._number(*finite[0])
            if option.machine in self._changing:
                option.family = self._family(node.family)
                closes = not taken.axis.working.always_open
                if option.whole and closes and option.family >= 0:
                    refuse(f"{routing} changes over and must not pause")
            else:
                busy = name if name in self._standing else ""
        option.calendar = self._calendar(taken.axis.working, busy)
        return option

    def _family(self, name: str | None) -> int:
        """Number of a set-up family; -1: none."""
        if name is None:
            return -1
        return self._families.setdefault(name, len(self._families))

    def blocks(self) -> list[tuple[tuple[int, int], Option]]:
        """What stands on machines with changeovers, by machine and start.

        Of each block its begin and end [s since now], and the option that it is like.
        The first one of a machine is for what it is set up now.

        Raises
        ------
        UnfitError
            Work that stands there has no family.
        """
        found: list[tuple[tuple[int, int], Option]] = []
        states = self._run.providers.changeovers.states
        for machine, clock in self._changing.items():
            calendar = self._calendar(clock.working, "")

            spans: list[tuple[tuple[int, int], str]] = []
            if clock.resource in states:
                spans.append(((-FAR, 0), states[clock.resource]))
            for span in self._standing.get(clock.resource, ()):
                if span.family is None:
                    refuse(f"an existing order on {clock.resource} has no family")
                begin, end = span.start - self._as_of, span.finish - self._as_of
                if end > begin:
                    spans.append(((begin, end), span.family))
            for instants, name in spans:
                family = self._family(name)
                like = Option(machine=machine, calendar=calendar, family=family)
                found.append((instants, like))
        return found

    def changes(self) -> dict[str, np.ndarray]:
        """Changeover times of all matrices between all families, as of `Plant`."""
        seconds = self._run.providers.changeovers.seconds
        size = len(self._families)
        tables = [
            [
                [seconds(matrix, before, after) for after in self._families]
                for before in self._families
            ]
            for matrix in self._matrices
        ]
        first = [-1] * len(self.numbers)
        for machine, clock in self._changing.items():
            first[machine] = self._matrices[clock.matrix or ""] * size * size
        return {
            "m_change": np.array(first, np.int64),
            "f_change": np.array(tables, np.int64).reshape(-1),
            "f_size": np.array([size], np.int64),
        }

    def _calendar(self, working: WorkingTime, busy: str) -> int:
        """Number of an open time, less the work that stands on a machine."""
        if working.always_open and not busy:
            return -1
        key = id(working), busy
        return self.calendars.setdefault(key, (len(self.calendars), working))[0]

    def windows(self, last: int) -> dict[str, np.ndarray]:
        """Open windows of all calendars, for due dates up to a last one [UTC s]."""
        begin, end = self._as_of - KNOWN_BEFORE, max(last, self._as_of) + KNOWN_AFTER
        rows: list[Row] = []
        start = [0]
        for (_, busy), (_, working) in self.calendars.items():
            # Beyond what is known all counts as open; the clocks refuse what is there.
            spans = [(-FAR, begin), *working.segments(begin, end), (end, FAR)]
            found, walls = _cut(spans, self._standing.get(busy, ()))
            rows += open_rows(found, walls, len(rows), self._as_of)
            start.append(len(rows))
        return {"k_start": np.array(start, np.int64), **columns_of(rows)}

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
        if any(one.finish > other.start for one, other in pairwise(standing)):
            refuse(f"existing orders are on {name} at a time")
        if clock.matrix is not None:
            if there > 1:
                refuse(f"{name} has several units and is changed over")
            self._matrices.setdefault(clock.matrix, len(self._matrices))
            self._changing[len(self.numbers)] = clock
        self.units.append(int(there))
        spans = [(one.start, one.finish) for one in standing]
        self.stops.append((*clock.stops, *spans))
        return self.numbers.setdefault(name, len(self.numbers))
