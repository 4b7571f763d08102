"""What mode optimize opens: by hand, against all subsets, and with other decisions."""

from __future__ import annotations

import random
from typing import Any

import pytest

from medhavi.errors import UsageError
from medhavi.planners.master_plan import master_run
from medhavi.planners.master_plan.blocks import build
from medhavi.planners.master_plan.openings.closed_tables import closed_tables
from medhavi.planners.master_plan.openings.open_already import openable
from medhavi.planners.master_plan.openings.opening_block import (
    OPENED,
    USED,
    decided_program,
)
from medhavi.planners.master_plan.statement import ObjectivePart, state
from medhavi.planners.parameters import OptimizeParameters
from medhavi.results.figures.kpis import kpi_table
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.run_record import Status
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.opening_companies import (
    least_cost,
    least_of_market,
    random_company,
    random_market,
)
from tests.planners.optimal_plans import best, checked, sources
from tests.planners.random_towns import random_town
from tests.planners.small_plans import day

Rows = dict[str, list[dict[str, Any]]]
WANTED = [
    {"demand": f"D{number}", "product": "A", "qty": 50.0, "due": day(10 + number)}
    for number in range(2)
]
"""100 A in all."""


def lines(cost: float) -> Rows:
    """A is made on M1 at 1 a unit, or on M2 at 0.5, which is preferred."""
    return {
        "demands": WANTED,
        "resources": [{"resource": "M1"}, {"resource": "M2", "opening_cost": cost}],
        "routings": [
            {"routing": "R1", "product": "A", "cost_per_unit": 1.0, "preference": 2},
            {"routing": "R2", "product": "A", "cost_per_unit": 0.5},
        ],
        "steps": [{"routing": f"R{n}", "run_minutes_per_unit": 1} for n in (1, 2)],
        "step_resources": [
            {"routing": f"R{n}", "step": 1, "resource": f"M{n}"} for n in (1, 2)
        ],
    }


def suppliers(cost: float) -> Rows:
    """A is bought of S1 at 1 a unit, or of S2 at 0.5, which is preferred."""
    return {
        "demands": WANTED,
        "suppliers": [{"supplier": "S1"}, {"supplier": "S2", "opening_cost": cost}],
        "supply_terms": [
            {"supplier": "S1", "product": "A", "lead_time_days": 2.0}
            | {"unit_price": 1.0, "preference": 2},
            {"supplier": "S2", "product": "A", "lead_time_days": 2.0}
            | {"unit_price": 0.5},
        ],
    }


def lanes(cost: float) -> Rows:
    """A is moved by T1 at 1 a unit, or by T2 at 0.5, which is preferred."""
    both = {"origin": "W", "destination": "L", "duration_h": 24.0}
    return {
        "demands": WANTED,
        "locations": [{"location": "L"}, {"location": "W"}],
        "stock": [{"product": "A", "location": "W", "qty": 100.0}],
        "lanes": [
            {"lane": "T1", "cost_per_unit": 1.0, "preference": 2, **both},
            {"lane": "T2", "cost_per_unit": 0.5, "opening_cost": cost, **both},
        ],
    }


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
        "Not opened: M2. A plan that may open everything costs 20 EUR more."
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
    assert openable(snapshot).is_empty()
    found = best(**rows)
    assert sources(found) == {"S2": 90}
    assert scorecard(found, snapshot).total == 45


@pytest.mark.req("QA-01")
def test_rows_say_that_no_more_is_used_than_is_opened():
    """The row of M2: 100 are wanted at most, times the share that is opened."""
    run = master_run.built_run(factories.snapshot(**lines(60.0)), OptimizeParameters())
    program = build(state(run, OptimizeParameters())).program
    run.release.dissolve()
    opened, used = program.column_block(OPENED), program.row_block(USED)
    assert (opened.size, used.size) == (1, 1)
    row = slice(program.starts[used.start], program.starts[used.start + 1])
    weights = dict(zip(program.indices[row], program.values[row], strict=True))
    assert weights.pop(opened.start) == -100
    assert set(weights.values()) == {1.0}
    assert program.row_upper[used.start] == 0
    assert program.parts[ObjectivePart.OPENING][opened.start] == 60
    assert program.column_upper[opened.start] == 1
    whole = decided_program(program)
    assert whole is not None
    assert list(whole.whole) == [opened.start]


def test_without_an_opening_cost_nothing_is_added_and_nothing_more_is_planned():
    snapshot = factories.snapshot(**lines(0.0))
    parameters = OptimizeParameters(effort="light")
    run = master_run.built_run(snapshot, parameters)
    program = build(state(run, parameters)).program
    run.release.dissolve()
    assert decided_program(program) is None
    found = plan(snapshot, "optimize", {"effort": "light"})
    alone = master_run.plan(snapshot, parameters)
    assert found.fingerprint == alone.fingerprint
    assert found.run == alone.run
    assert "opening" not in found.contributions["part"].to_list()


@pytest.mark.req("QA-01")
@pytest.mark.parametrize("seed", range(examples(8, 20)))
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
@pytest.mark.parametrize("seed", [0, 2, 3, *range(30, 30 + examples(2, 20))])
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
@pytest.mark.parametrize("seed", range(examples(3, 20)))
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


# --- closed tables --------------------------------------------------------------------
def needs(*rows: dict[str, Any]) -> Any:
    """A product made by R on what rows say; M1 and M2 are in pool P, M3 in none."""
    return factories.snapshot(
        resources=[
            {"resource": "M1", "pool": "P"},
            {"resource": "M2", "pool": "P"},
            {"resource": "M3"},
        ],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R"}],
        step_resources=[{"routing": "R", "step": 1, **row} for row in rows],
    )


def closed(snapshot: Any, *names: str) -> Any:
    return closed_tables(snapshot, [("resources", name) for name in names])


def test_a_member_of_a_pool_leaves_it():
    found = closed(needs({"resource": "P"}), "M1")
    assert found["resources"]["pool"].to_list() == [None, "P", None]
    assert found["routings"]["valid_to"].is_null().all()
    assert found.findings == needs({"resource": "P"}).findings


def test_a_routing_that_needs_a_closed_resource_is_valid_before_now_alone():
    for rows, names in (
        ([{"resource": "M1"}], ["M1"]),
        ([{"resource": "P"}], ["M1", "M2"]),
        (
            [
                {"resource": "M1", "choice": "C"},
                {"resource": "M3", "choice": "C", "valid_from": day(3)},
            ],
            ["M1"],
        ),
    ):
        found = closed(needs(*rows), *names)
        before = found["routings"]["valid_to"] < found["settings"]["as_of"][0]
        assert before.to_list() == [True]
        assert found["step_resources"].height == len(rows)


def test_a_choice_goes_where_another_one_always_holds():
    rows = [{"resource": name, "choice": "C"} for name in ("M1", "M3")]
    found = closed(needs(*rows), "M1")
    assert found["step_resources"]["resource"].to_list() == ["M3"]
    assert found["routings"]["valid_to"].is_null().all()


def test_terms_of_a_closed_supplier_end_before_now():
    terms = [
        {"supplier": "S", "product": "A", "lead_time_days": 2.0, "valid_from": start}
        for start in (day(-9), day(9))
    ]
    others = {"supplier": "Z", "product": "A", "lead_time_days": 2.0}
    found = closed_tables(
        factories.snapshot(supply_terms=[*terms, others]), [("suppliers", "S")]
    )
    ended = found["supply_terms"].filter(
        found["supply_terms"]["valid_to"] < found["settings"]["as_of"][0]
    )
    assert ended["supplier"].to_list() == ["S"]
    assert found["supply_terms"].height == 2


# --- settings -------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["opening_trials", "opening_nodes"])
def test_numbers_of_trials_and_nodes_are_whole(name: str):
    with pytest.raises(UsageError, match=name):
        OptimizeParameters(**{name: -1})


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
