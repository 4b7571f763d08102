"""Free stretches of a ledger by their length: a full book answers like an empty one.

A search for room walks over all pieces of use, and most leave too little between them.
Here the stretches with room for a need stand in lists, one for each class of length, so
that a search meets only what is about long enough. What is added or given back changes
the stretches that it touches, and no others.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from medhavi.units import ALWAYS, MINUTE, NEVER

if TYPE_CHECKING:
    from medhavi.snapshot.calendars.calendars import WorkingTime

    Span = tuple[int, int]

_CLASS = 15 * MINUTE
"""Lengths are told apart by so much: finer lists hold less that is too short."""
_CLASSES = 16
"""Classes of length; all that is longer is in the last."""


class FreeStretches:
    """Where one need has room on one ledger, and how much in a working time.

    Parameters
    ----------
    times, used
        The use of the ledger, which changes in place: instants [s], and the use from
        each on.
    limit
        Use up to which there is room for the need.
    working
        Open time that work may use.
    """

    __slots__ = ("_limit", "_lists", "_times", "_used", "_working")

    def __init__(
        self, times: list[int], used: list[int], limit: int, working: WorkingTime
    ) -> None:
        self._times = times
        self._used = used
        self._limit = limit
        self._working = working
        self._lists: dict[int, tuple[list[int], list[int]]] = {}
        """Starts and ends of the stretches that are long enough, by class."""

    def listed(self, length: int) -> tuple[list[int], list[int]] | None:
        """Starts and ends of what may be long enough; None: not listed."""
        size = length // _CLASS
        return self._lists.get(min(_CLASSES, size))

    def learn(self, length: int) -> None:
        """List the stretches for a length from now on."""
        size = min(length // _CLASS, _CLASSES)
        starts: list[int] = []
        ends: list[int] = []
        self._lists[size] = starts, ends
        for start, end, room in self._free(0, len(self._times)):
            if room >= size:
                starts.append(start)
                ends.append(end)

    def earliest(
        self,
        listed: tuple[list[int], list[int]],
        splittable: bool,  # noqa: FBT001 - hot
        length: int,
        bound: int,
        latest: int,
    ) -> Span | None:
        """First room in what is `listed` from an instant on, before another.

        Parameters
        ----------
        bound, latest
            Instants from which and before which the work begins [s].
        """
        starts, ends = listed
        working = self._working
        for place in range(bisect_right(ends, bound), len(ends)):
            begin, end = starts[place], ends[place]
            begin = max(begin, bound)
            if begin >= latest:
                return None
            if end - begin < length:
                continue
            if splittable:
                span = working.soonest(begin, length)
            else:
                fit = working.first_fit(begin, length)
                span = None if fit is None else (fit, fit + length)
            if span is None or span[1] <= end:
                return span
        return None

    def changed(self, start: int, finish: int) -> None:
        """Look again at what `[start, finish)` touches: its use is another now."""
        times, used, limit = self._times, self._used, self._limit
        first = bisect_right(times, start) - 1
        while first and used[first - 1] <= limit:
            first -= 1
        last, count = bisect_right(times, finish, first), len(times)
        while last < count and used[last - 1] <= limit:
            last += 1
        low, high = times[first], times[last] if last < count else NEVER
        found = self._free(first, last)
        for size, (starts, ends) in self._lists.items():
            before = bisect_left(starts, low)
            behind = bisect_left(starts, high, before)
            fitting = [one for one in found if one[2] >= size]
            if fitting or before < behind:
                starts[before:behind] = [one[0] for one in fitting]
                ends[before:behind] = [one[1] for one in fitting]

    def _free(self, first: int, last: int) -> list[tuple[int, int, int]]:
        """Stretches of some pieces of use: start, end, class of length.

        Those that are too short for every list are left out.
        """
        times, used, limit = self._times, self._used, self._limit
        found: list[tuple[int, int, int]] = []
        least = min(self._lists, default=0) * _CLASS
        place = first
        while place < last:
            if used[place] > limit:
                place += 1
                continue
            start = times[place]
            while place < last and used[place] <= limit:
                place += 1
            end = times[place] if place < len(times) else NEVER
            room = _CLASSES
            if end - start < least:
                continue
            if start > ALWAYS and end < NEVER:
                room = min(self._working.between(start, end) // _CLASS, _CLASSES)
            found.append((start, end, room))
        return found
