"""The list of promises on the page: found, filtered, asked again, released."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import polars as pl
import pytest

from medhavi.results.plans.lateness import outcomes
from medhavi.service.plan_pages.plan_loading import plan_of
from medhavi.service.promise_pages import promise_list, promise_page
from medhavi.service.promise_pages.open_lists import records_of
from medhavi.service.promise_pages.promise_commit import commit
from medhavi.service.promise_pages.promise_page import ask
from medhavi.views.names import NOTHING
from medhavi.views.promises.records import (
    TO_KEEP,
    PromiseFilter,
    filtered_promises,
    promise_html,
    promise_rows,
    records_finding,
    records_tiles,
)
from tests import factories
from tests.api import DataSource, Names, PageData, load_data
from tests.service.promise_company import SHORT, page_of, promise_company

STOCKED = {**SHORT, "qty": "2", "due": "2026-01-20 09:00"}


@pytest.fixture(autouse=True)
def no_memory():
    promise_page.forget()


@pytest.fixture
def company(tmp_path) -> PageData:
    return page_of(promise_company(tmp_path))


@pytest.fixture
def records(company) -> pl.DataFrame:
    """Records with one promise of two crates for the corner shop."""
    assert commit(company, ask(company, STOCKED), "Ada").kept
    return records_of(company)


def today(company) -> PageData:
    """The page with the tables of now."""
    return page_of(company.source.lake)


def test_a_promise_that_was_made_is_in_the_list_in_words(company, records):
    (row,) = promise_rows(records, company.names).to_dicts()
    assert row["Number"] == "Q-0001"
    assert row["Customer"] == "Corner shop"
    assert row["Product"] == "Apple crate"
    assert (row["Quantity"], row["Approved by"]) == (2.0, "Ada")
    assert row["State"] == "○ open"
    assert row["Probability"].endswith(" %")
    assert row["Zone"] == "Europe/Rome"
    told = promise_html(records.to_dicts()[0], company.names)
    for words in ("Q-0001", "Corner shop", "Apple crate", "approved by Ada"):
        assert words in told


def test_pages_call_a_promise_without_an_order_by_its_number(
    company, records, monkeypatch
):
    monkeypatch.setenv("MEDHAVI_LAKE", company.source.lake)
    shown = load_data()
    (demand,) = records["demand"]
    assert shown.names.name(demand) == "Q-0001"
    assert promise_page.named(shown).names.name(demand) == "Q-0001"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (PromiseFilter(), 1),
        (PromiseFilter(state=TO_KEEP), 1),
        (PromiseFilter(state="delivered"), 0),
        (PromiseFilter(customer="C-1", product="A", number="q-00"), 1),
        (PromiseFilter(product="J-7"), 0),
        (PromiseFilter(number="SO-"), 0),
    ],
)
def test_filters_keep_what_they_name(records, wanted, found):
    assert filtered_promises(records, wanted).height == found


def test_what_is_found_at_risk_is_so_in_the_list(company, records):
    now = company.snapshot.as_of
    (demand,) = records["demand"]
    watch = SimpleNamespace(at_risk=[SimpleNamespace(demand=demand)])
    risky = promise_list.with_standing(records, None, watch)
    assert risky["state"].to_list() == ["at risk"]
    assert records_finding(risky, now).startswith("1 promise to keep, 1 at risk")
    tiles = {tile.label: tile for tile in records_tiles(risky, now)}
    assert tiles["Promises at risk"].figure == "1"
    assert tiles["Overdue"].state == "good"
    assert tiles["Promises at risk"].word == "overdue ones apart"
    # Before all promises are asked again nobody knows that none is.
    unchecked = records_tiles(records, now, is_checked=False)
    unasked = next(tile for tile in unchecked if tile.label == "Promises at risk")
    assert (unasked.figure, unasked.state, unasked.note) == (
        NOTHING,
        "",
        "Not checked yet",
    )
    assert "promises-at-risk" in unasked.rows


@pytest.mark.req("ATP-20")
@pytest.mark.parametrize(
    ("hours", "state"), [(0, "holds"), (-1, "not kept")], ids=["kept", "too late"]
)
def test_an_open_promise_says_whether_the_plan_keeps_it(company, records, hours, state):
    plan = plan_of(today(company).snapshot, "constrained")
    (demand,) = records["demand"]
    planned = outcomes(plan).filter(pl.col("demand") == demand)["date"].item()
    promised = planned + dt.timedelta(hours=hours)
    made = records.with_columns(
        promised=pl.lit(promised).cast(pl.Datetime("us", "UTC"))
    )
    standing = promise_list.with_standing(made, plan, None)
    assert standing["state"].to_list() == [state]
    assert filtered_promises(standing, PromiseFilter(state=TO_KEEP)).height == 1
    finding = records_finding(standing, company.snapshot.as_of)
    assert ("1 not kept by the plan" in finding) == (state == "not kept")
    # The tile agrees with it before each promise is asked again.
    now = company.snapshot.as_of
    tiles = records_tiles(standing, now, is_checked=False)
    tile = tiles[3]
    told = {
        "holds": (NOTHING, "Not checked yet", "", "tab=promises-at-risk"),
        "not kept": (
            "1",
            "delivered after the promised date, or in part",
            "target 0",
            "tab=promises&state=not+kept",
        ),
    }
    assert (tile.figure, tile.note, tile.word, tile.rows) == told[state]
    gone = records.with_columns(state=pl.lit("released"))
    assert promise_list.with_standing(gone, plan, None)["state"].item() == "released"


def test_a_promise_is_asked_again_as_the_same_line(company, records):
    later = today(company)
    line = promise_list.standing_line(later, records, "q-0001")
    assert line is not None
    assert line.form["qty"] == "2"
    wanted = promise_list.asked_by(line, {"qty": "3"}.get)
    assert (wanted("product"), wanted("qty")) == ("A", "3")
    asked = promise_list.with_line({**line.form, "qty": "3"}, line)
    again = ask(later, asked)
    assert again.promise.demand["demand"] == records["demand"][0]
    assert commit(later, again, "Bob").kept
    (row,) = records_of(today(company)).to_dicts()
    assert (row["number"], row["qty"], row["approver"]) == ("Q-0001", 3.0, "Bob")


def test_another_product_is_a_new_request(company, records):
    line = promise_list.standing_line(today(company), records, "Q-0001")
    other = {**line.form, "product": "J-7"}
    assert "cells" not in promise_list.with_line(other, line)


def test_a_release_needs_a_name_and_frees_what_is_held(company, records):
    one = records.to_dicts()[0]
    refused = promise_list.release(company, one, " ", "")
    assert (refused.kept, refused.title) == (False, "It was not released")
    done = promise_list.release(company, one, "Bob", "cancelled")
    assert (done.kept, done.title) == (True, "Released")
    assert "Q-0001 has no date any more; 2 reservations freed" in done.text
    after = records_of(today(company))
    assert after["state"].to_list() == ["released"]
    assert promise_list.standing_line(today(company), after, "Q-0001") is None


def test_without_a_lake_there_is_no_list_and_the_page_says_so():
    data = PageData(source=DataSource(tables="t"), snapshot=factories.snapshot())
    records = records_of(data)
    assert records.is_empty()
    assert promise_list.none_words(data, records)[0] == "No promise is known"


@pytest.mark.req("UI-08")
def test_an_address_of_a_customer_without_a_promise_says_so(records):
    """All promises are listed then, as if nobody had been asked for."""
    names = Names(texts={"C-2": "Corner shop"})

    def told(asked: str) -> str:
        return promise_list.missing_html(records, ["C-1", "C-2"], names, asked)

    (one, *_) = records["customer"].drop_nulls()
    assert told("") == told(one) == ""
    assert "No promise to Corner shop" in told("C-2")
    assert "There is no customer Nobody" in told("Nobody")
