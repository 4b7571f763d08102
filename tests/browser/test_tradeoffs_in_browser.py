"""Trade-offs in a real browser: asked, found by a job, compared, published."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched, served
from tests.workbench.edit_company import company

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def lake_server(chromium, tmp_path_factory):
    place = tmp_path_factory.mktemp("tradeoffs") / "company"
    company(place)
    with served(place, "--lake", str(place / "lake")) as address:
        yield address


@pytest.mark.req("UI-02")
@pytest.mark.nightly  # by day: tests/service/test_tradeoff_page.py
def test_a_plan_of_a_front_is_found_compared_and_published(page, lake_server):
    watched = Watched(page, lake_server)
    watched.open("/tradeoffs/")
    expect(page.get_by_text("Nothing is computed yet").first).to_be_visible()
    emissions = page.get_by_placeholder("no limit").nth(2)
    emissions.fill("few")
    page.get_by_role("button", name="Find the trade-offs").click()
    expect(page.get_by_text("few is not a number").first).to_be_visible()
    emissions.fill("")
    page.get_by_role("button", name="Find the trade-offs").click()
    expect(page.get_by_role("heading", name="Objectives of each plan")).to_be_visible()
    for tab, words in (
        ("Difference between two plans", "Orders, demands and pegs that differ"),
        ("Difference from the plan in force", "In force"),
    ):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_text(words).first).to_be_visible()
    page.get_by_role("button", name="Publish this plan").click()
    expect(page.get_by_text("name the approver").first).to_be_visible()
    page.get_by_placeholder("your name").fill("Ada")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Publish this plan").click()
    expect(page.get_by_text("It is the plan").first).to_be_visible()
    page.get_by_label("Planning mode").select_option(label="Cost-optimized")
    expect(page.get_by_text("equal", exact=True)).to_have_count(4)
    expect(page.get_by_text("It is the plan").first).to_be_visible()
    watched.assert_clean()
    page.reload()
    expect(page.get_by_text("equal", exact=True)).to_have_count(4)
