"""The garbage collector pauses for a run and works again however that ends."""

from __future__ import annotations

import gc
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

import medhavi
from medhavi.planners.promising import promise_run, quoting
from medhavi.planners.run_limits import without_collections
from medhavi.workbench.files.tables_run import plan_tables
from tests.api import PromiseLedger, quote_all, read_requests
from tests.planners.small_promises import cells, day
from tests.planners.test_remedy_overlays import company

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.progress import Progress


@pytest.mark.parametrize("failure", [None, ValueError, KeyboardInterrupt])
def test_it_works_again_however_a_run_ends(failure):
    expected = nullcontext() if failure is None else pytest.raises(failure)
    with expected, without_collections():
        assert not gc.isenabled()
        if failure is not None:
            raise failure
    assert gc.isenabled()


def test_who_had_it_off_before_has_it_off_after():
    gc.disable()
    try:
        with without_collections():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize(("detail", "collects"), [("date", False), ("full", True)])
def test_dates_of_a_file_pause_it_and_remedies_do_not(monkeypatch, detail, collects):
    snapshot = company(4, 9, 1)
    asked = read_requests([cells(qty=1, due=day(9))], snapshot).requests
    seen = []

    def watched(*given, **named):
        seen.append(gc.isenabled())
        return quoting.quote(*given, **named)

    monkeypatch.setattr(promise_run, "quote", watched)
    quote_all(PromiseLedger.from_snapshot(snapshot), asked, detail=detail)
    assert seen == [collects]
    assert gc.isenabled()


@pytest.mark.nightly
def test_dates_of_a_file_leave_no_circles_that_only_it_collects():
    snapshot = company(4, 9, 1)
    rows = [cells(qty=number, due=day(number)) for number in range(1, 9)]
    asked = read_requests(rows, snapshot).requests
    book = PromiseLedger.from_snapshot(snapshot)
    quote_all(book, asked, detail="date")
    gc.collect()
    gc.disable()
    try:
        made = quote_all(book, asked, detail="date")
        assert len(made) == len(rows)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_folder_of_tables_is_planned_and_verified_without_it(tmp_path):
    company(4, 9, 1).to_folder(tmp_path / "tables")
    collects: dict[str, bool] = {}

    def seen(progress: Progress) -> None:
        collects[progress.phase] = gc.isenabled()

    plan_tables(tmp_path / "tables", observe=seen)
    assert not collects["verifying"]
    assert gc.isenabled()


@pytest.fixture
def unfrozen() -> Iterator[None]:
    """Undo for one test that tests/conftest.py freezes what was collected."""
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.mark.usefixtures("unfrozen")
def test_what_a_run_without_circles_made_is_old_when_it_ends():
    gc.collect()
    with without_collections(circles=False):
        made = [[number] for number in range(60_000)]
    young = {id(one) for one in gc.get_objects(generation=0)}
    assert not young & {id(one) for one in made}
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("unfrozen")
def test_what_was_frozen_before_stays_frozen():
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with without_collections(circles=False):
            pass
        assert gc.get_freeze_count() == frozen
    finally:
        gc.unfreeze()


def test_a_small_run_does_not_walk_what_is_frozen(monkeypatch):
    monkeypatch.delattr(gc, "get_freeze_count")
    with without_collections(circles=False):
        made = [[number] for number in range(2000)]
    assert len(made) == 2000
    assert gc.isenabled()


@pytest.mark.req("OMO-15")
def test_the_collector_pauses_while_a_front_is_made():
    """Walking over all records of all plans again and again finds next to none."""
    seen = set()

    def watch(_: Progress) -> None:
        seen.add(gc.isenabled())

    medhavi.pareto(company(4, 9, 1), ("cost", "co2"), 2, observe=watch)
    assert seen == {False}
    assert gc.isenabled()
