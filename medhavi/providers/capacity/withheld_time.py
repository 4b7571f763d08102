"""Time of resources that cannot be promised: what is withheld, and expected stops.

Withheld time is the last part of each opening, so that work never runs there and what
is urgent still can (requirement CAP-10). Expected stops make work slower instead: when
they come is not known (CAP-20).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from medhavi.snapshot.calendars.calendars import WorkingTime
from medhavi.snapshot.calendars.intervals import CachedIntervals, combine, union
from medhavi.units import DAY, exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.providers import Providers
    from medhavi.providers.lead_times import Quantiles
    from medhavi.snapshot.calendars.intervals import Interval


MOST_STOPPED = Fraction(99, 100)
"""However long a resource is expected to stand, so much of its pace is lost at most."""
HOURS_A_DAY = 24


class WithheldCapacity(NamedTuple):
    """What work leaves free.

    Parameters
    ----------
    kept
        Resource and withheld share of its time, sorted.
    stopped
        Resource and the share of its time in which it is expected to stand, sorted.
    factors
        Routing and step, and how much longer than stated its run takes, sorted.
    """

    kept: tuple[tuple[str, float], ...] = ()
    stopped: tuple[tuple[str, Fraction], ...] = ()
    factors: tuple[tuple[tuple[str, int], Fraction], ...] = ()


def stopped_share(hours: float) -> Fraction:
    """Share of time that is lost where so many of 24 hours are.

    >>> stopped_share(6.0)
    Fraction(1, 4)
    """
    return min(max(exact(hours) / HOURS_A_DAY, Fraction(0)), MOST_STOPPED)


def leaving(working: WorkingTime, share: float) -> WorkingTime:
    """Close the last part of each opening.

    Parameters
    ----------
    working
        Open time.
    share
        Withheld share of an opening; one that is longer than a day counts by UTC days.
        The part is rounded down to the second.

    Examples
    --------
    >>> from medhavi.snapshot.calendars.calendars import ALWAYS_OPEN
    >>> leaving(ALWAYS_OPEN, 0.25).segments(0, 2 * 86400)
    [(0, 64800), (86400, 151200)]
    """
    part = exact(share)

    def produce(start: int, finish: int) -> list[Interval]:
        closed = [
            (end - int((end - begin) * part), end, 0.0)
            for begin, end in _openings(working, start, finish)
        ]
        inside = [
            (max(begin, start), min(end, finish), none)
            for begin, end, none in closed
            if begin < finish and end > start
        ]
        return combine(working.shares(start, finish), inside, _without)

    return working.intersect(WorkingTime(CachedIntervals(produce), working.zone))


def _openings(
    working: WorkingTime, start: int, finish: int
) -> Iterator[tuple[int, int]]:
    """Openings that reach into a window whole; long ones by UTC days.

    Two days more are read on either side: an opening that goes on beyond them is long.
    """
    pieces = working.shares(start - 2 * DAY, finish + 2 * DAY)
    for begin, end, _ in union([piece[:2] for piece in pieces], 1.0):
        if end <= start or begin >= finish:
            continue
        if end - begin <= DAY:
            yield begin, end
            continue
        day = max(begin, start - DAY) // DAY * DAY
        while day < min(end, finish):
            yield max(begin, day), min(end, day + DAY)
            day += DAY


def _without(open_share: float | None, closed: float | None) -> float | None:
    return open_share if closed is None else None


class CapacityReserves(NamedTuple):
    """Resources that cannot be promised whole.

    Parameters
    ----------
    withheld
        Share of its time that a resource withholds.
    stops
        Hours of 24 in which a resource is expected to stand (CAP-20).
    factors
        How much longer than stated a step takes, by routing and step (RTG-07).
    yields
        Learned good shares of steps; the routings have them in already (RTG-07).
    """

    withheld: Mapping[str, float]
    stops: Mapping[str, Quantiles]
    factors: Mapping[tuple[str, int], Quantiles]
    yields: Mapping[tuple[str, int], Quantiles]

    @property
    def none(self) -> bool:
        """Whether nothing is withheld and nothing expected."""
        return not (self.withheld or self.stops or self.factors)


def reserves_of(providers: Providers) -> CapacityReserves:
    """Collect what the tables withhold and what models expect."""
    capacity = providers.capacity
    found = {name: providers.lead_times.downtime(name) for name in capacity.resources}
    stops = {name: one for name, one in found.items() if one is not None and one.p95}
    times = providers.lead_times
    return CapacityReserves(
        capacity.withheld, stops, times.step_factors(), times.step_yields()
    )
