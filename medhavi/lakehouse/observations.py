"""Gold observations: what orders and transports took, told by their own events.

An observation is an order that is wholly there. It is known from the moment at which
its last receipt was recorded, never before, so that a model of a past day cannot see
what only later days told. The table is derived from bronze whenever it is read: equal
logs give equal rows, and nothing has to be kept in step.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.lakehouse.folds.fact import Rejection
from medhavi.units import DAY, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.lakehouse.log.log_reading import EventLog, RecordedFact

_INSTANT = pl.Datetime("us", "UTC")
LEAD_TIMES = "lead_time_observations"
"""Name of the table in gold."""

LEAD_TIME_SCHEMA: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "kind": pl.String(),
        "supply_order": pl.String(),
        "subject": pl.String(),
        "product": pl.String(),
        "location": pl.String(),
        "qty": pl.Float64(),
        "ordered_at": _INSTANT,
        "booked_at": _INSTANT,
        "begun_at": _INSTANT,
        "promised_at": _INSTANT,
        "first_received_at": _INSTANT,
        "received_at": _INSTANT,
        "known_at": _INSTANT,
        "elapsed_days": pl.Float64(),
        "promised_days": pl.Float64(),
        "on_time": pl.Boolean(),
    }
)
"""Columns of the table.

`kind` is supplier or lane, `subject` its id. `elapsed_days` run from `begun_at`, the
order of a purchase or the departure of a transport as it took place, to `received_at`,
when all of it was there. `promised_days` run from `booked_at`, the order or the booked
departure, to `promised_at`, the date stated when the order was placed; later
confirmations do not change it. `on_time` compares the two dates, so that a departure
that was missed makes a transport late. Days are elapsed days of 24 hours.
"""

_KINDS = {"purchase": "supplier", "transfer": "lane"}
_TYPES = (
    "SupplyOrderPlaced",
    "SupplyOrderStarted",
    "SupplyOrderReceived",
    "SupplyOrderCompleted",
    "SupplyOrderCancelled",
)
_ENOUGH = 1.0 - 1e-9
"""Share of the ordered quantity that counts as all of it."""


@dataclass(slots=True)
class _OpenOrder:
    """An order while its events are read, in the order of the log."""

    row: Any
    ordered_at: dt.datetime
    departed_at: dt.datetime | None = None
    receipts: list[dt.datetime] = field(default_factory=list)
    received: float = 0.0
    known_at: dt.datetime | None = None
    gone: bool = False

    def receive(self, body: Any, recorded_at: dt.datetime) -> None:
        if self.known_at is None:
            self.receipts.append(body.received_at)
            self.received += body.qty
            if self.received >= self.row.qty * _ENOUGH:
                self.known_at = recorded_at

    def close(self, recorded_at: dt.datetime) -> None:
        """Take what came as all that comes."""
        if self.known_at is None and self.receipts:
            self.known_at = recorded_at


def lead_times(log: EventLog, known_at: dt.datetime | None = None) -> pl.DataFrame:
    """Lead times of purchases and transports that are known.

    Parameters
    ----------
    known_at
        Only what was recorded up to then; default: all.

    Returns
    -------
    DataFrame
        One row an order, in order of `known_at`, then of the order's id.
    """
    return observed(log.recorded_facts(_TYPES, known_at))


def observed(facts: Iterable[RecordedFact]) -> pl.DataFrame:
    """Observations in some facts, which come in the order of the log."""
    orders: dict[str, _OpenOrder] = {}
    for fact, recorded_at in facts:
        body = fact.body
        if isinstance(body, Rejection):
            continue
        if fact.type == "SupplyOrderPlaced":
            if body.kind in _KINDS and body.source:
                orders[body.supply_order] = _OpenOrder(body, fact.occurred_at)
            continue
        order = orders.get(body.supply_order)
        if order is not None:
            _take(order, fact.type, body, recorded_at)
    rows = [_row(order) for order in orders.values() if order.known_at]
    frame = pl.DataFrame(
        [row for row in rows if row is not None],
        schema=dict(LEAD_TIME_SCHEMA),
        orient="row",
    )
    return frame.sort("known_at", "supply_order")


def _take(order: _OpenOrder, kind: str, body: Any, recorded_at: dt.datetime) -> None:
    if kind == "SupplyOrderStarted":
        order.departed_at = order.departed_at or body.started_at
    elif kind == "SupplyOrderReceived":
        order.receive(body, recorded_at)
    elif kind == "SupplyOrderCompleted":
        order.close(recorded_at)
    elif order.known_at is None:
        order.gone = True


def _row(order: _OpenOrder) -> dict[str, Any] | None:
    """Observation; None where its times make no length."""
    placed = order.row
    kind = _KINDS[placed.kind]
    booked = begun = order.ordered_at
    if kind == "lane":
        begun = order.departed_at or placed.start or begun
        booked = placed.start or begun
    received = max(order.receipts)
    if received < begun or order.gone:
        return None
    promised = placed.due
    return {
        "kind": kind,
        "supply_order": placed.supply_order,
        "subject": placed.source,
        "product": placed.product,
        "location": placed.location,
        "qty": placed.qty,
        "ordered_at": order.ordered_at,
        "booked_at": booked,
        "begun_at": begun,
        "promised_at": promised,
        "first_received_at": min(order.receipts),
        "received_at": received,
        "known_at": order.known_at,
        "elapsed_days": _days(begun, received),
        "promised_days": _days(booked, promised),
        "on_time": received <= promised,
    }


def _days(start: dt.datetime, finish: dt.datetime) -> float:
    return (to_seconds(finish) - to_seconds(start)) / DAY
