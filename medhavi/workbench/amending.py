"""Voids and corrections of facts, judged before they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from medhavi.errors import UsageError
from medhavi.workbench.decisions import append_correction, append_void

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import polars as pl

    from medhavi.events.store import BulkStore, EventStore
    from medhavi.lakehouse import Lake, MirrorReport
    from medhavi.lakehouse.log.quarantine import ReplayReport


class Confirmation(NamedTuple):
    """Why a fact is taken out or replaced, and who confirmed it."""

    reason: str
    approver: str


def void_event(
    lake: Lake, store: EventStore, event: str, confirmation: Confirmation
) -> str:
    """Append a void where it will be obeyed; see `Workbench.void_event`."""
    _require(confirmation)
    fact = lake.fact(event)
    _refuse(lake.amendment_fault(fact["event_id"], None))
    return append_void(store, event=fact["event_id"], **confirmation._asdict())


def correct_event(
    lake: Lake,
    store: EventStore,
    event: str,
    confirmation: Confirmation,
    *,
    payload: Mapping[str, object] | None,
    fields: Mapping[str, object],
    occurred_at: dt.datetime | None,
) -> str:
    """Append a correction where it will be obeyed; see `Workbench.correct_event`."""
    _require(confirmation)
    fact = lake.fact(event)
    stated: dict[str, Any] = msgspec.json.decode(fact["payload"])
    whole = dict(stated if payload is None else payload)
    whole.update(fields)
    whole = {name: cell for name, cell in whole.items() if cell is not None}
    if occurred_at is not None and occurred_at.tzinfo is None:
        message = f"occurred_at ({occurred_at}) has no time zone; instants are UTC."
        raise UsageError(message)
    if fact["voided"]:
        message = f"Event {fact['event_id']} is voided; record the fact again."
        raise UsageError(message)
    moment = fact["occurred_at"] if occurred_at is None else occurred_at
    if whole == stated and moment == fact["occurred_at"]:
        message = "The correction says what the event says; give what is otherwise."
        raise UsageError(message)
    _refuse(lake.amendment_fault(fact["event_id"], msgspec.json.encode(whole).decode()))
    return append_correction(
        store,
        event=fact["event_id"],
        payload=whole,
        occurred_at=moment,
        **confirmation._asdict(),
    )


def _require(confirmation: Confirmation) -> None:
    if not all(text.strip() for text in confirmation):
        message = (
            "A fact is taken out or replaced by somebody, for a reason: name both."
        )
        raise UsageError(message)


def _refuse(fault: str | None) -> None:
    if fault is not None:
        message = f"The event cannot be voided or corrected: {fault}."
        raise UsageError(message)


class FactAmending:
    """Facts of the log as verbs of the workbench: void, correct, look, try again."""

    if TYPE_CHECKING:

        @property
        def lake(self) -> Lake:
            """The lake."""

        @property
        def store(self) -> BulkStore:
            """The event store."""

        def mirror(self) -> MirrorReport:
            """Copy new events into the lake."""

    def void_event(self, event: str, *, reason: str, approver: str) -> str:
        """Take a fact out for good: append EventVoided; the log keeps both.

        Parameters
        ----------
        event
            Id of the fact, as findings and bronze name it, or its position.
        approver
            Who confirmed it.

        Returns
        -------
        str
            Id of the void; the same again is the same event.

        Raises
        ------
        UsageError
            There is no such fact, it is a decision or an amendment, or reason or
            approver are missing.
        """
        self.mirror()
        return void_event(self.lake, self.store, event, Confirmation(reason, approver))

    def correct_event(
        self,
        event: str,
        *,
        reason: str,
        approver: str,
        payload: Mapping[str, object] | None = None,
        fields: Mapping[str, object] | None = None,
        occurred_at: dt.datetime | None = None,
    ) -> str:
        """Replace a fact: append EventCorrected; the log keeps both.

        Parameters
        ----------
        payload
            Whole payload as it should have been; default: as it counts now.
        fields
            Fields of the payload that are otherwise; None: an absent field.
        occurred_at
            When it took effect; default: as it counts now.

        Raises
        ------
        UsageError
            As `void_event`, nothing would change, or the payload does not fit.
        """
        self.mirror()
        return correct_event(
            self.lake,
            self.store,
            event,
            Confirmation(reason, approver),
            payload=payload,
            fields=fields or {},
            occurred_at=occurred_at,
        )

    def table(self, name: str) -> pl.LazyFrame:
        """Table of the lake, such as silver.stock or gold.supplies."""
        return self.lake.table(name)

    def quarantine(self) -> pl.DataFrame:
        """Events that are not counted, with their reason."""
        return self.lake.quarantine()

    def replay_quarantine(self) -> ReplayReport:
        """Try the quarantined events again."""
        return self.lake.replay()
