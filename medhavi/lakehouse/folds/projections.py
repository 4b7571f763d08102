"""The fold: facts in the order of their effect become the tables of design section 6.

`fold` is pure: the state that it is given stays as it was, and folding a list of facts
at once or in pieces gives the same state. A fact that makes no sense (a receipt of an
order that nobody placed) changes nothing and leaves a row in table `quality`; it never
blocks the facts behind it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from medhavi.events.event_types.catalog import MASTER, TYPES
from medhavi.lakehouse.folds.silver_state import (
    Rejection,
    complain,
    filled,
    key_of,
    known,
    plus,
    row_of,
)
from medhavi.schema import cell, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.lakehouse.folds.silver_state import Fact, Fold, Row, State


# ------------------------------------------------------------- reservations
def _reservation_created(state: State, fact: Fact) -> None:
    state.put("reservations", row_of("reservations", fact.body))


def _reservation_confirmed(state: State, fact: Fact) -> None:
    _change_reservation(state, fact, state="confirmed", expires_at=None)


def _reservation_reduced(state: State, fact: Fact) -> None:
    _change_reservation(state, fact, state="reduced", qty=fact.body.qty)


def _reservation_released(state: State, fact: Fact) -> None:
    _change_reservation(state, fact, state="released")


def _reservation_expired(state: State, fact: Fact) -> None:
    _change_reservation(state, fact, state="expired")


def _change_reservation(silver: State, fact: Fact, /, **cells: Any) -> None:
    before = known(silver, fact, "reservations", fact.body.reservation)
    if before is not None:
        silver.put("reservations", {**before, **cells})


# --------------------------------------------------------------------- pegs
def _peg_firmed(state: State, fact: Fact) -> None:
    state.put("pegs", row_of("pegs", fact.body))


def _peg_released(state: State, fact: Fact) -> None:
    key = (fact.body.demand, fact.body.supply)
    if known(state, fact, "pegs", *key) is not None:
        state.drop("pegs", key)


# ------------------------------------------- settings, overrides, estimates
def _setting_changed(state: State, fact: Fact) -> None:
    name, value = fact.body.setting, fact.body.value
    if name == "as_of" or name not in tables()["settings"].columns:
        _misfit(state, fact, "settings", name, "settings has no such column to set")
        return
    try:
        converted = cell("settings", name, value)
    except msgspec.ValidationError as error:
        _misfit(state, fact, "settings", name, str(error))
        return
    state.put("settings", {**(state.row("settings", ()) or {}), name: converted})


def _override_recorded(state: State, fact: Fact) -> None:
    body = fact.body
    planning = tables().get(body.table)
    if planning is None or body.column not in planning.columns:
        place = f"{body.table}.{body.column}"
        _misfit(state, fact, "overrides", place, "there is no such column")
        return
    try:
        cell(body.table, body.column, body.value)
    except msgspec.ValidationError as error:
        _misfit(state, fact, body.table, body.column, str(error))
        return
    row: Row = {
        **{name: filled(body).get(name) for name in ("valid_from", "valid_to")},
        "override": body.override,
        "table": body.table,
        "key": msgspec.json.encode(body.key, order="deterministic").decode(),
        "column": body.column,
        "value": msgspec.json.encode(body.value).decode(),
        "position": fact.position,
    }
    state.put("overrides", row)


def _estimates_published(state: State, fact: Fact) -> None:
    body = fact.body
    if body.rows is None:
        place = body.uri or body.kind
        detail = "batches that lie in gold are not read yet"
        _misfit(state, fact, "estimates", place, detail)
        return
    for key in state.keys("estimates", "kind", [body.kind]):
        state.drop("estimates", key)
    for row in filled(body).get("rows", ()):
        state.put("estimates", row)


def _misfit(state: State, fact: Fact, table: str, value: str, detail: str) -> None:
    complain(state, fact, "LAKE006", table=table, value=value, detail=detail)


def _no_table(_state: State, _fact: Fact) -> None:
    """Facts for the record change no planning table.

    What amendments take out or replace is settled before the fold; see `amendments`.
    """


DECISION_FOLDS: dict[str, Fold] = {
    "ReservationCreated": _reservation_created,
    "ReservationConfirmed": _reservation_confirmed,
    "ReservationReduced": _reservation_reduced,
    "ReservationReleased": _reservation_released,
    "ReservationExpired": _reservation_expired,
    "PegFirmed": _peg_firmed,
    "PegReleased": _peg_released,
    "SettingChanged": _setting_changed,
    "OverrideRecorded": _override_recorded,
    "EstimatesPublished": _estimates_published,
}
"""Event type → its fold."""


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
        _keep(row, before, "promised")
    state.put("demands", row)


def _keep(row: Row, before: Row, name: str) -> None:
    """Take a cell of the row before where the new one leaves it empty."""
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
        detail = f"{body.qty:,.10g} delivered, {before['qty']:,.10g} open"
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
    _forget_firmed_steps(state, fact)
    state.put("supply_orders", row_of("supply_orders", fact.body))


def _supply_order_firmed(state: State, fact: Fact) -> None:
    row = row_of("supply_orders", fact.body)
    state.put("supply_orders", {"status": "firmed", **row})
    if fact.body.steps is None:
        return
    _forget_firmed_steps(state, fact)
    for step in fact.body.steps:
        cells = {"status": "firmed", **filled(step)}
        _change_step(state, fact.body.supply_order, step.step, cells)


def _forget_firmed_steps(state: State, fact: Fact) -> None:
    """Forget where and when the steps of an order were to run, as it was firmed."""
    name = fact.body.supply_order
    for key in state.keys("supply_order_steps", "supply_order", [name]):
        row = state.row("supply_order_steps", key) or {}
        if row.get("status") == "firmed" and not row.get("locked"):
            state.drop("supply_order_steps", key)


def _supply_order_changed(state: State, fact: Fact) -> None:
    """Take start, due and quantity where the fact states them."""
    _forget_firmed_steps(state, fact)
    names = ("start", "due", "qty")
    stated = {name: getattr(fact.body, name, None) for name in names}
    cells = {name: cell for name, cell in stated.items() if cell is not None}
    _change_order(state, fact, **cells)


def _supply_order_started(state: State, fact: Fact) -> None:
    body = fact.body
    before = known(state, fact, "supply_orders", body.supply_order)
    if before is None:
        return
    _forget_firmed_steps(state, fact)
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
        _forget_firmed_steps(state, fact)
        _change_step(state, body.supply_order, body.step, filled(body))


def _supply_order_received(state: State, fact: Fact) -> None:
    body = fact.body
    before = known(state, fact, "supply_orders", body.supply_order)
    if before is None:
        return
    done = plus(before.get("qty_done"), body.qty)
    if done > before["qty"]:
        detail = f"{done:,.10g} received, {before['qty']:,.10g} ordered"
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


PROJECTION_VERSION = 3
"""Raise it when a fold changes its meaning: older checkpoints are then rebuilt."""


def _master_folds() -> dict[str, Fold]:
    folds: dict[str, Fold] = {}
    for table, master in MASTER.items():
        folds[f"{master.singular}Defined"] = _defining(table)
        folds[f"{master.singular}Changed"] = _defining(table)
        folds[f"{master.singular}Retired"] = _retiring(table)
    return folds


def _defining(table: str) -> Fold:
    def define(state: State, fact: Fact) -> None:
        state.put(table, row_of(table, fact.body))

    return define


def _retiring(table: str) -> Fold:
    def retire(state: State, fact: Fact) -> None:
        key = key_of(table, row_of(table, fact.body))
        if known(state, fact, table, *key) is not None:
            state.drop(table, key)

    return retire


FOLDS: Mapping[str, Fold] = MappingProxyType(
    {
        **{name: _no_table for name, entry in TYPES.items() if not entry.folds},
        **_master_folds(),
        **DEMAND_FOLDS,
        **SUPPLY_FOLDS,
        **DECISION_FOLDS,
    }
)
"""Event type → its fold; every type of the catalogue has one."""


def _rejected(state: State, fact: Fact, rejection: Rejection) -> None:
    complain(
        state,
        fact,
        rejection.code,
        table="events",
        column=rejection.reason,
        value=str(fact.position),
        detail=rejection.detail,
    )


def fold(state: State, facts: Iterable[Fact]) -> State:
    """State after some facts, in the order of their effect.

    Parameters
    ----------
    state
        Where to start from; it is not changed.
    facts
        Decoded events, sorted by (occurred_at, position), each once.
    """
    after = state.copy()
    apply(after, facts)
    return after


def apply(state: State, facts: Iterable[Fact]) -> None:
    """Change a state by some facts; see `fold`."""
    folds = dict(FOLDS)
    for fact in facts:
        if isinstance(fact.body, Rejection):
            _rejected(state, fact, fact.body)
        else:
            folds[fact.type](state, fact)
