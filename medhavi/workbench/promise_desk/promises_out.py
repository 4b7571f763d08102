"""Promises as an ERP takes them over: dates given, changed and taken back here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.workbench.commitments.state import STREAM as COMMITMENTS
from medhavi.workbench.outbox import EDIT_STREAM, Outbox, told_events
from medhavi.workbench.promise_desk.promise_records import (
    order_number,
    promised_lines,
    quotation_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.lakehouse import Lake

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
