"""HiGHS as a solver: arrays in one call, one thread, fixed seed, part by part.

Traps of this solver (measured with 1.14): a thread count that differs from an earlier
run of the process makes the next run end without an answer, so the scheduler is left as
it is and parallel work is switched off; two packages that bring their own HiGHS live in
one process up to 1.14 only; the presolve of 1.14 gives whole columns values that it
calls optimal and that are not (HiGHS issues 3043, 3073 and 3094), so they are solved
without it.

Two columns belong together where a row has both: connected components of the graph of
rows and columns. A company of plants that share no goods and no machines is
such a program; the sum of the components' optima is that of the whole.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medhavi.optimize.problem import Program, Solution, SolveStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.optimize.problem import Floats, Ints, Session


SEED = 1
SIMPLEX_STEPS = 5_000
MOST_SIMPLEX_STEPS = 15_000
STEPS_A_ROW = 0.5
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
(0.0002 of the demonstration company, eight steps before the end of 14,378; 0.023 to
0.037 of five company models where the other method is the faster one.)"""
BEYOND = 1e-7
"""Least distance from a bound that counts: the feasibility tolerance of HiGHS."""
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
    program
        What is solved.
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
        model = self._model = highspy.Highs()
        for option, value in (
            ("output_flag", False),
            ("parallel", "off"),
            ("random_seed", seed),
        ):
            model.setOptionValue(option, value)
        self._rows = program.n_rows
        self._least_steps = least_steps
        self._limits = limits
        self._cancelled: Callable[[], bool] | None = None
        self._stopped = False
        self._asked = 0
        self._load()

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
    def restart(self) -> None:
        """Forget the basis: the next solve starts from nothing."""
        self._model.clearSolver()

    def basis(self) -> object:
        """Basis in which the last solve ended, for `resume`."""
        return self._model.getBasis()

    def resume(self, basis: object) -> None:
        """Go on from the basis of an earlier solve; no row was added since."""
        self._model.setBasis(basis)

    def start(self, values: Floats) -> None:
        """Solve from a point that keeps all rows, shape (n,)."""
        point = self._package.HighsSolution()
        point.col_value = list(values)
        self._model.setSolution(point)

    def set_cost(self, cost: Floats) -> None:
        """Change the cost of all columns, shape (n,)."""
        n = self.program.n_columns
        self._model.changeColsCost(n, np.arange(n, dtype=np.int32), cost)

    def set_row(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of a row."""
        self._model.changeRowBounds(row, lower, upper)

    def add_row(self, lower: float, upper: float, weights: Floats) -> int:
        """Add a row with a weight per column, shape (n,); gives its place."""
        places = np.flatnonzero(weights).astype(np.int32)
        self._model.addRow(lower, upper, len(places), places, weights[places])
        self._rows += 1
        return self._rows - 1

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
        limited, done = self._package.HighsModelStatus.kIterationLimit, 0
        for most in dict.fromkeys((limit, min(2 * limit, allowed), allowed)):
            self._model.setOptionValue("simplex_iteration_limit", most)
            self._model.run()
            if self._model.getModelStatus() != limited or most == allowed:
                break
            steps = int(self._model.getInfo().simplex_iteration_count)
            done += steps
            if self._lasting() < LASTING_SHARE * steps and not self._nearly_done():
                self._solve_from_inside(allowed)
                break
        found = self._answer()
        return replace(found, iterations=found.iterations + done)

    def _lasting(self) -> int:
        """How many columns are in the basis."""
        basic = self._package.HighsBasisStatus.kBasic
        return sum(one == basic for one in self._model.getBasis().col_status)

    def _nearly_done(self) -> bool:
        """Whether hardly any column is beyond its bounds."""
        values, program = np.array(self._model.getSolution().col_value), self.program
        below = values < program.column_lower - BEYOND
        beyond = np.count_nonzero(below | (values > program.column_upper + BEYOND))
        return bool(beyond <= NEAR_SHARE * program.n_columns)

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
            self._model.cbSimplexInterrupt.subscribe(self._interrupt)
            self._model.cbIpmInterrupt.subscribe(self._interrupt)
            self._model.cbMipInterrupt.subscribe(self._ask)

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

    def _outcome(self) -> SolveStatus:
        kinds = self._package.HighsModelStatus
        status = self._model.getModelStatus()
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
        outcome = self._outcome()
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

    def _answer(self) -> Solution:
        model, outcome = self._model, self._outcome()
        found = model.getSolution()
        solved = outcome is SolveStatus.OPTIMAL
        values = np.array(found.col_value) if solved else np.zeros(0)
        objective = float(model.getInfo().objective_function_value)
        return Solution(
            outcome=outcome,
            objective=objective if solved else float("nan"),
            bound=objective if solved else float("-inf"),
            values=values,
            row_prices=np.array(found.row_dual) if solved else np.zeros(0),
            reduced_costs=np.array(found.col_dual) if solved else np.zeros(0),
            iterations=int(model.getInfo().simplex_iteration_count),
        )


LEAST_COLUMNS = 1_000
"""Columns of a component that is solved apart; smaller ones are solved together."""


class ProgramComponent(NamedTuple):
    """Columns and rows of a component, rising places in the whole, and its program."""

    columns: Ints
    rows: Ints
    program: Program


def components_of(
    program: Program, least: int = LEAST_COLUMNS
) -> list[ProgramComponent]:
    """Cut a program into components that share no row.

    Parameters
    ----------
    program
        Without whole columns.
    least
        Columns of a component; what is smaller is put together in the last one.

    Returns
    -------
    list of ProgramComponent
        Fewer than two: it has no such components.
    """
    if program.n_columns < 2 * least:
        return []
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    n, m = program.n_columns, program.n_rows
    of_entry = np.repeat(np.arange(m), np.diff(program.starts))
    ones = np.ones(len(program.indices), dtype=np.int8)
    edges = csr_array((ones, (of_entry, m + program.indices)), shape=(m + n, m + n))
    count, label = connected_components(edges, directed=False)
    large = np.bincount(label[m:], minlength=count) >= least
    if int(large.sum()) < 2:
        return []
    number = np.where(large, np.cumsum(large) - 1, int(large.sum()))[label]
    found = []
    for one in np.unique(number).tolist():
        rows, columns = (np.flatnonzero(own == one) for own in (number[:m], number[m:]))
        kept = number[of_entry] == one
        place = np.cumsum(number[m:] == one) - 1
        sizes = np.diff(program.starts)[rows]
        part = Program(
            column_blocks=(),
            row_blocks=(),
            column_lower=program.column_lower[columns],
            column_upper=program.column_upper[columns],
            row_lower=program.row_lower[rows],
            row_upper=program.row_upper[rows],
            starts=np.concatenate([[0], np.cumsum(sizes)]),
            indices=place[program.indices[kept]],
            values=program.values[kept],
            parts={name: cost[columns] for name, cost in program.parts.items()},
        )
        found.append(ProgramComponent(columns, rows, part))
    return found


class ComponentSession:
    """A program in components, each solved again only where it was changed.

    Parameters
    ----------
    program
        The whole.
    components
        Its components, two at least.
    open_one
        Opens a program as one.
    """

    def __init__(
        self,
        program: Program,
        components: Sequence[ProgramComponent],
        open_one: Callable[[Program], Session],
    ) -> None:
        self.program = program
        self.components = len(components)
        self._pieces = components
        self._open_one = open_one
        self._sessions = [open_one(component.program) for component in components]
        self._known: list[Solution | None] = [None] * len(components)
        self._component_of = np.zeros(program.n_rows, dtype=np.int64)
        self._place = np.zeros(program.n_rows, dtype=np.int64)
        for number, component in enumerate(components):
            self._component_of[component.rows] = number
            self._place[component.rows] = np.arange(len(component.rows))
        self._cost = program.cost
        self._moved: dict[int, tuple[float, float]] = {}
        self._whole: Session | None = None

    def solve(self, *, cancelled: Callable[[], bool] | None = None) -> Solution:
        """Solve the components that changed; the first one without a point ends it."""
        if self._whole is not None:
            return self._whole.solve(cancelled=cancelled)
        steps = 0
        for number, session in enumerate(self._sessions):
            if self._known[number] is not None:
                continue
            found = session.solve(cancelled=cancelled)
            steps += found.iterations
            if found.outcome is not SolveStatus.OPTIMAL:
                return replace(found, iterations=steps)
            self._known[number] = found
        return self._together([one for one in self._known if one is not None], steps)

    def _together(self, known: Sequence[Solution], steps: int) -> Solution:
        values, reduced = np.zeros((2, self.program.n_columns))
        prices = np.zeros(self.program.n_rows)
        for component, one in zip(self._pieces, known, strict=True):
            values[component.columns] = one.values
            reduced[component.columns] = one.reduced_costs
            prices[component.rows] = one.row_prices
        objective = sum(one.objective for one in known)
        return Solution(
            outcome=SolveStatus.OPTIMAL,
            objective=objective,
            bound=sum(one.bound for one in known),
            values=values,
            row_prices=prices,
            reduced_costs=reduced,
            iterations=steps,
        )

    def restart(self) -> None:
        """Forget the bases: the next solve starts from nothing."""
        for session in self._open():
            session.restart()
        self._known = [None] * len(self._pieces)

    def basis(self) -> object:
        """Bases of all components, for `resume`."""
        return [session.basis() for session in self._open()]

    def resume(self, basis: object) -> None:
        """Go on from the bases of an earlier solve; no row was added since."""
        assert isinstance(basis, list)  # what `basis` gave
        for session, one in zip(self._open(), basis, strict=True):
            session.resume(one)

    def start(self, values: Floats) -> None:
        """Solve from a point that keeps all rows, shape (n,)."""
        if self._whole is not None:
            self._whole.start(values)
            return
        for component, session in zip(self._pieces, self._sessions, strict=True):
            session.start(values[component.columns])

    def _open(self) -> list[Session]:
        return self._sessions if self._whole is None else [self._whole]

    def set_cost(self, cost: Floats) -> None:
        """Change the cost of all columns, shape (n,)."""
        self._cost = cost
        if self._whole is not None:
            self._whole.set_cost(cost)
            return
        for component, session in zip(self._pieces, self._sessions, strict=True):
            session.set_cost(cost[component.columns])
        self._known = [None] * len(self._pieces)

    def set_row(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of a row."""
        if self._whole is not None:
            self._whole.set_row(row, lower, upper)
            return
        self._moved[row] = lower, upper
        number = int(self._component_of[row])
        self._sessions[number].set_row(int(self._place[row]), lower, upper)
        self._known[number] = None

    def add_row(self, lower: float, upper: float, weights: Floats) -> int:
        """Add a row with a weight per column; it joins all into one program."""
        if self._whole is None:
            self._whole = self._open_one(self.program)
            self._whole.set_cost(self._cost)
            for row, bounds in self._moved.items():
                self._whole.set_row(row, *bounds)
            self._sessions = []
        return self._whole.add_row(lower, upper, weights)
