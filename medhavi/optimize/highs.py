"""HiGHS as a solver: arrays in one call, one thread, fixed seed, part by part.

Traps of this solver (measured with 1.14): a thread count that differs from an earlier
run of the process makes the next run end without an answer, so the scheduler is left as
it is and parallel work is switched off; two packages that bring their own HiGHS live in
one process up to 1.14 only; the presolve of 1.14 gives whole columns values that it
calls optimal and that are not (HiGHS issues 3043, 3073 and 3094), so they are solved
without it.

A basis that was optimal is a start of the primal simplex method while its point keeps
all rows, though costs change, and of the dual one while costs stay, though rows change.
Where both changed it is neither, and leads astray (1.7 times the CPU time of a solve
from nothing, with presolve, in the demonstration company): then the solver starts anew.

What starts anew is presolved here, and solved as a model of its own: a run of HiGHS
that its limit of steps ends forgets the presolved program, so the next one would begin
from nothing again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from medhavi.optimize.components import ComponentSession, components_of
from medhavi.optimize.problem import Solution, SolveStatus, inner

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.optimize.problem import Floats, Program, Session


SEED = 1
SIMPLEX_STEPS = 5_000
MOST_SIMPLEX_STEPS = 15_000
STEPS_A_ROW = 0.6
"""Steps of the simplex method at least, at most, and for each row of a program, before
it is solved by the interior-point method instead, with crossover to a basis."""
LASTING_SHARE = 0.8
"""Unless so many of the steps, after these and after twice as many, brought a column
into the basis that is still there: then most rows need one step, and steps stay cheap.
(Company models of 54,000 to 258,000 columns: 0.83 to 0.96 where the simplex method
takes 1 to 9 CPU s in all and the other one ten times as long, 0.62 to 0.78 at last
where it takes 25 CPU s or does not end.)"""
NEAR_SHARE = 0.01
"""Or unless so few of the columns are beyond their bounds: then few steps are left.
(0.0002 of the demonstration company, 78 steps before the end of 14,448; 0.023 to 0.037
of five company models where the other method is the faster one.)"""
BEYOND = 1e-7
"""Least distance from a bound that counts: the feasibility tolerance of HiGHS."""
DUAL, PRIMAL = 1, 4
"""Simplex methods by their numbers in HiGHS."""
POLL_EVERY = 64
"""Simplex callbacks between two questions whether to stop: asking costs little, but
there are tens of thousands."""


class SolverLimits(NamedTuple):
    """What ends one solve; None: nothing does.

    Parameters
    ----------
    iterations
        Of the simplex or the interior-point method: the same in every run.
    seconds
        Safety stop by the clock: a run that it ends does not repeat.
    nodes
        Of the search tree where columns are whole: the same in every run.
    """

    iterations: int | None = None
    seconds: float | None = None
    nodes: int | None = None


NO_LIMITS = SolverLimits()


class SolutionBasis(NamedTuple):
    """Where a solve ended that was optimal.

    Parameters
    ----------
    basis
        As the solver states it.
    cost
        Of all columns, shape (n,).
    values
        Of all columns, shape (n,).
    activities
        What each row came to, shape (m,).
    """

    basis: Any
    cost: Floats
    values: Floats
    activities: Floats


class Highs:
    """Opens programs in HiGHS.

    Parameters
    ----------
    seed
        Of perturbations; equal seeds give equal runs.
    limits
        Of each solve.
    """

    def __init__(self, seed: int = SEED, limits: SolverLimits = NO_LIMITS) -> None:
        self._seed = seed
        self._limits = limits

    def open(self, program: Program) -> Session:
        """Hold a program for solving, in components where it has some."""
        components = [] if len(program.whole) else components_of(program)
        if len(components) > 1:
            return ComponentSession(program, components, self._open_one)
        return self._open_one(program)

    def _open_one(self, program: Program) -> HighsSession:
        return HighsSession(program, self._seed, limits=self._limits)


class HighsSession:
    """One program in HiGHS, solved again from the last basis.

    Parameters
    ----------
    seed
        Of perturbations.
    least_steps
        Steps of the simplex method at least; see `SIMPLEX_STEPS`.
    limits
        Of each solve.
    """

    def __init__(
        self,
        program: Program,
        seed: int = SEED,
        least_steps: int = SIMPLEX_STEPS,
        limits: SolverLimits = NO_LIMITS,
    ) -> None:
        import highspy

        self.program = program
        self.components = 1
        self._package: Any = highspy
        self._seed = seed
        self._model = self._new_model()
        self._rows = program.n_rows
        self._cost = program.cost
        self._bounds: dict[int, tuple[float, float]] = {}
        """Bounds of rows that were changed or added."""
        self._last: SolutionBasis | None = None
        self._least_steps = least_steps
        self._limits = limits
        self._cancelled: Callable[[], bool] | None = None
        self._stopped = False
        self._asked = 0
        self._load()

    def _new_model(self) -> Any:
        model = self._package.Highs()
        for option, value in (
            ("output_flag", False),
            ("parallel", "off"),
            ("random_seed", self._seed),
        ):
            model.setOptionValue(option, value)
        return model

    def _load(self) -> None:
        program, package = self.program, self._package
        kinds = np.zeros(program.n_columns, dtype=np.int32)
        kinds[program.whole] = int(package.HighsVarType.kInteger)
        if len(program.whole):
            if not program.gap:
                self._model.setOptionValue("presolve", "off")
            # Else "optimal" may be a ten-thousandth above the optimum.
            self._model.setOptionValue("mip_rel_gap", program.gap)
        self._model.passModel(
            program.n_columns,
            program.n_rows,
            len(program.values),
            int(package.MatrixFormat.kRowwise),
            int(package.ObjSense.kMinimize),
            0.0,
            program.cost,
            program.column_lower,
            program.column_upper,
            program.row_lower,
            program.row_upper,
            program.starts[:-1].astype(np.int32),
            program.indices.astype(np.int32),
            program.values,
            kinds,
        )

    # --- changes -------------------------------------------------------------------
    def basis(self) -> object:
        """Basis in which the last solve ended, for `resume`."""
        return self._last

    def resume(self, basis: object) -> None:
        """Go on from the basis of an earlier solve; no row was added since."""
        self._last = cast("SolutionBasis | None", basis)
        if self._last is not None:
            self._model.setBasis(self._last.basis)

    def start(self, values: Floats) -> None:
        """Solve from a point that keeps all rows, shape (n,)."""
        point = self._package.HighsSolution()
        point.col_value = list(values)
        self._model.setSolution(point)

    def set_cost(self, cost: Floats) -> None:
        """Change the cost of all columns, shape (n,)."""
        n = self.program.n_columns
        self._cost = cost
        self._model.changeColsCost(n, np.arange(n, dtype=np.int32), cost)

    def set_row(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of a row."""
        self._bounds[row] = lower, upper
        self._model.changeRowBounds(row, lower, upper)

    def add_row(self, lower: float, upper: float, weights: Floats) -> int:
        """Add a row with a weight per column, shape (n,); gives its place."""
        places = np.flatnonzero(weights).astype(np.int32)
        self._model.addRow(lower, upper, len(places), places, weights[places])
        row, last = self._rows, self._last
        self._rows += 1
        self._bounds[row] = lower, upper
        if last is not None:
            reached = np.append(last.activities, inner(weights, last.values))
            self._last = last._replace(activities=reached)
        return row

    # --- solving -------------------------------------------------------------------
    def solve(self, *, cancelled: Callable[[], bool] | None = None) -> Solution:
        """Solve from where the last solve ended.

        Parameters
        ----------
        cancelled
            Polled during the run; True ends it with outcome cancelled.

        Returns
        -------
        Solution
            Optimal, infeasible, unbounded, cancelled, at a limit or in error; of a
            program without columns the empty point.
        """
        if self.program.n_columns == 0:
            return self._empty()
        self._watch(cancelled)
        steps = min(MOST_SIMPLEX_STEPS, int(STEPS_A_ROW * self._rows))
        most, seconds, nodes = self._limits
        allowed = self._package.kHighsIInf if most is None else most
        limit = min(max(self._least_steps, steps), allowed)
        # HiGHS counts the time of all its runs.
        end = math.inf if seconds is None else self._model.getRunTime() + seconds
        self._model.setOptionValue("time_limit", end)
        if len(self.program.whole):
            unlimited = self._package.kHighsIInf
            self._model.setOptionValue(
                "mip_max_nodes", unlimited if nodes is None else nodes
            )
            self._model.run()
            return self._answer_whole()
        model = self._model if self._goes_on() else self._presolved(end)
        limited, done = self._package.HighsModelStatus.kIterationLimit, 0
        for most in dict.fromkeys((limit, min(2 * limit, allowed), allowed)):
            model.setOptionValue("simplex_iteration_limit", most - done)
            model.run()
            done += self._steps(model)
            if model.getModelStatus() != limited or most == allowed:
                break
            lasts = self._lasting(model) >= LASTING_SHARE * done
            if not (lasts or self._nearly_done(model)):
                # The clock of the own model does not run while another one does.
                spent = 0.0 if model is self._model else model.getRunTime()
                self._model.setOptionValue("time_limit", max(0.0, end - spent))
                self._solve_from_inside(allowed)
                return self._answer(self._model, done + self._steps(self._model))
        if model is not self._model:
            model = self._postsolved(model, allowed - done)
            done += self._steps(self._model)
        return self._answer(model, done)

    @staticmethod
    def _steps(model: Any) -> int:
        """Steps of the simplex method in the last run of a model."""
        return max(0, int(model.getInfo().simplex_iteration_count))

    def _goes_on(self) -> bool:
        """Choose the method that the last basis starts; without one forget it."""
        last = self._last
        same = last is not None and np.array_equal(last.cost, self._cost)
        primal = last is not None and not same and self._keeps_rows(last.activities)
        if not (same or primal):
            self._model.clearSolver()
        self._model.setOptionValue("simplex_strategy", PRIMAL if primal else DUAL)
        return same or primal

    def _presolved(self, end: float) -> Any:
        """Model of the presolved program; the own one where presolving leaves none.

        It ends when the run time of the own one would be `end`.
        """
        own, kinds = self._model, self._package.HighsPresolveStatus
        if self._has_crossed_bounds():
            # A run of HiGHS tells that before it presolves; presolving itself does not.
            return own
        own.presolve()
        if own.getModelPresolveStatus() != kinds.kReduced:
            return own
        model = self._new_model()
        model.setOptionValue("presolve", "off")
        model.setOptionValue("simplex_strategy", DUAL)
        model.setOptionValue("time_limit", max(0.0, end - own.getRunTime()))
        model.passModel(own.getPresolvedLp())
        self._subscribe(model)
        return model

    def _has_crossed_bounds(self) -> bool:
        """Whether a row or column has, or at first had, no value between its bounds."""
        program = self.program
        return (
            any(lower > upper for lower, upper in self._bounds.values())
            or bool((program.row_lower > program.row_upper).any())
            or bool((program.column_lower > program.column_upper).any())
        )

    def _postsolved(self, model: Any, allowed: int) -> Any:
        """Model that says how the presolved one ended: the own one if that is optimal.

        Where it has no end, the own one is solved: that may be impossible, too.
        """
        own, kinds = self._model, self._package.HighsModelStatus
        own.setOptionValue("simplex_iteration_limit", allowed)
        status = model.getModelStatus()
        if status == kinds.kOptimal:
            own.postsolve(model.getSolution(), model.getBasis())
        elif status in {kinds.kUnbounded, kinds.kUnboundedOrInfeasible}:
            own.run()
        else:
            return model
        return own

    def _keeps_rows(self, activities: Floats) -> bool:
        """Whether what the last solve ended in keeps all rows that were changed."""
        return all(
            lower - BEYOND <= activities[row] <= upper + BEYOND
            for row, (lower, upper) in self._bounds.items()
        )

    def _lasting(self, model: Any) -> int:
        """How many columns are in the basis of a model."""
        basic = self._package.HighsBasisStatus.kBasic
        return sum(one == basic for one in model.getBasis().col_status)

    def _nearly_done(self, model: Any) -> bool:
        """Whether hardly any column is beyond its bounds in a model."""
        values, program = np.array(model.getSolution().col_value), model.getLp()
        below = values < np.array(program.col_lower_) - BEYOND
        above = values > np.array(program.col_upper_) + BEYOND
        beyond = np.count_nonzero(below | above)
        return bool(beyond <= NEAR_SHARE * self.program.n_columns)

    def _solve_from_inside(self, allowed: int) -> None:
        """Solve by the interior-point method, with crossover to a basis.

        By the simplex method, with all steps that are allowed, where that gives no
        answer.
        """
        model, kinds = self._model, self._package.HighsModelStatus
        model.setOptionValue("simplex_iteration_limit", allowed)
        model.setOptionValue("ipm_iteration_limit", allowed)
        model.setOptionValue("solver", "ipm")
        model.clearSolver()
        model.run()
        model.setOptionValue("solver", "choose")
        if model.getModelStatus() not in {
            kinds.kOptimal,
            kinds.kInfeasible,
            kinds.kUnbounded,
            kinds.kInterrupt,
            kinds.kTimeLimit,
        }:
            model.run()

    def _empty(self) -> Solution:
        program = self.program
        possible = bool(
            (program.row_lower <= 0).all() and (program.row_upper >= 0).all()
        )
        return Solution(
            outcome=SolveStatus.OPTIMAL if possible else SolveStatus.INFEASIBLE,
            objective=0.0,
            bound=0.0,
            values=np.zeros(0),
            row_prices=np.zeros(program.n_rows),
            reduced_costs=np.zeros(0),
            iterations=0,
        )

    def _watch(self, cancelled: Callable[[], bool] | None) -> None:
        self._stopped = False
        if cancelled is None:
            return
        first = self._cancelled is None
        self._cancelled = cancelled
        if first:
            self._subscribe(self._model)
            self._model.cbIpmInterrupt.subscribe(self._interrupt)
            self._model.cbMipInterrupt.subscribe(self._ask)

    def _subscribe(self, model: Any) -> None:
        if self._cancelled is not None:
            model.cbSimplexInterrupt.subscribe(self._interrupt)

    def _interrupt(self, event: Any) -> None:
        self._asked += 1
        if self._asked % POLL_EVERY == 0:
            self._ask(event)

    def _ask(self, event: Any) -> None:
        # The search of whole columns calls seldom: it is asked each time.
        if self._stopped or self._cancelled is None:
            return
        if self._cancelled():
            self._stopped = True
            event.data_in.user_interrupt = True

    def _outcome(self, model: Any) -> SolveStatus:
        kinds = self._package.HighsModelStatus
        status = model.getModelStatus()
        if status == kinds.kUnboundedOrInfeasible:
            return SolveStatus.INFEASIBLE
        return {
            kinds.kOptimal: SolveStatus.OPTIMAL,
            kinds.kInfeasible: SolveStatus.INFEASIBLE,
            kinds.kUnbounded: SolveStatus.UNBOUNDED,
            kinds.kInterrupt: SolveStatus.CANCELLED,
            kinds.kTimeLimit: SolveStatus.LIMIT,
            kinds.kIterationLimit: SolveStatus.LIMIT,
            kinds.kSolutionLimit: SolveStatus.LIMIT,
        }.get(status, SolveStatus.ERROR)

    def _answer_whole(self) -> Solution:
        """The best point that was found, and the bound of the search tree."""
        info, none = self._model.getInfo(), np.zeros(0)
        found = info.primal_solution_status == self._package.kSolutionStatusFeasible
        outcome = self._outcome(self._model)
        if found and outcome is SolveStatus.LIMIT:
            outcome = SolveStatus.FEASIBLE
        return Solution(
            outcome=outcome,
            objective=float(info.objective_function_value) if found else math.nan,
            bound=float(info.mip_dual_bound),
            values=np.array(self._model.getSolution().col_value) if found else none,
            row_prices=none,
            reduced_costs=none,
            iterations=int(info.simplex_iteration_count),
        )

    def _answer(self, model: Any, steps: int) -> Solution:
        """What a model ended in, after so many steps of the simplex method."""
        outcome = self._outcome(model)
        found = model.getSolution()
        solved = outcome is SolveStatus.OPTIMAL
        values = np.array(found.col_value) if solved else np.zeros(0)
        self._last = None
        if solved:
            reached = np.array(found.row_value)
            self._last = SolutionBasis(model.getBasis(), self._cost, values, reached)
        objective = float(model.getInfo().objective_function_value)
        return Solution(
            outcome=outcome,
            objective=objective if solved else float("nan"),
            bound=objective if solved else float("-inf"),
            values=values,
            row_prices=np.array(found.row_dual) if solved else np.zeros(0),
            reduced_costs=np.array(found.col_dual) if solved else np.zeros(0),
            iterations=steps,
        )
