"""Folds of decisions: reservations, pegs, settings, overrides, estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from medhavi.lakehouse.folds.silver_state import complain, filled, known, row_of
from medhavi.schema import tables
from medhavi.schema.cells import cell

if TYPE_CHECKING:
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
    """Facts for the record: they change no planning table."""


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
    "PromiseRejected": _no_table,
    "PromiseAtRisk": _no_table,
    "PlanPublished": _no_table,
    "ModelPromoted": _no_table,
    # What they take out or replace is settled before the fold; see `amendments`.
    "EventVoided": _no_table,
    "EventCorrected": _no_table,
}
"""Event type → its fold."""
