"""The data of the trade-off app: a front of the page's tables, failures in words."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from medhavi.schema.template import example_rows
from medhavi.service import tradeoff_page
from medhavi.service.page_data import DataSource, PageData
from medhavi.service.tradeoff_page import (
    budgets_of,
    in_force,
    is_current,
    last_run,
    start,
)
from medhavi.snapshot import Snapshot
from medhavi.workbench.files.export import write_front
from tests.api import load_data

if TYPE_CHECKING:
    from medhavi.service.tradeoff_page import FrontRun

SOON = 120
"""Seconds after which work has hung."""


@pytest.fixture
def lemonade(tmp_path):
    Snapshot.from_frames(example_rows()).to_folder(tmp_path)
    tradeoff_page._runs.clear()
    return load_data(str(tmp_path))


def done(run: FrontRun) -> FrontRun:
    assert run.done.wait(SOON)
    return run


def test_nothing_is_planned_until_it_is_asked(lemonade):
    assert last_run(lemonade) is None


def test_a_front_is_found_beside_the_page_and_stays(lemonade):
    run = done(start(lemonade, 3, {}))
    assert run.problem is None
    assert run.front.points.height >= 1
    assert run.told != "begins"
    assert is_current(lemonade, run.front)
    assert last_run(lemonade) is run


def test_work_that_is_stopped_ends(lemonade):
    run = start(lemonade, 12, {})
    run.stop.set()
    assert str(done(run).front.run.status) in {"cancelled", "heuristic"}


def test_budgets_that_cannot_hold_say_what_to_allow(lemonade):
    run = done(start(lemonade, 3, {"cost": 0.01}))
    assert run.front is None
    assert "cannot hold" in run.problem.text


def test_what_cannot_be_asked_is_told(lemonade):
    run = done(start(lemonade, -1, {}))
    assert run.front is None
    assert run.problem is not None


def test_a_page_without_data_says_why(tmp_path):
    tradeoff_page._runs.clear()
    run = done(start(load_data(str(tmp_path / "none")), 3, {}))
    assert run.problem is not None


def test_the_last_front_of_a_lake_is_shown_by_another_server(lemonade, tmp_path):
    front = done(start(lemonade, 3, {})).front
    of_lake = lake_page(lemonade, tmp_path)
    write_front(front, tmp_path / "trade_offs", "parquet")
    assert last_run(of_lake).front.fingerprint == front.fingerprint
    shutil.rmtree(tmp_path / "trade_offs")
    (tmp_path / "trade_offs").mkdir()
    tradeoff_page._runs.clear()
    assert last_run(of_lake) is None
    assert in_force(of_lake) is None


def lake_page(page, folder):
    """Same tables, as if they were those of a lake in a folder."""
    source = DataSource(lake=str(folder / "lake"))
    return PageData(source=source, snapshot=page.snapshot)


def test_a_budget_is_a_number():
    assert budgets_of({"cost": "many"})[1]
    assert budgets_of({"co2": " 40,000 "}) == ({"co2": 40_000.0}, "")
