"""What mode optimize opens: by hand, against all subsets, and with other decisions."""

from __future__ import annotations

import random
from typing import Any

import pytest

from medhavi.results.figures.kpis import kpi_table
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.run_record import Status
from tests import factories
from tests.api import plan, verify
from tests.examples import examples, some
from tests.planners.opening_companies import (
    WANTED,
    lanes,
    least_cost,
    least_of_market,
    lines,
    random_company,
    random_market,
    suppliers,
)
from tests.planners.optimal_plans import best, checked, sources
from tests.planners.random_towns import random_town
from tests.planners.small_plans import day

Rows = dict[str, list[dict[str, Any]]]


@pytest.mark.req("QA-01")
@pytest.mark.parametrize(
    ("company", "first", "second"),
    [(lines, "R1", "R2"), (suppliers, "S1", "S2"), (lanes, "T1", "T2")],
)
@pytest.mark.parametrize(("cost", "opened"), [(60.0, False), (40.0, True)])
def test_the_second_one_is_opened_where_it_saves_more_than_it_costs(
    company, first, second, cost, opened
):
    """The second one saves 100 x 0.5 = 50.

    Opened at 60 it comes to 50 + 60 = 110: all 100 come by the first one, at 100.
    Opened at 40 it comes to 50 + 40 = 90.
    """
    rows = company(cost)
    found, snapshot = best(**rows), factories.snapshot(**rows)
    card = scorecard(found, snapshot)
    assert sources(found) == {second if opened else first: 100}
    assert card.total == pytest.approx(90 if opened else 100)
    assert card.opening == (40 if opened else 0)
    assert found.run.status is Status.OPTIMAL
    assert found.run.bound == pytest.approx(card.total, rel=1e-5)


@pytest.mark.req("QA-01")
def test_a_line_that_a_step_may_choose_is_closed():
    """Each step may choose M1 or M2; both cost the same, M2 is preferred, opened at 20.

    The program sees one resource of a step, so plans decide: 100 without M2, 120 with.
    """
    rows: Rows = {
        "demands": WANTED,
        "resources": [{"resource": "M1"}, {"resource": "M2", "opening_cost": 20.0}],
        "routings": [{"routing": "R", "product": "A", "cost_per_unit": 1.0}],
        "steps": [{"routing": "R", "run_minutes_per_unit": 60}],
        "step_resources": [
            {"routing": "R", "step": 1, "choice": "C", "resource": name}
            | {"preference": rank}
            for name, rank in (("M1", 2), ("M2", 1))
        ],
    }
    snapshot = factories.snapshot(**rows)
    guided = checked(snapshot, {"opening_trials": 0})
    found = checked(snapshot)
    assert scorecard(guided, snapshot).total == 120
    assert scorecard(found, snapshot).total == 100
    assert set(found.operations["resource"]) == {"M1"}
    told = [one.message for one in found.findings if one.code == "PLAN022"]
    assert told == [
        "Not opened: resource M2. A plan that may open everything costs 20 EUR more."
    ]
    assert found.run.snapshot_fingerprint == snapshot.fingerprint
    assert found.run.steps[: len(guided.run.steps)] == guided.run.steps
    assert found.basis is not None
    assert found.basis.changed(snapshot) == frozenset()


def test_a_line_whose_hours_are_needed_is_opened():
    """20 A of 20 h each take M1 17 days; they are due in 10, at 1,000 a unit and day.

    M2 is opened at 500, though an A costs as much on it.
    """
    rows: Rows = {
        "demands": [
            {"demand": "D1", "product": "A", "qty": 20.0, "due": day(10)}
            | {"late_cost_per_day": 1000.0, "short_cost": 1e5}
        ],
        "resources": [{"resource": "M1"}, {"resource": "M2", "opening_cost": 500.0}],
        "routings": [
            {"routing": f"R{n}", "product": "A", "cost_per_unit": 1.0, "max_lot": 1.0}
            for n in (1, 2)
        ],
        "steps": [{"routing": f"R{n}", "run_minutes_per_unit": 1200} for n in (1, 2)],
        "step_resources": [
            {"routing": f"R{n}", "step": 1, "resource": f"M{n}"} for n in (1, 2)
        ],
    }
    found, snapshot = best(**rows), factories.snapshot(**rows)
    card = scorecard(found, snapshot)
    assert (card.opening, card.lateness) == (500, 0)
    assert set(found.operations["resource"]) == {"M1", "M2"}


def test_what_an_existing_order_uses_is_open_at_no_cost():
    """10 A are on order from S2: 90 more of it cost 45 without its 1,000."""
    order = {"supply": "P1", "product": "A", "qty": 10, "due": day(5), "source": "S2"}
    rows = {**suppliers(1000.0), "supply_orders": [order]}
    snapshot = factories.snapshot(**rows)
    found = best(**rows)
    assert sources(found) == {"S2": 90}
    assert scorecard(found, snapshot).total == 45


@pytest.mark.req("QA-01")
@pytest.mark.parametrize("seed", range(examples(4, 20)))
def test_no_subset_of_three_kinds_is_cheaper(seed: int):
    snapshot = factories.snapshot(**random_company(seed))
    found = checked(snapshot, {"effort": "light"})
    cost, least = scorecard(found, snapshot).total, least_cost(seed)
    assert cost == pytest.approx(least)
    assert found.run.bound is not None
    assert found.run.bound <= least
    plain = plan(snapshot, "constrained", {"effort": "light"})
    assert cost <= scorecard(plain, snapshot).total + 1e-9


@pytest.mark.req("QA-01")
@pytest.mark.parametrize("seed", [0, 3, *some([2, *range(30, 50)], 1)])
@pytest.mark.nightly
def test_no_cover_by_suppliers_is_cheaper(seed: int):
    """Of seeds 0 to 39 all 40; in 10 of them the amounts alone open too many."""
    rows = random_market(seed)
    snapshot = factories.snapshot(**rows)
    found = checked(snapshot, {"effort": "light"})
    cost, least = scorecard(found, snapshot).total, least_of_market(rows)
    assert cost == pytest.approx(least)
    assert found.run.bound is not None
    assert found.run.bound <= least
    again = plan(snapshot, "optimize", dict(found.run.settings))
    assert again.fingerprint == found.fingerprint
    assert again.run == found.run


def crowded_town(seed: int) -> Rows:
    """A town with opening costs, least orders of what is bought, and set-ups."""
    rows, draw = random_town(seed), random.Random(7 * seed + 1)
    for table in ("resources", "suppliers", "lanes"):
        costs = (0.0, 20.0, 60.0, 150.0)
        rows[table] = [
            {**row, "opening_cost": draw.choice(costs)} for row in rows[table]
        ]
    rows["supply_terms"] = [
        {**row, "moq": float(draw.choice((0, 20, 50))), "unit_price": 1.0}
        for row in rows["supply_terms"]
    ]
    rows["routings"] = [
        {**row, "fixed_cost": draw.choice((0.0, 5.0, 20.0))} for row in rows["routings"]
    ]
    return rows


@pytest.mark.req("QA-01")
@pytest.mark.parametrize("seed", range(examples(1, 20)))
@pytest.mark.nightly
def test_openings_with_least_orders_and_set_ups(seed: int):
    snapshot = factories.snapshot(**crowded_town(seed))
    settings = {"effort": "light"}
    found = plan(snapshot, "optimize", settings)
    assert verify(found.replace(kpis=kpi_table(found, snapshot)), snapshot) == []
    guided = plan(snapshot, "optimize", {**settings, "opening_trials": 0})
    plain = plan(snapshot, "constrained", settings)
    # What the mode minimises has safety stock beside the scorecard; towns hold none.
    costs = [scorecard(one, snapshot).total for one in (found, guided, plain)]
    assert costs == sorted(costs)
    assert found.run.bound is not None
    assert found.run.bound <= costs[0] * (1 + 1e-9)


@pytest.mark.nightly
@pytest.mark.parametrize("status", ["planned", "closed"])
def test_an_order_that_nobody_waits_for_opens_nothing(status: str):
    """100 by S1; S2 costs 50 and 1,000 to open, whatever was ordered of it once."""
    order = {"supply": "P1", "product": "A", "qty": 10, "due": day(5), "source": "S2"}
    rows = {**suppliers(1000.0), "supply_orders": [{**order, "status": status}]}
    found = best(**rows)
    assert sources(found) == {"S1": 100}
    assert scorecard(found, factories.snapshot(**rows)).total == 100


def test_no_trial_is_made_where_none_is_permitted():
    """The market in which amounts alone open too many suppliers stays as guided."""
    rows = random_market(2)
    snapshot = factories.snapshot(**rows)
    found = plan(snapshot, "optimize", {"effort": "light", "opening_trials": 0})
    assert scorecard(found, snapshot).total > least_of_market(rows)


def test_a_plan_on_a_baseline_keeps_closed_what_that_does_not_open():
    """Ten more A come by S1, at 1 each: 110, and not 55 + 60 by S2."""
    rows = suppliers(60.0)
    before, settings = factories.snapshot(**rows), {"effort": "light"}
    base = plan(before, "optimize", settings)
    demands = [*WANTED, {**WANTED[0], "demand": "D9", "qty": 10.0, "due": day(20)}]
    after = factories.snapshot(**{**rows, "demands": demands})
    found = plan(after, "optimize", settings, baseline=base)
    assert verify(found.replace(kpis=kpi_table(found, after)), after) == []
    assert sources(found) == {"S1": 110}
    assert scorecard(found, after).total == 110
    assert found.run.bound is not None
    assert found.run.bound <= 110


@pytest.mark.parametrize("asked", [{"stages": ("cost",)}, {"budgets": {"cost": 10.0}}])
def test_no_stage_and_no_budget_is_kept_by_closing_the_only_supplier(
    asked: dict[str, Any],
):
    """100 A cost 100 and 60 to open S2; closed they cost nothing, and are short."""
    rows = suppliers(60.0)
    rows["supply_terms"] = [
        {**row, "unit_price": 1.0} for row in rows["supply_terms"][1:]
    ]
    found = best({"effort": "light", **asked}, **rows)
    assert sources(found) == {"S2": 100}
    assert scorecard(found, factories.snapshot(**rows)).opening == 60
