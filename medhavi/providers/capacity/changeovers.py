"""Changeovers and cleanings: their time and money, and the gaps that hold them.

A change takes time only where the resource has a matrix and the step a family; the
same family needs none, and nor does a pair that no row names. Of several rows the one
with fewer `*` counts, then the first.

A cleaning is a planned one (a row of `cleaning_windows` that is long enough), or idle
time of its length inside the calendar in which cleaning is allowed.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.capacity.network import minutes
from medhavi.units import ceil_fraction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.providers.table_rows import TableRows
    from medhavi.snapshot.calendars.calendars import Calendars


ANY = "*"


class Changeovers:
    """Changes of all matrices.

    Parameters
    ----------
    rows
        Table `changeovers`.
    states
        Family for which a resource is set up at as_of; without one its first set-up
        is free.
    """

    __slots__ = ("_known", "_priced", "_seconds", "states")

    def __init__(self, rows: TableRows, states: Mapping[str, str]) -> None:
        self.states = states
        self._seconds: dict[tuple[str, str, str], int] = {}
        self._priced: dict[tuple[str, str, str], tuple[float, bool]] = {}
        self._known: dict[tuple[str, str, str], int] = {}
        for row in rows:
            key = (row["matrix"], row["from_family"], row["to_family"])
            self._seconds.setdefault(key, ceil_fraction(minutes(row["setup_minutes"])))
            self._priced.setdefault(key, (row["cost"], row["cleaning"]))

    def seconds(self, matrix: str, before: str | None, family: str) -> int:
        """Time of a change [s]; nothing before: it is free."""
        if before is None or before == family:
            return 0
        asked = matrix, before, family
        found = self._known.get(asked)
        if found is None:
            found = self._known[asked] = self._stated(*asked)
        return found

    def _stated(self, matrix: str, before: str, family: str) -> int:
        for pair in ((before, family), (before, ANY), (ANY, family), (ANY, ANY)):
            found = self._seconds.get((matrix, *pair))
            if found is not None:
                return found
        return 0

    def cost(self, matrix: str, before: str | None, family: str) -> float:
        """Money of a change besides its time [base currency]."""
        return self._row(matrix, before, family)[0]

    def cleans(self, matrix: str, before: str | None, family: str) -> bool:
        """Whether a change counts as a cleaning."""
        return self._row(matrix, before, family)[1]

    def _row(self, matrix: str, before: str | None, family: str) -> tuple[float, bool]:
        if before is None or before == family:
            return 0.0, False
        for pair in ((before, family), (before, ANY), (ANY, family), (ANY, ANY)):
            found = self._priced.get((matrix, *pair))
            if found is not None:
                return found
        return 0.0, False


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

    def __init__(self, rows: TableRows, calendars: Calendars) -> None:
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
