"""The holds of a promise in the place of those that its demand has, as events."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medhavi.events.envelope import NewEvent
    from medhavi.results.promise import Promise
    from medhavi.workbench.commitment_decisions import Decider
    from medhavi.workbench.live_book import LiveBook


def held_anew(
    live: LiveBook, decider: Decider, promise: Promise, reason: str
) -> list[NewEvent]:
    """Make the holds of a promise that are not there, let go of what it does not need.

    Parameters
    ----------
    reason
        Why the others are released.
    """
    wanted = {hold.reservation: hold for hold in promise.holds}
    known = live.state.holds_of(str(promise.demand["demand"]), live.now)
    there = {
        one.reservation
        for one in known
        if one.reservation in wanted and one.qty == wanted[one.reservation].qty
    }
    gone = [one for one in known if one.reservation not in wanted]
    new = [hold for hold in promise.holds if hold.reservation not in there]
    return [*decider.released(gone, reason), *decider.created(new)]


def bound_anew(
    live: LiveBook, decider: Decider, promise: Promise, reason: str
) -> list[NewEvent]:
    """Make the holds of a promise, and make them firm."""
    made = held_anew(live, decider, promise, reason)
    return [*made, *decider.confirmed(promise.holds)]
