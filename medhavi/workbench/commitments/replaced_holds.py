"""The holds of a promise in the place of those that its demand has, as events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.providers.reservations.ledger import ReservationState

if TYPE_CHECKING:
    from medhavi.events.envelope import NewEvent
    from medhavi.providers.reservations.ledger import Reservation
    from medhavi.results.promises.promise import Promise
    from medhavi.workbench.commitments.decisions import DecisionWriter
    from medhavi.workbench.commitments.live_book import LiveBook


def held_anew(
    live: LiveBook, decider: DecisionWriter, promise: Promise, reason: str
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
    live: LiveBook, decider: DecisionWriter, promise: Promise, reason: str
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


def _kept(live: LiveBook, promise: Promise) -> list[Reservation]:
    """Holds of its demand that a promise needs as they are."""
    wanted = {hold.reservation: hold.qty for hold in promise.holds}
    known = live.state.holds_of(str(promise.demand["demand"]), live.now)
    return [one for one in known if wanted.get(one.reservation) == one.qty]
