"""The page about a plan: complete in itself, in words, safe to open."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from medhavi.results.plan import Plan
from medhavi.results.urgency import names_of, worst_demands
from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from medhavi.views.report import html
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


def test_the_page_uses_names(page):
    assert "Glass bottle" in page


def test_a_page_without_snapshot_shows_ids(plan):
    assert "BOTTLE" in html(plan)
    assert "Glass bottle" not in html(plan)


def test_an_empty_plan_has_a_page_too(plan):
    assert "</html>" in html(Plan(tables={}, run=plan.run))


def test_names_are_text_and_never_markup(snapshot):
    rows = snapshot["products"].to_dicts()
    rows[0]["name"] = "<script>alert(1)</script>"
    changed = snapshot.replace(products=rows)
    assert "<script>alert" not in html(plan_snapshot(changed), changed)


def test_the_worst_demand_is_the_one_with_the_earliest_start(plan, snapshot):
    worst = worst_demands(plan, names_of(snapshot))
    assert [item.demand for item in worst] == ["D-3"]
    assert worst[0].should_have_started == min(plan.supplies["start"])


def test_a_plan_without_now_has_no_worst_demand(plan):
    timeless = Plan(tables=plan.tables, run=replace(plan.run, as_of=None))
    assert worst_demands(timeless) == ()
