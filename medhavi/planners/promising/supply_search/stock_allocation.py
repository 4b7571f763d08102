"""Stock that one search allocates: what lives long enough, and shared orders.

An order is written there when another of the search may use a resource of it: most
never are, and what was not written needs no taking back.

What is taken together may leave apart, and what is taken later waits less: so it is not
said of a line, but of who takes from it, when, and how many pieces, until when they
must live (rule 11).
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.supply_search.alternatives import (
    NOT_NEW,
    SupplyAllocation,
)
from medhavi.results.limiter import Blocked, Limiter
from medhavi.units import INT64_MAX, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from medhavi.planners.promising.supply_search.alternatives import Evaluation, Use
    from medhavi.planners.promising.supply_search.availability import (
        AvailabilityCheck,
        Bought,
        Marks,
    )
    from medhavi.planners.promising.supply_search.policies import (
        Batch,
        Ends,
        Limits,
        Node,
        Taker,
        Terms,
    )
    from medhavi.providers.material.line import LineChange, MaterialLine
    from medhavi.providers.sources import OrderTiming, Source

    Seen = tuple[MaterialLine, int, float, bool]
    """A line, how long its goods must live until they arrive [s] and then [days], and
    whether safety stock may be used."""


_made = tuple.__new__
"""Makes a named tuple of all its fields."""


class ExpiringAllocation(NamedTuple):
    """A piece of stock that expires, who takes it, and until when it must live [s]."""

    use: Use
    taker: Taker
    end: int

    @property
    def too_old(self) -> bool:
        """Whether nobody looked that it lives so long."""
        return self.end > max(self.use.piece.lives, self.use.piece.ready)


def lasting(found: Evaluation, stages: AvailabilityCheck) -> list[ExpiringAllocation]:
    """Pieces of stock that expire, those of early shipments first."""
    if not stages.anything_perishes:
        return []
    return [one for one in _taken(found) if stages.perishable(one.use.piece.product)]


def _taken(found: Evaluation) -> Iterator[ExpiringAllocation]:
    """All pieces of stock with when they are used up or arrive, each once."""
    waiting: list[tuple[Use, Node | None, int]] = [
        (use, None, shipment.arrival)
        for shipment in found.shipments
        for use in shipment.uses
    ]
    # The list grows while it is read.
    for use, into, end in waiting:
        piece = use.piece
        if piece.again:
            continue
        node = piece.product, piece.location
        if piece.kind == "stock":
            yield ExpiringAllocation(use, (node, into), end)
        # What is moved is as old when it arrives: it must live until it is used there.
        moved = piece.kind == "move"
        waiting += [(one, node, end if moved else one.instant) for one in piece.uses]


def ends_of(pieces: Sequence[ExpiringAllocation]) -> Ends:
    """Until when pieces must live, by who takes them and when they are there."""
    found: dict[Taker, dict[int, list[tuple[int, int]]]] = {}
    for one in pieces:
        piece = one.use.piece
        limits = found.setdefault(one.taker, {}).setdefault(piece.ready, [])
        # Bounds run on: what leaves first counts first.
        before = limits[-1][0] if limits else 0
        limits.append((before + piece.steps, one.end))
    return found


def latest(one: Ends, other: Ends) -> Ends:
    """Later end of each piece."""
    found: dict[Taker, dict[int, Limits]] = {}
    for taker in {**one, **other}:
        ours, theirs = one.get(taker, {}), other.get(taker, {})
        found[taker] = {
            instant: _latest(ours.get(instant, ()), theirs.get(instant, ()))
            for instant in {**ours, **theirs}
        }
    return found


def _latest(one: Limits, other: Limits) -> Limits:
    bounds = sorted({most for most, _ in (*one, *other)})
    return [(most, max(_end(one, most - 1), _end(other, most - 1))) for most in bounds]


def _end(limits: Limits, place: int) -> int:
    """Until when a piece must live; what is beyond the last is like that."""
    if not limits:
        return 0
    return next((end for most, end in limits if place < most), limits[-1][1])


def waits(ends: Ends, taker: Taker, instant: int, least: int) -> Limits:
    """How long pieces must live that are taken at an instant [steps, s].

    What is taken at an instant that is not known leaves with the last of what is taken
    before, or later: it must live until then at least. Pieces for an order live until
    the last of them is used, whichever it is.

    Parameters
    ----------
    least
        How long all must live [s].
    """
    known = ends.get(taker, {})
    moments = sorted(known)
    place = bisect_right(moments, instant) - 1
    limits = known[moments[place]] if place >= 0 else ()
    if limits and (taker[1] is not None or moments[place] < instant):
        limits = [(INT64_MAX, max(end for _, end in limits))]
    found = [(most, max(end - instant, least)) for most, end in limits]
    last = found[-1][1] if found else least
    return [*found[:-1], (INT64_MAX, last)]


def too_short(pieces: Sequence[ExpiringAllocation]) -> dict[Node, int]:
    """How long what was too old would have had to live, by node [s]."""
    found: dict[Node, int] = {}
    for one in pieces:
        if one.too_old:
            node = one.taker[0]
            wait = one.end - one.use.piece.ready
            found[node] = min(found.get(node, wait), wait)
    return found


def shortest(one: Mapping[Node, int], other: Mapping[Node, int]) -> dict[Node, int]:
    """Shorter wait of each node [s]."""
    return {
        key: min(one.get(key, NEVER), other.get(key, NEVER)) for key in (*one, *other)
    }


class StockAllocation:
    """The lines that one search looks at and takes from.

    Parameters
    ----------
    stages
        The providers with their ledgers.

    Attributes
    ----------
    failures
        Why ways were closed, in the order of trying.
    """

    __slots__ = ("_lines", "_takers", "failures", "stages", "terms")

    def __init__(self, stages: AvailabilityCheck, terms: Terms) -> None:
        self.stages = stages
        self.terms = terms
        self.failures: list[Blocked] = []
        self._lines: dict[tuple[str, str], Seen] = {}
        self._takers: list[tuple[str, str]] = []
        """What is being ordered, the last for the one before."""

    def fail(self, stage: str, limiter: Limiter, subject: str) -> None:
        """Note why a way is closed."""
        self.failures.append(Blocked(stage, limiter, subject))

    def sources(self, product: str, location: str) -> Sequence[Source]:
        """Sources whose goods may have what is asked for, by preference."""
        found = self.stages.sources(product, location)
        asked = self.terms.traits
        if asked is None or product != self.terms.asked:
            return found
        good = [
            one for one in found if one.kind == "move" or self.stages.gives(one, asked)
        ]
        if len(good) < len(found):
            node = f"{product}|{location}|"
            self.fail("material", Limiter.QUALITY_MISMATCH, node)
        return good

    def _line(self, product: str, location: str) -> Seen:
        """Line of a need and how this search may look at it."""
        node = product, location
        return self._lines.get(node) or self._look(node)

    def _look(self, node: tuple[str, str]) -> Seen:
        """Look at the line of a need for the first time."""
        terms, stages = self.terms, self.stages
        product, location = node
        delivered = product == terms.asked
        line = stages.line(product, location, terms.traits if delivered else None)
        shelf = terms.min_shelf_days if delivered else 0.0
        free = terms.buffers and not stages.blocked_safety(product, location)
        transit = terms.transit.get(node, 0) if terms.transit else 0
        found = self._lines[node] = line, transit, shelf, free
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
    ) -> SupplyAllocation:
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
        lives = instant + transit if transit else 0
        taken: SupplyAllocation = _made(
            SupplyAllocation,
            ("stock", product, location, steps, instant, instant, *NOT_NEW, lives),
        )
        return taken

    def from_stock(
        self, product: str, location: str, steps: int
    ) -> list[SupplyAllocation]:
        """Take a quantity from stock and receipts, each part as soon as it is there."""
        pieces: list[SupplyAllocation] = []
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
    ) -> list[SupplyAllocation]:
        """Take what is free at a moment of a quantity; what leaves first first."""
        ready = self.terms.now if "material" in self.terms.relaxed else moment
        if not self.terms.ends:
            free = min(self.available(product, location, moment), steps)
            return [self.take(product, location, free, ready)] if free > 0 else []
        pieces: list[SupplyAllocation] = []
        gone = 0
        for most, wait in self._waits(product, location, ready):
            free = self.available(product, location, moment, wait)
            free = min(free, min(most, steps) - gone)
            if free > 0:
                pieces.append(self.take(product, location, free, ready, wait))
                gone += free
        return pieces


class OrdersPosition(NamedTuple):
    """A place to go back to: how many orders there were, how many were written."""

    orders: int
    written: int


class SearchPosition(NamedTuple):
    """A place of a search to go back to: ledgers, orders, joint orders."""

    ledgers: Marks
    orders: OrdersPosition
    batched: int


class SearchAllocations(NamedTuple):
    """What a way took, to take it again."""

    shifts: tuple[LineChange, ...]
    timings: tuple[OrderTiming, ...]
    bought: tuple[Bought, ...]
    batched: tuple[Batch, ...]


class WaitingOrders:
    """The orders of a search, in the order of placing.

    Parameters
    ----------
    stages
        Ledgers; the search takes back what was written to them.

    Attributes
    ----------
    timings
        When the orders run.
    """

    __slots__ = ("_held", "_stages", "_waiting", "_written", "timings")

    def __init__(self, stages: AvailabilityCheck) -> None:
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
        if timing.holds:
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

    @property
    def written(self) -> bool:
        """Whether the ledger knows of any."""
        return bool(self._written)

    def mark(self) -> OrdersPosition:
        """Place to go back to."""
        return OrdersPosition(len(self.timings), len(self._written))

    def undo(self, mark: OrdersPosition) -> None:
        """Forget the orders since a mark, which the ledger has taken back."""
        orders, written = mark
        # The ledger has taken these back: they wait again, if they were placed before
        # the mark.
        again = self._written[written:]
        del self.timings[orders:], self._held[orders:], self._written[written:]
        left = {*self._waiting, *again} if again else self._waiting
        self._waiting = sorted(place for place in left if place < orders)


def too_short_lived(
    found: Evaluation, stages: AvailabilityCheck, left: int
) -> SupplyAllocation | None:
    """New supply that would expire on its way, if any (rule 11).

    It lives from its end on. What waits could have been ordered later: the time under
    way alone counts, and what must be left of its life then.

    Parameters
    ----------
    left
        Life that what is delivered must have then [s].
    """
    for shipment in found.shipments:
        leaves = shipment.itinerary
        way = 0 if leaves is None else shipment.arrival - leaves.departure
        waiting = [(use.piece, way + left) for use in shipment.uses]
        while waiting:
            piece, needed = waiting.pop()
            if piece.kind == "move":
                needed += piece.ready - piece.begin
                waiting += [(use.piece, needed) for use in piece.uses]
            elif piece.kind != "stock":
                life = stages.providers.facts.shelf_life(piece.product)
                if life is not None and life < needed:
                    return piece
    return None


def share_resources(timings: Iterable[OrderTiming]) -> bool:
    """Whether several orders need one resource."""
    seen: set[str] = set()
    for timing in timings:
        used = {name for window in timing.steps for name, _ in window.resources}
        if used & seen:
            return True
        seen |= used
    return False


def joint_orders(found: Evaluation) -> dict[Batch, int]:
    """Collect what several orders of one source could serve with one (rule 33)."""
    if not _repeats(found):
        return {}
    orders: dict[Batch, list[SupplyAllocation]] = {}
    stocked: dict[tuple[str, str], list[Use]] = {}
    for use in found.uses():
        piece = use.piece
        if piece.kind == "stock":
            stocked.setdefault((piece.product, piece.location), []).append(use)
        elif piece.source is not None and piece.kind != "move":
            key: Batch = (
                piece.kind,
                piece.source.source,
                piece.product,
                piece.location,
            )
            orders.setdefault(key, []).append(piece)
    totals: dict[Batch, int] = {}
    for batch, pieces in orders.items():
        if len(pieces) < 2 or any(_split(piece) for piece in pieces):
            continue
        # Some of what is taken from the line is what these orders left over.
        since = min(piece.ready for piece in pieces)
        taken = sum(
            use.piece.steps
            for use in stocked.get((batch[2], batch[3]), ())
            if use.piece.ready >= since
        )
        over = sum(piece.surplus for piece in pieces)
        wanted = sum(piece.steps + piece.shared for piece in pieces)
        totals[batch] = wanted + min(taken, over)
    return totals


def _repeats(found: Evaluation) -> bool:
    """Whether any product of new supply is ordered more than once at a place."""
    seen: set[tuple[str, str]] = set()
    for use in found.uses():
        piece = use.piece
        if piece.source is not None and piece.kind != "move":
            node = (piece.product, piece.location)
            if node in seen:
                return True
            seen.add(node)
    return False


def _split(piece: SupplyAllocation) -> bool:
    """Whether the lots of a source cut large orders."""
    return piece.source is not None and piece.source.max_lot is not None
