"""Programs from named blocks: places, sums, parts of the objective."""

from __future__ import annotations

import numpy as np
import pytest

from medhavi.optimize.problem import Problem


def test_blocks_stand_one_behind_the_other():
    problem = Problem()
    first, second = problem.columns("x", 2), problem.columns("y", 3)
    assert second.at([0, 2]).tolist() == [2, 4]
    assert first.span == slice(0, 2)
    assert problem.program().column_block("y") == second


def test_a_block_name_is_given_once():
    problem = Problem()
    problem.rows("r", 1)
    with pytest.raises(ValueError, match="There is a block r already"):
        problem.rows("r", 2)


def test_an_unknown_block_is_a_key_error():
    with pytest.raises(KeyError, match="nothing"):
        Problem().program().row_block("nothing")


def test_entries_of_equal_places_sum_and_stand_by_row_and_column():
    problem = Problem()
    x, r = problem.columns("x", 2), problem.rows("r", 2, upper=9.0)
    problem.entries(r.at([1, 0, 1]), x.at([1, 0, 1]), [2.0, 1.0, 3.0])
    program = problem.program()
    assert program.starts.tolist() == [0, 1, 2]
    assert program.indices.tolist() == [0, 1]
    assert program.values.tolist() == [1.0, 5.0]


def test_an_entry_outside_all_blocks_is_refused():
    problem = Problem()
    x, r = problem.columns("x", 1), problem.rows("r", 1)
    problem.entries(r.at([0]), x.at([1]), [1.0])
    with pytest.raises(IndexError, match="outside all blocks"):
        problem.program()


def test_parts_sum_to_the_cost_and_to_the_objective():
    problem = Problem()
    x = problem.columns("x", 2)
    problem.cost("a", x.at([0, 1, 1]), [1.0, 2.0, 3.0])
    problem.cost("b", x.at([0]), 4.0)
    program = problem.program()
    assert program.cost.tolist() == [5.0, 5.0]
    parts = program.contributions(np.array([1.0, 2.0]))
    assert parts == {"a": 11.0, "b": 4.0}
