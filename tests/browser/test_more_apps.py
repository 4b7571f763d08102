"""The schedule, item, capacity and campaigns apps in a real browser."""

from __future__ import annotations

import re
from functools import partial

import polars as pl
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched, served
from tests.examples import some
from tests.lakehouse.lake_events import event
from tests.workbench.setup_company import setup_company
from tests.workbench.shift_company import shift_company

pytestmark = pytest.mark.browser


@pytest.mark.nightly  # by day: tests/service/test_schedule_page.py
def test_the_schedule_app_shows_sequence_proof_and_risk(watched):
    watched.open("/schedule/?source=file&spread=35")
    page = watched.page
    expect(page.get_by_role("heading", name="Production schedule")).to_be_visible()
    for words in (
        "All done after",
        "proven best",
        "verified: 0 violations",
    ):
        expect(page.get_by_text(words).first).to_be_visible()
    page.get_by_role("tab", name="Risk").click()
    for words in ("Chance to be late", "longer than the mean"):
        expect(page.get_by_text(words).first).to_be_visible()
    expect(page.locator("marimo-vega svg")).to_have_count(2)
    watched.assert_clean()


@pytest.mark.req("OPA-16")
@pytest.mark.nightly  # by day: tests/views/test_run_steps.py
def test_the_steps_of_a_run_are_drawn_and_listed(watched):
    """From the record of the run: cost against its bound, and demands on time."""
    watched.open("/plan/?tables=lemonade&mode=optimize&tab=steps-of-the-run")
    page = watched.page
    expect(page.get_by_text("without the program").first).to_be_visible()
    expect(page.get_by_text("gap to the bound").first).to_be_visible()
    expect(page.locator("marimo-vega svg")).to_have_count(2)
    watched.assert_clean()
    watched.open("/plan/?tables=lemonade&mode=constrained")
    expect(page.get_by_role("tab", name="Key figures")).to_be_visible()
    expect(page.get_by_role("tab", name="Steps of the run")).to_have_count(0)


@pytest.mark.req("WO-12")
@pytest.mark.nightly  # by day: tests/service/test_schedule_page.py
def test_a_schedule_is_taken_into_the_plan_and_back(page, tmp_path, chromium):
    bench = setup_company(
        tmp_path,
        [{"matrix": "X", "from_family": "*", "to_family": "*", "setup_minutes": 60.0}],
    )
    with served(tmp_path, "--lake", str(tmp_path / "lake")) as address:
        desk = Watched(page, address)
        desk.open("/schedule/?mode=constrained")
        # Nobody plans at page load: the schedule is made for who asks for it.
        make = page.get_by_role("button", name="Make the schedule")
        expect(make).to_be_visible()
        make.click()
        price = page.get_by_role("button", name="Put this schedule into the plan")
        expect(price).to_be_visible()
        desk.act(price.click)
        expect(page.get_by_text("No demand gets another date")).to_be_visible()
        page.get_by_label("Approver").fill("Maria")
        page.keyboard.press("Tab")
        approve = page.get_by_role("button", name="Approve the edit")
        approve.click()
        expect(page.get_by_text("● Decided")).to_be_visible()
        expect(approve).to_have_count(0)
        # All of it is firm now: nothing is left to be scheduled.
        expect(page.get_by_text("firmed, released or in process")).to_be_visible()
        assert bench.snapshot()["supply_order_steps"]["status"].unique().to_list() == [
            "firmed"
        ]
        desk.open("/orders/?tab=history")
        page.get_by_role("button", name="Undo the last decision").click()
        expect(page.get_by_text("● Taken back")).to_be_visible()
        desk.open("/schedule/?mode=constrained")
        expect(price).to_be_visible()
        desk.assert_clean()


@pytest.mark.nightly
@pytest.mark.req("UI-02", "MRP-17")
def test_the_items_page_shows_the_record_of_an_item(watched):
    """From the search to the item, its record by day, and what is behind it."""
    watched.open("/items/")
    page = watched.page
    for words in ("On hand", "Lowest projected balance", "Past-due releases"):
        expect(page.get_by_text(words).first).to_be_visible()
    watched.act(lambda: page.get_by_role("radio", name="day").click())
    # marimo keeps a hidden copy of what a tab holds.
    expect(page.locator(".mv-grid:visible")).to_contain_text("Planned order releases")
    page.get_by_role("tab", name="Sources and where used").click()
    expect(page.locator("h3:visible", has_text="Where used")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("trade")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Search")).to_be_visible()
    expect(page.get_by_role("link", name="Trade-offs").last).to_be_visible()
    watched.assert_clean()


@pytest.mark.req("UI-02")
def test_a_list_of_choices_opens_without_what_was_searched_before(watched):
    watched.open("/items/")
    page = watched.page
    page.get_by_label("Item", exact=True).click()
    search = page.locator("input[cmdk-input]")
    page.keyboard.type("A")
    expect(search).to_have_value("A")
    page.get_by_role("option").first.click()
    page.get_by_label("Item", exact=True).click()
    expect(search).to_have_value("")
    watched.assert_clean()


@pytest.mark.nightly
@pytest.mark.req("ANA-10")
def test_a_picture_and_a_grid_are_downloaded(watched, tmp_path):
    """As files with their title, their units and their local times."""
    watched.open("/items/")
    page = watched.page
    files = page.locator(".mv-files")
    for label, begins in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        button = files.get_by_text(label, exact=True).first
        expect(button).to_be_visible()
        with page.expect_download() as got:
            button.click()
        got.value.save_as(tmp_path / label)
        assert (tmp_path / label).read_bytes().startswith(begins)
    page.get_by_role("tab", name="Orders and requirements").click()
    with page.expect_download() as got:
        files.get_by_text("Excel", exact=True).first.click()
    got.value.save_as(tmp_path / "rows.xlsx")
    assert "When (local)" in pl.read_excel(tmp_path / "rows.xlsx").columns
    watched.assert_clean()


def drag(page, mark, by) -> None:
    """Drag a mark of a picture, drawn anew meanwhile or not, by some pixels."""
    mark.hover()
    box = mark.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by[0], y + by[1], steps=8)
    page.mouse.up()


@pytest.mark.nightly
@pytest.mark.req("UI-02", "UI-05")
def test_a_cell_of_the_load_leads_to_its_operations(watched):
    """From the map to the Gantt of a week, and to what one operation waits for."""
    watched.open("/capacity/?mode=constrained")
    page = watched.page
    for words in ("Utilisation of the bottleneck", "Free in the next 4 weeks"):
        expect(page.get_by_text(words).first).to_be_visible()
    pictures = page.locator("marimo-vega svg")
    expect(pictures).to_have_count(1)
    cells = pictures.locator("[aria-label*=': open ']")
    watched.act(cells.nth(1).click)
    page.wait_for_url(re.compile("resource="))
    # One picture at a time: the Gantt has taken the place of the map.
    gantt = page.get_by_role("tab", name="Gantt of the window")
    expect(gantt).to_have_attribute("aria-selected", "true")
    expect(pictures).to_have_count(1)
    bars = pictures.locator("[aria-label*=', step ']")
    expect(bars.first).to_be_visible()
    watched.act(lambda: bars.first.click(force=True))
    page.wait_for_url(re.compile("order="))
    expect(page.locator("h3:visible", has_text="Why then")).to_be_visible()
    box = pictures.locator(".dragged_brush path").first
    expect(box).to_be_visible()
    watched.act(lambda: drag(page, box, (60, 0)))
    told = page.get_by_text("Reschedule to begin").locator("visible=true")
    expect(told).to_be_visible()
    expect(page.get_by_role("button", name="Price the move")).to_be_disabled()
    page.get_by_role("button", name="Put it back").click()
    expect(told).to_have_count(0)
    page.get_by_role("tab", name="Edit").click()
    page.get_by_role("radio", name="Downtime").click()
    # The server of these tests has tables, where nothing is decided.
    expect(
        page.get_by_text("Edits need a lake").locator("visible=true")
    ).to_be_visible()
    watched.assert_clean()


def tab_to(page, part, key="Tab") -> None:
    """Press Tab until a part has the focus."""
    expect(part).to_be_visible()
    for _ in range(60):
        page.keyboard.press(key)
        if part.evaluate("one => one.getRootNode().activeElement === one"):
            return
    raise AssertionError(str(part))


@pytest.fixture
def mills(page, tmp_path, chromium):
    """Capacity page of a company that makes A on machine M or, second choice, M2."""
    bench = setup_company(tmp_path, [])
    key = {"routing": "RA", "step": 1, "choice": "mill"}
    told = [
        ("ResourceDefined", {"resource": "M2", "location": "L"}),
        ("StepResourceDefined", {**key, "resource": "M", "preference": 1}),
        ("StepResourceDefined", {**key, "resource": "M2", "preference": 2}),
    ]
    bench.store.append_many(
        [event(60 + place, kind, **cells) for place, (kind, cells) in enumerate(told)]
    )
    bench.mirror()
    with served(tmp_path, "--lake", str(tmp_path / "lake")) as address:
        desk = Watched(page, address)
        page.set_viewport_size({"width": 1440, "height": 900})
        desk.open("/capacity/?mode=constrained&picture=gantt-of-the-window")
        expect(page.locator("marimo-vega svg")).to_have_count(1)
        yield desk


@pytest.mark.req("UI-05", "UI-12", "WO-12")
@pytest.mark.nightly  # by day: the drag of the test before
def test_an_operation_goes_to_another_machine_by_keyboard_and_by_a_drag(mills):
    page, button = mills.page, partial(mills.page.get_by_role, "button", exact=True)
    tab = partial(page.get_by_role, "tab", exact=True)
    box = page.get_by_role("row").filter(has_text="Cream A").get_by_role("checkbox")
    tab_to(page, box.first)
    mills.act(lambda: page.keyboard.press("Space"))
    # Tab enters the bar of parts at the chosen one, arrows go on.
    tab_to(page, tab(name="Why"))
    for _ in range(2):
        mills.act(lambda: page.keyboard.press("ArrowRight"))
    expect(tab(name="Edit")).to_have_attribute("aria-selected", "true")
    tab_to(page, page.get_by_label("The order shall"))
    page.keyboard.type("run")
    tab_to(page, page.get_by_label("resource", exact=True).last)
    page.keyboard.type("M2")
    tab_to(page, button(name="Price it"))
    page.keyboard.press("Enter")
    told = page.get_by_text(re.compile("^Change resource to M2"))
    expect(told.first).to_be_in_viewport()
    # The price stands first in the drawer, above the form.
    tab_to(page, button(name="Drop it"), "Shift+Tab")
    mills.act(lambda: page.keyboard.press("Enter"))
    expect(told).to_have_count(0)
    # The same by a drag, which is offered no more once it has a price.
    box = page.locator("marimo-vega svg").locator(".dragged_brush path").first
    box.hover()
    drag(page, box, (0, box.bounding_box()["height"]))
    expect(button(name="Put it back")).to_be_visible()
    button(name="Price the move").click()
    expect(told.first).to_be_in_viewport()
    expect(button(name="Put it back")).to_have_count(0)
    page.get_by_label("Approver").first.fill("Maria")
    page.keyboard.press("Tab")
    button(name="Approve the edit").click()
    expect(page.get_by_text("● Decided")).to_be_in_viewport()
    # What was proposed is an order now, and stays chosen.
    mills.act(tab(name="Why").click)
    expect(page.get_by_text(re.compile("^WO-L-.* on M2"))).to_be_visible()
    mills.assert_clean()


@pytest.fixture
def shifts(page, tmp_path, chromium):
    """Capacity page of a company whose machine works by a weekly calendar."""
    shift_company(tmp_path)
    with served(tmp_path, "--lake", str(tmp_path / "lake")) as address:
        desk = Watched(page, address)
        page.set_viewport_size({"width": 1440, "height": 900})
        desk.open("/capacity/?mode=constrained&resource=M")
        expect(page.locator("marimo-vega svg")).to_have_count(1)
        yield desk


@pytest.mark.nightly
@pytest.mark.req("UI-05")
def test_a_week_is_seen_changed_priced_approved_and_taken_back(shifts):
    page, button = shifts.page, partial(shifts.page.get_by_role, "button", exact=True)
    shifts.act(page.get_by_role("tab", name="Edit").click)
    shifts.act(page.get_by_role("radio", name="Weekly shifts").click)
    # Who works by it is named before anything has a price.
    expect(page.get_by_text("2 resources: M, N. A change of it is one")).to_be_visible()
    expect(page.get_by_text("Open, 40 h a week (Europe/Rome)")).to_be_visible()
    monday, saturday = (page.get_by_label(day, exact=True) for day in ("Mon", "Sat"))
    expect(monday).to_have_value("08:00-16:00")
    expect(saturday).to_have_value("closed")
    monday.fill("06:00-14:00, 13:00-22:00")
    saturday.fill("early")
    button(name="Price it").click()
    for words in ("overlaps Mon 06:00-14:00", "Sat early: it cannot be read"):
        expect(page.get_by_text(re.compile(words))).to_be_visible()
    monday.fill("08:00-16:00")
    saturday.fill("08:00-16:00")
    page.get_by_label("From (empty: always)").fill("2026-01-05")
    page.get_by_label("Until (empty: for good)").fill("2026-01-11")
    button(name="Price it").click()
    told = page.get_by_text(re.compile("^Shifts of .*Sat 08:00 to 16:00"))
    expect(told.first).to_be_visible()
    # Eight hours of two machines at 45 an hour.
    cost = page.get_by_role("row").filter(has_text="extra hours of resources")
    expect(cost).to_contain_text("720")
    page.get_by_label("Approver").first.fill("Maria")
    page.keyboard.press("Tab")
    button(name="Approve the edit").click()
    expect(page.get_by_text("● Decided")).to_be_visible()
    # The page shows the new week and the new plan without a reload.
    shown = page.get_by_role("row").filter(has_text="Saturday")
    expect(shown.first).to_contain_text("08:00 to 16:00")
    rows = page.get_by_role("row").filter(has_text="Cream A")
    expect(rows.first).to_contain_text("Tue 6 Jan, 12:00")
    shifts.act(page.get_by_role("tab", name="History").click)
    listed = page.get_by_role("row").filter(has_text="Maria")
    expect(listed).to_contain_text("Sat 08:00 to 16:00")
    button(name="Undo the last decision").locator("visible=true").click()
    expect(page.get_by_text("● Taken back")).to_be_visible()
    expect(rows.first).to_contain_text("Mon 5 Jan, 12:00")
    shifts.assert_clean()


@pytest.mark.req("CMP-09", "UI-05")
@pytest.mark.nightly  # by day: tests/service/test_campaign_page.py edits a cell
def test_the_campaigns_app_shows_what_an_edited_cell_changes(watched, tables):
    watched.open("/campaigns/?tables=shop")
    page = watched.page
    expect(page.get_by_text("once the comparison above is made")).to_be_visible()
    page.get_by_role("button", name="Plan with and without campaigns").click()
    for words in ("Campaigns and changeovers", "45 min less set-up with campaigns"):
        expect(page.get_by_role("heading", name=words).first).to_be_visible()
    expect(page.get_by_text("verified: 0 violations").first).to_be_visible()
    expect(page.locator("marimo-vega svg")).to_have_count(1)
    page.get_by_role("tab", name="Changeover matrix").click()
    watched.act(lambda: page.get_by_role("cell", name="120 ●").click())
    minutes = page.get_by_placeholder("as a row for any family says")
    expect(minutes).to_have_value("120")
    minutes.fill("60")
    page.get_by_role("button", name="Show what changes").click()
    for words in (
        "from FA to FB takes 60 min",
        "New cell, with campaigns",
        "Nothing can be recorded here",
    ):
        expect(page.get_by_text(words).first).to_be_visible()
    watched.assert_clean()


@pytest.mark.nightly
def test_the_campaigns_app_fits_a_phone(watched, tables):
    watched.page.set_viewport_size({"width": 390, "height": 2600})
    watched.open("/campaigns/?tables=shop")
    begin = watched.page.get_by_role("button", name="Plan with and without campaigns")
    chart = watched.page.locator("marimo-vega svg")
    expect(begin.or_(chart).first).to_be_visible()
    if begin.count():
        begin.click()
    expect(chart).to_be_visible()
    width = watched.page.evaluate("document.querySelector('#App').scrollWidth")
    assert width <= 390
    watched.assert_clean()


@pytest.mark.nightly
def test_the_campaigns_app_says_what_to_do_without_a_matrix(watched):
    watched.open("/campaigns/?tab=changeover-matrix")
    page = watched.page
    expect(page.get_by_text("There is no changeover matrix").first).to_be_visible()
    watched.assert_clean()


@pytest.mark.nightly
@pytest.mark.req("UI-08")
def test_a_grid_lists_the_rows_of_the_group_that_is_ticked(watched):
    page = watched.page
    watched.open("/suppliers/?tables=lemonade&group=From")
    watched.act(page.get_by_role("tab", name="Buy list").click)
    expect(page.get_by_text("Tick groups to list their rows")).to_be_visible()
    group = page.get_by_role("row").filter(has_text="Glassworks")
    expect(group).to_contain_text("€ 125")
    listed = page.get_by_role("row").filter(has_text="B-PLANT-0002")
    expect(listed).to_have_count(0)
    watched.act(group.get_by_role("checkbox").click)
    expect(listed).to_be_visible()
    expect(page).to_have_url(re.compile("open=Glassworks"))
    # The tab stays open, as do the groups where the page is loaded again.
    tab = page.get_by_role("tab", name="Buy list")
    expect(tab).to_have_attribute("aria-selected", "true")
    page.reload()
    expect(listed).to_be_visible()
    watched.assert_clean()


@pytest.mark.nightly
@pytest.mark.req("UI-08")
@pytest.mark.parametrize(
    "page_address", some(["/cockpit/?", "/plan/?tab=exceptions&"], 1)
)
def test_exceptions_are_grouped_as_other_grids_are(watched, page_address):
    page = watched.page
    watched.open(f"{page_address}tables=lemonade&group=Where")
    tick = page.get_by_text("Tick groups to list their rows")
    expect(tick).to_be_visible()
    group = page.get_by_role("row").filter(has=page.get_by_role("checkbox")).nth(1)
    place = group.get_by_role("cell").nth(1).inner_text()
    inside = page.get_by_role("row").filter(has_text=re.compile("[●◆▲]"))
    listed = inside.filter(has_text=place)
    before = listed.count()
    watched.act(group.get_by_role("checkbox").click)
    expect(listed).not_to_have_count(before)
    expect(page).to_have_url(re.compile(f"open={place.split()[0]}"))
    watched.assert_clean()


@pytest.mark.req("UI-08")
@pytest.mark.nightly
def test_the_workspace_of_the_bar_holds_from_page_to_page(watched):
    """The bar named the first one whatever a page showed, and no page kept another."""
    page = watched.page
    page.goto(f"{watched.address}/#/data/")
    bar = page.get_by_label("Workspace")
    shown = page.frame_locator("iframe.shown")
    expect(shown.get_by_text("Source lemonade")).to_be_visible()
    bar.select_option("shop")
    expect(shown.get_by_text("Source shop")).to_be_visible()
    side = page.get_by_role("navigation", name="Pages")
    side.get_by_role("link", name="Items", exact=True).click()
    expect(shown.get_by_role("heading", name="Items", exact=True)).to_be_visible()
    expect(shown.get_by_text("Source shop")).to_be_visible()
    expect(bar).to_have_value("shop")
    # An object of it is shown by the same shell, which is not loaded again.
    page.evaluate("window.kept = true")
    page.evaluate("postMessage({address: '/order/NONE'}, location.origin)")
    expect(shown.get_by_text("Order NONE is not in this plan")).to_be_visible()
    expect(shown.get_by_text("Source shop")).to_be_visible()
    assert page.evaluate("window.kept")
    watched.assert_clean()
