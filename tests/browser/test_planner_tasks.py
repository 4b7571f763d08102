"""Twelve tasks of a planner on the demo company, each begun within three clicks.

A click is a press on anything that leads to where the work is done; typing is none.
Each task ends at a figure that is worked out here, apart from the page.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from playwright.sync_api import expect

from medhavi.results.plans.lateness import late_demands
from medhavi.service.promise_pages.promise_list import with_standing
from medhavi.units import from_seconds
from medhavi.views.names import day, local, money, names_of, when
from medhavi.views.order_grid import planned_orders
from medhavi.views.pictures.chain import chain_chart
from medhavi.views.plan_pages import suppliers
from medhavi.views.promises.records import records_finding
from medhavi.views.theme import title_of
from medhavi.workbench.promise_desk.promise_records import promise_records
from tests.api import Workbench
from tests.browser.conftest import served
from tests.browser.demo_company import demo_copy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import FrameLocator, Locator, Page

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

pytestmark = [pytest.mark.browser, pytest.mark.nightly, pytest.mark.req("UI-02")]
PLANS = 600_000
"""A scenario is planned as the company is, beside all else that runs [ms]."""
MOST_CLICKS = 3


def spaced(text: str) -> str:
    """Pattern of a text; no line ends inside an amount, so its spaces may not break."""
    return re.escape(text).replace(r"\ ", r"\s")


class Company:
    """The demo company with its plan in force, as this test reads them."""

    def __init__(self, folder: Path) -> None:
        self.bench = Workbench(
            folder / "lake", f"sqlite:///{(folder / 'events.db').absolute()}"
        )
        self.snapshot: Snapshot = self.bench.snapshot()
        self.plan: Plan = self.bench.plan_in_force("constrained")
        self.names: Names = names_of(self.snapshot)

    def today(self) -> dt.date:
        now = dt.datetime.fromtimestamp(int(self.snapshot.as_of), dt.UTC)
        return now.astimezone(ZoneInfo(self.names.zone)).date()

    def monday(self) -> dt.date:
        """Monday of next week."""
        return self.today() + dt.timedelta(days=7 - self.today().weekday())

    def orders(self) -> pl.DataFrame:
        costs = self.snapshot["products"].select("product", "unit_cost").drop_nulls()
        return planned_orders(self.plan, dict(costs.iter_rows()), self.names.zone)


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
        field = self.page.get_by_role("combobox", name=re.compile("^Search orders"))
        field.fill(text)
        field.press("Enter")

    def see(self, words: str | re.Pattern[str], timeout: int | None = None) -> None:
        told = self.shown.get_by_text(words).locator("visible=true").first
        expect(told).to_be_visible(timeout=timeout)

    def preview(self) -> None:
        button = self.shown.get_by_role("button", name="Preview", exact=True)
        expect(button.last).to_be_visible()
        button.last.click()

    def choose(self, label: str, words: str) -> None:
        """Choose an entry of a searchable list by its begin, as a person types it."""
        field = self.shown.get_by_label(re.compile(f"^{label}")).locator("visible=true")
        expect(field.first).to_be_visible()
        field.first.click()
        self.page.keyboard.type(words)
        begins = re.compile(rf"^{re.escape(words)}(,|$)")
        entry = self.shown.get_by_role("option", name=begins).first
        expect(entry).to_be_visible()
        entry.click()

    def add_the_change(self) -> None:
        button = self.shown.get_by_role("button", name="Add the change")
        expect(button).to_be_visible()
        button.click()

    def compared(self, name: str) -> None:
        """See the scenario beside today's plan, and the plan page show it."""
        self.see(re.compile(f"^{spaced(name)}.* against today"), PLANS)
        row = self.shown.get_by_role("row").filter(
            has_text=re.compile(f"^{spaced(name)}")
        )
        late = row.first.get_by_role("cell").nth(2).inner_text().split()[0]
        bar = self.page.get_by_label("Scenario that pages show")
        option = bar.get_by_role("option").filter(has_text=name)
        expect(option).to_have_count(1)
        bar.select_option(label=option.text_content())
        self.go("Plan")
        self.see("a scenario, nothing is decided")
        self.see(re.compile(rf"^{late} of [\d,]+ demands late or short"))

    def begins(self) -> None:
        assert self.clicks <= MOST_CLICKS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_copy(tmp_path_factory.mktemp("demo"))


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


def test_1_why_is_it_late(planner: Planner, company: Company) -> None:
    planner.go("Plan")
    planner.begins()
    late = late_demands(company.plan)
    planner.see(re.compile(rf"^{late.height} of [\d,]+ demands late or short"))
    # The chain of the one that costs most is below, and why it is late.
    worst = late["demand"][0]
    told = company.plan.explain(worst, names=dict(company.names.texts))
    planner.see(title_of(chain_chart(told, company.names, company.plan.run.as_of)))


def test_2_expedite_an_order_at_its_price(planner: Planner, company: Company) -> None:
    """A planned purchase, found by its number, is asked for three days earlier."""
    rows = company.orders().filter(status="planned", kind="buy", past=False)
    row = rows.filter(pl.col("late_h") > 0).row(0, named=True)
    # An exact number opens at once.
    planner.search(row["number"])
    link = planner.shown.get_by_role("link", name=row["number"], exact=True)
    expect(link.first).to_be_visible()
    planner.tab("Edit")
    planner.begins()
    planner.shown.get_by_role("radio", name="Reschedule", exact=True).click()
    days = planner.shown.get_by_label("or by days (negative: expedite)")
    days.locator("visible=true").first.fill("-3")
    planner.preview()
    due = row["finish"] - dt.timedelta(days=3)
    edit = {"kind": "move", "supply": row["id"], "due": due.isoformat()}
    asked = company.bench.preview(company.plan, edit)
    assert asked.price is not None
    planner.see(re.compile(f"^Reschedule to .*{re.escape(row['number'])}"))
    cents = round(asked.price.total, 2) or 0.0
    told = planner.shown.get_by_role("row").filter(has_text="total").last
    expect(told).to_contain_text(money(cents, company.names.currency))


def test_3_promise_a_new_order(planner: Planner, company: Company) -> None:
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
    # The address of the shell follows that of the page.
    expect(planner.page).to_have_url(re.compile("location="))
    asked = dict(parse_qsl(urlsplit(planner.page.url.split("#")[1]).query))
    zone = ZoneInfo(company.names.zone_of(asked["location"]))
    due = dt.datetime.fromisoformat(asked["due"]).replace(tzinfo=zone)
    request: dict[str, object] = {"qty": 3600.0, "due": due}
    request |= {name: asked[name] for name in ("product", "location", "customer")}
    (promise,) = company.bench.desk.quote([request])
    planner.see(re.compile(re.escape(when(from_seconds(promise.date or 0), str(zone)))))


def test_4_fifteen_percent_more_demand_of_a_customer(
    planner: Planner, company: Company
) -> None:
    asked = company.snapshot["demands"].filter(pl.col("customer").is_not_null())
    name = company.names.name(asked["customer"].mode().sort()[0])
    planner.go("Scenarios")
    kinds = planner.shown.get_by_label("Kind of change")
    expect(kinds).to_be_visible()
    kinds.select_option(label="More or less demand")
    planner.clicks += 1
    planner.begins()
    change = planner.shown.get_by_placeholder("15 or -10").locator("visible=true")
    change.fill("15")
    planner.choose("Customer", name)
    planner.add_the_change()
    planner.compared(f"More or less demand: +15 %, {name}")


def test_5_a_line_is_down_for_a_week(planner: Planner, company: Company) -> None:
    planner.go("Capacity")
    link = "down Monday to Friday of next week"
    planner.click(planner.shown.get_by_role("link", name=link))
    planner.begins()
    monday = company.monday()
    times = planner.shown.get_by_placeholder("2026-11-03 14:00").locator("visible=true")
    expect(times.nth(0)).to_have_value(f"{monday}")
    expect(times.nth(1)).to_have_value(f"{monday + dt.timedelta(days=4)}")
    # The link says all that a scenario needs: it is planned by that press.
    planner.compared("Resource down: Fill heavy 1, Lodz")


def test_6_firm_next_weeks_orders(planner: Planner, company: Company) -> None:
    planner.go("Orders")
    tile = planner.shown.get_by_role("link").filter(has_text="To release next week")
    planner.click(tile)
    planner.begins()
    monday = company.monday()
    rows = company.orders().filter(status="planned", past=False, week=monday)
    planner.see(f"{rows.height:,} orders")
    planner.shown.get_by_role("radio", name="Firm", exact=True).click()
    planner.preview()
    planner.see(re.compile(f"^Firm {rows.height:,} orders: "))


def test_7_the_buy_list_as_a_workbook(planner: Planner, company: Company) -> None:
    planner.go("Suppliers and lanes")
    planner.tab("Buy list")
    planner.begins()
    rows = suppliers.buy_rows(company.plan, company.snapshot, company.names, 7)
    planner.see(re.compile(rf"^{rows.height:,} rows"))
    with planner.page.expect_download() as file:
        planner.shown.get_by_text("Excel", exact=True).locator("visible=true").click()
    assert pl.read_excel(file.value.path()).height == rows.height


def test_8_a_supplier_got_worse_and_whom_it_hits(
    planner: Planner, company: Company
) -> None:
    """Caps and pumps come from one supplier, slower since summer (docs/story.md)."""
    planner.go("Suppliers and lanes")
    planner.begins()
    record = company.bench.suppliers().filter(subject="S-23")
    assert record["change"][0] > 0
    since = day(local(record["changed_at"][0], company.names.zone))
    slower = f"Pumpen Brandt is slower since {since}"
    planner.see(re.compile(f"^{spaced(slower)}"))
    plan = company.plan
    own = plan.supplies.filter(source="S-23")["id"].implode()
    served = plan.pegging.filter(pl.col("supply").is_in(own))["demand"].drop_nulls()
    late = late_demands(plan).filter(pl.col("demand").is_in(served.unique().implode()))
    planner.see(
        f"{served.n_unique():,} demands are served by its orders, "
        f"{late.height:,} late or short"
    )
    planner.tab("Affected demands")
    planner.see(money(late["money"][0], company.names.currency))


def test_9_promises_of_the_company(planner: Planner, company: Company) -> None:
    planner.go("Promise desk")
    planner.tab("Promises")
    planner.begins()
    now = int(company.snapshot.as_of)
    records = promise_records(company.bench.lake, now)
    planner.see(records_finding(with_standing(records, company.plan, None), now))


def test_10_the_bottleneck_and_one_more_shift(
    planner: Planner, company: Company
) -> None:
    """The filling line of large formats is the bottleneck (docs/story.md)."""
    planner.go("Capacity")
    cost = company.plan.causes.filter(subject="LODZ-FILL-HEAVY-1")["money"].sum()
    told = money(cost, company.names.currency)
    planner.see(re.compile(rf"^Fill heavy 1, Lodz causes {spaced(told)} of lateness"))
    planner.click(planner.shown.get_by_role("link", name="one more shift"))
    planner.begins()
    planner.compared("One more shift: Fill heavy 1, Lodz")


def test_11_the_record_of_an_item(planner: Planner, company: Company) -> None:
    stock = company.snapshot["stock"].filter(location="LODZ").row(0, named=True)
    name = company.names.name
    item = f"{name(stock['product'])} at {name(stock['location'])}"
    planner.search(item)
    planner.begins()
    planner.see("Time-phased record")
    rows = company.snapshot["stock"].filter(
        product=stock["product"], location=stock["location"]
    )
    planner.see(f"{rows['qty'].sum():,.0f}")


def test_12_a_wrong_cell_is_corrected(planner: Planner, company: Company) -> None:
    planner.go("Data")
    planner.tab("Correct a cell")
    planner.begins()
    planner.choose("Table", "Products")
    planner.choose("Row", company.names.both("OLI-CO250"))
    planner.choose("Column", "Unit cost")
    planner.see(re.compile("^Unit cost now: "))
    value = planner.shown.get_by_placeholder("empty: no value")
    value.locator("visible=true").first.fill("9.99")
    planner.shown.get_by_role("button", name="Show what changes").click()
    planner.see("--table products --column unit_cost --key product=OLI-CO250")
    planner.shown.get_by_role("button", name="Price it").click()
    planner.see(re.compile(r"unit cost .+ → 9\.99"))
    planner.see(re.compile("^total"))


def test_the_pages_of_a_planner_fit_a_phone(planner: Planner) -> None:
    """What these tasks added stands inside a narrow window."""
    planner.page.set_viewport_size({"width": 390, "height": 900})
    for name, words in (
        ("Capacity", "one more shift"),
        ("Suppliers and lanes", "Scenario: it delivers late"),
    ):
        planner.go(name)
        link = planner.shown.get_by_role("link", name=words).locator("visible=true")
        expect(link).to_be_visible()
        box = link.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390
