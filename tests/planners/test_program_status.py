"""Statuses of programs and plans: each is reached, and the plan is whole in all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from medhavi.errors import UsageError
from medhavi.results.run_record import Status
from tests import factories
from tests.api import OptimizeParameters, plan, verify
from tests.planners.optimal_plans import DAILY
from tests.planners.small_plans import day
from tests.planners.test_trade_offs import clean_or_dirty

if TYPE_CHECKING:
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


@pytest.mark.req("OMI-05", "KPI-25", "DEF-16")
def test_a_plan_with_a_gap_to_its_bound_is_feasible():
    found = made(company())
    assert told(found) == ("feasible", "optimal")
    least = found.run.bound
    assert least is not None
    cost = float(found.contributions["plan"].fill_null(0.0).sum())
    assert found.run.gap == pytest.approx((cost - least) / least)
    assert found.run.gap > 2e-6


@pytest.mark.req("OMI-05", "OMP-07")
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
    assert "its program ended at a limit: no value guides the plan" in str(found)
    # Four are bought at 3, one lies there for a while.
    money = dict(found.contributions.select("part", "plan").iter_rows())
    assert money["buying"] == 12.0
    assert f"the plan comes to {12 + money['holding']:.1f} EUR" in str(found)
    assert ("no plan costs less than" in str(found)) == (status == "feasible")


@pytest.mark.req("OMI-05")
def test_numbers_that_the_solver_refuses_leave_a_whole_plan():
    """A weight of 1e300 is beyond what HiGHS takes as a number."""
    found = made(company(), inventory_weight=1e300)
    assert told(found) == ("feasible", "error")
    assert found.run.engine.endswith("without the program, which failed")
    usual = plan(company(), "constrained")
    assert found.supplies.drop("content_hash").equals(
        usual.supplies.drop("content_hash")
    )


@pytest.mark.req("OMI-05")
def test_a_budget_that_no_plan_keeps_makes_a_program_infeasible():
    """40 clean units emit 40 kg: the nearest plan is that, and says so."""
    found = made(clean_or_dirty(), budgets={"co2": 30})
    assert told(found) == ("heuristic", "infeasible")
    assert found.run.program is not None
    assert found.run.program.value is None


@pytest.mark.req("OMO-02")
@pytest.mark.parametrize(("most", "more"), [(39.0015, "1 kg"), (39.999, "0.01 kg")])
def test_a_budget_that_is_too_small_says_how_much_more_is_enough(most, more):
    """40 clean units emit 40 kg: 0.9985 and 0.001 kg more are asked for, rounded up."""
    found = made(clean_or_dirty(), budgets={"co2": most})
    assert found.run.program is not None
    assert found.run.program.conflict.endswith(f"allow at least {more} more co2.")


@pytest.mark.req("OMI-05")
def test_a_stage_that_ends_at_a_limit_leaves_the_point_before_it():
    """The program is solved without steps; least CO2 takes some, and its cost more."""
    found = made(clean_or_dirty(), stages=("co2",), most_iterations=0)
    assert told(found) == ("feasible", "feasible")
    assert found.supplies["source"].to_list() == ["CLEAN"]
    found = made(clean_or_dirty(), budgets={"co2": 200}, most_iterations=0)
    assert told(found) == ("feasible", "limit")
    assert "its program ended at a limit: no value guides the plan" in str(found)
    assert "co2 40 kg, at most 200 kg as asked" in str(found)


@pytest.mark.req("OMI-05")
def test_what_is_stopped_while_it_solves_keeps_the_plan_before():
    phases: list[str] = []
    found = plan(
        company(),
        "optimize",
        DAILY,
        observe=lambda one: phases.append(one.phase),
        cancelled=lambda: "solve" in phases,
    )
    assert verify(found, company()) == []
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
