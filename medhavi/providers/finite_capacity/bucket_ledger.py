"""Hours that a rough-cut resource has and has given away, by day, week or month."""

from __future__ import annotations

from bisect import bisect_left, insort
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medhavi.providers.finite_capacity.resource_ledger import MILLION
from medhavi.results.buckets import floor, following
from medhavi.units import DAY

if TYPE_CHECKING:
    from medhavi.providers.capacity.resources import ResourceClock
    from medhavi.providers.finite_capacity.resource_ledger import Block


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
        self.blocks: list[Block] = []
        self.taken: dict[int, int] = {}
        """Unit-seconds in use by the start of the bucket [millionths]."""
        self._offers: dict[int, int] = {}

    def add(self, block: Block) -> None:
        """Take the hours of a block; more than there is can be taken."""
        insort(self.blocks, block)
        self._change(block, 1)

    def remove(self, block: Block) -> None:
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

    def held(self, start: int, finish: int) -> list[Block]:
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

    def _change(self, block: Block, sign: int) -> None:
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
