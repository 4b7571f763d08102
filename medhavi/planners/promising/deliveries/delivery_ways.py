"""Ways to deliver, before they are evaluated, and where their goods come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.promising.supply_search.lead_draws import LeadDraws
    from medhavi.planners.promising.supply_search.pieces import Piece, Shipment
    from medhavi.planners.promising.supply_search.supply_walk import Walk
    from medhavi.providers.finite_capacity.chain import KnownOrders
    from medhavi.providers.sources import Source
    from medhavi.providers.transport.itineraries import Objective

    Build = Callable[[Walk], "Sequence[Piece] | None"]


class Wanted(NamedTuple):
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


class Part(NamedTuple):
    """Goods of an option that start from one place."""

    origin: str
    build: Build


class Sent(NamedTuple):
    """What was sent from a place by itself, at which lead times, and how."""

    pieces: Sequence[Piece]
    leads: LeadDraws | None
    shipments: tuple[Shipment, ...]


class FoundBefore(NamedTuple):
    """What a search found already; true while the ledgers are as they were then.

    Parameters
    ----------
    orders
        Where orders of plain chains are placed.
    sent
        What was sent last, by place.
    """

    orders: KnownOrders
    sent: dict[str, Sent]


class Way(NamedTuple):
    """One option before it is evaluated."""

    option: str
    product: str
    steps: int
    parts: tuple[Part, ...]


def from_place(wanted: Wanted, name: str, place: str, build: Build) -> Way:
    """Way that brings all of what is wanted from one place."""
    parts = (Part(place, build),)
    return Way(f"{name}@{place}", wanted.product, wanted.steps, parts)


def dated(way: Way, date: int) -> str:
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

    def build(walk: Walk) -> Sequence[Piece] | None:
        pieces = walk.from_stock(product, place, steps)
        return pieces if sum(piece.steps for piece in pieces) >= enough else None

    return build


def from_source(source: Source, steps: int) -> Build:
    """Order all of a quantity."""
    return lambda walk: walk.new(source, steps, walk.too_late)


def from_both(source: Source, part: int, steps: int) -> Build:
    """Take at least a part from stock, or what comes later, and order the rest."""
    return lambda walk: walk.mixed(source, part, steps, whole=False)
