"""A chain that was found, at other times: its choices stay, what waits moves.

What is decided before delays are known cannot wait for them: sources, quantities and
stock are those of the chain (rule 36). Orders and transports are placed again after
what they wait for, among all other work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.promising.supply_search.making import ordered
from medhavi.planners.promising.supply_search.pieces import Use
from medhavi.planners.promising.supply_search.supply_walk import Walk

if TYPE_CHECKING:
    from medhavi.planners.promising.deliveries.delivery_search import DeliverySearch
    from medhavi.planners.promising.deliveries.delivery_ways import Way
    from medhavi.planners.promising.supply_search.lead_draws import LeadDraws
    from medhavi.planners.promising.supply_search.pieces import (
        Evaluation,
        Piece,
        Shipment,
    )
    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.planners.promising.supply_search.walk_terms import Terms
    from medhavi.providers.sources import Source


class Chain:
    """An option with its choices, to be asked for at other times.

    Parameters
    ----------
    stages
        Providers with their ledgers.
    search
        Evaluates the way anew where its choices cannot stay.
    way, terms, found
        The option, what it may do, and what was found.
    """

    __slots__ = ("_keeps", "_kept", "_search", "_stages", "_terms", "_way", "found")

    def __init__(
        self,
        stages: Stages,
        search: DeliverySearch,
        way: Way,
        terms: Terms,
        found: Evaluation,
    ) -> None:
        self._stages = stages
        self._search = search
        self._way = way
        self._terms = terms
        self.found = found
        pieces = found.pieces()
        self._keeps = _keeps(found, pieces, search, stages)
        # They stand first: what moves finds its place around them.
        self._kept = [
            piece.timing
            for piece in pieces
            if piece.timing is not None and _stays(piece)
        ]

    def at(self, draws: LeadDraws) -> Evaluation | None:
        """Chain at other times; the ledgers are as before after it."""
        stages, search = self._stages, self._search
        before, counted = stages.leads, search.evaluations
        stages.leads = draws
        try:
            return self._moved() or search.evaluate(self._way, self._terms)
        finally:
            stages.leads = before
            search.evaluations = counted

    def _moved(self) -> Evaluation | None:
        """Place the chain again; None: it has to be searched anew."""
        if not self._keeps:
            return None
        mark = self._stages.mark()
        try:
            return self._placed(Walk(self._stages, self._terms, self._stages.placed))
        finally:
            self._stages.undo(mark)

    def _placed(self, walk: Walk) -> Evaluation | None:
        for timing in self._kept:
            walk.placed(timing)
        shipments: list[Shipment] = []
        for sent in self.found.shipments:
            pieces = _all([placed_again(walk, use.piece) for use in sent.uses])
            if pieces is None:
                return None
            shipment = self._search.sending.again(sent, pieces, walk.terms)
            if shipment is None:
                return None
            shipments.append(shipment)
        shipments.sort(key=lambda one: (one.arrival, one.origin, one.ready))
        return self.found._replace(shipments=tuple(shipments))


def _keeps(
    found: Evaluation, pieces: list[Piece], search: DeliverySearch, stages: Stages
) -> bool:
    """Whether a chain keeps its choices when its times move.

    Not where goods may expire while they wait, where parts may be sent apart, or where
    one need takes what the order of another left over.
    """
    if stages.anything_perishes:
        return False
    if search.wanted.split and any(len(sent.uses) > 1 for sent in found.shipments):
        return False
    left: set[tuple[str, str]] = set()
    stocked: set[tuple[str, str]] = set()
    for piece in pieces:
        if piece.shared or piece.again:
            return False
        if piece.kind == "stock":
            stocked.add((piece.product, piece.location))
        elif piece.surplus:
            left.add((piece.product, piece.location))
    return left.isdisjoint(stocked)


def placed_again(walk: Walk, piece: Piece) -> Piece | None:
    """Place a piece again, after all that goes into it."""
    source = piece.source
    if source is None or _stays(piece):
        return piece
    got = _all([placed_again(walk, use.piece) for use in piece.uses])
    if got is None:
        return None
    if piece.kind == "buy":
        return _served(walk.buy(source, piece.order_steps, piece.order_steps), piece)
    if piece.kind == "move":
        return _brought(walk, source, piece, got)
    parts = [(line, (one,)) for line, one in zip(piece.lines, got, strict=True)]
    start = walk.first_work(source)
    made = (
        None
        if start is None
        else ordered(walk, source, piece.order_steps, start, parts)
    )
    return _served(made, piece)


def _served(made: Piece | None, before: Piece) -> Piece | None:
    """Keep the served quantity of an order that is placed again."""
    if made is None or (made.steps, made.surplus) == (before.steps, before.surplus):
        return made
    return made._replace(steps=before.steps, surplus=before.surplus)


def _brought(
    walk: Walk, source: Source, piece: Piece, got: tuple[Piece, ...]
) -> Piece | None:
    """Move goods again by the same lane."""
    start = walk.first_start(source, max(one.ready for one in got))
    if start is None:
        return None
    found = piece.itinerary and walk.stages.again(piece.itinerary, start)
    if piece.itinerary is not None and found is None:
        return None
    begin, arrival = (found.departure, found.arrival) if found else (start, start)
    uses = tuple(Use(begin, one) for one in got)
    return piece._replace(ready=arrival, begin=begin, uses=uses, itinerary=found)


def _stays(piece: Piece) -> bool:
    """Whether an order waits for stock alone: for nothing that is uncertain."""
    return piece.kind == "make" and all(u.piece.kind == "stock" for u in piece.uses)


def _all(pieces: list[Piece | None]) -> tuple[Piece, ...] | None:
    """Pieces; None where one of them is missing."""
    found = tuple(piece for piece in pieces if piece is not None)
    return found if len(found) == len(pieces) else None
