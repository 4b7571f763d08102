"""What an evaluated option consists of: pieces of supply and their shipments.

Named tuples: a quote makes dozens of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.providers.material.recipes import Component
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.providers.transport.itineraries import Itinerary

Kind = Literal["stock", "make", "buy", "move"]
Stage = Literal["material", "capacity", "transport", "policy"]


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
    piece: Piece


class Piece(NamedTuple):
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

    def collect(self, found: list[Piece]) -> None:
        """Add the piece and everything that goes into it, each before its inputs."""
        found.append(self)
        for use in self.uses:
            use.piece.collect(found)

    @property
    def name(self) -> str:
        """Name the way: stock, or kind and source."""
        return self.kind if self.source is None else f"{self.kind}:{self.source.source}"


class Shipment(NamedTuple):
    """Pieces that arrive together; without an itinerary they are there already."""

    product: str
    origin: str
    steps: int
    ready: int
    arrival: int
    uses: tuple[Use, ...]
    itinerary: Itinerary | None = None


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

    def pieces(self) -> list[Piece]:
        """All pieces of all levels, an order of several shipments once."""
        found: list[Piece] = []
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


def by_ready(pieces: Sequence[Piece], least: int) -> list[tuple[Piece, ...]]:
    """Group pieces by when they are ready, none below the least delivery."""
    groups: list[list[Piece]] = []
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


def cut(pieces: list[Piece], steps: int) -> tuple[list[Piece], list[Piece]]:
    """Cut pieces at a quantity; an order that is cut stands with its first part."""
    taken: list[Piece] = []
    rest: list[Piece] = []
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
