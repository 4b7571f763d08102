"""Record of deliveries by hand, what is owed and bought, in words."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from medhavi.results.reports.delivery_record import delivery_record, no_deliveries
from medhavi.views.pictures.delivery_record import delivery_chart
from medhavi.views.suppliers import (
    buy_rows,
    owed_rows,
    record_rows,
    supplier_finding,
    supplier_tiles,
)
from medhavi.workbench.files.tables_run import plan_snapshot
from tests import factories
from tests.api import Names, names_of
from tests.factories import AS_OF

NOW = dt.datetime(2026, 11, 2, 6, tzinfo=dt.UTC)


def history(*parts: tuple[str, list[float]]) -> pl.DataFrame:
    """Deliveries a week apart up to now; 10 days are stated."""
    rows = [
        {
            "subject": subject,
            "known_at": NOW - dt.timedelta(weeks=len(days) - 1 - at),
            "lead_days": lead,
            "stated_days": 10.0,
            "on_time": lead <= 10,
        }
        for subject, days in parts
        for at, lead in enumerate(days)
    ]
    return pl.DataFrame(rows)


@pytest.mark.req("SUP-09")
def test_shares_and_ratios_are_those_of_the_deliveries():
    known = history(("S-1", [10.0, 12.0, 9.0, 11.0]))
    (row,) = delivery_record(known, NOW, recent_days=8).to_dicts()
    assert (row["deliveries"], row["recent"]) == (4, 2)
    assert (row["on_time"], row["recent_on_time"]) == (0.5, 0.5)
    assert (row["ratio"], row["recent_ratio"]) == pytest.approx((1.05, 1.0))
    assert row["changed_at"] is None


def test_what_comes_after_now_does_not_count():
    known = history(("S-1", [10.0, 12.0]))
    early = NOW - dt.timedelta(days=1)
    assert delivery_record(known, early)["deliveries"].to_list() == [1]
    assert delivery_record(known, NOW - dt.timedelta(days=99)).is_empty()


def test_who_got_slower_is_named_with_the_first_slow_delivery():
    steady = [10.0, 10.5, 9.5, 10.0] * 6
    record = delivery_record(
        history(("S-1", [*steady, *[14.0, 13.5, 14.5] * 3]), ("S-2", steady)), NOW
    )
    changed = {row["subject"]: row for row in record.to_dicts()}
    assert changed["S-1"]["changed_at"] == NOW - dt.timedelta(weeks=8)
    assert changed["S-1"]["change"] == pytest.approx(0.4)
    assert changed["S-2"]["changed_at"] is None
    told = supplier_finding(record, Names(texts={"S-1": "Rhein"}, zone="Europe/Rome"))
    assert "Rhein is slower by 40 % of its stated lead time since 7 Sep 2026" in told
    rows = record_rows(record, Names()).to_dicts()
    assert rows[0]["Change"] == "slower by 40 points"


def test_few_or_equal_deliveries_have_no_change():
    few = history(("S-1", [10.0] * 4 + [20.0] * 4), ("S-2", [10.0] * 30))
    assert delivery_record(few, NOW)["changed_at"].null_count() == 2


def test_without_deliveries_it_says_so():
    assert supplier_finding(no_deliveries(), Names()) == "No delivery is known"
    assert delivery_chart(history(("S", [1.0])), no_deliveries(), "X", Names()) is None


def test_the_picture_marks_the_change():
    known = history(("S-1", [10.0, 10.2] * 8 + [15.0] * 8))
    record = delivery_record(known, NOW)
    drawn = delivery_chart(known, record, "S-1", Names())
    assert drawn is not None
    assert "slower since" in str(drawn.to_dict()["title"])


def bought():
    day = dt.timedelta(days=1)
    return factories.snapshot(
        products=[{"product": "A", "name": "Jar", "unit_cost": 2.0}],
        suppliers=[{"supplier": "S", "name": "Glassworks"}],
        supply_terms=[
            {"product": "A", "supplier": "S", "lead_days": 2, "unit_price": 2.0}
        ],
        demands=[
            {"demand": "1", "product": "A", "qty": 5, "due": AS_OF + 4 * day},
            {"demand": "2", "product": "A", "qty": 7, "due": AS_OF + 40 * day},
        ],
        supply_orders=[
            {
                "supply_order": "PO-1",
                "kind": "purchase",
                "product": "A",
                "qty": 1,
                "due": AS_OF - day,
                "status": "released",
                "source": "S",
            }
        ],
    )


@pytest.mark.req("SUP-07")
def test_what_is_owed_and_what_is_to_be_ordered():
    snapshot = bought()
    plan, names = plan_snapshot(snapshot), names_of(snapshot)
    (owed,) = owed_rows(plan, names).to_dicts()
    assert (owed["From"], owed["Order"], owed["Item"]) == ("Glassworks", "PO-1", "Jar")
    (first,) = buy_rows(plan, names, 7).to_dicts()
    assert (first["From"], first["Quantity"]) == ("Glassworks", "4")
    assert buy_rows(plan, names, 60).height == 2
    tiles = {one.label: one for one in supplier_tiles(plan, no_deliveries(), names)}
    assert tiles["To order in 7 days"].figure == "1"
    assert tiles["On time, last 90 days"].figure != "0 %"
