"""Drawers right of grids: what is selected, its parts, its place and its address."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser

NARROW, WIDE = 390, 1280


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawer:
    """A page with a grid and its drawer.

    Parameters
    ----------
    path
        Address of the grid.
    name
        Part of the address that says which row is selected.
    tabs
        Parts of the drawer, as far as every company has them.
    side
        Part of the address that says which part of the drawer is shown.
    """

    path: str
    name: str
    tabs: tuple[str, ...]
    side: str = "side"


PLAN = Drawer(path="/plan/?", name="demand", tabs=("Why", "Edit", "History"))
ORDERS = Drawer(
    path="/orders/?", name="order", tabs=("Why", "Edit", "History"), side="tab"
)
DRAWERS = {"plan": PLAN, "orders": ORDERS}


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.nightly)])
def desk(request, page, promise_server):
    page.emulate_media(color_scheme=request.param)
    page.set_viewport_size({"width": WIDE, "height": 2600})
    return Watched(page, promise_server)


def grid_of(page):
    return page.locator('[data-cell-name="grid"]')


def select(desk) -> None:
    """Select the last row of the grid by the keyboard, as by the mouse."""
    box = grid_of(desk.page).locator("tbody tr").get_by_role("checkbox").last
    expect(box).to_be_visible()
    for _ in range(2 if box.is_checked() else 1):
        box.focus()
        desk.act(lambda: desk.page.keyboard.press("Space"))
    expect(box).to_be_checked()


def assert_beside(page) -> None:
    """Right of its grid where there is room, below it on a phone; nothing sideways."""
    drawer = page.get_by_role("region", name="Selection")
    expect(drawer).to_be_visible()
    for width in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": 2600})
        page.wait_for_timeout(100)
        beside, grid = drawer.bounding_box(), grid_of(page).bounding_box()
        assert beside is not None
        assert grid is not None
        if width == WIDE:
            assert beside["x"] >= grid["x"] + grid["width"]
            assert beside["y"] < grid["y"] + 100
        else:
            assert beside["y"] >= grid["y"] + grid["height"]
        size = page.evaluate(
            "(document.querySelector('#App') || document.body).scrollWidth"
        )
        assert size <= width
    page.set_viewport_size({"width": WIDE, "height": 2600})


@pytest.mark.nightly
@pytest.mark.req("UI-02", "UI-08")
@pytest.mark.parametrize("drawer", DRAWERS.values(), ids=DRAWERS)
def test_what_is_selected_stands_beside_its_grid_and_in_the_address(desk, drawer):
    page = desk.page
    desk.open(drawer.path)
    select(desk)
    assert_beside(page)
    expect(page).to_have_url(re.compile(rf"[?&]{drawer.name}=[^&]+"))
    told = page.get_by_role("region", name="Selection").inner_text()
    for name in drawer.tabs[::-1]:
        tab = page.get_by_role("tab", name=name, exact=True)
        expect(tab).to_be_visible()
        if tab.get_attribute("data-state") != "active":
            desk.act(tab.click)
        address = f"[?&]{drawer.side}={name.lower()}"
        expect(page).to_have_url(re.compile(address))
        expect(page.get_by_role("region", name="Selection")).to_have_text(told)
    # The row, its drawer and the part of it are there again.
    desk.act(page.reload)
    expect(page.get_by_role("region", name="Selection")).to_have_text(told)
    active = page.get_by_role("tab", name=drawer.tabs[0], exact=True)
    expect(active).to_have_attribute("data-state", "active")
    desk.assert_clean()


@pytest.mark.req("UI-02", "UI-08")
def test_focus_goes_from_the_grid_to_its_drawer(desk):
    page = desk.page
    desk.open(PLAN.path)
    expect(page.get_by_role("region", name="Selection")).to_be_visible()
    copy = grid_of(page).get_by_role("link", name="Copy", exact=True)
    copy.focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("tab", name="Why", exact=True)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="What would help")).to_be_focused()
    desk.assert_clean()


@pytest.mark.req("UI-02", "UI-08")
@pytest.mark.nightly
def test_a_demand_leads_to_the_edit_of_its_orders(desk):
    page = desk.page
    desk.open("/plan/?side=edit")
    expect(page.get_by_role("heading", name="Its orders, to edit")).to_be_visible()
    link = page.locator(".mv-list a[href^='/orders/']").first
    number = link.inner_text()
    desk.act(link.click)
    expect(page.get_by_role("region", name="Selection")).to_contain_text(number)
    edit = page.get_by_role("tab", name="Edit", exact=True)
    expect(edit).to_have_attribute("data-state", "active")
    desk.assert_clean()


@pytest.mark.req("UI-02", "UI-08")
def test_an_item_has_its_drawer_below_its_record(desk):
    page = desk.page
    desk.open("/items/")
    assert_beside(page)
    record = page.locator('[data-cell-name="time_phased"]').bounding_box()
    grid = grid_of(page).bounding_box()
    assert record is not None
    assert grid is not None
    assert record["width"] > grid["width"] + 300
    desk.act(page.get_by_role("tab", name="Edit", exact=True).click)
    expect(page.get_by_role("link", name="All its orders")).to_be_visible()
    # The part of the drawer stays where another part of the page is looked at.
    desk.act(page.get_by_role("tab", name="Orders and requirements").click)
    expect(page.get_by_role("link", name="All its orders")).to_be_visible()
    expect(page).to_have_url(re.compile("side=edit&tab=orders-and-requirements"))
    desk.assert_clean()


@pytest.mark.req("UI-02", "UI-08")
def test_an_exception_that_is_ticked_has_its_links_beside_the_grid(desk):
    desk.open("/cockpit/")
    expect(desk.page.get_by_role("region", name="Selection")).to_have_count(0)
    select(desk)
    assert_beside(desk.page)
    expect(desk.page.get_by_role("link", name="All of the kind")).to_be_visible()
    expect(desk.page.get_by_role("button", name="Record")).to_be_visible()
    desk.assert_clean()


@pytest.mark.req("UI-02", "UI-08")
@pytest.mark.nightly
def test_a_grid_beside_its_drawer_is_whole(desk):
    """Its last columns were cut in the middle of a word, with no sign of more."""
    page = desk.page
    for drawer in (PLAN, ORDERS):
        desk.open(drawer.path)
        select(desk)
        grid = grid_of(page).locator("table.caption-bottom").last
        for width in (1440, WIDE):
            page.set_viewport_size({"width": width, "height": 2600})
            page.wait_for_timeout(100)
            hidden = grid.locator("..").evaluate(
                "one => one.scrollWidth - one.clientWidth"
            )
            # What is wider than it may be made scrolls, which its edge tells.
            edge = grid.locator("..").evaluate("one => getComputedStyle(one).maskImage")
            assert (edge == "none") == (hidden <= 0)
            assert hidden <= (0 if width > WIDE or drawer is PLAN else 80)
            # The first column stays, whole.
            first = grid.locator("tbody td:not(:has([role=checkbox]))").first
            assert first.bounding_box()["width"] >= 88
    desk.assert_clean()


@pytest.mark.req("UI-02")
def test_no_grid_offers_the_id_of_a_row(desk):
    """The explorer listed it, the menu of columns offered to show it."""
    page = desk.page
    desk.open(ORDERS.path)
    expect(grid_of(page).locator("tbody tr").first).to_be_visible()
    expect(
        page.get_by_role("button", name="Explore").locator("visible=true")
    ).to_have_count(0)
    page.get_by_test_id("column-visibility-trigger").last.click()
    expect(page.get_by_role("option", name="Zone")).to_be_visible()
    expect(page.locator("[data-value=Id]")).to_be_hidden()
    page.get_by_role("option", name="Show all").click()
    expect(grid_of(page).get_by_text("Zone", exact=True)).to_be_visible()
    expect(grid_of(page).get_by_text("Id", exact=True)).to_be_hidden()
    for cell in grid_of(page).locator("[data-cell-id$=_Id]").all():
        expect(cell).to_be_hidden()
    desk.assert_clean()


@pytest.mark.req("UI-02")
def test_the_menu_of_a_page_lies_over_nothing_below_its_head(desk):
    page = desk.page
    page.set_viewport_size({"width": WIDE, "height": 500})
    desk.open(ORDERS.path)
    menu = page.get_by_test_id("notebook-actions-dropdown")
    expect(menu).to_be_visible()
    page.locator(".mv-trust").scroll_into_view_if_needed()
    expect(menu).not_to_be_in_viewport()
    desk.assert_clean()


@pytest.mark.req("UI-02", "UI-08")
def test_a_phone_searches_beside_the_scenario(page, promise_server):
    page.set_viewport_size({"width": NARROW, "height": 800})
    page.goto(f"{promise_server}/")
    field = page.get_by_role("combobox", name="Search orders")
    expect(field).to_be_visible()
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    page.keyboard.type("a")
    found = page.get_by_role("listbox", name="Search")
    expect(found).to_be_visible()
    box = found.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= NARROW


@pytest.mark.nightly
@pytest.mark.req("UI-05")
def test_the_plan_has_the_picture_of_the_capacity_page(desk):
    """Weeks without work, and resources with none, were left out of it."""
    drawn = []
    for address in ("/plan/?tab=capacity", "/capacity/?picture=capacity-load"):
        desk.open(address)
        cells = desk.page.locator("marimo-vega svg [aria-label*=': open ']")
        expect(cells.first).to_be_visible()
        drawn.append(cells.evaluate_all("all => all.map(one => one.ariaLabel)"))
    assert drawn[0] == drawn[1]
    desk.assert_clean()
