"""The scenario chosen in the bar, in a real browser: shown, never decided on."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_S
from tests.workbench.edit_company import opened

pytestmark = pytest.mark.browser
DOUBLE = [{"name": "Double", "change": [{"kind": "demand_factor", "factor": 2.0}]}]


@pytest.mark.nightly
@pytest.mark.req("UI-06", "UI-08")
def test_pages_show_the_scenario_of_the_bar_until_the_plan_in_force_is_back(
    order_desk, ordered
):
    """Of 100 A 30 are missing today; of 200 it is 130."""
    desk, page = order_desk, order_desk.page
    page.goto(f"{desk.address}/#/scenarios/?scenarios={quote(json.dumps(DOUBLE))}")
    shown = page.frame_locator("iframe.shown")
    expect(shown.get_by_text(re.compile("^Double: ")).first).to_be_visible()
    bar = page.get_by_label("Scenario that pages show")
    expect(bar).to_have_value("")
    bar.select_option(label="Double")
    expect(page.get_by_text("not on this page")).to_be_visible()
    expect(page).not_to_have_url(re.compile(re.escape("what_if")))
    side = page.get_by_role("navigation", name="Pages")
    side.get_by_role("link", name="Orders", exact=True).click()
    state = shown.get_by_text("a scenario, nothing is decided")
    expect(state).to_be_visible()
    expect(shown.get_by_text("Scenario Double")).to_be_visible()
    expect(page.get_by_text("not on this page")).to_be_hidden()
    expect(shown.get_by_role("cell", name="130", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape("what_if=")))
    shared = page.url
    row = shown.get_by_role("row").filter(has_text="PO-1")
    desk.act(row.get_by_role("checkbox").click)
    shown.get_by_role("button", name="Preview", exact=True).click()
    expect(shown.get_by_text("nothing is decided in a scenario")).to_be_visible()
    expect(shown.get_by_role("button", name="Approve the edit")).to_have_count(0)
    for name in ("Plan", "Cockpit", "Items", "Capacity", "Promise desk"):
        side.get_by_role("link", name=name, exact=True).click()
        expect(state).to_be_visible()
    # Somebody else opens the link: the same plan, though he built no scenario.
    other = page.context.new_page()
    other.goto(shared)
    theirs = other.frame_locator("iframe.shown")
    expect(theirs.get_by_role("cell", name="130", exact=True)).to_be_visible()
    expect(other.get_by_label("Scenario that pages show")).to_have_value(
        bar.input_value()
    )
    other.close()
    bar.select_option(label="Plan in force")
    side.get_by_role("link", name="Orders", exact=True).click()
    expect(shown.get_by_role("cell", name="130", exact=True)).to_have_count(0)
    expect(state).to_have_count(0)
    expect(page).not_to_have_url(re.compile(re.escape("what_if")))
    assert opened(ordered).edit_history() == []
    desk.assert_clean()


@pytest.mark.nightly
def test_a_page_that_is_not_there_yet_takes_the_choice_that_is_made_meanwhile(
    order_desk,
):
    """Orders are chosen, and a scenario before the server has answered."""
    desk, page = order_desk, order_desk.page
    held = []

    # Not the method itself: playwright leaves its mark on what handles a request.
    def hold(asked):
        held.append(asked)

    def is_held(times):
        for _ in range(int(PATIENCE_S * 20)):
            if len(held) >= times:
                return True
            page.wait_for_timeout(50)
        return False

    # From the start: the shell may load Orders ahead.
    page.route(re.compile(r"/orders/(\?.*)?$"), hold)
    page.goto(f"{desk.address}/#/scenarios/?scenarios={quote(json.dumps(DOUBLE))}")
    shown = page.frame_locator("iframe.shown")
    expect(shown.get_by_text(re.compile("^Double: ")).first).to_be_visible()
    side = page.get_by_role("navigation", name="Pages")
    side.get_by_role("link", name="Orders", exact=True).click()
    assert is_held(times=1)
    bar = page.get_by_label("Scenario that pages show")
    bar.select_option(label="Double")
    expect(page).to_have_url(re.compile(r"#/orders/\?what_if="))
    assert is_held(times=2)
    # The browser has dropped the first request for the second.
    held[-1].continue_()
    expect(shown.get_by_role("cell", name="130", exact=True)).to_be_visible()
    desk.assert_clean()


@pytest.mark.nightly
def test_an_address_of_no_scenario_is_refused_with_the_way_out(order_desk):
    desk, page = order_desk, order_desk.page
    page.goto(f"{desk.address}/#/orders/?what_if=%5B%7B%5D")
    shown = page.frame_locator("iframe.shown")
    expect(shown.get_by_text("names no single scenario")).to_be_visible()
    page.get_by_label("Scenario that pages show").select_option(label="Plan in force")


@pytest.mark.req("UI-08")
@pytest.mark.nightly
def test_a_link_that_begins_a_scenario_keeps_those_that_are_there(order_desk):
    desk, page = order_desk, order_desk.page
    page.goto(f"{desk.address}/#/scenarios/?scenarios={quote(json.dumps(DOUBLE))}")
    shown = page.frame_locator("iframe.shown")
    finding = shown.get_by_text(re.compile("^Double: ")).first
    expect(finding).to_be_visible()
    side = page.get_by_role("navigation", name="Pages")
    side.get_by_role("link", name="Items", exact=True).click()
    shown.get_by_role("tab", name="Edit", exact=True).click()
    shown.get_by_role("link", name="Scenario with this item").click()
    expect(page).to_have_url(re.compile(r"#/scenarios/\?.*subject="))
    expect(page).to_have_url(re.compile(r"[?&]scenarios="))
    expect(finding).to_be_visible()
    desk.assert_clean()
