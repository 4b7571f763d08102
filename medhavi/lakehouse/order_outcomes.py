"""Gold observations: what customers ordered, what was promised, when it was there.

One row a line, as it was placed, with what became of it. Hindsight asks each line again
as of the day on which it was placed, and compares the answer with these rows.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.lakehouse.folds.fact import Rejection, filled
from medhavi.lakehouse.folds.silver_state import STATE_DTYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from medhavi.lakehouse.log.log_reading import EventLog, RecordedFact

_INSTANT = pl.Datetime("us", "UTC")
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

_TYPES = (
    "OrderPlaced",
    "OrderLineChanged",
    "OrderCancelled",
    "OrderPromised",
    "ShipmentDelivered",
)
_CONTENT = ("product", "location", "qty", "due")
_NOT_ORDERED_YET = frozenset({"quote", "inquiry"})
_ENOUGH = 1.0 - 1e-9
"""Share of the ordered quantity that counts as all of it."""


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
    return outcomes(log.recorded_facts(_TYPES, known_at))


def outcomes(facts: Iterable[RecordedFact]) -> pl.DataFrame:
    """Lines in some facts, which come in the order of the log."""
    lines: dict[str, _OrderLine] = {}
    for fact, recorded_at in facts:
        if not isinstance(fact.body, Rejection):
            _take(lines, fact.type, fact.body, recorded_at)
    return pl.DataFrame(
        [line.row() for line in lines.values()],
        schema=dict(ORDER_LINE_SCHEMA),
        orient="row",
    )


def _take(
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
