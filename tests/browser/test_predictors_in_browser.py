"""The page of predictors in a real browser: from no model to one in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched, served
from tests.purchases import buyer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def company(chromium, tmp_path_factory):
    """Address of a server of a company that has trained nothing yet."""
    place = tmp_path_factory.mktemp("company")
    buyer(place)
    with served(place, "--lake", str(place / "lake"), "--mode", "mrp") as address:
        yield address


# Without a browser every run takes these steps: tests/service/test_predictor_page.py.
@pytest.mark.nightly
@pytest.mark.req("UI-02", "ANA-06")
def test_a_predictor_is_trained_looked_at_and_put_in_use(company, page: Page):
    watched = Watched(page, company)
    watched.open("/predictors/?tab=retrain-and-put-in-use")
    expect(page.get_by_text("No model is in use").first).to_be_visible()
    expect(page.locator("marimo-vega svg").first).to_be_visible()
    page.get_by_role("button", name="Retrain all predictors").click()
    expect(page.get_by_text("may be put in use").first).to_be_visible()
    page.get_by_label("Approver").fill("Anna")
    page.get_by_label("Approver").press("Tab")
    page.get_by_role("button", name="Put this version in use").click()
    expect(page.get_by_text("1 model in use").first).to_be_visible()
    page.get_by_role("tab", name="Champion and challenger").click()
    expect(page.get_by_text("champion, in use").first).to_be_visible()
    page.get_by_role("tab", name="Effect on the plan").click()
    expect(page.get_by_text("No order uses a predicted time").first).to_be_visible()
    page.get_by_role("tab", name="Spread by supplier or lane").click()
    expect(page.get_by_text("Within P80").first).to_be_visible()
    watched.assert_clean()


def test_a_folder_of_tables_says_what_predictors_need(watched):
    watched.open("/predictors/")
    expect(watched.page.get_by_text("No predictor without a lake")).to_be_visible()
    watched.assert_clean()
