"""Availability of a whole snapshot, and what is taken of it."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.units import ALWAYS, DAY, INT64_MAX, to_seconds
from tests import factories
from tests.api import Providers
from tests.factories import AS_OF

NOW = to_seconds(AS_OF)


def day(number):
    return AS_OF + dt.timedelta(days=number)


def bundle(**tables):
    return Providers(factories.snapshot(**tables))


def free(instant=0, location="L", **tables):
    line = bundle(**tables).material().line("A", location)
    return line.available(NOW + instant * DAY)


@pytest.mark.req("MAT-01")
@pytest.mark.req("MAT-07")
def test_projection_over_time_equals_the_table_made_by_hand():
    found = bundle(
        stock=[{"qty": 200}],
        supply_orders=[{"qty": 50, "due": day(2)}],
        reservations=[{"qty": 150, "start": day(3), "finish": day(4)}],
        inventory_policies=[{"product": "A", "location": "L", "safety_qty": 20}],
    )
    line = found.material().line("A", "L")
    assert line.state == ((ALWAYS, 200), (NOW + 2 * DAY, 250), (NOW + 3 * DAY, 100))
    assert [line.available(instant) for instant, _ in line.state] == [80, 80, 80]
    assert [line.available(when, buffers=True) for when, _ in line.state] == [100] * 3


@pytest.mark.req("MAT-04")
@pytest.mark.parametrize(
    ("removed", "available"),
    [
        (None, 80),
        ("stock", 0),
        ("supply_orders", 30),
        ("reservations", 180),
        ("inventory_policies", 100),
    ],
)
def test_each_projection_changes_the_answer(removed, available):
    tables = {
        "stock": [{"qty": 200}],
        "supply_orders": [{"qty": 50, "due": day(2)}],
        "reservations": [{"qty": 150, "start": day(3), "finish": day(4)}],
        "inventory_policies": [{"product": "A", "location": "L", "safety_qty": 20}],
    }
    tables.pop(removed, None)
    assert free(**tables) == available


@pytest.mark.parametrize("status", ["quality_hold", "blocked"])
def test_only_available_stock_counts(status):
    assert free(stock=[{"qty": 5}, {"qty": 3, "lot": "x", "status": status}]) == 5


def test_expired_stock_is_not_there():
    lots = [{"qty": 5, "lot": "x", "expires_at": day(-1)}, {"qty": 2, "lot": "y"}]
    assert free(stock=lots) == 2


def test_expiring_stock_is_there_until_it_expires():
    lots = [{"qty": 5, "lot": "x", "expires_at": day(3)}, {"qty": 2, "lot": "y"}]
    assert [free(instant, stock=lots) for instant in (0, 3, 4)] == [7, 7, 2]


@pytest.mark.req("SUP-10")
def test_consignment_stock_of_a_supplier_counts_of_a_customer_serves_that_one():
    material = bundle(
        stock=[
            {"qty": 5, "lot": "s", "owner": "S"},
            {"qty": 3, "lot": "c", "owner": "C"},
            {"qty": 1, "lot": "u", "owner": "nobody known"},
        ],
        suppliers=[{}],
        customers=[{}],
    ).material()
    line = material.line("A", "L")
    assert line.available(NOW) == 5
    assert line.available(NOW, customer="C") == 8


def test_booking_that_is_missing_is_gone_already():
    assert free(stock=[{"qty": 5}, {"qty": -2, "lot": "x"}]) == 3


def test_quantities_count_steps_of_the_product():
    products = [{"product": "A", "qty_step": 0.5}]
    assert free(products=products, stock=[{"qty": 2.75}]) == 5


def test_bulk_material_is_unlimited():
    policy = {"product": "A", "location": "L", "unlimited": True}
    assert free(inventory_policies=[policy]) == INT64_MAX


def test_unknown_product_has_an_empty_line():
    line = bundle(stock=[{}]).material().line("nothing", "nowhere")
    assert line.available(NOW) == 0
    assert line.earliest(1, NOW) is None


def test_made_to_order_serves_only_the_demand_it_is_for():
    found = bundle(
        products=[{"product": "A", "make_to_order": True}],
        demands=[{}, {}],
        stock=[{"qty": 5}],
        supply_orders=[{"qty": 10, "demand": "D1", "due": day(2)}],
    )
    material = found.material()
    line = material.line("A", "L")
    assert line.available(NOW + 3 * DAY) == 0
    mark = material.mark()
    assert material.free("D1") == 1
    assert line.available(NOW + 3 * DAY) == 10
    material.undo(mark)
    assert material.free("D2") == 0
    assert found.material(own="D1").line("A", "L").available(NOW + 3 * DAY) == 10


def test_own_holds_and_promise_do_not_count_against_their_demand():
    found = bundle(
        demands=[{"qty": 10, "promised": day(9)}],
        stock=[{"qty": 12}],
        reservations=[{"demand": "D1", "qty": 6, "start": day(1), "finish": day(2)}],
    )
    assert found.material().line("A", "L").available(NOW) == 2
    assert found.material(own="D1").line("A", "L").available(NOW) == 12
    material = found.material()
    mark = material.mark()
    before = material.line("A", "L").state
    assert material.free("D1") == 2
    assert material.line("A", "L").available(NOW) == 12
    material.undo(mark)
    assert material.line("A", "L").state == before


def test_own_holds_on_lots_that_expire_are_freed_too():
    found = bundle(
        demands=[{}],
        stock=[{"qty": 12, "lot": "x", "expires_at": day(1)}],
        reservations=[{"demand": "D1", "qty": 5}],
    )
    material = found.material()
    assert material.line("A", "L").available(NOW) == 7
    material.free("D1")
    assert material.line("A", "L").available(NOW) == 12


def test_hold_counts_though_no_lot_is_as_fresh_as_its_owner_asks():
    found = bundle(
        demands=[{"min_shelf_days": 30}],
        stock=[{"qty": 10, "lot": "x", "expires_at": day(20)}],
        reservations=[{"demand": "D1", "qty": 8}],
    )
    material = found.material()
    assert material.line("A", "L").available(NOW) == 2
    material.free("D1")
    assert material.line("A", "L").available(NOW) == 10


@pytest.mark.req("MAT-05")
def test_mark_and_undo_restore_all_lines():
    material = bundle(
        stock=[
            {"qty": 10},
            {"qty": 4, "location": "W", "lot": "x", "expires_at": day(4)},
        ]
    ).material()
    lines = [material.line("A", "L"), material.line("A", "W")]
    before = [line.state for line in lines]
    mark = material.mark()
    lines[0].take(3, NOW)
    inner = material.mark()
    lines[1].take(2, NOW + DAY)
    lines[0].add(5, NOW + 2 * DAY)
    material.undo(inner)
    assert lines[0].available(NOW) == 7
    assert lines[1].state == before[1]
    material.undo(mark)
    assert [line.state for line in lines] == before


def test_takes_are_put_back_in_any_order_and_that_can_be_undone():
    material = bundle(stock=[{"qty": 10}]).material()
    line = material.line("A", "L")
    before = line.state
    first = material.mark()
    line.take(3, NOW)
    one = material.since(first)
    second = material.mark()
    line.take(4, NOW)
    other = material.since(second)
    material.put_back(one)
    assert line.available(NOW) == 6
    material.put_back(other)
    assert line.state == before
    material.undo(second + 1)
    assert line.available(NOW) == 3


def test_settled_journal_keeps_what_was_taken():
    material = bundle(stock=[{"qty": 10}]).material()
    line = material.line("A", "L")
    line.take(3, NOW)
    material.settle()
    assert material.mark() == 0
    assert line.available(NOW) == 7


def test_two_ledgers_of_one_snapshot_know_nothing_of_each_other():
    found = bundle(stock=[{"qty": 10}])
    found.material().line("A", "L").take(3, NOW)
    assert found.material().line("A", "L").available(NOW) == 10


def test_nodes_are_where_anything_is_comes_or_is_committed():
    material = bundle(
        stock=[{}],
        supply_orders=[{"location": "V"}],
        reservations=[{"location": "W"}],
    ).material()
    assert material.nodes == (("A", "L"), ("A", "V"), ("A", "W"))


def test_findings_name_overdue_orders_and_lines_that_are_short():
    material = bundle(
        stock=[{"qty": 10}],
        supply_orders=[{"location": "W", "due": day(-1)}],
        products=[{"product": "A", "uom": "kg"}],
        reservations=[{"qty": 13_197}, {"location": "V", "qty": 0}],
    ).material()
    assert [(one.code, one.value) for one in material.findings] == [
        ("MTL001", "O1"),
        ("MTL002", "A at L"),
    ]
    short = "A at L is short of its commitments by 13,187 kg from "
    assert material.findings[1].message.startswith(short)


@pytest.mark.req("MAT-06")
def test_line_is_built_once():
    material = bundle(stock=[{}]).material()
    assert material.line("A", "L") is material.line("A", "L")
