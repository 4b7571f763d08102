"""Efficient points: distinct, nondominated, on the true front."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from medhavi.optimize.highs import Highs, HighsSession, SolutionBasis
from medhavi.optimize.pareto import Front, nondominated
from medhavi.optimize.problem import Problem

if TYPE_CHECKING:
    from medhavi.optimize.problem import Program


def front(count: int, most: float = np.inf):
    """Trade x against y on x + y >= 1 with a corner at (0.25, 0.25)."""
    problem = Problem()
    v, r = problem.columns("v", 2), problem.rows("r", 2, lower=[1.0, 1.0])
    problem.entries(r.at([0, 0, 1, 1]), v.at([0, 1, 0, 1]), [3.0, 1.0, 1.0, 3.0])
    program = problem.program()
    goals = {"x": np.array([1.0, 0.0]), "y": np.array([0.0, 1.0])}
    session = Highs().open(program)
    session.add_row(-np.inf, most, goals["y"])
    return Front(session, goals, {"x": 1.0, "y": 1.0}).points(count)


def test_points_lie_on_the_front_and_are_distinct():
    found = [(p.values["x"], p.values["y"]) for p in front(7)]
    assert len(found) == 7
    assert len({(round(x, 4), round(y, 4)) for x, y in found}) == 7
    for x, y in found:
        assert min(3 * x + y, x + 3 * y) == pytest.approx(1, abs=1e-5)
    assert found == sorted(found)


def test_no_point_beats_another():
    values = np.array([[p.values["x"], p.values["y"]] for p in front(9)])
    assert nondominated(values).all()


def test_a_bound_that_always_holds_cuts_the_front():
    assert max(p.values["y"] for p in front(5, most=0.5)) == pytest.approx(0.5)


def test_objectives_that_agree_have_one_point():
    problem = Problem()
    v = problem.columns("v", 1, lower=2.0)
    goals = {"a": np.array([1.0]), "b": np.array([3.0])}
    session = Highs().open(problem.program())
    assert len(Front(session, goals, {"a": 1.0, "b": 1.0}).points(5)) == 1
    assert v.size == 1


def test_a_stopped_search_says_so():
    problem = Problem()
    v, r = problem.columns("v", 2), problem.rows("r", 1, lower=1.0)
    problem.entries(r.at([0, 0]), v.at([0, 1]), [1.0, 1.0])
    goals = {"x": np.array([1.0, 0.0]), "y": np.array([0.0, 1.0])}
    search = Front(Highs().open(problem.program()), goals, {"x": 1.0, "y": 1.0})
    search.stopped = True
    assert len(search.points(9)) <= 2


class RecordedSession(HighsSession):
    """Session that keeps the points whose bases it went on from."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self.starts: list[list[float]] = []

    def resume(self, basis: object) -> None:
        assert isinstance(basis, SolutionBasis)
        self.starts.append([round(value, 6) for value in basis.values])
        super().resume(basis)


@pytest.mark.req("OMO-15")
def test_a_first_bound_starts_from_the_cheapest_point_that_keeps_it():
    """Shares of (a, b, c) = (0, 10, 10), (20, 0, 6) and (10, 2, 0).

    Least b is the second one, least c the third. Of b up to 5 the third one keeps the
    bound too, and is the one of less a; of c up to 5 what was found for b keeps it: 3/8
    of the first and 5/8 of the third.
    """
    problem = Problem()
    v, r = problem.columns("v", 3), problem.rows("r", 1, lower=1.0, upper=1.0)
    problem.entries(r.at([0, 0, 0]), v.at([0, 1, 2]), 1.0)
    session = RecordedSession(problem.program())
    goals = {
        "a": np.array([0.0, 20.0, 10.0]),
        "b": np.array([10.0, 0.0, 2.0]),
        "c": np.array([10.0, 6.0, 0.0]),
    }
    Front(session, goals, dict.fromkeys(goals, 10.0)).points(5)
    assert session.starts[0] == [0.0, 0.0, 1.0]
    assert session.starts[1] == pytest.approx([0.375, 0.0, 0.625])
