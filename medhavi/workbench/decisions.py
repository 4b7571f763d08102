"""Decisions as events: the only writer of them.

An event's id is made from what it decides and from the decision that it follows:
deciding again what stands is one event, going back to what stood before is a new one.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from medhavi.errors import UsageError
from medhavi.events.event_types.catalog import decode, new_event, stream_for
from medhavi.events.event_types.decision_types import (
    EstimatesPublished,
    EventCorrected,
    EventVoided,
    ExceptionReviewed,
    GoldTable,
    ModelPromoted,
    PlanPublished,
)
from medhavi.events.store import EventFilter
from medhavi.units import from_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from medhavi.events.envelope import RecordedEvent
    from medhavi.events.store import BulkStore, EventStore
    from medhavi.lakehouse import Lake, MirrorReport
    from medhavi.lakehouse.log.mirror import ReplayReport
    from medhavi.lakehouse.record import GoldRows, RecordedRun
    from medhavi.results.figures.measure import Measure
    from medhavi.results.plans.plan import Plan


_NAMESPACE = uuid.UUID("6d656468-6176-5669-a465-636973696f6e")


def publish_plan(
    store: EventStore,
    plan: Plan,
    recorded: RecordedRun,
    *,
    approver: str,
    baseline: str | None = None,
) -> str:
    """Append PlanPublished: run, fingerprints, figures, places of tables, no rows.

    It takes effect at the plan's own now, so that a snapshot of that moment or later
    knows it, in a company of the past too. See `Workbench.publish`; `recorded` is where
    the plan lies in gold.
    """
    if plan.run.as_of is None:
        message = "The plan has no as_of; only a planned snapshot can be published."
        raise ValueError(message)
    as_of = from_seconds(plan.run.as_of)
    body = PlanPublished(
        run=recorded.run_id,
        fingerprint=plan.fingerprint,
        snapshot=plan.run.snapshot_fingerprint,
        planner=plan.run.planner,
        mode=plan.run.mode,
        status=str(plan.run.status),
        as_of=as_of,
        approver=approver,
        kpis=dict(
            plan.kpis.sort("kpi").select("kpi", "value").iter_rows(),
        ),
        tables=[
            GoldTable(name=table.name, uri=table.uri, hash=table.hash, rows=table.rows)
            for table in recorded.tables
        ],
        package_version=plan.run.package_version,
        baseline=baseline,
    )
    own = ("run", "approver", "baseline")
    published = store.read_all(filter=EventFilter(types=("PlanPublished",)))
    words = "|".join(("PlanPublished", recorded.run_id, approver, baseline or ""))
    identity, is_new = _identity(body, words, published, own, ("mode",))
    event = new_event(
        body,
        event_id=identity,
        occurred_at=as_of,
        actor=approver,
        correlation_id=recorded.run_id,
    )
    if is_new:
        store.append(stream_for(body), [event])
    return identity


def _identity(
    body: Any,
    words: str,
    before: Iterable[RecordedEvent],
    decides: Sequence[str],
    about: Sequence[str] = (),
) -> tuple[str, bool]:
    """Id of a decision, and whether it is new: the last one may decide the same.

    Parameters
    ----------
    before
        Earlier decisions, the oldest first.
    decides, about
        Fields of what is decided, and of what about: others say nothing of this.
    """
    last: tuple[str, Any] | None = None
    for event in before:
        told = decode(event.type, event.schema_version, event.payload)
        if all(getattr(told, name) == getattr(body, name) for name in about):
            last = event.event_id, told
    if last is None:
        return str(uuid.uuid5(_NAMESPACE, words)), True
    identity, told = last
    if all(getattr(told, name) == getattr(body, name) for name in decides):
        return identity, False
    return str(uuid.uuid5(_NAMESPACE, f"{words}|{identity}")), True


def publish_estimates(
    store: EventStore,
    rows: pl.DataFrame,
    *,
    kind: str,
    model: str,
    version: str,
    gold: GoldRows,
    as_of: int,
) -> str:
    """Append EstimatesPublished: the batch replaces all estimates of its kind.

    Parameters
    ----------
    rows
        Columns of table `estimates`, all of one kind.
    gold
        Where the batch lies in gold, and its hash.
    as_of
        Now of the snapshot that it was made for [s].

    Returns
    -------
    str
        Id of the event; publishing the batch that stands for a moment is one event.
    """
    body = msgspec.convert(
        {
            "kind": kind,
            "model": model,
            "version": version,
            "hash": gold.hash,
            "uri": gold.uri,
            "rows": [
                {name: cell for name, cell in row.items() if cell is not None}
                for row in rows.iter_rows(named=True)
            ],
        },
        EstimatesPublished,
    )
    words = f"EstimatesPublished|{kind}|{gold.hash}|{as_of}"
    same = ("hash",)
    return _append_next(store, body, words, same, as_of=as_of, actor="medhavi")


def promote_model(
    store: EventStore,
    *,
    model: str,
    version: str,
    previous: str | None,
    approver: str,
    reason: str | None,
    as_of: int,
) -> str:
    """Append ModelPromoted: a version of a predictor is in use.

    Returns
    -------
    str
        Id of the event.
    """
    body = ModelPromoted(
        model=model,
        version=version,
        approver=approver,
        previous=previous,
        reason=reason,
    )
    words = f"ModelPromoted|{model}|{version}|{previous or ''}|{approver}|{as_of}"
    same = ("version", "approver")
    return _append_next(store, body, words, same, as_of=as_of, actor=approver)


def append_reviews(
    store: EventStore,
    exceptions: Sequence[str],
    *,
    approver: str,
    assignee: str | None,
    note: str | None,
    done: bool,
    as_of: int,
) -> tuple[str, ...]:
    """Append ExceptionReviewed for each exception.

    They take effect at the now of the plan [UTC s], so that now does not move.

    Returns
    -------
    tuple of str
        Ids of the events; saying the same once more is a new event.
    """
    made = []
    for exception in exceptions:
        body = ExceptionReviewed(
            exception=exception,
            done=done,
            assignee=assignee,
            note=note,
            approver=approver,
        )
        before = sum(1 for _ in store.read(stream_for(body)))
        words = f"ExceptionReviewed|{exception}|{before}"
        made.append(_append_one(store, body, words, as_of=as_of, actor=approver))
    return tuple(made)


def append_void(store: EventStore, *, event: str, reason: str, approver: str) -> str:
    """Append EventVoided: a fact counts nowhere any more.

    It takes effect when it is recorded.

    Parameters
    ----------
    event
        Id of the fact.

    Returns
    -------
    str
        Id of the void; one a fact.
    """
    body = EventVoided(event=event, reason=reason, approver=approver)
    return _amend(store, body, f"EventVoided|{event}", approver)


def append_correction(
    store: EventStore,
    *,
    event: str,
    payload: Mapping[str, Any],
    occurred_at: dt.datetime,
    reason: str,
    approver: str,
) -> str:
    """Append EventCorrected: a payload and a time count in place of a fact's own.

    Returns
    -------
    str
        Id of the correction; correcting the same way once more is a new event, for
        another one may lie between.
    """
    body = EventCorrected(
        event=event,
        payload=dict(payload),
        occurred_at=occurred_at,
        reason=reason,
        approver=approver,
    )
    before = sum(1 for _ in store.read(stream_for(body)))
    return _amend(store, body, f"EventCorrected|{event}|{before}", approver)


def _amend(store: EventStore, body: Any, words: str, approver: str) -> str:
    event = new_event(body, event_id=str(uuid.uuid5(_NAMESPACE, words)), actor=approver)
    store.append(stream_for(body), [event])
    return event.event_id


def _append_next(
    store: EventStore,
    body: Any,
    words: str,
    decides: Sequence[str],
    *,
    as_of: int,
    actor: str,
) -> str:
    """Append one decision of a stream of such, in effect at its moment.

    The same for the same moment as the last one is that one.
    """
    moment = from_seconds(as_of)
    earlier = list(store.read(stream_for(body)))
    if earlier and earlier[-1].occurred_at != moment:
        # For another moment it is another decision, as its words say.
        words, earlier = f"{words}|{earlier[-1].event_id}", []
    identity, is_new = _identity(body, words, earlier, decides)
    event = new_event(body, event_id=identity, occurred_at=moment, actor=actor)
    if is_new:
        store.append(stream_for(body), [event])
    return identity


def _append_one(
    store: EventStore, body: Any, words: str, *, as_of: int, actor: str
) -> str:
    """Append one decision, in effect at the moment for which it was made."""
    event = new_event(
        body,
        event_id=str(uuid.uuid5(_NAMESPACE, words)),
        occurred_at=from_seconds(as_of),
        actor=actor,
    )
    store.append(stream_for(body), [event])
    return event.event_id


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

    def event_figures(self) -> Mapping[str, list[Measure]]:
        """Latency, success and accuracy of the events of the log (KPI-31)."""
        from medhavi.results.figures.log_figures import event_figures

        columns = "type", "occurred_at", "recorded_at"
        events = self.lake.table("bronze.events").select(columns).collect()
        return event_figures(events, self.quarantine().height)

    def replay_quarantine(self) -> ReplayReport:
        """Try the quarantined events again."""
        return self.lake.replay()
