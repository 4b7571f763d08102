"""What customers ordered and what became of it, as the log tells."""

from __future__ import annotations

import pytest

from tests.api import Lake
from tests.lakehouse.lake_events import day, event, line, store_of
from tests.past_orders import past_orders


@pytest.fixture
def lake_of(tmp_path):
    def make(batches) -> Lake:
        lake = Lake(tmp_path / "lake")
        lake.mirror(store_of(batches))
        return lake

    return make


def rows(lake: Lake, **when: object):
    return {
        row["demand"]: row for row in lake.order_line_observations(**when).to_dicts()
    }


def delivered(number: int, at: float, qty: float, **more: object):
    fields = {"demand": "D", "product": "A", "location": "DC", **more}
    return event(
        number,
        "ShipmentDelivered",
        occurred=day(at),
        shipment=f"SH-{number}",
        qty=qty,
        delivered_at=day(at),
        **fields,
    )


def test_a_line_keeps_what_was_ordered_and_says_what_became_of_it(lake_of):
    found = rows(lake_of(past_orders()))
    early = found["EARLY"]
    assert (early["sales_order"], early["customer"]) == ("SO-EARLY", "C")
    assert (early["placed_at"], early["due"]) == (day(1.5), day(5))
    assert early["promised_then"] == day(5)
    assert early["delivered_at"] == day(4)
    assert [name for name, row in found.items() if row["changed"]] == ["CHANGED"]
    assert [name for name, row in found.items() if row["cancelled"]] == ["GONE"]
    assert found["CHANGED"]["qty"] == 1.0
    assert found["LOST"]["promised_then"] is None
    assert found["LOST"]["delivered_at"] is None


def test_nothing_is_known_before_it_was_recorded(lake_of):
    lake = lake_of(past_orders())
    before = rows(lake, known_at=day(3))
    assert list(before) == ["EARLY", "SCARCE"]
    assert before["EARLY"]["delivered_at"] is None
    assert lake.table("gold.order_line_observations").collect().height == 7


def test_a_line_is_there_with_its_last_part(lake_of):
    order = event(1, "OrderPlaced", sales_order="SO", lines=[line("D", qty=10.0)])
    found = rows(lake_of([order, delivered(2, 3, 6.0), delivered(3, 5, 4.0)]))["D"]
    assert (found["first_delivered_at"], found["delivered_at"]) == (day(3), day(5))
    assert found["delivered_qty"] == 10.0


def test_a_part_that_closes_the_line_is_all_of_it(lake_of):
    order = event(1, "OrderPlaced", sales_order="SO", lines=[line("D", qty=10.0)])
    part = rows(lake_of([order, delivered(2, 3, 6.0, closes=True)]))["D"]
    assert part["delivered_at"] == day(3)


def test_what_is_only_asked_for_is_no_order_yet(lake_of):
    quoted = event(
        1, "OrderPlaced", sales_order="SO", lines=[line("D", status="quote")]
    )
    ordered = event(2, "OrderPlaced", sales_order="SO", lines=[line("D", qty=3.0)])
    assert rows(lake_of([quoted])) == {}
    assert rows(lake_of([quoted, ordered]))["D"]["qty"] == 3.0


def test_a_promise_with_its_line_is_an_order(lake_of):
    promise = event(
        1,
        "OrderPromised",
        demand="D",
        qty=3.0,
        promised=day(9),
        line={**line("D", qty=3.0), "sales_order": "SO", "line": 1},
    )
    found = rows(lake_of([promise]))["D"]
    assert (found["qty"], found["promised_then"]) == (3.0, day(9))
