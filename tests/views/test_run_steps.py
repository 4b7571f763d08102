"""How a run came to its plan: drawn and listed from what the run recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medhavi.results.run_record import PlanStep
from medhavi.views.pictures.run_steps import (
    cost_chart,
    coverage_chart,
    step_rows,
    steps_html,
)
from medhavi.views.theme import title_of
from tests.api import plan
from tests.planners.test_lot_plans import lot_sizing

STEPS = (
    PlanStep(
        name="first", effort="light", cost=200.0, lateness=20.0, late=2, best=200.0
    ),
    PlanStep(
        name="worse", effort="light", cost=250.0, lateness=0.0, late=0, best=200.0
    ),
    PlanStep(
        name="better",
        effort="standard",
        cost=150.0,
        lateness=10.0,
        late=1,
        best=150.0,
        moves=86_000,
    ),
)


@pytest.fixture(scope="module")
def made():
    return plan(lot_sizing(1), "optimize", {"effort": "light"})


@pytest.fixture
def told(made):
    """The plan as a run of three steps recorded it, with a bound of 100."""
    return replace(made, run=replace(made.run, steps=STEPS, bound=100.0))


@pytest.mark.req("OPA-16")
def test_objective_gap_and_coverage_after_each_step_are_those_of_the_run(told):
    rows = step_rows(told)
    live = told.fulfilment.height
    assert rows["best"].to_list() == [200.0, 200.0, 150.0]
    assert rows["gap"].to_list() == [1.0, 1.0, 0.5]
    assert rows["is_best"].to_list() == [True, False, True]
    assert rows["on_time"].to_list() == [1 - n / live for n in (2, 0, 1)]


@pytest.mark.req("OPA-16")
def test_the_picture_is_drawn_from_the_steps(told):
    chart = cost_chart(told)
    first = chart.to_dict()["layer"][0]
    assert [row["cost"] for row in first["data"]["values"]] == [200.0, 250.0, 150.0]
    assert "to " in title_of(chart)
    assert "in 3 plans; gap to the bound 50 %" in title_of(chart)
    assert "2 demands in the first plan, 1 in the cheapest one" in title_of(
        coverage_chart(told)
    )


@pytest.mark.req("OPA-16")
def test_each_plan_is_a_line_with_what_was_tried(told):
    text = steps_html(told)
    assert text.index("1 ◆ first") < text.index("2 worse") < text.index("3 ◆ better")
    assert "86,000 moves tried" in text
    assert "50 %" in text


def test_a_plan_of_another_mode_has_no_steps():
    other = plan(lot_sizing(1), "mrp")
    assert (cost_chart(other), coverage_chart(other), steps_html(other)) == (
        None,
        None,
        "",
    )


def test_steps_of_a_run_are_told_as_they_are_recorded(made):
    rows = step_rows(made)
    assert rows.height == len(made.run.steps) >= 1
    assert rows["cost"].to_list() == [one.cost for one in made.run.steps]
    assert rows["best"][-1] == min(one.cost for one in made.run.steps)
