"""The whole desk of promising in a real browser, on a lake, in both themes."""

from __future__ import annotations

import datetime as dt
import re

import polars as pl
import pytest
from playwright.sync_api import expect

from medhavi.service.downloads import as_xlsx
from medhavi.service.plan_pages.plan_loading import EVERY_SECONDS
from medhavi.service.promise_pages.request_file import KINDS
from medhavi.views.promises.words import promise_names
from tests.api import DARK, LIGHT, Lake
from tests.browser.conftest import Watched, served
from tests.browser.page_words import said, untold
from tests.service.promise_company import SHORT, promise_company

pytestmark = pytest.mark.browser
ASKED = "&".join(f"{name}={value}" for name, value in SHORT.items())
FILE = (
    b"sales_order,line,customer,product,location,qty,due\n"
    b"SO-7,1,C-1,A,SHOP,3,2026-01-20T00:00:00Z\n"
    b"SO-8,1,C-1,A,SHOP,90,2026-01-08T00:00:00Z\n"
)
WRONG = b"product,location,qty,due\nZ,SHOP,-4,2026-01-20T00:00:00Z\nA,SHOP,many,\n"
WORKBOOK = pl.DataFrame(
    {
        "sales_order": ["SO-9", "SO-9"],
        "line": [1, 2],
        "customer": ["C-1", "C-1"],
        "product": ["J-7", "A"],
        "location": ["SHOP", "SHOP"],
        "qty": [25.0, 70.0],
        "due": [dt.date(2026, 1, 9), dt.date(2026, 1, 8)],
    }
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return promise_company(tmp_path_factory.mktemp("promise_desk"))


@pytest.fixture(scope="module")
def names(lake):
    return promise_names(Lake(lake).snapshot())


@pytest.fixture(scope="module")
def lake_server(chromium, lake):
    with served(lake.parent, "--lake", str(lake)) as address:
        yield address


@pytest.fixture(scope="module")
def dark_server(chromium, tmp_path_factory):
    place = tmp_path_factory.mktemp("dark_desk")
    with served(place, "--lake", str(promise_company(place))) as address:
        yield address


@pytest.fixture(
    params=[
        ("light", "lake_server"),
        pytest.param(("dark", "dark_server"), marks=pytest.mark.nightly),
    ],
    ids=["light", "dark"],
)
def desk(request, page):
    scheme, server = request.param
    page.emulate_media(color_scheme=scheme)
    watched = Watched(page, request.getfixturevalue(server))
    watched.open("/promise/")
    expect(command_of(page)).to_be_visible()
    return watched


def command_of(page):
    """The question as a command: it stands last, so all above it is there."""
    return page.locator(".mv-trust code").last


def part(page, name: str) -> None:
    """Show a part of the page, or of the answer."""
    tab = page.get_by_role("tab", name=name, exact=True)
    tab.click()
    expect(tab).to_have_attribute("data-state", "active")


def choose(page, field: str, typed: str, found: str) -> None:
    """Type in the search of a field of the form, and take what is found."""
    chosen = page.get_by_label(field, exact=True).first
    if chosen.inner_text() != found:  # a second click would take it back
        chosen.click()
        page.locator("[cmdk-input]").fill(typed)
        page.get_by_role("option", name=found).click()
    expect(chosen).to_have_text(found)


def ask_for(page, product: tuple[str, str], qty: str, due: str) -> None:
    """Fill the form by hand and press its button."""
    part(page, "Desk")
    # A curve says where its rule stands once it is drawn: not into the next answer.
    expect(page.locator(".mv-two svg").last).to_be_visible()
    page.wait_for_timeout(1_000)
    choose(page, "Product", *product)
    choose(page, "Delivered at", "corn", "Corner shop (SHOP)")
    choose(page, "Customer", "corn", "Corner shop (C-1)")
    page.get_by_label("Quantity", exact=True).fill(qty)
    page.get_by_label("Due (local time there)").fill(due)
    page.get_by_role("button", name="Quote").click()
    # The command stands last: what is above it is of this question.
    command = page.locator("code").filter(has_text=f'"qty": {float(qty)}').first
    expect(command).to_be_visible()
    expect(page.get_by_text(f"asked for {qty}", exact=True)).to_be_visible()


def drop(page, name: str, content: bytes) -> None:
    assert name.endswith(KINDS)
    page.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def drag(page, share: float) -> None:
    """Drag over the curve from its middle to a share of its width."""
    curve = page.locator(".mv-drag svg").first
    expect(curve).to_be_visible()
    box = curve.bounding_box()
    height = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, height)
    page.mouse.down()
    for step in range(1, 9):
        way = 0.5 + (share - 0.5) * step / 8
        page.mouse.move(box["x"] + box["width"] * way, height)
    page.mouse.up()


def colour_of(page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def rgb(colour: str) -> str:
    parts = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return f"rgb({parts[0]}, {parts[1]}, {parts[2]})"


def make_juice(page) -> None:
    """Ask for what is made: its steps and machines stand in the chain."""
    ask_for(page, ("juice", "Apple juice (J-7)"), "24", "2026-01-09 09:00")
    expect(page).to_have_url(re.compile(re.escape("product=J-7")))
    chain = page.locator(".mv-draw svg").first
    for words in ("Press 1, DC", "Bottling line, DC", "DC → Corner shop by road"):
        expect(chain).to_contain_text(words)
    told = chain.locator("[aria-label*='Pressing on Press 1']").first
    expect(told).to_be_attached()


def ask_for_short(page) -> None:
    """Ask for more apples than lie there."""
    ask_for(page, ("crate", "Apple crate (A)"), SHORT["qty"], SHORT["due"])
    expect(page).to_have_url(re.compile(re.escape(f"qty={SHORT['qty']}")))


def weigh(page) -> None:
    """Ways side by side, the chain with its slack, what limits it."""
    part(page, "Why and remedies")
    for words in (
        "Corner shop (SHOP)",
        "FCA",
        "Europe/Rome",
        "Sourcing options",
        "material",
        "slack",
        "Limiting factors and remedies",
        "the lead time of Orchard is",
    ):
        expect(page.get_by_text(words).first).to_be_visible()
    ways = page.locator(".mv-table", has_text="Parts of cost").locator("tbody tr")
    expect(ways.filter(has_text="chosen")).to_have_count(1)
    expect(ways.nth(1)).to_be_visible()


def move_the_date(page) -> None:
    """Drag the rule, then move the slider: the chance follows."""
    chance = page.get_by_text("probability of delivery by then").first
    expect(chance).to_contain_text("80 % probability")

    part(page, "Confirm")
    drag(page, 0.95)
    own = page.get_by_label("Another date (local)")
    expect(chance).to_contain_text("later than quoted")
    expect(own).not_to_have_value("")
    slider = page.get_by_role("slider").first
    expect(slider).not_to_have_attribute("aria-valuenow", "79")
    dragged = chance.inner_text()
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(chance).not_to_have_text(dragged)


def try_and_promise(page) -> None:
    """Try a change of data and one of the question; promise that."""
    part(page, "Why and remedies")
    page.get_by_role("button", name=re.compile("^Orchard delivers")).click()
    words = page.get_by_text("It changes data for everybody").first
    expect(words).to_be_visible()
    with page.expect_download() as told:
        page.get_by_text("The rows, xlsx").click()
    assert told.value.suggested_filename == "remedy-rows.xlsx"
    page.get_by_role("button", name=re.compile("^Ask for 40")).click()
    expect(page.get_by_role("heading", name=re.compile("what then"))).to_be_visible()
    part(page, "Confirm")
    page.get_by_label("with the change").click()
    page.get_by_label("Approver", exact=True).first.fill("Ada")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Promise it").click()
    expect(page.get_by_text("approved by Ada").first).to_be_visible()


def promise_too_early(page) -> None:
    """Promise a date that cannot be kept, because somebody insists."""
    ask_for(page, ("juice", "Apple juice (J-7)"), "30", "2026-01-20 09:00")
    part(page, "Confirm")
    own = page.get_by_label("Another date (local)")
    expect(own).to_have_value("")
    own.fill("2026-01-06 10:00")
    page.keyboard.press("Tab")
    page.get_by_label("Reason", exact=True).fill("he insists")
    page.keyboard.press("Tab")
    page.get_by_label("Approver", exact=True).first.fill("Eve")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Promise it").click()
    said = page.get_by_text("not the one that was found: he insists").first
    expect(said).to_be_visible()


def many_at_once(page) -> None:
    """A wrong file is told, a good one answered, written and promised."""
    part(page, "Request file")
    drop(page, "wrong.csv", WRONG)
    wrong = page.get_by_role("heading", name="Fix the errors of the file")
    expect(wrong).to_be_visible()
    expect(page.get_by_text("request · quantity row 2").first).to_be_visible()
    drop(page, "requests.csv", FILE)
    expect(page.get_by_text("SO-8 line 1").first).to_be_visible()
    with page.expect_download() as told:
        page.get_by_text("Answers, xlsx").click()
    assert told.value.suggested_filename == "answers.xlsx"
    with page.expect_download() as told:
        page.get_by_text("Answers, CSV").click()
    assert told.value.suggested_filename == "answers.csv"
    page.get_by_role("checkbox").nth(1).click()
    page.get_by_label("Approver").last.fill("Bob")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Promise the chosen lines").click()
    expect(page.get_by_text("approved by Bob").first).to_be_visible()
    page.wait_for_timeout(2_000 * EVERY_SECONDS)  # the page has heard of it by then
    expect(page.get_by_text("approved by Bob").first).to_be_visible()


def workbook_at_once(page) -> None:
    """A workbook is answered: what is made and what is bought, both limited."""
    part(page, "Request file")
    drop(page, "requests.xlsx", as_xlsx(WORKBOOK, "requests"))
    for line in ("SO-9 line 1", "SO-9 line 2"):
        expect(page.get_by_text(line).first).to_be_visible()
    expect(page.get_by_text("2 lines: 2 late.")).to_be_visible()


def look_after(page) -> None:
    """What was promised too early is at risk; what limits most is counted."""
    part(page, "Promises at risk")
    page.get_by_role("button", name="Check all promises").click()
    lost = "1 of 3 accepted promises does not hold any more"
    expect(page.get_by_text(lost).first).to_be_visible()
    row = page.get_by_role("row").filter(has_text="▲ late")
    expect(row).to_contain_text("Apple juice")
    expect(row).to_contain_text("Corner shop")
    for words in (
        "Most frequent limiting factors",
        re.compile(r"^Of \d+ answers? here"),
        "Of the promises at risk",
    ):
        expect(page.get_by_text(words).first).to_be_visible()


def find_again(page) -> None:
    """What was promised is in the list; it is asked again, released, exported."""
    part(page, "Promises")
    rows = page.get_by_role("row").filter(has_text="Corner shop")
    expect(rows).to_have_count(3)
    page.get_by_label("Number", exact=True).fill("q-0002")
    page.keyboard.press("Tab")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Eve")
    expect(rows).to_contain_text("◆ at risk")
    with page.expect_download() as told:
        page.get_by_text("Excel", exact=True).click()
    assert told.value.suggested_filename == "promises.xlsx"
    rows.get_by_role("checkbox").click()
    expect(page.get_by_role("region", name="Selection")).to_be_visible()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    expect(page.get_by_text("he insists").filter(visible=True).first).to_be_visible()
    expect(page.get_by_role("button", name="Quote", exact=True)).to_be_hidden()
    expect(page).to_have_url(re.compile(re.escape("promise=Q-0002")))

    page.get_by_role("button", name="Promise it again").click()
    expect(page.get_by_text("Q-0002 is asked again")).to_be_visible()
    expect(page.get_by_label("Quantity", exact=True)).to_have_value("30")

    part(page, "Promises")
    page.get_by_placeholder("why it is released").fill("cancelled by phone")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Release it").click()
    done = page.get_by_text("Q-0002 has no date any more").first
    expect(done).to_be_visible()
    expect(rows.first).to_contain_text("released")


DEEDS = {
    make_juice: "Apple juice: Pressing on Press 1, DC",
    ask_for_short: "Stock, then buy Orchard at DC",
    weigh: "Ask for 40 of Apple crate",
    move_the_date: "later than quoted",
    try_and_promise: "approved by Ada",
    many_at_once: "SO-8 line 1 Apple crate",
    promise_too_early: "not the one that was found",
    look_after: "no order Corner shop Apple juice",
    find_again: "Q-0002 has no date any more",
}
"""What is done at the desk one after the other, and words that stand there then."""


@pytest.mark.nightly
@pytest.mark.req("UI-01", "UI-08", "ATP-19", "ATP-20", "ATP-22", "ATP-23")
def test_the_whole_desk_by_hand(desk, names):
    for deed, words in DEEDS.items():
        deed(desk.page)
        assert words in said(desk.page), deed.__name__
        assert untold(desk.page, names) == [], deed.__name__
    desk.assert_clean()


@pytest.mark.nightly  # by day: a file of CSV, and tests/service/test_promise_list.py
def test_a_workbook_is_answered_on_the_page(desk, names):
    workbook_at_once(desk.page)
    assert "SO-9 line 1 Apple juice" in said(desk.page)
    assert untold(desk.page, names) == []
    desk.assert_clean()


@pytest.mark.nightly
@pytest.mark.req("UI-08")
def test_a_phone_in_the_dark_shows_names_and_local_times_only(lake_server, names, page):
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 2600})
    desk = Watched(page, lake_server)
    desk.open(f"/promise/?{ASKED}")
    expect(command_of(page)).to_be_visible()
    expect(page.locator("marimo-vega svg").first).to_be_visible()
    assert colour_of(page) == rgb(DARK.page) != rgb(LIGHT.page)
    assert page.evaluate("document.querySelector('#App').scrollWidth") <= 390
    cards = page.locator(".mv-tiles, .mv-table, .mv-chain")
    told = " ".join(cards.all_inner_texts())
    assert "Orchard" in told or "DC" in told
    assert untold(page, names) == []
    desk.assert_clean()


@pytest.mark.nightly
def test_another_date_in_the_dark_needs_a_reason(lake_server, page):
    page.emulate_media(color_scheme="dark")
    desk = Watched(page, lake_server)
    desk.open(f"/promise/?{ASKED.replace('qty=60', 'qty=2')}")
    own = page.get_by_label("Another date (local)")
    expect(own).to_be_visible()
    own.fill("2026-03-19 10:00")
    page.keyboard.press("Tab")
    page.get_by_label("Approver", exact=True).first.fill("Eve")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Promise it").click()
    expect(page.get_by_text("needs a reason").last).to_be_visible()
    page.get_by_label("Reason", exact=True).fill("closed before")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Promise it").click()
    expect(page.get_by_text("not the one that was found").last).to_be_visible()
    desk.assert_clean()
