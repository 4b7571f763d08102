"""Tasks of a planner on the demo company, each begun within three clicks.

A click is a press on anything that leads to where the work is done; typing is none.
Each task ends at a figure that is worked out here, apart from the page.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from playwright.sync_api import expect

from medhavi.units import from_seconds
from medhavi.views.names import names_of, when
from medhavi.views.pictures.chain import chain_chart
from medhavi.views.pictures.lateness import late_demands
from medhavi.views.plan_pages import suppliers
from medhavi.views.promises.records import records_finding
from medhavi.views.theme import title_of
from medhavi.workbench.promise_desk.promise_records import promise_records
from tests.api import Workbench
from tests.browser.conftest import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import FrameLocator, Locator, Page

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

pytestmark = [pytest.mark.browser, pytest.mark.nightly, pytest.mark.req("UI-02")]
MOST_CLICKS = 3


class Company:
    """The demo company with its plan in force, as this test reads them."""

    def __init__(self, folder: Path) -> None:
        self.bench = Workbench(
            folder / "lake", f"sqlite:///{(folder / 'events.db').absolute()}"
        )
        self.snapshot: Snapshot = self.bench.snapshot()
        self.plan: Plan = self.bench.plan_in_force("constrained")
        self.names: Names = names_of(self.snapshot)


class Planner:
    """Somebody at the shell who counts the clicks to where the work begins."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.clicks = 0
        page.set_viewport_size({"width": 1440, "height": 1400})
        page.goto(f"{address}/")
        self.shown: FrameLocator = page.frame_locator("iframe.shown")
        expect(self.shown.get_by_role("heading", level=1)).to_be_visible()

    def click(self, what: Locator) -> None:
        expect(what.first).to_be_visible()
        what.first.click()
        self.clicks += 1

    def go(self, name: str) -> None:
        side = self.page.get_by_role("navigation", name="Pages")
        self.click(side.get_by_role("link", name=name, exact=True))

    def tab(self, name: str) -> None:
        self.click(self.shown.get_by_role("tab", name=name, exact=True))

    def search(self, text: str) -> None:
        field = self.page.get_by_role("searchbox")
        field.fill(text)
        field.press("Enter")

    def see(self, words: str | re.Pattern[str]) -> None:
        told = self.shown.get_by_text(words).locator("visible=true").first
        expect(told).to_be_visible()

    def begins(self) -> None:
        assert self.clicks <= MOST_CLICKS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the demo company: a copy of MEDHAVI_DEMO, else generated."""
    place = tmp_path_factory.mktemp("demo") / "aurora"
    made = os.environ.get("MEDHAVI_DEMO")
    if made is None:
        start = "import sys; from medhavi.cli import main; sys.exit(main())"
        workspace = place.parent / "workspace"
        workspace.mkdir()
        subprocess.run([sys.executable, "-c", start, "demo"], cwd=workspace, check=True)
        made = str(workspace / "lakehouse" / "aurora-small")
    shutil.copytree(made, place)
    return place


@pytest.fixture(scope="module")
def company(folder: Path) -> Company:
    return Company(folder)


@pytest.fixture(scope="module")
def address(chromium: str, folder: Path, company: Company) -> Iterator[str]:
    with served(folder, "--lake", str(folder / "lake")) as at:
        yield at


@pytest.fixture
def planner(page: Page, address: str) -> Planner:
    return Planner(page, address)


def test_why_is_it_late(planner: Planner, company: Company) -> None:
    planner.go("Plan")
    planner.begins()
    late = late_demands(company.plan)
    planner.see(re.compile(rf"^{late.height} of [\d,]+ demands late or short"))
    # The chain of the one that costs most is below, and why it is late.
    worst = late["demand"][0]
    told = company.plan.explain(worst, names=dict(company.names.texts))
    planner.see(title_of(chain_chart(told, company.names, company.plan.run.as_of)))


def test_promise_a_new_order(planner: Planner, company: Company) -> None:
    planner.go("Promise desk")
    planner.begins()
    field = (
        planner.shown.get_by_placeholder("3,650 or 12 case")
        .locator("visible=true")
        .first
    )
    expect(field).to_be_visible()
    field.fill("3,600")
    planner.shown.get_by_role("button", name="Quote", exact=True).click()
    planner.see(re.compile("^asked for 3,600"))
    asked = dict(parse_qsl(urlsplit(planner.page.url.split("#")[1]).query))
    zone = ZoneInfo(company.names.zone_of(asked["location"]))
    due = dt.datetime.fromisoformat(asked["due"]).replace(tzinfo=zone)
    request: dict[str, object] = {"qty": 3600.0, "due": due}
    request |= {name: asked[name] for name in ("product", "location", "customer")}
    (promise,) = company.bench.desk.quote([request])
    planner.see(re.compile(re.escape(when(from_seconds(promise.date or 0), str(zone)))))


def test_the_buy_list_as_a_workbook(planner: Planner, company: Company) -> None:
    planner.go("Suppliers and lanes")
    planner.tab("Buy list")
    planner.begins()
    rows = suppliers.buy_rows(company.plan, company.names, 7)
    planner.see(re.compile(rf"^{rows.height:,} rows"))
    with planner.page.expect_download() as file:
        planner.shown.get_by_text("Excel", exact=True).locator("visible=true").click()
    assert pl.read_excel(file.value.path()).height == rows.height


def test_promises_of_the_company(planner: Planner, company: Company) -> None:
    planner.go("Promise desk")
    planner.tab("Promises")
    planner.begins()
    records = promise_records(company.bench.lake, int(company.snapshot.as_of))
    planner.see(records_finding(records, int(company.snapshot.as_of)))


def test_the_record_of_an_item(planner: Planner, company: Company) -> None:
    stock = company.snapshot["stock"].filter(location="LODZ").row(0, named=True)
    name = company.names.name
    item = f"{name(stock['product'])} at {name(stock['location'])}"
    planner.search(item)
    planner.click(planner.shown.get_by_role("link", name=item, exact=True))
    planner.begins()
    planner.see("Time-phased record")
    rows = company.snapshot["stock"].filter(
        product=stock["product"], location=stock["location"]
    )
    planner.see(f"{rows['qty'].sum():,.0f}")
