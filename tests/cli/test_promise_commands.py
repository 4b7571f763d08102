"""promises at-risk, renew, release, sweep: after a promise, on the command line."""

from __future__ import annotations

import json

import pytest

from tests.api import open_store
from tests.lakehouse.lake_events import event, small_company
from tests.planners.small_promises import day, tables


@pytest.fixture
def store(tmp_path):
    """URL of a store with 40 pieces of A at DC."""
    url = f"sqlite:///{tmp_path}/events.db"
    open_store(url).append_many(small_company())
    return url


@pytest.fixture
def words(medhavi, store, tmp_path):
    """Where the lake and its store are; 30 pieces are promised to SO7."""
    place = ("--lake", tmp_path / "lake", "--from", store)
    assert medhavi("mirror", *place).code == 0
    row = {"sales_order": "SO7", "line": 1, "product": "A", "location": "DC"}
    path = tmp_path / "requests.json"
    path.write_text(json.dumps([{**row, "qty": 30, "due": "2026-01-06T00:00:00Z"}]))
    said = medhavi(
        "promise", *place, "--request", path, "--commit", "--approver", "Ada"
    )
    assert said.code == 0
    return place


def counted(store, pieces):
    """Somebody counts the stock anew."""
    count = event(90, "StockCounted", product="A", location="DC", qty=pieces)
    open_store(store).append_many([count])


@pytest.mark.req("ATP-20")
def test_promise_at_risk_is_listed_after_the_facts_changed(medhavi, store, words):
    said = medhavi("promises", "at-risk", *words, "--json")
    assert said.code == 0
    assert (said.answer["watched"], said.answer["at_risk"]) == (1, 0)
    counted(store, 5)
    said = medhavi("promises", "at-risk", *words, "--mirror", "--record", "--json")
    assert said.code == 0
    assert said.answer["told"] == ["SO7-1"]
    (row,) = said.answer["promises"]
    assert (row["demand"], row["limiter"] is not None) == ("SO7-1", True)
    assert said.answer["hot_spots"][0]["promises"] == 1
    types = [one.type for one in open_store(store).read("commitments")]
    assert types[-1] == "PromiseAtRisk"
    again = medhavi("promises", "at-risk", *words, "--record")
    assert "0 risks are new in the log." in again.out
    assert "SO7-1" in again.out


@pytest.mark.req("ATP-28")
def test_renew_takes_a_worse_date_only_by_name(medhavi, store, words):
    counted(store, 5)
    medhavi("mirror", *words)
    said = medhavi("promises", "renew", *words, "--approver", "Ada")
    assert said.code == 0
    assert "--worse SO7-1 would take it" in said.out
    said = medhavi(
        "promises", "renew", *words, "--approver", "Ada", "--reason", "recounted",
        "--worse", "all", "--json",
    )  # fmt: skip
    assert said.answer["worse"] == ["SO7-1"]
    assert medhavi("promises", "at-risk", *words, "--json").answer["at_risk"] == 0


def test_release_and_sweep_free_what_is_held(medhavi, words):
    said = medhavi("promises", "release", "SO7-1", *words, "--approver", "Ada")
    assert "SO7-1: 1 reservations released." in said.out
    again = medhavi(
        "promises", "release", "SO7-1", *words, "--approver", "Ada", "--json"
    )
    assert again.answer["released"] == []
    assert "0 reservations freed" in medhavi("promises", "sweep", *words).out


def test_tables_can_be_watched_and_not_written(medhavi, tmp_path):
    row = {"sales_order": "SO-1", "line": 1, "qty": 10, "promised": day(7)}
    tables(demands=[{**row, "due": day(7)}]).to_folder(tmp_path / "t", "csv")
    said = medhavi("promises", "at-risk", "--tables", tmp_path / "t")
    assert said.code == 0
    assert "1 are at risk" in said.out
    said = medhavi("promises", "at-risk", "--tables", tmp_path / "t", "--record")
    assert said.code == 2
    assert "need a lake with its event store" in said.err


@pytest.mark.req("KPI-03")
def test_figures_count_what_was_promised_and_rejected(medhavi, store, words, tmp_path):
    row = {"sales_order": "SO8", "line": 1, "product": "A", "location": "DC"}
    wish = {**row, "qty": 900, "due": "2026-01-06T00:00:00Z", "full_line": True}
    # Without it a stated lead time is promised on, and the line comes late.
    wish["max_lateness_days"] = 0
    path = tmp_path / "more.json"
    path.write_text(json.dumps([wish]))
    asked = ("promise", *words, "--request", path, "--commit", "--approver", "Ada")
    for _ in range(2):
        assert "Nothing can be promised" in medhavi(*asked).out
    types = [one.type for one in open_store(store).read("commitments")]
    assert types.count("PromiseRejected") == 1
    medhavi("mirror", *words)
    said = medhavi("promises", "figures", *words[:2], "--at-risk", "--json")
    told = {row["kpi"]: row for row in said.answer["figures"]}
    # One ordered line, one accepted quote, one rejection.
    assert (told["KPI-03"]["numerator"], told["KPI-03"]["denominator"]) == (1, 3)
    assert told["KPI-27.at_risk"]["value"] == 0
    assert "KPI-27.limiter." in "".join(told)


@pytest.mark.req("SUP-09")
def test_suppliers_are_listed(medhavi, words):
    said = medhavi("suppliers", *words[:2], "--json")
    assert [row["supplier"] for row in said.answer["suppliers"]] == ["S"]
