"""The events of a commit, and what it would make worse or other than decided.

A promise that buys has nothing to hold: the goods are not there, and no order is made
before a planner makes one. Without a mark its whole quantity would count against stock
that it does not need (rule 30), and so would what a partial promise leaves open. A hold
of quantity 0 on the product, where and when the promise is delivered from, says that it
has a source of its own.

Promising a line again keeps its date or improves it. A later date, less, or another
date than the one that somebody gave in place of what was found needs a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from medhavi.errors import UsageError
from medhavi.providers.reservations import ReservationState, reservation_id
from medhavi.results.promises.promise import PlannedHold, iso
from medhavi.workbench.commitments.commit_answer import gives_way, named_among
from medhavi.workbench.commitments.decisions import DecisionWriter, binding_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.events.envelope import NewEvent
    from medhavi.providers.reservations import Reservation
    from medhavi.results.promises.promise import Promise
    from medhavi.workbench.commitments.decisions import Override
    from medhavi.workbench.commitments.live_ledger import LivePromiseLedger
    from medhavi.workbench.commitments.state import CommitmentState


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


_LEAST = 1e-9


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


Told = Callable[["PromiseChange", int], str]
"""Writes an instant [s] for who reads of a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseChange:
    """A line that stands promised, and what a commit would make of it.

    Parameters
    ----------
    demand, line
        Its id, and its name for people.
    location
        Where it is delivered.
    before, after
        Promised dates [s].
    qty_before, qty
        Promised quantities [base units].
    given
        Somebody gave the date before in place of the one that was found.
    """

    demand: str
    line: str
    location: str
    before: int
    after: int
    qty_before: float
    qty: float
    given: bool

    @property
    def needs_reason(self) -> bool:
        """Whether it is later, less, or undoes what a person decided."""
        other = self.given and self.after != self.before
        return self.after > self.before or self.is_less or other

    @property
    def is_less(self) -> bool:
        """Whether less comes of what is still wanted."""
        return self.qty < self.qty_before * (1 - _LEAST)

    def words(self, told: Told) -> str:
        """What changes."""
        given = ", a date that somebody gave" if self.given else ""
        text = f"{self.line} was promised for {told(self, self.before)}{given}"
        if self.after != self.before:
            word = "later" if self.after > self.before else "earlier"
            text += f"; {told(self, self.after)} is {word}"
        if self.is_less:
            text += f"; {self.qty:g} is less than the {self.qty_before:g} promised"
        return text


class ReasonNeeded(UsageError):  # noqa: N818 - reads as what it is
    """Promises would get worse, or other than a person decided, without a reason.

    Parameters
    ----------
    changes
        Each such line.
    """

    def __init__(self, changes: Sequence[PromiseChange]) -> None:
        self.changes = tuple(changes)
        super().__init__(self.words(lambda _, moment: iso(moment)))

    def words(self, told: Told) -> str:
        """All changes, and the action to take."""
        lines = ". ".join(one.words(told) for one in self.changes)
        return f"{lines}. Give a reason, which the log keeps, or leave it as it is."


def check_changes(
    state: CommitmentState, promises: Sequence[Promise], override: Override | None
) -> None:
    """Refuse what nobody gives a reason for; giving way to another line is one.

    Raises
    ------
    ReasonNeeded
        A promise would get worse, or other than a person decided.
    """
    found = (_change(state, one, override) for one in promises)
    said = named_among(promises)
    unsaid = [
        one
        for one in found
        if one is not None and one.needs_reason and one.demand not in said
    ]
    if unsaid:
        raise ReasonNeeded(unsaid)


def _change(
    state: CommitmentState, promise: Promise, override: Override | None
) -> PromiseChange | None:
    row = promise.demand
    demand = str(row["demand"])
    before, after = state.promised.get(demand), binding_date(promise, override)
    if before is None or after is None:
        return None
    wanted = float(row["qty"])
    order = promise.sales_order or f"Request {promise.request}"
    line = "" if promise.line is None else f" line {promise.line}"
    return PromiseChange(
        demand=demand,
        line=f"{order}{line}",
        location=str(row["location"]),
        before=before,
        after=after,
        qty_before=min(state.quantities.get(demand, wanted), wanted),
        qty=promise.qty,
        given=demand in state.dates_given(),
    )
