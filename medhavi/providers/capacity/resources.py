"""Resources: working time, units and efficiency over time, pools and skills.

Withheld time is the last part of each opening, so that work never runs there and what
is urgent still can (requirement CAP-10). Expected stops make work slower instead: when
they come is not known (CAP-20).
"""

from __future__ import annotations

from collections import defaultdict
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.table_rows import validity
from medhavi.snapshot.calendars.calendars import WorkingTime
from medhavi.snapshot.calendars.intervals import (
    CachedIntervals,
    combine,
    remaining,
    union,
    whole_units,
)
from medhavi.units import ALWAYS, DAY, NEVER, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from medhavi.providers import Providers
    from medhavi.providers.lead_times import Quantiles
    from medhavi.providers.table_rows import Row, TableRows
    from medhavi.snapshot.calendars.calendars import Calendars
    from medhavi.snapshot.calendars.intervals import Interval


MOST_STOPPED = Fraction(99, 100)
"""However long a resource is expected to stand, so much of its pace is lost at most."""
HOURS_A_DAY = 24


class WithheldCapacity(NamedTuple):
    """What work leaves free.

    Parameters
    ----------
    kept
        Resource and withheld share of its time, sorted.
    stopped
        Resource and the share of its time in which it is expected to stand, sorted.
    factors
        Routing and step, and how much longer than stated its run takes, sorted.
    """

    kept: tuple[tuple[str, float], ...] = ()
    stopped: tuple[tuple[str, Fraction], ...] = ()
    factors: tuple[tuple[tuple[str, int], Fraction], ...] = ()


def stopped_share(hours: float) -> Fraction:
    """Share of time that is lost where so many of 24 hours are.

    >>> stopped_share(6.0)
    Fraction(1, 4)
    """
    return min(max(exact(hours) / HOURS_A_DAY, Fraction(0)), MOST_STOPPED)


def leaving(working: WorkingTime, share: float) -> WorkingTime:
    """Close the last part of each opening.

    Parameters
    ----------
    working
        Open time.
    share
        Withheld share of an opening; one that is longer than a day counts by UTC days.
        The part is rounded down to the second.

    Examples
    --------
    >>> from medhavi.snapshot.calendars.calendars import ALWAYS_OPEN
    >>> leaving(ALWAYS_OPEN, 0.25).segments(0, 2 * 86400)
    [(0, 64800), (86400, 151200)]
    """
    part = exact(share)
    return _closing(working, lambda _: part)


def slowed(
    working: WorkingTime, paces: Sequence[tuple[int, int, Fraction]]
) -> WorkingTime:
    """Open time in which work at the fastest pace gets on as at all paces, by the day.

    While another pace holds, the last part of each opening is closed.

    >>> from medhavi.snapshot.calendars.calendars import ALWAYS_OPEN
    >>> paces = [(ALWAYS, 86400, Fraction(1, 2)), (86400, NEVER, Fraction(1))]
    >>> slowed(ALWAYS_OPEN, paces).segments(0, 3 * 86400)
    [(0, 43200), (86400, 259200)]
    """
    fastest = max(pace for *_, pace in paces)

    def lost(instant: int) -> Fraction:
        now = next(pace for begin, end, pace in paces if begin <= instant < end)
        return 1 - now / fastest

    return _closing(working, lost)


def _closing(working: WorkingTime, part: Callable[[int], Fraction]) -> WorkingTime:
    """Close the last part of each opening, that of where it begins."""

    def produce(start: int, finish: int) -> list[Interval]:
        closed = [
            (end - int((end - begin) * part(begin)), end, 0.0)
            for begin, end in _openings(working, start, finish)
        ]
        inside = [
            (max(begin, start), min(end, finish), none)
            for begin, end, none in closed
            if begin < end and begin < finish and end > start
        ]
        return combine(working.shares(start, finish), inside, remaining)

    return working.intersect(WorkingTime(CachedIntervals(produce), working.zone))


def _openings(
    working: WorkingTime, start: int, finish: int
) -> Iterator[tuple[int, int]]:
    """Openings that reach into a window whole; long ones by UTC days.

    Two days more are read on either side: an opening that goes on beyond them is long.
    """
    pieces = working.shares(start - 2 * DAY, finish + 2 * DAY)
    for begin, end, _ in union([piece[:2] for piece in pieces], 1.0):
        if end <= start or begin >= finish:
            continue
        if end - begin <= DAY:
            yield begin, end
            continue
        day = max(begin, start - DAY) // DAY * DAY
        while day < min(end, finish):
            yield max(begin, day), min(end, day + DAY)
            day += DAY


class CapacityReserves(NamedTuple):
    """Resources that cannot be promised whole.

    Parameters
    ----------
    withheld
        Share of its time that a resource withholds.
    stops
        Hours of 24 in which a resource is expected to stand (CAP-20).
    factors
        How much longer than stated a step takes, by routing and step (RTG-07).
    yields
        Learned good shares of steps; the routings have them in already (RTG-07).
    """

    withheld: Mapping[str, float]
    stops: Mapping[str, Quantiles]
    factors: Mapping[tuple[str, int], Quantiles]
    yields: Mapping[tuple[str, int], Quantiles]


def reserves_of(providers: Providers) -> CapacityReserves:
    """Collect what the tables withhold and what models expect."""
    capacity = providers.capacity
    found = {name: providers.lead_times.downtime(name) for name in capacity.resources}
    stops = {name: one for name, one in found.items() if one is not None and one.p95}
    times = providers.lead_times
    return CapacityReserves(
        capacity.withheld, stops, times.step_factors(), times.step_yields()
    )


Level = tuple[int, int, float]
"""Half-open `[start, finish)` and the units in it; levels cover all time."""
EVER: tuple[int, int] = (ALWAYS, NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceClock:
    """What a resource offers over time.

    Parameters
    ----------
    finite
        False: loads are reported, never a limit.
    bucket
        `day`, `week` or `month`: counted in hours per bucket; `None`: by the minute.
    cost_per_hour
        While occupied, in base currency.
    working
        Open time: its calendar, its location's, no cleaning, not where it cannot work.
    levels
        Units by time.
    paces
        Efficiency by time; 1 where it cannot work, because `working` is closed there.
    whole
        No shift and no exception works a share of the units.
    matrix
        Changeover matrix; `None`: its set-up does not depend on the sequence.
    stops
        Half-open windows in which a disruption leaves fewer units.
    """

    resource: str
    finite: bool
    bucket: str | None
    cost_per_hour: float
    working: WorkingTime
    levels: tuple[Level, ...]
    paces: tuple[tuple[int, int, Fraction], ...]
    whole: bool = True
    matrix: str | None = None
    stops: tuple[tuple[int, int], ...] = ()

    @property
    def constant(self) -> float | None:
        """Units at work whenever it is open; `None`: they change."""
        if self.whole and len(self.levels) == 1:
            return self.levels[0][2]
        return None

    def units(self, start: int, finish: int) -> list[Level]:
        """List the open stretches of `[start, finish)` with the units at work.

        Rule 17: a share cuts units down to whole ones.
        """
        found: list[Level] = []
        for lower, upper, units in self.levels:
            inside = self.working.shares(max(start, lower), min(finish, upper))
            found += [
                (begin, end, units if share == 1 else whole_units(units, share))
                for begin, end, share in inside
            ]
        return found

    def available(self, start: int, finish: int) -> float:
        """Count unit-seconds on offer in `[start, finish)` (rule 17).

        A share cuts units down to whole ones; a bucket resource has a share of hours.
        """
        if self.working.always_open and len(self.levels) == 1:
            return self.levels[0][2] * max(finish - start, 0)
        total = 0.0
        for lower, upper, units in self.levels:
            window = max(start, lower), min(finish, upper)
            for begin, end, share in self.working.shares(*window):
                if share == 1 or self.bucket is not None:
                    total += units * share * (end - begin)
                else:
                    total += whole_units(units, share) * (end - begin)
        return total


class Resources:
    """All resources of a snapshot by id, compiled when asked for.

    Parameters
    ----------
    tables
        `resources`, `resource_units`, `resource_skills`, `cleaning_windows`,
        `locations`.
    calendars
        Working time by calendar.
    infinite
        A skill that no member of a pool ever has limits nothing.
    finite
        Units limit: time in which fewer are at work than a step needs is closed to it,
        and disruptions take units away (rule 20; table `disruptions` is read).
    """

    def __init__(
        self,
        tables: Mapping[str, TableRows],
        calendars: Calendars,
        *,
        infinite: bool = False,
        finite: bool = False,
    ) -> None:
        self._calendars = calendars
        self._infinite = infinite
        self._kept: Mapping[str, float] = {}
        self._stopped: Mapping[str, Fraction] = {}
        self._finite = finite
        self._down: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
        if finite:
            for row in tables["disruptions"]:
                if row["kind"] == "resource_down" and row["severity"]:
                    self._down[row["subject"]].append((*validity(row), row["severity"]))
        self._rows: dict[str, Row] = {
            row["resource"]: row for row in tables["resources"]
        }
        self._places = {row["location"]: row["calendar"] for row in tables["locations"]}
        self._units = _grouped(tables["resource_units"])
        self._cleaning = _grouped(tables["cleaning_windows"])
        self._skills: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in tables["resource_skills"]:
            self._skills[row["resource"], row["skill"]].append(row)
        self._pools: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self._rows):
            pool = self._rows[name]["pool"]
            if pool is not None and pool != name:
                self._pools[pool].append(name)
        self._known: dict[str, ResourceClock] = {}
        self._met: dict[tuple[int, int], WorkingTime] = {}
        self._staffed: dict[tuple[int, tuple[Level, ...]], WorkingTime] = {}
        self._manned: dict[tuple[str, float], WorkingTime] = {}

    def offering(self, resource: str, rows: Iterable[Row]) -> Resources:
        """Resources where one has other rows of `resource_units`."""
        units = {**self._units, resource: list(rows)}
        known = {name: one for name, one in self._known.items() if name != resource}
        manned = {key: one for key, one in self._manned.items() if key[0] != resource}
        made: Resources = copy(self)
        made._units = defaultdict(list, units)
        made._known = known
        made._met = {}
        made._manned = manned
        return made

    def __iter__(self) -> Iterator[str]:
        """Walk over all ids, sorted."""
        return iter(sorted(self._rows))

    def sparing(self, spared: WithheldCapacity) -> Resources:
        """Resources for work that leaves time free or is slowed."""
        made: Resources = copy(self)
        made._kept = dict(spared.kept)
        made._stopped = dict(spared.stopped)
        made._known = {}
        made._met = {}
        made._manned = {}
        return made

    def calendar_of(self, location: str) -> str | None:
        """Calendar of a location; None: always open."""
        return self._places.get(location)

    def members(self, name: str) -> tuple[str, ...]:
        """Members of a pool, by id; of anything else the resource itself."""
        return tuple(self._pools.get(name, ())) or (name,)

    def is_pool(self, name: str) -> bool:
        """Whether any resource belongs to the pool of this name."""
        return name in self._pools

    def skilled(self, name: str, skill: str | None) -> list[tuple[str, int, int, int]]:
        """Members of a pool, when each has a skill and how it is preferred.

        Of anything else the resource itself, always.
        """
        members = self.members(name)
        anyone = [(member, *EVER, 1) for member in members]
        if skill is None or not self.is_pool(name):
            return anyone
        found = [
            (
                member,
                *validity(row),
                1 if row["preference"] is None else row["preference"],
            )
            for member in members
            for row in self._skills.get((member, skill), ())
        ]
        return anyone if self._infinite and not found else found

    def clock(self, resource: str) -> ResourceClock:
        """What a resource offers over time.

        Raises
        ------
        KeyError
            No such resource.
        """
        known = self._known.get(resource)
        if known is None:
            known = self._known[resource] = self._compile(resource)
        return known

    def most_units(self, resource: str) -> float:
        """Most units that a resource ever has; infinite where units are no limit."""
        clock = self.clock(resource)
        if not clock.finite or clock.bucket is not None:
            return inf
        return max(units for _, _, units in clock.levels)

    def working(self, resource: str, units: float) -> WorkingTime:
        """Time at which so many units of a resource can work.

        Where units are no limit, it is the open time of the resource.
        """
        clock = self.clock(resource)
        if not self._finite or not clock.finite or clock.bucket is not None:
            return clock.working
        if clock.constant is not None and clock.constant >= units:
            return clock.working
        known = self._manned.get((resource, units))
        if known is None:
            known = clock.working.manned(clock.levels, units)
            self._manned[resource, units] = known
        return known

    def meet(self, times: Iterable[WorkingTime]) -> WorkingTime:
        """Intersect working times; the same ones give the same object."""
        met, *others = times
        for other in others:
            key = (id(met), id(other))
            known = self._met.get(key)
            if known is None:
                known = self._met[key] = met.intersect(other)
            met = known
        return met

    def _staffed_time(
        self, working: WorkingTime, levels: tuple[Level, ...]
    ) -> WorkingTime:
        """Close what leaves no whole unit; of the same time and units the same."""
        key = id(working), levels
        known = self._staffed.get(key)
        if known is None:
            known = self._staffed[key] = working.staffed(levels)
        return known

    def _compile(self, name: str) -> ResourceClock:
        row = self._rows[name]
        working = self._calendars.working_time(
            self.calendar_of(row["location"]), row["calendar"]
        )
        units = row["units"]
        efficiency = exact(row["efficiency"])
        levels: tuple[Level, ...] = ((*EVER, units),)
        paces: tuple[tuple[int, int, Fraction], ...] = ((*EVER, efficiency),)
        dated = self._units.get(name)
        stopped: list[tuple[int, int]] = []
        if dated:
            levels = tuple(_by_time(dated, "units", units))
            efficiencies = [
                (start, finish, exact(value))
                for start, finish, value in _by_time(
                    dated, "efficiency", row["efficiency"]
                )
            ]
            stopped = [(a, b) for a, b, pace in efficiencies if not pace]
            paces = _joined((a, b, pace or Fraction(1)) for a, b, pace in efficiencies)
        down = self._down.get(name, ())
        if down:
            levels = tuple(_reduced(levels, down))
            stopped += [level[:2] for level in levels if not level[2]]
        if row["bucket"] is None and not working.always_open:
            working = self._staffed_time(working, levels)
        stopped += [validity(cleaning) for cleaning in self._cleaning.get(name, ())]
        working = working.without(stopped)
        if name in self._kept and row["bucket"] is None:
            working = leaving(working, self._kept[name])
        if name in self._stopped:
            slower = 1 - self._stopped[name]
            paces = tuple((a, b, pace * slower) for a, b, pace in paces)
        return ResourceClock(
            resource=name,
            finite=row["finite"],
            bucket=row["bucket"],
            cost_per_hour=row["cost_per_hour"] or 0.0,
            working=working,
            levels=levels,
            paces=paces,
            whole=self._calendars.whole(
                self.calendar_of(row["location"]), row["calendar"]
            ),
            matrix=row["changeover_matrix"],
            stops=tuple(sorted(piece[:2] for piece in down)),
        )


def cut(edges: Iterable[int]) -> list[tuple[int, int]]:
    """Cut all time at the edges.

    >>> cut([5])[0][1], cut([5])[1][0], len(cut([]))
    (5, 5, 1)
    """
    inside = sorted({edge for edge in edges if ALWAYS < edge < NEVER})
    return list(zip([ALWAYS, *inside], [*inside, NEVER], strict=True))


def _by_time(rows: list[Row], column: str, missing: float) -> list[Level]:
    """Read a column by time; of overlapping rows the one that began last holds."""
    stated = [(*validity(row), row[column]) for row in rows if row[column] is not None]
    stated.sort(key=lambda piece: piece[0])
    result: list[Level] = []
    for start, finish in cut(edge for piece in stated for edge in piece[:2]):
        values = [v for a, b, v in stated if a <= start and finish <= b]
        result.append((start, finish, values[-1] if values else missing))
    return result


def _reduced(
    levels: Sequence[Level], down: Sequence[tuple[int, int, float]]
) -> list[Level]:
    """Leave floor(units x (1 - severity)); of several at a time the worst counts."""
    edges = [edge for piece in (*levels, *down) for edge in piece[:2]]
    result: list[Level] = []
    for start, finish in cut(edges):
        units = next(u for a, b, u in levels if a <= start < b)
        severity = max((s for a, b, s in down if a <= start < b), default=0.0)
        if severity:
            units = float(exact(units) * (1 - exact(severity)) // 1)
        if result and result[-1][2] == units:
            result[-1] = (result[-1][0], finish, units)
        else:
            result.append((start, finish, units))
    return result


def _joined(
    pieces: Iterable[tuple[int, int, Fraction]],
) -> tuple[tuple[int, int, Fraction], ...]:
    result: list[tuple[int, int, Fraction]] = []
    for start, finish, pace in pieces:
        if result and result[-1][2] == pace:
            result[-1] = (result[-1][0], finish, pace)
        else:
            result.append((start, finish, pace))
    return tuple(result)


def _grouped(rows: TableRows) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["resource"]].append(row)
    return found
