"""The arrival over a lane of many loads at once, as `Transport.clock_at` gives each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.units import DAY

if TYPE_CHECKING:
    import numpy.typing as npt

    from medhavi.providers.transport import Transport

    Instants = npt.NDArray[np.int64]

AHEAD = 120 * DAY
"""For how long around the instants that are asked for departures are listed."""


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
        self._listed: dict[str, tuple[int, Instants]] = {}
        self._cutoffs: dict[str, int] = {}
        """By lane [s]; -1: its time is closed now and then."""

    def arrivals(
        self, lane: str, ready: int | Instants, transit: int | Instants
    ) -> int | Instants:
        """Give when loads arrive by the first departure of a lane.

        Parameters
        ----------
        lane
            Id.
        ready
            When the loads are ready [s]; one for all, or shape (n,), int64.
        transit
            Time from departure to use [s of the lane's time]; the same.

        Returns
        -------
        int or numpy.ndarray
            Instants [s]; where a lane never leaves again, the load stays ready.
        """
        transport = self._transport
        if isinstance(ready, int) and isinstance(transit, int):
            timing = transport.clock_at(lane, transit).earliest(ready, 0)
            return ready if timing is None else timing.finish
        cutoff = self._cutoffs.get(lane)
        if cutoff is None:
            always = transport.lane_time(lane).always_open
            cutoff = self._cutoffs[lane] = transport.cutoff(lane) if always else -1
        if cutoff >= 0:
            departures = self._departures(lane, ready + cutoff)
            if departures is not None:
                return departures + transit
        starts, lengths = np.broadcast_arrays(ready, transit)
        each = [
            self.arrivals(lane, start, length)
            for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
        ]
        return np.array(each, dtype=np.int64)

    def _departures(self, lane: str, bounds: int | Instants) -> int | Instants | None:
        """Give the first departure from instants on; None: ask one by one."""
        if self._transport.timetable(lane).any_time:
            return bounds
        first, last = (
            (bounds, bounds)
            if isinstance(bounds, int)
            else (int(np.minimum.reduce(bounds)), int(np.maximum.reduce(bounds)))
        )
        known = self._listed.get(lane)
        if known is None or first < known[0] or last > known[1][-1]:
            known = self._list(lane, first, last)
            if known is None:
                return None
        listed = known[1]
        found: Instants = listed[np.searchsorted(listed, bounds)]
        return found

    def _list(self, lane: str, first: int, last: int) -> tuple[int, Instants] | None:
        """List the departures around instants; None: not all of them are known."""
        timetable = self._transport.timetable(lane)
        start = first - AHEAD
        listed = timetable.between(start, last + AHEAD)
        if listed is None:
            start, listed = first, timetable.between(first, last)
        if listed is None:
            return None
        known = self._listed[lane] = (start, np.array(listed, dtype=np.int64))
        return known
