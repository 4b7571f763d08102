"""Reservations of a promise: what to hold where, and how a book takes them.

Material is held at its use, capacity per step and resource, transport per departure.
Ids come from the order line and the place in the promise (RES-05), so that the same
promise makes the same holds.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from medhavi.planners.promising.supply_search.lasting_goods import lasting
from medhavi.providers.reservations.ledger import order_named, reservation_named
from medhavi.providers.sources import StepWindow
from medhavi.results.promises.promise import PlannedHold, PlannedPurchase
from medhavi.units import DAY, MINUTE, from_steps, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.promising.requests.asking import Request
    from medhavi.planners.promising.supply_search.pieces import Evaluation, Piece
    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.providers.material.characteristics import Characteristics
    from medhavi.providers.material.line import LineChange


Wish = tuple[int, str, int, str | None, float, tuple[Any, ...]]
"""Start, subject, end, place, quantity, and the fields of a hold after its end."""
_place = itemgetter(0, 1)
"""Orders the holds of one kind: by start, then by subject."""


def holds_of(
    found: Evaluation,
    pieces: Sequence[Piece],
    request: Request,
    expires: int,
    stages: Stages,
) -> tuple[PlannedHold, ...]:
    """Holds that accepting an option makes.

    Parameters
    ----------
    pieces
        All pieces of the option.
    expires
        End of the holds while they are tentative [s].
    """
    shelf = seconds_up(request.min_shelf_days, DAY)
    wishes = {
        "capacity": _capacity(pieces, stages),
        "material": _material(found, pieces, stages, shelf),
        "transport": _transport(found, pieces, stages),
    }
    return named_holds(wishes, request, expires)


def named_holds(
    wishes: Mapping[str, list[Wish]], request: Request, expires: int
) -> tuple[PlannedHold, ...]:
    """Holds of a request, by kind, each by start and subject.

    Parameters
    ----------
    wishes
        What is to be held, by kind.
    expires
        End of the holds while they are tentative [s].
    """
    order, line, demand = request.sales_order, request.line, request.demand
    whole = order is None or line is None
    owner = order_named(demand, None) if whole else order_named(order, line)
    seen: dict[str, int] = {}
    holds = []
    for kind, wished in wishes.items():
        wished.sort(key=_place)
        for start, subject, finish, place, qty, told in wished:
            part, window = f"{subject}@{place or ''}", (start, finish)
            name = reservation_named(owner, kind, part, window)
            again = seen[name] = seen.get(name, 0) + 1
            if again > 1:
                name = reservation_named(owner, kind, f"{part}#{again}", window)
            known = (name, kind, demand, subject, place, qty, start, finish)
            holds.append(PlannedHold(*known, expires, *told))
    return tuple(holds)


def _material(
    found: Evaluation, pieces: Sequence[Piece], stages: Stages, shelf: int
) -> list[Wish]:
    """Hold what is taken from lines, less what new orders of the request leave over.

    Parameters
    ----------
    shelf
        Life that must be left at delivery [s].
    """
    takes: dict[tuple[str, str, int, int], int] = {}
    alive: dict[tuple[str, str, int], int] = {}
    for shipment in found.shipments:
        until = shipment.arrival + shelf
        for instant, piece in shipment.uses:
            key = (piece.product, piece.location, instant)
            alive[key] = max(alive.get(key, 0), until)
    lives = {
        id(one.use): one.end + (shelf if one.taker[1] is None else 0)
        for one in lasting(found, stages)
    }
    stocked = [use for use in found.uses() if use.piece.kind == "stock"]
    surplus = _surplus(pieces)
    if surplus:
        stocked.sort(key=lambda one: one.instant)
    for use in stocked:
        instant, piece = use
        left = piece.steps
        if surplus:
            entries = surplus.get((piece.product, piece.location), ())
            left -= _served(entries, instant, left)
        if left:
            # What leaves with another lane at that instant must live as long as that.
            until = lives.get(id(use), 0)
            taken = (piece.product, piece.location, instant, until)
            takes[taken] = takes.get(taken, 0) + left
    wishes: list[Wish] = []
    for (product, location, instant, until), steps in sorted(takes.items()):
        key = (product, location, instant)
        qty = from_steps(steps, stages.step(product))
        lasts = until or alive.get(key, instant)
        told = (steps, product == found.product, lasts)
        wishes.append((instant, product, instant, location, qty, told))
    return wishes


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


def _capacity(pieces: Sequence[Piece], stages: Stages) -> list[Wish]:
    """Hold resources from start to end: nothing else comes in between (rule 33)."""
    wishes: list[Wish] = []
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
                wishes.append((start, resource, finish, None, minutes, told))
        for resource, units, start, finish, change in timing.holds:
            if start < finish:
                minutes = units * (finish - start) / MINUTE
                wishes.append(
                    (
                        start,
                        resource,
                        finish,
                        None,
                        minutes,
                        (0, False, 0, None, change),
                    )
                )
    return wishes


def _transport(
    found: Evaluation, pieces: Sequence[Piece], stages: Stages
) -> list[Wish]:
    """Hold the departures that an option takes."""
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
    wishes: list[Wish] = []
    for product, steps, itinerary in moved:
        if itinerary is None:
            continue
        weight = facts.weight_kg(product) * from_steps(steps, stages.step(product))
        for leg in itinerary.legs:
            leaves, there = leg.departure, max(leg.arrival, leg.departure + 1)
            wishes.append((leaves, leg.lane, there, None, weight, ()))
    return wishes


def purchases_of(pieces: Iterable[Piece]) -> tuple[PlannedPurchase, ...]:
    """What suppliers would have to deliver: no hold, but of their capacity."""
    return tuple(
        [
            PlannedPurchase(
                supplier=piece.source.source,
                product=piece.product,
                location=piece.location,
                steps=piece.order_steps,
                usable=piece.ready,
            )
            for piece in pieces
            if piece.kind == "buy" and piece.source is not None
        ]
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


def _asked(stages: Stages, cells: Mapping[str, Any]) -> Characteristics | None:
    return stages.providers.traits.asked(
        cells["product"], cells.get("requires"), cells.get("min_quality")
    )


def give_back(
    stages: Stages, holds: Sequence[PlannedHold], shifts: Sequence[LineChange]
) -> None:
    """Release what `take_holds` took, whatever came after."""
    stages.material.put_back(shifts)
    for hold in holds:
        if hold.kind == "capacity":
            stages.capacity.occupancy.release((_window(hold),), hold.demand)
        elif hold.kind == "transport":
            stages.hold_lane(hold.subject, hold.start, -hold.qty)


def _window(hold: PlannedHold) -> StepWindow:
    """Hold of a resource as a window without a step."""
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
