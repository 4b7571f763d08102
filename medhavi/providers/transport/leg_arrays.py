"""The arrival over a lane of many loads at once, as `Transport.clock_at` gives each."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.providers.altered_copy import altered
from medhavi.units import DAY

if TYPE_CHECKING:
    import numpy.typing as npt

    from medhavi.providers.transport.timetable import Timetable
    from medhavi.providers.transport.transport import Transport

    Instants = npt.NDArray[np.int64]

AHEAD = 120 * DAY
"""For how long around the instants that are asked for departures are listed."""


class BoundedTimes(NamedTuple):
    """Instants or lengths of many loads, and bounds of them [s].

    Parameters
    ----------
    at
        One for all, or one for each: shape (n,), int64.
    least, most
        None is below or above; for one for all they are equal to it.
    """

    at: int | Instants
    least: int
    most: int

    @classmethod
    def of(cls, at: int | Instants) -> BoundedTimes:
        """Instants with their least and their most."""
        if isinstance(at, int):
            return cls(at, at, at)
        return cls(at, int(np.minimum.reduce(at)), int(np.maximum.reduce(at)))

    def plus(self, other: BoundedTimes) -> BoundedTimes:
        """Add two spreads, load by load."""
        return BoundedTimes(
            self.at + other.at, self.least + other.least, self.most + other.most
        )


class _DepartureList(NamedTuple):
    """Departures of a lane from an instant on, and until when loads are taken [s]."""

    start: int
    closes: list[int]
    closing: Instants
    departures: Instants


class LegArrays:
    """Departures of the lanes of a snapshot, each list made once.

    Parameters
    ----------
    transport
        Lanes.
    """

    __slots__ = ("_cutoffs", "_listed", "_transport")

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._listed: dict[tuple[Timetable, int], _DepartureList] = {}
        """By timetable and how long before a departure loads must be there [s]."""
        self._cutoffs: dict[str, int] = {}
        """By lane [s]; -1: its time is closed now and then."""

    def on(self, transport: Transport) -> LegArrays:
        """Departures of other lanes; lists by the same timetables stay."""
        return altered(self, _transport=transport, _cutoffs={})

    def arrivals(
        self, lane: str, ready: BoundedTimes, transit: BoundedTimes
    ) -> BoundedTimes:
        """When loads arrive by the first departure of a lane.

        Parameters
        ----------
        lane
            Id.
        ready
            When the loads are ready.
        transit
            Time from departure to use, in the lane's time.

        Returns
        -------
        Spread
            Where a lane never leaves again, the load stays ready.
        """
        begin, length = ready.at, transit.at
        if isinstance(begin, int) and isinstance(length, int):
            return BoundedTimes.of(self._arrival(lane, begin, length))
        cutoff = self._cutoffs.get(lane)
        if cutoff is None:
            transport = self._transport
            always = transport.lane_time(lane).always_open
            cutoff = self._cutoffs[lane] = transport.cutoff(lane) if always else -1
        if cutoff >= 0:
            departures = self._departures(lane, ready, cutoff)
            if departures is not None:
                return departures.plus(transit)
        begins, lengths = np.broadcast_arrays(begin, length)
        each = [
            self._arrival(lane, one, long)
            for one, long in zip(begins.tolist(), lengths.tolist(), strict=True)
        ]
        return BoundedTimes.of(np.array(each, dtype=np.int64))

    def _arrival(self, lane: str, ready: int, transit: int) -> int:
        timing = self._transport.clock_at(lane, transit).earliest(ready, 0)
        return ready if timing is None else timing.finish

    def _departures(
        self, lane: str, ready: BoundedTimes, cutoff: int
    ) -> BoundedTimes | None:
        """First departure of each load; None: ask one by one."""
        timetable = self._transport.timetable(lane)
        if timetable.any_time:
            return ready.plus(BoundedTimes(cutoff, cutoff, cutoff)) if cutoff else ready
        known = self._listed.get((timetable, cutoff))
        if known is None or ready.least < known.start or ready.most > known.closes[-1]:
            known = self._list(timetable, ready, cutoff)
            if known is None:
                return None
        closes = known.closes
        low, high = bisect_left(closes, ready.least), bisect_left(closes, ready.most)
        first, last = closes[low] + cutoff, closes[high] + cutoff
        if low == high:
            return BoundedTimes(first, first, first)
        places = known.closing[low:high].searchsorted(ready.at)
        return BoundedTimes(known.departures[low : high + 1][places], first, last)

    def _list(
        self, timetable: Timetable, ready: BoundedTimes, cutoff: int
    ) -> _DepartureList | None:
        """List the departures around instants; None: not all of them are known."""
        first, last = ready.least + cutoff, ready.most + cutoff
        start = first - AHEAD
        listed = timetable.between(start, last + AHEAD)
        if listed is None:
            start, listed = first, timetable.between(first, last)
        if listed is None:
            return None
        departures = np.array(listed, dtype=np.int64)
        closing = departures - cutoff
        known = _DepartureList(start - cutoff, closing.tolist(), closing, departures)
        self._listed[timetable, cutoff] = known
        return known
