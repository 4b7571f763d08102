"""Broken machines, lanes and held lots behind a late answer, as if they were mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.disruptions import WaitingScope, mended
from medhavi.planners.promising.remedies.table_proposals import MOST_OF_A_KIND, Proposal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.planners.promising.ledger.book import Book
    from medhavi.planners.promising.remedies.table_proposals import Case


def mended_proposals(cases: Sequence[Case]) -> Iterator[Proposal]:
    """Disruptions behind the reasons of an answer, each as if it were over.

    Parameters
    ----------
    cases
        The reasons of one answer.
    """
    if not cases or cases[0].quest.book.snapshot["disruptions"].is_empty():
        return
    seen: set[str] = set()
    for case in cases:
        for one in mended(case.quest.book.snapshot, _hindered(case)):
            name = one.row["disruption"]
            if name not in seen and len(seen) < MOST_OF_A_KIND:
                seen.add(name)
                yield Proposal(one.kind, one.text, {"disruptions": (one.row,)})


def _hindered(case: Case) -> WaitingScope:
    """What a reason waits for: all that the earliest option would need."""
    quest, subject = case.quest, case.reason.subject
    book, request = quest.book, quest.request
    node = tuple(subject.split("|")[:2])
    pieces = case.pieces("stock", "make", "buy", "move")
    nodes = {(piece.product, piece.location) for piece in pieces}
    nodes |= {(request.product, place) for place in _origins(case)}
    makers = {name for one in nodes | {node} for name in _makers(book, *one[:2])}
    makers |= {subject, node[0]}
    steps = book.snapshot["step_resources"].select("routing", "resource").iter_rows()
    resources = {resource for routing, resource in steps if routing in makers}
    lanes = {subject}
    for one in quest.offered:
        for sent in one.times.evaluation.shipments:
            lanes |= set(() if sent.itinerary is None else sent.itinerary.lanes)
    return WaitingScope(
        book.now, case.date, nodes | {node}, resources | {subject}, lanes
    )


def _origins(case: Case) -> tuple[str, ...]:
    """Places that reach the one where it is wanted."""
    request = case.quest.request
    return case.quest.book.reach.of(request.product, request.location, None).origins


def _makers(book: Book, product: str, location: str = "") -> set[str]:
    """Routings that make a product at a place."""
    roles = book.providers.recipes.makers.get((product, location), {})
    return {name for names in roles.values() for name in names}
