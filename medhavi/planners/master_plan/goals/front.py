"""A front: its programs, the plans that were made, and its tables.

There is a program for each point, and tighter ones of a point: what whole units and
orders of a plan come to more than its program, the program of the same point gets as
much less of a budget, so the next plan keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.errors import InfeasibleBudgets
from medhavi.optimize.conflict import Budget, Budgets
from medhavi.optimize.pareto import Front, GoalShares, nondominated
from medhavi.optimize.problem import SolveStatus, inner
from medhavi.planners.master_plan.goals.staged_solve import (
    SHORTAGE,
    add_service,
    conflict_words,
    unit_of,
)
from medhavi.progress import Progress
from medhavi.results.amounts import currency_of
from medhavi.results.pareto_front import (
    DECIMALS,
    OBJECTIVE,
    OBJECTIVES,
    POINT,
    PROGRAM,
)
from medhavi.results.plans.lateness import tally
from medhavi.results.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.optimize.pareto import Point
    from medhavi.optimize.problem import Floats, Session, Solution, Solver
    from medhavi.planners.constrained.netting.prescribed_sources import Decisions
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.planners.parameters import TradeOffParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


LEAST_SIZE = 1.0
"""Usual size of an objective that is never more, in its unit."""


class FrontPrograms:
    """Programs of a front within budgets.

    Parameters
    ----------
    built
        Program with its facts.
    solver
        Opened for it, and rows are added there.
    vectors
        Weight per column of each amount, shape (n,), by name.
    chosen
        Names of the objectives that programs know; the first one is the goal.
    budgets
        The most of amounts, by name.
    cancelled
        Polled.
    """

    def __init__(
        self,
        built: BuiltProgram,
        solver: Solver,
        vectors: Mapping[str, Floats],
        chosen: Mapping[str, Floats],
        budgets: Mapping[str, float],
        cancelled: Cancelled,
    ) -> None:
        self._built, self._solver, self._cancelled = built, solver, cancelled
        self._vectors, self._chosen, self._budgets = vectors, chosen, budgets
        self._rows: Budgets | None = None
        self._front: Front | None = None
        self.points: list[Point] = []
        """Efficient points, after `solve`."""
        self.clash: InfeasibleBudgets | None = None
        """Why no program keeps all budgets; points are then of the nearest ones."""

    def solve(
        self, parameters: TradeOffParameters, points: int, observe: Observe
    ) -> None:
        """Find so many points; none where a program before them is not solved."""

        def tell(done: int) -> None:
            observe(Progress("solve programs", min(done, points), points))

        tell(0)
        built, cancelled = self._built, self._cancelled
        # To open a session takes a while, and nobody waits for it any more.
        if cancelled():
            return
        session = self._solver.open(built.program)
        # The point of least money is near the one of least shortage, not so the other
        # way round.
        session.solve(cancelled=cancelled)
        best = add_service(built, session, self._vectors[SHORTAGE], cancelled)
        session.set_cost(built.program.cost)
        usual = session.solve(cancelled=cancelled)
        if {best.outcome, usual.outcome} != {SolveStatus.OPTIMAL}:
            return
        limits = {n: Budget(self._vectors[n], one) for n, one in self._budgets.items()}
        self._rows = Budgets(session, limits, cancelled)
        if conflicts := self._rows.conflicts(best.values):
            currency = currency_of(built.statement.run.snapshot)
            rises = [conflict.more for conflict in conflicts]
            words = conflict_words(conflicts, self._budgets, currency)
            self.clash = InfeasibleBudgets(words, rises)
        ties = built.program.cost / max(abs(usual.objective), 1.0)
        shares = GoalShares(parameters.end_share, parameters.tie_share)
        sizes = _sizes(session, self._chosen, usual, shares.ties * ties, cancelled)
        self._front = Front(session, self._chosen, sizes, cancelled, ties, shares)
        self.points = self._front.points(points, tell)

    def amounts(self, point: Point) -> dict[str, float]:
        """What a point comes to of each budget."""
        values = point.solution.values
        return {name: inner(self._vectors[name], values) for name in self._budgets}

    def tighten(self, point: Point, budgets: Mapping[str, float]) -> Point | None:
        """Solve for a point by tighter budgets, after `solve`; None: none keeps them.

        Where budgets clash nothing is tightened.
        """
        if self._front is None or self._rows is None or self.clash:
            return None
        for name, most in budgets.items():
            self._rows.allow(name, most)
        return self._front.again(point)


def _sizes(
    session: Session,
    chosen: Mapping[str, Floats],
    usual: Solution,
    ties: Floats,
    cancelled: Cancelled,
) -> dict[str, float]:
    """Usual size of each objective, positive: what a share of it means.

    Of one that the best program has next to nothing of, the most where another one
    alone is least: as a share of nothing it would weigh more than all others.
    """
    sizes = {n: abs(inner(one, usual.values)) for n, one in chosen.items()}
    small = [n for n, size in sizes.items() if size < LEAST_SIZE and chosen[n].any()]
    for goal, weights in chosen.items() if small else ():
        session.set_cost(weights + max(sizes[goal], LEAST_SIZE) * ties)
        end = session.solve(cancelled=cancelled)
        if end.outcome is not SolveStatus.OPTIMAL:
            break
        for name in small:
            sizes[name] = max(sizes[name], abs(inner(chosen[name], end.values)))
    return {name: max(size, LEAST_SIZE) for name, size in sizes.items()}


class Candidate(NamedTuple):
    """A plan with the program that guides it, and what it comes to by its scorecard.

    Without a baseline its churn is None. One that resumes a baseline has no decisions
    of its own.
    """

    program: int | None
    plan: Plan
    values: dict[str, float | None]
    amounts: dict[str, float]
    decisions: Decisions | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is decided anew, and no program guides it."""
        return self.program is None and self.decisions is not None


def sound_plans(
    made: Iterable[Candidate],
    objectives: Sequence[str],
    snapshot: Snapshot,
    tell: Observe,
) -> list[Candidate]:
    """Plans as of `unbeaten_of`, of those that break no rule.

    One that breaks a rule beats no other one; who is beaten is not checked.
    """
    rest, sound = list(made), set[int]()
    while best := unbeaten_of(rest, objectives):
        asked = [one for one in best if id(one) not in sound]
        faults = {id(one): verify(one.plan, snapshot) for one in asked}
        for found in filter(None, faults.values()):
            tell(Progress(f"a plan is left out: {found[0]}"))
        rest = [one for one in rest if not faults.get(id(one))]
        if not any(faults.values()):
            return best
        sound |= faults.keys()
    return []


def unbeaten_of(
    made: Iterable[Candidate], objectives: Sequence[str], *, equals: bool = False
) -> list[Candidate]:
    """Plans that no other one beats in the chosen objectives, by the first of them.

    Of those that equal one another all (`equals`), else the first.
    """
    every = list(made)
    if not every:
        return []
    rows = np.array([[one.values[name] for name in objectives] for one in every], float)
    rounded = np.round(rows, DECIMALS)
    distinct, first, of = np.unique(
        rounded, axis=0, return_index=True, return_inverse=True
    )
    best = nondominated(distinct)
    if equals:
        return [one for one, row in zip(every, of.ravel(), strict=True) if best[row]]
    return [every[place] for place in first[best].tolist()]


def front_points(kept: Sequence[Candidate]) -> pl.DataFrame:
    """What the plans come to, by number."""
    counts = [tally(one.plan) for one in kept]
    rows = [
        {
            "point": number,
            **one.values,
            "program": one.program,
            "plan": one.plan.fingerprint,
            "late_demands": count.late,
            "on_time_in_full": count.share_on_time,
        }
        for number, (one, count) in enumerate(zip(kept, counts, strict=True), start=1)
    ]
    return pl.DataFrame(rows, schema=dict(POINT), orient="row")


def front_programs(
    found: Sequence[Point], vectors: Mapping[str, Floats]
) -> pl.DataFrame:
    """Values of the programs, by number."""
    rows = [
        {
            "program": number,
            **{
                n: inner(v, point.solution.values)
                for n, v in vectors.items()
                if n in PROGRAM
            },
            **dict(zip(("limited", "limit"), point.limited or (), strict=False)),
        }
        for number, point in enumerate(found, start=1)
    ]
    return pl.DataFrame(rows, schema=dict(PROGRAM), orient="row")


def front_objectives(
    table: pl.DataFrame, chosen: Sequence[str], currency: str
) -> pl.DataFrame:
    """Best and worst value of each objective among the points of a table."""
    rows = [
        {
            "objective": name,
            "unit": unit_of(name, currency),
            "meaning": meaning,
            "best": table[name].min(),
            "worst": table[name].max(),
            "chosen": name in chosen,
        }
        for name, meaning in OBJECTIVES.items()
    ]
    return pl.DataFrame(rows, schema=dict(OBJECTIVE), orient="row")
