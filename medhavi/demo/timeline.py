"""The clock of the history: what happens when, working hours, departures of lanes."""

from __future__ import annotations

import datetime as dt
import heapq
from bisect import bisect_right
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from medhavi.units import DAY, HOUR, MINUTE, from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.demo.company_model.company import Company, Lane

START = to_seconds(dt.datetime(2025, 5, 5, 4, tzinfo=dt.UTC))
END = to_seconds(dt.datetime(2026, 11, 2, 6, tzinfo=dt.UTC))
"""The history runs from a Monday in May to the Monday that is the plan's now."""

DRIFT_BEGIN = to_seconds(dt.datetime(2026, 5, 4, tzinfo=dt.UTC))
_SHIFT_START = 6
_SHIFT_FINISH = 22


@cache
def local_midnight(zone: str, day: int) -> int:
    """Instant at which a day (counted since 1970) begins in a zone."""
    date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
    return to_seconds(
        dt.datetime(date.year, date.month, date.day, tzinfo=ZoneInfo(zone))
    )


def day_of(instant: int) -> int:
    """UTC day of an instant, counted since 1970."""
    return instant // DAY


def is_workday(day: int) -> bool:
    """Whether a day is Monday to Friday.

    >>> is_workday(4), is_workday(2)
    (True, False)
    """
    return (day + 3) % 7 < 5


def date_of(instant: int) -> dt.date:
    """UTC date of an instant."""
    return from_seconds(instant).date()


class Timeline:
    """Runs what is scheduled in order of time; equal times in the order scheduled."""

    def __init__(self, begin: int = START) -> None:
        self.now = begin
        self._queue: list[tuple[int, int, Callable[[], object]]] = []
        self._count = 0

    def at(self, instant: int, action: Callable[[], object]) -> None:
        """Schedule an action, not before now."""
        self._count += 1
        heapq.heappush(self._queue, (max(instant, self.now), self._count, action))

    def run(self, until: int) -> None:
        """Run everything up to an instant; what lies later never happens."""
        while self._queue and self._queue[0][0] <= until:
            self.now, _, action = heapq.heappop(self._queue)
            action()
        self.now = until


class WorkingHours:
    """Two shifts a day of a plant, Monday to Friday, without its holidays."""

    def __init__(self, company: Company, plant: str) -> None:
        zone = company.zones[plant]
        calendar = f"CAL-{plant}"
        closed = [
            (_seconds(row["start"]), _seconds(row["finish"]))
            for row in company.rows["calendar_exceptions"]
            if row["calendar"] == calendar
        ]
        self._open: list[tuple[int, int]] = []
        for day in range(day_of(START) - 1, day_of(END) + 60):
            midnight = local_midnight(zone, day)
            if is_workday(day) and not any(a <= midnight < b for a, b in closed):
                begin = midnight + _SHIFT_START * HOUR
                self._open.append((begin, midnight + _SHIFT_FINISH * HOUR))
        self._starts = [begin for begin, _ in self._open]

    def next_open(self, instant: int) -> int:
        """First open instant from here on."""
        index = max(bisect_right(self._starts, instant) - 1, 0)
        if instant < self._open[index][1]:
            return max(instant, self._open[index][0])
        return self._open[index + 1][0]

    def after(self, instant: int, minutes: float) -> int:
        """Instant after so many open minutes."""
        left = round(minutes * MINUTE)
        instant = self.next_open(instant)
        index = bisect_right(self._starts, instant) - 1
        while left > self._open[index][1] - instant:
            left -= self._open[index][1] - instant
            index += 1
            instant = self._open[index][0]
        return instant + left

    def between(self, start: int, finish: int) -> int:
        """Open minutes between two instants."""
        parts = (min(b, finish) - max(a, start) for a, b in self._open)
        return sum(part for part in parts if part > 0) // MINUTE


def _seconds(instant: object) -> int:
    if not isinstance(instant, dt.datetime):
        message = f"{instant!r} is no instant."
        raise TypeError(message)
    return to_seconds(instant)


def next_departure(lane: Lane, zone: str, ready: int) -> int:
    """First departure of a lane that goods ready at an instant can catch."""
    earliest = ready + round(lane.cutoff_h * HOUR)
    if not lane.departures:
        return earliest
    day = day_of(earliest) - 1
    while True:
        midnight = local_midnight(zone, day)
        weekday = (day + 3) % 7 + 1
        for departure_day, minute in lane.departures:
            departure = midnight + minute * MINUTE
            if departure_day == weekday and departure >= earliest:
                return departure
        day += 1
