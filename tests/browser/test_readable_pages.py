"""What pages say on a lake: no id that has a name, no UTC instant, no warning."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from medhavi.views.promises.words import promise_names
from tests.api import Lake
from tests.browser.conftest import Watched
from tests.browser.page_words import untold
from tests.examples import some
from tests.service.promise_company import SHORT

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.api import Names

pytestmark = pytest.mark.browser
SCENARIO = '[{"name":"Dear","change":[{"kind":"price_factor","factor":1.1}]}]'
PAGES = {
    "/start": "Supply-chain plans",
    "/plan/": "all orders of the chain",
    "/orders/": "No order is selected",
    "/items/": "Past-due releases",
    "/capacity/": "Utilisation of the bottleneck",
    "/campaigns/": "Campaigns are not compared yet",
    f"/promise/?{urlencode(SHORT)}": "Sourcing options",
    f"/scenarios/?{urlencode({'scenarios': SCENARIO})}": "Data as of",
    "/tradeoffs/": "Nothing is computed yet",
    "/data/": "Late cost on a finding",
}
"""Pages as they open, and words that stand there last; read with their looks."""
PARTS = {
    "/plan/?tab=compare-and-publish": "Publish the plan",
    "/plan/?tab=exceptions": "Suggested edits",
    "/orders/?tab=history": "Decisions",
    "/plan/?mode=constrained": "all orders of the chain",
    "/schedule/?mode=constrained": "The plan in force is not scheduled yet",
    "/data/?tab=refused": "Nothing is refused",
    "/data/?tab=doubtful-values": "No value is doubtful",
    "/data/?tab=likely-duplicates": "No likely duplicate",
}
DRAWN = ("/plan/?mode", "/capacity/", "/promise/", "/scenarios/")
"""Pages of this company with charts."""


def warnings_of(page: Page) -> list[str]:
    """Warnings in the console of a page from now on."""
    warned: list[str] = []
    page.on(
        "console",
        lambda message: (
            warned.append(message.text)
            if message.type == "warning" and "preload" not in message.text
            else None
        ),
    )
    return warned


def assert_readable(page: Page, path: str, names: Names) -> None:
    """Names for ids, local times, and no more than the width of a phone."""
    if path.startswith(DRAWN):
        expect(page.locator("marimo-vega svg").first).to_be_visible()
    assert untold(page, names) == [], path
    width = page.evaluate(
        "(document.querySelector('#App') || document.body).scrollWidth"
    )
    assert width <= 390, path


@pytest.mark.nightly
@pytest.mark.req("UI-08")
@pytest.mark.parametrize("parts", some([list(PARTS)[::2], list(PARTS)[1::2]], 1))
def test_parts_say_names_and_local_times_and_warn_of_nothing(
    promise_server, promise_lake, page, parts
):
    names = promise_names(Lake(promise_lake).snapshot())
    warned = warnings_of(page)
    page.set_viewport_size({"width": 390, "height": 5200})
    for path in parts:
        desk = Watched(page, promise_server)
        desk.open(path)
        expect(page.get_by_text(PARTS[path]).first).to_be_visible()
        assert_readable(page, path, names)
        desk.assert_clean()
    assert warned == []
