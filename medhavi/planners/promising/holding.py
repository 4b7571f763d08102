"""Reservations of a promise: what to hold where, and how a book takes them.

Material is held at its use, capacity per step and resource, transport per departure.
Ids come from the order line and the place in the promise (RES-05), so that the same
promise makes the same holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.providers.reservation_states import reservation_id
from medhavi.providers.timing import StepWindow
from medhavi.results.promise import PlannedHold, PlannedPurchase
from medhavi.units import DAY, MINUTE, from_steps, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.planners.promising.asking import Request
    from medhavi.planners.promising.pieces import Evaluation
    from medhavi.planners.promising.stages import Stages
    from medhavi.providers.material_line import Shift
    from medhavi.providers.traits import Traits


class _Draft(NamedTuple):
    kind: str
    subject: str
    location: str | None
    qty: float
    start: int
    finish: int
    steps: int = 0
    asks: bool = False
    until: int = 0
    family: str | None = None
    changeover: int = 0
    made_product: str | None = None
    good_qty: float | None = None


def holds_of(
    found: Evaluation, request: Request, expires: int, stages: Stages
) -> tuple[PlannedHold, ...]:
    """Give the holds that accepting an option makes.

    Parameters
    ----------
    expires
        End of the holds while they are tentative [s].
    """
    shelf = seconds_up(request.min_shelf_days, DAY)
    drafts = [
        *_material(found, stages, shelf),
        *_capacity(found, stages),
        *_transport(found, stages),
    ]
    order, line = request.sales_order, request.line
    if order is None or line is None:
        order, line = request.demand, None
    holds = []
    seen: dict[tuple[object, ...], int] = {}
    for draft in drafts:
        place = f"{draft.subject}@{draft.location or ''}"
        key = (draft.kind, place, draft.start, draft.finish)
        seen[key] = seen.get(key, 0) + 1
        part = place if seen[key] == 1 else f"{place}#{seen[key]}"
        identity = reservation_id(
            order, line, draft.kind, part, (draft.start, draft.finish)
        )
        holds.append(
            PlannedHold(
                reservation=identity,
                kind=draft.kind,
                demand=request.demand,
                subject=draft.subject,
                location=draft.location,
                qty=draft.qty,
                start=draft.start,
                finish=draft.finish,
                expires_at=expires,
                steps=draft.steps,
                asks=draft.asks,
                until=draft.until,
                family=draft.family,
                changeover=draft.changeover,
                made_product=draft.made_product,
                good_qty=draft.good_qty,
            )
        )
    return tuple(sorted(holds, key=lambda hold: (hold.kind, hold.start, hold.subject)))


def _material(found: Evaluation, stages: Stages, shelf: int) -> Iterator[_Draft]:
    """Give what is taken from lines, less what new orders of the request leave over.

    Parameters
    ----------
    shelf
        Life that must be left at delivery [s].
    """
    surplus: dict[tuple[str, str], list[list[int]]] = {}
    for piece in found.pieces():
        if piece.surplus:
            node = (piece.product, piece.location)
            surplus.setdefault(node, []).append([piece.ready, piece.surplus])
    takes: dict[tuple[str, str, int], int] = {}
    alive: dict[tuple[str, str, int], int] = {}
    for shipment in found.shipments:
        for use in shipment.uses:
            key = (use.piece.product, use.piece.location, use.instant)
            alive[key] = max(alive.get(key, 0), shipment.arrival + shelf)
    stocked = [use for use in found.uses() if use.piece.kind == "stock"]
    for use in sorted(stocked, key=lambda one: one.instant):
        piece = use.piece
        left = piece.steps
        for entry in sorted(surplus.get((piece.product, piece.location), ())):
            if entry[0] <= use.instant and left:
                served = min(entry[1], left)
                entry[1] -= served
                left -= served
        if left:
            key = (piece.product, piece.location, use.instant)
            takes[key] = takes.get(key, 0) + left
    for (product, location, instant), steps in sorted(takes.items()):
        qty = from_steps(steps, stages.step(product))
        asks = product == found.product
        until = alive.get((product, location, instant), instant)
        yield _Draft(
            "material", product, location, qty, instant, instant, steps, asks, until
        )


def _capacity(found: Evaluation, stages: Stages) -> Iterator[_Draft]:
    for piece in found.pieces():
        if piece.timing is None:
            continue
        whole = piece.steps + piece.shared + piece.surplus
        good = from_steps(whole, stages.step(piece.product))
        counted: set[tuple[str, str | None]] = set()
        for window in piece.timing.steps:
            for resource, units in window.resources:
                if window.start < window.finish:
                    run = resource, window.family
                    made = 0.0 if run in counted else good
                    counted.add(run)
                    draft = _worked(window, resource, units)
                    yield draft._replace(made_product=piece.product, good_qty=made)
        for hold in piece.timing.holds:
            if hold.start < hold.finish:
                minutes = hold.units * (hold.finish - hold.start) / MINUTE
                draft = _held(hold.resource, minutes, hold.start, hold.finish)
                yield draft._replace(changeover=hold.changeover)


def _worked(window: StepWindow, resource: str, units: float) -> _Draft:
    """Hold a resource from start to end: nothing else comes in between (rule 33)."""
    minutes = units * (window.finish - window.start) / MINUTE
    draft = _held(resource, minutes, window.start, window.finish)
    changeover = window.changeover_seconds if window.family is not None else 0
    return draft._replace(family=window.family, changeover=changeover)


def _held(resource: str, minutes: float, start: int, finish: int) -> _Draft:
    return _Draft("capacity", resource, None, minutes, start, finish)


def _transport(found: Evaluation, stages: Stages) -> Iterator[_Draft]:
    facts = stages.providers.facts
    moved = [
        (piece.product, piece.order_steps, piece.itinerary)
        for piece in found.pieces()
        if piece.kind == "move"
    ]
    moved += [
        (shipment.product, shipment.steps, shipment.itinerary)
        for shipment in found.shipments
    ]
    for product, steps, itinerary in moved:
        if itinerary is None:
            continue
        weight = facts.weight_kg(product)
        qty = from_steps(steps, stages.step(product))
        for leg in itinerary.legs:
            yield _Draft(
                "transport",
                leg.lane,
                None,
                weight * qty,
                leg.departure,
                max(leg.arrival, leg.departure + 1),
            )


def purchases_of(found: Evaluation) -> tuple[PlannedPurchase, ...]:
    """Give what suppliers would have to deliver: no hold, but of their capacity."""
    return tuple(
        PlannedPurchase(
            supplier=piece.source.source,
            product=piece.product,
            location=piece.location,
            steps=piece.order_steps,
            usable=piece.ready,
        )
        for piece in found.pieces()
        if piece.kind == "buy" and piece.source is not None
    )


def take_holds(
    stages: Stages, holds: Sequence[PlannedHold], cells: Mapping[str, Any]
) -> None:
    """Take the holds of an accepted promise from the ledgers.

    Parameters
    ----------
    cells
        The line as a row of `demands`; where it asks for characteristics or a class,
        what is delivered is taken from lots that have it.
    """
    asked = _asked(stages, cells) if cells else None
    for hold in holds:
        if hold.kind == "material":
            place = hold.location or ""
            wanted = asked if hold.asks else None
            line = stages.material.asked_line(hold.subject, place, wanted)
            waits = max(hold.until - hold.start, 0)
            line.take(hold.steps, hold.start, waits, customer=cells.get("customer"))
        elif hold.kind == "capacity":
            stages.capacity.occupancy.occupy((_window(hold),), hold.demand)
        else:
            stages.hold_lane(hold.subject, hold.start, hold.qty)


def _asked(stages: Stages, cells: Mapping[str, Any]) -> Traits | None:
    return stages.providers.traits.asked(
        cells["product"], cells.get("requires"), cells.get("min_quality")
    )


def give_back(
    stages: Stages, holds: Sequence[PlannedHold], shifts: Sequence[Shift]
) -> None:
    """Give back what `take_holds` took, whatever came after."""
    stages.material.put_back(shifts)
    for hold in holds:
        if hold.kind == "capacity":
            stages.capacity.occupancy.release((_window(hold),), hold.demand)
        elif hold.kind == "transport":
            stages.hold_lane(hold.subject, hold.start, -hold.qty)


def _window(hold: PlannedHold) -> StepWindow:
    """Give a hold of a resource as a window without a step."""
    seconds = hold.finish - hold.start
    return StepWindow(
        step=0,
        queue_start=hold.start,
        start=hold.start,
        finish=hold.finish,
        after=hold.finish,
        run_seconds=seconds,
        segments=((hold.start, hold.finish),),
        resources=((hold.subject, hold.qty * MINUTE / seconds),),
        family=hold.family,
        changeover_seconds=hold.changeover,
    )
