"""A published plan is kept, and the tiles of the next one tell what has changed."""

from __future__ import annotations

import pytest

from medhavi.service import page_data
from medhavi.service.plan_pages.desk_words import tiles_of
from medhavi.service.plan_pages.plan_loading import PlanPage, plan_of
from medhavi.service.plan_pages.plan_page import publish
from medhavi.workbench.runs import published_plans
from tests.api import DataSource, Lake, names_of
from tests.service.promise_company import promise_company


@pytest.fixture
def desk(tmp_path):
    page_data._benches.clear()
    lake = promise_company(tmp_path)
    snapshot = Lake(lake).snapshot()
    return PlanPage(
        source=DataSource(lake=str(lake)),
        snapshot=snapshot,
        plan=plan_of(snapshot),
        names=names_of(snapshot),
    )


def test_nothing_is_compared_before_something_was_published(desk):
    assert {tile.change for tile in tiles_of(desk)} == {("", "")}
    refused = publish(desk, " ")
    assert refused.kept is False
    assert "approver" in refused.text


def test_the_next_plan_is_compared_with_the_published_one(desk):
    assert publish(desk, "Ada").kept is True
    assert len(published_plans(Lake(desk.source.lake), "mrp")) == 1
    # The same plan again has nothing before it.
    assert {tile.change for tile in tiles_of(desk)} == {("", "")}
    rows = desk.snapshot["demands"].to_dicts()
    fewer = desk.snapshot.replace(demands=rows[:-1])
    later = PlanPage(
        source=desk.source, snapshot=fewer, plan=plan_of(fewer), names=desk.names
    )
    told = [tile.change[1] for tile in tiles_of(later) if tile.value is not None]
    assert told
    assert all("since the plan of" in words for words in told)


def test_a_folder_publishes_nothing(desk):
    folder = PlanPage(source=DataSource(tables="x"), plan=desk.plan, names=desk.names)
    assert publish(folder, "Ada").kept is False
    assert {tile.change for tile in tiles_of(folder)} == {("", "")}
