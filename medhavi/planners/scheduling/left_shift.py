"""A fixed sequence, shifted left: every operation as early as its predecessors let it.

The sequence of each machine stays. One loop over operations, all scenarios at once as a
vector: starts and ends have shape (operations, scenarios). The same code places the
planned schedule (one scenario) and simulates thousands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Windows = tuple[tuple[float, float], ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One operation of a fixed sequence.

    Parameters
    ----------
    after
        Operations of the order that end before it starts.
    neighbour
        Operation before it on the machine; None is the first.
    setup
        Set-up between the neighbour's end and the start; it may precede `after`.
    earliest
        Never before this: release, a fixed or a planned start.
    windows
        Open time of the machine; None is always open.
    pauses
        Whether the run goes on after closed time.
    """

    after: tuple[int, ...] = ()
    neighbour: int | None = None
    setup: float = 0.0
    earliest: float = 0.0
    windows: Windows = None
    pauses: bool = False


def left_shift(
    links: tuple[Link, ...], sequence: tuple[int, ...], durations: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and ends of all operations in all scenarios.

    Parameters
    ----------
    links
        One per operation.
    sequence
        Every operation, each after its predecessors and its neighbour.
    durations
        float64, shape (operations, scenarios).

    Returns
    -------
    starts, ends : ndarray
        float64, shape (operations, scenarios); inf where the windows have no room.
    """
    starts = np.empty_like(durations)
    ends = np.empty_like(durations)
    scenarios = durations.shape[1]
    for place in sequence:
        link = links[place]
        ready = np.full(scenarios, float(link.earliest))
        for before in link.after:
            np.maximum(ready, ends[before], out=ready)
        free = 0.0 if link.neighbour is None else ends[link.neighbour]
        if link.setup or link.neighbour is not None:
            length = np.full(scenarios, float(link.setup))
            begin = unbroken(link.windows, np.broadcast_to(free, scenarios), length)
            np.maximum(ready, begin + length, out=ready)
        if link.pauses and link.windows is not None:
            starts[place], ends[place] = paused(link.windows, ready, durations[place])
        else:
            starts[place] = unbroken(link.windows, ready, durations[place])
            ends[place] = starts[place] + durations[place]
    return starts, ends


def unbroken(
    windows: Windows, instants: NDArray[np.float64], lengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """First starts from instants on of stretches inside one window.

    >>> unbroken(((0, 10), (20, 40)), np.array([2.0, 8.0, 50.0]), np.full(3, 5.0))
    array([ 2., 20., inf])
    """
    if windows is None:
        return np.array(instants, dtype=np.float64)
    opened = np.array([window[0] for window in windows], dtype=np.float64)
    closed = np.array([window[1] for window in windows], dtype=np.float64)
    found = np.array(instants, dtype=np.float64)
    # Nothing to do takes no window.
    open_ones = np.flatnonzero(lengths > 0)
    place = np.searchsorted(closed, found, side="right")
    while open_ones.size:
        here = place[open_ones]
        late = here >= len(closed)
        found[open_ones[late]] = np.inf
        open_ones, here = open_ones[~late], here[~late]
        begin = np.maximum(found[open_ones], opened[here])
        fits = begin + lengths[open_ones] <= closed[here]
        found[open_ones[fits]] = begin[fits]
        open_ones = open_ones[~fits]
        place[open_ones] += 1
    return found


def paused(
    windows: tuple[tuple[float, float], ...],
    instants: NDArray[np.float64],
    lengths: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and ends of runs that go on after closed time.

    >>> paused(((0, 10), (20, 40)), np.array([8.0]), np.array([5.0]))
    (array([8.]), array([23.]))
    """
    opened = np.array([window[0] for window in windows], dtype=np.float64)
    closed = np.array([window[1] for window in windows], dtype=np.float64)
    worked = np.concatenate([[0.0], np.cumsum(closed - opened)])
    last = len(closed) - 1
    place = np.searchsorted(closed, instants, side="right")
    inside = np.minimum(place, last)
    starts = np.where(place > last, np.inf, np.maximum(instants, opened[inside]))
    with np.errstate(invalid="ignore"):
        target = worked[inside] + (starts - opened[inside]) + lengths
    over = ~(target <= worked[-1])
    stop = np.minimum(np.searchsorted(worked[1:], target, side="left"), last)
    ends = np.where(over, np.inf, opened[stop] + target - worked[stop])
    return np.where(over, np.inf, starts), ends
