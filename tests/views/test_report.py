"""The page about a plan: complete in itself, in words, safe to open."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from medhavi.results.plan import Plan
from medhavi.results.urgency import names_of, worst_demands
from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from medhavi.views.charts import load_rows, position_rows
from medhavi.views.report import html
from medhavi.views.theme import DARK, LIGHT, page_style
from medhavi.workbench.tables_run import plan_snapshot


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return Snapshot.from_frames(example_rows())


@pytest.fixture(scope="module")
def plan(snapshot) -> Plan:
    return plan_snapshot(snapshot)


@pytest.fixture(scope="module")
def page(plan, snapshot) -> str:
    return html(plan, snapshot)


def test_the_page_asks_no_other_host(page):
    outside = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(https?:)""", page)
    assert outside == []
    assert "<script" not in page


def test_the_page_uses_names_and_local_times(page):
    assert "Glass bottle (BOTTLE)" in page
    assert "Wed 18 Feb" in page


def test_the_page_names_the_demand_whose_chain_is_late(page):
    assert "D-3: 11.8 days ago" in page


def test_pictures_follow_light_and_dark(page):
    drawings = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "var(--plan)" in drawings
    assert LIGHT["plan"] not in drawings


def test_both_looks_have_the_same_tokens():
    assert LIGHT.keys() == DARK.keys()
    assert "prefers-color-scheme:dark" in page_style()


def test_a_page_without_snapshot_shows_ids(plan):
    assert "BOTTLE" in html(plan)
    assert "Glass bottle" not in html(plan)


def test_an_empty_plan_has_a_page_too(plan):
    empty = Plan(tables={}, run=plan.run)
    text = html(empty)
    assert "Nothing: every chain can still be kept." in text
    assert "No orders." in text


def test_names_are_text_and_never_markup(snapshot):
    rows = snapshot["products"].to_dicts()
    rows[0]["name"] = "<script>alert(1)</script>"
    changed = snapshot.replace(products=rows)
    assert "<script" not in html(plan_snapshot(changed), changed)


def test_loads_are_shares_of_what_is_open(plan):
    rows = load_rows(plan)
    assert set(rows["resource"]) == {"FILLER", "KETTLE"}
    assert rows["load"].max() < 1


def test_positions_are_those_of_one_item(plan):
    rows = position_rows(plan, "LEMONADE", "SHOP")
    assert rows["safety"].to_list() == [50.0] * rows.height


def test_the_worst_demand_is_the_one_with_the_earliest_start(plan, snapshot):
    worst = worst_demands(plan, names_of(snapshot))
    assert [item.demand for item in worst] == ["D-3"]
    assert worst[0].should_have_started == min(plan.supplies["start"])


def test_a_plan_without_now_has_no_worst_demand(plan):
    timeless = Plan(tables=plan.tables, run=replace(plan.run, as_of=None))
    assert worst_demands(timeless) == ()
