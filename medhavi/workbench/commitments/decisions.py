"""Commitments as events: what the promise desk settles, beside `decisions`.

A commit is one append: the promise, its holds, their confirmation. An event's id is
made from what it decides and where in the stream it is decided, so that deciding the
same again at the same place is one event, and a hold may be made anew later.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from medhavi.errors import UsageError
from medhavi.events.event_types.catalog import new_event
from medhavi.events.event_types.decision_types import (
    OrderPromised,
    PromiseAtRisk,
    PromiseRejected,
    PromiseRevised,
    ReservationConfirmed,
    ReservationCreated,
    ReservationExpired,
    ReservationReduced,
    ReservationReleased,
)
from medhavi.schema import tables
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.events.envelope import NewEvent
    from medhavi.providers.reservations import Reservation
    from medhavi.results.promises.promise import PlannedHold, Promise
    from medhavi.results.promises.promises_at_risk import MonitoredPromise
    from medhavi.workbench.commitments.commit_answer import PreemptedLine
    from medhavi.workbench.commitments.state import Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """The date, and why; the holds stay those that were found.

    Parameters
    ----------
    date
        What is promised [s]; earlier than what was found is a risk that somebody takes.
    reason
        For those who read the log.
    """

    date: int
    reason: str

    def check(self, promises: Sequence[Promise]) -> None:
        """Refuse what nobody could answer for.

        Raises
        ------
        UsageError
            There is no reason, not exactly one promise, or the date is past.
        """
        if not self.reason.strip():
            message = (
                "Another date than the one that was found needs a reason: say why you "
                "promise it."
            )
            raise UsageError(message)
        if len(promises) != 1:
            message = (
                f"{len(promises)} promises are committed at once; a date of your own "
                "is for one. Commit that one alone."
            )
            raise UsageError(message)
        if self.date <= promises[0].known_at:
            message = "The date is past already. Promise a later one."
            raise UsageError(message)


def binding_date(promise: Promise, override: Override | None) -> int | None:
    """Date that binds once it is committed [s]."""
    return promise.date if override is None else override.date


_NAMESPACE = uuid.UUID("6d656468-6176-5669-a463-6f6d6d697473")
_INSTANTS = frozenset(
    name
    for name, column in tables()["demands"].columns.items()
    if column.type == "timestamp"
)


class DecisionWriter:
    """Makes the events of one append.

    Parameters
    ----------
    revision
        Revision of the stream that the append follows.
    now
        Moment at which the decisions take effect [s].
    actor
        Who decides.
    """

    def __init__(self, revision: int, now: int, actor: str) -> None:
        self._revision = revision
        self._moment = from_seconds(now)
        self._actor = actor

    def _event(self, body: msgspec.Struct, about: str) -> NewEvent:
        words = "|".join((type(body).__name__, about, str(self._revision)))
        return new_event(
            body,
            event_id=str(uuid.uuid5(_NAMESPACE, words)),
            occurred_at=self._moment,
            actor=self._actor,
        )

    def promised(
        self,
        promise: Promise,
        *,
        approver: str,
        snapshot: str,
        is_new: bool,
        previous: int | None,
        reason: str | None = None,
    ) -> list[NewEvent]:
        """Record the promised date of a line, and the one it replaces.

        Parameters
        ----------
        snapshot
            Fingerprint of the tables it was made on.
        is_new
            The line is in no table yet: the event carries its row.
        previous
            The date before [s].
        reason
            Why it changes.
        """
        demand = str(promise.demand["demand"])
        date = from_seconds(int(promise.date or 0))
        found = []
        if previous is not None and previous != promise.date:
            revised = PromiseRevised(
                demand=demand,
                promised=date,
                previous=from_seconds(previous),
                reason=reason,
                approver=approver,
            )
            found.append(self._event(revised, demand))
        limiter = None if promise.limiter is None else str(promise.limiter.code)
        body = {
            "demand": demand,
            "promised": date,
            "qty": promise.qty,
            "line": demand_row(promise) if is_new else None,
            "p50": _moment(promise.date_p50),
            "p80": _moment(promise.date_p80),
            "p95": _moment(promise.date_p95),
            "on_time_prob": promise.on_time_prob,
            "date_prob": promise.date_prob,
            "cost": promise.cost.total,
            "limiter": limiter,
            "policy": promise.demand.get("policy"),
            "reservations": list(promise.reservations),
            "snapshot": snapshot,
            "approver": approver,
        }
        found.append(self._event(msgspec.convert(body, OrderPromised), demand))
        return found

    def rejected(self, promise: Promise, limiter: str, snapshot: str) -> NewEvent:
        """Record the rejection of a line, with its limiter and its remedies.

        Parameters
        ----------
        limiter
            Code of what binds.
        snapshot
            Fingerprint of the tables it was asked on.
        """
        demand = str(promise.demand["demand"])
        body = PromiseRejected(
            demand=demand,
            limiter=limiter,
            qty=float(promise.demand["qty"]),
            remedies=list(dict.fromkeys(one.code for one in promise.remedies)),
            snapshot=snapshot,
        )
        return self._event(body, demand)

    def at_risk(self, one: MonitoredPromise) -> tuple[NewEvent, Risk]:
        """Record the risk of a promise; return what identifies the risk."""
        limiter = None if one.limiter is None else str(one.limiter.code)
        body = PromiseAtRisk(
            demand=one.demand,
            promised=from_seconds(one.promised),
            expected=_moment(one.expected),
            limiter=limiter,
            on_time_prob=one.on_time_prob,
            date_prob=one.date_prob,
        )
        return self._event(body, one.demand), (one.promised, one.expected, limiter)

    def created(self, holds: Iterable[PlannedHold]) -> list[NewEvent]:
        """Make tentative holds."""
        return [
            self._event(
                msgspec.convert(hold.as_row("tentative"), ReservationCreated),
                hold.reservation,
            )
            for hold in holds
        ]

    def confirmed(self, holds: Iterable[PlannedHold]) -> list[NewEvent]:
        """Make holds firm."""
        return [
            self._event(
                ReservationConfirmed(reservation=hold.reservation), hold.reservation
            )
            for hold in holds
        ]

    def released(
        self, holds: Iterable[Reservation], reason: str | None
    ) -> list[NewEvent]:
        """Release holds."""
        return [
            self._event(
                ReservationReleased(reservation=one.reservation, reason=reason),
                one.reservation,
            )
            for one in holds
        ]

    def reduced(self, holds: Iterable[tuple[Reservation, float]]) -> list[NewEvent]:
        """Leave of holds what their orders still want."""
        reason = "the order wants less"
        return [
            self._event(
                ReservationReduced(
                    reservation=one.reservation, qty=left, reason=reason
                ),
                one.reservation,
            )
            for one, left in holds
        ]

    def expired(self, holds: Sequence[Reservation]) -> list[NewEvent]:
        """Expire holds that are past their end."""
        return [
            self._event(
                ReservationExpired(
                    reservation=one.reservation,
                    expired_at=from_seconds(one.expires_at or 0),
                ),
                one.reservation,
            )
            for one in holds
        ]

    def moved(
        self, one: PreemptedLine, previous: int | None, approver: str
    ) -> list[NewEvent]:
        """Record that a line gave way to a more important one.

        Parameters
        ----------
        previous
            Its date before [s].
        """
        date = one.line.date
        if previous == date:
            return []
        body = PromiseRevised(
            demand=one.line.demand,
            promised=from_seconds(date),
            previous=_moment(previous),
            reason=one.reason,
            approver=approver,
        )
        return [self._event(body, f"{one.line.demand}|moved")]

    def overridden(
        self, promise: Promise, override: Override, approver: str
    ) -> NewEvent:
        """Record the date a person promised instead of the one found."""
        demand = str(promise.demand["demand"])
        body = PromiseRevised(
            demand=demand,
            promised=from_seconds(override.date),
            previous=_moment(promise.date),
            reason=override.reason.strip(),
            approver=approver,
        )
        return self._event(body, f"{demand}|override")

    def withdrawn(
        self, demand: str, previous: int | None, approver: str, reason: str | None
    ) -> NewEvent:
        """Take a promise back: the line has no date any more."""
        body = PromiseRevised(
            demand=demand,
            promised=None,
            previous=_moment(previous),
            reason=reason,
            approver=approver,
        )
        return self._event(body, f"{demand}|withdrawn")


def _moment(seconds: int | None) -> Any:
    return None if seconds is None else from_seconds(seconds)


def demand_row(promise: Promise) -> dict[str, object]:
    """Request as a row of demands: a quote until it is ordered."""
    columns = tables()["demands"].columns
    row: dict[str, object] = {}
    for name, cell in promise.demand.items():
        if name not in columns or cell is None:
            continue
        instant = name in _INSTANTS and isinstance(cell, int)
        row[name] = _moment(int(cell)) if instant else cell
        if isinstance(cell, tuple):
            row[name] = list(cell)
    return {**row, "status": "quote"}
