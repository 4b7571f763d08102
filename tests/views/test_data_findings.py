"""The findings of the data page: order, words, tiles, what is refused, pictures."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from medhavi.findings import Severity, finding
from medhavi.views.data_pages.finding_list import (
    FindingList,
    asks_for_nothing,
    data_finding,
    data_findings,
    data_tiles,
    group_html,
    refused_rows,
)
from medhavi.views.names import NOTHING
from medhavi.views.pictures.events import event_chart, events_by_day, table_chart
from medhavi.views.plan_pages.cockpit import numbers_of
from medhavi.workbench.files.tables_run import plan_snapshot
from tests import factories
from tests.api import Names, names_of
from tests.factories import AS_OF
from tests.views.mark_names import unnamed_marks

HOUR = dt.timedelta(hours=1)


@pytest.fixture(scope="module")
def company():
    """The second demand is for a product that nobody knows."""
    sound = factories.snapshot(
        products=[{"product": "A", "name": "Soap"}],
        demands=[{"demand": "D-1"}, {"demand": "D-2"}],
    )
    first, second = sound["demands"].to_dicts()
    return sound.replace(demands=[first, {**second, "product": "AA"}])


def listed(company, *more):
    findings = data_findings(company, (*company.findings, *more))
    return FindingList(company, findings, None)


@pytest.mark.req("ENR-10")
def test_what_asks_for_something_stands_first(company) -> None:
    note = finding("PLAN010", table="lanes", value="mrp", what="tariffs")
    known = listed(company, note)
    rows = known.rows(names_of(company), everything=True)
    assert rows["Severity"][0] == "▲ error"
    assert rows["Severity"][-1] == "○ note"
    assert rows["Code"][-1] == "PLAN030"
    short = known.rows(names_of(company), everything=False)
    assert "PLAN030" not in short["Code"].to_list()
    assert known.number(Severity.ERROR) == 1


def test_a_finding_names_the_row_of_the_file_and_links_to_its_page(company) -> None:
    known = listed(company)
    rows = known.rows(names_of(company), everything=False)
    assert rows["Where"][0] == "demands · product"
    assert rows["Row"][0] == "D-2, row 2"
    told = group_html(known, 0, names_of(company))
    assert "<h3>SNAP011 " in told
    assert "demand=D-2" in told
    assert "<div>AA</div>" in told
    asked = "?mode=mrp&amp;tab=correct-a-cell&amp;table=demands&amp;row=2&amp;"
    told = group_html(known, 0, names_of(company), "?mode=mrp&{rows}")
    assert f'href="{asked}column=product&amp;value="' in told
    assert "{" not in told


def test_the_subtitle_counts_what_asks_for_something(company) -> None:
    told = data_finding(listed(company), AS_OF - 2 * HOUR, AS_OF)
    assert told.startswith("1 error, ")
    assert told.endswith("; newest file 2 hours ago")
    assert " in 4 tables;" in told


def test_the_subtitle_counts_findings_of_the_plan_apart() -> None:
    """The start page counts those of the tables: both numbers are the same."""
    found = finding("PLAN010", table="lanes", value="mrp", what="tariffs")
    warned = replace(found, severity=Severity.WARNING, remedy="Do it.")
    sound = factories.snapshot(demands=[{"demand": "D-1"}])
    plan = plan_snapshot(sound)
    known = FindingList(sound, (*sound.findings, warned), plan)
    told = data_finding(known, AS_OF, AS_OF)
    own = sum(not asks_for_nothing(one) for one in sound.findings)
    assert told.startswith(f"0 errors, {own} warning")
    assert "; 1 warning of their plan;" in told
    assert (own == 0) == ("no findings" in numbers_of(sound)["data"])
    alone = FindingList(sound, sound.findings, plan)
    assert "of their plan" not in data_finding(alone, AS_OF, AS_OF)


def test_rows_that_are_held_back_are_refused_with_their_reason(company) -> None:
    held = company.hold_bad_rows()
    quarantine = pl.DataFrame(
        [
            {
                "position": 812,
                "code": "EVT004",
                "reason": "payload",
                "detail": "qty is a text",
                "type": "StockMoved",
                "payload": '{"qty":"x"}',
            }
        ]
    )
    rows = refused_rows(held, quarantine, names_of(held)).to_dicts()
    assert [row["What"] for row in rows] == ["row of demands", "StockMoved"]
    assert rows[0]["Code"] == "SNAP011"
    assert rows[1]["Where"] == "position 812"
    assert rows[1]["Reason"] == "payload: qty is a text"
    known = FindingList(held, data_findings(held, held.findings), None)
    assert known.number(Severity.ERROR) == 1
    tiles = data_tiles(
        known, Names(), quarantined=1, recent=[3], newest=("Monday", "2 hours ago")
    )
    assert [tile.figure for tile in tiles] == ["1", tiles[1].figure, NOTHING, "2", "2"]
    assert tiles[3].note == "1 row, 1 event"
    assert tiles[4].unit == "hours ago"


@pytest.mark.req("UI-09", "NEX-05")
def test_events_are_counted_by_local_day_and_kind() -> None:
    late = dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC)
    rows = [(kind, late) for kind in ("a", "a", "b", "c", "d", "e")]
    rows.append(("a", late - dt.timedelta(days=100)))
    schema = {"category": pl.String, "recorded_at": pl.Datetime("us", "UTC")}
    events = pl.DataFrame(rows, schema=schema, orient="row")
    told = events_by_day(events, "Europe/Rome").to_dicts()
    assert {row["day"] for row in told} == {dt.date(2026, 3, 2)}
    assert {row["kind"]: row["number"] for row in told}["a"] == 2
    assert {row["kind"]: row["number"] for row in told}["other"] == 2
    chart = event_chart(events, Names())
    assert chart is not None
    assert chart.to_dict()["title"]["text"].startswith("6 events recorded")
    assert unnamed_marks(chart) == []
    named = {row["named"] for row in chart.to_dict()["data"]["values"]}
    assert "Sun 1 Mar: 2 events, a" in named
    assert event_chart(events.clear(), Names()) is None


def test_tables_with_findings_are_drawn_first(company) -> None:
    wrong = {"demands": [one for one in company.findings if one.table == "demands"]}
    chart = table_chart({"products": 9, "demands": 2, "lanes": 0}, wrong)
    assert chart is not None
    rows = chart.to_dict()["data"]["values"]
    assert [row["table"] for row in rows] == ["demands", "products"]
    assert chart.to_dict()["title"]["text"] == "11 rows in 2 tables"
    assert unnamed_marks(chart) == []
    assert table_chart({"lanes": 0}, {}) is None
