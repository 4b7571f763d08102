"""Time-phased records: worked by hand, and against the positions of the plan."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl
import pytest

import medhavi as mv
from medhavi.errors import UsageError
from medhavi.findings import BadData
from medhavi.results.amounts import location_zones
from medhavi.results.reports.time_phased import MOVEMENTS, RECORD, TimePhasedRecords
from medhavi.snapshot import Snapshot
from tests import api, factories
from tests.examples import some
from tests.wide_networks import wide_tables

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

DAY = dt.timedelta(days=1)
NOW = factories.AS_OF  # a Monday


@pytest.mark.req("MRP-17")
@pytest.mark.req("MAT-03")
def test_a_textbook_record_comes_out() -> None:
    """Stock 40, a receipt of 30 in week 2, requirements 25, 60, 0, 35; lots of 50.

    Weeks: 40-25=15; 15+30-60 = -15, net 15, lot 50 -> 35; 35; 35-35=0. With a lead time
    of 7 days the lot of week 2 is released in week 1.
    """
    snapshot = factories.snapshot(
        supply_terms=[{"product": "A", "lead_time_days": 7, "lot_multiple": 50}],
        stock=[{"product": "A", "qty": 40}],
        supply_orders=[
            {
                "supply_order": "PO-1",
                "kind": "purchase",
                "product": "A",
                "qty": 30,
                "due": NOW + 8 * DAY,
                "status": "released",
            }
        ],
        demands=[
            {"product": "A", "qty": qty, "due": NOW + days * DAY}
            for days, qty in ((2, 25), (9, 60), (23, 35))
        ],
    )
    record = mv.time_phased(snapshot, api.plan(snapshot, "mrp"), "A", "L")
    assert record.on_hand == 40
    assert record.rows["bucket"].to_list() == [
        None,
        *(NOW.date() + weeks * 7 * DAY for weeks in range(4)),
    ]
    columns = {name: record.rows[name].to_list() for name in RECORD}
    assert columns["gross_requirements"] == [0, 25, 60, 0, 35]
    assert columns["scheduled_receipts"] == [0, 0, 30, 0, 0]
    assert columns["planned_order_receipts"] == [0, 0, 50, 0, 0]
    assert columns["planned_order_releases"] == [0, 50, 0, 0, 0]
    assert columns["projected_available_balance"] == [40, 15, 35, 35, 0]
    assert columns["net_requirements"] == [0, 0, 15, 0, 0]


@pytest.mark.req("MRP-17")
def test_what_should_have_begun_is_past_due() -> None:
    snapshot = factories.snapshot(
        supply_terms=[{"product": "A", "lead_time_days": 20}],
        demands=[{"product": "A", "qty": 5, "due": NOW + 10 * DAY}],
    )
    made = api.plan(snapshot, "mrp")
    rows = mv.time_phased(snapshot, made, "A", "L", "day").rows
    past = rows.row(0, named=True)
    assert past["bucket"] is None
    assert past["planned_order_releases"] == 5
    assert rows["planned_order_receipts"].sum() == 5
    assert rows["bucket"][-1] == (NOW + 10 * DAY).date()


@pytest.mark.req("MRP-17")
def test_buckets_follow_the_wall_clock_of_the_location() -> None:
    """Midnight UTC is the evening before in New York."""
    snapshot = factories.snapshot(
        locations=[{"location": "L", "timezone": "America/New_York"}],
        supply_terms=[{"product": "A", "lead_time_days": 1}],
        demands=[{"product": "A", "qty": 5, "due": NOW + 10 * DAY}],
    )
    record = mv.time_phased(snapshot, api.plan(snapshot, "mrp"), "A", "L", "day")
    needed = record.movements.filter(pl.col("kind") == "gross requirement")
    assert needed["bucket"].to_list() == [(NOW + 9 * DAY).date()]


@pytest.mark.req("MRP-17")
def test_stock_that_expires_leaves_the_balance() -> None:
    snapshot = factories.snapshot(
        products=[{"product": "A", "shelf_life_days": 5}],
        supply_terms=[{"product": "A", "lead_time_days": 1}],
        stock=[{"product": "A", "qty": 7, "expires_at": NOW + 5 * DAY}],
        demands=[{"product": "A", "qty": 3, "due": NOW + 20 * DAY}],
    )
    record = mv.time_phased(snapshot, api.plan(snapshot, "mrp"), "A", "L")
    assert record.rows["expired"].to_list() == [0, 7, 0, 0]
    assert record.rows["projected_available_balance"].to_list() == [7, 0, 0, 0]


@pytest.mark.req("MRP-17")
@pytest.mark.parametrize("mode", ["mrp", "constrained"])
@pytest.mark.parametrize("seed", some(range(12), 4))
def test_balances_are_those_of_the_positions(seed: int, mode: str) -> None:
    """Random companies: a record by week ends where the positions of the plan end."""
    snapshot = Snapshot.from_frames(factories.tables(**wide_tables(seed)))
    try:
        made = api.plan(snapshot, mode)
    except BadData as refused:
        pytest.skip(str(refused)[:60])
    records = TimePhasedRecords(made, snapshot)
    now, zones = NOW.date(), location_zones(snapshot)
    for product, location in records.items().rows():
        record = records.of(product, location)
        here = (pl.col("product") == product) & (pl.col("location") == location)
        if _apart(made, snapshot, product, location):
            continue
        stated = made.positions.filter(here)
        gross = record.rows["gross_requirements"].sum()
        assert stated["gross"].sum() == pytest.approx(gross)
        came = record.rows.select("scheduled_receipts", "planned_order_receipts")
        assert stated["inbound"].sum() == pytest.approx(came.sum_horizontal().sum())
        ends = dict(
            record.rows.select("bucket", "projected_available_balance").iter_rows()
        )
        for row in stated.iter_rows(named=True):
            day = row["bucket"].date()
            # Positions have buckets in UTC.
            if day >= now and day in ends and zones[location] == "UTC":
                assert ends[day] == pytest.approx(row["on_hand"], abs=1e-3)


def _apart(made: Plan, snapshot: Snapshot, product: str, location: str) -> bool:
    """Whether positions count otherwise: customers' lots, no limit, short demands."""
    here = (pl.col("product") == product) & (pl.col("location") == location)
    short = made.fulfilment.filter(pl.col("short") > 0)["demand"].to_list()
    tables = (
        snapshot["stock"].filter(here & pl.col("owner").is_not_null()),
        snapshot["inventory_policies"].filter(
            (pl.col("product") == product) & pl.col("unlimited")
        ),
        snapshot["demands"].filter(here & pl.col("demand").is_in(short)),
    )
    return any(rows.height for rows in tables)


def test_an_unmet_demand_stays_a_requirement() -> None:
    snapshot = factories.snapshot(demands=[{"product": "A", "qty": 5, "due": NOW}])
    for mode in ("mrp", "constrained"):
        rows = mv.time_phased(snapshot, api.plan(snapshot, mode), "A", "L").rows
        assert rows["gross_requirements"].to_list() == [0, 5]
        assert rows["net_requirements"].to_list() == [0, 5]
        assert rows["projected_available_balance"].to_list() == [0, -5]


def test_an_unlimited_item_is_never_short() -> None:
    snapshot = factories.snapshot(
        inventory_policies=[{"product": "A", "location": "L", "unlimited": True}],
        demands=[{"product": "A", "qty": 5, "due": NOW}],
    )
    rows = mv.time_phased(snapshot, api.plan(snapshot, "mrp"), "A", "L").rows
    assert rows["gross_requirements"].sum() == 5
    assert rows["net_requirements"].sum() == 0


def test_the_frames_have_their_columns() -> None:
    snapshot = factories.snapshot(stock=[{"product": "A", "qty": 1}])
    record = mv.time_phased(snapshot, api.plan(snapshot, "mrp"), "A", "L", "month")
    assert dict(record.rows.schema) == RECORD
    assert dict(record.movements.schema) == MOVEMENTS
    assert record.rows["projected_available_balance"].to_list() == [1, 1]


@pytest.mark.parametrize(
    ("item", "bucket", "words"),
    [
        (("A", "X"), "week", "no item A at X"),
        (("A", "L"), "year", "'year' is not a bucket; choose day, week, month"),
    ],
)
def test_bad_questions_are_refused(
    item: tuple[str, str], bucket: str, words: str
) -> None:
    snapshot = factories.snapshot(stock=[{"product": "A", "qty": 1}])
    made = api.plan(snapshot, "mrp")
    with pytest.raises(UsageError, match=words):
        mv.time_phased(snapshot, made, *item, bucket)  # type: ignore[arg-type]
