"""What orders that exist already bring and take (rule 3)."""

from __future__ import annotations

import polars as pl
import pytest

from tests import factories
from tests.api import plan, verify
from tests.planners.small_plans import (
    day,
    days,
    exceptions,
    fulfilment,
    orders,
    pegs,
    planned,
    quantities,
)

BUY = [{"lead_time_days": 5}]
MADE = {
    "routings": [{}],
    "steps": [{"fixed_minutes": 1440}],
    "bom_lines": [{"component": "B", "qty_per": 2}],
    "supply_terms": [{"product": "B", "lead_time_days": 1}],
}


def row(made, supply):
    """Supplies row of an order."""
    return made.supplies.filter(id=supply).row(0, named=True)


@pytest.mark.req("MRP-20")
@pytest.mark.parametrize("status", ["firmed", "released", "in_process"])
def test_a_live_order_is_supply_from_its_date_on(status):
    made = planned(demands=[{}], supply_orders=[{"status": status}], supply_terms=BUY)
    assert orders(made) == []
    assert row(made, "O1")["status"] == status


@pytest.mark.parametrize("status", ["planned", "completed", "closed", "cancelled"])
def test_an_order_without_effect_is_no_supply(status):
    made = planned(demands=[{}], supply_orders=[{"status": status}], supply_terms=BUY)
    assert quantities(made, "A") == [10]
    assert made.supplies["id"].to_list() != ["O1"]


def test_an_earlier_need_gets_new_supply_and_the_receipt_an_exception():
    made = planned(
        demands=[{"due": day(3)}], supply_orders=[{"due": day(9)}], supply_terms=BUY
    )
    assert orders(made) == [("A", 10, -2, 3)]
    found = exceptions(made, "BringForward")[0]
    assert (found["supply"], found["suggested_date"]) == ("O1", day(3))
    assert found["hours"] == 144


def test_a_later_receipt_serves_on_time_where_nothing_else_can():
    made = planned(demands=[{"due": day(3)}], supply_orders=[{"due": day(9)}])
    assert fulfilment(made)["status"] == "on_time"
    assert fulfilment(made)["limiter"] == "AwaitingSupply"
    assert pegs(made, "D1") == {"O1": 10}
    assert exceptions(made, "BringForward")[0]["suggested_date"] == day(3)


def test_a_late_receipt_is_named_and_serves():
    made = planned(demands=[{}], supply_orders=[{"due": day(-2)}], supply_terms=BUY)
    assert orders(made) == []
    assert exceptions(made, "OverdueReceipt")[0]["hours"] == 48


def test_a_receipt_that_nothing_needs_may_be_cancelled():
    made = planned(supply_orders=[{}], supply_terms=BUY)
    assert exceptions(made, "Cancel")[0]["qty"] == 10


def test_a_receipt_long_before_its_need_may_be_deferred():
    made = planned(demands=[{}], supply_orders=[{}], supply_terms=BUY)
    assert exceptions(made, "Defer")[0]["suggested_date"] == day(28)


def test_a_receipt_that_holds_safety_is_neither_cancelled_nor_deferred():
    made = planned(
        supply_orders=[{"qty": 20, "due": day(4)}],
        inventory_policies=[{"safety_qty": 20}],
        supply_terms=BUY,
    )
    assert orders(made) == []
    assert exceptions(made, "Cancel") == []


def test_a_receipt_that_a_hold_keeps_is_not_cancelled():
    made = planned(
        supply_orders=[{}],
        reservations=[{"demand": None}],
        supply_terms=BUY,
    )
    assert exceptions(made, "Cancel") == []


def test_what_is_done_is_in_stock_already():
    made = planned(
        demands=[{"qty": 10}],
        supply_orders=[{"qty_done": 4}],
        supply_terms=BUY,
    )
    found = row(made, "O1")
    assert (found["qty"], found["order_qty"]) == (6, 10)
    assert quantities(made, "A") == [4]


def test_an_order_that_is_all_done_brings_nothing():
    made = planned(supply_orders=[{"qty_done": 10}], demands=[{}], supply_terms=BUY)
    assert row(made, "O1")["qty"] == 0
    assert quantities(made, "A") == [10]


# --- work orders -------------------------------------------------------------------
def work(**cells):
    return {"kind": "work", "source": "R", **cells}


@pytest.mark.parametrize(
    ("status", "needed"), [("firmed", [20]), ("released", [20]), ("in_process", [])]
)
def test_components_are_taken_once(status, needed):
    made = planned(supply_orders=[work(status=status)], **MADE)
    assert quantities(made, "B") == needed


def test_components_are_due_at_the_start_that_is_stated():
    made = planned(supply_orders=[work(start=day(3))], **MADE)
    assert orders(made) == [("B", 20, 2, 3)]
    assert days(row(made, "O1")["start"]) == 3
    assert days(row(made, "O1")["finish"]) == 7


def test_without_a_start_components_are_due_as_late_as_the_due_date_allows():
    made = planned(supply_orders=[work()], **MADE)
    assert orders(made) == [("B", 20, 5, 6)]


def test_components_are_due_for_what_is_still_to_come():
    made = planned(supply_orders=[work(qty_done=4)], **MADE)
    assert quantities(made, "B") == [12]


def test_an_order_that_is_done_takes_nothing_more():
    lines = [{"component": "B", "qty_per": 2, "qty_fixed": 1}]
    made = planned(
        supply_orders=[work(qty_done=10)],
        **{**MADE, "bom_lines": lines, "supply_terms": []},
    )
    assert made.supplies.filter(product="B").is_empty()


def test_a_work_order_counts_routing_units():
    made = planned(
        demands=[{"qty": 30}],
        supply_orders=[work(qty=10)],
        routing_outputs=[{"qty_per": 3}],
        **MADE,
    )
    assert row(made, "O1")["qty"] == 30
    assert row(made, "O1")["order_qty"] == 10
    assert quantities(made, "A") == []


@pytest.mark.req("MRP-18")
def test_the_yield_of_a_work_order_is_lost():
    given = {**MADE, "routings": [{"yield": 0.8}]}
    made = planned(demands=[{}], supply_orders=[work()], **given)
    assert row(made, "O1")["qty"] == 8
    # 2 more good ones take 2 / 0.8, rounded up.
    assert made.supplies.filter(status="planned", product="A")[
        "order_qty"
    ].to_list() == [3]


def test_work_in_progress_keeps_the_steps_that_remain():
    made = planned(
        supply_orders=[work(status="in_process", due=day(9))],
        supply_order_steps=[{"step": 1, "status": "completed", "qty_done": 10}],
        **{
            **MADE,
            "steps": [
                {"step": 1, "fixed_minutes": 600},
                {"step": 2, "fixed_minutes": 600},
            ],
        },
    )
    assert made.operations["step"].to_list() == [2]


def test_a_work_order_from_outside_takes_nothing():
    made = planned(supply_orders=[{"kind": "work"}], demands=[{}], **MADE)
    assert quantities(made, "B") == []


def test_a_work_order_that_is_received_elsewhere_takes_where_it_is_made():
    made = planned(
        demands=[{"location": "W"}],
        supply_orders=[work(location="W")],
        **MADE,
    )
    assert pegs(made, "D1") == {"O1": 10}
    assert quantities(made, "B") == [20]


def test_a_work_order_of_a_co_product_keeps_its_own_product():
    made = planned(
        demands=[{"product": "E"}],
        supply_orders=[work(product="E")],
        routing_outputs=[{"role": "main"}, {"product": "E", "role": "co"}],
        **MADE,
    )
    assert row(made, "O1")["product"] == "E"
    assert row(made, "O1|A")["order_qty"] is None
    assert pegs(made, "D1") == {"O1": 10}


# --- transfers ---------------------------------------------------------------------
def transfer(**cells):
    return {"kind": "transfer", "location": "W", "source": "T", **cells}


@pytest.mark.parametrize(("status", "needed"), [("released", [10]), ("in_process", [])])
def test_a_transfer_takes_at_its_origin_until_it_is_shipped(status, needed):
    made = planned(
        demands=[{"location": "W"}],
        lanes=[{"lane": "T", "duration_h": 24}],
        supply_orders=[transfer(status=status)],
        supply_terms=BUY,
    )
    assert quantities(made, "A") == needed


def test_a_transfer_may_name_its_origin():
    made = planned(
        demands=[{"location": "W"}],
        lanes=[{"lane": "T", "duration_h": 24}],
        supply_orders=[transfer(source="L")],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 10, 1, 6)]


def test_a_transfer_from_an_origin_without_a_lane_takes_there_at_its_start():
    made = planned(
        demands=[{"location": "W"}],
        locations=[{"location": "L"}, {"location": "W"}],
        supply_orders=[transfer(source="L", start=day(4))],
        stock=[{"qty": 4}],
        supply_terms=BUY,
    )
    assert orders(made) == [("A", 6, -1, 4)]


def test_a_firm_order_may_say_that_it_is_not():
    made = planned(
        supply_orders=[{"firm": False, "locked": False}, {"status": "firmed"}]
    )
    assert dict(made.supplies.select("id", "firm").rows()) == {"O1": False, "O2": True}


@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
def test_what_a_started_order_takes_too_early_and_what_it_never_gets_add_up(mode):
    """Of 20 B the order finds 4, waits for 6 that come later, and 10 never come."""
    snapshot = factories.snapshot(
        supply_orders=[
            work(status="released", start=day(1), due=day(2)),
            {"supply_order": "P", "product": "B", "qty": 6, "due": day(9)},
        ],
        stock=[{"product": "B", "qty": 4}],
        **{**MADE, "supply_terms": []},
    )
    made = plan(snapshot, mode)
    assert [str(found) for found in verify(made, snapshot)] == []


def test_an_order_that_is_moved_gives_what_it_gave_by_its_dates():
    """Its machine is taken until day 4, when the line of its product has begun."""
    snapshot = factories.snapshot(
        demands=[{"qty": 10, "due": day(3)}],
        resources=[{"resource": "M"}],
        step_resources=[{}],
        supply_orders=[
            work(supply_order="W1", status="released", start=day(0), due=day(4)),
            work(supply_order="W2", status="firmed", start=day(0), due=day(1)),
        ],
        routings=[{}],
        steps=[{"run_minutes_per_unit": 576}],
        routing_outputs=[{"role": "main", "valid_from": day(3)}],
    )
    made = plan(snapshot, "constrained")
    assert [str(found) for found in verify(made, snapshot)] == []
    assert days(row(made, "W2")["finish"]) == 8
    assert row(made, "W2")["qty"] == 0


@pytest.mark.req("MRP-18")
@pytest.mark.parametrize("mode", ["constrained", "optimize"])
def test_a_work_order_gives_a_co_product_when_its_step_is_through(mode):
    """A takes two days, B falls out after the first of them."""
    snapshot = factories.snapshot(
        demands=[{"product": "B", "qty": 3, "due": day(1)}],
        products=[{"product": "A"}, {"product": "B"}],
        supply_orders=[work(status="firmed", due=day(2), start=day(0))],
        routings=[{}],
        steps=[{"step": n, "fixed_minutes": 1440} for n in (1, 2)],
        routing_outputs=[
            {"product": "A", "step": 2},
            {"product": "B", "role": "co", "step": 1, "line": 2},
        ],
    )
    made = plan(snapshot, mode)
    assert verify(made, snapshot) == []
    assert fulfilment(made, "D1")["status"] == "on_time"
    early = made.deliveries.with_columns(date=pl.lit(day(0.5)))
    found = verify(made.replace(deliveries=early), snapshot)
    assert "VER001" in {fault.code for fault in found}


@pytest.mark.req("MRP-20")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_an_order_named_by_the_id_of_a_planned_one_is_no_other(mode: str) -> None:
    """10 are bought for D1, and firmed by their id; then D1 wants 30."""
    demand = {"demand": "D1", "product": "A", "location": "L"}
    first = plan(factories.snapshot(demands=[demand], supply_terms=BUY), mode)
    name = first.supplies["id"][0]
    snapshot = factories.snapshot(
        demands=[{**demand, "qty": 30}],
        supply_terms=BUY,
        supply_orders=[{"supply_order": name, "status": "firmed", "due": day(28)}],
    )
    made = plan(snapshot, mode)
    assert [str(found) for found in verify(made, snapshot)] == []
    assert sorted(made.supplies["qty"]) == [10, 20]
