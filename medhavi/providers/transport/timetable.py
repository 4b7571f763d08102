"""When a lane may depart: weekly local times, any time, and blackouts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final

from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.snapshot.calendars.zones import Zone

FIRST_MONDAY: Final = 4 * DAY
"""Monday 1970-01-05 on any wall clock."""
WEEK: Final = 7 * DAY
YEAR: Final = 53
"""Weeks of a year."""
REACH: Final = 20 * 366 * DAY
"""How far a departure is looked for; blackouts longer than that mean never."""

AROUND: Final = 183 * DAY
"""How far around an instant departures are listed at once."""


class Timetable:
    """Departures of one lane as instants.

    Parameters
    ----------
    zone : Zone
        Wall clock of the origin; a time that is skipped leaves at the first instant
        after the gap, one that comes twice at the first (rule 19).
    times : iterable of (weekday, second)
        ISO weekday and second of the local day; none: leaves at any time.
    blackouts : iterable of (start, finish)
        Half-open windows without departures.
    """

    __slots__ = ("_blackouts", "_listed", "_times", "_weeks", "_zone")

    def __init__(
        self,
        zone: Zone,
        times: Iterable[tuple[int, int]],
        blackouts: Iterable[tuple[int, int]],
    ) -> None:
        self._zone = zone
        self._times = tuple(
            sorted({(weekday - 1) * DAY + second for weekday, second in times})
        )
        self._blackouts = _joined(blackouts)
        self._weeks: dict[int, tuple[int, ...]] = {}
        self._listed: list[int] = []

    @property
    def any_time(self) -> bool:
        """Whether every instant is a departure."""
        return not self._times and not self._blackouts

    @property
    def scheduled(self) -> bool:
        """Whether departures are listed; else it leaves whenever goods are there."""
        return bool(self._times)

    def latest(self, bound: int) -> int | None:
        """Last departure up to an instant; None: none in twenty years."""
        listed = self._around(bound)
        if listed:
            return listed[bisect_right(listed, bound) - 1]
        floor = bound - REACH
        while bound >= floor:
            departure = self._scheduled_up_to(bound)
            blackout = self._blackout(departure)
            if blackout is None:
                return departure
            bound = blackout[0] - 1
        return None

    def earliest(self, bound: int) -> int | None:
        """First departure from an instant on; None: none in twenty years."""
        listed = self._around(bound)
        if listed:
            return listed[bisect_left(listed, bound)]
        ceiling = bound + REACH
        while bound <= ceiling:
            departure = self._scheduled_from(bound)
            blackout = self._blackout(departure)
            if blackout is None:
                return departure
            bound = blackout[1]
        return None

    def between(self, start: int, finish: int) -> list[int] | None:
        """List the departures from one instant on to the first from another on.

        Returns
        -------
        list of int
            Rising; None: it leaves at any time, or not within a year after.
        """
        if not self._times:
            return None
        found: list[int] = []
        week = self._week_of(start) - 1
        last = self._week_of(finish) + YEAR
        while week <= last and (not found or found[-1] < finish):
            found += [
                departure
                for departure in self._week(week)
                if departure >= start and self._blackout(departure) is None
            ]
            week += 1
        return found if found and found[-1] >= finish else None

    def _around(self, bound: int) -> list[int]:
        """List departures from before an instant to after it; none: ask for each."""
        listed = self._listed
        if listed and listed[0] <= bound <= listed[-1]:
            return listed
        start, finish = bound - AROUND, bound + AROUND
        if listed:
            start, finish = min(start, listed[0]), max(finish, listed[-1])
        found = self.between(start, finish) if finish - start <= REACH else None
        if not found or found[0] > bound:
            return []
        self._listed = found
        return found

    def _scheduled_up_to(self, bound: int) -> int:
        if not self._times:
            return bound
        # A week beyond the bound's: clocks that change at midnight move its edge.
        week = self._week_of(bound) + 1
        while True:
            departures = self._week(week)
            place = bisect_right(departures, bound)
            if place:
                return departures[place - 1]
            week -= 1

    def _scheduled_from(self, bound: int) -> int:
        if not self._times:
            return bound
        week = self._week_of(bound) - 1
        while True:
            departures = self._week(week)
            place = bisect_left(departures, bound)
            if place < len(departures):
                return departures[place]
            week += 1

    def _week_of(self, instant: int) -> int:
        return (self._zone.local(instant) - FIRST_MONDAY) // WEEK

    def _week(self, week: int) -> tuple[int, ...]:
        known = self._weeks.get(week)
        if known is None:
            monday = FIRST_MONDAY + week * WEEK
            known = tuple(
                sorted(self._zone.instant(monday + time) for time in self._times)
            )
            self._weeks[week] = known
        return known

    def _blackout(self, instant: int) -> tuple[int, int] | None:
        place = bisect_right(self._blackouts, (instant, instant))
        for window in self._blackouts[max(place - 1, 0) : place + 1]:
            if window[0] <= instant < window[1]:
                return window
        return None


def _joined(windows: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Join windows that touch, so that one jump leaves each."""
    joined: list[tuple[int, int]] = []
    for start, finish in sorted(windows):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(finish, joined[-1][1]))
        elif start < finish:
            joined.append((start, finish))
    return tuple(joined)
