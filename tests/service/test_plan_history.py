"""A published plan is kept, and the tiles of the next one tell what has changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medhavi.service import page_data
from medhavi.service.data_pages.change_list import change_rows
from medhavi.service.page_data import bench_of
from medhavi.service.plan_pages.plan_loading import PlanPage, plan_of
from medhavi.service.plan_pages.plan_page import publish
from medhavi.service.plan_pages.plan_standing import (
    comparison_choice,
    comparison_parts,
    published_of,
    standing_facts,
    tiles_of,
)
from medhavi.service.promise_pages.promise_commit import commit
from medhavi.service.promise_pages.promise_page import ask
from medhavi.views.names import when
from medhavi.workbench.plan_pack import published_figures
from medhavi.workbench.runs import published_plans
from tests.api import DataSource, Lake, names_of
from tests.service.promise_company import SHORT, page_of, promise_company


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
    assert {tile.change for tile in tiles_of(desk, published_of(desk))} == {("", "")}
    refused = publish(desk, " ")
    assert refused.kept is False
    assert "approver" in refused.text


def test_the_next_plan_is_compared_with_the_published_one(desk):
    assert publish(desk, "Ada").kept is True
    assert len(published_plans(Lake(desk.source.lake), "mrp")) == 1
    # The same plan again has nothing before it.
    assert {tile.change for tile in tiles_of(desk, published_of(desk))} == {("", "")}
    rows = desk.snapshot["demands"].to_dicts()
    fewer = desk.snapshot.replace(demands=rows[:-1])
    later = PlanPage(
        source=desk.source, snapshot=fewer, plan=plan_of(fewer), names=desk.names
    )
    told = [
        tile.change[1]
        for tile in tiles_of(later, published_of(later))
        if tile.value is not None
    ]
    assert told
    assert all("since the plan of" in words for words in told)


def test_a_folder_publishes_nothing(desk):
    folder = PlanPage(source=DataSource(tables="x"), plan=desk.plan, names=desk.names)
    assert publish(folder, "Ada").kept is False
    assert {tile.change for tile in tiles_of(folder, published_of(folder))} == {
        ("", "")
    }


@pytest.mark.req("UI-02")
def test_the_head_says_who_published_the_plan_and_when(desk):
    ((name, told),) = standing_facts(desk, published_of(desk))
    assert (name, told) == ("Plan in force", "not published")
    assert publish(desk, "Ada").kept is True
    ((_, told),) = standing_facts(desk, published_of(desk))
    (published,) = published_plans(Lake(desk.source.lake), "mrp")
    moment = when(published.recorded_at, desk.names.zone, year=True)
    assert told == f"published {moment} by Ada"
    rows = desk.snapshot["demands"].to_dicts()
    fewer = desk.snapshot.replace(demands=rows[:-1])
    later = replace(desk, snapshot=fewer, plan=plan_of(fewer))
    ((_, told),) = standing_facts(later, published_of(later))
    assert (
        told
        == f"not published; last published {moment} by Ada: MRP (infinite capacity)"
    )
    lake = Lake(desk.source.lake)
    lake.record(later.plan)
    ((_, told),) = standing_facts(later, published_of(later))
    assert told.startswith("made ")
    past = replace(desk, source=replace(desk.source, past=True))
    assert standing_facts(past, published_of(past)) == []


@pytest.mark.req("UI-02")
def test_publications_and_promises_are_among_the_changes(desk):
    assert publish(desk, "Ada").kept is True
    load = page_of(desk.source.lake)
    stocked = {**SHORT, "qty": "2", "due": "2026-01-20 09:00"}
    assert commit(load, ask(load, stocked), "Bob").kept is True
    Lake(desk.source.lake).mirror(bench_of(desk.source).store)
    rows = change_rows(desk, desk.names)
    told = " ".join(rows["Change"])
    assert "Published plan " in told
    assert "MRP (infinite capacity)" in told
    assert "Promised Q-0001: 2 " in told
    assert rows["Approved by"].to_list() == ["Bob", "Ada"], "the newest first"
    assert rows["State"].to_list() == ["stands", "stands"]


def test_the_head_and_the_figures_of_a_page_speak_of_the_same_published_plans(desk):
    rows = desk.snapshot["demands"].to_dicts()
    fewer = desk.snapshot.replace(demands=rows[:-1])
    later = replace(desk, snapshot=fewer, plan=plan_of(fewer))
    known = published_of(later)
    assert publish(desk, "Ada").kept is True, "while the page is being filled"
    ((_, told),) = standing_facts(later, known)
    assert told == "not published"
    assert {tile.change for tile in tiles_of(later, known)} == {("", "")}
    assert published_figures(later.plan, known) == []
    ((_, told),) = standing_facts(later, published_of(later))
    assert "last published" in told
    assert published_figures(later.plan, published_of(later)) != []


@pytest.mark.req("UI-02")
def test_a_plan_is_compared_with_the_one_that_was_published_before(desk):
    """Figures, demands and orders that differ: what has changed since."""
    assert publish(desk, "Ada").kept is True
    rows = desk.snapshot["demands"].to_dicts()
    fewer = desk.snapshot.replace(demands=rows[:-1])
    later = replace(desk, snapshot=fewer, plan=plan_of(fewer))
    asked: dict[str, str] = {}
    other = comparison_choice(
        later,
        published_of(later),
        lambda name: asked.get(name, ""),
        lambda name, value: asked.update({name: value}),
    )
    words, *modes = other.options
    assert words.startswith("Published ")
    assert words.endswith(" by Ada")
    assert modes == ["Constrained (finite capacity)", "Cost-optimized"]
    assert other.value is None
    assert comparison_parts(later, None) == []
    told, *orders = comparison_parts(later, other.options[words])
    assert "orders" in told.text
    assert len(orders) == 2, "the orders that differ stand in a grid"
    gone = comparison_parts(later, "no-such-run")
    assert "no-such-run" in gone[0].text
    same = comparison_choice(desk, published_of(desk), lambda _: "", asked.get)
    assert not [one for one in same.options if one.startswith("Published")]
