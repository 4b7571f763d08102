"""The orders page in a real browser: an order by its address, many edited at once."""

from __future__ import annotations

import csv
import re

import pytest
from playwright.sync_api import expect

from medhavi.workbench.orders.order_history import outbox
from tests.browser.conftest import Watched, served
from tests.lakehouse.lake_events import day, purchase
from tests.service.test_order_page import MORE
from tests.workbench.edit_company import company, opened, reported

pytestmark = pytest.mark.browser


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.nightly)])
def desk(request, page, tmp_path, chromium):
    company(tmp_path, MORE)
    page.emulate_media(color_scheme=request.param)
    with served(tmp_path, "--lake", str(tmp_path / "lake")) as address:
        yield Watched(page, address)


@pytest.mark.req("WO-12", "UI-08")
@pytest.mark.nightly  # by day: tests/service/test_order_page.py and mass changes
def test_two_orders_are_cancelled_at_one_price_and_come_back(desk, tmp_path):
    page = desk.page
    desk.open("/orders/?status=released")
    expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
    rows = page.get_by_role("row").filter(has_text="released")
    expect(rows).to_have_count(2)
    for place in (0, 1):
        desk.act(rows.nth(place).get_by_role("checkbox").click)
    cancel = page.get_by_role("radio", name="Cancel")
    expect(cancel).to_be_visible()
    desk.act(cancel.click)
    # The form of the action that was chosen before has gone.
    expect(page.get_by_placeholder("2026-12-04 14:00")).to_have_count(0)
    desk.act(page.get_by_role("button", name="Preview", exact=True).click)
    expect(page.get_by_text(re.compile("^Cancel 2 orders: PO-1, PO-2"))).to_be_visible()
    page.get_by_label("Approver").first.fill("Maria")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Approve the edit").click()
    expect(page.get_by_text("● Decided")).to_be_visible()
    expect(page.get_by_text("No order matches").first).to_be_visible()
    page.get_by_role("tab", name="History").click()
    told = page.get_by_text("Cancelled 2 orders: PO-1, PO-2").first
    expect(told).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape("tab=history")))
    page.get_by_role("button", name="Undo the last decision").click()
    expect(page.get_by_text("● Taken back")).to_be_visible()
    kinds = [one.kind for one in opened(tmp_path).edit_history()]
    assert kinds == ["mass_change", "undo"]
    desk.assert_clean()


FIRMED = purchase(30, "PO-3", 10.0, day(60), source="S", status="firmed")


@pytest.mark.req("WO-02", "UI-08")
@pytest.mark.nightly  # by day: test_first_edit.py
def test_a_firm_order_is_released_and_goes_to_other_systems(page, tmp_path, chromium):
    """Selected, priced, approved; its state, its history and the outbox have it."""
    company(tmp_path, FIRMED)
    before = outbox(opened(tmp_path).lake).next
    with served(tmp_path, "--lake", str(tmp_path / "lake")) as address:
        desk = Watched(page, address)
        desk.open("/orders/")
        row = page.get_by_role("row").filter(has_text="PO-3")
        expect(row).to_contain_text("firmed")
        desk.act(row.get_by_role("checkbox").click)
        release = page.get_by_role("radio", name="Release")
        expect(release).to_be_checked()
        desk.act(page.get_by_role("button", name="Preview", exact=True).click)
        expect(page.get_by_text(re.compile("^Release: .*PO-3"))).to_be_visible()
        page.get_by_label("Approver").first.fill("Maria")
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Approve the edit").click()
        told = page.get_by_text("Release PO-3: approved by Maria.")
        expect(told).to_be_visible()
        expect(row).to_contain_text("released")
        page.get_by_role("tab", name="History").click()
        expect(page.get_by_text("release PO-3").first).to_be_visible()
        desk.assert_clean()
    sent = outbox(opened(tmp_path).lake, before).rows
    assert [(one["order"], one["action"]) for one in sent] == [("PO-3", "released")]


@pytest.mark.req("UI-02", "UI-08", "OPA-07", "NEX-05")
@pytest.mark.nightly
def test_a_plan_that_became_older_is_renewed_and_the_choice_is_kept(desk, tmp_path):
    """A fact comes while somebody fills in a form: what was chosen is still there."""
    page = desk.page
    desk.open("/orders/?status=released")
    rows = page.get_by_role("row").filter(has_text="released")
    expect(rows).to_have_count(2)
    desk.act(rows.filter(has_text="PO-2").get_by_role("checkbox").click)
    action = page.get_by_role("radio", name="Change quantity")
    desk.act(action.click)
    # The form of the action takes the place of another one with a reason.
    expect(page.get_by_role("textbox", name="Quantity")).to_be_visible()
    page.get_by_label("Reason").locator("visible=true").fill("the customer asks")
    page.keyboard.press("Tab")
    # Nothing loads the page again.
    page.evaluate("document.body.dataset.stays = 'yes'")
    trust = page.get_by_text(re.compile("^Plan [0-9a-f]{12}$"))
    known = trust.first.inner_text()
    reported(tmp_path, purchase(33, "PO-9", 5.0, day(61), status="released"))
    expect(rows).to_have_count(3)
    assert trust.first.inner_text() != known
    assert page.evaluate("document.body.dataset.stays") == "yes"
    ticked = rows.filter(has_text="PO-2").get_by_role("checkbox")
    expect(ticked).to_be_checked()
    expect(page.get_by_text("1 order").first).to_be_visible()
    expect(action).to_be_checked()
    reason = page.get_by_label("Reason").locator("visible=true")
    expect(reason).to_have_value("the customer asks")
    expect(page).to_have_url(re.compile(re.escape("status=released")))
    desk.assert_clean()


@pytest.mark.req("UI-02", "UI-08")
@pytest.mark.nightly
def test_a_plant_and_a_week_are_chosen_by_one_click_each(desk):
    page = desk.page
    desk.open("/orders/?status=released")
    desk.act(page.get_by_role("button", name="DC", exact=True).click)
    expect(page).to_have_url(re.compile("status=released&location=DC$"))
    expect(page.get_by_role("row").filter(has_text="released")).to_have_count(2)
    desk.act(page.get_by_role("button", name="Next week").click)
    expect(page).to_have_url(re.compile(r"&location=DC&week=\d{4}-\d\d-\d\d$"))
    expect(page.get_by_text("No order matches").first).to_be_visible()
    desk.act(page.get_by_role("button", name="✓ Next week").click)
    expect(page).to_have_url(re.compile("status=released&location=DC$"))
    expect(page.get_by_role("row").filter(has_text="released")).to_have_count(2)
    desk.assert_clean()


@pytest.mark.nightly
@pytest.mark.req("UI-08")
def test_an_order_has_an_address_and_says_why(order_desk):
    desk, page = order_desk, order_desk.page
    page.goto(f"{desk.address}/order/PO-1")
    shown = page.frame_locator("iframe.shown")
    expect(shown.get_by_text("1 order").first).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape("/#/orders/?order=PO-1") + "$"))
    expect(shown.get_by_role("heading", name="Serves")).to_be_visible()
    expect(shown.get_by_role("link", name="D-1").first).to_be_visible()
    with page.expect_download() as file:
        shown.get_by_text("CSV", exact=True).first.click()
    text = file.value.path().read_text("utf-8-sig")
    assert text.startswith("Order,Type,Item,Location,Quantity,Unit,Start (local)")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.get_by_text("Copy", exact=True).first.click()
    expect(shown.get_by_text("Copied to the clipboard")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert copied[0].split("\t") == text.split("\n")[0].split(",")
    assert copied[1].startswith("PO-1\t")
    # Another address of an open page changes what it shows, and loads nothing again.
    frame = next(one for one in page.frames if "/orders/" in one.url)
    frame.evaluate("window.alive = true")
    page.evaluate("location.hash = '#/orders/?status=released&ticked=all'")
    expect(shown.get_by_text("2 orders").first).to_be_visible()
    expect(shown.get_by_role("radio", name="Cancel")).to_be_visible()
    expect(page).to_have_url(
        re.compile(re.escape("/#/orders/?status=released&ticked=all") + "$")
    )
    page.go_back()
    expect(shown.get_by_text("1 order").first).to_be_visible()
    assert frame.evaluate("window.alive")
    # The trail says where one is, and leads to all of the page.
    trail = page.get_by_role("navigation", name="Breadcrumbs")
    expect(trail).to_have_text(re.compile("Orders.*PO-1"))
    trail.get_by_role("link", name="Orders").click()
    expect(shown.get_by_text("1 order").first).to_be_hidden()
    expect(trail).to_have_text("Orders")
    assert frame.evaluate("window.alive")
    # The short address of an object, typed behind the shell's, leads to its page.
    page.evaluate("location.hash = '#/order/PO-1'")
    expect(shown.get_by_text("1 order").first).to_be_visible()
    expect(trail).to_have_text(re.compile("Orders.*PO-1"))
    expect(page).to_have_url(re.compile(re.escape("/#/orders/?order=PO-1") + "$"))
    desk.assert_clean()


@pytest.mark.req("UI-08")
@pytest.mark.nightly
def test_all_pages_show_a_chosen_moment_until_they_are_back_at_now(order_desk, ordered):
    desk, page = order_desk, order_desk.page
    page.goto(f"{desk.address}/#/orders/")
    shown = page.frame_locator("iframe.shown")
    row = shown.get_by_role("row").filter(has_text="PO-2")
    expect(row).to_be_visible()
    asof = page.get_by_role("button", name=re.compile("As of"))
    expect(asof).to_have_text("As of Mon 5 Jan 2026, 00:30")
    asof.click()
    page.get_by_label(re.compile("^All pages as it was known")).fill("2026-01-05T00:25")
    page.get_by_role("button", name="Show this moment").click()
    state = shown.get_by_text("a past moment, nothing is decided")
    expect(state).to_be_visible()
    expect(row).to_have_count(0)
    expect(asof).to_have_text("As of Mon 5 Jan 2026, 00:25")
    # Another page is of the same moment; there nothing is decided.
    side = page.get_by_role("navigation", name="Pages")
    side.get_by_role("link", name="Plan", exact=True).click()
    expect(shown.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
    expect(state).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape("/plan/?known_at=2026-01-05")))
    expect(shown.get_by_text("Mon 5 Jan 2026, 00:25 (UTC)").first).to_be_visible()
    # Neither is anything found that came later.
    page.get_by_role("combobox", name=re.compile("^Search orders")).fill("PO-2")
    page.keyboard.press("Enter")
    expect(shown.get_by_text("Nothing matches")).to_be_visible()
    side.get_by_role("link", name="Orders", exact=True).click()
    desk.act(
        lambda: (
            shown.get_by_role("row")
            .filter(has_text="PO-1")
            .get_by_role("checkbox")
            .click()
        )
    )
    shown.get_by_role("button", name="Preview", exact=True).click()
    expect(shown.get_by_text("nothing is decided in the past")).to_be_visible()
    expect(shown.get_by_role("button", name="Approve the edit")).to_have_count(0)
    page.reload()
    expect(state).to_be_visible()
    asof.click()
    page.get_by_role("button", name="Back to now").click()
    expect(row).to_be_visible()
    expect(state).to_have_count(0)
    expect(page).not_to_have_url(re.compile(re.escape("known_at")))
    assert opened(ordered).edit_history() == []
    desk.assert_clean()


@pytest.mark.nightly
@pytest.mark.req("UI-02")
def test_buttons_of_files_have_the_type_of_other_buttons(order_desk):
    """They were of 16 px beside 14, and higher than the line that they stand in."""
    page = order_desk.page
    order_desk.open("/orders/")
    look = "one => [getComputedStyle(one).fontSize, one.offsetHeight]"
    for name in ("CSV", "Excel", "Copy"):
        button = page.get_by_role("link", name=name, exact=True)
        words = button.locator(".markdown").first.evaluate(look)[0]
        assert (words, button.evaluate(look)[1]) == ("14px", 28)


@pytest.mark.nightly
@pytest.mark.req("UI-08")
def test_orders_are_grouped_opened_by_the_keyboard_and_exported_as_shown(order_desk):
    desk, page = order_desk, order_desk.page
    desk.open("/orders/?group=status")
    tick = page.get_by_text("Tick groups to list their rows")
    expect(tick).to_be_visible()
    group = page.get_by_role("row").filter(has_text="released")
    expect(group).to_have_count(1)
    # PO-1 and PO-2: 40 pieces at 2 each.
    expect(group).to_contain_text("€ 80")
    group.get_by_role("checkbox").focus()
    desk.act(lambda: page.keyboard.press("Space"))
    for number in ("PO-1", "PO-2"):
        row = page.get_by_role("row").filter(has_text=number)
        expect(row).to_have_count(1)
    expect(page).to_have_url(re.compile(re.escape("open=released")))
    page.reload()
    expect(page.get_by_role("row").filter(has_text="PO-2")).to_be_visible()
    with page.expect_download() as file:
        page.get_by_text("CSV", exact=True).first.click()
    lines = file.value.path().read_text("utf-8-sig").splitlines()
    # In the sequence of the columns of the grid, behind those of the groups.
    assert lines[0].startswith("Status,Orders,Order,Type,Item,Location,Quantity,Unit,")
    told = [
        [row[name] for name in ("Orders", "Order", "Quantity")]
        for row in csv.DictReader(lines)
        if row["Status"] == "released"
    ]
    assert told == [["2", "", "40.0"], ["", "PO-1", "30.0"], ["", "PO-2", "10.0"]]
    desk.assert_clean()
