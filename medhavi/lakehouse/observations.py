"""Gold observations: what orders, transports and customer orders took and brought.

An observation is an order that is wholly there. It is known from the moment at which
its last receipt was recorded, never before, so that a model of a past day cannot see
what only later days told. The table is derived from bronze whenever it is read: equal
logs give equal rows, and nothing has to be kept in step.

One row a line, as it was placed, with what became of it. Hindsight asks each line again
as of the day on which it was placed, and compares the answer with these rows.

Equal logs give equal rows, and nothing has to be kept in step.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.lakehouse.folds.silver_state import STATE_DTYPES, Rejection, filled
from medhavi.units import DAY, to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from medhavi.lakehouse.log.log_reading import EventLog, RecordedFact

    Derive = Callable[[EventLog, dt.datetime | None], pl.DataFrame]


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


ORDER_LINES = "order_line_observations"
"""Name of the table in gold."""

_STATE = frozenset({"kind", "period_end", "promised", "status"})
"""Columns of a demand that are no part of what was ordered."""

_ORDERED = {
    name: dtype for name, dtype in STATE_DTYPES["demands"].items() if name not in _STATE
}

ORDER_LINE_SCHEMA: Mapping[str, pl.DataType] = MappingProxyType(
    {
        **_ORDERED,
        "placed_at": _INSTANT,
        "promised_then": _INSTANT,
        "promised_at": _INSTANT,
        "first_delivered_at": _INSTANT,
        "delivered_at": _INSTANT,
        "delivered_qty": pl.Float64(),
        "changed": pl.Boolean(),
        "cancelled": pl.Boolean(),
    }
)
"""Columns of the table.

First those of `demands` that say what was ordered, as it was placed. `placed_at` is
when that was recorded. `promised_then` is the first date that the customer was
promised, and `promised_at` when that was recorded; later revisions do not change it.
`delivered_at` is when all of it was there, null until then; `delivered_qty` what is
there so far [base units]. A line is `changed` where another quantity, product, place or
due date was ordered afterwards.
"""

_ORDER_TYPES = (
    "OrderPlaced",
    "OrderLineChanged",
    "OrderCancelled",
    "OrderPromised",
    "ShipmentDelivered",
)
_CONTENT = ("product", "location", "qty", "due")
_NOT_ORDERED_YET = frozenset({"quote", "inquiry"})


@dataclass(slots=True)
class _OrderLine:
    """A line while its events are read, in the order of the log."""

    cells: dict[str, Any]
    placed_at: dt.datetime
    promised_then: dt.datetime | None = None
    promised_at: dt.datetime | None = None
    arrivals: list[dt.datetime] = field(default_factory=list)
    qty: float = 0.0
    closed: bool = False
    changed: bool = False
    cancelled: bool = False

    def arrive(self, body: Any) -> None:
        self.arrivals.append(body.delivered_at)
        self.qty += body.qty
        enough = self.qty >= float(self.cells["qty"]) * _ENOUGH
        self.closed = self.closed or enough or bool(body.closes)

    def row(self) -> dict[str, Any]:
        return {
            **{name: self.cells.get(name) for name in _ORDERED},
            "placed_at": self.placed_at,
            "promised_then": self.promised_then,
            "promised_at": self.promised_at,
            "first_delivered_at": min(self.arrivals, default=None),
            "delivered_at": max(self.arrivals) if self.closed else None,
            "delivered_qty": self.qty,
            "changed": self.changed,
            "cancelled": self.cancelled,
        }


def order_lines(log: EventLog, known_at: dt.datetime | None = None) -> pl.DataFrame:
    """Lines that customers ordered, with what became of them.

    Parameters
    ----------
    known_at
        Only what was recorded up to then; default: all.

    Returns
    -------
    DataFrame
        Columns of `ORDER_LINE_SCHEMA`; a row a line, in the order in which they came.
    """
    return outcomes(log.recorded_facts(_ORDER_TYPES, known_at))


def outcomes(facts: Iterable[RecordedFact]) -> pl.DataFrame:
    """Lines in some facts, which come in the order of the log."""
    lines: dict[str, _OrderLine] = {}
    for fact, recorded_at in facts:
        if not isinstance(fact.body, Rejection):
            _take_line(lines, fact.type, fact.body, recorded_at)
    return pl.DataFrame(
        [line.row() for line in lines.values()],
        schema=dict(ORDER_LINE_SCHEMA),
        orient="row",
    )


def _take_line(
    lines: dict[str, _OrderLine], kind: str, body: Any, recorded_at: dt.datetime
) -> None:
    if kind == "OrderPlaced":
        for cells in _placed(filled(body)):
            lines.setdefault(cells["demand"], _OrderLine(cells, recorded_at))
    elif kind == "OrderLineChanged":
        cells = filled(body)["line"]
        line = lines.get(cells["demand"])
        if line is not None:
            before, now = line.cells, cells
            line.changed |= any(before.get(n) != now.get(n) for n in _CONTENT)
    elif kind == "OrderCancelled":
        for line in _cancelled(lines, body):
            line.cancelled = True
    elif kind == "OrderPromised":
        line = lines.get(body.demand)
        if line is None and body.line is not None:
            # What was asked and promised at once is ordered by that.
            cells = {**filled(body.line), "demand": body.demand}
            line = lines.setdefault(body.demand, _OrderLine(cells, recorded_at))
        if line is not None and line.promised_at is None:
            line.promised_then, line.promised_at = body.promised, recorded_at
    elif body.demand in lines:
        lines[body.demand].arrive(body)


def _placed(order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Lines of an order that are ordered, with what they take from it."""
    inherited: dict[str, Any] = {
        name: order[name]
        for name in ("sales_order", "customer", "requested_at")
        if name in order
    }
    for line in order["lines"]:
        if line.get("status") not in _NOT_ORDERED_YET:
            yield {**inherited, **line}


def _cancelled(lines: dict[str, _OrderLine], body: Any) -> list[_OrderLine]:
    if body.demands is None:
        order = body.sales_order
        return [one for one in lines.values() if one.cells.get("sales_order") == order]
    return [lines[name] for name in body.demands if name in lines]


DERIVED: Mapping[str, Derive] = MappingProxyType(
    {LEAD_TIMES: lead_times, ORDER_LINES: order_lines}
)
"""Name of the table → what reads it from the log, as known at a moment or now."""
