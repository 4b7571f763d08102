"""The numbers of the landing page."""

from __future__ import annotations

import datetime as dt

import pytest

from medhavi.service import app
from medhavi.service.app import entries, landing_html
from tests import factories
from tests.factories import AS_OF


@pytest.fixture(autouse=True)
def no_memory():
    app._kept.clear()


@pytest.fixture
def tables(tmp_path):
    day = dt.timedelta(days=1)
    factories.snapshot(
        products=[{"product": "A", "unit_cost": 2.0}],
        demands=[
            {"demand": "1", "due": AS_OF - day},
            {"demand": "2", "due": AS_OF + day, "promised": AS_OF + day},
            {"demand": "3", "due": AS_OF - day, "status": "closed"},
            {"demand": "4", "due": AS_OF - day, "kind": "forecast"},
        ],
        stock=[{"product": "A", "location": "L", "qty": 30}],
    ).to_folder(tmp_path / "t")
    return str(tmp_path / "t")


def test_each_app_has_a_number_from_the_data(tables):
    assert app.live_numbers(tables) == {
        "As of": "Mon 5 Jan 2026 (UTC)",
        "suppliers": "0 open purchases and transfers",
        "predictors": "0 published estimates",
        "cockpit": "2 open order lines",
        "items": "1 item at 1 location",
        "capacity": "0 resources, 0 disruptions of them",
        "orders": "0 open orders",
        "scenarios": "0 resources and 0 suppliers for a what-if",
        "campaigns": "0 resources with a changeover matrix",
        "plan": "1 of 2 order lines past due",
        "schedule": "0 open work orders, listed under Orders",
        "promise": "1 order line without a promised date",
        "tradeoffs": "€ 60 of stock on hand",
        "data": "no findings in the tables",
    }


def test_every_app_has_its_sentence(tables):
    known = set(app.live_numbers(tables)) - {"As of"}
    assert {entry.address.strip("/") for entry in entries("apps")} == known


@pytest.mark.req("UI-02")
def test_numbers_are_those_of_the_newest_facts(tables):
    first = app.live_numbers(tables)
    assert app.live_numbers(tables) is first
    fresh = factories.snapshot(
        products=[{"product": "A"}], demands=[{"demand": "1", "due": AS_OF}]
    )
    fresh.to_folder(tables)
    assert app.live_numbers(tables)["cockpit"] == "1 open order line"


def test_without_data_there_are_none(tmp_path):
    assert app.live_numbers(str(tmp_path / "none")) == {}


def test_the_page_shows_them_as_text():
    page = landing_html(
        entries("apps"),
        [],
        {"data": "tables", "place": "p", "status": "ok", "version": "1"},
        {"plan": "<7> late"},
    )
    assert "&lt;7&gt; late" in page
