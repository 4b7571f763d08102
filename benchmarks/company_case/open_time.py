"""Weekly shifts with a holiday, and when work of some minutes ends in them."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

START = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
"""Now of every model: a Monday, midnight."""
FIRST_HOUR = 6
SHIFT_HOURS = 8
WORKING_DAYS = 5
DAY = 1440
"""Minutes of a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTime:
    """Open windows of a calendar, in minutes from now.

    Parameters
    ----------
    shifts
        Shifts of 8 hours from 6 o'clock, Monday to Friday; 0: always open.
    holiday
        Day from now that is closed.
    days
        Days from now that are known.
    """

    shifts: int
    holiday: int
    days: int

    def __post_init__(self) -> None:
        if not 0 <= self.shifts <= 3:
            message = f"shifts ({self.shifts}) must be 0, 1, 2 or 3"
            raise ValueError(message)

    def windows(self) -> list[tuple[int, int]]:
        """Open windows [minutes from now], disjoint, by start."""
        if not self.shifts:
            return [(0, self.days * DAY)]
        opens, length = FIRST_HOUR * 60, self.shifts * SHIFT_HOURS * 60
        found: list[tuple[int, int]] = []
        for day in range(-1, self.days):
            if day % 7 >= WORKING_DAYS:
                continue
            low, high = day * DAY + opens, day * DAY + opens + length
            closed = (self.holiday * DAY, (self.holiday + 1) * DAY)
            parts = ((low, min(high, closed[0])), (max(low, closed[1]), high))
            found += [
                (max(begin, 0), end) for begin, end in parts if begin < end and end > 0
            ]
        return found

    def minutes(self) -> int:
        """Open minutes of all days."""
        return sum(min(high, self.days * DAY) - low for low, high in self.windows())


class Clock:
    """Forward dating of work that may pause while it is closed.

    Parameters
    ----------
    open_time
        The calendar.
    """

    def __init__(self, open_time: OpenTime) -> None:
        self._windows = open_time.windows()
        self._starts = [low for low, _ in self._windows]
        # Open minutes before each window.
        lengths = [high - low for low, high in self._windows]
        self._before = [0, *accumulate(lengths)]

    def start(self, moment: float) -> float:
        """First open moment at or after a moment [minutes from now]."""
        place = max(bisect_right(self._starts, moment) - 1, 0)
        low, high = self._windows[place]
        if moment < high:
            return max(low, moment)
        return self._starts[place + 1]

    def finish(self, start: float, minutes: float) -> float:
        """End of work that begins at an open moment [minutes from now]."""
        place = bisect_right(self._starts, start) - 1
        worked = self._before[place] + start - self._windows[place][0] + minutes
        last = bisect_right(self._before, worked - 1e-9) - 1
        return self._windows[last][0] + worked - self._before[last]
