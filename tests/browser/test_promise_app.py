"""The promise app in a real browser: a form, an answer, its reasons."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
SLOW = 20_000
"""A loaded machine paints late [ms]."""


def test_a_form_is_answered_with_dates_ways_and_reasons(watched):
    watched.open("/promise/")
    page = watched.page
    expect(page.get_by_role("heading", name="Can we promise it?")).to_be_visible()
    for words in (
        "It is there",
        "Chance to keep the date",
        "Which ways are there?",
        "What limits it, and what would help?",
        "chosen",
    ):
        expect(page.get_by_text(words).first).to_be_visible(timeout=SLOW)
    watched.assert_clean()


def test_the_address_keeps_what_is_asked(watched):
    watched.open("/promise/?qty=7&due=2026-06-01")
    page = watched.page
    expect(page.get_by_text("asked for 7").first).to_be_visible(timeout=SLOW)
    watched.assert_clean()


def test_a_wrong_date_is_told_in_words(watched):
    watched.open("/promise/?due=soon")
    page = watched.page
    expect(page.get_by_text("is no instant").first).to_be_visible(timeout=SLOW)
    watched.assert_clean()


def test_tables_keep_no_promise_and_the_page_says_so(watched):
    watched.open("/promise/")
    page = watched.page
    expect(page.get_by_text("Nothing can be kept from here").first).to_be_visible(
        timeout=SLOW
    )
    watched.assert_clean()
