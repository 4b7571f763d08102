"""Runs of mode optimize that were ended go on from the plans of their steps."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING

import pytest

import medhavi
from medhavi.planners.constrained.netting.prescribed_sources import (
    Decisions,
    PrescribedOrder,
)
from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.planners.constrained.search.schedule_search import Repair
from medhavi.planners.constrained.search.search_effort import (
    MOST_SAVINGS,
    WHOLE_LOOKS,
)
from medhavi.planners.master_plan.master_run import built_run
from medhavi.planners.master_plan.step_plans import step_name
from tests.api import ConstrainedParameters, OptimizeParameters, plan, verify
from tests.planners.test_lot_plans import lot_sizing
from tests.planners.test_trade_offs import WEEKS, clean_or_dirty, company, of_company

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


class Steps:
    """Plans in memory; the process is gone when one more than `most` were kept."""

    def __init__(self, most: int = 99) -> None:
        self.plans: dict[str, medhavi.Plan] = {}
        self.read_back = 0
        self.most = most

    def read(self, name: str):
        found = self.plans.get(name)
        self.read_back += found is not None
        return found

    def keep(self, name: str, made) -> None:
        if len(self.plans) == self.most:
            raise MemoryError
        self.plans[name] = made


@cache
def in_lots() -> Snapshot:
    return lot_sizing(1)


@cache
def of_sources() -> Snapshot:
    return company()


@cache
def whole_plan(snapshot: Callable[[], Snapshot]) -> tuple[Plan, Steps]:
    """Plan without a break, with the plans of its steps."""
    steps = Steps()
    return plan(snapshot(), "optimize", kept=steps), steps


@pytest.mark.req("OPA-21")
@pytest.mark.parametrize("given", [in_lots, of_sources])
def test_a_killed_run_goes_on_to_the_same_plan(given):
    """In lots, or guided by the amounts of several sources: the second plan."""
    snapshot, whole = given(), whole_plan(given)[0]
    steps = Steps(most=1)
    with pytest.raises(MemoryError):
        plan(snapshot, "optimize", kept=steps)
    steps.most, steps.read_back = 99, 0
    found = plan(snapshot, "optimize", kept=steps)
    assert steps.read_back >= 1
    assert found.fingerprint == whole.fingerprint
    assert found.run_json() == whole.run_json()
    assert verify(found, snapshot) == []
    again = Steps()
    again.plans = steps.plans
    assert plan(snapshot, "optimize", kept=again).run_json() == whole.run_json()
    assert again.read_back >= len(steps.plans) == len(again.plans) >= 2


@pytest.mark.req("OPA-21")
def test_other_tables_or_efforts_are_other_steps():
    light = Steps()
    plan(in_lots(), "optimize", {"effort": "light"}, kept=light)
    names: set[str] = set()
    for steps in (whole_plan(in_lots)[1], light, whole_plan(of_sources)[1]):
        assert not names & steps.plans.keys()
        names |= steps.plans.keys()


KEY = ("A", "L")
OTHER_DECISIONS = {
    "lots": {KEY: (1,)},
    "sizes": {KEY: 1},
    "amounts": {KEY: {"S": [(1, 1.0)]}},
    "slices": {0: []},
    "refused": {0: ("Unprofitable", "D1")},
    "share": 0.5,
    "worth": 1.0,
    "overtime": frozenset({"M"}),
    "closed": (("M", 0, 1),),
    "floors": {"WO": 1},
    "replenishments": {},
    "orders": (PrescribedOrder("A", "L", "S", 0, 1, 1),),
    "served": {0: [Slice(1, 1)]},
    "as_given": True,
    "lowered": {KEY: 1},
    "ahead": {0: [Slice(1, 1)]},
    "min_fill_price": 1.0,
    "tier_factor": 2.0,
}


@pytest.mark.req("OPA-21")
def test_other_decisions_are_other_steps():
    """A run that is gone on with by other settings reads none of the steps before."""
    assert OTHER_DECISIONS.keys() == {one.name for one in fields(Decisions)}
    run = built_run(of_sources(), OptimizeParameters())
    others = [Decisions(**{name: one}) for name, one in OTHER_DECISIONS.items()]
    names = {
        step_name(run, one, ConstrainedParameters(), None)
        for one in (Decisions(), *others)
    }
    assert len(names) == 1 + len(others)


def test_equal_decisions_are_planned_once():
    """Where each product has one source the program has nothing to say of sources.

    What orders cost beside lateness steers the search of plans that follow it: where
    lateness is free it does not, and the guided plan is the one without the program.
    """
    free = {"most_whole_orders": 0, "lateness_weight": 0}
    for settings, plans, read_back in ((free, 2, 1), ({"most_whole_orders": 0}, 3, 0)):
        steps = Steps()
        plan(in_lots(), "optimize", settings, kept=steps)
        assert (len(steps.plans), steps.read_back) == (plans, read_back)


@pytest.mark.req("OPA-21")
def test_a_killed_front_goes_on_to_the_same_front():
    asked = (("cost", "co2"), 5)
    whole = of_company(*asked)
    steps = Steps(most=2)
    with pytest.raises(MemoryError):
        medhavi.pareto(company(), *asked, settings=WEEKS, kept=steps)
    steps.most = 99
    found = medhavi.pareto(company(), *asked, settings=WEEKS, kept=steps)
    assert steps.read_back == 2
    assert found.fingerprint == whole.fingerprint
    assert found.run_json() == whole.run_json()


def test_a_step_that_was_stopped_is_not_kept():
    steps, asked = Steps(), []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 3

    made = plan(in_lots(), "optimize", kept=steps, cancelled=stopped)
    assert str(made.run.status) == "cancelled"
    assert all(str(one.run.status) != "cancelled" for one in steps.plans.values())


@pytest.mark.req("OPA-02", "OPA-21")
def test_a_run_that_was_stopped_is_cancelled_and_goes_on_when_it_is_asked_again():
    """Paused: stopped with its steps kept; completed: as if nothing had been."""
    whole, steps = whole_plan(in_lots)[0], Steps()
    paused = plan(
        in_lots(), "optimize", kept=steps, cancelled=lambda: bool(steps.plans)
    )
    assert str(paused.run.status) == "cancelled"
    assert verify(paused, in_lots()) == []
    assert len(steps.plans) == 1
    found = plan(in_lots(), "optimize", kept=steps)
    assert steps.read_back >= 1
    assert str(found.run.status) != "cancelled"
    assert found.run_json() == whole.run_json()


@pytest.mark.req("OPA-02")
def test_an_interruption_keeps_the_cheapest_plan_also_the_one_it_interrupts():
    """40 units at 3 without the program, at 1 guided by it: its search had begun."""
    told: list[str] = []

    def stopped() -> bool:
        return told.count("laying out") > 1

    found = plan(
        clean_or_dirty(),
        "optimize",
        WEEKS,
        observe=lambda one: told.append(one.phase),
        cancelled=stopped,
    )
    assert str(found.run.status) == "cancelled"
    assert verify(found, clean_or_dirty()) == []
    assert [one.best for one in found.run.steps] == [120, 40]
    assert found.contributions["plan"].sum() == pytest.approx(40)


@pytest.mark.req("OPA-02")
@pytest.mark.parametrize(
    ("stopped", "looks"), [(True, 1), (False, WHOLE_LOOKS * MOST_SAVINGS)]
)
def test_a_stopped_search_looks_for_savings_once(monkeypatch, stopped, looks):
    """Each look that saves as much as the first would be followed by another one."""
    seen: list[None] = []

    def look(*_: object) -> int:
        seen.append(None)
        return 1

    monkeypatch.setattr(Repair, "_consolidate", look)
    told: list[str] = []
    plan(
        clean_or_dirty(),
        "constrained",
        observe=lambda one: told.append(one.phase),
        cancelled=lambda: stopped and "passes" in told,
    )
    assert len(seen) == looks


@pytest.mark.req("OPA-16", "OPA-11")
@pytest.mark.parametrize("given", [in_lots, of_sources])
def test_each_step_says_what_the_best_plan_costs_after_it(given):
    """The first is its own; none gets dearer, and the last one is the answer."""
    snapshot, made = given(), whole_plan(given)[0]
    steps = made.run.steps
    best = [step.best for step in steps if step.best is not None]
    assert len(best) == len(steps)
    assert best[0] == steps[0].cost
    assert best == sorted(best, reverse=True)
    assert best[-1] == pytest.approx(made.contributions["plan"].sum())
    assert made.run.bound <= best[-1] + 1e-6
    costs = zip(best, steps, strict=True)
    assert all(least <= step.cost + 1e-9 for least, step in costs)
    assert any(step.moves for step in steps) or len(snapshot["demands"]) < 20


@pytest.mark.req("OPA-26")
def test_effort_is_split_by_counts_so_that_a_rerun_is_the_same_to_the_byte():
    """Batch, sweeps, nodes and time limit are settings, and part of the record."""
    settings = {
        "whole_orders_by": "time",
        "whole_orders_at_once": 40,
        "whole_orders_sweeps": 2,
        "lot_nodes": 3,
        "most_seconds": None,
    }
    runs = [plan(in_lots(), "optimize", settings) for _ in range(2)]
    assert runs[0].run_json() == runs[1].run_json()
    assert settings.items() <= runs[0].run.settings.items()
    whole = runs[0].run.program.whole_orders
    assert 0 < len(whole.iterations) <= 2 * whole.parts
    assert whole.stopped
