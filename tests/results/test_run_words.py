"""What the plans of a run cost and what its budgets come to, as a summary tells it."""

from __future__ import annotations

import pytest

from medhavi.results.plans.run_words import budget_words, step_words
from medhavi.results.run_record import PlanBudget, PlanStep, RunRecord
from tests import factories
from tests.api import plan
from tests.planners.small_plans import day


def run(**fields):
    return RunRecord(
        planner="optimize",
        mode="optimize",
        package_version="0.1.0",
        snapshot_fingerprint="ab" * 32,
        **fields,
    )


def step(name, cost):
    return PlanStep(name=name, effort="light", cost=cost, lateness=0.0, late=0)


@pytest.mark.req("OPA-15")
def test_equal_plans_of_a_run_are_told_once_with_how_many_there_were():
    """Whole orders came to 120 twice, and once to 90."""
    made = [("first", 200.0), ("whole", 120.0), ("whole", 120.0), ("whole", 90.0)]
    told = step_words(run(steps=tuple(step(*one) for one in made)), "EUR")
    assert told == ("plans made: first 200 EUR; whole 120 EUR (2 times); whole 90 EUR")


@pytest.mark.req("OMO-14")
def test_what_exceeds_a_budget_is_told_in_digits_that_show_it():
    """110 is a cent more than 109.99; both are 110 in three digits."""
    budgets = (
        PlanBudget(name="cost", most=109.99, value=110.0, unit="EUR", kept=False),
        PlanBudget(name="co2", most=200.0, value=200.0, unit="kg", kept=True),
    )
    assert budget_words(run(budgets=budgets)) == [
        "cost 110 EUR, more than the 109.99 EUR allowed: this plan needs 0.01 EUR more",
        "co2 200 kg, at most 200 kg as asked",
    ]


def test_a_plan_without_prices_is_told_in_a_sentence():
    """Twenty of A are wanted, five are there, and nothing has a price."""
    snapshot = factories.snapshot(
        demands=[{"product": "A", "qty": 20.0, "due": day(10)}],
        stock=[{"product": "A", "location": "L", "qty": 5.0}],
    )
    text = str(plan(snapshot, "optimize"))
    assert "the plan has no cost, for the tables state no prices" in text
    assert "no prices stated" not in text
