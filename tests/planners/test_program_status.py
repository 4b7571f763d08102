"""Statuses of programs and plans: each is reached, and the plan is whole in all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from medhavi.errors import UsageError
from medhavi.optimize.highs import Highs
from medhavi.optimize.problem import Solution, SolveStatus
from medhavi.planners.master_plan import master_run
from medhavi.results.run_record import Status
from tests import factories
from tests.api import OptimizeParameters, plan, verify
from tests.planners.optimal_plans import DAILY
from tests.planners.small_plans import day

if TYPE_CHECKING:
    from medhavi.optimize.problem import Program
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


def company(due: float = 20.0, holding: float = 0.2) -> Snapshot:
    return factories.snapshot(
        products=[{"product": "A", "unit_cost": 100.0}],
        demands=[{"product": "A", "qty": 5, "due": day(due), "price": 10.0}],
        supply_terms=[{"product": "A", "lead_time_days": 2, "unit_price": 3.0}],
        stock=[{"product": "A", "location": "L", "qty": 1}],
        inventory_policies=[{"product": "A", "location": "L", "holding_rate": holding}],
    )


class Failing(Highs):
    """A solver whose programs end in one way, whatever they are."""

    def __init__(self, outcome: SolveStatus) -> None:
        super().__init__()
        self._outcome = outcome

    def open(self, program: Program):
        return FailingSession(program, self._outcome)


class FailingSession:
    def __init__(self, program: Program, outcome: SolveStatus) -> None:
        self.program = program
        self._outcome = outcome

    def solve(self, *, cancelled=None) -> Solution:
        nothing = np.zeros(0)
        return Solution(
            outcome=self._outcome,
            objective=float("nan"),
            bound=float("-inf"),
            values=nothing,
            row_prices=nothing,
            reduced_costs=nothing,
            iterations=0,
        )


def made(snapshot: Snapshot, **settings: object) -> Plan:
    """Plan that the independent check finds nothing wrong with."""
    found = plan(snapshot, "optimize", {**DAILY, **settings})
    assert verify(found, snapshot) == []
    return found


def told(found: Plan) -> tuple[str, str]:
    """Status of the plan and of its program."""
    assert found.run.program is not None
    return str(found.run.status), found.run.program.status


@pytest.mark.req("OMI-05")
def test_a_plan_that_costs_what_none_can_cost_less_than_is_optimal():
    found = made(company(holding=0.0))
    assert told(found) == ("optimal", "optimal")
    assert found.run.gap == pytest.approx(0, abs=2e-6)


@pytest.mark.req("OMI-05")
def test_a_plan_with_a_gap_to_its_bound_is_feasible():
    found = made(company())
    assert told(found) == ("feasible", "optimal")
    assert found.run.gap is not None
    assert found.run.gap > 2e-6


@pytest.mark.req("OMI-05")
@pytest.mark.parametrize(
    ("limit", "status"),
    [({"most_seconds": 0.0}, "heuristic"), ({"most_iterations": 0}, "feasible")],
)
def test_a_limit_gives_a_whole_plan_and_says_so(limit, status):
    """A millisecond is enough here: none at all. The bound is found without steps."""
    found = made(company(), **limit)
    assert told(found) == (status, "limit")
    assert (found.run.bound is None) == (status == "heuristic")
    assert found.run.repeatable == ("most_iterations" in limit)
    assert found.fulfilment["status"].to_list() == ["on_time"]
    assert "its program is limit: no value guides the plan" in str(found)


@pytest.mark.req("OMI-05")
@pytest.mark.parametrize(
    "outcome",
    [SolveStatus.ERROR, SolveStatus.INFEASIBLE, SolveStatus.UNBOUNDED],
)
def test_a_program_that_was_not_solved_leaves_a_whole_plan(outcome):
    snapshot = company()
    parameters = OptimizeParameters.from_mapping(DAILY)
    found = master_run.plan(snapshot, parameters, solver=Failing(outcome))
    assert verify(found, snapshot) == []
    assert told(found) == ("heuristic", str(outcome))
    assert found.run.engine.endswith(f"without the program, which is {outcome}")
    usual = plan(snapshot, "constrained")
    assert found.supplies.drop("content_hash").equals(
        usual.supplies.drop("content_hash")
    )


@pytest.mark.req("OMI-05")
def test_what_is_stopped_while_it_solves_keeps_the_plan_before():
    snapshot = company()
    parameters = OptimizeParameters.from_mapping(DAILY)
    solver = Failing(SolveStatus.CANCELLED)
    found = master_run.plan(snapshot, parameters, solver=solver)
    assert verify(found, snapshot) == []
    assert told(found) == ("cancelled", "cancelled")
    assert found.run.status is Status.CANCELLED


def test_limits_that_are_not_reached_change_nothing():
    free = made(company())
    limited = made(company(), most_seconds=600.0, most_iterations=10_000)
    assert limited.fingerprint == free.fingerprint
    assert replace(limited.run, settings={}) == replace(free.run, settings={})


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (
            {"most_seconds": -1.0},
            r"most_seconds \(-1.0\) must be a number of at least 0",
        ),
        ({"most_iterations": 1.5}, r"most_iterations \(1.5\) must be a whole number"),
    ],
)
def test_limits_are_amounts(limit, message):
    with pytest.raises(UsageError, match=message):
        OptimizeParameters.from_mapping(limit)
