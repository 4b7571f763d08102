"""The fold: what each fact does to the planning tables."""

from __future__ import annotations

from typing import Any

import pytest

from medhavi.lakehouse.folds.projections import FOLDS, fold
from medhavi.lakehouse.folds.silver_state import State
from tests.api import MASTER, TYPES
from tests.lakehouse.lake_events import DUE, START, day, facts, line

ORDER = {
    "supply_order": "PO-1",
    "kind": "purchase",
    "product": "A",
    "location": "DC",
    "qty": 30.0,
    "due": DUE,
}


def rows(table: str, *told: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Filled cells of a table after some facts."""
    frame = fold(State(), facts(*told)).frame(table)
    return [
        {name: cell for name, cell in row.items() if cell is not None}
        for row in frame.iter_rows(named=True)
    ]


def codes(*told: tuple[str, dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["code"], row["value"]) for row in rows("quality", *told)]


def placed(*lines: dict[str, Any], **order: Any) -> tuple[str, dict[str, Any]]:
    return ("OrderPlaced", {"sales_order": "SO-1", "lines": list(lines), **order})


def test_every_registered_type_has_a_fold():
    assert set(FOLDS) == set(TYPES)


# -------------------------------------------------------------- master data
@pytest.mark.parametrize("table", sorted(MASTER))
def test_master_data_of_every_table_can_be_retired(table):
    from medhavi.lakehouse.folds.silver_state import Fact
    from medhavi.schema import tables
    from tests.api import master_event
    from tests.factories import DEFAULTS

    columns = tables()[table].columns
    empty = {
        "str": "X",
        "int": 1,
        "float": 1.0,
        "timestamp": START,
        "date": START.date(),
    }
    row = {
        name: empty.get(column.type)
        for name, column in columns.items()
        if column.required
    }
    row |= {k: v for k, v in DEFAULTS.get(table, {}).items() if k in columns}
    singular = MASTER[table].singular
    define, retire = (
        Fact(i, f"{singular}{verb}", START, master_event(table, row, verb))
        for i, verb in enumerate(("Defined", "Retired"), start=1)
    )
    defined = fold(State(), [define])
    assert defined.frame(table).height == 1
    assert fold(defined, [retire]).frame(table).is_empty()


def test_changed_replaces_the_whole_row():
    assert rows(
        "products",
        ("ProductDefined", {"product": "A", "unit_cost": 2.0, "family": "F"}),
        ("ProductChanged", {"product": "A", "unit_cost": 3.0}),
    ) == [{"product": "A", "unit_cost": 3.0}]


TERM = {"supplier": "S", "product": "A", "location": "DC", "lead_time_days": 5.0}
OFFERED: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "lead time": ("supply_terms", "SupplyTermChanged", TERM, {"lead_time_days": 7.0}),
    "least order": ("supply_terms", "SupplyTermChanged", TERM, {"moq": 50.0}),
    "capacity": (
        "supplier_capacity",
        "SupplierCapacityDefined",
        {"supplier": "S", "product": "A", "valid_from": START},
        {"qty": 40.0, "valid_to": DUE},
    ),
    "price tier": (
        "price_tiers",
        "PriceTierDefined",
        {"supplier": "S", "product": "A", "location": "DC", "min_qty": 100.0},
        {"unit_price": 3.0},
    ),
    "reliability": (
        "suppliers",
        "SupplierChanged",
        {"supplier": "S"},
        {"reliability": 0.75},
    ),
}


@pytest.mark.req("SUP-05")
@pytest.mark.parametrize("what", OFFERED)
def test_what_a_supplier_offers_changes_by_an_event(what):
    table, kind, key, cells = OFFERED[what]
    told = (("SupplierDefined", {"supplier": "S"}), ("SupplyTermDefined", TERM))
    assert all(cells.items() - row.items() for row in rows(table, *told))
    (row,) = rows(table, *told, (kind, {**key, **cells}))
    assert cells.items() <= row.items()


@pytest.mark.req("SUP-05")
def test_what_is_on_order_takes_of_what_a_supplier_can_deliver():
    """Consumed capacity is no column: it is what the orders in the books take."""
    told = rows("supply_orders", ("SupplyOrderPlaced", {**ORDER, "source": "S"}))
    assert [(row["source"], row["qty"]) for row in told] == [("S", 30.0)]


def test_an_empty_key_cell_is_its_default():
    term = {"supplier": "S", "product": "A", "location": "DC", "lead_time_days": 5.0}
    assert len(rows("supply_terms", *[("SupplyTermDefined", term)] * 2)) == 1


def test_retiring_what_is_not_there_is_noted_and_blocks_nothing():
    told = (
        ("LaneRetired", {"lane": "L9"}),
        ("LocationDefined", {"location": "DC"}),
    )
    assert codes(*told) == [("LAKE003", "L9")]
    assert rows("locations", *told) == [{"location": "DC"}]


# ------------------------------------------------------------------- orders
def test_lines_take_what_they_leave_out_from_their_order():
    order = placed(line("D-1"), line("D-2", customer="C2"), customer="C1")
    found = rows("demands", order)
    assert [row["customer"] for row in found] == ["C1", "C2"]
    assert {row["sales_order"] for row in found} == {"SO-1"}


def test_a_line_that_is_placed_again_stays_as_it_is():
    told = (placed(line("D-1", qty=5.0)), placed(line("D-1", qty=7.0)))
    assert [row["qty"] for row in rows("demands", *told)] == [5.0]
    assert codes(*told) == [("LAKE004", "D-1")]


def test_an_order_takes_the_place_of_its_promised_request():
    told = (
        (
            "OrderPromised",
            {
                "demand": "D-1",
                "promised": day(3),
                "qty": 5.0,
                "line": line("D-1", status="quote"),
            },
        ),
        placed(line("D-1", qty=5.0)),
    )
    (row,) = rows("demands", *told)
    assert row["promised"] == day(3)
    assert row["sales_order"] == "SO-1"
    assert "status" not in row
    assert codes(*told) == []


def test_a_changed_line_is_the_whole_row_beside_its_promise_and_its_order():
    told = (
        placed(line("D-1"), customer="C1"),
        ("OrderPromised", {"demand": "D-1", "promised": day(3), "qty": 1.0}),
        ("OrderLineChanged", {"sales_order": "SO-1", "line": line("D-1", qty=9.0)}),
    )
    (row,) = rows("demands", *told)
    assert (row["qty"], row["promised"], row["sales_order"]) == (9.0, day(3), "SO-1")
    assert "customer" not in row, "a cell that the line leaves empty is empty"


def test_cancelling_an_order_cancels_all_its_lines():
    told = (
        placed(line("D-1"), line("D-2")),
        ("OrderCancelled", {"sales_order": "SO-1"}),
    )
    assert [row["status"] for row in rows("demands", *told)] == ["cancelled"] * 2


def test_cancelling_some_lines_leaves_the_others():
    told = (
        placed(line("D-1"), line("D-2")),
        ("OrderCancelled", {"sales_order": "SO-1", "demands": ["D-2"]}),
    )
    assert [row.get("status") for row in rows("demands", *told)] == [None, "cancelled"]


def test_lines_that_came_after_a_first_cancellation_are_found_too():
    told = (
        placed(line("D-1")),
        ("OrderCancelled", {"sales_order": "SO-1"}),
        placed(line("D-2")),
        ("OrderCancelled", {"sales_order": "SO-1"}),
    )
    assert [row["status"] for row in rows("demands", *told)] == ["cancelled"] * 2


def test_cancelling_an_unknown_order_is_noted():
    assert codes(("OrderCancelled", {"sales_order": "SO-9"})) == [("LAKE003", "SO-9")]


def test_a_forecast_replaces_the_last_one_of_its_name_only():
    def forecast(name: str, *demands: str) -> tuple[str, dict[str, Any]]:
        return (
            "ForecastPublished",
            {"forecast": name, "rows": [line(demand) for demand in demands]},
        )

    told = (
        forecast("base", "F-1", "F-2"),
        forecast("promo", "F-9"),
        forecast("base", "F-2", "F-3"),
    )
    found = rows("demands", *told)
    assert [row["demand"] for row in found] == ["F-2", "F-3", "F-9"]
    assert {row["kind"] for row in found} == {"forecast"}


def test_deliveries_reduce_a_line_and_close_it_at_nothing():
    def delivered(qty: float, **more: Any) -> tuple[str, dict[str, Any]]:
        shipment = {"shipment": "SH", "demand": "D-1", "product": "A"}
        return (
            "ShipmentDelivered",
            shipment | {"qty": qty, "delivered_at": DUE} | more,
        )

    part = (placed(line("D-1", qty=0.3)), delivered(0.1))
    assert rows("demands", *part)[0]["qty"] == 0.2
    (row,) = rows("demands", *part, delivered(0.2))
    assert (row["qty"], row["status"]) == (0.0, "closed")
    (row,) = rows("demands", *part, delivered(0.1, closes=True))
    assert (row["qty"], row["status"]) == (0.1, "closed")
    assert codes(*part, delivered(5.0)) == [("LAKE005", "D-1")]


def test_a_promise_without_a_line_needs_a_demand():
    promise = {"demand": "D-7", "promised": day(3), "qty": 1.0}
    assert codes(("OrderPromised", promise)) == [("LAKE003", "D-7")]


def test_a_revised_promise_is_the_promise():
    told = (
        placed(line("D-1")),
        ("OrderPromised", {"demand": "D-1", "promised": day(3), "qty": 1.0}),
        ("PromiseRevised", {"demand": "D-1", "promised": day(8)}),
    )
    assert rows("demands", *told)[0]["promised"] == day(8)


# -------------------------------------------------------------------- stock
def moved(qty: float, **more: Any) -> tuple[str, dict[str, Any]]:
    return ("StockMoved", {"product": "A", "location": "DC", "qty": qty, **more})


def test_movements_add_up_exactly():
    assert rows("stock", moved(0.1), moved(0.2), moved(-0.3))[0]["qty"] == 0.0


def test_a_count_sets_the_quantity_and_leaves_other_cells():
    told = (
        (
            "LotReceived",
            {"product": "A", "location": "DC", "qty": 9.0, "expires_at": DUE},
        ),
        ("StockCounted", {"product": "A", "location": "DC", "qty": 4.0}),
    )
    (row,) = rows("stock", *told)
    assert (row["qty"], row["expires_at"]) == (4.0, DUE)


def test_a_received_lot_is_added_and_dated_by_its_event():
    lot = {"product": "A", "location": "DC", "lot": "L1", "qty": 9.0}
    (row,) = rows("stock", ("LotReceived", lot), ("LotReceived", lot))
    assert row["qty"] == 18.0
    assert row["received_at"] == facts(("LotReceived", lot))[0].occurred_at


def test_a_lot_changes_status_and_quality():
    key = {"product": "A", "location": "DC", "lot": "L1"}
    told = (
        moved(5.0, lot="L1"),
        ("LotStatusChanged", {**key, "status": "blocked", "quality": "B"}),
    )
    (row,) = rows("stock", *told)
    assert (row["status"], row["quality"]) == ("blocked", "B")
    unknown = ("LotStatusChanged", {**key, "status": "blocked"})
    assert codes(unknown) == [("LAKE003", "A|DC|L1")]


# ------------------------------------------------------------ supply orders
def test_an_order_is_confirmed_rescheduled_and_released():
    told = (
        ("SupplyOrderPlaced", ORDER),
        ("SupplyOrderConfirmed", {"supply_order": "PO-1", "qty": 28.0}),
        ("SupplyOrderRescheduled", {"supply_order": "PO-1", "due": day(20)}),
        ("SupplyOrderReleased", {"supply_order": "PO-1"}),
    )
    (row,) = rows("supply_orders", *told)
    assert (row["qty"], row["due"], row["status"]) == (28.0, day(20), "released")


def test_receipts_add_up_and_too_much_is_noted():
    def received(qty: float) -> tuple[str, dict[str, Any]]:
        cells = {"supply_order": "PO-1", "qty": qty, "received_at": DUE}
        return ("SupplyOrderReceived", cells)

    told = (("SupplyOrderPlaced", ORDER), received(20.0), received(10.0))
    assert rows("supply_orders", *told)[0]["qty_done"] == 30.0
    assert codes(*told) == []
    assert codes(*told, received(10.0)) == [("LAKE005", "PO-1")]


def test_the_first_start_is_the_orders_and_steps_keep_their_own():
    def started(moment: float, step: int) -> tuple[str, dict[str, Any]]:
        cells = {"supply_order": "PO-1", "started_at": day(moment), "step": step}
        return ("SupplyOrderStarted", cells | {"resource": f"M{step}"})

    told = (("SupplyOrderPlaced", ORDER), started(1, 10), started(2, 20))
    (order,) = rows("supply_orders", *told)
    assert (order["status"], order["start"]) == ("in_process", day(1))
    steps = rows("supply_order_steps", *told)
    assert [(s["step"], s["start"], s["resource"]) for s in steps] == [
        (10, day(1), "M10"),
        (20, day(2), "M20"),
    ]


def test_an_order_may_start_without_steps():
    told = (
        ("SupplyOrderPlaced", ORDER),
        ("SupplyOrderStarted", {"supply_order": "PO-1", "started_at": day(1)}),
    )
    assert rows("supply_order_steps", *told) == []


def test_progress_leaves_absent_cells_unchanged():
    def progress(**cells: Any) -> tuple[str, dict[str, Any]]:
        step = {"supply_order": "PO-1", "step": 10}
        return ("SupplyOrderProgressReported", step | cells)

    told = (
        ("SupplyOrderPlaced", ORDER),
        progress(qty_done=5.0, status="in_process"),
        progress(remaining_minutes=30.0),
    )
    (step,) = rows("supply_order_steps", *told)
    assert (step["qty_done"], step["remaining_minutes"]) == (5.0, 30.0)


@pytest.mark.parametrize(
    ("kind", "more", "status"),
    [
        ("SupplyOrderCompleted", {"completed_at": DUE}, "completed"),
        ("SupplyOrderCancelled", {}, "cancelled"),
        ("SupplyOrderSuperseded", {"by": ["PO-2"], "approver": "ann"}, "cancelled"),
    ],
)
def test_an_order_ends(kind, more, status):
    told = (("SupplyOrderPlaced", ORDER), (kind, {"supply_order": "PO-1", **more}))
    assert rows("supply_orders", *told)[0]["status"] == status


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("SupplyOrderReleased", {}),
        ("SupplyOrderStarted", {"started_at": DUE}),
        ("SupplyOrderReceived", {"qty": 1.0, "received_at": DUE}),
        ("SupplyOrderProgressReported", {"step": 1}),
        ("OperationLocked", {"step": 1}),
    ],
)
def test_facts_about_an_unknown_order_change_nothing(kind, more):
    told = (kind, {"supply_order": "PO-9", **more})
    assert codes(told) == [("LAKE003", "PO-9")]
    assert rows("supply_orders", told) == []
    assert rows("supply_order_steps", told) == []


def test_a_firmed_proposal_is_an_order_without_the_decisions_fields():
    firmed = ORDER | {"approver": "ann", "run": "r1"}
    (row,) = rows("supply_orders", ("SupplyOrderFirmed", firmed))
    assert row["status"] == "firmed"
    assert "approver" not in row


FIRMED = ORDER | {
    "approver": "ann",
    "steps": [{"step": 10, "resource": "M1", "start": day(1), "finish": day(2)}],
}


def test_steps_of_a_firmed_order_run_where_and_when_they_were_planned():
    told = ("SupplyOrderFirmed", FIRMED)
    (row,) = rows("supply_order_steps", told)
    assert (row["supply_order"], row["step"], row["resource"]) == ("PO-1", 10, "M1")
    assert (row["start"], row["finish"], row["status"]) == (day(1), day(2), "firmed")
    again = ("SupplyOrderFirmed", {**ORDER, "approver": "ann", "qty": 3.0})
    assert len(rows("supply_order_steps", told, again)) == 1
    none = ("SupplyOrderFirmed", {**ORDER, "approver": "ann", "steps": []})
    assert rows("supply_order_steps", told, none) == []


@pytest.mark.parametrize(
    "later",
    [
        ("SupplyOrderRescheduled", {"supply_order": "PO-1", "due": day(9)}),
        ("SupplyOrderStarted", {"supply_order": "PO-1", "started_at": day(3)}),
        ("SupplyOrderPlaced", ORDER),
    ],
)
def test_what_an_order_does_instead_ends_the_firmed_times_of_its_steps(later):
    assert rows("supply_order_steps", ("SupplyOrderFirmed", FIRMED), later) == []


def test_a_report_of_a_step_takes_the_place_of_its_firmed_times():
    report = {"supply_order": "PO-1", "step": 10, "status": "completed"}
    told = ("SupplyOrderFirmed", FIRMED), ("SupplyOrderProgressReported", report)
    (row,) = rows("supply_order_steps", *told)
    assert (row["status"], row.get("finish")) == ("completed", None)


def test_locked_steps_outlive_other_dates():
    lock = {"supply_order": "PO-1", "step": 10}
    moved = {"supply_order": "PO-1", "due": day(9)}
    told = (
        ("SupplyOrderFirmed", FIRMED),
        ("OperationLocked", lock),
        ("SupplyOrderRescheduled", moved),
    )
    assert len(rows("supply_order_steps", *told)) == 1


def test_operations_are_locked_and_unlocked():
    lock = {"supply_order": "PO-1", "step": 10, "resource": "M1", "start": day(1)}
    told = (("SupplyOrderPlaced", ORDER), ("OperationLocked", lock))
    (row,) = rows("supply_order_steps", *told)
    assert (row["locked"], row["resource"]) == (True, "M1")
    unlock = ("OperationUnlocked", {"supply_order": "PO-1", "step": 10})
    assert rows("supply_order_steps", *told, unlock)[0]["locked"] is False
    assert codes(unlock) == [("LAKE003", "PO-1|10")]


# ------------------------------------------------- resources and disruptions
def test_a_setup_is_known_since_it_was_seen():
    told = ("ResourceSetupObserved", {"resource": "M", "family": "F"})
    (row,) = rows("resource_state", told)
    assert (row["family"], row["since"]) == ("F", facts(told)[0].occurred_at)


def test_a_restored_resource_ends_its_disruption():
    down = {"disruption": "X", "resource": "M", "valid_from": START}
    told = (
        ("ResourceDown", down),
        ("ResourceRestored", {"disruption": "X", "resource": "M", "restored_at": DUE}),
    )
    (row,) = rows("disruptions", *told)
    assert (row["kind"], row["subject"]) == ("resource_down", "M")
    assert (row["valid_to"], row.get("severity", 1.0)) == (DUE, 1.0)


@pytest.mark.parametrize(
    ("kind", "subject_fields", "table_kind", "subject"),
    [
        (
            "SupplierDelayed",
            {"supplier": "S", "delay_days": 3.0},
            "supplier_delay",
            "S",
        ),
        ("LaneBlocked", {"lane": "L"}, "lane_blocked", "L"),
        ("LotHeld", {"product": "A", "location": "DC"}, "lot_held", "A|DC|"),
    ],
)
def test_disruptions_name_their_subject(kind, subject_fields, table_kind, subject):
    fact = {"disruption": "X", "valid_from": START, **subject_fields}
    (row,) = rows("disruptions", (kind, fact))
    assert (row["kind"], row["subject"]) == (table_kind, subject)


# ---------------------------------------------------------------- decisions
def reservation(**cells: Any) -> tuple[str, dict[str, Any]]:
    row = {
        "reservation": "R-1",
        "key": "k",
        "kind": "material",
        "subject": "A",
        "qty": 60.0,
        "start": START,
        "finish": DUE,
        "state": "tentative",
        "expires_at": day(1),
    }
    return ("ReservationCreated", row | cells)


@pytest.mark.parametrize(
    ("kind", "more", "state", "qty"),
    [
        ("ReservationConfirmed", {}, "confirmed", 60.0),
        ("ReservationReduced", {"qty": 20.0}, "reduced", 20.0),
        ("ReservationReleased", {}, "released", 60.0),
        ("ReservationExpired", {"expired_at": DUE}, "expired", 60.0),
    ],
)
def test_a_reservation_changes_state(kind, more, state, qty):
    told = (reservation(), (kind, {"reservation": "R-1", **more}))
    (row,) = rows("reservations", *told)
    assert (row["state"], row["qty"]) == (state, qty)


def test_a_confirmed_reservation_does_not_expire():
    told = (reservation(), ("ReservationConfirmed", {"reservation": "R-1"}))
    assert "expires_at" not in rows("reservations", *told)[0]


def test_pegs_are_firmed_and_released():
    peg = {
        "demand": "D",
        "supply": "PO-1",
        "product": "A",
        "location": "DC",
        "qty": 1.0,
    }
    release = ("PegReleased", {"demand": "D", "supply": "PO-1"})
    assert len(rows("pegs", ("PegFirmed", peg))) == 1
    assert rows("pegs", ("PegFirmed", peg), release) == []
    assert codes(release) == [("LAKE003", "D|PO-1")]


def test_settings_are_set_one_by_one():
    told = (
        ("SettingChanged", {"setting": "horizon_days", "value": 90}),
        ("SettingChanged", {"setting": "priority_weights", "value": ["5", "1"]}),
        ("SettingChanged", {"setting": "horizon_days", "value": 120}),
    )
    assert rows("settings", *told) == [
        {"horizon_days": 120.0, "priority_weights": ["5", "1"]}
    ]


@pytest.mark.parametrize(
    ("setting", "value"),
    [("horizon", 90), ("horizon_days", "long"), ("as_of", "2026-01-01T00:00:00Z")],
)
def test_a_setting_that_does_not_fit_is_noted(setting, value):
    told = ("SettingChanged", {"setting": setting, "value": value})
    assert codes(told) == [("LAKE006", setting)]
    assert rows("settings", told) == []


def test_a_batch_of_estimates_replaces_those_of_its_kind():
    def batch(kind: str, *subjects: str) -> tuple[str, dict[str, Any]]:
        rows = [
            {
                "kind": kind,
                "subject": subject,
                "quantity": "lead_days",
                "p50": 1.0,
                "p80": 2.0,
                "p95": 3.0,
                "model": "m",
                "version": "1",
                "basis": "model",
            }
            for subject in subjects
        ]
        head = {"kind": kind, "model": "m", "version": "1", "hash": "h"}
        return ("EstimatesPublished", head | {"rows": rows})

    told = (batch("supplier", "S1", "S2"), batch("lane", "L1"), batch("supplier", "S3"))
    found = [(row["kind"], row["subject"]) for row in rows("estimates", *told)]
    assert found == [("lane", "L1"), ("supplier", "S3")]


def test_estimates_that_lie_elsewhere_are_noted_not_guessed():
    head = {"kind": "lane", "model": "m", "version": "1", "hash": "h", "uri": "gold/x"}
    assert codes(("EstimatesPublished", head)) == [("LAKE006", "gold/x")]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [("lane", "mode", "sea"), ("lanes", "speed", 3), ("lanes", "duration_h", "long")],
)
def test_an_override_that_fits_no_cell_is_noted(table, column, value):
    told = (
        "OverrideRecorded",
        {
            "override": "O",
            "table": table,
            "key": {"lane": "L"},
            "column": column,
            "value": value,
            "approver": "ann",
        },
    )
    assert [code for code, _value in codes(told)] == ["LAKE006"]


# ------------------------------------------------------------------- purity
def test_a_fold_leaves_the_state_that_it_is_given():
    before = fold(State(), facts(moved(5.0)))
    fold(before, facts(moved(7.0)))
    assert before.frame("stock")["qty"].to_list() == [5.0]
