"""Orders for other systems: what was decided since a position, each order by revision.

An ERP takes the rows in their order and keeps `next` as the position from which it asks
again. A row is the same for ever by (order, revision): taking it twice changes nothing,
and asking again from an earlier position gives the same rows. Only what was decided
here goes out; what other systems reported themselves does not come back to them.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.errors import UsageError
from medhavi.events.event_types.catalog import UndecodableEvent, decode
from medhavi.lakehouse.folds.projections import FOLDS
from medhavi.lakehouse.folds.silver_state import Fact, State
from medhavi.workbench.orders.plan_edit_events import STREAM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.lakehouse import Lake

_DECIDED = {"SupplyOrderFirmed", "SupplyOrderSuperseded"}
_CANCELS = {"SupplyOrderCancelled", "SupplyOrderSuperseded"}
TYPES = (
    "SupplyOrderPlaced",
    "SupplyOrderFirmed",
    "SupplyOrderConfirmed",
    "SupplyOrderRescheduled",
    "SupplyOrderReleased",
    "SupplyOrderStarted",
    "SupplyOrderReceived",
    "SupplyOrderCompleted",
    "SupplyOrderCancelled",
    "SupplyOrderSuperseded",
)
"""Events that change the row of an order."""
_CELLS = (
    "kind",
    "product",
    "location",
    "qty",
    "start",
    "due",
    "source",
    "status",
    "demand",
)
COLUMNS = (
    "order",
    "revision",
    "action",
    *_CELLS,
    "replaced_by",
    "approver",
    "reason",
    "run",
    "decided_at",
    "recorded_at",
    "position",
)
"""Columns of the outbox; (order, revision) is its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Decisions behind a position.

    Parameters
    ----------
    since, next
        Position that was asked from, and the one to ask from next.
    rows
        One row a decision about an order, in the order of the log; columns `COLUMNS`.
        `revision` counts the decisions about an order from 1; `action` is firmed,
        changed, released or cancelled; the cells are those of the order after it.
    """

    since: int
    next: int
    rows: tuple[dict[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """Outbox for JSON; instants as ISO 8601 text."""
        rows = [{name: _text(cell) for name, cell in row.items()} for row in self.rows]
        return {"since": self.since, "next": self.next, "orders": rows}

    def text(self, kind: str) -> str:
        """Outbox as a file: csv, or json.

        Raises
        ------
        UsageError
            It is neither.
        """
        if kind == "json":
            return json.dumps(self.as_dict(), ensure_ascii=False, indent=1) + "\n"
        if kind != "csv":
            message = f"Orders are exported to csv or json, not to {kind}."
            raise UsageError(message)
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in self.rows:
            cells = [_text(row[name]) for name in COLUMNS]
            writer.writerow(
                [";".join(cell) if isinstance(cell, list) else cell for cell in cells]
            )
        return out.getvalue()


def outbox(lake: Lake, since: int = 0) -> Outbox:
    """Decisions about orders behind a position of the log.

    Parameters
    ----------
    since
        `next` of the last outbox; 0 for all.

    Raises
    ------
    UsageError
        The position is not in this log.
    """
    head = lake.position()
    if not 0 <= since <= head:
        message = (
            f"Position {since} is not in this log; it ends at {head}. Take `next` of the "
            "last export of the same company."
        )
        raise UsageError(message)
    rows = tuple(row for row in _decisions(lake) if row["position"] > since)
    return Outbox(since=since, next=head, rows=rows)


def _decisions(lake: Lake) -> Iterator[dict[str, Any]]:
    state = State()
    revisions: dict[str, int] = {}
    for event in _events(lake):
        try:
            body = decode(event["type"], event["schema_version"], event["payload"])
        except UndecodableEvent:
            # It waits in quarantine and counts nowhere.
            continue
        order = body.supply_order
        before = state.rows("supply_orders").get((order,))
        fact = Fact(event["position"], event["type"], event["occurred_at"], body)
        FOLDS[fact.type](state, fact)
        if event["category"] != STREAM and event["type"] not in _DECIDED:
            continue
        after = state.rows("supply_orders").get((order,))
        if after is None:
            continue
        revisions[order] = revisions.get(order, 0) + 1
        yield {
            "order": order,
            "revision": revisions[order],
            "action": _action(event["type"], before, after),
            **{name: after.get(name) for name in _CELLS},
            "replaced_by": list(getattr(body, "by", ())),
            "approver": getattr(body, "approver", None) or event["actor"],
            "reason": getattr(body, "reason", None),
            "run": getattr(body, "run", None),
            "decided_at": event["occurred_at"],
            "recorded_at": event["recorded_at"],
            "position": event["position"],
        }


def _events(lake: Lake) -> list[dict[str, Any]]:
    rows = lake.table("bronze.events").filter(pl.col("type").is_in(list(TYPES)))
    found = rows.collect().sort("position")
    return found.unique("event_id", keep="first", maintain_order=True).to_dicts()


def _action(
    kind: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> str:
    if kind in _CANCELS:
        return "cancelled"
    if kind == "SupplyOrderReleased":
        return "released"
    if before is None or before.get("status") == "cancelled":
        return "released" if after.get("status") == "released" else "firmed"
    return "changed"


def _text(cell: Any) -> Any:
    isoformat = getattr(cell, "isoformat", None)
    return isoformat().replace("+00:00", "Z") if isoformat is not None else cell
