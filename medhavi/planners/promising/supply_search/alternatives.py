"""What a need may be met by, on which terms, and what was found for it.

Named tuples: a quote makes dozens of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.planners.promising.supply_search.lead_draws import LeadDraws
    from medhavi.providers.finite_capacity.chain import KnownOrders
    from medhavi.providers.material.recipes import Component
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.providers.transport.itineraries import Itinerary, Objective
    from medhavi.results.limiter import Limiter


Kind = Literal["stock", "make", "buy", "move"]


class Use(NamedTuple):
    """A piece as an order or a shipment takes it.

    Parameters
    ----------
    instant
        When it is taken [s]; never before the piece is ready.
    piece
        What is taken.
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
    uses
        What goes in.
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
    option
        Name of the option.
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


def by_ready(
    pieces: Sequence[SupplyAllocation], least: int
) -> list[tuple[SupplyAllocation, ...]]:
    """Group pieces by when they are ready, none below the least delivery."""
    groups: list[list[SupplyAllocation]] = []
    for piece in sorted(pieces, key=lambda one: one.ready):
        small = groups and sum(one.steps for one in groups[-1]) < least
        if groups and (groups[-1][-1].ready == piece.ready or small):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    if len(groups) > 1 and sum(one.steps for one in groups[-1]) < least:
        last = groups.pop()
        groups[-1] += last
    return [tuple(group) for group in groups]


def none_too_small(
    shipments: list[Shipment], least: int, wanted: int
) -> list[Shipment] | None:
    """Put a shipment below the least delivery last, as the open rest.

    None: it would be no rest (rules 12 and 34).
    """
    small = [one for one in shipments if one.steps < least]
    if not small or len(shipments) < 2:
        return shipments
    if len(small) > 1 or sum(one.steps for one in shipments) < wanted:
        return None
    last = max(one.arrival for one in shipments)
    others = [one for one in shipments if one.steps >= least]
    return [*others, small[0]._replace(arrival=last)]


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


class Failure(NamedTuple):
    """Why a way is closed."""

    code: Limiter
    subject: str


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


class PlannedShipments(NamedTuple):
    """What was sent from a place by itself, at which lead times, and how."""

    pieces: Sequence[SupplyAllocation]
    leads: LeadDraws | None
    shipments: tuple[Shipment, ...]


class SearchResults(NamedTuple):
    """What a search found already; true while the ledgers are as they were then.

    Parameters
    ----------
    orders
        Where orders of plain chains are placed.
    sent
        What was sent last, by place.
    """

    orders: KnownOrders
    sent: dict[str, PlannedShipments]
