"""Work on resources whose capacity is counted in hours per bucket.

Work that needs nothing but such resources, and may be split, takes from one bucket
after the other what is left there. Work that also holds a resource by the minute, or
must not be split, runs without a break and fits where every bucket has the hours that
fall into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.providers.finite_capacity.bucket_ledger import BucketLedger
    from medhavi.snapshot.calendars.calendars import WorkingTime

    Need = tuple[BucketLedger, int]
    """Resource and millionths of a unit."""
    Span = tuple[int, int]
    Segments = list[Span]

REACH: Final = 3 * 366 * DAY
"""How far hours are looked for."""


def spread_forward(
    working: WorkingTime, length: int, bound: int, needs: Sequence[Need]
) -> Segments | None:
    """Take working seconds as early as possible; `None`: there are not so many."""
    ceiling = bound + REACH
    taken: dict[tuple[int, int], int] = {}
    segments: Segments = []
    while length > 0:
        start = working.next_open(bound)
        if start is None or start > ceiling:
            return None
        end = min(book.bucket(start)[1] for book, _ in needs)
        most = min(length, working.between(start, end), _room(needs, start, taken))
        if most > 0:
            finish = working.add(start, most)
            if finish is None:
                return None
            segments += working.segments(start, finish)
            _take(needs, start, most, taken)
            length -= most
        bound = end
    return segments


def spread_backward(
    working: WorkingTime, length: int, bounds: Span, needs: Sequence[Need]
) -> Segments | None:
    """Take working seconds as late as possible; bounds are floor and end."""
    floor, bound = bounds
    floor = max(floor, bound - REACH)
    taken: dict[tuple[int, int], int] = {}
    segments: Segments = []
    while length > 0:
        finish = working.previous_open(bound)
        if finish is None or finish <= floor:
            return None
        begin = max(floor, *(book.bucket(finish - 1)[0] for book, _ in needs))
        room = _room(needs, finish - 1, taken)
        most = min(length, working.between(begin, finish), room)
        if most > 0:
            start = working.subtract(finish, most)
            if start is None:
                return None
            segments[:0] = working.segments(start, finish)
            _take(needs, finish - 1, most, taken)
            length -= most
        bound = begin
    return segments


def overfull(
    working: WorkingTime, span: Span, needs: Sequence[Need]
) -> tuple[int, int, int] | None:
    """First bucket that unbroken work asks too much of, and its seconds left.

    Returns
    -------
    (start, finish, seconds)
        Of the bucket; the seconds that the work may still have in it.
    """
    start, finish = span
    for book, need in needs:
        moment = start
        while moment < finish:
            begin, end = book.bucket(moment)
            left = book.room(begin) // need
            if working.between(max(start, begin), min(finish, end)) > left:
                return begin, end, left
            moment = end
    return None


def _room(
    needs: Sequence[Need], instant: int, taken: dict[tuple[int, int], int]
) -> int:
    left = []
    for place, (book, need) in enumerate(needs):
        begin = book.bucket(instant)[0]
        left.append(book.room(begin) // need - taken.get((place, begin), 0))
    return min(left)


def _take(
    needs: Sequence[Need],
    instant: int,
    seconds: int,
    taken: dict[tuple[int, int], int],
) -> None:
    for place, (book, _) in enumerate(needs):
        key = (place, book.bucket(instant)[0])
        taken[key] = taken.get(key, 0) + seconds
