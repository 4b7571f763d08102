"""Efficient points of several linear objectives by the augmented ε-constraint method.

The first objective is minimised while all others stay below bounds; a small share of
the others in the goal keeps points efficient where the first one is degenerate
(Mavrotas 2009, doi 10.1016/j.amc.2009.03.037). Bounds are not laid on a grid: each new
one halves the largest gap that is left, so that points are distinct and spread. All
objectives stand in the program as rows once; from point to point only bounds change,
and the solver goes on from the basis of the point whose bound of that objective is
nearest, for the first bound from the one of least goal of those that keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.problem import Solution, SolveStatus, inner

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from medhavi.optimize.problem import Floats, Session

NEAR = 1e-4
"""Points that are nearer than this in all objectives, of their size, are one."""
SLACK = 1e-7
"""Room above a bound that was reached, of the size: an exact one is brittle."""
LEAST_GAP = 1e-3
"""Spans and gaps below this share are not halved any more."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Point:
    """One efficient point.

    Parameters
    ----------
    solution
        Values of all columns; its objective is the augmented goal, not of interest.
    values
        Value of each objective.
    goal
        Objective that was minimised.
    limited
        Objective that was bounded, and its bound; empty for the ends of the front.
    """

    solution: Solution
    values: Mapping[str, float]
    goal: str
    limited: tuple[str, float] | None


class GoalShares(NamedTuple):
    """Shares in the goal, of usual sizes: of the other objectives, and of ties."""

    others: float = 0.05
    ties: float = 1e-3


class Front:
    """Finds the points.

    Parameters
    ----------
    session
        Program with the rows that every point keeps, such as a least service; its
        costs are replaced, rows are added.
    objectives
        Weights per column by name; the first one is the goal.
    scales
        Usual size of each objective, positive: what a share of it means.
    cancelled
        Polled; True ends the search with the points that are there.
    ties
        Weights per column, of size 1, that choose among equal points.
    shares
        How much the other objectives and ties count in the goal.
    """

    def __init__(
        self,
        session: Session,
        objectives: Mapping[str, Floats],
        scales: Mapping[str, float],
        cancelled: Callable[[], bool] | None = None,
        ties: Floats | float = 0.0,
        shares: GoalShares = GoalShares(),  # noqa: B008 - a frozen value
    ) -> None:
        self._ties = ties
        self._shares = shares
        self._session = session
        self._objectives = dict(objectives)
        self._names = list(objectives)
        self._scales = scales
        self._cancelled = cancelled
        self._rows = {
            name: session.add_row(-np.inf, np.inf, weights)
            for name, weights in objectives.items()
        }
        self._goal = ""
        self._solved: list[tuple[Point, object]] = []
        """Points with their bases, as they were solved."""
        self.stopped = False

    def points(
        self, count: int, tell: Callable[[int], object] | None = None
    ) -> list[Point]:
        """Find up to `count` distinct efficient points, by the first objective.

        Fewer come out where the front has no more: with objectives that do not
        conflict it is one point.

        Parameters
        ----------
        tell
            Called with how many points there are, after each program.
        """
        ends: list[Point | None] = []
        found: list[Point] = []
        for name in self._names:
            ends.append(self._solve(name, None))
            self._keep(found, ends[-1], tell)
        del found[count:]
        marks = self._marks(ends)
        while len(found) < count and not self.stopped:
            gap = self._widest(marks)
            if gap is None:
                break
            name, middle = gap
            marks[name].append(middle)
            point = self._solve(self._names[0], gap, self._start(name, middle))
            if point is not None:
                # A bound with room to spare: the gap ends where the point is.
                marks[name].append(point.values[name])
            self._keep(found, point, tell)
        return sorted(found, key=self._order)

    def again(self, point: Point) -> Point | None:
        """Solve for a point again, after other rows of the program have changed.

        None: there is no such point any more.
        """
        return self._solve(point.goal, point.limited)

    def _start(self, name: str, bound: float) -> object:
        """Basis of the point whose bound of an objective is nearest.

        Where there is none, of the one of least goal of those that keep the bound: its
        end does, but what keeps it and costs less is nearer.
        """
        bounded = [
            (abs(point.limited[1] - bound), basis)
            for point, basis in self._solved
            if point.limited is not None and point.limited[0] == name
        ]
        keeping = [
            (point.values[self._names[0]], basis)
            for point, basis in self._solved
            if point.values[name] <= bound
        ]
        return min(bounded or keeping, key=lambda one: one[0])[1]

    def _order(self, point: Point) -> tuple[float, ...]:
        return tuple(point.values[name] for name in self._names)

    def _marks(self, ends: list[Point | None]) -> dict[str, list[float]]:
        """Span of each objective but the first that a bound can reach.

        From its least value to what it is where only the first one counts.
        """
        first = ends[0]
        if first is None:
            return {}
        return {
            name: [end.values[name], first.values[name]]
            for name, end in zip(self._names[1:], ends[1:], strict=True)
            if end is not None
        }

    def _widest(self, marks: Mapping[str, list[float]]) -> tuple[str, float] | None:
        """Middle of the widest gap, in shares of its span."""
        best: tuple[float, str, float] | None = None
        for name, values in marks.items():
            span = max(values) - min(values)
            if span <= LEAST_GAP * self._scales[name]:
                continue
            for low, high in pairwise(sorted(values)):
                width = (high - low) / span
                if width > LEAST_GAP and (best is None or width > best[0] + NEAR):
                    best = width, name, (low + high) / 2
        return None if best is None else best[1:]

    def _keep(
        self,
        found: list[Point],
        point: Point | None,
        tell: Callable[[int], object] | None,
    ) -> None:
        """Add a point unless one is the same or better; drop those it beats.

        It was solved last: its basis is one to start from.
        """
        if point is not None:
            self._solved.append((point, self._session.basis()))
        if point is not None and not any(self._covers(one, point) for one in found):
            found[:] = [other for other in found if not self._covers(point, other)]
            found.append(point)
        if tell is not None:
            tell(len(found))

    def _covers(self, one: Point, other: Point) -> bool:
        """Whether no objective of `one` is worse, within what counts as same."""
        return all(
            one.values[name] <= other.values[name] + NEAR * self._scales[name]
            for name in self._names
        )

    def _solve(
        self,
        goal: str,
        limited: tuple[str, float] | None,
        basis: object | None = None,
    ) -> Point | None:
        """Point of least goal, from a basis or from where the last solve ended."""
        if goal != self._goal:
            self._aim(goal)
        if basis is not None:
            self._session.resume(basis)
        for name, row in self._rows.items():
            most = np.inf
            if limited is not None and limited[0] == name:
                most = limited[1] + SLACK * self._scales[name]
            self._session.set_row(row, -np.inf, most)
        solution = self._session.solve(cancelled=self._cancelled)
        if solution.outcome is SolveStatus.CANCELLED:
            self.stopped = True
        if solution.outcome is not SolveStatus.OPTIMAL:
            return None
        values = {
            name: inner(weights, solution.values)
            for name, weights in self._objectives.items()
        }
        return Point(solution=solution, values=values, goal=goal, limited=limited)

    def _aim(self, goal: str) -> None:
        """Minimise one objective and a share of the others, from the last basis."""
        cost = (
            self._objectives[goal] + self._shares.ties * self._scales[goal] * self._ties
        )
        for name, weights in self._objectives.items():
            if name != goal:
                share = self._shares.others * self._scales[goal] / self._scales[name]
                cost += share * weights
        self._session.set_cost(cost)
        self._goal = goal


def nondominated(values: Floats) -> NDArray[np.bool_]:
    """Which rows no other row beats: nowhere worse, somewhere better.

    Parameters
    ----------
    values
        Objectives to be small, shape (points, objectives).

    Returns
    -------
    array of bool, shape (points,)

    >>> nondominated(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 4.0]])).tolist()
    [True, True, False]
    """
    worse = (values[:, None, :] <= values[None, :, :]).all(axis=2)
    better = (values[:, None, :] < values[None, :, :]).any(axis=2)
    best: NDArray[np.bool_] = np.all(~(worse & better), axis=0)
    return best
