"""Runs of mode optimize that were ended go on from the plans of their steps."""

from __future__ import annotations

import pytest

import medhavi
from tests.api import plan, verify
from tests.planners.test_lot_plans import lot_sizing
from tests.planners.test_trade_offs import WEEKS, company


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


@pytest.mark.req("OPA-21")
@pytest.mark.parametrize("snapshot", [lot_sizing(1), company()])
def test_a_killed_run_goes_on_to_the_same_plan(snapshot):
    """In lots, or guided by the amounts of several sources: the second plan."""
    whole = plan(snapshot, "optimize")
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
    runs = [(lot_sizing(1), {}), (lot_sizing(1), {"effort": "light"}), (company(), {})]
    names: set[str] = set()
    for snapshot, settings in runs:
        steps = Steps()
        plan(snapshot, "optimize", settings, kept=steps)
        assert not names & steps.plans.keys()
        names |= steps.plans.keys()


def test_equal_decisions_are_planned_once():
    """Where each product has one source the program has nothing to say of sources.

    What orders cost beside lateness steers the search of plans that follow it: where
    lateness is free it does not, and the guided plan is the one without the program.
    """
    free = {"most_whole_orders": 0, "lateness_weight": 0}
    for settings, plans, read_back in ((free, 2, 1), ({"most_whole_orders": 0}, 3, 0)):
        steps = Steps()
        plan(lot_sizing(1), "optimize", settings, kept=steps)
        assert (len(steps.plans), steps.read_back) == (plans, read_back)


@pytest.mark.req("OPA-21")
def test_a_killed_front_goes_on_to_the_same_front():
    asked = (("cost", "co2"), 5)
    whole = medhavi.pareto(company(), *asked, settings=WEEKS)
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

    made = plan(lot_sizing(1), "optimize", kept=steps, cancelled=stopped)
    assert str(made.run.status) == "cancelled"
    assert all(str(one.run.status) != "cancelled" for one in steps.plans.values())
