"""Wall clocks of IANA time zones in integer seconds (rule 19).

A local time is counted like an instant: seconds since 1970-01-01 00:00, but on the
wall clock of the zone.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from medhavi.units import DAY, to_seconds

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
