"""Dates as people write them: their order, and days of which zone."""

from __future__ import annotations

import json

import polars as pl
import pytest

from medhavi.units import from_seconds
from tests.api import WrittenRequests, open_store, read_requests
from tests.lakehouse.lake_events import event, small_company

OPTION = ("--date-format", "DD.MM.YYYY")


@pytest.fixture
def german(example):
    """Example tables whose due dates are written like 20.11.2026."""
    path = example / "demands.csv"
    frame = pl.read_csv(path, infer_schema=False)
    days = frame["due"].str.head(10).str.to_date().dt.strftime("%d.%m.%Y")
    frame.with_columns(due=days).write_csv(path)
    return example


def test_a_stated_order_of_dates_is_read_and_without_it_the_option_is_named(
    medhavi, german, tmp_path
):
    words = ("check", "--tables", german, "--json")
    bare, read = medhavi(*words), medhavi(*words, *OPTION)
    assert (bare.code, read.code) == (1, 0)
    assert "--date-format DD.MM.YYYY" in bare.err
    planned = medhavi("plan", "--tables", german, *OPTION, "--json")
    assert planned.code == 0
    assert planned.answer["run"]["snapshot_fingerprint"] == read.answer["fingerprint"]
    assert medhavi("plan", "--tables", german).code == 1


@pytest.mark.parametrize("command", ["replenish", "promises at-risk"])
def test_every_command_that_reads_tables_takes_the_order(medhavi, german, command):
    words = (*command.split(), "--tables", german)
    assert "--date-format" in medhavi(*words).err
    assert medhavi(*words, *OPTION).code == 0


def test_an_order_without_a_year_and_one_for_no_file_are_refused(medhavi, tmp_path):
    said = medhavi("check", "--tables", tmp_path, "--date-format", "DD.MM.")
    assert (said.code, "not an order of day, month and year" in said.err) == (2, True)
    said = medhavi("plan", "--lake", tmp_path, *OPTION)
    assert (said.code, "a lake has none" in said.err) == (2, True)


# ------------------------------------------------------------------ a lake in Rome
@pytest.fixture
def lake(medhavi, tmp_path):
    """Lake and store of a company in Rome whose place DC is in New York."""
    url = f"sqlite:///{tmp_path}/events.db"
    moved = event(30, "LocationDefined", location="DC", timezone="America/New_York")
    told = {"setting": "timezone", "value": "Europe/Rome", "approver": "Ada"}
    zone = event(31, "SettingChanged", **told)
    open_store(url).append_many([*small_company(), moved, zone])
    place = ("--lake", tmp_path / "lake", "--from", url)
    assert medhavi("mirror", *place).code == 0
    return place


@pytest.fixture
def asked(tmp_path):
    """Request of the order SO-7, due on 20.01.2026, as a CSV file."""
    path = tmp_path / "asked.csv"
    path.write_text(
        "sales_order,line,product,location,qty,due\nSO-7,1,A,DC,30,20.01.2026\n"
    )
    return path


def test_a_quote_file_of_a_lake_is_read_in_the_stated_order(medhavi, lake, asked):
    words = ("promise", *lake[:2], "--request", asked, "--json")
    bare, read = medhavi(*words), medhavi(*words, *OPTION)
    assert (bare.code, read.code) == (1, 0)
    assert "--date-format DD.MM.YYYY" in bare.err
    snapshot = opened(lake)[0].snapshot()
    written = WrittenRequests(source=asked.read_bytes(), date_format=OPTION[1])
    (request,) = read_requests(written, snapshot).requests
    # The end of 20 January in New York.
    assert from_seconds(request.due).isoformat() == "2026-01-21T05:00:00+00:00"


@pytest.mark.req("ATP-23")
def test_a_promised_date_is_the_end_of_that_day_where_it_is_delivered(
    medhavi, lake, asked
):
    said = medhavi(
        "promise", *lake, "--request", asked, *OPTION, "--commit", "--approver", "Ada",
        "--date", "2026-01-22", "--reason", "their dock is closed",
    )  # fmt: skip
    assert said.code == 0, said.err
    revised = [
        json.loads(one.payload)
        for one in open_store(str(lake[3])).read("commitments")
        if one.type == "PromiseRevised"
    ]
    assert revised[-1]["promised"].startswith("2026-01-23T05:00:00")


def test_as_of_is_the_begin_of_the_companys_day_and_known_at_its_end(medhavi, lake):
    words = ("plan", *lake[:2], "--json")
    as_of = medhavi(*words, "--as-of", "2026-01-08").answer["run"]["as_of"]
    assert as_of.startswith("2026-01-07T23:00:00")
    # The facts of 5 January were recorded on that day: its end knows them.
    assert medhavi(*words, "--known-at", "2026-01-05").answer["rows"]["fulfilment"] == 1
    early = medhavi(*words, "--known-at", "2026-01-04T22:00:00Z")
    assert early.code != 0 or early.answer["rows"]["fulfilment"] == 0


def test_without_a_zone_of_the_company_its_days_are_utc_and_a_warning_says_so(
    medhavi, tmp_path
):
    url = f"sqlite:///{tmp_path}/events.db"
    open_store(url).append_many(small_company())
    place = ("--lake", tmp_path / "lake")
    medhavi("mirror", *place, "--from", url)
    said = medhavi("plan", *place, "--as-of", "2026-01-08", "--json")
    assert said.answer["run"]["as_of"].startswith("2026-01-08T00:00:00")
    assert "settings.timezone states no zone" in said.err


def override(value, **more):
    return {
        "kind": "override", "table": "demands", "key": {"demand": "D-1"},
        "column": "due", "value": value, **more,
    }  # fmt: skip


def opened(lake):
    from tests.api import Workbench, plan

    bench = Workbench(str(lake[1]), str(lake[3]))
    return bench, plan(bench.snapshot(), "mrp", {"engine": "python"})


def test_dates_of_an_override_are_days_where_its_row_is(lake):
    bench, plan = opened(lake)
    shown = bench.preview(plan, override("2026-02-20", valid_to="2026-02-27"))
    assert shown.ready, shown.findings
    assert shown.edit.values["value"] == "2026-02-21T05:00:00Z"
    assert shown.edit.values["valid_to"].isoformat() == "2026-02-28T05:00:00+00:00"
    assert bench.commit_edit(shown, approver="Ada").committed
    due = bench.snapshot()["demands"].filter(pl.col("demand") == "D-1")["due"]
    assert due.item().isoformat() == "2026-02-21T05:00:00+00:00"


def test_the_command_and_the_verb_of_an_override_mean_the_same_day(medhavi, lake):
    bench, plan = opened(lake)
    place = ("demands", {"demand": "D-1"}, "due")
    done = bench.override(plan, place, "2026-02-20", approver="Ada")
    assert done.preview.edit.values["value"] == "2026-02-21T05:00:00Z"
    said = medhavi(
        "orders", "override", "--table", "demands", "--key", "demand=D-1",
        "--column", "due", "--value", "2026-02-24", *lake, "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert said.answer["preview"]["edit"]["value"] == "2026-02-25T05:00:00Z"


def test_dates_of_added_rows_are_days_where_they_are(lake):
    bench, plan = opened(lake)
    row = {"resource": "M", "location": "DC"}
    unit = {
        "resource": "M",
        "units": 2,
        "valid_from": "2026-02-20",
        "valid_to": "2026-02-21",
    }
    rows = [{"table": "resources", "row": row}]
    assert bench.commit_edit(
        bench.preview(plan, {"kind": "add_rows", "rows": rows}), approver="Ada"
    ).committed
    bench, plan = opened(lake)
    rows = [{"table": "resource_units", "row": unit}]
    shown = bench.preview(plan, {"kind": "add_rows", "rows": rows})
    assert shown.ready, shown.findings
    told = shown.rows[0].after
    assert told["valid_from"].isoformat() == "2026-02-20T05:00:00+00:00"
    assert told["valid_to"].isoformat() == "2026-02-22T05:00:00+00:00"
