"""Rows of openings in the program, closed tables, and how the choice ends."""

from __future__ import annotations

from typing import Any

import pytest

from medhavi.errors import UsageError
from medhavi.planners.master_plan import master_run, opening_run
from medhavi.planners.master_plan.blocks import build
from medhavi.planners.master_plan.openings.closed_tables import closed_tables
from medhavi.planners.master_plan.openings.opening_block import (
    OPENED,
    USED,
    decided_program,
)
from medhavi.planners.master_plan.statement import ObjectivePart, state
from medhavi.planners.parameters import OptimizeParameters
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.run_record import Status
from tests import factories
from tests.api import plan, verify
from tests.planners.opening_companies import lines, random_market
from tests.planners.small_plans import day

LIGHT = OptimizeParameters(effort="light")


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


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_an_interruption_keeps_the_best_plan_so_far(share: float):
    """The market of seed 2, whose openings plans decide."""
    rows = random_market(2)
    snapshot = factories.snapshot(**rows)
    asked = [0]

    def cancelled() -> bool:
        asked[0] += 1
        return asked[0] > most

    most = 10**9
    whole = opening_run.plan(snapshot, LIGHT, cancelled=cancelled)
    most, asked[0] = int(share * asked[0]), 0
    found = opening_run.plan(snapshot, LIGHT, cancelled=cancelled)
    assert found.run.status is Status.CANCELLED
    assert verify(found, snapshot) == []
    assert scorecard(found, snapshot).total >= scorecard(whole, snapshot).total
    assert found.run.snapshot_fingerprint == snapshot.fingerprint


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


@pytest.mark.parametrize("name", ["opening_trials", "opening_nodes"])
def test_numbers_of_trials_and_nodes_are_whole(name: str):
    with pytest.raises(UsageError, match=name):
        OptimizeParameters(**{name: -1})
