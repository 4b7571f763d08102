"""What the needs of one option share, and new supply that lives too short a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.promising.supply_search.pieces import Evaluation, Piece, Use
    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.planners.promising.supply_search.walk_terms import Batch
    from medhavi.providers.sources import OrderTiming


def too_short_lived(found: Evaluation, stages: Stages, left: int) -> Piece | None:
    """New supply that would expire on its way, if any (rule 11).

    It lives from its end on. What waits could have been ordered later: the time under
    way alone counts, and what must be left of its life then.

    Parameters
    ----------
    left
        Life that what is delivered must have then [s].
    """
    for shipment in found.shipments:
        leaves = shipment.itinerary
        way = 0 if leaves is None else shipment.arrival - leaves.departure
        waiting = [(use.piece, way + left) for use in shipment.uses]
        while waiting:
            piece, needed = waiting.pop()
            if piece.kind == "move":
                needed += piece.ready - piece.begin
                waiting += [(use.piece, needed) for use in piece.uses]
            elif piece.kind != "stock":
                life = stages.providers.facts.shelf_life(piece.product)
                if life is not None and life < needed:
                    return piece
    return None


def share_resources(timings: Iterable[OrderTiming]) -> bool:
    """Whether several orders need one resource."""
    seen: set[str] = set()
    for timing in timings:
        used = {name for window in timing.steps for name, _ in window.resources}
        if used & seen:
            return True
        seen |= used
    return False


def joint_orders(found: Evaluation) -> dict[Batch, int]:
    """Collect what several orders of one source could serve with one (rule 33)."""
    if not _repeats(found):
        return {}
    orders: dict[Batch, list[Piece]] = {}
    stocked: dict[tuple[str, str], list[Use]] = {}
    for use in found.uses():
        piece = use.piece
        if piece.kind == "stock":
            stocked.setdefault((piece.product, piece.location), []).append(use)
        elif piece.source is not None and piece.kind != "move":
            key: Batch = (
                piece.kind,
                piece.source.source,
                piece.product,
                piece.location,
            )
            orders.setdefault(key, []).append(piece)
    totals: dict[Batch, int] = {}
    for batch, pieces in orders.items():
        if len(pieces) < 2 or any(_split(piece) for piece in pieces):
            continue
        # Some of what is taken from the line is what these orders left over.
        since = min(piece.ready for piece in pieces)
        taken = sum(
            use.piece.steps
            for use in stocked.get((batch[2], batch[3]), ())
            if use.piece.ready >= since
        )
        over = sum(piece.surplus for piece in pieces)
        wanted = sum(piece.steps + piece.shared for piece in pieces)
        totals[batch] = wanted + min(taken, over)
    return totals


def _repeats(found: Evaluation) -> bool:
    """Whether any product of new supply is ordered more than once at a place."""
    seen: set[tuple[str, str]] = set()
    for use in found.uses():
        piece = use.piece
        if piece.source is not None and piece.kind != "move":
            node = (piece.product, piece.location)
            if node in seen:
                return True
            seen.add(node)
    return False


def _split(piece: Piece) -> bool:
    """Whether the lots of a source cut large orders."""
    return piece.source is not None and piece.source.max_lot is not None
