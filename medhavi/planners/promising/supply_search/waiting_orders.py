"""Orders of one walk that the ledger of resources need not know yet.

An order is written there when another of the walk may use a resource of it: most never
are, and what was not written needs no taking back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from medhavi.planners.promising.supply_search.stages import Bought, Marks, Stages
    from medhavi.planners.promising.supply_search.walk_terms import Batch
    from medhavi.providers.material.line import LineChange
    from medhavi.providers.sources import OrderTiming


class OrdersMark(NamedTuple):
    """A place to go back to: how many orders there were, how many were written."""

    orders: int
    written: int


class WalkMark(NamedTuple):
    """A place of a walk to go back to: ledgers, orders, joint orders."""

    ledgers: Marks
    orders: OrdersMark
    batched: int


class WalkWrites(NamedTuple):
    """What a way took, to take it again."""

    shifts: tuple[LineChange, ...]
    timings: tuple[OrderTiming, ...]
    bought: tuple[Bought, ...]
    batched: tuple[Batch, ...]


class WaitingOrders:
    """The orders of a walk, in the order of placing.

    Parameters
    ----------
    stages
        Ledgers; the walk takes back what was written to them.

    Attributes
    ----------
    timings
        When the orders run.
    """

    __slots__ = ("_held", "_stages", "_waiting", "_written", "timings")

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self.timings: list[OrderTiming] = []
        self._held: list[set[str]] = []
        """Resources of each order."""
        self._waiting: list[int] = []
        self._written: list[int] = []

    def add(self, timing: OrderTiming) -> None:
        """Reserve the resources of an order."""
        self._waiting.append(len(self.timings))
        self.timings.append(timing)
        held = {name for window in timing.steps for name, _ in window.resources}
        held.update([hold.resource for hold in timing.holds])
        self._held.append(held)

    def write_for(self, routing: str) -> bool:
        """Write the orders that hold what a routing may use; tell whether any do."""
        if not self._waiting:
            return False
        named = self._stages.capacity.named(routing)
        kept = []
        for place in self._waiting:
            if not named.isdisjoint(self._held[place]):
                self._stages.occupy(self.timings[place])
                self._written.append(place)
            else:
                kept.append(place)
        found = len(kept) < len(self._waiting)
        self._waiting = kept
        return found

    def meet(self, routing: str) -> bool:
        """Whether any order holds what a routing may use."""
        named = self._stages.capacity.named(routing)
        return any(not named.isdisjoint(held) for held in self._held)

    @property
    def written(self) -> bool:
        """Whether the ledger knows of any."""
        return bool(self._written)

    def mark(self) -> OrdersMark:
        """Place to go back to."""
        return OrdersMark(len(self.timings), len(self._written))

    def undo(self, mark: OrdersMark) -> None:
        """Forget the orders since a mark, which the ledger has taken back."""
        orders, written = mark
        again = self._written[written:]
        del self.timings[orders:], self._held[orders:], self._written[written:]
        left = {*self._waiting, *again} if again else self._waiting
        self._waiting = sorted(place for place in left if place < orders)
