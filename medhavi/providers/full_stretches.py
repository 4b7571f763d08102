"""Stretches of a ledger in which no order of a size begins: what scans need not repeat.

A search from `bound` that ends at `start` has shown that nothing as long fits between.
That stays so for whatever is longer, and while more is added; what is taken back in the
opposite order leaves what was known before it. So the book of a full plant is asked at
the same price as that of an empty one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.units import MINUTE

if TYPE_CHECKING:
    from medhavi.snapshot.calendars import WorkingTime

    Key = tuple[WorkingTime, bool, int, int]
    """Working time, whether work may be split, its need, and its length in classes."""

_CLASS = 15 * MINUTE
"""Lengths are told apart by so much: finer remembers more that serves less."""


_CLASSES = 16
"""Lengths that are told apart; longer work is looked for afresh."""


class Stretch(NamedTuple):
    """`[start, end)` in which nothing begins; `depth` blocks were added by then."""

    start: int
    end: int
    depth: int


class FullStretches:
    """The longest full stretch of one ledger, by what is to be placed."""

    __slots__ = ("_blocks", "_deepest", "_known")

    def __init__(self) -> None:
        self._blocks: list[object] = []
        self._known: dict[Key, Stretch] = {}
        self._deepest = 0

    def past(
        self,
        working: WorkingTime,
        splittable: bool,  # noqa: FBT001 - hot
        length: int,
        bound: int,
        need: int,
    ) -> int:
        """Give the instant before which nothing of a length begins from `bound` on."""
        known = self._known.get((working, splittable, need, length // _CLASS))
        if known is not None and known[0] <= bound < known[1]:
            return known[1]
        return bound

    def learn(
        self,
        working: WorkingTime,
        splittable: bool,  # noqa: FBT001 - hot
        length: int,
        span: tuple[int, int],
        need: int,
    ) -> None:
        """Remember that nothing of a length begins in `[span)`."""
        self._deepest = len(self._blocks)
        known = self._known
        # What is too full for a length is too full for a longer one.
        for size in range(-(-length // _CLASS), _CLASSES):
            key = (working, splittable, need, size)
            start, end = span
            old = known.get(key)
            if old is not None:
                if old.start <= end and start <= old.end:
                    start, end = min(start, old.start), max(end, old.end)
                elif old.end - old.start > end - start:
                    continue
                if start == old.start and end == old.end:
                    continue
            known[key] = Stretch(start, end, self._deepest)

    def added(self, block: object) -> None:
        """Note a block that is held from now on."""
        self._blocks.append(block)

    def removed(self, block: object) -> None:
        """Forget what a block that is given back may have filled."""
        blocks = self._blocks
        if not blocks or blocks[-1] != block:
            blocks.clear()
            self._known.clear()
            self._deepest = 0
            return
        blocks.pop()
        depth = len(blocks)
        if self._deepest > depth:
            self._known = {
                key: one for key, one in self._known.items() if one.depth <= depth
            }
            self._deepest = depth
