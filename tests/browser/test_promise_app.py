"""The promise app in a real browser: a form, an answer, its reasons."""

from __future__ import annotations

import datetime as dt

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.factories import AS_OF

pytestmark = pytest.mark.browser


@pytest.mark.nightly
def test_a_form_is_answered_with_dates_ways_and_reasons(watched):
    watched.open("/promise/")
    page = watched.page
    expect(page.get_by_role("heading", name="Promise desk")).to_be_visible()
    for words in (
        "Delivery date",
        "Probability by the requested date",
        "Sourcing options",
        "Why and remedies",
        "chosen",
    ):
        expect(page.get_by_text(words).first).to_be_visible()
    watched.assert_clean()


@pytest.mark.nightly
def test_the_address_keeps_what_is_asked(watched):
    watched.open("/promise/?qty=7&due=2026-06-01")
    page = watched.page
    expect(page.get_by_text("asked for 7").first).to_be_visible()
    watched.assert_clean()


@pytest.mark.nightly
def test_a_wrong_date_is_told_in_words(watched):
    watched.open("/promise/?due=soon")
    page = watched.page
    expect(page.get_by_text("enter a date and time").first).to_be_visible()
    watched.assert_clean()


@pytest.mark.nightly
def test_tables_keep_no_promise_and_the_page_says_so(watched):
    watched.open("/promise/")
    page = watched.page
    expect(page.get_by_text("Nothing can be recorded here").first).to_be_visible()
    watched.assert_clean()


@pytest.mark.nightly
@pytest.mark.req("ATP-09")
def test_who_gives_way_is_told_with_local_dates(watched, tables):
    soon = AS_OF + dt.timedelta(days=1)
    weak = {"sales_order": "SO-9", "line": 1, "customer": "C", "priority": 3}
    factories.snapshot(
        products=[{"product": "A", "name": "Apple crate"}],
        locations=[{"location": "L", "timezone": "Europe/Rome"}],
        customers=[
            {"customer": "BIG", "tier": "Gold"},
            {"customer": "C", "name": "Corner shop", "tier": "Bronze"},
        ],
        stock=[{"qty": 10}],
        supply_terms=[{"lead_time_days": 5}],
        demands=[{**weak, "due": soon, "promised": soon}],
        promise_policies=[
            {
                "policy": "default",
                "preempt": True,
                "supplier_fallback": "accept_with_risk",
            }
        ],
    ).to_folder(tables / "given")
    asked = "customer=BIG&qty=10&due=2026-01-06&priority=1"
    watched.open(f"/promise/?tables=given&{asked}")
    page = watched.page
    for words in (
        "Preemption",
        "SO-9 line 1",
        "Corner shop",
        "Apple crate",
        "stock at L, which others have now",
    ):
        expect(page.get_by_text(words).first).to_be_visible()
    row = page.get_by_role("row").filter(has_text="SO-9 line 1")
    expect(row).to_contain_text("01:00")
    expect(row).to_contain_text("4 d later")
    watched.assert_clean()
