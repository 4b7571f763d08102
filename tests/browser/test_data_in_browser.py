"""The data page in a real browser: findings to their pages, what is refused."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.req("ENR-10", "UI-09")
def test_findings_and_refused_rows_are_listed(watched):
    watched.open("/data/")
    page = watched.page
    for words in ("Late cost on a finding", "Newest file", "Every check passed"):
        expect(page.get_by_text(words).first).to_be_visible()
    watched.act(lambda: page.get_by_role("radio", name="All").click())
    expect(page).to_have_url(re.compile(re.escape("scope=all")))
    page.get_by_role("tab", name="Refused").click()
    nothing = page.get_by_text("Nothing is refused").locator("visible=true")
    expect(nothing.first).to_be_visible()
    watched.assert_clean()


@pytest.mark.req("ENR-10")
def test_a_file_and_a_cell_are_shown_before_they_are_taken(watched):
    """Differences of a file with the row of the spreadsheet; a cell that differs."""
    watched.open("/data/?tab=upload")
    page = watched.page
    expect(page.get_by_text("Drop a workbook").first).to_be_visible()
    page.locator("input[type=file]").first.set_input_files(
        {
            "name": "products.csv",
            "mimeType": "text/csv",
            "buffer": b"product,unit_cost\nNEW-1,cheap\n",
        }
    )
    told = page.get_by_text("is no number").locator("visible=true")
    expect(told.first).to_be_visible()
    expect(page.get_by_text("row 2").locator("visible=true").first).to_be_visible()
    page.get_by_role("tab", name="Changes").click()
    nothing = page.get_by_text("Nothing was changed yet").locator("visible=true")
    expect(nothing.first).to_be_visible()
    watched.assert_clean()
