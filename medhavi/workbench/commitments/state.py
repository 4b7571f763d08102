"""What the stream `commitments` says: reservations and promised dates, event by event.

A snapshot covers the log up to a position; what was committed since is folded on top.
The stream is one, so that two writers can never both append to the same revision
(design 3.8).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from medhavi.events.event_types.catalog import decode
from medhavi.providers.reservations import (
    Reservation,
    ReservationLedger,
    ReservationState,
)
from medhavi.units import MINUTE, exact, from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.events.envelope import RecordedEvent
    from medhavi.snapshot import Snapshot

STREAM: Final = "commitments"
"""The one stream of all commits of the promise desk."""

_INSTANTS: Final = (dt.datetime,)
_NOTED: Final = frozenset(
    {"OrderPromised", "PromiseRejected", "PromiseRevised", "PromiseAtRisk"}
)
_DONE: Final = frozenset({"closed", "cancelled"})

_STATES: Final[Mapping[str, ReservationState]] = {
    "ReservationConfirmed": ReservationState.CONFIRMED,
    "ReservationReduced": ReservationState.REDUCED,
    "ReservationReleased": ReservationState.RELEASED,
    "ReservationExpired": ReservationState.EXPIRED,
}


Risk = tuple[int, int | None, str | None]
"""Promised and expected date [s], and what binds: the same again is no news."""


class DemandState(NamedTuple):
    """What the tables say of a demand; quantity in base units, still to come."""

    status: str
    product: str
    qty: float


class CommitmentState:
    """Reservations and promised demands, as far as they are read.

    Parameters
    ----------
    snapshot
        Tables that were assembled from the log.

    Attributes
    ----------
    ledger
        All reservations.
    promised
        Demand → promised date [s], of the demands that have one.
    lines
        Rows of demands that promises made, by demand.
    quantities
        What the stream promised of a demand [base units], with what the tables cover.
    given
        Demand → date [s] that somebody promised in place of the one that was found.
    risks
        The risk that the stream told of a demand since its last date.
    rejected
        Why a demand was rejected, where it was not promised since.
    orders
        What the tables say of their demands.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        held = snapshot["reservations"].iter_rows(named=True)
        self.ledger = ReservationLedger(_reservation(row) for row in held)
        rows = snapshot["demands"].select("demand", "status", "product", "qty")
        self.orders = {row[0]: DemandState(*row[1:]) for row in rows.iter_rows()}
        demands = snapshot["demands"].select("demand", "promised", "status")
        self._tabled = set(demands["demand"])
        self._ordered: set[str] = set()
        self.promised: dict[str, int] = {}
        self._withdrawn: set[str] = set()
        for demand, moment, status in demands.iter_rows():
            if moment is not None:
                self.promised[demand] = to_seconds(moment)
            if status == "inquiry":
                self._withdrawn.add(demand)
            elif status != "quote":
                self._ordered.add(demand)
        self.lines: dict[str, dict[str, Any]] = {}
        self.quantities: dict[str, float] = {}
        self.given: dict[str, int] = {}
        self._found: tuple[str, dt.datetime] | None = None
        self.risks: dict[str, Risk] = {}
        self.rejected: dict[str, str] = {}
        self._changed: set[str] = set()

    def planned(self, demand: str) -> bool:
        """Whether a demand is in the tables, or made by a promise that holds."""
        if demand in self._withdrawn:
            return demand in self._ordered
        return demand in self._tabled or demand in self.lines

    def tabled(self, demand: str) -> bool:
        """Whether the tables that were assembled hold a demand."""
        return demand in self._tabled

    def line(self, demand: str) -> Mapping[str, Any]:
        """Line that a promise made, as a request has it; instants in seconds.

        Empty where the tables hold the line, or nobody does.
        """
        row = self.lines.get(demand)
        if row is None or demand in self._withdrawn:
            return {}
        return {
            name: to_seconds(cell) if isinstance(cell, dt.datetime) else cell
            for name, cell in row.items()
            if cell is not None
        }

    def holds_of(self, demand: str, now: int) -> tuple[Reservation, ...]:
        """Active reservations of a demand, by id."""
        return tuple(one for one in self.ledger.of(demand) if one.active(now))

    def dates_given(self) -> frozenset[str]:
        """Demands whose date somebody gave in place of what was found."""
        dates = self.given.items()
        return frozenset(
            name for name, date in dates if self.promised.get(name) == date
        )

    def needless(self, now: int) -> tuple[Reservation, ...]:
        """Active holds of demands that are closed or cancelled, by id."""
        return tuple(
            one
            for one in self.ledger.all
            if one.active(now)
            and one.demand in self.orders
            and self.orders[one.demand].status in _DONE
        )

    def excess(self, now: int) -> tuple[tuple[Reservation, float], ...]:
        """Holds that keep more of a product than its demand still wants.

        Returns
        -------
        tuple of (Reservation, float)
            The hold and what is to be left of it; the latest holds give first.
        """
        owned: dict[str, list[Reservation]] = {}
        for one in self.ledger.all:
            order = self.orders.get(one.demand or "")
            if order is None or order.status in _DONE or not one.active(now):
                continue
            if one.kind == "material" and one.subject == order.product and one.qty:
                owned.setdefault(str(one.demand), []).append(one)
        found = []
        for demand, holds in sorted(owned.items()):
            over = exact(0.0) - exact(self.orders[demand].qty)
            over += sum(exact(one.qty) for one in holds)
            for one in sorted(holds, key=lambda hold: hold.start, reverse=True):
                if over <= 0:
                    break
                given = min(over, exact(one.qty))
                over -= given
                found.append((one, float(exact(one.qty) - given)))
        return tuple(found)

    def note(self, event: RecordedEvent) -> None:
        """Note what no table keeps, of every event of the stream."""
        found, self._found = self._found, None
        if event.type not in _NOTED:
            return
        body = decode(event.type, event.schema_version, event.payload)
        if event.type == "PromiseAtRisk":
            expected = None if body.expected is None else to_seconds(body.expected)
            risk = to_seconds(body.promised), expected, body.limiter
            self.risks[body.demand] = risk
            return
        if event.type == "PromiseRejected":
            self.rejected[body.demand] = body.limiter
            return
        self.risks.pop(body.demand, None)
        self.rejected.pop(body.demand, None)
        self.given.pop(body.demand, None)
        if event.type == "OrderPromised":
            self.quantities[body.demand] = body.qty
            self._found = body.demand, body.promised
        elif body.promised is not None and found == (body.demand, body.previous):
            # A date of one's own follows the date that was found, in the same append.
            self.given[body.demand] = to_seconds(body.promised)

    def fold(self, event: RecordedEvent) -> str | None:
        """Note one event of the stream.

        Returns
        -------
        str or None
            The demand that it is about, where one is named.
        """
        body = decode(event.type, event.schema_version, event.payload)
        if event.type == "ReservationCreated":
            made = _reservation(msgspec.to_builtins(body, builtin_types=_INSTANTS))
            self.ledger.keep(made)
            return made.demand
        if event.type in _STATES:
            return self._changed_hold(event.type, body)
        if event.type == "OrderPromised":
            self._promised(body.demand, to_seconds(body.promised))
            if body.line is not None and body.demand not in self._tabled:
                row = msgspec.to_builtins(body.line, builtin_types=_INSTANTS)
                self.lines[body.demand] = {**row, "demand": body.demand}
        elif event.type == "PromiseRevised":
            moment = body.promised
            self._promised(body.demand, None if moment is None else to_seconds(moment))
        return getattr(body, "demand", None)

    def _promised(self, demand: str, moment: int | None) -> None:
        self._changed.add(demand)
        if moment is None:
            self.promised.pop(demand, None)
            self._withdrawn.add(demand)
        else:
            self.promised[demand] = moment
            self._withdrawn.discard(demand)

    def _changed_hold(self, kind: str, body: Any) -> str | None:
        known = self.ledger.get(body.reservation)
        if known is None:
            return None
        self.ledger.keep(known.changed(_STATES[kind], getattr(body, "qty", None)))
        return known.demand

    def snapshot(self) -> Snapshot:
        """Tables as they are with all that was folded."""
        schema = self._snapshot["demands"].schema
        rows = []
        for row in self._snapshot["demands"].iter_rows(named=True):
            demand = row["demand"]
            rows.append(self._current(row) if demand in self._changed else row)
        for line in self.lines.values():
            kept = {name: cell for name, cell in line.items() if name in schema}
            rows.append(self._current({"status": "quote", **kept}))
        return self._snapshot.replace(
            demands=rows, reservations=[_row(one) for one in self.ledger.all]
        )

    def _current(self, row: dict[str, Any]) -> dict[str, Any]:
        demand = row["demand"]
        moment = self.promised.get(demand)
        current = {**row, "promised": None if moment is None else from_seconds(moment)}
        if demand in self._withdrawn and current["status"] == "quote":
            current["status"] = "inquiry"
        elif demand not in self._withdrawn and current["status"] == "inquiry":
            current["status"] = "quote"
        return current


def _reservation(row: Mapping[str, Any]) -> Reservation:
    def seconds(name: str) -> int | None:
        moment: dt.datetime | None = row.get(name)
        return None if moment is None else to_seconds(moment)

    return Reservation(
        reservation=row["reservation"],
        key=row["key"],
        kind=row["kind"],
        demand=row.get("demand"),
        subject=row["subject"],
        location=row.get("location"),
        qty=row["qty"],
        start=seconds("start") or 0,
        finish=seconds("finish") or 0,
        state=ReservationState(row.get("state") or "confirmed"),
        expires_at=seconds("expires_at"),
        family=row.get("family"),
        changeover=round((row.get("changeover_minutes") or 0.0) * MINUTE),
        made_product=row.get("made_product"),
        good_qty=row.get("good_qty"),
    )


def _row(one: Reservation) -> dict[str, Any]:
    expires = one.expires_at
    return {
        "reservation": one.reservation,
        "key": one.key,
        "kind": one.kind,
        "demand": one.demand,
        "subject": one.subject,
        "location": one.location,
        "qty": one.qty,
        "start": from_seconds(one.start),
        "finish": from_seconds(one.finish),
        "state": one.state.value,
        "expires_at": None if expires is None else from_seconds(expires),
        "family": one.family,
        "changeover_minutes": one.changeover / MINUTE,
        "made_product": one.made_product,
        "good_qty": one.good_qty,
    }
