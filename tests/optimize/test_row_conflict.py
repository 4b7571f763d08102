"""Blocks that cannot hold together are named, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medhavi.optimize.highs import Highs
from medhavi.optimize.problem import Problem, conflict

if TYPE_CHECKING:
    from medhavi.optimize.problem import Program


def program(limit: float) -> Program:
    problem = Problem()
    x = problem.columns("x", 2)
    want = problem.rows("wanted", 1, lower=5.0)
    have = problem.rows("there", 1, upper=limit)
    calm = problem.rows("calm", 1, upper=100.0)
    for rows in (want, have, calm):
        problem.entries(rows.at([0, 0]), x.at([0, 1]), 1.0)
    return problem.program()


@pytest.mark.req("OME-05")
def test_a_planted_conflict_is_found_and_nothing_else():
    assert conflict(program(3.0), Highs()) == ("wanted", "there")


def test_rows_that_hold_together_are_no_conflict():
    assert conflict(program(7.0), Highs()) == ()
