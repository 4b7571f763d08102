"""Observed lead times: what counts as received, and when it was known."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api import Lake
from tests.lakehouse.lake_events import day, event, store_of
from tests.purchases import bought, moment

TABLE = "gold.lead_time_observations"


def placed(number: int, order: str, at: float, **cells: object):
    row = {
        "kind": "purchase",
        "product": "A",
        "location": "DC",
        "qty": 30.0,
        "due": day(at + 10),
        "source": "S",
    }
    return event(
        number,
        "SupplyOrderPlaced",
        occurred=day(at),
        supply_order=order,
        **{**row, **cells},
    )


def received(number: int, order: str, at: float, qty: float, recorded: float = 0.0):
    return event(
        number,
        "SupplyOrderReceived",
        occurred=day(at),
        recorded=day(at + recorded),
        supply_order=order,
        qty=qty,
        received_at=day(at),
    )


@pytest.fixture
def lake_of(tmp_path):
    def make(*batches) -> Lake:
        lake = Lake(tmp_path / "lake")
        lake.mirror(store_of(batches))
        return lake

    return make


def test_an_order_is_observed_when_all_of_it_is_there(lake_of):
    lake = lake_of(
        placed(1, "PO", 0),
        received(2, "PO", 8, 20.0),
        received(3, "PO", 12, 10.0, recorded=0.5),
    )
    (row,) = lake.table(TABLE).collect().to_dicts()
    assert (row["kind"], row["subject"], row["product"]) == ("supplier", "S", "A")
    assert (row["elapsed_days"], row["promised_days"]) == (12.0, 10.0)
    assert row["first_received_at"] == day(8)
    assert row["known_at"] == day(12.5)
    assert row["on_time"] is False


def test_what_is_half_received_is_not_observed_unless_no_more_comes(lake_of):
    half = (placed(1, "PO", 0), received(2, "PO", 8, 20.0))
    done = event(
        3,
        "SupplyOrderCompleted",
        occurred=day(15),
        supply_order="PO",
        completed_at=day(15),
    )
    assert lake_of(*half).table(TABLE).collect().is_empty()
    (row,) = lake_of(*half, done).table(TABLE).collect().to_dicts()
    assert (row["elapsed_days"], row["known_at"]) == (8.0, day(15))


def test_a_receipt_booked_twice_changes_nothing(lake_of):
    lake = lake_of(
        placed(1, "PO", 0), received(2, "PO", 9, 30.0), received(3, "PO", 20, 30.0)
    )
    assert lake.table(TABLE).collect()["elapsed_days"].to_list() == [9.0]


def test_work_cancelled_orders_and_unknown_ones_are_no_observations(lake_of):
    lake = lake_of(
        placed(1, "WO", 0, kind="work", source="R"),
        received(2, "WO", 5, 30.0),
        placed(3, "GONE", 5),
        event(4, "SupplyOrderCancelled", occurred=day(6), supply_order="GONE"),
        received(5, "GONE", 7, 30.0),
        received(6, "NOBODY", 8, 30.0),
        placed(7, "NO-SOURCE", 9, source=None),
    )
    assert lake.table(TABLE).collect().is_empty()


def test_a_transport_begins_where_it_departed_and_is_late_by_what_was_booked(lake_of):
    lake = lake_of(
        placed(1, "TO", 0, kind="transfer", start=day(1), due=day(3), source="LANE"),
        event(
            2,
            "SupplyOrderStarted",
            occurred=day(4),
            supply_order="TO",
            started_at=day(4),
        ),
        received(3, "TO", 6, 30.0),
    )
    (row,) = lake.table(TABLE).collect().to_dicts()
    assert (row["kind"], row["subject"]) == ("lane", "LANE")
    assert (row["elapsed_days"], row["promised_days"]) == (2.0, 2.0)
    assert (row["booked_at"], row["begun_at"]) == (day(1), day(4))
    assert row["on_time"] is False


def test_a_later_confirmation_does_not_change_what_was_promised(lake_of):
    lake = lake_of(
        placed(1, "PO", 0),
        event(
            2, "SupplyOrderConfirmed", occurred=day(2), supply_order="PO", due=day(30)
        ),
        received(3, "PO", 12, 30.0),
    )
    assert lake.table(TABLE).collect()["promised_at"].to_list() == [day(10)]


def test_a_receipt_before_its_order_makes_no_length(lake_of):
    lake = lake_of(placed(1, "PO", 5), received(2, "PO", 3, 30.0, recorded=9))
    assert lake.table(TABLE).collect().is_empty()


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("year") / "lake")
    lake.mirror(store_of(bought(60, moved=20)))
    return lake


def test_the_table_answers_sql_and_api_alike(year):
    rows = year.table(TABLE).collect()
    asked = year.query(f"SELECT * FROM {TABLE} ORDER BY known_at, supply_order")
    assert rows.height == 80
    assert asked["supply_order"].to_list() == rows["supply_order"].to_list()
    assert rows["known_at"].is_sorted()


@settings(max_examples=15)
@given(st.floats(0.0, 400.0))
def test_what_was_known_then_is_the_part_recorded_by_then(year, days):
    then = moment(days)
    whole = year.lead_time_observations()
    part = year.lead_time_observations(known_at=then)
    assert part.equals(whole.filter(pl.col("known_at") <= then))
