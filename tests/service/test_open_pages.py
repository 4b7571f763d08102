"""Pages with news are filled in turn: who acts first, who has seen it not at all."""

from __future__ import annotations

import time
import weakref
from types import SimpleNamespace

import pytest

from medhavi.service.jobs.open_pages import OpenPages, PageCell
from medhavi.service.plan_pages import plan_loading
from tests import factories
from tests.api import DataSource, PageData

RUNS_S = 0.1


class Kernel:
    """Kernel of an open page: one cell, which runs for a moment when it is asked to."""

    def __init__(self, name, filled):
        self.name = name
        self.until = 0.0
        self.filled = filled
        self.pages: list[Kernel] = []
        self.graph = SimpleNamespace(cells={"data": self})

    code = ""

    @property
    def runtime_state(self):
        return "running" if time.monotonic() < self.until else "idle"

    def enqueue_control_request(self, _request):
        self.filled.append((self.name, [one for one in self.others() if one.until]))
        self.until = time.monotonic() + RUNS_S

    def others(self):
        now = time.monotonic()
        return [one for one in self.pages if one is not self and one.until > now]


@pytest.fixture
def pages():
    filled = []
    made = [Kernel(name, filled) for name in ("plan", "orders", "items")]
    for one in made:
        one.pages = made
    return made, filled


def cell(page):
    return PageCell(weakref.ref(page), "data")


def waited(filled, count):
    limit = time.monotonic() + 10
    while len(filled) < count and time.monotonic() < limit:
        time.sleep(0.01)
    time.sleep(2 * RUNS_S)
    return [name for name, _ in filled]


def test_the_page_on_which_somebody_acts_is_filled_first_and_alone(pages):
    made, filled = pages
    known = OpenPages()
    for page in made:
        known.follow("lake", cell(page))
    known.tell("lake", first=cell(made[0]))
    assert [name for name, _ in filled] == ["plan"]
    # The others follow in turn, the one that was filled last before older ones.
    assert waited(filled, 3) == ["plan", "items", "orders"]
    assert all(beside == [] for _, beside in filled)


def test_who_looks_after_the_plan_waits_for_the_page_on_which_somebody_acts(pages):
    made, filled = pages
    known = OpenPages()
    known.follow("lake", cell(made[0]))
    known.tell("lake", first=cell(made[0]))
    known.wait_for_acted_on()
    assert [name for name, _ in filled] == ["plan"]
    assert made[0].runtime_state == "idle"
    # It is waited for once.
    begun = time.monotonic()
    made[0].until = begun + 10
    known.wait_for_acted_on()
    assert time.monotonic() < begun + 5


def test_a_page_that_shows_the_news_is_not_filled_again(pages):
    made, filled = pages
    known = OpenPages()
    known.follow("lake", cell(made[0]), "new")
    known.follow("lake", cell(made[1]), "old")
    known.tell("lake", version="new")
    assert waited(filled, 1) == ["orders"]
    # It goes on following: news of any kind fill it.
    known.tell("lake")
    assert waited(filled, 2) == ["orders", "plan"]


def test_the_page_that_brings_the_news_is_left_as_it_is(pages):
    made, filled = pages
    known = OpenPages()
    for page in made[:2]:
        known.follow("lake", cell(page))
    known.tell("lake", but=cell(made[0]))
    assert waited(filled, 1) == ["orders"]


def test_a_page_that_finds_a_file_changed_tells_the_others(pages, monkeypatch):
    """They went on showing the plan of the file before, whose errors stop the next."""
    made, filled = pages
    monkeypatch.setattr(plan_loading, "open_pages", OpenPages())
    monkeypatch.setattr(plan_loading, "_read", {})
    source = DataSource(tables="folder")
    before = PageData(source=source, snapshot=factories.snapshot(demands=[{}]))
    after = PageData(source=source, snapshot=factories.snapshot(demands=[{"qty": 9}]))

    def reads(page, data):
        monkeypatch.setattr(plan_loading, "this_cell", lambda: cell(page))
        assert plan_loading.follow_facts(data)

    for page in made:
        reads(page, before)
    assert waited(filled, 0) == []
    reads(made[0], after)
    assert sorted(waited(filled, 2)) == ["items", "orders"]
    # They read the same: nobody is told once more.
    for page in made[1:]:
        reads(page, after)
    assert len(waited(filled, 2)) == 2
