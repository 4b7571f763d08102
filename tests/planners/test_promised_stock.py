"""Which supply a promise may use: status, owner, life, safety rules, terms, lanes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import PromiseStatus
from tests.api import changed
from tests.planners.small_promises import (
    TRUSTING,
    asked,
    dates,
    day,
    days,
    tables,
    workshop,
)

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


WAY: dict[str, Any] = {
    "lane": "T",
    "origin": "L",
    "destination": "C1",
    "duration_h": 72,
}
PERISHING: dict[str, Any] = {
    "locations": [{"location": "L"}, {"location": "C1", "kind": "customer"}],
    "lanes": [WAY],
    "stock": [{"qty": 5, "lot": "X", "expires_at": day(2)}, {"qty": 5, "lot": "Y"}],
}
"""Three days to the customer: five pieces would expire on the way, five keep."""


@pytest.mark.req("MAT-03", "ATP-07")
@pytest.mark.parametrize(
    ("more", "deliveries"),
    [
        ({}, [(5, 3)]),
        ({"supply_terms": [{"lead_time_days": 3}]}, [(10, 6)]),
        (
            {"supply_orders": [{"supply_order": "PO", "kind": "purchase", "qty": 5, "due": day(4)}]},
            [(10, 7)],
        ),
        (
            {
                "locations": [*PERISHING["locations"], {"location": "V"}],
                "lanes": [WAY, {**WAY, "lane": "U", "origin": "V"}],
                "stock": [*PERISHING["stock"], {"qty": 3, "location": "V"}],
            },
            [(5, 3), (3, 3)],
        ),
    ],
)  # fmt: skip
def test_goods_that_expire_on_the_way_do_not_hide_those_that_keep(more, deliveries):
    made = asked(tables(**{**PERISHING, **more}), location="C1")
    assert dates(made) == deliveries


VAN = {"lane": "T", "origin": "L", "destination": "C1", "duration_h": 24}
DAILY = [{"lane": "T", "weekday": one, "time": dt.time(12)} for one in range(1, 8)]


def load(number, weight, departs):
    """A load of another line on the departure of a day."""
    return {
        "reservation": f"R{number}",
        "key": f"R{number}",
        "kind": "transport",
        "demand": "D",
        "subject": "T",
        "qty": weight,
        "start": day(departs),
        "finish": day(departs + 1),
    }


@pytest.mark.req("TRN-05", "TRN-11")
@pytest.mark.parametrize(
    ("asks", "room", "loads", "deliveries"),
    [
        ({"qty": 17}, 6, [], [(6, 1.5), (6, 2.5), (5, 3.5)]),
        ({"qty": 17, "min_shipment": 6}, 6, [], [(6, 1.5), (6, 2.5), (5, 3.5)]),
        ({"qty": 13, "min_shipment": 3}, 6, [], [(6, 1.5), (4, 2.5), (3, 3.5)]),
        ({"qty": 6}, 6, [], [(6, 1.5)]),
        ({"qty": 8}, 10, [(0, 5), (1, 7)], [(5, 1.5), (3, 2.5)]),
        ({"qty": 8, "due": day(9)}, 10, [(0, 5), (1, 7)], [(8, 3.5)]),
        ({"qty": 8, "full_line": True}, 10, [(0, 5), (1, 7)], [(8, 3.5)]),
        ({"qty": 9}, 10, [(0, 5), (1, 7)], [(9, 3.5)]),
    ],
)
def test_goods_fill_the_earliest_departures(asks, room, loads, deliveries):
    """A piece is a kilogram; whole in one where that is in time, or no later."""
    snapshot = tables(
        products=[{"product": "A", "weight_kg": 1}],
        locations=[{"location": "L"}, {"location": "C1", "kind": "customer"}],
        lanes=[{**VAN, "capacity_kg": room}],
        departures=DAILY,
        stock=[{"qty": 20}],
        demands=[{"demand": "D", "location": "C1", "qty": 9, "due": day(20)}],
        reservations=[
            load(number, weight, at) for number, (at, weight) in enumerate(loads)
        ],
    )
    made = asked(snapshot, location="C1", **{"due": day(1), **asks})
    assert dates(made) == deliveries


@pytest.mark.req("ATP-06", "ATP-07")
@pytest.mark.parametrize(
    ("asks", "stock", "deliveries"),
    [
        ({}, (4, 6), [(4, 1), (6, 2)]),
        ({"min_shipment": 4}, (4, 6), [(4, 1), (6, 2)]),
        ({"min_shipment": 5}, (4, 6), [(6, 2), (4, 2)]),
        ({"min_shipment": 5}, (6, 4), [(6, 1), (4, 2)]),
        ({"min_shipment": 5}, (4, 5), [(5, 2)]),
        ({"min_shipment": 5}, (5, 4), [(5, 1)]),
        ({"min_shipment": 5}, (4, 4), []),
        ({}, (4, 4), [(4, 1), (4, 2)]),
        ({"min_shipment": 5, "qty": 4}, (4, 4), [(4, 1)]),
        ({"min_shipment": 5, "qty": 7}, (3, 4), []),
    ],
)
def test_no_place_sends_less_than_the_least_delivery_but_the_rest(
    asks, stock, deliveries
):
    """L is a day away, V two; the least is capped at what is open (rule 12)."""
    snapshot = tables(
        locations=[
            {"location": "L"},
            {"location": "V"},
            {"location": "C1", "kind": "customer"},
        ],
        lanes=[VAN, {**VAN, "lane": "U", "origin": "V", "duration_h": 48}],
        stock=[{"qty": stock[0]}, {"qty": stock[1], "location": "V"}],
    )
    made = asked(snapshot, location="C1", **{"due": day(0.5), **asks})
    assert dates(made) == deliveries


@pytest.mark.req("MAT-03", "ATP-07")
def test_what_is_missing_beside_goods_that_keep_is_made():
    """Five keep, five are made in an hour each and come three days later."""
    snapshot = workshop(
        **PERISHING,
        bom_lines=[],
        supply_terms=[],
    )
    assert days(asked(snapshot, location="C1").date) == pytest.approx(3 + 5 / 24)


@pytest.mark.req("MAT-03", "ATP-07")
@pytest.mark.parametrize(
    ("life", "left", "dated"),
    [(3, 0, 6), (2.9, 0, None), (4, 1, 6), (3, 1, None), (None, 9, 6)],
)
@pytest.mark.parametrize("way", ["bought", "moved", "made"])
def test_new_supply_must_live_until_it_arrives(way, life, left, dated):
    """It is there on day 3, and three days under way (rule 11)."""
    places = [*PERISHING["locations"], {"location": "V"}]
    ways: dict[str, dict[str, Any]] = {
        "bought": {
            "lanes": [WAY],
            "supply_terms": [{"lead_time_days": 3}],
        },
        "moved": {
            "lanes": [
                {**WAY, "duration_h": 48},
                {
                    **WAY,
                    "lane": "U",
                    "origin": "V",
                    "destination": "L",
                    "duration_h": 24,
                },
            ],
            "supply_terms": [{"lead_time_days": 3, "location": "V"}],
        },
        "made": {
            "lanes": [WAY],
            "routings": [{}],
            "steps": [{"fixed_minutes": 3 * 24 * 60}],
        },
    }
    snapshot = tables(
        products=[{"product": "A", "shelf_life_days": life}],
        locations=places,
        **ways[way],
    )
    made = asked(snapshot, location="C1", min_shelf_days=left)
    assert days(made.date) == dated
    if dated is None:
        assert made.limiter is not None
        assert made.limiter.code is Limiter.SHELF_LIFE_EXCEEDED


@pytest.mark.req("ATP-20")
@pytest.mark.parametrize(
    ("subject", "until", "status"),
    [
        ("A|L|X", None, "partial"),
        ("A|L|X", 3, "partial"),
        ("A|L|X", 0, "promised"),
        ("A|L|Z", None, "promised"),
    ],
)
def test_a_lot_that_is_held_is_not_promised(subject, until, status):
    snapshot = tables(
        stock=[{"qty": 7, "lot": "X"}, {"qty": 3, "lot": "Y"}],
        disruptions=[
            {
                "kind": "lot_held",
                "subject": subject,
                "valid_from": day(-1),
                "valid_to": None if until is None else day(until),
            }
        ],
    )
    assert asked(snapshot).status == status


LEARNED = {
    "kind": "supplier",
    "subject": "S",
    "quantity": "lead_days",
    "model": "m",
    "version": "1",
    "basis": "model",
}


@pytest.mark.req("ATP-20", "SUP-05")
@pytest.mark.parametrize(
    ("estimates", "until", "dated"),
    [
        ([], None, (7, 7, 7)),
        ([], 0, (3, 3, 3)),
        ([{**LEARNED, "p50": 2, "p80": 3, "p95": 4}], None, (6, 7, 8)),
        ([{**LEARNED, "p50": 2, "p80": 3, "p95": 4}], 0, (2, 3, 4)),
        ([{**LEARNED, "subject": "T", "p50": 2, "p80": 3, "p95": 4}], None, (7, 7, 7)),
    ],
)
def test_a_supplier_that_is_late_sells_later(estimates, until, dated):
    """Three days, stated or learned, and four more as long as the delay lasts."""
    snapshot = tables(
        supply_terms=[{"lead_time_days": 3, "lead_time_p95_days": 3}],
        suppliers=[{"supplier": "S"}, {"supplier": "T"}],
        estimates=estimates,
        disruptions=[
            {
                "kind": "supplier_delay",
                "subject": "S",
                "valid_from": day(-1),
                "valid_to": None if until is None else day(until),
                "delay_days": 4,
            }
        ],
    )
    made = asked(snapshot)
    assert (
        tuple(days(one) for one in (made.date_p50, made.date, made.date_p95)) == dated
    )


@pytest.mark.req("ATP-19", "ATP-20")
@pytest.mark.parametrize(
    "estimates",
    [
        [],
        [{**LEARNED, "p50": 3, "p80": 3, "p95": 3}],
        [{**LEARNED, "product": "A", "p50": 3, "p80": 3, "p95": 3}],
        [{**LEARNED, "quantity": "duration_factor", "p50": 1, "p80": 1, "p95": 1}],
    ],
)
def test_a_remedy_for_a_late_supplier_counts_its_delay(estimates):
    """Two days late by a delay of four: delivering in a day instead of three helps.

    Where the three days were learned, it is they that have to be others.
    """
    snapshot = tables(
        supply_terms=[{"lead_time_days": 3}],
        estimates=estimates,
        disruptions=[
            {
                "kind": "supplier_delay",
                "subject": "S",
                "valid_from": day(-1),
                "delay_days": 4,
            }
        ],
    )
    made = asked(snapshot, due=day(5))
    (faster,) = [one for one in made.remedies if one.code == "expedite"]
    assert days(faster.date) == pytest.approx(5, abs=0.001)
    again = asked(changed(snapshot, faster.rows), due=day(5))
    assert (again.date, again.cost.total) == (faster.date, faster.cost)


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
