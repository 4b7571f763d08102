"""Reservations of a promise: what to hold where, and how a book takes them.

Material is held at its use, capacity per step and resource, transport per departure.
Ids come from the order line and the place in the promise (RES-05), so that the same
promise makes the same holds.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from medhavi.providers.reservation_states import order_named, reservation_named
from medhavi.providers.timing import StepWindow
from medhavi.results.promise import PlannedHold, PlannedPurchase
from medhavi.units import DAY, MINUTE, from_steps, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.promising.asking import Request
    from medhavi.planners.promising.pieces import Evaluation, Piece
    from medhavi.planners.promising.stages import Stages
    from medhavi.providers.material_line import Shift
    from medhavi.providers.traits import Traits


class _Holds:
    """The holds of one promise, in the order in which they are found.

    Parameters
    ----------
    request
        Whose they are.
    expires
        Their end while they are tentative [s].
    """

    __slots__ = ("_demand", "_expires", "_owner", "_seen", "found")

    def __init__(self, request: Request, expires: int) -> None:
        self._demand = request.demand
        self._expires = expires
        order, line = request.sales_order, request.line
        whole = order is None or line is None
        self._owner = order_named(
            request.demand if whole else order, None if whole else line
        )
        self._seen: dict[str, int] = {}
        self.found: list[PlannedHold] = []

    def add(
        self,
        kind: str,
        subject: str,
        location: str | None,
        qty: float,
        window: tuple[int, int],
        told: tuple[Any, ...] = (),
    ) -> None:
        """Hold something; `told` are the fields of a hold after its end."""
        part = f"{subject}@{location or ''}"
        name = reservation_named(self._owner, kind, part, window)
        seen = self._seen
        if name in seen:
            seen[name] += 1
            part = f"{part}#{seen[name]}"
            name = reservation_named(self._owner, kind, part, window)
        else:
            seen[name] = 1
        start, finish = window
        self.found.append(
            PlannedHold(
                name,
                kind,
                self._demand,
                subject,
                location,
                qty,
                start,
                finish,
                self._expires,
                *told,
            )
        )


def holds_of(
    found: Evaluation,
    pieces: Sequence[Piece],
    request: Request,
    expires: int,
    stages: Stages,
) -> tuple[PlannedHold, ...]:
    """Give the holds that accepting an option makes.

    Parameters
    ----------
    pieces
        All pieces of the option.
    expires
        End of the holds while they are tentative [s].
    """
    holds = _Holds(request, expires)
    shelf = seconds_up(request.min_shelf_days, DAY)
    _material(holds, found, pieces, stages, shelf)
    _capacity(holds, pieces, stages)
    _transport(holds, found, pieces, stages)
    return tuple(sorted(holds.found, key=_place))


_place = attrgetter("kind", "start", "subject")
"""Orders the holds of a promise."""


def _material(
    holds: _Holds,
    found: Evaluation,
    pieces: Sequence[Piece],
    stages: Stages,
    shelf: int,
) -> None:
    """Hold what is taken from lines, less what new orders of the request leave over.

    Parameters
    ----------
    shelf
        Life that must be left at delivery [s].
    """
    takes: dict[tuple[str, str, int], int] = {}
    alive: dict[tuple[str, str, int], int] = {}
    for shipment in found.shipments:
        until = shipment.arrival + shelf
        for instant, piece in shipment.uses:
            key = (piece.product, piece.location, instant)
            alive[key] = max(alive.get(key, 0), until)
    stocked = [use for use in found.uses() if use.piece.kind == "stock"]
    surplus = _surplus(pieces)
    if surplus:
        stocked.sort(key=lambda one: one.instant)
    for instant, piece in stocked:
        left = piece.steps
        if surplus:
            entries = surplus.get((piece.product, piece.location), ())
            left -= _served(entries, instant, left)
        if left:
            key = (piece.product, piece.location, instant)
            takes[key] = takes.get(key, 0) + left
    for key, steps in sorted(takes.items()):
        product, location, instant = key
        qty = from_steps(steps, stages.step(product))
        asks, until = product == found.product, alive.get(key, instant)
        window = (instant, instant)
        holds.add("material", product, location, qty, window, (steps, asks, until))


def _surplus(pieces: Sequence[Piece]) -> dict[tuple[str, str], list[list[int]]]:
    """Collect what new orders leave over: when it is there, and how much [steps]."""
    found: dict[tuple[str, str], list[list[int]]] = {}
    for piece in pieces:
        if piece.surplus:
            node = (piece.product, piece.location)
            found.setdefault(node, []).append([piece.ready, piece.surplus])
    return found


def _served(surplus: Iterable[list[int]], instant: int, steps: int) -> int:
    """Take what is left over by an instant, the first first; give how much [steps]."""
    left = steps
    for entry in sorted(surplus):
        if entry[0] <= instant and left:
            part = min(entry[1], left)
            entry[1] -= part
            left -= part
    return steps - left


def _capacity(holds: _Holds, pieces: Sequence[Piece], stages: Stages) -> None:
    """Hold resources from start to end: nothing else comes in between (rule 33)."""
    for piece in pieces:
        timing, product = piece.timing, piece.product
        if timing is None:
            continue
        whole = piece.steps + piece.shared + piece.surplus
        good = from_steps(whole, stages.step(product))
        counted: set[tuple[str, str | None]] = set()
        for step in timing.steps:
            start, finish = step.start, step.finish
            if start >= finish:
                continue
            family = step.family
            change = step.changeover_seconds if family is not None else 0
            for resource, units in step.resources:
                minutes = units * (finish - start) / MINUTE
                made = 0.0 if (resource, family) in counted else good
                counted.add((resource, family))
                told = (0, False, 0, family, change, product, made)
                holds.add("capacity", resource, None, minutes, (start, finish), told)
        for kept in timing.holds:
            start, finish = kept.start, kept.finish
            if start < finish:
                minutes = kept.units * (finish - start) / MINUTE
                window = (start, finish)
                holds.add(
                    "capacity",
                    kept.resource,
                    None,
                    minutes,
                    window,
                    (0, False, 0, None, kept.changeover),
                )


def _transport(
    holds: _Holds, found: Evaluation, pieces: Sequence[Piece], stages: Stages
) -> None:
    facts = stages.providers.facts
    moved = [
        (piece.product, piece.order_steps, piece.itinerary)
        for piece in pieces
        if piece.kind == "move"
    ]
    moved += [
        (shipment.product, shipment.steps, shipment.itinerary)
        for shipment in found.shipments
    ]
    for product, steps, itinerary in moved:
        if itinerary is None:
            continue
        weight = facts.weight_kg(product) * from_steps(steps, stages.step(product))
        for leg in itinerary.legs:
            window = (leg.departure, max(leg.arrival, leg.departure + 1))
            holds.add("transport", leg.lane, None, weight, window)


def purchases_of(pieces: Iterable[Piece]) -> tuple[PlannedPurchase, ...]:
    """Give what suppliers would have to deliver: no hold, but of their capacity."""
    return tuple(
        PlannedPurchase(
            supplier=piece.source.source,
            product=piece.product,
            location=piece.location,
            steps=piece.order_steps,
            usable=piece.ready,
        )
        for piece in pieces
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
    customer = cells.get("customer")
    for hold in holds:
        if hold.kind == "material":
            place = hold.location or ""
            wanted = asked if hold.asks else None
            line = stages.material.asked_line(hold.subject, place, wanted)
            waits = max(hold.until - hold.start, 0)
            line.take(hold.steps, hold.start, waits, customer=customer)
        elif hold.kind == "capacity":
            span = start, finish = hold.start, hold.finish
            used = hold.subject, hold.qty * MINUTE / (finish - start)
            stages.capacity.occupancy.occupy_span(
                used, span, hold.demand, hold.family, hold.changeover
            )
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
