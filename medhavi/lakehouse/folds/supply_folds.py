"""Folds of stock, supply orders, resource state and disruptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.lakehouse.folds.fact import complain, filled, known, plus, row_of
from medhavi.lakehouse.folds.silver_state import key_of

if TYPE_CHECKING:
    from medhavi.lakehouse.folds.fact import Fact, Fold
    from medhavi.lakehouse.folds.silver_state import Row, State


# -------------------------------------------------------------------- stock
def _stock_counted(state: State, fact: Fact) -> None:
    row = row_of("stock", fact.body)
    key = key_of("stock", row)
    before = state.row("stock", key) or {}
    state.put("stock", {**before, **row}, key)


def _lot_received(state: State, fact: Fact) -> None:
    row = row_of("stock", fact.body)
    key = key_of("stock", row)
    before = state.row("stock", key) or {}
    merged = {**before, **row, "qty": plus(before.get("qty"), row["qty"])}
    if merged.get("received_at") is None:
        merged["received_at"] = fact.occurred_at
    state.put("stock", merged, key)


def _stock_moved(state: State, fact: Fact) -> None:
    body = fact.body
    key = (body.product, body.location, body.lot)
    before = state.row("stock", key)
    if before is None:
        before = dict(zip(("product", "location", "lot"), key, strict=True))
    state.put("stock", {**before, "qty": plus(before.get("qty"), body.qty)}, key)


def _lot_status_changed(state: State, fact: Fact) -> None:
    body = fact.body
    before = known(state, fact, "stock", body.product, body.location, body.lot)
    if before is not None:
        quality = {} if body.quality is None else {"quality": body.quality}
        state.put("stock", {**before, "status": body.status, **quality})


# ------------------------------------------------------------ supply orders
def _supply_order_placed(state: State, fact: Fact) -> None:
    state.put("supply_orders", row_of("supply_orders", fact.body))


def _supply_order_firmed(state: State, fact: Fact) -> None:
    row = row_of("supply_orders", fact.body)
    state.put("supply_orders", {"status": "firmed", **row})


def _supply_order_changed(state: State, fact: Fact) -> None:
    """Take start, due and quantity where the fact states them."""
    names = ("start", "due", "qty")
    stated = {name: getattr(fact.body, name, None) for name in names}
    cells = {name: cell for name, cell in stated.items() if cell is not None}
    _change_order(state, fact, **cells)


def _supply_order_started(state: State, fact: Fact) -> None:
    body = fact.body
    before = known(state, fact, "supply_orders", body.supply_order)
    if before is None:
        return
    if before.get("status") != "in_process":
        # Later steps report their own start; the order keeps its first.
        row = {**before, "status": "in_process", "start": body.started_at}
        state.put("supply_orders", row)
    if body.step is not None:
        cells = {"start": body.started_at, "status": "in_process"}
        if body.resource is not None:
            cells["resource"] = body.resource
        _change_step(state, body.supply_order, body.step, cells)


def _progress_reported(state: State, fact: Fact) -> None:
    body = fact.body
    if known(state, fact, "supply_orders", body.supply_order) is not None:
        _change_step(state, body.supply_order, body.step, filled(body))


def _supply_order_received(state: State, fact: Fact) -> None:
    body = fact.body
    before = known(state, fact, "supply_orders", body.supply_order)
    if before is None:
        return
    done = plus(before.get("qty_done"), body.qty)
    if done > before["qty"]:
        detail = f"{done:g} received, {before['qty']:g} ordered"
        complain(
            state,
            fact,
            "LAKE005",
            table="supply_orders",
            value=body.supply_order,
            detail=detail,
        )
    state.put("supply_orders", {**before, "qty_done": done}, (body.supply_order,))


def _supply_order_released(state: State, fact: Fact) -> None:
    _change_order(state, fact, status="released")


def _supply_order_completed(state: State, fact: Fact) -> None:
    _change_order(state, fact, status="completed")


def _supply_order_cancelled(state: State, fact: Fact) -> None:
    _change_order(state, fact, status="cancelled")


def _change_order(state: State, fact: Fact, **cells: Any) -> None:
    order = fact.body.supply_order
    before = known(state, fact, "supply_orders", order)
    if before is not None:
        state.put("supply_orders", {**before, **cells}, (order,))


def _operation_locked(state: State, fact: Fact) -> None:
    body = fact.body
    if known(state, fact, "supply_orders", body.supply_order) is not None:
        cells = row_of("supply_order_steps", body)
        _change_step(state, body.supply_order, body.step, {**cells, "locked": True})


def _operation_unlocked(state: State, fact: Fact) -> None:
    body = fact.body
    key = (body.supply_order, body.step)
    if known(state, fact, "supply_order_steps", *key) is not None:
        _change_step(state, body.supply_order, body.step, {"locked": False})


def _change_step(state: State, order: str, step: int, cells: Row) -> None:
    key = (order, step)
    before = state.row("supply_order_steps", key) or {}
    keys = {"supply_order": order, "step": step}
    state.put("supply_order_steps", {**before, **keys, **cells}, key)


# ----------------------------------------------- resource state, disruptions
def _setup_observed(state: State, fact: Fact) -> None:
    state.put("resource_state", {"since": fact.occurred_at, **filled(fact.body)})


def _resource_down(state: State, fact: Fact) -> None:
    _disrupt(state, fact, "resource_down", fact.body.resource)


def _resource_restored(state: State, fact: Fact) -> None:
    body = fact.body
    before = known(state, fact, "disruptions", body.disruption)
    if before is not None:
        state.put("disruptions", {**before, "valid_to": body.restored_at})


def _supplier_delayed(state: State, fact: Fact) -> None:
    _disrupt(state, fact, "supplier_delay", fact.body.supplier)


def _lot_held(state: State, fact: Fact) -> None:
    body = fact.body
    _disrupt(state, fact, "lot_held", f"{body.product}|{body.location}|{body.lot}")


def _lane_blocked(state: State, fact: Fact) -> None:
    _disrupt(state, fact, "lane_blocked", fact.body.lane)


def _disrupt(state: State, fact: Fact, kind: str, subject: str) -> None:
    row = row_of("disruptions", fact.body)
    state.put("disruptions", {**row, "kind": kind, "subject": subject})


SUPPLY_FOLDS: dict[str, Fold] = {
    "StockCounted": _stock_counted,
    "LotReceived": _lot_received,
    "StockMoved": _stock_moved,
    "LotStatusChanged": _lot_status_changed,
    "SupplyOrderPlaced": _supply_order_placed,
    "SupplyOrderFirmed": _supply_order_firmed,
    "SupplyOrderConfirmed": _supply_order_changed,
    "SupplyOrderRescheduled": _supply_order_changed,
    "SupplyOrderReleased": _supply_order_released,
    "SupplyOrderStarted": _supply_order_started,
    "SupplyOrderProgressReported": _progress_reported,
    "SupplyOrderReceived": _supply_order_received,
    "SupplyOrderCompleted": _supply_order_completed,
    "SupplyOrderCancelled": _supply_order_cancelled,
    "SupplyOrderSuperseded": _supply_order_cancelled,
    "OperationLocked": _operation_locked,
    "OperationUnlocked": _operation_unlocked,
    "ResourceSetupObserved": _setup_observed,
    "ResourceDown": _resource_down,
    "ResourceRestored": _resource_restored,
    "SupplierDelayed": _supplier_delayed,
    "LotHeld": _lot_held,
    "LaneBlocked": _lane_blocked,
}
"""Event type → its fold."""
