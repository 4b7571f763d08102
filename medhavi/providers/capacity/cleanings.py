"""When a resource can be cleaned, and whether a gap holds a cleaning (CMP-04).

A cleaning is a planned one (a row of `cleaning_windows` that is long enough), or idle
time of its length inside the calendar in which cleaning is allowed.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from medhavi.providers.table_rows import Rows
    from medhavi.snapshot.calendars.calendars import Calendars


class Cleaning(NamedTuple):
    """A cleaning that is asked for.

    Parameters
    ----------
    resource
        What is cleaned.
    seconds
        How long it takes, without a pause.
    calendar
        When it may be done; `None`: at any time.
    """

    resource: str
    seconds: int
    calendar: str | None = None


class Cleanings:
    """Cleanings of all resources.

    Parameters
    ----------
    rows
        Table `cleaning_windows`.
    calendars
        Working time by calendar.
    """

    __slots__ = ("_calendars", "_planned")

    def __init__(self, rows: Rows, calendars: Calendars) -> None:
        self._calendars = calendars
        self._planned: dict[str, list[tuple[int, int]]] = {}
        for row in rows:
            span = row["valid_from"], row["valid_to"]
            self._planned.setdefault(row["resource"], []).append(span)
        for spans in self._planned.values():
            spans.sort()

    def done(self, asked: Cleaning, start: int) -> int | None:
        """When a cleaning is over that begins at an instant or later [s].

        `None`: its calendar never opens for so long.
        """
        seconds = asked.seconds
        if not seconds:
            return start
        working = self._calendars.working_time(asked.calendar)
        begin = working.first_fit(start, seconds)
        found = [] if begin is None else [begin + seconds]
        spans = self._planned.get(asked.resource, [])
        for first, finish in spans[bisect_left(spans, (start,)) :]:
            if finish - first >= seconds:
                found.append(finish)
                break
        return min(found, default=None)

    def begun(self, asked: Cleaning, finish: int) -> int | None:
        """Latest instant at which a cleaning begins that is over by then."""
        seconds = asked.seconds
        if not seconds:
            return finish
        working = self._calendars.working_time(asked.calendar)
        begin = working.last_fit(finish, seconds)
        found = [] if begin is None else [begin]
        found += [
            first
            for first, last in self._planned.get(asked.resource, [])
            if last <= finish and last - first >= seconds
        ]
        return max(found, default=None)

    def fits(self, asked: Cleaning, start: int, finish: int) -> bool:
        """Whether a gap holds a cleaning."""
        over = self.done(asked, start)
        return over is not None and over <= finish
