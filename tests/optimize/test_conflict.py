"""Budgets that cannot hold together are named, with the least that one has to rise."""

from __future__ import annotations

import numpy as np
import pytest

from medhavi.optimize.conflict import Budget, Budgets
from medhavi.optimize.highs import Highs
from medhavi.optimize.problem import Problem

WEIGHTS = {
    "cost": np.array([1.0, 4.0, 0.0]),
    "cash": np.array([1.0, 4.0, 0.0]),
    "co2": np.array([5.0, 1.0, 0.0]),
    "stock": np.array([0.0, 0.0, 1.0]),
}


def conflicts(**most: float):
    """Ten units of a dirty or a clean good; at least 2 of a third one."""
    problem = Problem()
    x = problem.columns("x", 3, lower=[0.0, 0.0, 2.0])
    wanted = problem.rows("wanted", 1, lower=10.0)
    problem.entries(wanted.at([0, 0]), x.at([0, 1]), 1.0)
    session = Highs().open(problem.program())
    budgets = {name: Budget(WEIGHTS[name], value) for name, value in most.items()}
    point = session.solve().values
    return Budgets(session, budgets).conflicts(point)


def test_budgets_that_hold_together_do_not_conflict():
    assert conflicts(cost=25.0, co2=30.0, stock=3.0) == ()
    assert conflicts() == ()


@pytest.mark.req("OME-05")
def test_two_budgets_clash_and_each_alone_may_rise():
    """Cost 22: 4 clean ones, 34 of CO2; CO2 26: 6 clean ones, 28 of cost."""
    (found,) = conflicts(cost=22.0, co2=26.0, stock=9.0)
    assert found.names == ("cost", "co2")
    assert found.more == {"cost": pytest.approx(6.0), "co2": pytest.approx(8.0)}


def test_a_budget_that_nothing_can_keep_conflicts_alone():
    (found,) = conflicts(cost=9.0, co2=99.0)
    assert (found.names, found.more) == (("cost",), {"cost": pytest.approx(1.0)})


def test_two_conflicts_are_both_told():
    one, other = conflicts(stock=1.0, cost=22.0, co2=26.0)
    assert (one.names, one.more) == (("stock",), {"stock": pytest.approx(1.0)})
    assert other.names == ("cost", "co2")
    assert other.more == {"cost": pytest.approx(6.0), "co2": pytest.approx(8.0)}


@pytest.mark.req("OME-05")
def test_a_budget_of_a_conflict_may_clash_with_another_one():
    """CO2 26 costs 28: 6 more than cost may, which rises, and 7 more than cash may.

    At cash 21 there are 11/3 clean ones: CO2 50 - 44/3, which is 28/3 more.
    """
    one, other = conflicts(cash=21.0, co2=26.0, cost=22.0)
    assert one.names == ("co2", "cost")
    assert one.more == {"co2": pytest.approx(28 / 3), "cost": pytest.approx(6.0)}
    assert other.names == ("cash", "co2")
    assert other.more == {"cash": pytest.approx(7.0), "co2": pytest.approx(28 / 3)}


@pytest.mark.parametrize("seed", range(20))
def test_a_budget_that_rises_by_so_much_holds_and_by_less_does_not(seed):
    draw = np.random.default_rng(seed)
    most = {name: float(draw.uniform(5, 40)) for name in ("cost", "co2")}
    for conflict in conflicts(**most):
        for name, more in conflict.more.items():
            assert conflicts(**{**most, name: most[name] + more + 1e-6}) == ()
            assert conflicts(**{**most, name: most[name] + 0.99 * more}) != ()
