"""Pages for everybody: axe-core, names, contrast in pictures, work by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from medhavi.views.promises.words import promise_names
from tests.api import Lake
from tests.browser.conftest import Watched
from tests.browser.page_access import (
    faint_words,
    nameless_controls,
    picture_contrasts,
    weighed_findings,
)
from tests.browser.test_readable_pages import PAGES, assert_readable, warnings_of

pytestmark = pytest.mark.browser
LOOKS = [(scheme, width) for width in (1280, 390) for scheme in ("light", "dark")]
PHONES = LOOKS[2:]
MORE = {
    "/cockpit/": "Cost of the plan",
    "/suppliers/": "Delivery record",
    "/predictors/": "No order has been observed yet",
    "/search?q=juice": "Search",
}
FIRST = PAGES | MORE


@pytest.fixture(scope="module")
def names(promise_lake):
    return promise_names(Lake(promise_lake).snapshot())


def settle(page):
    """Wait until nothing is drawn any more."""
    before, still = -1, 0
    while still < 3:
        page.wait_for_timeout(150)
        now = page.evaluate("document.querySelectorAll('*').length")
        still, before = still + (now == before), now


def shortcomings(page, looks):
    """What a page lacks in each look, with the look."""
    found = []
    for scheme, width in looks:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 1600})
        settle(page)
        lacking = [*weighed_findings(page), *faint_words(page)]
        found += [f"{scheme} {width}: {one}" for one in lacking]
    return found + nameless_controls(page)


def opened(promise_server, page, path):
    desk = Watched(page, promise_server)
    if path.startswith(("/start", "/search")):
        page.goto(promise_server + path)
    else:
        desk.open(path)
    expect(page.get_by_text(FIRST[path]).first).to_be_visible()
    settle(page)
    return desk


@pytest.mark.req("UI-08", "UI-12")
@pytest.mark.parametrize("path", FIRST)
def test_what_a_page_shows_first_is_for_everybody(promise_server, names, page, path):
    """Also names for ids, local times, a phone's width and no warning, in one visit."""
    warned = warnings_of(page)
    desk = opened(promise_server, page, path)
    # Each theme is looked at on every other page; test-all looks at all of both.
    look = PHONES[list(FIRST).index(path) % 2]
    found = shortcomings(page, [look])
    assert found == [], "\n".join(found)
    if path in PAGES:
        assert_readable(page, path, names)
        assert warned == []
    desk.assert_clean()


@pytest.mark.nightly
@pytest.mark.parametrize("path", FIRST)
def test_every_part_of_a_page_is_for_everybody(promise_server, page, path):
    desk = opened(promise_server, page, path)
    found = shortcomings(page, LOOKS)
    names = [tab.inner_text() for tab in page.get_by_role("tab").all()]
    for name in names[1:]:
        tab = page.get_by_role("tab", name=name, exact=True)
        if not tab.count():  # a part of the first one, which alone shows it
            page.get_by_role("tab", name=names[0], exact=True).click()
        tab.first.click()
        settle(page)
        found += [f"{name}, {one}" for one in shortcomings(page, LOOKS)]
    assert found == [], "\n".join(found)
    desk.assert_clean()


def test_faint_words_of_a_picture_are_found(page):
    page.set_content(
        "<body style='background:#ffffff'><svg width='400' height='60'>"
        "<rect width='200' height='60' fill='#0072b2'/>"
        "<text x='10' y='30' fill='#1b1f24'>on blue</text>"
        "<text x='210' y='30' fill='#1b1f24'>on white</text></svg>"
    )
    assert [text for text, _ in picture_contrasts(page)] == ["on blue"] * 3 + [
        "on white"
    ] * 3
    assert faint_words(page) == ["on blue: 3.19"]


@pytest.mark.nightly
@pytest.mark.req("UI-12")
def test_the_workbench_is_used_by_keyboard_alone(promise_server, page):
    """Tab goes by the order of the frame; Ctrl K opens the search, Escape leaves it."""
    page.goto(promise_server)
    shown = page.frame_locator("iframe.shown")
    expect(shown.get_by_role("heading", name="Medhavi")).to_be_visible()
    order = []
    for _ in range(7):
        page.keyboard.press("Tab")
        focused = "document.activeElement.ariaLabel ?? document.activeElement.innerText"
        order.append(page.evaluate(focused).strip())
    search = "Search orders, items, demands, customers"
    bar = ["Navigation", search, "Scenario that pages show"]
    assert order.pop(2).startswith("As of ")
    assert order == [*bar, "Start", "Cockpit", "Plan"]
    page.keyboard.press("Enter")
    expect(shown.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
    field = page.get_by_role("combobox", name=search)
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    page.keyboard.type("apple")
    hits = page.get_by_role("option").filter(has_text="apple")
    expect(hits.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(hits.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(hits).to_have_count(0)
    expect(field).not_to_be_focused()
    expect(field).to_have_value("")
    # The page has the focus again, and the shortcut works inside of it.
    frame = next(one for one in page.frames if "/plan/" in one.url)
    page.wait_for_function("document.activeElement.tagName === 'IFRAME'")
    expect(shown.get_by_role("tab").first).to_be_visible()
    page.keyboard.press("Tab")
    frame.wait_for_function("document.activeElement !== document.body")
    page.keyboard.press("Control+K")  # caps lock is on
    expect(field).to_be_focused()
