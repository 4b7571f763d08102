"""The scorecard of suppliers, counted by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from medhavi.lakehouse.observations import LEAD_TIME_SCHEMA
from medhavi.predict.scorecards import SCORES, change_point, supplier_scorecard
from tests import factories

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


def day(number):
    return NOW + dt.timedelta(days=number)


def received(subject, stated, came, *, ordered=-200, first=None, product="A"):
    """An order that is there: days from now at which it was stated and came."""
    return {
        "kind": "supplier",
        "subject": subject,
        "product": product,
        "qty": 10.0,
        "ordered_at": day(ordered),
        "promised_at": None if stated is None else day(stated),
        "first_received_at": day(came if first is None else first),
        "received_at": day(came),
        "elapsed_days": float(came - ordered),
        "promised_days": None if stated is None else float(stated - ordered),
    }


def card(rows, orders=()):
    seen = pl.DataFrame(list(rows), schema=dict(LEAD_TIME_SCHEMA))
    tables = factories.snapshot(supply_orders=list(orders))
    found = supplier_scorecard(seen, tables["supply_orders"], NOW)
    assert dict(found.schema) == dict(SCORES)
    return {row["subject"]: row for row in found.to_dicts()}


@pytest.mark.req("SUP-09")
def test_supplier_is_scored_by_what_came_when():
    rows = [
        received("S", -150, -152),
        received("S", -140, -136, first=-139, product="B"),
        received("S", -20, -18),
        received("S", -10, -10),
        received("S", None, -5),
    ]
    row = card(rows)["S"]
    assert (row["orders"], row["judged"], row["products"]) == (5, 4, 2)
    assert (row["on_time"], row["recent_on_time"]) == (0.5, 0.5)
    assert row["on_time_low"] < 0.5 < row["on_time_high"]
    assert (row["late_days_mean"], row["late_days_worst"]) == (3.0, 4.0)
    assert row["bias_days"] == 1.0  # -2, 0, 2, 4
    assert row["split_share"] == 0.2
    assert row["last_received"] == day(-5)


@pytest.mark.req("SUP-09")
def test_what_is_not_there_yet_is_counted_and_the_least_reliable_come_first():
    rows = [received("GOOD", -10, -10), received("BAD", -10, -9)]
    purchase = {"kind": "purchase", "source": "S"}
    orders = [
        {**purchase, "due": day(-1)},
        {**purchase, "due": day(1)},
        {**purchase, "due": day(-9), "status": "planned"},
        {**purchase, "due": day(-9), "status": "completed"},
    ]
    found = card(rows, orders)
    assert list(found) == ["BAD", "GOOD", "S"]
    assert (found["S"]["open"], found["S"]["overdue"]) == (2, 1)
    assert found["S"]["on_time"] is None
    assert (found["GOOD"]["open"], found["GOOD"]["on_time"]) == (0, 1.0)


def test_lanes_are_no_suppliers_and_nothing_is_an_empty_card():
    assert card([{**received("T", -10, -9), "kind": "lane"}]) == {}


@pytest.mark.req("SUP-09")
def test_lanes_are_scored_by_their_transfers():
    seen = pl.DataFrame(
        [{**received("T", -10, -9), "kind": "lane"}], schema=dict(LEAD_TIME_SCHEMA)
    )
    orders = [
        {"kind": "transfer", "source": "T", "due": day(-1)},
        {"kind": "purchase", "source": "S", "due": day(-1)},
    ]
    tables = factories.snapshot(supply_orders=orders)
    (row,) = supplier_scorecard(seen, tables["supply_orders"], NOW, "lane").to_dicts()
    assert (row["subject"], row["on_time"], row["overdue"]) == ("T", 0.0, 1)


@pytest.mark.req("SUP-09")
def test_who_got_slower_is_told_from_the_first_slow_receipt_on():
    steady = [received("S", -150 + at, -150 + at + at % 3) for at in range(40)]
    slow = [received("S", -110 + at, -80 + at, ordered=-180) for at in range(8)]
    found = card([*steady, *slow, *(dict(row, subject="Q") for row in steady)])
    assert found["S"]["changed_at"] == day(-80)
    assert found["S"]["change"] > 0.3
    assert found["Q"]["changed_at"] is None


def test_few_or_equal_values_have_no_change():
    assert change_point(np.array([1.0] * 4 + [9.0] * 30)) != (4, 8.0)
    assert change_point(np.array([1.0] * 4 + [9.0] * 4)) is None
    assert change_point(np.ones(50)) is None
    assert change_point(np.array([])) is None
