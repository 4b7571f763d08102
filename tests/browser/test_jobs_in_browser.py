"""Jobs in a real browser: pages are filled by themselves, without a reload."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_S, Watched, served
from tests.workbench.edit_company import company, event, reported

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jobs") / "company"
    company(folder)
    return folder


@pytest.fixture(scope="module")
def lake_server(chromium, place):
    with served(place, "--lake", str(place / "lake")) as address:
        yield address


def jobs(address):
    with urllib.request.urlopen(f"{address}/jobs", timeout=PATIENCE_S) as answer:
        return json.load(answer)


def ended_plans(page, address, at_least):
    """Plans that the server made, none of them still on its way.

    A page tells of new facts before the plan of them is there.
    """
    begun, told = time.monotonic(), []
    while len(told) < at_least or any(
        job["state"] in ("waiting", "running") for job in told
    ):
        assert time.monotonic() - begun < PATIENCE_S, jobs(address)
        page.wait_for_timeout(100)
        told = [job for job in jobs(address) if "Plan of" in job["title"]]
    return told


@pytest.mark.req("UI-02", "NEX-05")
@pytest.mark.nightly  # by day: test_order_page.py
def test_an_open_page_shows_the_plan_of_new_facts_without_a_reload(
    page, lake_server, place
):
    watched = Watched(page, lake_server)
    page.goto(f"{lake_server}/#/items/")
    shown = page.frame_locator("iframe.shown")
    trust = shown.locator(".mv-trust").last
    expect(trust).to_contain_text("Planner constrained")
    shown.locator("body").evaluate("body => { body.dataset.stays = 'yes' }")
    before = trust.inner_text()
    reported(place, event(90, "StockCounted", product="A", location="DC", qty=55.0))
    expect(trust).not_to_have_text(before, use_inner_text=True)
    expect(trust).to_contain_text("verified: 0 violations")
    assert shown.locator("body").evaluate("body => body.dataset.stays") == "yes"
    # Other pages are loaded ahead, and may have asked for a schedule of the plan.
    made = ended_plans(page, lake_server, 2)
    assert [job["state"] for job in made] == ["done", "done"], made
    watched.assert_clean()


def test_jobs_are_stopped_from_pages_of_the_server_alone(server):
    for headers, code in ({"Origin": "null"}, 403), ({}, 404):
        asked = urllib.request.Request(
            f"{server}/jobs/none/stop", method="POST", headers=headers
        )
        with pytest.raises(urllib.error.HTTPError, match=str(code)):
            urllib.request.urlopen(asked, timeout=PATIENCE_S)
