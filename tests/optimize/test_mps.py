"""Programs written as MPS come back with the same optimum, columns and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import highspy
import numpy as np
import pytest

from medhavi.optimize.highs import Highs
from medhavi.optimize.problem import Problem, mps

if TYPE_CHECKING:
    from medhavi.optimize.problem import Program


def drawn(seed: int) -> Program:
    """A small program with every kind of row and bound."""
    draw = np.random.default_rng(seed)
    problem = Problem()
    low = np.array([0.0, -4.0, -np.inf, 1.5, 2.0, 0.0])
    high = np.array([np.inf, 3.25, 6.0, 1.5, np.inf, 0.1])
    columns = problem.columns("x", 6, low, high)
    kinds = [(4.0, 4.0), (-np.inf, 9.5), (-3.0, np.inf), (-2.0, 7.0), (0.0, np.inf)]
    rows = problem.rows("r", 5, *np.array(kinds).T)
    for row in range(5):
        chosen = draw.choice(6, size=3, replace=False)
        problem.entries(rows.at([row] * 3), columns.at(chosen), draw.normal(size=3))
    problem.cost("one", columns.at(np.arange(6)), draw.uniform(0.1, 1, 6))
    problem.cost("two", columns.at([0, 0]), [1 / 3, 0.1])
    return problem.program()


@pytest.mark.parametrize("seed", range(20))
def test_a_written_program_has_the_same_optimum(seed, tmp_path):
    program = drawn(seed)
    columns = [f"x {n}" for n in range(6)]
    rows = [f"row {n}" for n in range(5)]
    file = tmp_path / "model.mps"
    file.write_text("".join(mps(program, columns, rows)))
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.readModel(str(file))
    assert model.getNumCol() == 6
    read = model.getLp()
    assert list(read.col_names_) == [name.replace(" ", "_") for name in columns]
    assert list(read.row_names_) == [name.replace(" ", "_") for name in rows]
    for ours, theirs in (
        (program.cost, read.col_cost_),
        (program.column_lower, read.col_lower_),
        (program.column_upper, read.col_upper_),
        (program.row_lower, read.row_lower_),
        (program.row_upper, read.row_upper_),
    ):
        assert ours.tolist() == list(theirs)
    model.run()
    solved = Highs().open(program).solve()
    named = str(solved.outcome) == "optimal"
    assert named == (model.getModelStatus() == highspy.HighsModelStatus.kOptimal)
    if named:
        assert model.getInfo().objective_function_value == pytest.approx(
            solved.objective
        )


def test_a_name_stands_for_one_thing():
    program = drawn(0)
    with pytest.raises(ValueError, match="Two have the name x_1"):
        list(mps(program, ["x_1", "x 1", *"abcd"], list("abcde")))
    with pytest.raises(ValueError, match="Two have the name cost"):
        list(mps(program, list("abcdef"), ["cost", *"abcd"]))


def test_whole_columns_are_read_as_whole(tmp_path):
    problem = Problem()
    for place, whole in enumerate([False, True, True, False, True]):
        block = problem.columns(f"x{place}", 1, 0.0, 3.5, whole=whole)
        problem.cost("one", block.at([0]), [-1.0])
    row = problem.rows("r", 1, upper=100.0)
    problem.entries(row.at([0] * 5), np.arange(5), 1.0)
    file = tmp_path / "model.mps"
    file.write_text("".join(mps(problem.program(), list("abcde"), ["r"])))
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.readModel(str(file))
    model.run()
    assert list(model.getSolution().col_value) == [3.5, 3.0, 3.0, 3.5, 3.0]
