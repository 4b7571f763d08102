"""Departures of a lane: when they may be, and what they carry already (rule 31)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from medhavi.snapshot.calendars.intervals import joined
from medhavi.units import DAY, ceil_fraction, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from medhavi.snapshot.calendars.zones import Zone

    Departure = tuple[str, int]
    """Lane and instant [s]."""


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
        self._blackouts = joined(one for one in blackouts if one[0] < one[1])
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

    def since(self, bound: int) -> Iterator[int]:
        """Listed departures from an instant on, until twenty years have none."""
        week = self._week_of(bound) - 1
        while self._times and week <= self._week_of(bound + REACH):
            for departure in self._week(week):
                if departure >= bound and self._blackout(departure) is None:
                    yield departure
                    bound = departure + 1
            week += 1

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

    def stretches(self, start: int, finish: int) -> list[tuple[int, int]]:
        """Stretches of `[start, finish)` without a blackout, half-open [UTC s].

        A lane without a timetable leaves at any time of them.
        """
        found: list[tuple[int, int]] = []
        for begin, end in self._blackouts:
            if start < min(begin, finish):
                found.append((start, min(begin, finish)))
            start = max(start, end)
        if start < finish:
            found.append((start, finish))
        return found

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


MILLION: Final = 1_000_000


class Load(NamedTuple):
    """Weight [mg] and volume [cm3] as whole numbers, so that sums undo exactly."""

    weight: int = 0
    volume: int = 0


NOTHING: Final = Load()


@lru_cache(maxsize=65536)
def load_of(qty: float, weight_kg: float, volume_m3: float) -> Load:
    """Load of a quantity, rounded up.

    >>> load_of(2, 0.5, 0.0)
    Load(weight=1000000, volume=0)
    """
    count = exact(qty) * MILLION
    return Load(
        ceil_fraction(count * exact(weight_kg)),
        ceil_fraction(count * exact(volume_m3)),
    )


class DepartureLoads:
    """Loads by lane and departure; lanes that leave at any time keep none.

    Parameters
    ----------
    loads
        What is carried before anything is planned.

    Attributes
    ----------
    refused
        How often a search found that a first departure does not take its goods.
    """

    __slots__ = ("_lent", "_loads", "_marked", "journal", "refused")

    def __init__(self, loads: Iterable[tuple[Departure, Load]] = ()) -> None:
        self.refused = 0
        self._loads: dict[str, dict[int, Load]] = {}
        self._lent: set[str] = set()
        """Lanes whose loads a copy may have too: who changes them has his own first."""
        self.journal: list[tuple[str, int, Load]] = []
        """Lane, departure, and what it carried before; kept from the first mark on."""
        self._marked = False
        for (lane, departure), load in loads:
            self.add(lane, departure, load)

    def copied(self) -> DepartureLoads:
        """Loads of their own that are the same now."""
        made = DepartureLoads()
        made._loads = dict(self._loads)
        self._lent, made._lent = set(made._loads), set(made._loads)
        return made

    def of_lane(self, lane: str) -> dict[int, Load] | None:
        """Loads of a lane by departure; `None`: there are none."""
        return self._loads.get(lane)

    def state(self) -> dict[str, dict[int, Load]]:
        """Copy of all loads, to compare two moments by `==`."""
        return {lane: dict(found) for lane, found in self._loads.items()}

    def add(self, lane: str, departure: int, load: Load) -> None:
        """Load a departure; a negative load unloads it."""
        found = self._loads.get(lane)
        old = NOTHING if found is None else found.get(departure, NOTHING)
        new = Load(old[0] + load[0], old[1] + load[1])
        if self._marked:
            self.journal.append((lane, departure, old))
        self._put(lane, departure, new)

    def settle(self) -> None:
        """Forget the journal: what was loaded stays, earlier marks are void."""
        self.journal.clear()

    def mark(self) -> int:
        """Mark to undo to; changes are noted from the first one on."""
        self._marked = True
        return len(self.journal)

    def undo(self, mark: int) -> None:
        """Take back every change since the mark.

        Raises
        ------
        ValueError
            The mark is not one of this journal, or not any more.
        """
        if not (self._marked and 0 <= mark <= len(self.journal)):
            message = f"nothing is marked {mark}: {len(self.journal)} loads are kept."
            raise ValueError(message)
        while len(self.journal) > mark:
            self._put(*self.journal.pop())

    def _put(self, lane: str, departure: int, load: Load) -> None:
        found = self._loads.get(lane)
        if found is not None and lane in self._lent:
            found = self._loads[lane] = dict(found)
        self._lent.discard(lane)
        if load[0] or load[1]:
            if found is None:
                found = self._loads[lane] = {}
            found[departure] = load
        elif found is not None:
            found.pop(departure, None)
            if not found:
                del self._loads[lane]
