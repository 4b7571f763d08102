"""Ways to deliver, before they are evaluated, and where their goods come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.promising.pieces import Piece
    from medhavi.planners.promising.supply_walk import Walk
    from medhavi.providers.sources import Source

    Build = Callable[[Walk], "Sequence[Piece] | None"]


class Part(NamedTuple):
    """Goods of an option that start from one place."""

    origin: str
    build: Build


class Way(NamedTuple):
    """One option before it is evaluated."""

    option: str
    product: str
    steps: int
    parts: tuple[Part, ...]


def from_stock(product: str, place: str, steps: int) -> Build:
    """Take all of a quantity from what lies at a place or comes there."""

    def build(walk: Walk) -> Sequence[Piece] | None:
        pieces = walk.from_stock(product, place, steps)
        return pieces if sum(piece.steps for piece in pieces) == steps else None

    return build


def from_source(source: Source, steps: int) -> Build:
    """Order all of a quantity."""
    return lambda walk: walk.new(source, steps)


def from_both(source: Source, part: int, steps: int) -> Build:
    """Take at least a part from stock, or what comes later, and order the rest."""
    return lambda walk: walk.mixed(source, part, steps, whole=False)
