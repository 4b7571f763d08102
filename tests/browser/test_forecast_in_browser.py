"""Service forecast and demands at risk in a real browser, filled by a job."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched, served
from tests.planners.test_plan_risk import company

pytestmark = pytest.mark.browser

SCREEN = 800


@pytest.fixture(scope="module")
def town(chromium, tmp_path_factory):
    place = tmp_path_factory.mktemp("risky")
    company().to_folder(place / "town", format="csv")
    with served(place, "--tables", str(place / "town"), "--mode", "mrp") as address:
        yield address


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.nightly)])
def watched(request, page, town):
    page.emulate_media(color_scheme=request.param)
    page.set_viewport_size({"width": 1280, "height": SCREEN})
    return Watched(page, town)


@pytest.mark.req("NEX-05", "UI-02")
@pytest.mark.nightly
def test_the_cockpit_forecasts_service_with_its_band(watched):
    page = watched.page
    watched.open("/cockpit/")
    page.get_by_role("tab", name="Service forecast").click()
    expect(page.get_by_role("heading", name="Service forecast")).to_be_visible()
    expect(page.get_by_text("expected on time in full")).to_be_visible()
    week = page.locator("[aria-label^='Week of']")
    expect(week.first).to_be_attached()
    expect(week.first).to_have_attribute("aria-label", re.compile("80 % between"))
    expect(page).to_have_url(re.compile("tab=service-forecast"))
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height <= 2 * SCREEN
    page.get_by_role("tab", name="Exceptions").click()
    expect(page.get_by_text("To do").first).to_be_visible()
    watched.assert_clean()


@pytest.mark.req("NEX-05", "UI-02")
@pytest.mark.nightly
def test_a_demand_at_risk_links_to_the_order_that_delays_it(watched):
    page = watched.page
    watched.open("/promise/?tab=demands-at-risk")
    expect(page.get_by_text("On time by the plan, but")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight") <= 2 * SCREEN
    order = page.locator("a[href^='/orders/?order=']").first
    expect(order).to_be_visible()
    number = order.inner_text()
    order.click()
    expect(page).to_have_url(re.compile(f"order={number}"))
    expect(page.get_by_text(number).first).to_be_visible()
    watched.assert_clean()
