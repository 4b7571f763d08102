"""What a need may be met by and what was found for it, and how an order is placed.

Named tuples: a quote makes dozens of them. Making gets the components first, then
places the steps among all other work (DEF-03).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

from medhavi.results.limiter import Blocked, Limiter
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from medhavi.planners.promising.supply_search.availability import (
        AvailabilityCheck,
        RoutingNeeds,
    )
    from medhavi.planners.promising.supply_search.policies import Node, Terms
    from medhavi.providers.material.recipes import Component, ProductOutput
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.providers.transport.itineraries import Itinerary, Objective


Kind = Literal["stock", "make", "buy", "move"]


class Use(NamedTuple):
    """A piece as an order or a shipment takes it.

    Parameters
    ----------
    instant
        When it is taken [s]; never before the piece is ready.
    """

    instant: int
    piece: SupplyAllocation


class SupplyAllocation(NamedTuple):
    """A quantity of a product at a location from one source.

    Parameters
    ----------
    steps
        Quantity that serves the need [steps of the product].
    ready
        When it is there [s].
    begin
        When its own time began [s]: the order date, the first queue, the departure.
    source, order_steps, timing
        New supply: from where, how much is ordered [steps of the source], when.
    lines
        Orders: the component line of each use.
    surplus
        What the order brings beyond the need; other needs of the request may take it.
    itinerary
        Moves: the way.
    shared
        What other shipments carry of the same order [steps].
    again
        The order stands with an earlier shipment already.
    lives
        Stock: it was looked for that it lives until then at least [s].
    """

    kind: Kind
    product: str
    location: str
    steps: int
    ready: int
    begin: int
    source: Source | None = None
    order_steps: int = 0
    timing: OrderTiming | None = None
    uses: tuple[Use, ...] = ()
    lines: tuple[Component, ...] = ()
    surplus: int = 0
    itinerary: Itinerary | None = None
    shared: int = 0
    again: bool = False
    lives: int = 0

    def collect(self, found: list[SupplyAllocation]) -> None:
        """Add the piece and everything that goes into it, each before its inputs."""
        found.append(self)
        for use in self.uses:
            use.piece.collect(found)

    @property
    def name(self) -> str:
        """Name the way: stock, or kind and source."""
        return self.kind if self.source is None else f"{self.kind}:{self.source.source}"


NOT_NEW: Final = (None, 0, None, (), (), 0, None, 0, False)
"""Fields of an allocation from `source` to `again`, of what lies in stock."""
NOTHING_OVER: Final = (0, None, 0, False, 0)
"""Fields of an allocation from `surplus` on, of an order for one need."""


class Shipment(NamedTuple):
    """Pieces that arrive together; without an itinerary they are there already."""

    product: str
    origin: str
    steps: int
    ready: int
    arrival: int
    uses: tuple[Use, ...]
    itinerary: Itinerary | None = None

    def critical(self) -> list[SupplyAllocation]:
        """Allocations that came last at each level, from the shipment down."""
        found, uses = [], self.uses
        while uses:
            found.append(max(uses, key=lambda use: use.piece.ready).piece)
            uses = found[-1].uses
        return found


class Evaluation(NamedTuple):
    """One option with all its times.

    Parameters
    ----------
    steps
        What arrives [steps of the requested product].
    shipments
        In order of arrival.
    exact
        No choice below the option was made by a rule of thumb.
    """

    option: str
    product: str
    steps: int
    shipments: tuple[Shipment, ...]
    exact: bool = True

    @property
    def date(self) -> int:
        """Arrival of the last shipment [s]."""
        return max(shipment.arrival for shipment in self.shipments)

    @property
    def origin(self) -> str:
        """Where the last shipment comes from."""
        return self.shipments[-1].origin

    @property
    def incoterms(self) -> tuple[str, ...]:
        """Codes of the terms of delivery of all that is bought for it, each once."""
        sources = (piece.source for piece in self.pieces())
        codes = {source.incoterm for source in sources if source is not None}
        return tuple(sorted(code for code in codes if code is not None))

    def by_origin(self, latest: int = NEVER) -> dict[str, int]:
        """What comes of each place until an instant [steps]."""
        found: dict[str, int] = {}
        for sent in self.shipments:
            part = sent.steps if sent.arrival <= latest else 0
            found[sent.origin] = found.get(sent.origin, 0) + part
        return found

    def pieces(self) -> list[SupplyAllocation]:
        """All pieces of all levels, an order of several shipments once."""
        found: list[SupplyAllocation] = []
        for shipment in self.shipments:
            for use in shipment.uses:
                if not use.piece.again:
                    use.piece.collect(found)
        return found

    def uses(self) -> Iterator[Use]:
        """All uses of all levels, an order of several shipments once."""
        waiting = [
            use
            for shipment in self.shipments
            for use in shipment.uses
            if not use.piece.again
        ]
        while waiting:
            use = waiting.pop()
            yield use
            waiting.extend(use.piece.uses)


def cut(
    pieces: list[SupplyAllocation], steps: int
) -> tuple[list[SupplyAllocation], list[SupplyAllocation]]:
    """Cut pieces at a quantity; an order that is cut stands with its first part."""
    taken: list[SupplyAllocation] = []
    rest: list[SupplyAllocation] = []
    left = steps
    for piece in pieces:
        part = min(piece.steps, left)
        over = piece.steps - part
        left -= part
        if piece.source is None:
            taken += [piece._replace(steps=part)] if part else []
            rest += [piece._replace(steps=over)] if over else []
            continue
        if part:
            taken.append(piece._replace(steps=part, shared=piece.shared + over))
        if over:
            again = piece.again or part > 0
            shared = piece.shared + part
            rest.append(piece._replace(steps=over, shared=shared, again=again))
    return taken, rest


class DeliveryNeed(NamedTuple):
    """What is to be delivered.

    Parameters
    ----------
    steps
        Of the product [its steps]; a substitute counts in its own.
    split
        Several deliveries are permitted.
    least
        Least delivery [steps].
    slack
        Time after `due` that the quoted date leaves [s].
    single
        All of it comes in one delivery, so from one place (rules 34, 35).
    carried
        What lanes are chosen by, of those that arrive by `due`; None: the earliest.
    split_sourcing
        Two sources may share what is new.
    """

    product: str
    location: str
    steps: int
    due: int
    split: bool
    least: int
    ship_from: str | None
    country: str | None
    expedite: bool
    slack: int = 0
    single: bool = False
    carried: Objective | None = None
    split_sourcing: bool = False


_made = tuple.__new__
"""Makes a named tuple of all its fields."""
if TYPE_CHECKING:
    Attempt = Callable[[], tuple[SupplyAllocation, ...] | None]
    Late = Callable[[int], bool]
    """Whether nobody asks any more for goods that are ready at an instant [s]."""
    Part = tuple[Component, tuple[SupplyAllocation, ...]]
    """A component line and what was got for it."""

MOST_SHIFTS = 50
"""Times an order is pushed on until every component is there when it is used."""


class ComponentSupply(Protocol):
    """Who gets components and places orders: a search over the ledgers.

    `repeats` says that some product was made or bought more than once at a place.
    """

    stages: AvailabilityCheck
    terms: Terms
    failures: list[Blocked]
    repeats: bool

    def place(self, source: Source, size: int, start: int) -> OrderTiming | Blocked:
        """Place an order as early as possible among all other work."""
        ...

    def placed(self, timing: OrderTiming) -> None:
        """Reserve the resources of an order."""
        ...

    def acquire(
        self, product: str, location: str, steps: int, late: Late | None = None
    ) -> tuple[SupplyAllocation, ...] | None:
        """Get a quantity at a place as early as possible, unless that is too late."""
        ...

    def best(
        self, ways: Sequence[Attempt], node: tuple[str, str]
    ) -> tuple[SupplyAllocation, ...] | None:
        """Take the way that is there first."""
        ...


def make(
    supply: ComponentSupply, source: Source, left: int, late: Late | None = None
) -> SupplyAllocation | None:
    """Make one order for a need; its good quantity may be more or less than that.

    Parameters
    ----------
    supply
        Who gets the components.
    source
        The routing, with its lots.
    left
        What is needed [steps of the product].
    late
        Whether nobody asks any more for goods that are ready at an instant.
    """
    at_once = "capacity" in supply.terms.relaxed
    terms = supply.terms
    start = terms.now if at_once else source.first_start(terms.begin)
    making = supply.stages.making(source, start)
    if isinstance(making, Blocked):
        supply.failures.append(making)
        return None
    wanted = making.gain.order_steps_for(left)
    if wanted <= 0:
        invalid = Blocked("routing", Limiter.ROUTING_INVALID, source.source)
        supply.failures.append(invalid)
        return None
    rules = terms.work
    size = source.pieces(wanted if rules is None else rules.raised(source, wanted))[0]
    begun_late = None
    if late is not None and rules is None and not at_once:
        begun_late = _begun_late(making, size, late)
    parts: list[Part] = []
    groups = making.groups
    for lines in _in_turn(groups, terms.first) if terms.first else groups:
        first = begun_late if lines[0].at_first else None
        if len(lines) == 1:
            line = lines[0]
            need = line.steps(size)
            pieces = supply.acquire(line.component, line.location, need, first)
            got = None if pieces is None else (line, pieces)
        else:
            got = _substituted(supply, lines, size)
        if got is None:
            return None
        parts.append(got)
        if first is None or supply.repeats or not got[1]:
            continue  # Orders that repeat may be joined yet, and be through sooner.
        if first(max([piece.ready for piece in got[1]])):
            return None
    return ordered(supply, source, making, size, parts)


def _begun_late(making: RoutingNeeds, size: int, late: Late) -> Late | None:
    """Whether an order is through too late whose components are there at an instant.

    Its steps take their time after that, wherever they find room: what is too late by
    one component is gone on with no further (branch and bound), so of choices below it
    none makes an answer inexact that were not made yet. None: not known of the order.
    """
    chain, start = making.chain, making.start
    if chain is None:
        return None
    return lambda ready: late(chain.least(size, max(start, ready)))


def _in_turn(
    groups: Sequence[Sequence[Component]], first: frozenset[Node]
) -> Sequence[Sequence[Component]]:
    """Groups of components in the order in which they are got."""
    return sorted(
        groups,
        key=lambda group: all(
            (line.component, line.location) not in first for line in group
        ),
    )


def ordered(
    supply: ComponentSupply,
    source: Source,
    making: RoutingNeeds,
    size: int,
    parts: Sequence[Part],
) -> SupplyAllocation | None:
    """Place an order behind its components.

    Parameters
    ----------
    making
        What it yields from the first instant on.
    size
        Of the order [steps of the source].
    parts
        What was got for each component line.
    """
    timing = _placed(supply, source, size, making.start, _needs(parts))
    if timing is None:
        return None
    uses: list[Use] = []
    lines: list[Component] = []
    first = timing.steps[0].start if timing.steps else timing.finish
    for line, pieces in parts:
        used = first
        if timing.steps and not line.at_first:
            used = supply.stages.used(source.source, timing, line)
        for piece in pieces:
            ready = piece.ready
            uses.append(_made(Use, (max(used, ready), piece)))
            lines.append(line)
    finish = timing.finish
    # Of a plain chain all is there at its end.
    if making.chain is None:
        finish = _output(supply, source, timing, making.gain)
    made: SupplyAllocation = _made(
        SupplyAllocation,
        (
            "make",
            source.product,
            source.location,
            making.gain.good_steps(size),
            finish,
            timing.start,
            source,
            size,
            timing,
            tuple(uses),
            tuple(lines),
            *NOTHING_OVER,
        ),
    )
    return made


def _substituted(
    supply: ComponentSupply, lines: Sequence[Component], size: int
) -> Part | None:
    """Get one line of a group: the first that is there earliest."""
    ways = [
        partial(supply.acquire, line.component, line.location, line.steps(size))
        for line in lines
    ]
    found = supply.best(ways, (lines[0].component, lines[0].location))
    if found is None:
        return None
    # The pieces tell which line they are for.
    names = {piece.product for piece in found}
    return next(line for line in lines if line.component in names), found


class _Needs(NamedTuple):
    """When the components of an order are there [s].

    `first` is that of the last one which the first step takes, None: it takes none;
    `later` are those that are taken at another time.
    """

    first: int | None
    later: tuple[tuple[Component, int], ...]

    @property
    def last(self) -> int:
        """When the last one is there; long ago: there are none."""
        return max([ALWAYS if self.first is None else self.first, *self._later])

    @property
    def _later(self) -> list[int]:
        return [ready for _, ready in self.later]

    def slack(
        self, stages: AvailabilityCheck, routing: str, timing: OrderTiming
    ) -> int:
        """How long the last component waits until an order takes it [s]."""
        if not timing.steps:
            return (
                timing.finish - self.last if self.first is not None or self.later else 0
            )
        if not self.later:
            return 0 if self.first is None else timing.steps[0].start - self.first
        found = [
            stages.used(routing, timing, line) - ready for line, ready in self.later
        ]
        if self.first is not None:
            found.append(timing.steps[0].start - self.first)
        return min(found)


def _needs(parts: Sequence[Part]) -> _Needs:
    first: int | None = None
    later: tuple[tuple[Component, int], ...] = ()
    for line, pieces in parts:
        if not pieces:
            continue
        ready = max([piece.ready for piece in pieces])
        if not line.at_first:
            later = (*later, (line, ready))
        elif first is None or ready > first:
            first = ready
    return _Needs(first, later)


def _placed(
    supply: ComponentSupply, source: Source, size: int, start: int, needs: _Needs
) -> OrderTiming | None:
    """Place the steps so that each component is there when it is used."""
    bound = start if needs.first is None else max(start, needs.first)
    if "capacity" in supply.terms.relaxed:
        return supply.stages.no_time(max(bound, needs.last))
    for _ in range(MOST_SHIFTS):
        timing = supply.place(source, size, bound)
        if isinstance(timing, Blocked):
            supply.failures.append(timing)
            return None
        # Where it would begin, the routing is not valid any more.
        if timing.start != start and not source.valid_at(timing.start):
            break
        slack = needs.slack(supply.stages, source.source, timing)
        if slack >= 0:
            if slack and timing.steps and timing.start > start:
                timing = _tightened(
                    supply, source, size, (start, bound, slack), timing, needs
                )
            supply.placed(timing)
            return timing
        # Every start up to its own gives this timing: shift as often as leads past it.
        idle = max(timing.start - bound, 0)
        bound -= slack * (idle // -slack + 1)
    node = f"{source.product}|{source.location}"
    full = Blocked("capacity", Limiter.ROUTING_CAPACITY_FAIL, node)
    supply.failures.append(full)
    return None


def _tightened(
    supply: ComponentSupply,
    source: Source,
    size: int,
    starts: tuple[int, int, int],
    timing: OrderTiming,
    needs: _Needs,
) -> OrderTiming:
    """Run the queue before the first step while components are on their way.

    `starts` are the first instant at all, the one that gave the timing, and how long
    the last component waits then [s].
    """
    start, bound, slack = starts
    begin = max(start, timing.start - slack)
    # The same question has the same answer.
    if begin == bound:
        return timing
    earlier = supply.place(source, size, begin)
    if isinstance(earlier, Blocked) or earlier.finish >= timing.finish:
        return timing
    # Begun earlier it may pass one of its components.
    fits = needs.slack(supply.stages, source.source, earlier) >= 0
    return earlier if fits else timing


def _output(
    supply: ComponentSupply, source: Source, timing: OrderTiming, gain: ProductOutput
) -> int:
    if not timing.steps or not gain.outputs:
        return timing.finish
    return max([supply.stages.output(source.source, timing, o) for o in gain.outputs])
