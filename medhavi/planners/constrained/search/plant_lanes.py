"""The lanes of a plant: when goods that are ready at an origin arrive."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained.search.plant_machines import (
    KNOWN_AFTER,
    KNOWN_BEFORE,
    Option,
    columns_of,
    open_rows,
    refuse,
)
from medhavi.planners.kernels.plant_kernels.plant_record import DEPARTS, FAR
from medhavi.providers.transport.transport import ContinuousLaneClock, LaneClock

if TYPE_CHECKING:
    from medhavi.planners.constrained.search.plant_machines import Row
    from medhavi.providers.sources import Source
    from medhavi.providers.transport.timetable import Timetable
    from medhavi.snapshot.calendars.working_time import WorkingTime


class Lanes:
    """Lanes that moves go on, in the order in which they are met.

    Parameters
    ----------
    as_of
        Now [UTC s].
    last
        The last due date [UTC s]; departures are listed for some years after it.
    """

    def __init__(self, as_of: int, last: int) -> None:
        self._as_of = as_of
        self._begin = as_of - KNOWN_BEFORE
        self._end = max(last, as_of) + KNOWN_AFTER
        self._options: list[Option] = []
        self._rows: list[list[Row]] = []
        self._known: dict[int, tuple[int, int]] = {}
        """Calendar and shortest time [s] of each clock that has one, by identity."""

    def option(self, source: Source) -> tuple[Option, int]:
        """Read how a lane carries goods, in any quantity.

        Returns
        -------
        option
            Work from when goods have to be ready; `windows` completes its calendar.
        post
            Time from its end to the arrival [s].

        Raises
        ------
        UnfitError
            It is more than a plant can say.
        """
        clock = source.clock
        if isinstance(clock, ContinuousLaneClock):
            timing = clock.earliest(self._as_of, 1)
            return Option(fixed=timing.finish - timing.ready), 0
        if not isinstance(clock, LaneClock):
            refuse(f"{source.source} has a clock of its own")
        if not clock.timetable.scheduled:
            return self._at_any_time(source.source, clock)
        if id(clock) not in self._known:
            found = self._departures(source.source, clock)
            shortest = min(arrival - ready for ready, arrival in found)
            self._known[id(clock)] = len(self._rows), shortest
            self._rows.append([(*one, 0, 0, 0) for one in found])
        calendar, shortest = self._known[id(clock)]
        option = Option(fixed=shortest, calendar=calendar, whole=DEPARTS)
        self._options.append(option)
        return option, 0

    def _departures(self, lane: str, clock: LaneClock) -> list[tuple[int, int]]:
        """When goods have to be ready for each departure, and arrive [s since now]."""
        found: list[tuple[int, int]] = []
        ready = self._begin
        while ready < self._end:
            timing = clock.earliest(ready, 1)
            if timing is None:
                break
            found.append((timing.ready - self._as_of, timing.finish - self._as_of))
            ready = timing.ready + 1
        if not found:
            refuse(f"{lane} has no departure")
        if any(one[1] > other[1] for one, other in pairwise(found)):
            refuse(f"{lane} has departures that overtake others")
        return found

    def _at_any_time(self, lane: str, clock: LaneClock) -> tuple[Option, int]:
        """Read a lane without a timetable.

        It leaves at any time but in blackouts, and goes on in the time of its calendar.
        """
        steady = clock.transit == 0 or clock.lane_time.always_open
        if clock.timetable.any_time and steady:
            return Option(fixed=clock.transit + clock.cutoff), 0
        if not clock.timetable.any_time and not steady:
            refuse(f"{lane} has no departures, a calendar and blackouts")
        # In open time it goes on; to leave is an instant of the time without blackout.
        length, post = (0, clock.transit) if steady else (clock.transit, 0)
        if id(clock) not in self._known:
            self._known[id(clock)] = len(self._rows), length
            # Goods are ready before they leave: so much earlier it is all counted.
            zero = self._as_of + clock.cutoff
            spans = _leaving(clock.timetable) if steady else self._open(clock.lane_time)
            self._rows.append(open_rows(spans, (), 0, zero))
        calendar, _ = self._known[id(clock)]
        option = Option(fixed=length, calendar=calendar)
        self._options.append(option)
        return option, post + clock.cutoff

    def _open(self, working: WorkingTime) -> list[tuple[int, int]]:
        """Open time of a calendar; beyond what is known all is open [UTC s]."""
        spans = working.segments(self._begin, self._end)
        return [(-FAR, self._begin), *spans, (self._end, FAR)]

    def windows(self, others: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Windows of other calendars, and after them those of the lanes.

        Options of lanes get the numbers of their calendars; that is done once.
        """
        start = others["k_start"]
        for option in self._options:
            option.calendar += len(start) - 1
        rows: list[Row] = []
        bounds = [int(start[-1])]
        for own in self._rows:
            first = bounds[-1]
            rows += [(*row[:3], row[3] + first, row[4] + first) for row in own]
            bounds.append(first + len(own))
        found = {
            name: np.concatenate([others[name], column])
            for name, column in columns_of(rows).items()
        }
        return {"k_start": np.concatenate([start[:-1], bounds]), **found}


def _leaving(timetable: Timetable) -> list[tuple[int, int]]:
    """First and last instant of each stretch without a blackout [UTC s]."""
    return [
        (begin, end if end == FAR else end - 1)
        for begin, end in timetable.stretches(-FAR, FAR)
    ]
