"""The whole desk of promising in a real browser, on a lake, in both themes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from medhavi.service.promise_bulk import KINDS
from medhavi.views.theme import DARK, LIGHT
from tests.browser.conftest import Watched, served
from tests.service.promise_company import SHORT, promise_company

pytestmark = pytest.mark.browser
SLOW = 30_000
"""A loaded machine paints late [ms]."""
ASKED = "&".join(f"{name}={value}" for name, value in SHORT.items())
FILE = (
    b"sales_order,line,customer,product,location,qty,due\n"
    b"SO-7,1,C-1,A,SHOP,3,2026-01-20T00:00:00Z\n"
    b"SO-8,1,C-1,A,SHOP,90,2026-01-08T00:00:00Z\n"
)
WRONG = b"product,location,qty,due\nZ,SHOP,-4,2026-01-20T00:00:00Z\nA,SHOP,many,\n"
UNTOLD = re.compile(r"\b(L-1|SHOP|C-1|\d{4}-\d\d-\d\dT|\d\d:\d\d UTC)\b")
"""Ids that have a name, and instants that are not local."""


@pytest.fixture(scope="module")
def lake_server(chromium, tmp_path_factory):
    place = tmp_path_factory.mktemp("promise_desk")
    lake = promise_company(place)
    with served(place, "--lake", str(lake)) as address:
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
    watched.open(f"/promise/?{ASKED}")
    expect(page.get_by_text("The same question as a command")).to_be_visible(
        timeout=SLOW
    )
    return watched


def drop(page, name: str, content: bytes) -> None:
    assert name.endswith(KINDS)
    page.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )


def drag(page, share: float) -> None:
    """Drag over the curve from its middle to a share of its width."""
    curve = page.locator(".mv-drag svg").first
    expect(curve).to_be_visible(timeout=SLOW)
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


def weigh(page) -> None:
    """Ways side by side, the chain with its slack, what limits it."""
    for words in (
        "Corner shop (SHOP)",
        "Dates are local to Europe/Rome",
        "Which ways are there?",
        "material",
        "slack",
        "What limits it, and what would help?",
        "Orchard needs",
        "What limits most?",
    ):
        expect(page.get_by_text(words).first).to_be_visible(timeout=SLOW)
    expect(page.locator(".mv-option.chosen")).to_have_count(1)
    expect(page.locator(".mv-option").nth(1)).to_be_visible()


def move_the_date(page) -> None:
    """Drag the rule, then move the slider: the chance follows."""
    chance = page.get_by_text("chance that it is there by then").first
    expect(chance).to_contain_text("80 % chance")

    drag(page, 0.95)
    own = page.get_by_label("Another date (local)")
    expect(chance).to_contain_text("later than quoted", timeout=SLOW)
    expect(own).not_to_have_value("")
    slider = page.get_by_role("slider").first
    expect(slider).not_to_have_attribute("aria-valuenow", "79")
    dragged = chance.inner_text()
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(chance).not_to_have_text(dragged, timeout=SLOW)


def try_and_promise(page) -> None:
    """Try a change of data and one of the question; promise that."""
    page.get_by_role("button", name=re.compile("^Orchard delivers")).click()
    words = page.get_by_text("It changes data for everybody").first
    expect(words).to_be_visible(timeout=SLOW)
    with page.expect_download() as told:
        page.get_by_text("The rows, xlsx").click()
    assert told.value.suggested_filename == "remedy-rows.xlsx"
    page.get_by_role("button", name=re.compile("^Ask for 40")).click()
    expect(page.get_by_role("heading", name=re.compile("what then"))).to_be_visible(
        timeout=SLOW
    )
    page.get_by_label("with the change").click()
    page.get_by_label("Approver", exact=True).fill("Ada")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Promise it").click()
    expect(page.get_by_text("approved by Ada").first).to_be_visible(timeout=SLOW)


def many_at_once(page) -> None:
    """A wrong file is told, a good one answered, written and promised."""
    drop(page, "wrong.csv", WRONG)
    wrong = page.get_by_role("heading", name="The file has to be mended first")
    expect(wrong).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("request.qty row 2").first).to_be_visible()
    drop(page, "requests.csv", FILE)
    expect(page.get_by_text("2 lines:").first).to_be_visible(timeout=SLOW)
    with page.expect_download() as told:
        page.get_by_text("Answers, xlsx").click()
    assert told.value.suggested_filename == "answers.xlsx"
    with page.expect_download() as told:
        page.get_by_text("Answers, CSV").click()
    assert told.value.suggested_filename == "answers.csv"
    page.get_by_role("checkbox").nth(1).click()
    page.get_by_label("Approver of the lines").fill("Bob")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Promise the chosen lines").click()
    expect(page.get_by_text("approved by Bob").first).to_be_visible(timeout=SLOW)


@pytest.mark.req("UI-01", "ATP-19", "ATP-20", "ATP-22", "ATP-23")
def test_the_whole_desk_by_hand(desk):
    page = desk.page
    weigh(page)
    move_the_date(page)
    try_and_promise(page)
    many_at_once(page)
    page.get_by_role("button", name="Ask all accepted promises again").click()
    expect(page.get_by_text(re.compile("2 accepted promises")).first).to_be_visible(
        timeout=SLOW
    )
    expect(page.get_by_text("Of the last").first).to_be_visible(timeout=SLOW)
    desk.assert_clean()


@pytest.mark.req("UI-08")
def test_a_phone_in_the_dark_shows_names_and_local_times_only(lake_server, page):
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 2600})
    desk = Watched(page, lake_server)
    desk.open(f"/promise/?{ASKED}")
    expect(page.get_by_text("The same question as a command")).to_be_visible(
        timeout=SLOW
    )
    expect(page.locator("marimo-vega svg").first).to_be_visible(timeout=SLOW)
    assert colour_of(page) == rgb(DARK.page) != rgb(LIGHT.page)
    assert page.evaluate("document.querySelector('#App').scrollWidth") <= 390
    cards = page.locator(".mv-options, .mv-tiles, .mv-table, .mv-chain")
    told = " ".join(cards.all_inner_texts())
    assert "Orchard" in told or "DC" in told
    assert UNTOLD.findall(told) == []
    expect(page.get_by_role("button", name="Copy to clipboard").first).to_be_visible()
    desk.assert_clean()


@pytest.mark.nightly
def test_another_date_in_the_dark_needs_a_reason(lake_server, page):
    page.emulate_media(color_scheme="dark")
    desk = Watched(page, lake_server)
    desk.open(f"/promise/?{ASKED.replace('qty=60', 'qty=2')}")
    own = page.get_by_label("Another date (local)")
    expect(own).to_be_visible(timeout=SLOW)
    own.fill("2026-03-19 10:00")
    page.keyboard.press("Tab")
    page.get_by_label("Approver", exact=True).fill("Eve")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Promise it").click()
    expect(page.get_by_text("needs a reason").last).to_be_visible(timeout=SLOW)
    page.get_by_label("because").fill("closed before")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Promise it").click()
    expect(page.get_by_text("not the one that was found").last).to_be_visible(
        timeout=SLOW
    )
    desk.assert_clean()
