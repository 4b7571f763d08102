"""Every tab, button and link of every page of the demo company is pressed once.

Nothing is decided: what binds asks for a price and an approver first, and nobody is
named. After each press the page still stands, no cell failed, the console has no error
and no other host was asked; its words are whole in each width and theme.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from medhavi.views.page import PAGES
from tests.browser.conftest import Watched, served
from tests.browser.demo_company import demo_copy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.nightly, pytest.mark.req("UI-02")]
LOOKS = ((390, "dark"), (1280, "light"), (1440, "dark"))
"""Widths [px] with a theme each; axe looks at both themes of every part elsewhere."""
WIDTHS = (390, 1280, 1440)
STILL_MS = 400
"""A page in which no cell has run for so long is at rest."""
MOST_WAIT_MS = 20_000
"""Longest wait for rest after a press: jobs go on beside the page."""
LEFT_OUT = re.compile("Approve|Publish|Apply|Undo|Release it|Retrain|Put this version")
"""What is recorded, by the words of its button; other tests press it."""
OUTSIDE_GRIDS = ":not(table *):not([role=grid] *):not([type=file])"
"""Controls that are no part of a grid, whose own are marimo's, and no file fields."""
_CUT = """
() => [...document.querySelectorAll("h1, h2, h3, p, a, button, label, td, th, .mv-tile *")]
  .filter(one => one.checkVisibility() && one.children.length === 0)
  .filter(one => getComputedStyle(one).textOverflow === "ellipsis"
    && one.scrollWidth > one.clientWidth + 1)
  .map(one => one.innerText)
"""
"""Words that end in dots for want of room."""


@pytest.fixture(scope="module")
def address(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = demo_copy(tmp_path_factory.mktemp("controls"))
    with served(folder, "--lake", str(folder / "lake")) as at:
        yield at


def rested(desk: Watched) -> None:
    """Wait until no cell has run for a while."""
    waited, runs = 0, -1
    while runs != desk.runs and waited < MOST_WAIT_MS:
        runs = desk.runs
        desk.page.wait_for_timeout(STILL_MS)
        waited += STILL_MS


def seen(page: Page, role: str) -> Locator:
    """What is seen and can be pressed."""
    return (
        page.get_by_role(role).and_(page.locator(OUTSIDE_GRIDS)).locator("visible=true")
    )


def names_of(found: Locator) -> list[str]:
    """Accessible names, each once."""
    made = (
        one.get_attribute("aria-label") or one.inner_text().strip()
        for one in found.all()
    )
    return list(dict.fromkeys(filter(None, made)))


def press(desk: Watched, one: Locator, path: str) -> None:
    """Press, and be back on the page."""
    if not one.count() or not one.first.is_visible() or not one.first.is_enabled():
        return
    one.first.click()
    rested(desk)
    desk.page.keyboard.press("Escape")
    if path not in desk.page.url:
        desk.open(path)
        rested(desk)


@pytest.mark.parametrize(("width", "theme"), LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_every_tab_button_and_link_is_pressed(
    address: str, page: Page, name: str, width: int, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 1400})
    desk, path = Watched(page, address), f"/{name}/"
    desk.open(path)
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    rested(desk)
    pressed = set[str]()
    links = dict[str, None]()
    for tab in [None, *names_of(seen(page, "tab"))]:
        if tab is not None:
            press(desk, page.get_by_role("tab", name=tab, exact=True), path)
        links |= dict.fromkeys(
            page.locator("a[href^='/']").evaluate_all(
                "all => all.map(one => one.getAttribute('href'))"
            )
        )
        for button in names_of(seen(page, "button")):
            if button not in pressed and not LEFT_OUT.search(button):
                pressed.add(button)
                named = page.get_by_role("button", name=button, exact=True)
                press(desk, seen(page, "button").and_(named), path)
        for own in WIDTHS if width == WIDTHS[-1] else (width,):
            page.set_viewport_size({"width": own, "height": 1400})
            page.wait_for_timeout(STILL_MS)
            assert page.evaluate(_CUT) == [], (path, tab, own)
        page.set_viewport_size({"width": width, "height": 1400})
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    expect(page.get_by_text("Medhavi failed in a way")).to_have_count(0)
    for link in links if width == WIDTHS[-1] else ():
        answer = page.request.get(address + link, max_redirects=5)
        assert answer.ok, (link, answer.status)
    desk.assert_clean()
    assert pressed
