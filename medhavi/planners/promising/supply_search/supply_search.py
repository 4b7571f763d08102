"""How a quantity gets to a place: stock, making, buying, moving, chained (DEF-03).

A search takes what it finds from the ledgers of the providers at once, so that parts of
one request see each other; the caller marks before and goes back after. Material is
taken at the instant it is ready, which is never later than its use: what fits then fits
at the use, where it is held in the end.

Below the product that is asked for each need takes the way that is there first; what is
free at once is taken without looking further. That choice is greedy: `exact` says
whether more than one way was open anywhere.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.supply_search.alternatives import (
    NOTHING_OVER,
    SupplyAllocation,
    Use,
    make,
)
from medhavi.planners.promising.supply_search.stock_allocation import (
    SearchAllocations,
    SearchPosition,
    StockAllocation,
    WaitingOrders,
    share_resources,
)
from medhavi.results.limiter import Blocked, Limiter
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from medhavi.planners.promising.supply_search.alternatives import (
        Attempt,
        DeliveryNeed,
        Late,
    )
    from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
    from medhavi.planners.promising.supply_search.policies import Batch, Node, Terms
    from medhavi.providers.finite_capacity.chain import KnownOrders
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.providers.transport.itineraries import Itinerary

    Build = Callable[["SupplySearch"], "Sequence[SupplyAllocation] | None"]


def move(supply: SupplySearch, source: Source, left: int) -> SupplyAllocation | None:
    """Bring a component from where it lies or is made, by one lane."""
    size = source.pieces(left)[0]
    origin = source.origin
    if origin is None:
        return None
    got = supply.acquire(source.product, origin, size)
    if got is None:
        return None
    start = supply.first_start(source, max(piece.ready for piece in got))
    if start is None:
        return None
    itinerary: Itinerary | None
    if "transport" in supply.terms.relaxed:
        itinerary = None
        arrival = begin = start
    else:
        found = supply.stages.move(source, origin, start, size)
        if isinstance(found, Blocked):
            supply.failures.append(found)
            return None
        itinerary = found
        arrival, begin = itinerary.arrival, itinerary.departure
    return SupplyAllocation(
        "move",
        source.product,
        source.location,
        size,
        arrival,
        begin,
        source,
        size,
        None,
        tuple(Use(begin, piece) for piece in got),
        itinerary=itinerary,
    )


_made = tuple.__new__
"""Makes a named tuple of all its fields."""
MOST_MOMENTS = 4
"""Receipts that a new order is joined with, one after the other."""
MOST_ORDERS = 100
"""Orders of one source for one need; more mean a wrong lot size or quantity."""


class SupplySearch(StockAllocation):
    """One search over the ledgers.

    Parameters
    ----------
    stages
        The providers with their ledgers.
    known
        Orders that were placed before in the same state of the ledgers; None: they are
        not kept.
    too_late
        Whether nobody asks any more for goods that are ready at an instant.

    Attributes
    ----------
    evaluations
        Ways that were tried.
    greedy
        Some need had more than one way.
    failures
        Why ways were closed, in the order of trying.
    repeats
        Some product was made or bought more than once at a place.
    spared
        Less was bought, or nothing, because of what comes later.
    """

    __slots__ = (
        "_batched",
        "_known_orders",
        "_needed",
        "_ordered",
        "_orders",
        "_path",
        "_shared",
        "evaluations",
        "greedy",
        "repeats",
        "spared",
        "too_late",
    )

    def __init__(
        self,
        stages: AvailabilityCheck,
        terms: Terms,
        known: KnownOrders | None = None,
        too_late: Late | None = None,
    ) -> None:
        super().__init__(stages, terms)
        self._known_orders = known
        self.too_late = too_late
        self.evaluations = 0
        self.greedy = False
        self.repeats = False
        self.spared = False
        self._orders = WaitingOrders(stages)
        self._shared = False
        self._path: list[tuple[str, str]] = []
        self._needed: set[tuple[str, str]] = set()
        self._ordered: set[tuple[str, str]] = set()
        self._batched: list[Batch] = []

    # ------------------------------------------------------------------- needs
    def acquire(
        self, product: str, location: str, steps: int, late: Late | None = None
    ) -> tuple[SupplyAllocation, ...] | None:
        """Get a quantity at a place as early as possible.

        None: there is no way, or what is new would all be too `late`.
        """
        node = (product, location)
        if steps <= 0:
            return ()
        if node in self._path:
            self.fail("routing", Limiter.NO_SOURCE, f"{product}|{location}")
            return None
        # What is relaxed may be at hand although nothing is free.
        given = "material" in self.terms.relaxed
        line, _, _, buffers = self._lines.get(node) or self._look(node)
        bare = not given and line.never_free(buffers=buffers)
        waiting = None if bare else self._free_at(product, location, steps)
        if waiting is not None and waiting <= self.terms.now:
            self._needed.add(node)
            return (self.take(product, location, steps, self.terms.now),)
        # Which of several needs gets what is there first is not searched.
        self.greedy = self.greedy or node in self._needed
        self._needed.add(node)
        self._path.append(node)
        try:
            if bare or (given and waiting is None and self.never_free(*node)):
                return self._all_new(node, steps, late)
            return self.best(list(self._ways(product, location, steps, waiting)), node)
        finally:
            self._path.pop()

    def _all_new(
        self, node: Node, steps: int, late: Late | None
    ) -> tuple[SupplyAllocation, ...] | None:
        """Order all of a need of which nothing is there, now or ever."""
        sources = [
            source
            for source in self.sources(*node)
            if source.kind != "buy" or self.may_buy(source, covered=False)
        ]
        if len(sources) == 1:
            return self.new(sources[0], steps, late)
        return self.best([partial(self.new, one, steps, late) for one in sources], node)

    def best(
        self, ways: Sequence[Attempt], node: tuple[str, str]
    ) -> tuple[SupplyAllocation, ...] | None:
        """Try every way, keep the first that is there earliest, and take that again."""
        if len(ways) == 1:
            return ways[0]()
        best: tuple[int, tuple[SupplyAllocation, ...], SearchAllocations] | None = None
        for way in ways:
            if best is not None and self.evaluations >= self.terms.budget:
                self.greedy = True
                break
            self.evaluations += 1
            mark = self.mark()
            found = way()
            if found is not None:
                ready = max(piece.ready for piece in found)
                if best is None or ready < best[0]:
                    best = ready, found, self._since(mark)
            self.undo(mark)
            self.greedy = True
        if best is None:
            if not ways:
                if self._known(*node):
                    short = Limiter.MATERIAL_SHORTFALL
                    self.fail("material", short, "|".join(node))
                else:
                    self.fail("routing", Limiter.NO_SOURCE, "|".join(node))
            return None
        self._again(best[2])
        return best[1]

    def _known(self, product: str, location: str) -> bool:
        """Whether anything of a product was ever at a place, or may be."""
        return self.stages.known(product, location) or bool(
            self.stages.sources(product, location)
        )

    def _ways(
        self, product: str, location: str, steps: int, waiting: int | None
    ) -> Iterator[Attempt]:
        """Ways to meet a need that is not there at once."""
        if waiting is not None:
            yield lambda: (self.take(product, location, steps, waiting),)
        for source in self.sources(product, location):
            covered = waiting is not None
            if source.kind == "buy" and not self.may_buy(source, covered=covered):
                continue
            part = self.part_of(product, location, steps, source)
            yield partial(self.mixed, source, part, steps)

    def may_buy(self, source: Source, *, covered: bool) -> bool:
        """Whether a new purchase may be thought of (rules 32, 38; SUP-09)."""
        terms = self.terms
        if terms.known_only or terms.least_esg is not None:
            refused = self.stages.refused(source, terms)
            if refused is not None:
                self.failures.append(refused)
                return False
        if terms.buy == "rest":
            if covered:
                self._spare(nothing_less=False)
            return not covered
        return terms.buy != "never"

    def part_of(self, product: str, location: str, steps: int, source: Source) -> int:
        """What stock contributes beside a new order [steps].

        Where only what is missing may be bought, all that ever comes counts.
        """
        part = min(self.available(product, location, self.terms.now), steps - 1)
        if source.kind != "buy" or self.terms.buy != "rest":
            return part
        ever = min(self.ever(product, location), steps - 1)
        self._spare(nothing_less=ever == part)
        return ever

    def _spare(self, *, nothing_less: bool) -> None:
        """Note that less is bought because of what comes later."""
        self.spared = self.spared or not nothing_less
        if self.spared:
            self.stages.note_spared()

    def mixed(
        self, source: Source, part: int, steps: int, *, whole: bool = True
    ) -> tuple[SupplyAllocation, ...] | None:
        """Take a part from stock and get the rest from a source.

        What comes later than now is taken too where the rest would be later still. More
        from stock never makes the rest later: the last such moment is the best.

        Parameters
        ----------
        part
            What is taken in any case [steps].
        whole
            Whether nothing from stock is a way, too.
        """
        later = self._later(source, part, steps)
        if not later:
            return self._mix(source, part, steps) if part or whole else None
        best: tuple[int, tuple[SupplyAllocation, ...], SearchAllocations] | None = None
        tries = [(ALWAYS, part)] if part or whole else []
        for instant, free in [*tries, *reversed(later)]:
            # That stock alone comes no sooner than all of the best.
            if best is not None and best[0] <= instant:
                continue
            self.evaluations += 1
            mark = self.mark()
            found = self._mix(source, free, steps)
            ready = NEVER if found is None else max(piece.ready for piece in found)
            if found is not None and (best is None or ready < best[0]):
                best = ready, found, self._since(mark)
            self.undo(mark)
            # The rest comes after that stock: with less stock it comes no sooner.
            if found is not None and instant > ALWAYS and ready > instant:
                break
        if best is None:
            return None
        self._again(best[2])
        return best[1]

    def _mix(
        self, source: Source, part: int, steps: int
    ) -> tuple[SupplyAllocation, ...] | None:
        if part <= 0:
            return self.new(source, steps)
        found = self.from_stock(source.product, source.location, part)
        rest = self.new(source, steps - sum(piece.steps for piece in found))
        return None if rest is None else (*found, *rest)

    def _later(self, source: Source, part: int, steps: int) -> list[tuple[int, int]]:
        """Next moments at which stock has more of a part, with how much."""
        if "material" in self.terms.relaxed:
            return []
        product, location = source.product, source.location
        found: list[tuple[int, int]] = []
        for moment in self.rises(product, location):
            free = min(self.available(product, location, moment), steps - 1)
            if free <= (found[-1][1] if found else part):
                continue
            if len(found) == MOST_MOMENTS:
                self.greedy = True
                break
            found.append((moment, free))
        return found

    # -------------------------------------------------------------- new supply
    def new(
        self, source: Source, steps: int, late: Late | None = None
    ) -> tuple[SupplyAllocation, ...] | None:
        """Order from a source; what lots bring beyond the need is free to others.

        None, too, where some of it is ready when it is too `late`.
        """
        pieces: list[SupplyAllocation] = []
        wanted = self._together(source, steps) if self.terms.batches else steps
        left = steps
        while left > 0:
            largest = source.max_lot or left
            if len(pieces) >= MOST_ORDERS or left > MOST_ORDERS * largest:
                spent = Limiter.ALTERNATE_EXHAUSTED
                self.fail("routing", spent, source.source)
                return None
            made = self._order(source, wanted, late)
            if made is None:
                return None
            if made.steps > left:
                line = self._line(source.product, source.location)[0]
                line.add(made.steps - left, made.ready)
                made = made._replace(steps=left, surplus=made.steps - left)
            pieces.append(made)
            left -= made.steps
            # Only the first order is for all needs.
            wanted = left
        return tuple(pieces)

    def _together(self, source: Source, steps: int) -> int:
        """What the first order of a source brings for all needs of the request."""
        batch = (source.kind, source.source, source.product, source.location)
        total = self.terms.batches.get(batch, 0)
        if total <= steps or batch in self._batched:
            return steps
        self._batched.append(batch)
        return total

    def _order(
        self, source: Source, left: int, late: Late | None
    ) -> SupplyAllocation | None:
        node = (source.product, source.location)
        if source.kind != "move":
            self.repeats = self.repeats or node in self._ordered
            self._ordered.add(node)
        if source.kind == "buy":
            return self.buy(source, source.pieces(left)[0], left)
        self._takers.append(node)
        if source.kind == "make":
            made = make(self, source, left, late)
        else:
            made = move(self, source, left)
        self._takers.pop()
        return made

    def first_start(self, source: Source, start: int) -> int | None:
        """First instant at which a source may begin something new."""
        first = source.first_start(start)
        if first is None:
            self.fail("routing", Limiter.ROUTING_INVALID, source.source)
        return first

    def buy(self, source: Source, size: int, left: int) -> SupplyAllocation | None:
        """Buy a lot of a size for a need [steps]; None: its supplier does not."""
        timing = self.stages.purchase(source, self.terms.now, size, left)
        if isinstance(timing, Blocked):
            self.failures.append(timing)
            return None
        relaxed = "material" in self.terms.relaxed
        ready = self.terms.now if relaxed else timing.finish
        made: SupplyAllocation = _made(
            SupplyAllocation,
            (
                "buy",
                source.product,
                source.location,
                size,
                ready,
                timing.start,
                source,
                size,
                timing,
                (),
                (),
                *NOTHING_OVER,
            ),
        )
        return made

    @property
    def contended(self) -> bool:
        """Whether several orders of the request need one resource."""
        return self._shared and share_resources(self._orders.timings)

    @property
    def settled(self) -> bool:
        """Whether it would be the same with any resource and any purchase.

        So it is where nothing was chosen among ways, nothing was bought less, no order
        is in another's way, and each runs on the resources that are through first.
        """
        known = self._known_orders
        if known is None or self.terms.work is not None or self.greedy or self.spared:
            return False
        if self.evaluations or self.repeats or self._shared:
            return False
        # Asked for without an instant to be through by.
        soonest = {id(one) for key, one in known.items() if key[-1] is None}
        return all(id(timing) in soonest for timing in self._orders.timings)

    def placed(self, timing: OrderTiming) -> None:
        """Reserve the resources of an order."""
        self._orders.add(timing)

    def place(self, source: Source, size: int, start: int) -> OrderTiming | Blocked:
        """Place an order as early as possible among all other work."""
        if self._orders.write_for(source.source):
            self._shared = True
        # Known orders hold for the ledger without orders of this search.
        known = None if self._orders.written else self._known_orders
        return self.stages.place(source, size, start, self.terms, known)

    # ----------------------------------------------------------------- journal
    def mark(self) -> SearchPosition:
        """Place to go back to."""
        return SearchPosition(
            self.stages.mark(), self._orders.mark(), len(self._batched)
        )

    def undo(self, mark: SearchPosition) -> None:
        """Release all that was taken since a mark."""
        self.stages.undo(mark.ledgers)
        self._orders.undo(mark.orders)
        del self._batched[mark.batched :]

    def _since(self, mark: SearchPosition) -> SearchAllocations:
        return SearchAllocations(
            self.stages.material.since(mark.ledgers[0]),
            tuple(self._orders.timings[mark.orders.orders :]),
            self.stages.bought(mark.ledgers[3]),
            tuple(self._batched[mark.batched :]),
        )

    def _again(self, writes: SearchAllocations) -> None:
        """Take again what a way took."""
        for shift in writes.shifts:
            # Put back with its sign turned, it is taken.
            shift.line.put_back(shift._replace(units=-shift.units, uses=-shift.uses))
        for timing in writes.timings:
            self._orders.add(timing)
        self.stages.buy_again(writes.bought)
        self._batched.extend(writes.batched)


class SupplyPart(NamedTuple):
    """Goods of an option that start from one place."""

    origin: str
    build: Build


class FulfilmentOption(NamedTuple):
    """One option before it is evaluated."""

    option: str
    product: str
    steps: int
    parts: tuple[SupplyPart, ...]


def from_place(
    wanted: DeliveryNeed, name: str, place: str, build: Build
) -> FulfilmentOption:
    """Way that brings all of what is wanted from one place."""
    parts = (SupplyPart(place, build),)
    return FulfilmentOption(f"{name}@{place}", wanted.product, wanted.steps, parts)


def dated(way: FulfilmentOption, date: int) -> str:
    """Name an option with its date."""
    return f"{way.option}|{date}"


def from_stock(product: str, place: str, steps: int, least: int | None = None) -> Build:
    """Take a quantity from what lies at a place or comes there.

    Parameters
    ----------
    least
        What must be found of it; None: all [steps].
    """
    enough = steps if least is None else least

    def build(supply: SupplySearch) -> Sequence[SupplyAllocation] | None:
        pieces = supply.from_stock(product, place, steps)
        return pieces if sum(piece.steps for piece in pieces) >= enough else None

    return build


def from_source(source: Source, steps: int) -> Build:
    """Order all of a quantity."""
    return lambda supply: supply.new(source, steps, supply.too_late)


def from_both(source: Source, part: int, steps: int) -> Build:
    """Take at least a part from stock, or what comes later, and order the rest."""
    return lambda supply: supply.mixed(source, part, steps, whole=False)
