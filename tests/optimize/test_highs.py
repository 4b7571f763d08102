"""HiGHS behind the protocol: answers, duals, changes, interruption."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.optimize.highs import DUAL, PRIMAL, Highs, HighsSession, SolverLimits
from medhavi.optimize.problem import Problem, SolveStatus

if TYPE_CHECKING:
    from medhavi.optimize.problem import Program


def knapsack(limit: float = 10.0) -> Program:
    """Two goods, one resource: 3 for one hour, 5 for two."""
    problem = Problem()
    x, r = problem.columns("x", 2), problem.rows("hours", 1, upper=limit)
    problem.entries(r.at([0, 0]), x.at([0, 1]), [1.0, 2.0])
    problem.cost("gain", x.at([0, 1]), [-3.0, -5.0])
    return problem.program()


def test_the_better_good_takes_the_resource():
    found = Highs().open(knapsack()).solve()
    assert found.outcome is SolveStatus.OPTIMAL
    assert found.values.tolist() == [10.0, 0.0]
    assert (found.objective, found.bound) == (-30.0, -30.0)


def test_the_price_of_a_row_is_what_one_more_of_it_brings():
    session = Highs().open(knapsack())
    first = session.solve()
    session.set_row(0, -np.inf, 11.0)
    assert session.solve().objective - first.objective == first.row_prices[0] == -3.0


def test_costs_and_rows_change_between_solves():
    session = Highs().open(knapsack())
    session.solve()
    session.set_cost(np.array([-1.0, -9.0]))
    assert session.solve().values.tolist() == [0.0, 5.0]
    session.add_row(-np.inf, 2.0, np.array([0.0, 1.0]))
    assert session.solve().values.tolist() == [6.0, 2.0]


@pytest.mark.req("OMI-07")
def test_a_basis_starts_the_method_that_it_suits_or_none():
    """Three goods of one machine: what changed since the last solve decides."""
    problem = Problem()
    x, r = problem.columns("x", 3, upper=4.0), problem.rows("hours", 1, upper=10.0)
    problem.entries(r.at([0, 0, 0]), x.at([0, 1, 2]), [1.0, 2.0, 3.0])
    problem.cost("gain", x.at([0, 1, 2]), [-3.0, -5.0, -7.0])
    session = Highs().open(problem.program())
    assert isinstance(session, HighsSession)

    def solved() -> tuple[float, int]:
        found = session.solve()
        method = session._model.getOptionValue("simplex_strategy")[1]
        return found.objective, method

    # From nothing: 4, 3 and 0 of the goods.
    assert solved() == (-27.0, DUAL)
    # Other costs, the point keeps all rows: all hours for the third, 10 / 3 of it.
    session.set_cost(np.array([-1.0, -5.0, -9.0]))
    assert solved() == (-30.0, PRIMAL)
    # The same costs, less time: only the best good by the hour.
    session.set_row(0, -np.inf, 6.0)
    assert solved() == (-18.0, DUAL)
    # Other costs, and a row that the point breaks: from nothing.
    session.set_cost(np.array([-3.0, -5.0, -7.0]))
    session.set_row(0, -np.inf, 3.0)
    assert session._last is not None
    assert not session._keeps_rows(session._last.activities)
    assert solved() == (-9.0, DUAL)
    # A row that the point keeps, and other costs.
    session.add_row(-np.inf, 5.0, np.ones(3))
    session.set_cost(np.array([-3.0, -7.0, -7.0]))
    assert solved() == (-10.5, PRIMAL)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_changed_a_program_costs_what_it_does_from_nothing(seed):
    program, draw = transport(seed, 6), np.random.default_rng(seed)
    session, bases, bounds, rows = Highs().open(program), [], {}, []
    cost = program.cost
    for _ in range(12):
        for change in draw.choice(4, int(draw.integers(1, 3)), replace=False):
            row = int(draw.integers(program.n_rows + len(rows)))
            if change == 0:
                cost = program.cost * draw.uniform(0.2, 3.0, program.n_columns)
                session.set_cost(cost)
            elif change == 1 and row < program.n_rows:
                lower, upper = program.row_lower[row], program.row_upper[row]
                bounds[row] = lower * 0.9, upper * draw.uniform(1.0, 1.5)
                session.set_row(row, *bounds[row])
            elif change == 2 and len(rows) < 3:
                weights = draw.uniform(0.0, 1.0, program.n_columns)
                rows.append((weights, 1e5))
                session.add_row(-np.inf, 1e5, weights)
                bases.clear()
            elif bases:
                session.resume(bases[int(draw.integers(len(bases)))])
        found = session.solve()
        fresh = Highs().open(program)
        fresh.set_cost(cost)
        for row, (lower, upper) in bounds.items():
            fresh.set_row(row, lower, upper)
        for weights, most in rows:
            fresh.add_row(-np.inf, most, weights)
        best = fresh.solve()
        assert found.outcome is best.outcome
        if best.outcome is SolveStatus.OPTIMAL:
            assert found.objective == pytest.approx(best.objective, rel=1e-9)
            bases.append(session.basis())


@pytest.mark.req("OMI-07")
def test_limits_seed_gap_threads_presolve_and_start_reach_the_solver():
    """What is set is what HiGHS has, on one thread in any case."""
    limits = SolverLimits(iterations=7, seconds=12.5, nodes=3)
    plain = Highs(seed=42, limits=limits).open(knapsack())
    assert isinstance(plain, HighsSession)
    plain.solve()

    def option(session: HighsSession, name: str) -> object:
        return session._model.getOptionValue(name)[1]

    assert option(plain, "random_seed") == 42
    assert option(plain, "parallel") == "off"
    assert option(plain, "simplex_iteration_limit") == 7
    assert option(plain, "time_limit") == pytest.approx(12.5, abs=5.0)
    for gap, presolve in ((0.0, "off"), (0.01, "choose")):
        program = replace(bags(6, 1).program(), gap=gap)
        whole = Highs(limits=limits).open(program)
        assert isinstance(whole, HighsSession)
        whole.start(np.zeros(program.n_columns))
        whole.solve()
        assert option(whole, "mip_rel_gap") == gap
        assert option(whole, "mip_max_nodes") == 3
        assert option(whole, "presolve") == presolve


@pytest.mark.req("OMI-07")
def test_a_start_is_kept_where_nothing_better_may_be_sought():
    """Without a node to search the point that was given is the answer."""
    program = bags(80, 2).program()
    best = Highs().open(program).solve()
    session = Highs(limits=SolverLimits(nodes=0)).open(program)
    session.start(best.values)
    assert session.solve().objective == pytest.approx(best.objective)


def test_a_solve_goes_on_from_the_basis_of_an_earlier_one():
    session = Highs().open(knapsack())
    assert session.solve().values.tolist() == [10.0, 0.0]
    basis = session.basis()
    session.set_cost(np.array([-1.0, -9.0]))
    assert session.solve().iterations == 1
    session.set_cost(np.array([-3.0, -5.0]))
    session.resume(basis)
    again = session.solve()
    assert (again.values.tolist(), again.iterations) == ([10.0, 0.0], 0)


def test_an_impossible_program_is_infeasible_and_has_no_point():
    problem = Problem()
    x, r = problem.columns("x", 1, upper=1.0), problem.rows("r", 1, lower=2.0)
    problem.entries(r.at([0]), x.at([0]), [1.0])
    found = Highs().open(problem.program()).solve()
    assert found.outcome is SolveStatus.INFEASIBLE
    assert len(found.values) == 0


def test_a_program_without_end_is_not_called_optimal():
    problem = Problem()
    x = problem.columns("x", 1)
    problem.cost("gain", x.at([0]), [-1.0])
    found = Highs().open(problem.program()).solve()
    assert found.outcome in {SolveStatus.UNBOUNDED, SolveStatus.INFEASIBLE}


@pytest.mark.parametrize(
    ("lower", "outcome"), [(0.0, SolveStatus.OPTIMAL), (1.0, SolveStatus.INFEASIBLE)]
)
def test_without_columns_the_rows_decide(lower, outcome):
    problem = Problem()
    problem.rows("r", 1, lower=lower)
    assert Highs().open(problem.program()).solve().outcome is outcome


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_strong_duality_and_complementary_slackness(data):
    n, m = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    number = st.integers(0, 9)
    matrix = np.array(
        data.draw(st.lists(number, min_size=n * m, max_size=n * m)), float
    )
    lower = np.array(data.draw(st.lists(number, min_size=m, max_size=m)), float)
    cost = np.array(data.draw(st.lists(number, min_size=n, max_size=n)), float)
    problem = Problem()
    x = problem.columns("x", n)
    slack = problem.columns("slack", m)
    rows = problem.rows("r", m, lower=lower)
    where, which = np.divmod(np.arange(n * m), n)
    problem.entries(rows.at(where), x.at(which), matrix)
    problem.entries(rows.at(np.arange(m)), slack.at(np.arange(m)), 1.0)
    problem.cost("use", x.at(np.arange(n)), cost)
    problem.cost("slack", slack.at(np.arange(m)), 100.0)
    program = problem.program()
    found = Highs().open(program).solve()
    assert found.objective == pytest.approx(
        sum(program.contributions(found.values).values())
    )
    assert found.objective == pytest.approx(float(found.row_prices @ lower), abs=1e-6)
    used, short = found.values[:n], found.values[n:]
    room = np.reshape(matrix, (m, n)) @ used + short - lower
    assert np.abs(room * found.row_prices).max() < 1e-6


def transport(seed: int, n: int = 15) -> Program:
    """Amounts from n places to n places, at least cost."""
    random = np.random.default_rng(seed)
    problem = Problem()
    x = problem.columns("x", n * n)
    amounts = random.integers(1, 9, n).astype(float)
    there = problem.rows("there", n, upper=random.permutation(amounts) + seed % 2)
    wanted = problem.rows("wanted", n, lower=amounts)
    giver, taker = np.divmod(np.arange(n * n), n)
    problem.entries(there.at(giver), x.at(np.arange(n * n)), 1.0)
    problem.entries(wanted.at(taker), x.at(np.arange(n * n)), 1.0)
    cost = random.integers(1, 60, n * n).astype(float)
    problem.cost("way", x.at(np.arange(n * n)), cost)
    return problem.program()


@pytest.mark.req("OMI-06")
@pytest.mark.parametrize("steps", [1, 35])
@pytest.mark.parametrize("seed", range(6))
def test_what_goes_on_after_some_steps_ends_where_the_simplex_method_does(seed, steps):
    """Transport between 15 and 15 places takes more than half a step a row.

    The first 15 steps last, and it goes on; of 35 those of some seeds undo too many.
    """
    program = transport(seed)
    session = HighsSession(program, least_steps=steps)
    found, whole = session.solve(), HighsSession(program).solve()
    assert found.outcome is whole.outcome is SolveStatus.OPTIMAL
    assert found.objective == pytest.approx(whole.objective)
    # A basis: as many amounts as rows at most, and later changes go on from it.
    assert np.count_nonzero(found.values > 1e-9) <= program.n_rows
    session.set_cost(2 * program.cost)
    again = session.solve()
    assert again.objective == pytest.approx(2 * whole.objective)
    assert again.iterations == 0


@pytest.mark.parametrize("seed", range(6))
def test_a_few_steps_before_its_end_the_simplex_method_goes_on(seed):
    """No other method is begun where hardly a column is beyond its bounds."""
    program = transport(seed, 60)
    whole = HighsSession(program).solve()
    found = HighsSession(program, least_steps=int(0.9 * whole.iterations)).solve()
    assert found.outcome is SolveStatus.OPTIMAL
    assert found.objective == pytest.approx(whole.objective)
    # Steps of the simplex method alone are counted.
    assert found.iterations >= whole.iterations - 1


@pytest.mark.req("OMI-06")
@pytest.mark.parametrize("seed", range(4))
def test_after_a_limit_of_steps_no_step_is_made_twice(seed):
    """The presolved program goes on where it was: it is not begun from nothing again.

    Each place may also get its amount dearly, by a row that presolving takes out.
    """
    plain = transport(seed, 60)
    problem = Problem()
    x = problem.columns("x", plain.n_columns)
    dear, bought = problem.columns("dear", 60), problem.columns("bought", 60)
    rows = problem.rows("r", plain.n_rows, plain.row_lower, plain.row_upper)
    equal = problem.rows("equal", 60, 0.0, 0.0)
    of_row = np.repeat(np.arange(plain.n_rows), np.diff(plain.starts))
    problem.entries(rows.at(of_row), x.at(plain.indices), plain.values)
    every = np.arange(60)
    problem.entries(rows.at(60 + every), dear.at(every), 1.0)
    problem.entries(equal.at(every), dear.at(every), 1.0)
    problem.entries(equal.at(every), bought.at(every), -1.0)
    problem.cost("way", x.at(np.arange(plain.n_columns)), plain.cost)
    problem.cost("bought", bought.at(every), 50.0)
    program = problem.program()
    whole = HighsSession(program).solve()
    session = HighsSession(program, least_steps=int(0.9 * whole.iterations))
    found = session.solve()
    assert found.objective == pytest.approx(whole.objective)
    assert found.iterations < 1.3 * whole.iterations
    # It ended in a basis of the whole program, which later changes go on from.
    session.set_cost(2 * program.cost)
    assert session.solve().iterations == 0


def bags(items: int, seed: int) -> Problem:
    """Whole things of some weight and value in bags: the most value costs least."""
    draw = np.random.default_rng(seed)
    problem = Problem()
    taken = problem.columns("taken", items, 0.0, 1.0, whole=True)
    rows = problem.rows("bags", 3, upper=float(items))
    every = np.arange(items)
    for row in range(3):
        problem.entries(
            np.repeat(rows.at([row]), items),
            taken.at(every),
            draw.integers(2, 9, items),
        )
    problem.cost("value", taken.at(every), -draw.uniform(2, 9, items))
    return problem


def test_whole_columns_take_whole_numbers():
    problem = bags(8, 1)
    program = problem.program()
    found = Highs().open(program).solve()
    ways = np.array(list(itertools.product([0.0, 1.0], repeat=8)))
    weights = np.zeros((3, 8))
    for row in range(3):
        span = slice(program.starts[row], program.starts[row + 1])
        weights[row, program.indices[span]] = program.values[span]
    fits = (ways @ weights.T <= program.row_upper).all(axis=1)
    assert found.outcome is SolveStatus.OPTIMAL
    assert found.objective == pytest.approx((ways[fits] @ program.cost).min())
    assert found.bound <= found.objective + 1e-9
    assert np.abs(found.values - np.round(found.values)).max() < 1e-6


def test_what_is_called_optimal_is_optimal_though_a_column_is_whole():
    """Least 2 x + 3 z with x + z >= 4.5, z whole: 9. (HiGHS 1.14 says 15 by itself.)"""
    problem = Problem()
    x = problem.columns("x", 1, 0.0, 10.0)
    z = problem.columns("z", 1, 0.0, 10.0, whole=True)
    row = problem.rows("sum", 1, lower=4.5)
    problem.entries(row.at([0, 0]), [x.start, z.start], 1.0)
    problem.cost("cost", [x.start, z.start], [2.0, 3.0])
    assert Highs().open(problem.program()).solve().objective == pytest.approx(9.0)


def test_a_search_of_whole_columns_is_interrupted_with_what_it_found():
    program = bags(80, 2).program()
    asked = iter(range(100))
    found = Highs().open(program).solve(cancelled=lambda: next(asked) >= 3)
    assert found.outcome is SolveStatus.CANCELLED
    assert next(asked) < 10
    assert len(found.values) in {0, 80}


def test_a_limit_of_nodes_keeps_the_best_point_and_a_bound():
    program = bags(80, 2).program()
    limits = SolverLimits(nodes=1)
    found = Highs(limits=limits).open(program).solve()
    assert found.outcome is SolveStatus.FEASIBLE
    assert found.bound < found.objective < 0
    assert len(found.values) == 80
    again = Highs(limits=limits).open(program).solve()
    assert (again.values == found.values).all()
