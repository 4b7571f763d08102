"""Record of deliveries by hand, what is owed and bought, in words."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from medhavi.lakehouse.observations import LEAD_TIME_SCHEMA
from medhavi.predict.scorecards import supplier_scorecard
from medhavi.views.plan_pages.suppliers import (
    NO_RECORD,
    OrderDates,
    buy_rows,
    change_words,
    days_words,
    delivery_chart,
    owed_rows,
    record_rows,
    served_finding,
    served_rows,
    supplier_finding,
    supplier_tiles,
)
from medhavi.views.theme import token
from medhavi.workbench.files.tables_run import plan_snapshot
from tests import factories
from tests.api import Names, names_of
from tests.factories import AS_OF
from tests.views.big_plan import hand
from tests.views.mark_names import unnamed_marks

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


def record(subject: str, days: list[float]) -> pl.DataFrame:
    """Scorecard of orders that came a week apart, 10 days being stated."""
    rows = history((subject, days)).select(
        "subject",
        "on_time",
        kind=pl.lit("supplier"),
        received_at="known_at",
        elapsed_days="lead_days",
        promised_days="stated_days",
        promised_at=pl.col("known_at")
        - pl.duration(days=pl.col("lead_days") - pl.col("stated_days")),
    )
    seen = pl.DataFrame(schema=dict(LEAD_TIME_SCHEMA))
    seen = pl.concat([seen, rows], how="diagonal_relaxed")
    return supplier_scorecard(seen, factories.snapshot()["supply_orders"], NOW)


@pytest.mark.req("SUP-09")
def test_who_got_slower_is_named_with_its_day():
    found = record("S-1", [*[10.0, 10.5, 9.5, 10.0] * 6, *[14.0, 13.5, 14.5] * 3])
    names = Names(texts={"S-1": "Rhein"}, zone="Europe/Rome")
    told = supplier_finding(found, names)
    assert "Rhein is slower by 40 % of its stated lead time since 7 Sep 2026" in told
    (row,) = record_rows(found, hand(), names).to_dicts()
    assert (row["Name"], change_words(row["Change"])) == ("Rhein", "slower by 40 %")
    assert days_words(row["Stated"]) == "10 d"
    assert (row["Open orders"], row["Open value"], row["Planned value"]) == (0, 0, 0)


@pytest.mark.req("SUP-09")
def test_who_got_slower_most_stands_first_and_every_figure_is_a_number():
    slow = [*[10.0] * 24, *[14.0] * 9]
    slower = [*[10.0] * 24, *[18.0] * 9]
    found = pl.concat(
        [record(*one) for one in (("A", [9.0] * 30), ("B", slow), ("C", slower))]
    )
    rows = record_rows(found, hand(), Names())
    assert rows["Name"].to_list() == ["C", "B", "A"]
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    assert texts == ["Name"]
    assert record_rows(NO_RECORD, hand(), Names()).is_empty()


@pytest.mark.req("SUP-07")
def test_what_is_open_and_planned_is_summed_by_supplier():
    snapshot = bought()
    plan = plan_snapshot(snapshot)
    (row,) = record_rows(record("S", [10.0] * 9), plan, Names()).to_dicts()
    own = plan.supplies.filter(source="S")
    is_open = own["status"] == "released"
    assert row["Open orders"] == is_open.sum() == 1
    assert row["Open value"] == pytest.approx(own.filter(is_open)["cost"].sum())
    assert row["Planned value"] == pytest.approx(own.filter(~is_open)["cost"].sum())
    assert row["Planned value"] > row["Open value"] > 0


# Monday 5 January 2026 to Friday, 08:00 to 16:00.
OFFICE = {
    "calendars": [{"calendar": "OFFICE", "timezone": "Europe/Rome"}],
    "shifts": [
        {
            "calendar": "OFFICE",
            "weekday": weekday,
            "start": dt.time(8),
            "finish": dt.time(16),
        }
        for weekday in range(1, 6)
    ],
}


@pytest.mark.req("SUP-07")
@pytest.mark.parametrize(
    ("calendars", "start", "told"),
    [
        # Saturday and Monday night: the last open moment before.
        ("supplier", "2026-01-10 15:00", "2026-01-09 16:00"),
        ("supplier", "2026-01-13 02:00", "2026-01-12 16:00"),
        ("supplier", "2026-01-13 10:00", "2026-01-13 10:00"),
        # What has to go out before anybody is there is ordered when they open.
        ("supplier", "2026-01-05 02:00", "2026-01-05 08:00"),
        # The place alone has hours: its day; nobody has: the day as it is.
        ("location", "2026-01-10 15:00", "2026-01-09 00:00"),
        ("", "2026-01-10 15:00", "2026-01-10 00:00"),
    ],
)
def test_an_order_is_due_while_somebody_takes_it(calendars, start, told):
    calendar = {f"{calendars}s": [{calendars: "X", "calendar": "OFFICE"}]}
    snapshot = factories.snapshot(**OFFICE, **(calendar if calendars else {}))
    names = Names(zone="Europe/Rome")
    rome = ZoneInfo("Europe/Rome")
    now = dt.datetime(2026, 1, 5, 1, tzinfo=rome)
    dates = OrderDates(snapshot, names, int(now.timestamp()))
    moment = dt.datetime.fromisoformat(start).replace(tzinfo=rome)
    found = dates.order_by(moment.astimezone(dt.UTC), "X", "X")
    assert found.isoformat(" ", "minutes") == told


def test_without_deliveries_it_says_so():
    assert supplier_finding(NO_RECORD, Names()) == "No delivery is known"
    assert delivery_chart(history(("S", [1.0])), NO_RECORD, "X", Names()) is None


def test_the_picture_marks_the_change():
    days = [10.0, 10.2] * 8 + [15.0] * 8
    drawn = delivery_chart(history(("S", days)), record("S", days), "S", Names())
    assert drawn is not None
    assert "slower since" in str(drawn.to_dict()["title"])
    assert unnamed_marks(drawn) == []
    assert "10 d, stated" in str(drawn.to_dict())


def test_the_legend_of_deliveries_has_the_hues_of_the_picture():
    """Hue and shape of one field in one order have one legend: 'late' is not green."""
    days = [10.0, 10.2] * 8
    drawn = delivery_chart(history(("S", days)), record("S", days), "S", Names())
    assert drawn is not None
    points = drawn.to_dict()["layer"]
    (encoded,) = [one["encoding"] for one in points if "shape" in one["encoding"]]
    hue, shape = encoded["color"], encoded["shape"]
    assert hue["field"] == shape["field"] == "kept"
    assert hue["scale"]["domain"] == shape["scale"]["domain"] == ["on time", "late"]
    assert hue["scale"]["range"] == [token("good"), token("bad")]
    assert hue["legend"] == shape["legend"]


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
    (first,) = buy_rows(plan, snapshot, names, 7).to_dicts()
    assert owed["Cost"] == pytest.approx(2.0)
    told = first["From"], first["Quantity"], first["Unit"]
    assert told == ("Glassworks", 4.0, "each"), "a number, to be summed in a workbook"
    assert (first["Item number"], first["Source number"]) == ("A", "S")
    assert first["Overdue"] == "1 d", "mode mrp starts in the past"
    late = plan.supplies.with_columns(start=pl.col("start") - dt.timedelta(days=9))
    overdue = buy_rows(plan.replace(supplies=late), snapshot, names, 7)
    assert overdue["Overdue"][0] == "10 d"
    assert buy_rows(plan, snapshot, names, 60).height == 2
    tiles = {one.label: one for one in supplier_tiles(plan, NO_RECORD, names)}
    assert tiles["To order in 7 days"].figure == "1"
    assert tiles["Overdue receipts"].note == "of 1 open purchase or transfer; target 0"
    assert tiles["On time, last 90 days"].figure != "0 %"
    assert tiles["On time, last 90 days"].rows == "tab=delivery-record"
    assert tiles["To order in 7 days"].rows == "tab=buy-list"
    assert tiles["Overdue receipts"].rows == (
        "tab=open-orders&due=overdue" if tiles["Overdue receipts"].figure != "0" else ""
    )


@pytest.mark.req("SUP-09")
def test_who_is_hit_by_a_supplier_is_told_by_late_cost():
    day = dt.timedelta(days=1)
    snapshot = factories.snapshot(
        products=[
            {"product": "CAP", "name": "Cap"},
            {"product": "A", "name": "Jar"},
            {"product": "B", "name": "Lid"},
        ],
        suppliers=[{"supplier": "S"}, {"supplier": "T"}],
        customers=[{"customer": "C", "name": "Corner shop"}],
        supply_terms=[
            {"product": "CAP", "lead_time_days": 3},
            {"product": "B", "supplier": "T", "lead_time_days": 1},
        ],
        routings=[{"routing": "R", "product": "A"}],
        bom_lines=[{"component": "CAP"}],
        demands=[
            # The cap comes on day 3: the first is a day late, the second in time.
            {"demand": "1", "product": "A", "qty": 5, "due": AS_OF + 2 * day},
            {"demand": "2", "product": "A", "qty": 7, "due": AS_OF + 9 * day},
            {"demand": "3", "product": "B", "qty": 1, "due": AS_OF + 2 * day},
        ],
    )
    plan, names = plan_snapshot(snapshot, "constrained"), names_of(snapshot)
    rows = served_rows(plan, snapshot, "S", names)
    assert rows["Demand"].to_list() == ["1", "2"]
    assert rows["Verdict"].to_list() == ["late", "on time"]
    assert rows["Late"].to_list() == ["1 d", ""]
    told = served_finding(plan, "S", names)
    assert rows["Waits for it"].to_list() == ["1 d", ""]
    assert told.startswith("2 demands are served by its orders, 1 late or short")
    assert told.endswith("; 1 of these wait for its goods")
    assert served_rows(plan, snapshot, "nobody", names).is_empty()
