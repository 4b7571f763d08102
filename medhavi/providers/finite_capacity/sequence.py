"""Changeovers on sequenced resources: what a place in the sequence costs and owes.

Work that is put between two blocks changes what the later one needs. Its window stands
already, so the rest of its changeover must fit into the open time directly before it;
that time is held together with the new work and comes back with it. Work that does not
leave that time does not fit there.

On a resource of several units the blocks are taken as one sequence by their starts.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from medhavi.providers.capacity.changeovers import Changeovers
    from medhavi.providers.finite_capacity.resource_ledger import Block, Ledger


class Tail(NamedTuple):
    """Time before a follower that its changeover takes; `start` >= `finish`: none.

    Parameters
    ----------
    start, finish
        Half-open; `finish` is the start of the follower.
    after
        End of the follower: where to look next.
    earlier
        Start of the block with a family before it; `None`: there is none.
    fits
        Whether work that ends by `start` leaves the follower as it is.
    """

    start: int
    finish: int
    after: int
    earlier: int | None
    fits: bool


class Sequence:
    """Families along one resource.

    Parameters
    ----------
    book
        Ledger of a resource with a matrix.
    changeovers
        Times of all matrices.
    """

    __slots__ = ("_book", "_changeovers", "_matrix", "_state")

    def __init__(self, book: Ledger, changeovers: Changeovers) -> None:
        self._book = book
        self._changeovers = changeovers
        self._matrix = book.clock.matrix or ""
        self._state = changeovers.states.get(book.clock.resource)

    @property
    def resource(self) -> str:
        """Resource whose families these are."""
        return self._book.clock.resource

    def change(self, family: str, start: int) -> int:
        """Time to change to a family for work that begins at an instant."""
        before = self._before(start)
        family_before = self._state if before is None else before.family
        return self._changeovers.seconds(self._matrix, family_before, family)

    def tail(self, family: str, finish: int) -> Tail | None:
        """What the next block needs after work of a family; `None`: nothing."""
        follower = self._after(finish)
        if follower is None or follower.family is None:
            return None
        needed = self._changeovers.seconds(self._matrix, family, follower.family)
        owed = needed - follower.changeover
        if owed <= 0:
            return None
        working = self._book.clock.working
        start = working.subtract(follower.start, owed)
        before = self._before(follower.start)
        earlier = None if before is None else before.start
        if start is None:
            return Tail(finish, follower.start, follower.finish, earlier, fits=False)
        # Time that others hold for the same follower's changeover may be shared.
        clear = all(
            block.family is None and block.changeover
            for block in self._book.held(max(start, finish), follower.start)
        )
        return Tail(start, follower.start, follower.finish, earlier, fits=clear)

    def left(self, start: int, finish: int) -> Tail | None:
        """What the next block needs after work without a family; `None`: nothing.

        The family before it counts where that is a step of the same order, which holds
        no time for its follower yet.
        """
        before = self._before(start)
        if before is None or before.family is None or before.owner:
            return None
        return self.tail(before.family, finish)

    def owed(self, instant: int) -> bool:
        """Whether the block behind an instant lacks some of its changeover."""
        follower = self._after(instant)
        if follower is None or follower.family is None:
            return False
        return self.change(follower.family, follower.start) > follower.changeover

    def _before(self, instant: int) -> Block | None:
        blocks = self._book.blocks
        place = bisect_left(blocks, (instant,)) - 1
        while place >= 0:
            if blocks[place].family is not None:
                return blocks[place]
            place -= 1
        return None

    def _after(self, instant: int) -> Block | None:
        blocks = self._book.blocks
        for place in range(bisect_left(blocks, (instant,)), len(blocks)):
            if blocks[place].family is not None:
                return blocks[place]
        return None
