"""What orders that exist still bring and still take."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.units import DAY, HOUR, NEVER, to_seconds
from tests import factories
from tests.api import Providers
from tests.factories import AS_OF

NOW = to_seconds(AS_OF)


def day(number, hours=0):
    return AS_OF + dt.timedelta(days=number, hours=hours)


def orders(*rows, **tables):
    return Providers(factories.snapshot(supply_orders=rows, **tables)).existing_orders


def brought(found):
    return [
        (r.product, r.location, r.units, (r.instant - NOW) / DAY)
        for r in found.receipts
    ]


def taken(found):
    return [
        (w.product, w.location, w.units, (w.instant - NOW) / DAY)
        for w in found.withdrawals
    ]


@pytest.mark.req("MAT-04")
@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("planned", False),
        ("firmed", True),
        ("released", True),
        ("in_process", True),
        ("completed", False),
        ("closed", False),
        ("cancelled", False),
    ],
)
def test_status_decides_whether_an_order_counts(status, counts):
    assert bool(orders({"status": status}).receipts) is counts


def test_order_brings_what_is_still_to_come_when_it_is_due():
    found = orders({"qty": 10, "qty_done": 4, "due": day(7)})
    assert brought(found) == [("A", "L", 6, 7)]
    assert found.receipts[0].expires == NEVER
    assert found.findings == ()


def test_order_that_is_done_brings_nothing():
    assert orders({"qty": 10, "qty_done": 10}).receipts == ()


def test_overdue_order_counts_one_day_after_now_with_a_finding():
    found = orders({"due": day(-3)}, {"due": day(0)})
    assert brought(found) == [("A", "L", 10, 1), ("A", "L", 10, 0)]
    assert [(one.code, one.row, one.value) for one in found.findings] == [
        ("MTL001", 1, "O1")
    ]


def test_purchase_lives_from_its_receipt_but_a_transfer_is_not_fresh():
    found = orders(
        {"due": day(2)},
        {"due": day(2), "kind": "transfer", "source": "W", "start": day(-4)},
        products=[{"product": "A", "shelf_life_days": 30}],
        locations=[{"location": "W"}],
    )
    lives = [receipt.expires for receipt in found.receipts]
    # Made at the latest when it left.
    assert lives == [NOW + 32 * DAY, NOW + 26 * DAY]


def test_work_order_brings_good_pieces_and_takes_components_at_its_start():
    found = orders(
        {"kind": "work", "source": "R", "qty": 10, "due": day(5)},
        routings=[{"yield": 0.9}],
        steps=[{"fixed_minutes": 1440}],
        bom_lines=[{"component": "B", "qty_per": 2}],
    )
    assert brought(found) == [("A", "L", 9, 5)]
    assert taken(found) == [("B", "L", 20, 4)]


def test_components_of_a_started_order_are_taken_already():
    found = orders(
        {"kind": "work", "source": "R", "status": "in_process"},
        routings=[{}],
        bom_lines=[{"component": "B", "qty_per": 2}],
    )
    assert taken(found) == []


def test_components_that_were_due_in_the_past_are_taken_now():
    found = orders(
        {"kind": "work", "source": "R", "start": day(-2), "due": day(3)},
        routings=[{}],
        bom_lines=[{"component": "B", "qty_per": 1}],
    )
    assert taken(found) == [("B", "L", 10, 0)]


def test_first_valid_line_of_a_substitute_group_is_taken():
    group = {"substitute_group": "g", "qty_per": 1}
    found = orders(
        {"kind": "work", "source": "R"},
        routings=[{}],
        bom_lines=[
            {"line": 1, "component": "B", "priority": 1, "valid_to": day(0), **group},
            {"line": 2, "component": "C", "priority": 2, **group},
        ],
    )
    assert taken(found) == [("C", "L", 10, 7)]


def test_order_may_be_received_elsewhere_than_its_routing_says():
    found = orders(
        {"kind": "work", "source": "R", "location": "W"},
        routings=[{"location": "L"}],
        locations=[{"location": "L"}, {"location": "W"}],
    )
    assert brought(found) == [("A", "W", 10, 7)]


def test_co_product_comes_with_its_order():
    found = orders(
        {"kind": "work", "source": "R", "status": "in_process"},
        routings=[{}],
        steps=[{"fixed_minutes": 60, "move_minutes": 30}],
        routing_outputs=[
            {"line": 1, "product": "A"},
            {"line": 2, "product": "C", "role": "co", "qty_per": 0.5, "step": 1},
        ],
    )
    assert brought(found) == [("A", "L", 10, 7), ("C", "L", 5, 7)]


def test_work_order_of_an_unknown_routing_comes_from_outside():
    found = orders({"kind": "work"}, bom_lines=[], products=[{"product": "A"}])
    assert brought(found) == [("A", "L", 10, 7)]
    assert taken(found) == []


def test_transfer_takes_its_goods_when_they_must_be_ready():
    found = orders(
        {"kind": "transfer", "source": "T", "location": "W", "due": day(3)},
        {
            "kind": "transfer",
            "source": "T",
            "location": "W",
            "start": day(1),
            "due": day(3),
        },
        lanes=[{"lane": "T", "duration_h": 24, "cutoff_h": 6}],
    )
    assert brought(found) == [("A", "W", 10, 3), ("A", "W", 10, 3)]
    assert taken(found) == [("A", "L", 10, 1.75), ("A", "L", 10, 0.75)]


def test_transfer_without_a_lane_leaves_when_it_starts():
    found = orders(
        {"kind": "transfer", "source": "W", "start": day(2), "due": day(3)},
        {"kind": "transfer", "source": "W", "due": day(4)},
        {"kind": "transfer", "due": day(5)},
        locations=[{"location": "W"}, {"location": "L"}],
    )
    assert taken(found) == [("A", "W", 10, 2), ("A", "W", 10, 4)]


def test_transfer_that_is_shipped_takes_nothing_more():
    found = orders(
        {"kind": "transfer", "source": "W", "status": "in_process"},
        locations=[{"location": "W"}, {"location": "L"}],
    )
    assert taken(found) == []


def test_hours_are_hours():
    found = orders({"due": day(1, hours=5)})
    assert found.receipts[0].instant == NOW + DAY + 5 * HOUR
