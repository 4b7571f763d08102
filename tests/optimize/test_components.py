"""Programs in components: answers as of one program, from what changed alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from medhavi.optimize.components import ComponentSession, components_of
from medhavi.optimize.highs import HighsSession
from medhavi.optimize.problem import Problem, SolveStatus

if TYPE_CHECKING:
    from medhavi.optimize.problem import Program


def mixes(components: int, seed: int) -> Program:
    """Goods that share hours within their own component alone, in mixed order."""
    draw = np.random.default_rng(seed)
    goods, hours = 6, 3
    problem = Problem()
    x = problem.columns("x", components * goods, upper=9.0)
    short = problem.columns("short", components * goods)
    wanted = problem.rows("wanted", components * goods, lower=5.0)
    limits = problem.rows("hours", components * hours, upper=draw.uniform(9, 30))
    every = np.arange(components * goods)
    place = draw.permutation(components * goods)
    problem.entries(wanted.at(every), x.at(every), 1.0)
    problem.entries(wanted.at(every), short.at(every), 1.0)
    for hour in range(hours):
        used = draw.uniform(0.1, 3.0, len(every))
        rows = place % components * hours + hour
        problem.entries(limits.at(rows), x.at(every), used)
    problem.cost("make", x.at(every), draw.uniform(1, 9, len(every)))
    problem.cost("short", short.at(every), draw.uniform(5, 90, len(every)))
    return problem.program()


@pytest.mark.req("OPA-06")
@pytest.mark.parametrize("seed", range(8))
def test_components_cost_what_the_whole_does_whatever_is_changed(seed):
    program, draw = mixes(4, seed), np.random.default_rng(seed)
    components = components_of(program, least=12)
    assert [component.program.n_columns for component in components] == [12] * 4
    apart = ComponentSession(program, components, HighsSession)
    whole = HighsSession(program)
    assert (apart.components, whole.components) == (4, 1)

    def same() -> None:
        one, other = apart.solve(), whole.solve()
        assert one.outcome is other.outcome is SolveStatus.OPTIMAL
        assert one.objective == pytest.approx(other.objective)
        assert one.values == pytest.approx(other.values, abs=1e-6)
        assert one.row_prices == pytest.approx(other.row_prices, abs=1e-6)
        assert one.reduced_costs == pytest.approx(other.reduced_costs, abs=1e-6)

    same()
    assert apart.solve().iterations == 0
    row = int(draw.integers(24, program.n_rows))
    cost = program.cost * draw.uniform(0.5, 2, program.n_columns)
    weights = draw.uniform(0, 1, program.n_columns)
    weights[program.column_block("short").span] = 0.0
    for session in (apart, whole):
        session.set_row(row, -np.inf, 4.0)
    same()
    for session in (apart, whole):
        session.set_cost(cost)
    same()
    bases = apart.basis()
    apart.set_cost(program.cost)
    assert apart.solve().iterations > 0
    apart.set_cost(cost)
    apart.resume(bases)
    assert apart.solve().iterations == 0
    same()
    # A budget over all joins them: costs and rows that were changed stay so.
    most = 0.7 * float(weights @ whole.solve().values)
    added = [session.add_row(-np.inf, most, weights) for session in (apart, whole)]
    assert added == [program.n_rows] * 2
    same()
    for session in (apart, whole):
        session.set_row(added[0], -np.inf, np.inf)
    same()


def test_what_is_small_is_put_together():
    program = mixes(4, 1)
    assert components_of(program, least=13) == []
    assert components_of(program) == []


def test_a_piece_without_a_point_is_one_of_the_whole():
    program = mixes(3, 1)
    session = ComponentSession(program, components_of(program, least=12), HighsSession)
    session.set_row(0, 1.0, 0.0)
    found = session.solve()
    assert found.outcome is SolveStatus.INFEASIBLE
    assert not len(found.values)
    session.set_row(0, 5.0, np.inf)
    assert session.solve().outcome is SolveStatus.OPTIMAL
