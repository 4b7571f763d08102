"""The data page in a real browser: findings to their pages, what is refused."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
SLOW = 60_000
"""A loaded machine paints late [ms]."""


@pytest.mark.req("ENR-10", "UI-09")
def test_findings_and_refused_rows_are_listed(watched):
    watched.open("/data/")
    page = watched.page
    for words in ("Late cost on a finding", "Newest file", "Every check passed"):
        expect(page.get_by_text(words).first).to_be_visible(timeout=SLOW)
    watched.act(lambda: page.get_by_role("radio", name="All").click())
    assert "scope=all" in page.url
    page.get_by_role("tab", name="Refused").click()
    nothing = page.get_by_text("Nothing is refused").locator("visible=true")
    expect(nothing.first).to_be_visible(timeout=SLOW)
    watched.assert_clean()
