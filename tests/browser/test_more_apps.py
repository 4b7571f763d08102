"""The schedule and trade-off apps in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
SLOW = 30_000
"""A loaded machine paints late [ms]."""


def test_the_schedule_app_shows_sequence_proof_and_risk(watched):
    watched.open("/schedule/?spread=35")
    page = watched.page
    expect(
        page.get_by_role("heading", name="Which order on which line?")
    ).to_be_visible(timeout=SLOW)
    for words in (
        "All done after",
        "proven best",
        "Chance to be late",
        "longer than the mean",
        "checked: 0 violations",
    ):
        expect(page.get_by_text(words).first).to_be_visible(timeout=SLOW)
    expect(page.locator("marimo-vega svg")).to_have_count(2, timeout=SLOW)
    watched.assert_clean()


def test_a_schedule_file_that_is_not_there_is_told(watched):
    watched.open("/schedule/?problem=nowhere.json")
    page = watched.page
    expect(page.get_by_text("there is no such file").first).to_be_visible(timeout=SLOW)
    watched.assert_clean()


def test_the_trade_off_app_waits_until_it_is_asked(watched):
    watched.open("/tradeoffs/")
    page = watched.page
    expect(page.get_by_text("Nothing is computed yet").first).to_be_visible(
        timeout=SLOW
    )
    watched.assert_clean()


def test_the_trade_off_app_lists_plans_and_their_difference(watched):
    watched.open("/tradeoffs/?points=3")
    page = watched.page
    for words in (
        "Which plans are worth a look?",
        "What do they come to?",
        "What tells two plans apart?",
        "each plan verified: 0 violations",
    ):
        expect(page.get_by_text(words).first).to_be_visible(timeout=SLOW)
    watched.assert_clean()
