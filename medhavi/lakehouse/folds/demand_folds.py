"""Folds of orders, forecasts, deliveries and promises: table demands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.lakehouse.folds.fact import complain, filled, known, plus

if TYPE_CHECKING:
    from medhavi.lakehouse.folds.fact import Fact, Fold
    from medhavi.lakehouse.folds.silver_state import Row, State

_FROM_ORDER = ("sales_order", "customer", "requested_at")
_NOT_ORDERED_YET = frozenset({"quote", "inquiry"})
_DONE = frozenset({"closed", "cancelled"})


def _order_placed(state: State, fact: Fact) -> None:
    order = filled(fact.body)
    inherited = {name: order[name] for name in _FROM_ORDER if name in order}
    for line in order["lines"]:
        row = {**inherited, **line}
        before = state.row("demands", (row["demand"],))
        if before is not None:
            if (
                before.get("sales_order")
                and before.get("status") not in _NOT_ORDERED_YET
            ):
                complain(state, fact, "LAKE004", table="demands", value=row["demand"])
                continue
            _keep(row, before, "promised")
        state.put("demands", row)


def _order_line_changed(state: State, fact: Fact) -> None:
    row: Row = {"sales_order": fact.body.sales_order, **filled(fact.body)["line"]}
    before = known(state, fact, "demands", row["demand"])
    if before is not None:
        _keep(row, before, "promised", *_FROM_ORDER)
    state.put("demands", row)


def _keep(row: Row, before: Row, *names: str) -> None:
    """Take cells of the row before where the new one leaves them empty."""
    for name in names:
        if row.get(name) is None and before.get(name) is not None:
            row[name] = before[name]


def _order_cancelled(state: State, fact: Fact) -> None:
    lines = fact.body.demands
    if lines is None:
        lines = state.lines_of(fact.body.sales_order)
        if not lines:
            order = fact.body.sales_order
            complain(state, fact, "LAKE003", table="demands", value=order)
    for demand in lines:
        _change(state, fact, demand, status="cancelled")


def _forecast_published(state: State, fact: Fact) -> None:
    name = fact.body.forecast
    for key in state.keys("forecast_rows", "forecast", [name]):
        state.drop("forecast_rows", key)
        state.drop("demands", key[1:])
    for row in filled(fact.body)["rows"]:
        demand = row["demand"]
        before = state.row("demands", (demand,))
        if before is not None and before.get("kind") != "forecast":
            complain(state, fact, "LAKE004", table="demands", value=demand)
            continue
        state.put("demands", {"kind": "forecast", **row}, (demand,))
        part = {"forecast": name, "demand": demand}
        state.put("forecast_rows", part, (name, demand))


def _shipment_delivered(state: State, fact: Fact) -> None:
    body = fact.body
    before = known(state, fact, "demands", body.demand)
    if before is None:
        return
    rest = plus(before["qty"], -body.qty)
    if rest < 0 or before.get("status") in _DONE:
        detail = f"{body.qty:g} delivered, {before['qty']:g} open"
        complain(
            state, fact, "LAKE005", table="demands", value=body.demand, detail=detail
        )
    row = {**before, "qty": max(rest, 0.0)}
    if (rest <= 0 or body.closes) and before.get("status") != "cancelled":
        row["status"] = "closed"
    state.put("demands", row)


def _order_promised(state: State, fact: Fact) -> None:
    body = fact.body
    before = state.row("demands", (body.demand,))
    if body.line is not None and (before is None or before.get("status") == "inquiry"):
        row = {**filled(body.line), "demand": body.demand, "promised": body.promised}
        state.put("demands", row)
        return
    _change(state, fact, body.demand, promised=body.promised)


def _promise_revised(state: State, fact: Fact) -> None:
    body = fact.body
    _change(state, fact, body.demand, promised=body.promised)
    row = state.row("demands", (body.demand,))
    # What was only quoted and is not promised any more is no demand to be planned.
    if body.promised is None and row is not None and row.get("status") == "quote":
        state.put("demands", {**row, "status": "inquiry"})


def _change(state: State, fact: Fact, demand: str, **cells: Any) -> None:
    before = known(state, fact, "demands", demand)
    if before is not None:
        state.put("demands", {**before, **cells}, (demand,))


DEMAND_FOLDS: dict[str, Fold] = {
    "OrderPlaced": _order_placed,
    "OrderLineChanged": _order_line_changed,
    "OrderCancelled": _order_cancelled,
    "ForecastPublished": _forecast_published,
    "ShipmentDelivered": _shipment_delivered,
    "OrderPromised": _order_promised,
    "PromiseRevised": _promise_revised,
}
"""Event type → its fold."""
