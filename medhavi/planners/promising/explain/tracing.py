"""The trace of an answer: what was asked in which order, and the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.promising.explain.campaign_notes import campaign_notes
from medhavi.planners.promising.explain.work_notes import work_notes
from medhavi.results.promises.promise import iso
from medhavi.units import from_steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.promising.options.offers import Offered
    from medhavi.planners.promising.options.quest import Quest
    from medhavi.planners.promising.supply_search.pieces import Piece, Use


def trace_of(quote: Quest, chosen: Offered | None) -> tuple[Mapping[str, object], ...]:
    """Chain stage by stage (ATP-02), then the effort.

    Every entry names its stage; times are ISO text.
    """
    entries: list[Mapping[str, object]] = []
    if chosen is not None:
        for shipment in chosen.times.evaluation.shipments:
            for use in shipment.uses:
                entries += _piece(quote, use, 0)
            if shipment.itinerary is not None:
                entries += [
                    {
                        "stage": "transport",
                        "lane": leg.lane,
                        "origin": leg.origin,
                        "destination": leg.destination,
                        "start": iso(leg.departure),
                        "finish": iso(leg.arrival),
                    }
                    for leg in shipment.itinerary.legs
                ]
        entries += work_notes(quote, chosen)
        entries += campaign_notes(quote, chosen)
    entries += [
        {"stage": "material", "supply_order": name, "note": "counted though planned"}
        for name in quote.book.counted_on or ()
    ]
    entries.append(
        {
            "stage": "search",
            "evaluations": quote.evaluations,
            "budget": quote.policy.search_budget_evaluations,
            "policy": quote.policy.policy,
            "mode": "heuristic" if quote.cut else "search",
        }
    )
    if quote.cut:
        entries.append({"stage": "search", "note": "SearchTimeout"})
    return tuple(entries)


def _piece(quote: Quest, use: Use, level: int) -> list[Mapping[str, object]]:
    """What goes in before the piece itself: the order of the stages."""
    piece = use.piece
    entries: list[Mapping[str, object]] = []
    if piece.again:
        return [_entry(quote, piece, use.instant, level)]
    for inner in piece.uses:
        entries += _piece(quote, inner, level + 1)
    entries.append(_entry(quote, piece, use.instant, level))
    if piece.kind == "make" and piece.timing is not None:
        entries += [
            {
                "stage": "capacity",
                "routing": piece.name.partition(":")[2],
                "step": window.step,
                "resources": [name for name, _ in window.resources],
                "start": iso(window.start),
                "finish": iso(window.finish),
                "level": level,
            }
            for window in piece.timing.steps
        ]
    return entries


def _entry(quote: Quest, piece: Piece, used: int, level: int) -> Mapping[str, object]:
    stage = {"make": "routing", "move": "transport"}.get(piece.kind, "material")
    incoterm = None if piece.source is None else piece.source.incoterm
    return {
        "stage": stage,
        "way": piece.name,
        "product": piece.product,
        "location": piece.location,
        "qty": from_steps(piece.steps, quote.book.stages.step(piece.product)),
        "start": iso(piece.begin),
        "finish": iso(piece.ready),
        "used": iso(used),
        "level": level,
        **({} if incoterm is None else {"incoterm": incoterm}),
    }
