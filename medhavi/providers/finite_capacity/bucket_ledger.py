"""Resources with capacity in hours per bucket: their ledger, and work on them.

Work that needs nothing but such resources, and may be split, takes from one bucket
after the other what is left there. Work that also holds a resource by the minute, or
must not be split, runs without a break and fits where every bucket has the hours that
fall into it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from medhavi.providers.capacity.resource_ledger import MILLION
from medhavi.results.buckets import floor, following
from medhavi.snapshot.calendars.intervals import joined
from medhavi.units import DAY, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.providers.capacity.resource_ledger import BusyInterval
    from medhavi.providers.capacity.resources import ResourceClock
    from medhavi.snapshot.calendars.calendars import WorkingTime

    Need = tuple["BucketLedger", int]
    """Resource and millionths of a unit."""
    Span = tuple[int, int]
    Segments = list[Span]


def bucket_of(kind: str, instant: int) -> tuple[int, int]:
    """Day, week or month in UTC that an instant belongs to, half-open.

    >>> bucket_of("day", 5) == (0, DAY)
    True
    """
    return _bucket_of_day(kind, instant // DAY)


@lru_cache(maxsize=65536)
def _bucket_of_day(kind: str, day: int) -> tuple[int, int]:
    moment = np.array([day * DAY], dtype=np.int64)
    return int(floor(moment, kind)[0]), int(following(moment, kind)[0])


class BucketLedger:
    """Hours of one bucket resource.

    Parameters
    ----------
    clock
        What the resource offers; its `bucket` is the kind.
    """

    __slots__ = ("_offers", "blocks", "clock", "kind", "taken")

    def __init__(self, clock: ResourceClock) -> None:
        self.clock = clock
        self.kind = clock.bucket or "day"
        self.blocks: list[BusyInterval] = []
        self.taken: dict[int, int] = {}
        """Unit-seconds in use by the start of the bucket [millionths]."""
        self._offers: dict[int, int] = {}

    def add(self, block: BusyInterval) -> None:
        """Take the hours of a block; more than there is can be taken."""
        insort(self.blocks, block)
        self._change(block, 1)

    def remove(self, block: BusyInterval) -> None:
        """Hours of a block back.

        Raises
        ------
        ValueError
            It is not held.
        """
        place = bisect_left(self.blocks, block)
        if place == len(self.blocks) or self.blocks[place] != block:
            message = f"{self.clock.resource} does not hold {block}."
            raise ValueError(message)
        del self.blocks[place]
        self._change(block, -1)

    def held(self, start: int, finish: int) -> list[BusyInterval]:
        """List the blocks in the buckets of `[start, finish)`, by start."""
        first = bucket_of(self.kind, start)[0]
        last = bucket_of(self.kind, max(finish - 1, start))[1]
        return [b for b in self.blocks if b.start < last and b.finish > first]

    def bucket(self, instant: int) -> tuple[int, int]:
        """Bucket of an instant."""
        return bucket_of(self.kind, instant)

    def room(self, start: int) -> int:
        """Unit-seconds left in the bucket that begins at `start`.

        In millionths, never below 0.
        """
        return max(self.offer(start) - self.taken.get(start, 0), 0)

    def has_room(self, segments: Iterable[Span], need: int) -> bool:
        """Whether buckets have so many millionths of a unit left for some stretches."""
        asked: dict[int, int] = {}
        for moment, end in segments:
            while moment < end:
                begin, behind = self.bucket(moment)
                until = min(end, behind)
                asked[begin] = asked.get(begin, 0) + (until - moment) * need
                moment = until  # noqa: PLW2901
        return all(self.room(begin) >= seconds for begin, seconds in asked.items())

    def offer(self, start: int) -> int:
        """Unit-seconds that the bucket has, taken or not, in millionths.

        Units count times the share of each shift (rule 17).
        """
        offer = self._offers.get(start)
        if offer is None:
            finish = bucket_of(self.kind, start)[1]
            offer = round(self.clock.available(start, finish) * MILLION)
            self._offers[start] = offer
        return offer

    def _change(self, block: BusyInterval, sign: int) -> None:
        start = block.start
        while start < block.finish:
            begin, end = bucket_of(self.kind, start)
            upper = min(end, block.finish)
            amount = self.taken.get(begin, 0) + sign * (upper - start) * block.units
            if amount:
                self.taken[begin] = amount
            else:
                self.taken.pop(begin, None)
            start = upper


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


def spans_of(
    working: WorkingTime, span: Span, opens: Sequence[int], taken: Sequence[int]
) -> tuple[Span, ...]:
    """Open time of work that is spread over buckets.

    Parameters
    ----------
    working
        When it can go on.
    span
        Its begin and end [UTC s].
    opens, taken
        Of the bucket of its begin and of those after it, begin [UTC s] and how much
        working time it takes [s]; the last one more than nothing.
    """
    found: Segments = []
    last = len(taken) - 1
    for place, (bucket, seconds) in enumerate(zip(opens, taken, strict=True)):
        if seconds:
            start = max(bucket, span[0])
            finish = span[1] if place == last else working.add(start, seconds)
            # The last part ends where the work ends, wherever it begins in its bucket.
            if 0 < place == last:
                start = working.subtract(span[1], seconds) or start
            found += working.segments(start, finish or start)
    return joined(found)


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


class ReservedBuckets(BucketLedger):
    """The hours of a bucket resource, as work sees them that leaves a share free.

    Parameters
    ----------
    book
        The ledger that is kept; it is asked, never changed.
    share
        Withheld share of the hours of each bucket.
    """

    __slots__ = ("_book", "_part")

    def __init__(self, book: BucketLedger, share: float) -> None:
        super().__init__(book.clock)
        self._book = book
        self._part = exact(share)

    def room(self, start: int) -> int:
        """Unit-seconds that are left beside what is withheld [millionths]."""
        kept = int(self._book.offer(start) * self._part)
        return max(self._book.room(start) - kept, 0)
