"""Open windows of a machine: where runs and set-ups fit."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Windows = tuple[tuple[int, int], ...] | None


def run_starts(
    windows: Windows, duration: int, first: int, last_end: int
) -> list[tuple[int, int]]:
    """List the intervals of starts at which an unbroken run fits, both ends included.

    >>> run_starts(((0, 10), (20, 26)), 5, 2, 100)
    [(2, 5), (20, 21)]
    """
    spans = ((0, last_end),) if windows is None else windows
    found = []
    for opened, closed in spans:
        low, high = max(opened, first), min(closed, last_end) - duration
        if low <= high:
            found.append((low, high))
    return found


def earliest_fit(windows: Windows, instant: int, length: int) -> int | None:
    """First start from `instant` on of an unbroken stretch.

    >>> earliest_fit(((0, 10), (20, 40)), 8, 5)
    20
    """
    if windows is None or length == 0:
        return instant
    for opened, closed in windows[_from(windows, instant) :]:
        start = max(opened, instant)
        if start + length <= closed:
            return start
    return None


def latest_fit(windows: Windows, instant: int, length: int) -> int | None:
    """Last start of an unbroken stretch that ends by `instant`.

    >>> latest_fit(((0, 10), (20, 40)), 22, 5)
    5
    """
    if windows is None or length == 0:
        return instant - length
    for opened, closed in reversed(windows):
        start = min(closed, instant) - length
        if start >= opened:
            return start
    return None


def paused_end(windows: Windows, start: int, length: int) -> int | None:
    """End of a run that pauses over closed time; None: it never ends.

    >>> paused_end(((0, 10), (20, 40)), 8, 5)
    23
    """
    if windows is None:
        return start + length
    left = length
    for opened, closed in windows[_from(windows, start) :]:
        begin = max(opened, start)
        if begin + left <= closed:
            return begin + left
        left -= closed - begin
    return None


def paused_start(windows: Windows, instant: int) -> int | None:
    """First instant from `instant` on at which the machine is open."""
    return earliest_fit(windows, instant, 1)


def _from(windows: Sequence[tuple[int, int]], instant: int) -> int:
    """Place of the first window that ends after an instant."""
    place = bisect_right(windows, (instant, instant)) - 1
    return place if place >= 0 and windows[place][1] > instant else place + 1
