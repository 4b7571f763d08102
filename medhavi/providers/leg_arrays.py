"""The arrival over a lane of many loads at once, as `Transport.clock_at` gives each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from medhavi.providers.timetable import Timetable
    from medhavi.providers.transport import Transport

    Instants = npt.NDArray[np.int64]


def arrivals(
    transport: Transport, lane: str, ready: int | Instants, transit: int | Instants
) -> int | Instants:
    """Give when loads arrive by the first departure of a lane.

    Parameters
    ----------
    transport
        Lanes.
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
    if isinstance(ready, int) and isinstance(transit, int):
        timing = transport.clock_at(lane, transit).earliest(ready, 0)
        return ready if timing is None else timing.finish
    starts, lengths = np.broadcast_arrays(ready, transit)
    if transport.lane_time(lane).always_open:
        bounds = starts + transport.cutoff(lane)
        departures = _departures(transport.timetable(lane), bounds)
        if departures is not None:
            found: Instants = departures + lengths
            return found
    each = [
        arrivals(transport, lane, start, length)
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
    ]
    return np.array(each, dtype=np.int64)


def _departures(timetable: Timetable, bounds: Instants) -> Instants | None:
    """Give the first departure from each instant on; None: ask one by one."""
    if timetable.any_time:
        return bounds
    known = timetable.between(int(bounds.min()), int(bounds.max()))
    if known is None:
        return None
    listed = np.array(known, dtype=np.int64)
    found: Instants = listed[np.searchsorted(listed, bounds)]
    return found
