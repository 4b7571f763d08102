"""Moving: what lies or is made elsewhere comes by one lane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from medhavi.planners.promising.supply_search.making import Getter
from medhavi.planners.promising.supply_search.pieces import Piece, Use
from medhavi.results.limiter import Limiter

if TYPE_CHECKING:
    from medhavi.providers.sources import Source


class Mover(Getter, Protocol):
    """Who gets what is moved: a walk over the ledgers."""

    def first_start(self, source: Source, start: int) -> int | None:
        """First instant at which a source may begin something new."""
        ...


def move(walk: Mover, source: Source, left: int) -> Piece | None:
    """Bring a component from where it lies or is made, by one lane."""
    size = source.pieces(left)[0]
    origin = source.origin
    if origin is None:
        return None
    got = walk.acquire(source.product, origin, size)
    if got is None:
        return None
    start = walk.first_start(source, max(piece.ready for piece in got))
    if start is None:
        return None
    if "transport" in walk.terms.relaxed:
        itinerary = None
        arrival = begin = start
    else:
        itinerary = walk.stages.move(source, origin, start, size)
        if itinerary is None:
            walk.fail(Limiter.NO_TRANSPORT_LEG, source.source)
            return None
        arrival, begin = itinerary.arrival, itinerary.departure
    return Piece(
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
