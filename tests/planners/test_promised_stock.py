"""Which supply a promise may use: status, owner, life, safety rules, terms, lanes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from medhavi.results.limiter import Limiter
from medhavi.results.promise import PromiseStatus
from tests.planners.small_promises import TRUSTING, asked, dates, day, days, tables

SAFETY = {"safety_qty": 6}


def safe(rule: str, *, buffers: bool) -> Any:
    return tables(
        stock=[{"qty": 10}],
        inventory_policies=[{**SAFETY, "on_violation": rule}],
        promise_policies=[{**TRUSTING, "buffers": buffers}],
    )


@pytest.mark.req("MAT-02", "MAT-03", "ATP-18")
@pytest.mark.parametrize(
    ("rule", "buffers", "promised", "flagged"),
    [
        ("flag", False, 4, False),
        ("flag", True, 10, True),
        ("block", False, 4, False),
        ("block", True, 4, False),
        ("allow", False, 10, False),
        ("allow", True, 10, False),
    ],
)
def test_the_safety_rule_says_who_may_use_safety_stock(
    rule, buffers, promised, flagged
):
    made = asked(safe(rule, buffers=buffers))
    assert sum(one.qty for one in made.deliveries) == promised
    notes = [entry for entry in made.trace if entry.get("note") == "SafetyViolation"]
    assert bool(notes) == flagged
    if promised < 10:
        assert made.limiter.code is Limiter.SAFETY_VIOLATION
        kinds = {remedy.code for remedy in made.remedies}
        assert ("use_safety" in kinds) == (rule == "flag")


@pytest.mark.req("MAT-04")
@pytest.mark.parametrize(
    ("status", "promised"), [("available", 10), ("quality_hold", 0), ("blocked", 0)]
)
def test_only_available_stock_is_promised(status, promised):
    made = asked(tables(stock=[{"qty": 10, "status": status}]))
    assert sum(one.qty for one in made.deliveries) == promised


@pytest.mark.req("MAT-04", "ATP-07")
@pytest.mark.parametrize(
    ("cells", "arrival"),
    [
        ({"kind": "purchase", "status": "firmed"}, 7),
        ({"kind": "purchase", "status": "released"}, 7),
        ({"kind": "purchase", "status": "planned"}, None),
        ({"kind": "work", "status": "in_process"}, 7),
        ({"kind": "work", "status": "planned"}, None),
        ({"kind": "transfer", "status": "released"}, 7),
    ],
)
def test_orders_on_the_way_and_in_work_count_planned_ones_do_not(cells, arrival):
    made = asked(tables(supply_orders=[{"qty": 10, "due": day(7), **cells}]))
    if arrival is None:
        assert made.status is PromiseStatus.REJECTED
        return
    assert dates(made) == [(10, arrival)]


@pytest.mark.req("SUP-10")
@pytest.mark.parametrize(
    ("owner", "customer", "status"),
    [
        (None, None, "promised"),
        ("S", None, "promised"),
        ("K", "K", "promised"),
        ("K", "J", "rejected"),
        ("K", None, "rejected"),
    ],
)
def test_consignment_is_promised_and_goods_of_a_customer_to_that_one(
    owner, customer, status
):
    snapshot = tables(
        suppliers=[{"supplier": "S"}],
        customers=[{"customer": "K"}, {"customer": "J"}],
        stock=[{"qty": 10, "owner": owner}],
    )
    assert asked(snapshot, customer=customer).status == status


@pytest.mark.req("MAT-03", "ATP-07")
@pytest.mark.parametrize(("left", "status"), [(5, "promised"), (6, "rejected")])
def test_goods_must_have_their_life_left_after_transit(left, status):
    """They expire on day 7 and are two days on the way: five are left."""
    snapshot = tables(
        stock=[{"qty": 10, "lot": "L1", "expires_at": day(7)}],
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        lanes=[{"lane": "T", "origin": "L", "destination": "C1", "duration_h": 48}],
    )
    made = asked(snapshot, location="C1", min_shelf_days=left)
    assert made.status == status
    if status == "promised":
        assert days(made.date) == 2


@pytest.mark.req("SUP-01", "SUP-02", "SUP-06", "SUP-03")
@pytest.mark.parametrize(
    ("terms", "ordered", "cost"),
    [
        ({}, 10, 20.0),
        ({"moq": 40}, 40, 20.0),
        ({"lot_multiple": 15}, 15, 20.0),
        ({"moq": 5, "lot_multiple": 4}, 12, 20.0),
    ],
)
def test_purchases_are_raised_to_the_lots_of_the_terms(terms, ordered, cost):
    """The need of ten costs twenty; what is bought beyond it is cash out."""
    row = {"lead_time_days": 5, "unit_price": 2.0, **terms}
    made = asked(tables(supply_terms=[row]))
    (bought,) = made.purchases
    assert (bought.steps, made.cost.material) == (ordered, cost)
    assert made.cost.cash_out == ordered * 2.0


@pytest.mark.req("SUP-01", "SUP-02")
def test_the_tier_of_the_order_prices_all_of_it():
    tiers = [{"min_qty": 10, "unit_price": 1.5}, {"min_qty": 100, "unit_price": 1.0}]
    row = {"lead_time_days": 5, "unit_price": 2.0}
    made = asked(tables(supply_terms=[row], price_tiers=tiers))
    assert made.cost.material == 15.0


@pytest.mark.req("SUP-01", "SUP-05")
def test_a_full_window_of_a_supplier_moves_the_receipt():
    """Six may arrive before day 6, so ten wait for the next window."""
    snapshot = tables(
        supply_terms=[{"lead_time_days": 5}],
        supplier_capacity=[
            {"valid_from": day(0), "valid_to": day(6), "qty": 6},
            {"valid_from": day(6), "valid_to": day(12), "qty": 50},
        ],
    )
    assert days(asked(snapshot, full_line=True).date) == 6


@pytest.mark.req("TRN-04", "TRN-05", "TRN-06", "TRN-07", "TRN-10")
@pytest.mark.parametrize(
    ("cells", "more", "date"),
    [
        ({}, {}, 1),
        ({"customs_h": 12}, {}, 1.5),
        ({"blocked_countries": ["DE"]}, {}, None),
        ({"min_fill_kg": 200}, {}, None),
        ({"capacity_kg": 50}, {}, None),
        ({}, {"lane_blackouts": [{"lane": "T", "valid_from": day(-1), "valid_to": day(3)}]}, 4),
        ({"cutoff_h": 2}, {"departures": [{"lane": "T", "weekday": 1, "time": dt.time(2)}]}, 1 + 2 / 24),
        ({"cutoff_h": 2.1}, {"departures": [{"lane": "T", "weekday": 1, "time": dt.time(2)}]}, 8 + 2 / 24),
    ],
)  # fmt: skip
def test_rules_of_a_lane_move_or_close_the_promise(cells, more, date):
    row = {"lane": "T", "origin": "L", "destination": "C1", "duration_h": 24}
    snapshot = tables(
        products=[{"product": "A", "weight_kg": 10}],
        stock=[{"qty": 10}],
        locations=[
            {"location": "L"},
            {"location": "C1", "kind": "customer", "country": "DE"},
        ],
        lanes=[{**row, **cells}],
        **more,
    )
    made = asked(snapshot, location="C1", full_line=True)
    if date is None:
        assert made.status is PromiseStatus.REJECTED
        return
    assert days(made.date) == pytest.approx(date, abs=1e-5)


@pytest.mark.req("TRN-07", "TRN-10")
def test_customs_and_departure_are_paid_once_and_weight_by_the_kilogram():
    row = {"lane": "T", "origin": "L", "destination": "C1", "duration_h": 24}
    costs = {
        "customs_cost": 7,
        "fixed_cost": 30,
        "cost_per_kg": 0.5,
        "cost_per_unit": 2,
    }
    snapshot = tables(
        products=[{"product": "A", "weight_kg": 10}],
        stock=[{"qty": 10}],
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        lanes=[{**row, **costs}],
    )
    assert asked(snapshot, location="C1").cost.transport == 7 + 30 + 50 + 20
