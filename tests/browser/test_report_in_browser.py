"""The offline page in a real browser, from a file, without any network."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from medhavi.snapshot import Snapshot
from medhavi.views.report import html
from medhavi.workbench.files.tables_run import plan_snapshot
from tests.api import DARK, LIGHT

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(chromium, tables, tmp_path_factory):
    snapshot = Snapshot.from_folder(tables / "lemonade")
    place = tmp_path_factory.mktemp("report") / "report.html"
    place.write_text(html(plan_snapshot(snapshot), snapshot), "utf-8")
    return place


@pytest.mark.parametrize(("scheme", "tokens"), [("light", LIGHT), ("dark", DARK)])
def test_it_reads_offline_in_light_and_dark(page, report, scheme, tokens):
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("requestfailed", lambda request: said.append(request.url))
    page.context.set_offline(True)
    page.emulate_media(color_scheme=scheme)
    page.goto(report.as_uri())
    expect(page.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
    mark = page.locator("svg path[fill='var(--mv-bad)']").first
    shown = mark.evaluate("e => getComputedStyle(e).fill")
    parts = [int(tokens.bad[place : place + 2], 16) for place in (1, 3, 5)]
    assert shown == f"rgb({parts[0]}, {parts[1]}, {parts[2]})"
    assert said == []


def test_it_needs_no_sideways_scrolling_on_a_phone(page, report):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
