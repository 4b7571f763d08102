"""What a plan costs more than another one: parts that sum, from numbers alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medhavi.results.amounts import MINUS
from medhavi.results.figures.kpis import kpi_table
from medhavi.results.figures.scorecard import DIFFERENCE
from medhavi.results.plans.money_parts import PARTS
from tests import factories
from tests.api import compare, plan
from tests.planners.small_plans import day

TWO_ROUTINGS = {
    "resources": [{"resource": "M"}, {"resource": "N"}],
    "routings": [
        {"routing": "slow", "cost_per_unit": 1.0},
        {"routing": "fast", "cost_per_unit": 100.0, "preference": 2},
    ],
    "steps": [
        {"routing": "slow", "run_minutes_per_unit": 42 * 60},
        {"routing": "fast", "run_minutes_per_unit": 12 * 60},
    ],
    "step_resources": [
        {"routing": "slow", "resource": "M"},
        {"routing": "fast", "resource": "N"},
    ],
    "demands": [{"qty": 1, "due": day(1.5), "late_cost_per_day": 8.0}],
}
"""One unit for hour 36, by 42 hours at 1 or 12 at 100; six hours late cost 2."""


def two_plans(**rows):
    snapshot = factories.snapshot(**{**TWO_ROUTINGS, **rows})
    return snapshot, *(plan(snapshot, mode) for mode in ("constrained", "optimize"))


@pytest.mark.req("OME-09")
def test_what_is_saved_is_told_by_what_it_is_paid_with():
    _, usual, best = two_plans()
    money = compare(usual, best).money
    assert dict(money.schema) == DIFFERENCE
    change = dict(money.select("part", "change").iter_rows())
    assert (change["production"], change["lateness"]) == (1 - 100, 2)
    assert change["total"] == pytest.approx(sum(change[name] for name in PARTS))
    told = str(compare(usual, best))
    assert "cost: 100 EUR before, 3 EUR now, 97 EUR less: " in told
    assert f"production {MINUS}99, lateness +2" in told


def test_a_plan_that_was_read_tells_the_same(tmp_path):
    snapshot, usual, best = two_plans()
    money = compare(usual, best).money
    stored = [one.replace(kpis=kpi_table(one, snapshot)) for one in (usual, best)]
    read = compare(*stored).money
    assert read["part"].to_list() == [
        one for one in money["part"].to_list() if one != "opening"
    ]
    for part, change in read.select("part", "change").iter_rows():
        known = money.filter(money["part"] == part)["change"].item()
        assert change == pytest.approx(known)


def test_nothing_is_told_of_two_currencies():
    _, usual, _ = two_plans()
    _, other, _ = two_plans(settings=[{"base_currency": "USD"}])
    assert compare(usual, other).money.is_empty()
    assert "cost:" not in str(compare(usual, other))


def test_nothing_is_told_of_a_plan_without_figures_and_tables():
    _, usual, best = two_plans()
    assert compare(usual, replace(best, basis=None)).money.is_empty()
