"""Orders as work: state, urgency, next verbs, the history of one, revisions to send."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from medhavi.edits.edit import EDITS
from medhavi.edits.order_states import OrderFacts, OrderState, Verb, allowed
from medhavi.errors import UsageError
from medhavi.events.event_types.catalog import UndecodableEvent, decode
from medhavi.lakehouse.folds.projections import FOLDS
from medhavi.lakehouse.folds.silver_state import Fact, State
from medhavi.planners.setting_ranges import require_one_of
from medhavi.planners.work_orders import Account, Report, account, firming, urgencies
from medhavi.providers import Providers
from medhavi.providers.sourcing.sourcing import ORDER_KINDS
from medhavi.units import from_seconds, to_seconds
from medhavi.workbench.outbox import EDIT_STREAM, Outbox, told_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from medhavi.lakehouse import Lake
    from medhavi.planners.work_orders import OrderParameters
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


_RELEASED = "SupplyOrderReleased"
_VERBS = {
    _RELEASED: Verb.RELEASE,
    "SupplyOrderStarted": Verb.START,
    "SupplyOrderProgressReported": Verb.REPORT,
    "SupplyOrderReceived": Verb.RECEIVE,
    "SupplyOrderCompleted": Verb.COMPLETE,
    "SupplyOrderCancelled": Verb.CANCEL,
    "SupplyOrderSuperseded": Verb.CANCEL,
}
_MADE = ("SupplyOrderPlaced", "SupplyOrderFirmed")
_CHANGED = ("SupplyOrderRescheduled", "SupplyOrderConfirmed")
_USUAL = {"SupplyOrderPlaced": "released", "SupplyOrderFirmed": "firmed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """One event of an order; `edit_id` is that of the decision that it belongs to."""

    position: int
    edit_id: str
    type: str
    actor: str
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    said: dict[str, Any]

    def __str__(self) -> str:
        """One line: when, what, who."""
        return f"{self.occurred_at:%Y-%m-%d %H:%M} UTC {self.type} by {self.actor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHistory:
    """Events of an order and its account; no account where nobody says what it is."""

    order: str
    events: tuple[OrderEvent, ...]
    account: Account | None


def order_history(lake: Lake, order: str) -> OrderHistory:
    """What happened to an order, in the order of the log.

    Events that came twice stand twice and count once in the account.

    Raises
    ------
    UsageError
        No event names the order.
    """
    found = _told(lake, order).get(order, [])
    if not found:
        message = f"No event names an order {order}; see `medhavi orders list`."
        raise UsageError(message)
    return OrderHistory(
        order=order,
        events=tuple(event for event, _, _ in found),
        account=_account(order, found),
    )


def order_accounts(lake: Lake, kind: str = "work") -> tuple[Account, ...]:
    """What became of all orders of a kind, by their ids.

    Parameters
    ----------
    kind
        work, purchase or transfer.

    Raises
    ------
    UsageError
        It is none of them.
    """
    require_one_of("kind", kind, ORDER_KINDS)
    accounts = (
        _account(order, found)
        for order, found in sorted(_told(lake).items())
        if kind in {body.kind for event, _, body in found if event.type in _MADE}
    )
    return tuple(one for one in accounts if one is not None)


def _told(
    lake: Lake, order: str | None = None
) -> dict[str, list[tuple[OrderEvent, str, Any]]]:
    """Read the events of one order, or of all, in the order of the log, by order."""
    wanted = pl.col("type").str.starts_with("SupplyOrder") | pl.col(
        "type"
    ).str.starts_with("Operation")
    if order is not None:
        named = msgspec.json.encode(order).decode()
        wanted &= pl.col("payload").str.contains(named, literal=True)
    rows = lake.table("bronze.events").filter(wanted)
    found: dict[str, list[tuple[OrderEvent, str, Any]]] = {}
    for row in rows.collect().sort("position").iter_rows(named=True):
        try:
            body = decode(row["type"], row["schema_version"], row["payload"])
        except UndecodableEvent:
            continue
        name = getattr(body, "supply_order", None)
        if name is None or order not in (None, name):
            continue
        event = OrderEvent(
            position=row["position"],
            edit_id=row["correlation_id"] or row["event_id"],
            type=row["type"],
            actor=row["actor"],
            occurred_at=row["occurred_at"],
            recorded_at=row["recorded_at"],
            said=msgspec.json.decode(row["payload"]),
        )
        found.setdefault(name, []).append((event, row["event_id"], body))
    return found


def _account(
    order: str, found: Iterable[tuple[OrderEvent, str, Any]]
) -> Account | None:
    """Count the reports behind the last event that states the whole order."""
    facts: OrderFacts | None = None
    due = 0
    reports: list[Report] = []
    placed = released = None
    for event, identity, body in found:
        if event.type in _MADE and placed is None:
            placed = to_seconds(event.occurred_at)
        if event.type == _RELEASED and released is None:
            released = to_seconds(event.occurred_at)
        if event.type in _MADE:
            due = to_seconds(body.due)
            facts = OrderFacts(
                order=order,
                state=OrderState(body.status or _USUAL[event.type]),
                qty=body.qty,
                qty_done=body.qty_done or 0.0,
            )
            reports = []
        elif facts is not None:
            reports += _reports(event, identity, body)
    if facts is None:
        return None
    return account(facts, due, reports, placed=placed, released=released)


def _reports(event: OrderEvent, identity: str, body: Any) -> list[Report]:
    at = to_seconds(event.occurred_at)
    if event.type in _CHANGED:
        made = []
        if body.due is not None:
            moved = to_seconds(body.due)
            made.append(
                Report(report=f"{identity}|due", verb=Verb.MOVE, at=at, due=moved)
            )
        if body.qty is not None:
            made.append(
                Report(
                    report=f"{identity}|qty",
                    verb=Verb.CHANGE_QTY,
                    at=at,
                    qty=body.qty,
                )
            )
        return made
    verb = _VERBS.get(event.type)
    if verb is None:
        return []
    for name in ("started_at", "received_at", "completed_at"):
        moment = getattr(body, name, None)
        at = at if moment is None else to_seconds(moment)
    return [
        Report(
            report=identity,
            verb=verb,
            at=at,
            qty=getattr(body, "qty", None),
            scrap_qty=getattr(body, "scrap_qty", 0.0),
            rework_qty=getattr(body, "rework_qty", 0.0),
        )
    ]


_INSTANT = pl.Datetime("us", "UTC")
COLUMNS: dict[str, pl.DataType] = {
    "id": pl.String(),
    "number": pl.String(),
    "kind": pl.String(),
    "product": pl.String(),
    "location": pl.String(),
    "qty": pl.Float64(),
    "start": _INSTANT,
    "finish": _INSTANT,
    "source": pl.String(),
    "status": pl.String(),
    "firm": pl.Boolean(),
    "priority": pl.Int64(),
    "expedite": pl.Boolean(),
    "promoted": pl.Boolean(),
    "demand": pl.String(),
    "advice": pl.String(),
    "firm_by": _INSTANT,
    "rule": pl.String(),
    "verbs": pl.List(pl.String()),
}
"""Columns of the list."""


def order_list(
    plan: Plan, snapshot: Snapshot, parameters: OrderParameters
) -> pl.DataFrame:
    """List the orders of a plan, the most urgent first.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`: a row an order (co-products come with their order), by start,
        priority and id. `advice` is firm, ask or wait, of proposals; `verbs` are the
        edits that its state knows.
    """
    providers = Providers(snapshot, infinite=plan.run.mode == "mrp")
    advised = {one.supply: one for one in firming(plan, providers, parameters)}
    urgent = {one.supply: one for one in urgencies(plan, snapshot, parameters)}
    rows = []
    for row in plan.supplies.sort("id").iter_rows(named=True):
        if row["order_qty"] is None:
            continue
        advice = advised.get(row["id"])
        urgency = urgent[row["id"]]
        verbs = [verb for verb in allowed(OrderState(row["status"])) if verb in EDITS]
        by = None if advice is None else advice.firm_by
        rows.append(
            {
                **{name: row[name] for name in row if name in COLUMNS},
                "priority": urgency.priority,
                "expedite": urgency.expedite,
                "promoted": urgency.promoted,
                "demand": urgency.demand,
                "advice": None if advice is None else advice.action,
                "firm_by": None if by is None else from_seconds(by),
                "rule": None if advice is None else advice.rule,
                "verbs": [str(verb) for verb in verbs],
            }
        )
    frame = pl.DataFrame(rows, schema=COLUMNS)
    return frame.sort("start", "priority", "id", nulls_last=True)


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
REVISION_COLUMNS = (
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


def outbox(lake: Lake, since: int = 0) -> Outbox:
    """Decisions about orders behind a position of the log; see `Outbox`.

    `revision` counts the decisions about an order from 1; `action` is firmed, changed,
    released or cancelled; the cells are those of the order after it.

    Parameters
    ----------
    since
        `next` of the last outbox; 0 for all.

    Raises
    ------
    UsageError
        The position is not in this log.
    """
    return Outbox.of(lake, since, "orders", REVISION_COLUMNS, _decisions(lake))


def _decisions(lake: Lake) -> Iterator[dict[str, Any]]:
    state = State()
    revisions: dict[str, int] = {}
    for event, body in told_events(lake, TYPES):
        order = body.supply_order
        before = state.rows("supply_orders").get((order,))
        fact = Fact(event["position"], event["type"], event["occurred_at"], body)
        FOLDS[fact.type](state, fact)
        if event["category"] != EDIT_STREAM and event["type"] not in _DECIDED:
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


def _action(
    kind: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> str:
    if kind in _CANCELS:
        return "cancelled"
    if kind == _RELEASED:
        return "released"
    if before is None or before.get("status") == "cancelled":
        return "released" if after.get("status") == "released" else "firmed"
    return "changed"
