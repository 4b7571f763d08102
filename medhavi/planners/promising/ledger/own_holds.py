"""Is there room for what a promise holds? Asked of the ledgers, one hold at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.providers.finite_capacity.resource_ledger import ResourceLedger, millionths
from medhavi.providers.transport.departure_loads import MILLION, load_of
from medhavi.units import MINUTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.promising.supply_search.stages import Stages
    from medhavi.providers.reservations.reservations import Hold
    from medhavi.results.promises.promise import PlannedHold

_LEAST = 1e-9


def stands(stages: Stages, demand: str, product: str) -> bool:
    """Whether all that the tables give a demand is there beside all others.

    Parameters
    ----------
    product
        What the demand wants: shelf life is asked of it, not of its components.

    Material must be free at its instant, a resource open and free at both ends of its
    window, a departure leaves as held and has room. The changeover that the next work
    needs is not looked at: who came in between has it now. The ledgers are as before.
    """
    mark = stages.mark()
    stages.begin()
    stages.free(demand)
    try:
        holds = stages.providers.reservations
        return (
            _material(stages, demand, product)
            and all(
                _prepares_others(one) or _works(stages, one)
                for one in holds.of_owner(demand, "capacity")
            )
            and all(_leaves(stages, one) for one in holds.of_owner(demand, "transport"))
        )
    finally:
        stages.undo(mark)


def first_without_room(
    stages: Stages, holds: Sequence[PlannedHold]
) -> PlannedHold | None:
    """First hold of a promise that others have taken; the ledgers stay.

    Parameters
    ----------
    holds
        Of a promise that the ledgers do not have.
    """
    mark = stages.mark()
    try:
        for hold in holds:
            if hold.kind == "material":
                line = stages.material.line(hold.subject, hold.location or "")
                fits = line.fits(hold.steps, hold.start, buffers=True)
                line.take(hold.steps, hold.start)
            elif hold.kind == "capacity":
                fits = _works(stages, hold)
            else:
                fits = _leaves(stages, hold)
            if not fits:
                return hold
        return None
    finally:
        stages.undo(mark)


def _material(stages: Stages, demand: str, product: str) -> bool:
    """Take what the demand has of material, where it is there and as it was asked."""
    row = stages.providers.commitments.demand(demand)
    traits = stages.providers.traits
    asked = None
    if row is not None:
        asked = traits.asked(product, row["requires"], row["min_quality"])
    for had in stages.providers.commitments.of(demand):
        own = had.product == product
        line = stages.material.asked_line(
            had.product, had.location, asked if own else None
        )
        transit = max(had.until - had.instant, 0) if own else 0
        if not line.fits(
            had.steps, had.instant, transit, buffers=True, customer=had.customer
        ):
            return False
        line.take(had.steps, had.instant, transit, customer=had.customer)
    return True


def _prepares_others(hold: Hold) -> bool:
    """Whether a hold is no work: the changeover that the next one needs."""
    return hold.changeover >= hold.finish - hold.start > 0


def _works(stages: Stages, hold: Hold | PlannedHold) -> bool:
    book = stages.capacity.occupancy.ledger(hold.subject)
    if not isinstance(book, ResourceLedger) or hold.finish <= hold.start:
        return True
    units = hold.qty * MINUTE / (hold.finish - hold.start)
    open_at = book.clock.units(hold.start, hold.finish)
    if not open_at:
        return False
    whole = open_at[0][0] == hold.start and open_at[-1][1] == hold.finish
    enough = all(level >= units * (1 - _LEAST) for _, _, level in open_at)
    if not whole or not enough:
        return False
    need = millionths(units)
    return book.most < 0 or book.conflict(hold.start, hold.finish, need) is None


def _leaves(stages: Stages, hold: Hold | PlannedHold) -> bool:
    transport = stages.providers.transport
    if hold.subject not in transport.ids:
        return False
    timetable = transport.timetable(hold.subject)
    if timetable.any_time:
        return True
    if timetable.earliest(hold.start) != hold.start:
        return False
    most = transport.room(hold.subject, hold.start)[0]
    loads = stages.transport.loads.of_lane(hold.subject) or {}
    taken = loads[hold.start].weight if hold.start in loads else 0
    weight = load_of(hold.qty, 1.0, 0.0).weight
    return most is None or taken + weight <= most * MILLION
