"""Records of promises: every line that was ever promised, and what became of it.

It is read from the log, so a promise that was made is found again: its number, its
customer, its date, who made it, and its state. What is not mirrored yet is not in it.
An ERP takes over the dates that were given, changed and taken back here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.events.event_types.catalog import UndecodableEvent, decode
from medhavi.results.promises.parts import RECORDS, PromiseState
from medhavi.units import from_seconds
from medhavi.workbench.commitments.state import STREAM as COMMITMENTS
from medhavi.workbench.outbox import EDIT_STREAM, Outbox, told_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from medhavi.lakehouse import Lake

TYPES = ("OrderPromised", "PromiseRevised", "PromiseAtRisk")
"""Events that make, change or judge a promise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseEvent:
    """One event of a promise; `said` is its payload."""

    type: str
    approver: str
    recorded_at: dt.datetime
    said: Any


@dataclass(slots=True)
class _Entry:
    """A promise while its events are read, in the order of the log."""

    number: str
    line: Mapping[str, Any]
    qty: float = 0.0
    promised: dt.datetime | None = None
    date_prob: float | None = None
    on_time_prob: float | None = None
    approver: str = ""
    recorded_at: dt.datetime | None = None
    dates: int = 0
    found_at: dt.datetime | None = None
    is_released: bool = False
    is_at_risk: bool = False

    def take(self, event: PromiseEvent) -> None:
        body = event.said
        if event.type == "PromiseAtRisk":
            self.is_at_risk = True
            return
        self.approver, self.recorded_at = event.approver, event.recorded_at
        self.is_at_risk = False
        self.is_released = body.promised is None
        if self.is_released:
            return
        if body.promised != self.promised and self.found_at != event.recorded_at:
            # A date of one's own follows the found one in one append: one date.
            self.dates += 1
        is_found = event.type == "OrderPromised"
        self.found_at = event.recorded_at if is_found else None
        if is_found:
            self.qty = body.qty
            self.date_prob, self.on_time_prob = body.date_prob, body.on_time_prob
        elif body.promised != self.promised:
            self.date_prob = self.on_time_prob = None
        self.promised = body.promised


def promise_records(
    lake: Lake, now: int, known_at: dt.datetime | None = None
) -> pl.DataFrame:
    """All promises of a lake, the newest decision first.

    Parameters
    ----------
    now
        Moment at which a promise is overdue or not [UTC s].
    known_at
        What was recorded later is left out; default: nothing is.

    Returns
    -------
    DataFrame
        Columns of `RECORDS`; a row a line.
    """
    moment = from_seconds(now)
    entries = _entries(promised_lines(lake, known_at), _told(lake, known_at))
    rows = [_row(demand, one, moment) for demand, one in entries.items()]
    return pl.DataFrame(rows, schema=RECORDS, orient="row").sort(
        "recorded_at", "number", descending=[True, False], nulls_last=True
    )


def quotation_numbers(
    lake: Lake, known_at: dt.datetime | None = None
) -> Mapping[str, str]:
    """Number of each promised line without a sales order, by its demand."""
    lines = lake.table("silver.demands", known_at)
    ordered = lines.filter(pl.col("sales_order").is_not_null()).select("demand")
    told = _told(lake, known_at, besides=ordered.collect()["demand"].to_list())
    return {demand: one.number for demand, one in _entries({}, told).items()}


def _entries(
    lines: Mapping[str, Mapping[str, Any]], told: Iterable[tuple[str, PromiseEvent]]
) -> dict[str, _Entry]:
    """Promised lines by demand; those without an order are numbered as they came."""
    entries: dict[str, _Entry] = {}
    quotations = 0
    for demand, event in told:
        if demand not in entries:
            line = lines.get(demand) or {}
            number = order_number(line)
            if not number:
                quotations += 1
                number = f"Q-{quotations:04d}"
            entries[demand] = _Entry(number=number, line=line)
        entries[demand].take(event)
    return entries


def promise_events(
    lake: Lake, demand: str, known_at: dt.datetime | None = None
) -> tuple[PromiseEvent, ...]:
    """Events of one promise, in the order of the log; see `promise_records`."""
    told = _told(lake, known_at, demand)
    return tuple(event for name, event in told if name == demand)


def _told(
    lake: Lake,
    known_at: dt.datetime | None,
    demand: str | None = None,
    besides: Sequence[str] = (),
) -> Iterator[tuple[str, PromiseEvent]]:
    """Events of promises with their demand; those of some demands are not decoded."""
    wanted = pl.col("type").is_in(TYPES)
    if besides:
        stated = pl.col("payload").str.json_path_match("$.demand")
        wanted &= stated.is_in(besides).fill_null(value=False).not_()
    if demand is not None:
        wanted &= pl.col("payload").str.contains(demand, literal=True)
    rows = lake.table("bronze.events", known_at).filter(wanted).sort("position")
    columns = ("type", "schema_version", "payload", "actor", "recorded_at", "event_id")
    seen: set[str] = set()
    for kind, version, payload, actor, recorded, identity in (
        rows.select(columns).collect().iter_rows()
    ):
        if identity in seen:
            continue
        seen.add(identity)
        try:
            body = decode(kind, version, payload)
        except UndecodableEvent:
            continue  # it is in quarantine, and no table has it either
        approver = getattr(body, "approver", None) or actor
        event = PromiseEvent(
            type=kind, approver=approver, recorded_at=recorded, said=body
        )
        yield body.demand, event


def promised_lines(
    lake: Lake, known_at: dt.datetime | None = None
) -> dict[str, dict[str, Any]]:
    """Every line that the lake knows, closed ones too."""
    names = ("sales_order", "line", "customer", "product", "location", "due", "status")
    table = lake.table("silver.demands", known_at)
    rows = table.select("demand", *names).collect()
    return {row.pop("demand"): row for row in rows.iter_rows(named=True)}


def order_number(line: Mapping[str, Any]) -> str:
    """Sales order and line of a demand, by which people speak of it; else empty."""
    order, place = line.get("sales_order"), line.get("line")
    if not order:
        return ""
    return str(order) if place is None else f"{order}-{place}"


def _row(demand: str, one: _Entry, now: dt.datetime) -> tuple[object, ...]:
    line = one.line
    return (
        demand,
        one.number,
        line.get("customer"),
        line.get("product"),
        line.get("location"),
        one.qty,
        line.get("due"),
        one.promised,
        one.date_prob,
        one.on_time_prob,
        str(_state(one, now)),
        one.approver,
        one.recorded_at,
        max(one.dates - 1, 0),
    )


def _state(one: _Entry, now: dt.datetime) -> PromiseState:
    status = one.line.get("status")
    if status == "cancelled":
        return PromiseState.CANCELLED
    if one.is_released:
        return PromiseState.RELEASED
    if status == "closed":
        return PromiseState.DELIVERED
    if one.promised is not None and one.promised < now:
        return PromiseState.OVERDUE
    return PromiseState.AT_RISK if one.is_at_risk else PromiseState.OPEN


_DECIDED = ("OrderPromised", "PromiseRevised")
_LINE = ("customer", "product", "location", "due")
_RISK = ("p50", "p80", "p95", "date_prob", "cost")
PROMISE_COLUMNS = (
    "number",
    "revision",
    "action",
    "demand",
    "sales_order",
    "line",
    *_LINE,
    "qty",
    "promised",
    *_RISK,
    "approver",
    "reason",
    "decided_at",
    "recorded_at",
    "position",
)
"""Columns of the outbox; (number, revision) is its key."""


def promise_outbox(lake: Lake, since: int = 0) -> Outbox:
    """Decisions about promises behind a position of the log; see `Outbox`.

    `revision` counts the decisions about a promise from 1; `action` is promised,
    changed or released. Who has given a date and a worse one right after it has decided
    twice.

    Parameters
    ----------
    since
        `next` of the last outbox; 0 for all.

    Raises
    ------
    UsageError
        The position is not in this log.
    """
    return Outbox.of(lake, since, "promises", PROMISE_COLUMNS, _decisions(lake))


def _decisions(lake: Lake) -> Iterator[dict[str, Any]]:
    lines, numbers = promised_lines(lake), quotation_numbers(lake)
    known: dict[str, dict[str, Any]] = {}
    for event, body in told_events(lake, _DECIDED):
        before = known.get(body.demand)
        line = lines.get(body.demand, {})
        standing = before is not None and before["action"] != "released"
        stated = {name: getattr(body, name, None) for name in _RISK}
        quantity = getattr(body, "qty", None)
        if quantity is None and before is not None:
            quantity = before["qty"]
        row = {
            "number": numbers.get(body.demand) or order_number(line) or body.demand,
            "revision": 1 if before is None else before["revision"] + 1,
            "demand": body.demand,
            "sales_order": line.get("sales_order"),
            "line": line.get("line"),
            **{name: line.get(name) for name in _LINE},
            "qty": quantity,
            "promised": body.promised,
            **stated,
            "action": "released"
            if body.promised is None
            else "changed"
            if standing
            else "promised",
            "approver": getattr(body, "approver", None) or event["actor"],
            "reason": getattr(body, "reason", None),
            "decided_at": event["occurred_at"],
            "recorded_at": event["recorded_at"],
            "position": event["position"],
        }
        known[body.demand] = row
        if event["category"] in (COMMITMENTS, EDIT_STREAM):
            yield row
