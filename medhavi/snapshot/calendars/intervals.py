"""Lists of disjoint stretches of time with a capacity share, and their algebra."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, Final, TypeVar

from medhavi.units import DAY, NEVER, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Interval = tuple[int, int, float]
    """Half-open `[start, finish)` in UTC seconds and the share of the units at work."""
    Rule = Callable[[float | None, float | None], float | None]
    Producer = Callable[[int, int], list[Interval]]

Moment = TypeVar("Moment", int, float)
_PART: Final = 512 * DAY
_NOTHING: Final = (NEVER, NEVER, 0.0)


def larger(first: float | None, second: float | None) -> float | None:
    """Take the larger share where shifts overlap: a handover doubles no machine."""
    if first is None or second is None:
        return first if second is None else second
    return max(first, second)


def smaller(first: float | None, second: float | None) -> float | None:
    """Take the smaller share where two calendars are obeyed; closed in one: closed."""
    if first is None or second is None:
        return None
    return min(first, second)


def override(first: float | None, second: float | None) -> float | None:
    """Second value where stated, else the first."""
    return first if second is None else second


def remaining(first: float | None, second: float | None) -> float | None:
    """First value outside the stretches of the second list."""
    return first if second is None else None


def joined(spans: Iterable[tuple[Moment, Moment]]) -> tuple[tuple[Moment, Moment], ...]:
    """Spans in order of time, those that overlap or touch as one.

    >>> joined([(2, 4), (1, 2), (5, 6)])
    ((1, 4), (5, 6))
    """
    found: list[tuple[Moment, Moment]] = []
    for start, finish in sorted(spans):
        if found and start <= found[-1][1]:
            if finish > found[-1][1]:
                found[-1] = (found[-1][0], finish)
        else:
            found.append((start, finish))
    return tuple(found)


def union(pieces: Iterable[tuple[int, int]], share: float) -> list[Interval]:
    """Join pieces of one share, in any order and overlapping, to stretches.

    >>> union([(5, 9), (1, 3), (3, 6)], 1.0)
    [(1, 9, 1.0)]
    """
    open_ = (piece for piece in pieces if piece[0] < piece[1])
    return [(start, finish, share) for start, finish in joined(open_)]


def combine(
    first: list[Interval], second: list[Interval], rule: Rule
) -> list[Interval]:
    """Walk two lists side by side and give each moment the share that `rule` gives.

    `rule` gets `None` for a list that says nothing there; it may give `None`.

    >>> combine([(0, 10, 1.0)], [(4, 6, 0.0)], override)
    [(0, 4, 1.0), (4, 6, 0.0), (6, 10, 1.0)]
    """
    result: list[Interval] = []
    count1, count2 = len(first), len(second)
    i = j = 0
    start1, end1, share1 = first[0] if first else _NOTHING
    start2, end2, share2 = second[0] if second else _NOTHING
    moment = min(start1, start2)
    while i < count1 or j < count2:
        in1, in2 = start1 <= moment, start2 <= moment
        until = min(end1 if in1 else start1, end2 if in2 else start2)
        share = rule(share1 if in1 else None, share2 if in2 else None)
        if share is not None and until > moment:
            if result and result[-1][1] == moment and result[-1][2] == share:
                result[-1] = (result[-1][0], until, share)
            else:
                result.append((moment, until, share))
        moment = until
        if end1 <= moment:
            i += 1
            start1, end1, share1 = first[i] if i < count1 else _NOTHING
        if end2 <= moment:
            j += 1
            start2, end2, share2 = second[j] if j < count2 else _NOTHING
    return result


class CachedIntervals:
    """A producer of stretches that makes each part of the time axis only once.

    Parameters
    ----------
    produce
        Gives the stretches inside `[start, finish)`: sorted, disjoint, neighbours of
        one share joined; a shorter window gives the same, cut at its edges.

    Examples
    --------
    >>> CachedIntervals(lambda start, finish: [(start, finish, 1.0)])(-5, 5)
    [(-5, 5, 1.0)]
    """

    __slots__ = ("_parts", "_produce")

    def __init__(self, produce: Producer) -> None:
        self._produce = produce
        self._parts: dict[int, list[Interval]] = {}

    def __call__(self, start: int, finish: int) -> list[Interval]:
        """Stretches inside a window, as a list of its own."""
        if start >= finish:
            return []
        found: list[Interval] = []
        for part in range(start // _PART, (finish - 1) // _PART + 1):
            pieces = self._part(part)
            if found and pieces and _joined(found[-1], pieces[0]):
                found[-1] = (found[-1][0], *pieces[0][1:])
                found += pieces[1:]
            else:
                found += pieces
        first = bisect_right(found, start, key=itemgetter(1))
        found = found[first : bisect_left(found, finish, first, key=itemgetter(0))]
        if found and found[0][0] < start:
            found[0] = (start, *found[0][1:])
        if found and found[-1][1] > finish:
            found[-1] = (found[-1][0], finish, found[-1][2])
        return found

    def _part(self, part: int) -> list[Interval]:
        known = self._parts.get(part)
        if known is None:
            known = self._produce(part * _PART, (part + 1) * _PART)
            self._parts[part] = known
        return known


def _joined(first: Interval, second: Interval) -> bool:
    return first[1] == second[0] and first[2] == second[2]


def whole_units(units: float, share: float) -> int:
    """Cut units x share down to whole units (rule 17).

    >>> whole_units(100, 0.29)
    29
    """
    return math.floor(exact(units) * exact(share))
