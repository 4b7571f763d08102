"""What one walk takes from lines: stock that lives long enough, and waiting orders.

An order is written there when another of the walk may use a resource of it: most never
are, and what was not written needs no taking back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.supply_search.lasting_goods import waits
from medhavi.planners.promising.supply_search.pieces import Piece
from medhavi.planners.promising.supply_search.walk_terms import Failure
from medhavi.results.limiter import Limiter
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.promising.supply_search.stages import Bought, Marks, Stages
    from medhavi.planners.promising.supply_search.walk_terms import Batch, Limits, Terms
    from medhavi.providers.material.line import LineChange, MaterialLine
    from medhavi.providers.sources import OrderTiming, Source

    Seen = tuple[MaterialLine, int, float, bool]
    """A line, how long its goods must live until they arrive [s] and then [days], and
    whether safety stock may be used."""


class StockWalk:
    """The lines that one walk looks at and takes from.

    Parameters
    ----------
    stages
        The providers with their ledgers.
    terms
        What is allowed.

    Attributes
    ----------
    failures
        Why ways were closed, in the order of trying.
    """

    __slots__ = ("_lines", "_takers", "failures", "stages", "terms")

    def __init__(self, stages: Stages, terms: Terms) -> None:
        self.stages = stages
        self.terms = terms
        self.failures: list[Failure] = []
        self._lines: dict[tuple[str, str], Seen] = {}
        self._takers: list[tuple[str, str]] = []
        """What is being ordered, the last for the one before."""

    def fail(self, code: Limiter, subject: str) -> None:
        """Note why a way is closed."""
        self.failures.append(Failure(code, subject))

    def sources(self, product: str, location: str) -> Sequence[Source]:
        """Sources whose goods may have what is asked for, by preference."""
        found = self.stages.sources(product, location)
        asked = self.terms.traits if product == self.terms.asked else None
        if asked is None:
            return found
        good = [
            one for one in found if one.kind == "move" or self.stages.gives(one, asked)
        ]
        if len(good) < len(found):
            self.fail(Limiter.QUALITY_MISMATCH, f"{product}|{location}|")
        return good

    def _line(self, product: str, location: str) -> Seen:
        """Line of a need and how this walk may look at it."""
        node = product, location
        found = self._lines.get(node)
        if found is None:
            terms, stages = self.terms, self.stages
            delivered = product == terms.asked
            line = stages.line(product, location, terms.traits if delivered else None)
            shelf = terms.min_shelf_days if delivered else 0.0
            free = terms.buffers and not stages.blocked_safety(product, location)
            found = line, terms.transit.get(node, 0), shelf, free
            self._lines[node] = found
        self.stages.at = "material"
        return found

    def available(
        self, product: str, location: str, instant: int, wait: int | None = None
    ) -> int:
        """What is free at an instant [steps].

        Parameters
        ----------
        wait
            How long it must live; None: as long as the first piece that leaves [s].
        """
        line, transit, shelf, free = self._line(product, location)
        if wait is not None:
            transit = wait
        elif self.terms.ends:
            transit = self._waits(product, location, instant)[0][1]
        return line.available(
            instant, transit, shelf, buffers=free, customer=self.terms.customer
        )

    def _waits(self, product: str, location: str, instant: int) -> Limits:
        """How long pieces must live that are taken at an instant [steps, s]."""
        node, terms = (product, location), self.terms
        taker = node, self._takers[-1] if self._takers else None
        return waits(terms.ends, taker, instant, terms.transit.get(node, 0))

    def ever(self, product: str, location: str) -> int:
        """Most that is ever free [steps]; what expires is free for a time."""
        if not self.stages.perishable(product):
            return self.available(product, location, NEVER)
        moments = self.rises(product, location)
        return max(
            self.available(product, location, moment)
            for moment in (self.terms.now, *moments)
        )

    def never_free(self, product: str, location: str) -> bool:
        """Whether nothing is free, now or ever; goods kept in lots are asked else."""
        line, _, _, buffers = self._line(product, location)
        return line.never_free(buffers=buffers)

    def rises(self, product: str, location: str) -> list[int]:
        """Instants after now at which more is free [s]."""
        return self._line(product, location)[0].rises(self.terms.now)

    def _free_at(self, product: str, location: str, steps: int) -> int | None:
        terms = self.terms
        if "material" in terms.relaxed:
            return terms.now if self._given(product, location, steps) else None
        line, transit, shelf, free = self._line(product, location)
        if not (terms.ends and self.stages.perishable(product)):
            return line.earliest(
                steps, terms.now, transit, shelf, buffers=free, customer=terms.customer
            )
        for instant in (terms.now, *line.rises(terms.now)):
            wait = self._waits(product, location, instant)[-1][1]
            if self.available(product, location, instant, wait) >= steps:
                return instant
        return None

    def _given(self, product: str, location: str, steps: int) -> bool:
        """Whether relaxed material is at hand: it comes, or nobody can make it."""
        return self.ever(product, location) >= steps or all(
            source.kind == "buy" for source in self.sources(product, location)
        )

    def take(
        self,
        product: str,
        location: str,
        steps: int,
        instant: int,
        wait: int | None = None,
    ) -> Piece:
        """Take a quantity from the line at an instant.

        Parameters
        ----------
        wait
            How long it must live; None: as long as the last piece that leaves [s].
        """
        line, transit, shelf, _ = self._line(product, location)
        if wait is not None:
            transit = wait
        elif self.terms.ends:
            transit = self._waits(product, location, instant)[-1][1]
        line.take(steps, instant, transit, shelf, customer=self.terms.customer)
        taken = Piece("stock", product, location, steps, instant, instant)
        return taken._replace(lives=instant + transit) if transit else taken

    def from_stock(self, product: str, location: str, steps: int) -> list[Piece]:
        """Take a quantity from stock and receipts, each part as soon as it is there."""
        pieces: list[Piece] = []
        left = steps
        moments = [self.terms.now]
        there = self.available(product, location, self.terms.now)
        if left > there or self.terms.ends:
            moments += self.rises(product, location)
        for moment in moments:
            if left <= 0:
                break
            found = self._taken(product, location, left, moment)
            left -= sum([piece.steps for piece in found])
            pieces += found
        relaxed = "material" in self.terms.relaxed
        if left > 0 and relaxed and self._given(product, location, steps):
            pieces.append(self.take(product, location, left, self.terms.now))
        return pieces

    def _taken(
        self, product: str, location: str, steps: int, moment: int
    ) -> list[Piece]:
        """Take what is free at a moment of a quantity; what leaves first first."""
        ready = self.terms.now if "material" in self.terms.relaxed else moment
        if not self.terms.ends:
            free = min(self.available(product, location, moment), steps)
            return [self.take(product, location, free, ready)] if free > 0 else []
        pieces: list[Piece] = []
        gone = 0
        for most, wait in self._waits(product, location, ready):
            free = self.available(product, location, moment, wait)
            free = min(free, min(most, steps) - gone)
            if free > 0:
                pieces.append(self.take(product, location, free, ready, wait))
                gone += free
        return pieces


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
