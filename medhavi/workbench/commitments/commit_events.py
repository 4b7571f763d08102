"""The events of a commit: promises, their holds, and lines that give way."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.workbench.commitments.decisions import DecisionWriter
from medhavi.workbench.commitments.preempted_lines import gives_way, named_among
from medhavi.workbench.commitments.promised_supply import marked
from medhavi.workbench.commitments.replaced_holds import bound_anew, held_anew

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.events.envelope import NewEvent
    from medhavi.results.promises.promise import Promise
    from medhavi.workbench.commitments.live_book import LiveBook
    from medhavi.workbench.commitments.promise_override import Override


class CommitRequest(NamedTuple):
    """What is to bind: for good where somebody approves it, else for a while."""

    promises: tuple[Promise, ...]
    policy: str | None
    approver: str | None
    override: Override | None = None
    reason: str | None = None


def events_of(
    live: LiveBook, made: Sequence[Promise], wish: CommitRequest
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
