"""Wall clocks of IANA time zones in integer seconds, and open days (rules 13, 19).

A local time is counted like an instant: seconds since 1970-01-01 00:00, but on the
wall clock of the zone.

The axis counts wall-clock seconds: an instant on an open date stands at (open dates
before it) x 24 h + its time of day, an instant on a closed date at the former alone.
What daylight saving does to the length of a date does not matter.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from functools import lru_cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from medhavi.units import DAY, NEVER, to_seconds

Instants = NDArray[np.int64]

_FIRST: Final = to_seconds(dt.datetime(1, 1, 3, tzinfo=dt.UTC))
_LAST: Final = to_seconds(dt.datetime(9999, 12, 29, tzinfo=dt.UTC))
"""What datetime can tell of any zone."""
_BLOCK: Final = 16
"""Dates that are looked at together."""


class Zone:
    """Conversions between instants and the wall clock of one zone.

    Parameters
    ----------
    name
        IANA name such as ``Europe/Berlin``.

    Raises
    ------
    zoneinfo.ZoneInfoNotFoundError
        There is no zone of that name.

    Examples
    --------
    >>> berlin = zone("Europe/Berlin")
    >>> berlin.offset(0)
    3600
    """

    __slots__ = ("_blocks", "_days", "_info", "constant", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.constant = name in ("UTC", "Etc/UTC")
        """Whether the wall clock shows UTC itself."""
        self._info = ZoneInfo(name)
        self._days: dict[int, tuple[int, int]] = {}
        self._blocks: dict[int, int | None] = {}

    def offset(self, instant: int) -> int:
        """Local minus UTC [s] at an instant."""
        day = instant // DAY
        pair = self._days.get(day)
        if pair is None:
            pair = (self._read(day * DAY), self._read((day + 1) * DAY))
            self._days[day] = pair
        # No zone changes its clock twice within one day.
        return pair[0] if pair[0] == pair[1] else self._read(instant)

    def local(self, instant: int) -> int:
        """Wall clock at an instant [s of local time]."""
        return instant + self.offset(instant)

    def instant(self, local: int, *, last: bool = False) -> int:
        """Instant at which the wall clock shows a local time.

        A time that is skipped gives the first instant after the gap. Of a time that
        comes twice the first is given, or the second with `last`.
        """
        before = self.offset(local - DAY)
        after = self.offset(local + DAY)
        if before == after:
            return local - before
        found = [
            local - offset
            for offset in (before, after)
            if self.offset(local - offset) == offset
        ]
        if found:
            return max(found) if last else min(found)
        return self._change(local - after, local - before)

    def instants(self, local: Instants) -> Instants:
        """Instants of many local times, each as `instant` has it; shape (n,) kept."""
        before, after = self._offsets(local - DAY), self._offsets(local + DAY)
        found = local - before
        for place in (before != after).nonzero()[0].tolist():
            found[place] = self.instant(int(local[place]))
        return found

    def locals(self, instants: Instants) -> Instants:
        """Wall clocks at many instants [s of local time]; shape (n,) kept."""
        return instants + self._offsets(instants)

    def _offsets(self, instants: Instants) -> Instants:
        days, places = np.unique(instants // DAY, return_inverse=True)
        starts = [self.offset(day * DAY) for day in days.tolist()]
        ends = [self.offset(day * DAY + DAY - 1) for day in days.tolist()]
        found = np.array(starts, dtype=np.int64)[places]
        for place in (found != np.array(ends)[places]).nonzero()[0].tolist():
            found[place] = self.offset(int(instants[place]))
        return found

    def steady(self, date: int) -> int | None:
        """Offset [s] of a local date, where it is the same for weeks around.

        Then `instant` takes it from every time of that date and of the next one.

        Parameters
        ----------
        date
            Days since 1970.

        Returns
        -------
        int or None
            None: the clock changes near by.
        """
        block = date // _BLOCK
        if block not in self._blocks:
            days = range(block * _BLOCK - 2, block * _BLOCK + _BLOCK + 4)
            found = {self.offset(day * DAY) for day in days}
            self._blocks[block] = found.pop() if len(found) == 1 else None
        return self._blocks[block]

    def _change(self, start: int, finish: int) -> int:
        """Find the first instant in (start, finish] with another offset."""
        before = self.offset(start)
        while finish - start > 1:
            middle = (start + finish) // 2
            if self.offset(middle) == before:
                start = middle
            else:
                finish = middle
        return finish

    def _read(self, instant: int) -> int:
        # What looks ahead from a date in 9999 leaves the calendar of datetime.
        told = min(max(instant, _FIRST), _LAST)
        offset = dt.datetime.fromtimestamp(told, self._info).utcoffset()
        return 0 if offset is None else offset // dt.timedelta(seconds=1)


@lru_cache(maxsize=1024)
def zone(name: str) -> Zone:
    """One `Zone` of an IANA name."""
    return Zone(name)


_CHUNK: Final = 400


class WorkingTimeAccess(Protocol):
    """What is asked of working time."""

    def segments(self, start: int, finish: int) -> list[tuple[int, int]]:
        """List the open stretches inside a window."""
        ...

    def next_open(self, instant: int) -> int | None:
        """First open instant from here on."""
        ...

    def previous_open(self, instant: int) -> int | None:
        """Last instant up to here that ends open time."""
        ...


class OpenDays:
    """The open dates of a working time, known as far as they were asked for.

    Parameters
    ----------
    openings
        Working time.
    wall
        Zone of the dates.
    """

    __slots__ = ("_dates", "_high", "_low", "_openings", "_wall")

    def __init__(self, openings: WorkingTimeAccess, wall: Zone) -> None:
        self._openings = openings
        self._wall = wall
        # Days since 1970; those in [low, high) are known.
        self._dates: list[int] = []
        self._low = 0
        self._high = 0

    def add(self, instant: int, seconds: int) -> int | None:
        """Earliest instant, from `instant` on, that stands `seconds` later.

        A whole day counted from midnight ends at the next midnight, not at the start of
        the next open date.
        """
        date, time = divmod(self._wall.local(instant), DAY)
        self._know(date)
        first = bisect_left(self._dates, date)
        is_open = first < len(self._dates) and self._dates[first] == date
        days, rest = divmod(seconds + (time if is_open else 0), DAY)
        # A count without a rest is reached when the day before it ends.
        wanted = first + days - (rest == 0)
        while wanted >= len(self._dates):
            if not self._grow_right():
                return None
        local = self._dates[wanted] * DAY + (rest or DAY)
        found = self._wall.instant(local)
        return found if found >= instant else self._wall.instant(local, last=True)

    def add_each(self, instants: Instants, seconds: Instants) -> Instants:
        """`add` of many at once, shape (n,) each; NEVER where the count ends before."""
        dates, times = np.divmod(self._wall.locals(instants), DAY)
        # Dates found on the left move all places: find all of them first.
        self._know(int(dates.min()))
        self._know(int(dates.max()))
        known = np.array(self._dates, dtype=np.int64)
        first = known.searchsorted(dates)
        ahead = known[np.minimum(first, len(known) - 1)] if len(known) else dates - 1
        days, rest = np.divmod(seconds + np.where(ahead == dates, times, 0), DAY)
        wanted = first + days - (rest == 0)
        while int(wanted.max()) >= len(self._dates) and self._grow_right():
            pass
        known = np.array([*self._dates, 0], dtype=np.int64)
        never = wanted >= len(self._dates)
        local = known[np.where(never, -1, wanted)] * DAY + np.where(rest > 0, rest, DAY)
        found = self._wall.instants(local)
        for place in ((found < instants) & ~never).nonzero()[0].tolist():
            found[place] = self._wall.instant(int(local[place]), last=True)
        return np.where(never, NEVER, found)

    def subtract(self, instant: int, seconds: int) -> int | None:
        """Latest instant, up to `instant`, that stands `seconds` earlier."""
        date, time = divmod(self._wall.local(instant), DAY)
        self._know(date)
        first = bisect_left(self._dates, date)
        is_open = first < len(self._dates) and self._dates[first] == date
        days, rest = divmod((time if is_open else 0) - seconds, DAY)
        while first + days < 0:
            known = len(self._dates)
            if not self._grow_left():
                return None
            first += len(self._dates) - known
        local = self._dates[first + days] * DAY + rest
        found = self._wall.instant(local, last=True)
        return found if found <= instant else self._wall.instant(local)

    def between(self, start: int, finish: int) -> int:
        """Count the seconds on the axis from `start` to `finish`; 0 where reversed."""
        stands = []
        local = [divmod(self._wall.local(instant), DAY) for instant in (start, finish)]
        # Dates found on the left move all places: find all of them first.
        for date, _ in local:
            self._know(date)
        for date, time in local:
            place = bisect_left(self._dates, date)
            is_open = place < len(self._dates) and self._dates[place] == date
            stands.append(place * DAY + (time if is_open else 0))
        return max(stands[1] - stands[0], 0)

    def _know(self, date: int) -> None:
        if self._low == self._high:
            self._low = self._high = date
        if date >= self._high:
            self._extend(date + _CHUNK)
        elif date < self._low:
            self._prepend(date - _CHUNK)

    def _grow_right(self) -> bool:
        found = self._openings.next_open(self._wall.instant(self._high * DAY))
        if found is None:
            return False
        self._extend(self._wall.local(found) // DAY + _CHUNK)
        return True

    def _grow_left(self) -> bool:
        found = self._openings.previous_open(self._wall.instant(self._low * DAY))
        if found is None:
            return False
        self._prepend(self._wall.local(found) // DAY - _CHUNK)
        return True

    def _extend(self, high: int) -> None:
        self._dates += self._open_dates(self._high, high)
        self._high = high

    def _prepend(self, low: int) -> None:
        self._dates[:0] = self._open_dates(low, self._low)
        self._low = low

    def _open_dates(self, low: int, high: int) -> list[int]:
        found: list[int] = []
        wall = self._wall
        window = wall.instant(low * DAY), wall.instant(high * DAY)
        for start, finish in self._openings.segments(*window):
            first = wall.local(start) // DAY
            last = wall.local(finish - 1) // DAY
            if found and first == found[-1]:
                first += 1
            found += range(first, last + 1)
        return found
