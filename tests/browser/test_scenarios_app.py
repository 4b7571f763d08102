"""The scenarios app in a real browser: what-ifs by clicks, beside today's plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def seen(page: Page, words: str | re.Pattern[str]) -> None:
    """Wait until words are seen: marimo keeps a hidden copy of what a tab holds."""
    told = page.get_by_text(words).locator("visible=true").first
    expect(told).to_be_visible()


@pytest.mark.req("UI-06", "RPL-11")
@pytest.mark.nightly  # by day: tests/service/test_scenarios_page.py
def test_a_what_if_is_built_by_clicks_and_compared(watched):
    """Wrong input beside its field, two scenarios, each tab, and out again."""
    watched.open("/scenarios/?kind=demand_factor")
    page = watched.page
    expect(page.get_by_text("No scenario yet").first).to_be_visible()
    add = page.get_by_role("button", name="Add the change")
    change = page.get_by_placeholder("15 or -10").locator("visible=true")
    change.fill("much")
    watched.act(add.click)
    seen(page, re.compile("“much” is not understood: enter a change"))
    change.fill("15")
    page.get_by_placeholder("optional").locator("visible=true").fill("More")
    watched.act(add.click)
    seen(page, re.compile("^More: "))
    expect(page).to_have_url(re.compile(re.escape("scenarios=")))
    expect(page.locator("marimo-vega svg").locator("visible=true")).to_have_count(1)
    change.fill("-10")
    watched.act(add.click)
    seen(page, re.compile("less than today"))
    for tab, words in (
        ("Orders", "Change"),
        ("Demands and promises", re.compile("Status then|No date differs")),
        ("Accept", "this is a folder"),
        ("Study file", "medhavi study run scenarios.toml"),
    ):
        page.get_by_role("tab", name=tab).click()
        seen(page, words)
    out = page.get_by_role("button", name="Remove").locator("visible=true")
    watched.act(out.first.click)
    expect(out).to_have_count(1)
    watched.act(out.first.click)
    expect(page).not_to_have_url(re.compile(re.escape("scenarios=")))
    # Both are still scenarios of the workspace, until they are removed there.
    seen(page, "Scenarios of this workspace")
    for left in (2, 1, 0):
        expect(out).to_have_count(left)
        if left:
            watched.act(out.first.click)
    watched.assert_clean()
