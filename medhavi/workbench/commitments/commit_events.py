"""The events of a commit: promises, their holds, and lines that give way.

A promise that buys has nothing to hold: the goods are not there, and no order is made
before a planner makes one. Without a mark its whole quantity would count against stock
that it does not need (rule 30), and so would what a partial promise leaves open. A hold
of quantity 0 on the product, where and when the promise is delivered from, says that it
has a source of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from medhavi.providers.reservations.ledger import ReservationState, reservation_id
from medhavi.results.promises.promise import PlannedHold
from medhavi.workbench.commitments.commit_answer import gives_way, named_among
from medhavi.workbench.commitments.decisions import DecisionWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.events.envelope import NewEvent
    from medhavi.providers.reservations.ledger import Reservation
    from medhavi.results.promises.promise import Promise
    from medhavi.workbench.commitments.decisions import Override
    from medhavi.workbench.commitments.live_ledger import LivePromiseLedger


def held_anew(
    live: LivePromiseLedger, decider: DecisionWriter, promise: Promise, reason: str
) -> list[NewEvent]:
    """Make the holds of a promise that are not there, let go of what it does not need.

    Parameters
    ----------
    reason
        Why the others are released.
    """
    wanted = {hold.reservation for hold in promise.holds}
    known = live.state.holds_of(str(promise.demand["demand"]), live.now)
    there = {one.reservation for one in _kept(live, promise)}
    gone = [one for one in known if one.reservation not in wanted]
    new = [hold for hold in promise.holds if hold.reservation not in there]
    return [*decider.released(gone, reason), *decider.created(new)]


def bound_anew(
    live: LivePromiseLedger, decider: DecisionWriter, promise: Promise, reason: str
) -> list[NewEvent]:
    """Make the holds of a promise, and make those firm that are tentative (RES-03)."""
    made = held_anew(live, decider, promise, reason)
    firm = {
        one.reservation
        for one in _kept(live, promise)
        if one.state is not ReservationState.TENTATIVE
    }
    open_holds = [hold for hold in promise.holds if hold.reservation not in firm]
    return [*made, *decider.confirmed(open_holds)]


def _kept(live: LivePromiseLedger, promise: Promise) -> list[Reservation]:
    """Holds of its demand that a promise needs as they are."""
    wanted = {hold.reservation: hold.qty for hold in promise.holds}
    known = live.state.holds_of(str(promise.demand["demand"]), live.now)
    return [one for one in known if wanted.get(one.reservation) == one.qty]


_LEAST: Final = 1e-9


def marked(promise: Promise) -> Promise:
    """Promise with a hold of nothing for what it will be supplied with.

    Promises that hold all that was asked for, or capacity or other products for it, are
    given as they are; so are rejections.
    """
    if promise.date is None or not promise.deliveries:
        return promise
    product = str(promise.demand["product"])
    held = sum(
        hold.qty
        for hold in promise.holds
        if hold.kind == "material" and hold.subject == product
    )
    made = any(
        hold.kind == "capacity"
        or (hold.kind == "material" and hold.subject != product)
        or (hold.kind == "material" and not hold.qty)
        for hold in promise.holds
    )
    if made or held >= float(promise.demand["qty"]) * (1 - _LEAST):
        return promise
    demand = str(promise.demand["demand"])
    place = promise.deliveries[0].origin
    window = (promise.date, promise.date)
    mark = PlannedHold(
        reservation=reservation_id(demand, None, "material", "new supply", window),
        kind="material",
        demand=demand,
        subject=product,
        location=place or str(promise.demand["location"]),
        qty=0.0,
        start=promise.date,
        finish=promise.date,
        expires_at=promise.holds[0].expires_at if promise.holds else promise.date,
    )
    return replace(
        promise,
        holds=(*promise.holds, mark),
        reservations=(*promise.reservations, mark.reservation),
    )


class CommitRequest(NamedTuple):
    """What is to bind: for good where somebody approves it, else for a while."""

    promises: tuple[Promise, ...]
    policy: str | None
    approver: str | None
    override: Override | None = None
    reason: str | None = None


def events_of(
    live: LivePromiseLedger, made: Sequence[Promise], wish: CommitRequest
) -> list[NewEvent]:
    """Events that make a wish binding on the revision that a book has read.

    Parameters
    ----------
    made
        The promises of the wish as the book answers them now.
    """
    actor = wish.approver
    decider = DecisionWriter(live.revision, live.now, actor or "medhavi")
    events: list[NewEvent] = []
    if actor is None:
        for promise in made:
            events += held_anew(live, decider, promise, "asked again")
        return events
    for one in gives_way(made):
        previous = live.state.promised.get(one.line.demand)
        events += decider.moved(one, previous, actor)
        promise = marked(one.line.promise)
        events += bound_anew(live, decider, promise, one.reason)
    reasons = named_among(made)
    for promise in made:
        demand = demand_of(promise)
        events += decider.promised(
            promise,
            approver=actor,
            snapshot=live.book.snapshot.fingerprint,
            is_new=not live.state.planned(demand),
            previous=live.state.promised.get(demand),
            reason=wish.reason or reasons.get(demand),
        )
        if wish.override is not None:
            events.append(decider.overridden(promise, wish.override, actor))
        events += bound_anew(live, decider, promise, "promised anew")
    return events


def demand_of(promise: Promise) -> str:
    """Id of the demand that a promise answers."""
    return str(promise.demand["demand"])
