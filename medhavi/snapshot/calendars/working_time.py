"""Working time: the open stretches of the UTC axis and the two maps along it.

Counting work forward and backward are two maps, not one: work that fills a shift ends
at the end of that shift, and begins at the start of one.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from medhavi.snapshot.calendars.intervals import (
    CachedIntervals,
    combine,
    remaining,
    smaller,
    union,
    whole_units,
)
from medhavi.snapshot.calendars.zones import OpenDays, zone
from medhavi.units import ALWAYS, DAY, NEVER, ceil_fraction, seconds_up, to_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.snapshot.calendars.intervals import Interval, Producer
    from medhavi.snapshot.calendars.zones import Instants, Zone

EARLIEST: Final = to_seconds(dt.datetime(1900, 1, 1, tzinfo=dt.UTC))
LATEST: Final = to_seconds(dt.datetime(2200, 1, 1, tzinfo=dt.UTC))
"""Working time is known between these instants; outside them there is none."""

_BEFORE: Final = 60 * DAY
_CHUNK: Final = 400 * DAY
_QUIET: Final = 800 * DAY
"""A weekly pattern that did not open for two years after its last change never will."""


class WorkingTime:
    """Open stretches of one calendar or of several together, in int seconds.

    Stretches are made when they are first asked for, so no instant between `EARLIEST`
    and `LATEST` is out of range. Every method that looks for working time gives `None`
    where there is none left.

    Parameters
    ----------
    produce
        Gives the stretches inside `[start, finish)`, sorted, disjoint, share > 0.
    wall
        Zone whose local dates `add_days` counts.
    changes
        First and last instant of all dated changes; outside, the pattern is weekly.
    """

    __slots__ = (
        "_changes",
        "_cumulated",
        "_days",
        "_ends",
        "_high",
        "_low",
        "_produce",
        "_starts",
        "always_open",
        "zone",
    )

    def __init__(
        self, produce: Producer, wall: Zone, changes: tuple[int, int] = (NEVER, ALWAYS)
    ) -> None:
        self.zone = wall
        self.always_open = False
        """Whether plain arithmetic does, for any instant whatever."""
        self._produce = produce
        self._changes = changes
        self._starts: list[int] = []
        self._ends: list[int] = []
        # Open seconds before each stretch, and of all at the end; may be negative.
        self._cumulated: list[int] = [0]
        self._low = NEVER
        self._high = ALWAYS
        self._days: OpenDays | None = None

    # ---------------------------------------------------------------- the two maps
    def add(self, instant: int, work: int) -> int | None:
        """Instant at which `work` open seconds have passed.

        It is the end of a stretch, never the start of the next one. No work (0): the
        instant itself, open or not.
        """
        if work <= 0:
            return instant
        if self.always_open:
            return instant + work
        if (instant < self._low or instant > self._high) and not self._cover(instant):
            return None
        cumulated = self._cumulated
        target = self._position(instant) + work
        while target > cumulated[-1]:
            if not self._grow_right():
                return None
        i = bisect_left(cumulated, target) - 1
        return self._starts[i] + target - cumulated[i]

    def soonest(self, instant: int, work: int) -> tuple[int, int] | None:
        """Start and end of so many open seconds, as early as possible.

        The same as `next_open` and `add` from there; `work` is positive.
        """
        if self.always_open:
            return instant, instant + work
        if (instant < self._low or instant > self._high) and not self._cover(instant):
            return None
        starts, ends, cumulated = self._starts, self._ends, self._cumulated
        i = bisect_right(ends, instant)
        while i == len(ends):
            if not self._grow_right():
                return None
            i = bisect_right(ends, instant)
        start = begin = starts[i]
        if start < instant:  # noqa: PLR1730 - hot: `max` takes twice as long
            start = instant
        finish = start + work
        if finish <= ends[i]:
            return start, finish
        target = cumulated[i] + finish - begin
        while target > cumulated[-1]:
            if not self._grow_right():
                return None
        last = bisect_left(cumulated, target, i) - 1
        return start, starts[last] + target - cumulated[last]

    def subtract(self, instant: int, work: int) -> int | None:
        """Latest start from which `work` open seconds end by `instant`.

        It is the start of a stretch, never the end of the one before. No work (0): the
        instant itself.
        """
        if work <= 0:
            return instant
        if self.always_open:
            return instant - work
        if (instant < self._low or instant > self._high) and not self._cover(instant):
            return None
        cumulated = self._cumulated
        target = self._position(instant) - work
        while target < cumulated[0]:
            if not self._grow_left():
                return None
        i = bisect_right(cumulated, target) - 1
        return self._starts[i] + target - cumulated[i]

    def next_open(self, instant: int) -> int | None:
        """First instant from `instant` on at which work can go on."""
        if self.always_open:
            return instant
        if not self._cover(instant):
            return None
        while True:
            i = bisect_right(self._starts, instant) - 1
            if i >= 0 and instant < self._ends[i]:
                return instant
            if i + 1 < len(self._starts):
                return self._starts[i + 1]
            if not self._grow_right():
                return None

    def previous_open(self, instant: int) -> int | None:
        """Last instant up to `instant` at which work can end."""
        if self.always_open:
            return instant
        if not self._cover(instant):
            return None
        while True:
            i = bisect_left(self._starts, instant) - 1
            if i >= 0:
                end = self._ends[i]
                return min(instant, end)
            if not self._grow_left():
                return None

    def next_moment(self, instant: int) -> int | None:
        """First instant from `instant` on in open time or at its end.

        Work without length needs no second of it, so both edges will do.
        """
        if self.previous_open(instant) == instant:
            return instant
        return self.next_open(instant)

    def previous_moment(self, instant: int) -> int | None:
        """Last instant up to `instant` in open time or at its end."""
        if self.next_open(instant) == instant:
            return instant
        return self.previous_open(instant)

    def is_open(self, instant: int) -> bool:
        """Whether the second that begins at `instant` is working time."""
        return self.next_open(instant) == instant

    def between(self, start: int, finish: int) -> int:
        """Count the open seconds of `[start, finish)`."""
        if self.always_open:
            return max(finish - start, 0)
        if not self._low <= start <= finish <= self._high:
            start, finish = max(start, EARLIEST), min(finish, LATEST)
            if start >= finish:
                return 0
            self._cover(start)
            self._cover(finish)
        return self._position(finish) - self._position(start)

    def segments(self, start: int, finish: int) -> list[tuple[int, int]]:
        """List the open stretches inside `[start, finish)`."""
        if self.always_open:
            return [(start, finish)] if start < finish else []
        start, finish = max(start, EARLIEST), min(finish, LATEST)
        if start >= finish:
            return []
        self._cover(start)
        self._cover(finish)
        first = bisect_right(self._ends, start)
        last = bisect_left(self._starts, finish)
        found = list(zip(self._starts[first:last], self._ends[first:last], strict=True))
        if found:
            found[0] = max(start, found[0][0]), found[0][1]
            found[-1] = found[-1][0], min(finish, found[-1][1])
        return found

    # ---------------------------------------------------------- unbroken stretches
    def first_fit(self, instant: int, length: int) -> int | None:
        """First start from `instant` on of `length` [s] unbroken."""
        if self.always_open:
            return instant
        if not self._cover(instant):
            return None
        horizon = max(instant, self._changes[1]) + _QUIET + length
        i = bisect_right(self._ends, instant)
        while True:
            if i + 1 >= len(self._starts) and self._high < horizon:
                # The last stretch may go on in the next chunk.
                if self._grow_right():
                    continue
                horizon = self._high
            if i >= len(self._starts):
                return None
            start = max(instant, self._starts[i])
            if start > horizon:
                return None
            if start + length <= self._ends[i]:
                return start
            i += 1

    def last_fit(self, instant: int, length: int) -> int | None:
        """Last start of `length` [s] unbroken that ends by `instant`."""
        if self.always_open:
            return instant - length
        if not self._cover(instant):
            return None
        horizon = min(instant, self._changes[0]) - _QUIET - length
        i = bisect_left(self._starts, instant) - 1
        while True:
            if i <= 0 and self._low > horizon:
                known = len(self._starts)
                if self._grow_left():
                    i += len(self._starts) - known
                    continue
                horizon = self._low
            if i < 0:
                return None
            end = min(instant, self._ends[i])
            if end < horizon:
                return None
            if self._starts[i] + length <= end:
                return end - length
            i -= 1

    # ------------------------------------------------------------------- open days
    def add_days(self, instant: int, days: float | Fraction) -> int | None:
        """Count open days forward to the earliest instant with that count (rule 13)."""
        seconds = _day_seconds(days)
        if seconds <= 0:
            return instant
        if self.always_open and self.zone.constant:
            return instant + seconds
        return self._open_days().add(instant, seconds)

    def add_each(self, instants: Instants, seconds: Instants) -> Instants:
        """Count open days of many forward, each as `add_days` does.

        Parameters
        ----------
        instants, seconds
            From when, and how long [s of open days]; shape (n,) each.

        Returns
        -------
        numpy.ndarray
            Shape (n,), int64, UTC seconds; NEVER where the open days end before.
        """
        if self.always_open and self.zone.constant:
            return instants + np.maximum(seconds, 0)
        found = self._open_days().add_each(instants, seconds)
        return np.where(seconds > 0, found, instants)

    def subtract_days(self, instant: int, days: float | Fraction) -> int | None:
        """Count open days backward to the latest instant with that count (rule 13)."""
        seconds = _day_seconds(days)
        if seconds <= 0:
            return instant
        if self.always_open and self.zone.constant:
            return instant - seconds
        return self._open_days().subtract(instant, seconds)

    def days_between(self, start: int, finish: int) -> float:
        """Count the open days from one instant to a later one (rule 13)."""
        if self.always_open and self.zone.constant:
            return max(finish - start, 0) / DAY
        return self._open_days().between(start, finish) / DAY

    # -------------------------------------------------------------------- capacity
    def shares(self, start: int, finish: int) -> list[Interval]:
        """List the stretches of `[start, finish)` with the share of units at work."""
        start, finish = max(start, EARLIEST), min(finish, LATEST)
        return self._produce(start, finish) if start < finish else []

    def intersect(self, other: WorkingTime) -> WorkingTime:
        """Obey both: open where both are, with the smaller share, dates of the first.

        >>> ALWAYS_OPEN.intersect(ALWAYS_OPEN) is ALWAYS_OPEN
        True
        """
        if other.always_open or other is self:
            return self
        if self.always_open:
            return other

        def produce(start: int, finish: int) -> list[Interval]:
            mine = self._produce(start, finish)
            return combine(mine, other.shares(start, finish), smaller) if mine else []

        changes = _span(self._changes, other._changes)
        return WorkingTime(CachedIntervals(produce), self.zone, changes)

    def without(self, windows: Sequence[tuple[int, int]]) -> WorkingTime:
        """Close the given half-open windows as well."""
        closed = union(windows, 0.0)
        if not closed:
            return self

        def produce(start: int, finish: int) -> list[Interval]:
            inside = [p for p in closed if p[0] < finish and p[1] > start]
            return combine(self.shares(start, finish), inside, remaining)

        edges = [edge for piece in closed for edge in piece[:2]]
        return WorkingTime(produce, self.zone, _span(self._changes, _dated(edges)))

    def staffed(self, levels: Sequence[tuple[int, int, float]]) -> WorkingTime:
        """Close what a share below 1 leaves no whole unit of (rule 17).

        Parameters
        ----------
        levels
            `(start, finish, units)` that cover all time, sorted.
        """

        def produce(start: int, finish: int) -> list[Interval]:
            found: list[Interval] = []
            for begin, end, units in levels:
                inside = self.shares(max(start, begin), min(finish, end))
                found += [s for s in inside if _works(units, s[2])]
            return found

        edges = [edge for level in levels for edge in level[:2]]
        return WorkingTime(produce, self.zone, _span(self._changes, _dated(edges)))

    def manned(
        self, levels: Sequence[tuple[int, int, float]], units: float
    ) -> WorkingTime:
        """Close what leaves fewer units at work than `units` (rule 17).

        Parameters
        ----------
        levels
            `(start, finish, units)` that cover all time, sorted.
        units
            Units that are needed together.
        """

        def produce(start: int, finish: int) -> list[Interval]:
            found: list[Interval] = []
            for begin, end, own in levels:
                inside = self.shares(max(start, begin), min(finish, end))
                found += [
                    piece
                    for piece in inside
                    if (own if piece[2] == 1 else whole_units(own, piece[2])) >= units
                ]
            return found

        edges = [edge for level in levels for edge in level[:2]]
        return WorkingTime(produce, self.zone, _span(self._changes, _dated(edges)))

    # --------------------------------------------------------------------- growing
    def _position(self, instant: int) -> int:
        """Count open seconds up to an instant that is covered."""
        i = bisect_right(self._starts, instant) - 1
        if i < 0:
            return self._cumulated[0]
        end = self._ends[i]
        if instant > end:  # noqa: PLR1730 - hot: `min` takes twice as long
            instant = end
        return self._cumulated[i] + instant - self._starts[i]

    def _open_days(self) -> OpenDays:
        if self._days is None:
            self._days = OpenDays(self, self.zone)
        return self._days

    def _cover(self, instant: int) -> bool:
        """Know the stretches around an instant; False outside the known time."""
        if self._low <= instant <= self._high:
            return True
        if not EARLIEST <= instant <= LATEST:
            return False
        if self._low > self._high:
            self._low = self._high = max(instant - _BEFORE, EARLIEST)
        if instant > self._high:
            self._extend(min(instant + _CHUNK, LATEST))
        elif instant < self._low:
            self._prepend(max(instant - _CHUNK, EARLIEST))
        return True

    def _grow_right(self) -> bool:
        last = self._ends[-1] if self._ends else self._low
        if self._high >= LATEST or self._high - max(last, self._changes[1]) > _QUIET:
            return False
        # Twice as far each time, so that no stretch is merged more than a few times.
        self._extend(min(self._high + max(_CHUNK, self._high - self._low), LATEST))
        return True

    def _grow_left(self) -> bool:
        first = self._starts[0] if self._starts else self._high
        if self._low <= EARLIEST or min(first, self._changes[0]) - self._low > _QUIET:
            return False
        self._prepend(max(self._low - max(_CHUNK, self._high - self._low), EARLIEST))
        return True

    def _extend(self, high: int) -> None:
        total = self._cumulated[-1]
        for start, finish, _ in self._produce(self._high, high):
            total += finish - start
            if self._ends and self._ends[-1] == start:
                self._ends[-1] = finish
                self._cumulated[-1] = total
            else:
                self._starts.append(start)
                self._ends.append(finish)
                self._cumulated.append(total)
        self._high = high

    def _prepend(self, low: int) -> None:
        joined = union([piece[:2] for piece in self._produce(low, self._low)], 1.0)
        if joined and self._starts and joined[-1][1] == self._starts[0]:
            start, finish, _ = joined.pop()
            self._starts[0] = start
            self._cumulated[0] -= finish - start
        total = self._cumulated[0]
        cumulated = []
        for start, finish, _ in reversed(joined):
            total -= finish - start
            cumulated.append(total)
        self._starts[:0] = [piece[0] for piece in joined]
        self._ends[:0] = [piece[1] for piece in joined]
        self._cumulated[:0] = reversed(cumulated)
        self._low = low


def around_the_clock(wall: Zone) -> WorkingTime:
    """Working time that never pauses, with the local dates of a zone."""
    open_time = WorkingTime(lambda start, finish: [(start, finish, 1.0)], wall)
    open_time.always_open = True
    return open_time


ALWAYS_OPEN: Final = around_the_clock(zone("UTC"))
"""No calendar: open at every instant, days of 24 h."""


@lru_cache(maxsize=4096)
def _day_seconds(days: float | Fraction) -> int:
    if isinstance(days, Fraction):
        return ceil_fraction(days * DAY)
    return seconds_up(days, DAY)


def _works(units: float, share: float) -> bool:
    return share >= 1 or whole_units(units, share) >= 1


def _span(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    return min(first[0], second[0]), max(first[1], second[1])


def _dated(edges: list[int]) -> tuple[int, int]:
    """First and last change of open-ended windows."""
    inside = [edge for edge in edges if EARLIEST < edge < LATEST]
    return min(inside, default=NEVER), max(inside, default=ALWAYS)
