"""Solve a program for what is asked: budgets first, then stages, then all its money.

Stages are lexicographic: each amount is minimised, and stays within its tolerance of
that in all that comes after (Isermann 1982, OR Spektrum 4). Budgets are rows.
Of budgets that cannot hold together the one is raised that rises least, in shares of
it, by no more than it must: what guides the plan is the nearest that there is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medhavi.optimize.conflict import Budget, Budgets
from medhavi.optimize.problem import SolveStatus
from medhavi.planners.master_plan.goals.goal_amounts import (
    SHORTAGE,
    excess,
    program_amounts,
    room_above,
    stages_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.optimize.conflict import Conflict
    from medhavi.optimize.problem import Floats, Session, Solution
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.progress import Cancelled

SERVICE_SLACK = 1e-6
"""Room of the service row, of the whole value: a solver's zero is not exact."""


class GoalProgram:
    """A program that is solved for its goals.

    Parameters
    ----------
    built, session
        Program with its facts, not solved yet; rows are added.
    cancelled
        Polled.
    """

    def __init__(
        self, built: BuiltProgram, session: Session, cancelled: Cancelled | None = None
    ) -> None:
        self._built, self._session, self._cancelled = built, session, cancelled
        self._goals = built.statement.parameters
        self._amounts = program_amounts(built)
        self._rows: Budgets | None = None
        self.conflicts: tuple[Conflict, ...] = ()
        """Budgets that cannot hold together, after `solve`."""

    def solve(self) -> Solution:
        """Solve for all goals.

        Where a stage is not solved, the point before it: feasible, if it keeps all
        budgets. Budgets that hold anyway change nothing.
        """
        found = self._session.solve(cancelled=self._cancelled)
        stages = stages_of(self._goals, self._amounts)
        settled = not self._goals.stages and self._kept(found)
        if found.outcome is not SolveStatus.OPTIMAL or settled:
            return found
        best = found
        if stages[:1] == [SHORTAGE]:
            stages.remove(SHORTAGE)
            best = self._add_service()
            if best.outcome is not SolveStatus.OPTIMAL:
                return self._unfinished(found, best.outcome)
        self._rows = self._add_budgets()
        if not stages:
            # Mostly they hold, and to show that takes a solve for each of them.
            last = self._solved(self._built.program.cost)
            if last.outcome is not SolveStatus.INFEASIBLE:
                return self._ended(last, found)
        self.conflicts = self._rows.conflicts(best.values)
        self._rows.relax(self.conflicts)
        for name in stages:
            best = self._solved(self._amounts[name])
            if best.outcome is not SolveStatus.OPTIMAL:
                return self._unfinished(found, best.outcome)
            most = room_above(best.objective, self._goals)
            self._session.add_row(-np.inf, most, self._amounts[name])
            found = best
        return self._ended(self._solved(self._built.program.cost), found)

    def tighten(self, budgets: Mapping[str, float]) -> Solution:
        """Solve again by tighter budgets, after `solve`, from the last basis."""
        if self._rows is None:
            if self._goals.goal == "cost":
                self._add_service()
            self._rows = self._add_budgets()
            self._session.set_cost(self._built.program.cost)
            self._session.restart()
        for name, most in budgets.items():
            self._rows.allow(name, most)
        return self._session.solve(cancelled=self._cancelled)

    def amounts(self, solution: Solution) -> dict[str, float]:
        """What a solution comes to of each budget."""
        return {
            name: float(self._amounts[name] @ solution.values)
            for name in self._goals.budgets
        }

    def _kept(self, found: Solution) -> bool:
        solved = len(found.values) == self._built.program.n_columns
        return solved and not excess(self.amounts(found), self._goals.budgets)

    def _ended(self, last: Solution, found: Solution) -> Solution:
        """The last solution; where there is none, the point before it."""
        if last.outcome is SolveStatus.OPTIMAL:
            return last
        return self._unfinished(found, last.outcome)

    def _unfinished(self, found: Solution, outcome: SolveStatus) -> Solution:
        stopped = outcome is SolveStatus.CANCELLED
        feasible = self._kept(found) and not stopped
        return replace(found, outcome=SolveStatus.FEASIBLE if feasible else outcome)

    def _add_service(self) -> Solution:
        shortage = self._amounts[SHORTAGE]
        return add_service(self._built, self._session, shortage, self._cancelled)

    def _add_budgets(self) -> Budgets:
        limits = {
            name: Budget(self._amounts[name], most)
            for name, most in self._goals.budgets.items()
        }
        return Budgets(self._session, limits, self._cancelled)

    def _solved(self, cost: Floats) -> Solution:
        return _solved(self._session, cost, self._cancelled)


def add_service(
    built: BuiltProgram, session: Session, shortage: Floats, cancelled: Cancelled | None
) -> Solution:
    """Hold shortage at the least there is; gives the solution that has so little."""
    best = _solved(session, shortage, cancelled)
    if best.outcome is SolveStatus.OPTIMAL:
        wanted = built.statement.wanted
        whole = float(wanted.qty @ wanted.short) + 1.0
        session.add_row(-np.inf, best.objective + SERVICE_SLACK * whole, shortage)
    return best


def _solved(session: Session, cost: Floats, cancelled: Cancelled | None) -> Solution:
    """Solve with other costs, from nothing: the last basis leads astray."""
    session.set_cost(cost)
    session.restart()
    return session.solve(cancelled=cancelled)
