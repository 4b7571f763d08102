"""Search for the best sequence: goals one after another, the same way every time.

Each goal is minimised with the values of the goals before it as bounds (lexicographic
order), by CP-SAT with a fixed seed. Effort is deterministic time, so a run repeats to
the byte; seconds are a safety stop only, and the outcome says when they struck.

A solver runs in a thread of its own; an exception at a wrong moment (between the birth
of that thread and the first look at it) would leave it running while the program ends,
which aborts the whole process.

late_j = 1 where the end C_j of job j exceeds its due time D_j; T_j = max(0, C_j - D_j).
LATE_JOBS Σ late_j; WEIGHTED_TARDINESS Σ w_j T_j; MAX_TARDINESS max T_j; MAKESPAN
max C_j; TRANSITIONS and TRANSITION_COST sums over neighbours; SQUARED_LOAD
Σ_g (Σ d x)² over groups of machines; STARTS Σ s_t.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from medhavi.optimize.cpsat_model import MachineRules, TaskModel
from medhavi.optimize.cpsat_tasks import Assignment, Goal, GoalResult, SequencingResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from medhavi.optimize.cpsat_tasks import Job, TaskProblem


COUNTED = frozenset({Goal.TRANSITIONS, Goal.TRANSITION_COST})
"""Goals that need to know neighbours."""


class Goals:
    """Expressions of goals over a model; variables they need are added once."""

    def __init__(self, base: TaskModel, rules: MachineRules) -> None:
        self.base = base
        self.rules = rules
        self._tardiness: dict[int, Any] = {}

    def expression(self, goal: Goal) -> Any:
        """Expression to minimise."""
        made: dict[Goal, Callable[[], Any]] = {
            Goal.LATE_JOBS: self._late_jobs,
            Goal.WEIGHTED_TARDINESS: self._weighted_tardiness,
            Goal.MAX_TARDINESS: self._max_tardiness,
            Goal.MAKESPAN: self._makespan,
            Goal.TRANSITIONS: lambda: self._arcs("changes"),
            Goal.TRANSITION_COST: lambda: self._arcs("costs"),
            Goal.SQUARED_LOAD: self._squared_load,
            Goal.STARTS: lambda: sum(self.base.start),
        }
        return made[goal]()

    def _with_due(self) -> Iterable[tuple[int, Job]]:
        jobs = enumerate(self.base.problem.jobs)
        return [(number, job) for number, job in jobs if job.due is not None]

    def _late_jobs(self) -> Any:
        literals = []
        for _, job in self._with_due():
            late = self.base.model.new_bool_var("")
            for task in job.tasks:
                self.base.model.add(self.base.end[task] <= job.due).only_enforce_if(
                    late.negated()
                )
            literals.append(late)
            self.base.values.append((late, partial(_is_late, job)))
        return sum(literals)

    def _late_by(self, number: int, job: Job) -> Any:
        variable = self._tardiness.get(number)
        if variable is None:
            variable = self.base.model.new_int_var(0, self.base.problem.horizon, "")
            for task in job.tasks:
                self.base.model.add(variable >= self.base.end[task] - job.due)
            self._tardiness[number] = variable
            self.base.values.append((variable, lambda known: tardiness(job, known)))
        return variable

    def _weighted_tardiness(self) -> Any:
        return sum(job.weight * self._late_by(n, job) for n, job in self._with_due())

    def _max_tardiness(self) -> Any:
        return self._largest(
            [self._late_by(number, job) for number, job in self._with_due()],
            Goal.MAX_TARDINESS,
        )

    def _makespan(self) -> Any:
        ends = [self.base.end[t] for job in self.base.problem.jobs for t in job.tasks]
        makespan = self._largest(ends, Goal.MAKESPAN)
        # The load of a machine bounds the makespan; the relaxation sees it only so.
        for number, machine in enumerate(self.base.problem.machines):
            load = [
                self.base.problem.tasks[task].modes[place].duration
                * self.base.present[task][place]
                for task, place in self.base.modes_on(number)
            ]
            if load:
                self.base.model.add(sum(load) <= machine.capacity * makespan)
        return makespan

    def _largest(self, parts: list[Any], goal: Goal) -> Any:
        most = self.base.model.new_int_var(0, self.base.problem.horizon, "")
        for part in parts:
            self.base.model.add(most >= part)
        self.base.values.append(
            (most, lambda known: goal_value(self.base.problem, goal, known))
        )
        return most

    def _arcs(self, table: str) -> Any:
        machines = self.base.problem.machines
        return sum(
            int(getattr(machines[number].setups, table)[row, column]) * literal
            for number, row, column, literal in self.rules.arcs
        )

    def _squared_load(self) -> Any:
        problem, model = self.base.problem, self.base.model
        squares = []
        for group, modes in sorted(modes_by_group(problem).items()):
            most = sum(problem.tasks[t].modes[p].duration for t, p in modes)
            load = model.new_int_var(0, most, f"load{group}")
            model.add(
                load
                == sum(
                    problem.tasks[t].modes[p].duration * self.base.present[t][p]
                    for t, p in modes
                )
            )
            square = model.new_int_var(0, most * most, "")
            model.add_multiplication_equality(square, [load, load])
            squares.append(square)
            self.base.values += [
                (load, partial(_load, problem, modes)),
                (square, partial(_squared, problem, modes)),
            ]
        return sum(squares)


def modes_by_group(problem: TaskProblem) -> dict[int, list[tuple[int, int]]]:
    """List (task, place of mode) by the group of the mode's machine."""
    found: dict[int, list[tuple[int, int]]] = {}
    for task, row in enumerate(problem.tasks):
        for place, mode in enumerate(row.modes):
            group = problem.machines[mode.machine].group
            found.setdefault(group, []).append((task, place))
    return found


def _load(problem: TaskProblem, modes: list[tuple[int, int]], known: Assignment) -> int:
    return sum(
        problem.tasks[task].modes[place].duration
        for task, place in modes
        if known.modes[task] == place
    )


def _squared(
    problem: TaskProblem, modes: list[tuple[int, int]], known: Assignment
) -> int:
    return _load(problem, modes, known) ** 2


def _is_late(job: Job, known: Assignment) -> int:
    return int(tardiness(job, known) > 0)


def job_end(job: Job, known: Assignment) -> int:
    """Latest end of a job's tasks."""
    return max(known.ends[task] for task in job.tasks)


def tardiness(job: Job, known: Assignment) -> int:
    """How much later than due a job ends; 0 without a due time."""
    return 0 if job.due is None else max(0, job_end(job, known) - job.due)


def goal_value(problem: TaskProblem, goal: Goal, known: Assignment) -> int:
    """Compute a goal from an assignment, without the model.

    TRANSITIONS and TRANSITION_COST follow the starts on each machine.
    """
    late = [tardiness(job, known) for job in problem.jobs]
    computed: dict[Goal, Callable[[], int]] = {
        Goal.LATE_JOBS: lambda: sum(value > 0 for value in late),
        Goal.WEIGHTED_TARDINESS: lambda: sum(
            job.weight * value for job, value in zip(problem.jobs, late, strict=True)
        ),
        Goal.MAX_TARDINESS: lambda: max(late, default=0),
        Goal.MAKESPAN: lambda: max(known.ends, default=0),
        Goal.STARTS: lambda: sum(known.starts),
        Goal.SQUARED_LOAD: lambda: sum(
            _squared(problem, modes, known)
            for modes in modes_by_group(problem).values()
        ),
        Goal.TRANSITIONS: lambda: _between_neighbours(problem, known, "changes"),
        Goal.TRANSITION_COST: lambda: _between_neighbours(problem, known, "costs"),
    }
    return computed[goal]()


def _between_neighbours(problem: TaskProblem, known: Assignment, table: str) -> int:
    total = 0
    for number, sequence in enumerate(sequences(problem, known)):
        setups = problem.machines[number].setups
        if setups is None:
            continue
        row = len(setups.members)
        for task in sequence:
            column = setups.place[task]
            total += int(getattr(setups, table)[row, column])
            row = column
    return total


def sequences(problem: TaskProblem, known: Assignment) -> list[list[int]]:
    """List the tasks of each machine by start, then end, then number."""
    found: list[list[int]] = [[] for _ in problem.machines]
    for task, row in enumerate(problem.tasks):
        found[row.modes[known.modes[task]].machine].append(task)
    for tasks in found:
        tasks.sort(key=lambda task: (known.starts[task], known.ends[task], task))
    return found


@contextmanager
def noted_interrupts() -> Iterator[threading.Event]:
    """Note Ctrl-C instead of raising `KeyboardInterrupt`, until the block ends.

    Yields
    ------
    threading.Event
        Set by Ctrl-C. Threads other than the main one never get the signal; there the
        event stays unset and nothing is changed. A program that ignores the signal, or
        took it over outside of Python, keeps its own way.
    """
    heard = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if not main or not callable(before):
        yield heard
        return
    signal.signal(signal.SIGINT, lambda _number, _frame: heard.set())
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)


POLL = 0.05
"""How often a stop from outside is looked for [s]."""
LAST_SHARE = 0.1
"""Part of the effort that is kept for each later goal, and the most for ties."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverEffort:
    """How much the search may do.

    Parameters
    ----------
    deterministic
        CP-SAT's deterministic time, about a second of one quiet core each.
    seconds
        Safety stop by the clock; None: none.
    seed
        Of every random choice.
    workers
        Search strategies that take turns on one thread, in a fixed order.
    """

    deterministic: float = 10.0
    seconds: float | None = None
    seed: int = 1
    workers: int = 1


@dataclass(slots=True)
class _Answer:
    """What one call of the solver said."""

    status: str
    values: list[int] | None
    objective: float
    bound: float
    effort: float
    seconds: float
    interrupted: bool


def search(
    problem: TaskProblem,
    goals: Sequence[Goal],
    effort: SolverEffort | None = None,
    hint: Assignment | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> SequencingResult:
    """Minimise goals in their order.

    Parameters
    ----------
    problem
        Tasks, machines, jobs.
    goals
        First counts most; none: any solution.
    effort
        Limits; see `SolverEffort`.
    hint
        A solution to begin with. It is also what is kept when nothing better is found.
    cancelled
        Asked now and then; True ends the search with the best solution so far. Ctrl-C
        does the same.

    Returns
    -------
    Outcome
        Assignment and a result per goal, or a proof that there is none.
    """
    with noted_interrupts() as heard:

        def stop() -> bool:
            return heard.is_set() or (cancelled is not None and cancelled())

        outcome = _GoalSearch(
            problem, goals, effort or SolverEffort(), hint, stop
        ).run()
        # Heard when a solver had just ended, it still ends what the caller does next.
        open_goals = not all(row.proven for row in outcome.goals)
        late = heard.is_set() and open_goals and not outcome.impossible
        return replace(outcome, interrupted=outcome.interrupted or late)


def feasible(problem: TaskProblem, effort: SolverEffort | None = None) -> bool | None:
    """Whether any solution exists; None where the effort was not enough."""
    outcome = search(problem, (), effort)
    if outcome.impossible:
        return False
    return None if outcome.assignment is None else True


class _GoalSearch:
    """One run over all goals."""

    def __init__(
        self,
        problem: TaskProblem,
        goals: Sequence[Goal],
        effort: SolverEffort,
        hint: Assignment | None,
        cancelled: Callable[[], bool],
    ) -> None:
        self.problem = problem
        self.goals = tuple(goals)
        self.effort = effort
        self.best = hint
        self.cancelled = cancelled
        self.spent = 0.0
        self.seconds = 0.0
        self.stopped = False
        self.base = TaskModel(problem)
        counted = any(goal in COUNTED for goal in self.goals)
        self.rules = MachineRules(self.base, counted=counted)
        self.expressions = Goals(self.base, self.rules)

    def run(self) -> SequencingResult:
        """Minimise goal after goal."""
        if self.base.impossible:
            return self._outcome([], impossible=True)
        results: list[GoalResult] = []
        for place, goal in enumerate(self.goals):
            expression = self.expressions.expression(goal)
            self.base.model.clear_objective()
            self.base.model.minimize(expression)
            later = len(self.goals) - place - 1
            most = LAST_SHARE if goal is Goal.STARTS and place else 1.0
            answer = self._solve(1.0 - LAST_SHARE * later, most)
            if answer.status == "INFEASIBLE":
                return self._outcome([], impossible=True)
            results.append(self._result(goal, answer))
            if self.best is None:
                return self._outcome(results)
            self.base.model.add(expression <= results[-1].value)
        if not self.goals:
            answer = self._solve(1.0)
            return self._outcome([], impossible=answer.status == "INFEASIBLE")
        return self._outcome(results)

    def _result(self, goal: Goal, answer: _Answer) -> GoalResult:
        value = 0 if self.best is None else goal_value(self.problem, goal, self.best)
        proven = answer.status == "OPTIMAL"
        bound = float(value) if proven else max(answer.bound, 0.0)
        return GoalResult(
            goal=goal, value=value, bound=min(bound, value), proven=proven
        )

    def _outcome(
        self, results: list[GoalResult], *, impossible: bool = False
    ) -> SequencingResult:
        return SequencingResult(
            assignment=None if impossible else self.best,
            impossible=impossible,
            goals=tuple(results),
            effort=self.spent,
            seconds=self.seconds,
            interrupted=self.stopped,
            timed_out=self._late() and not all(row.proven for row in results),
            notes={"setups": dict(self.rules.form)},
        )

    def _late(self) -> bool:
        limit = self.effort.seconds
        return limit is not None and self.seconds >= limit

    # ----------------------------------------------------------------- one call
    def _solve(self, share: float, most: float = 1.0) -> _Answer:
        """Run the solver once within what is left of the effort, `most` of all."""
        total = self.effort.deterministic
        left = min(total * share - self.spent, total * most)
        if self.stopped or self._late() or left <= 0:
            return _Answer("UNKNOWN", None, 0.0, 0.0, 0.0, 0.0, self.stopped)
        self._hint()
        solver = self.base.cp.CpSolver()
        self._parameters(solver, left)
        answer = self._in_thread(solver)
        self.spent += answer.effort
        self.seconds += answer.seconds
        self.stopped = answer.interrupted
        if answer.values is not None:
            self.best = self._read(answer.values)
        return answer

    def _parameters(self, solver: Any, left: float) -> None:
        chosen = solver.parameters
        chosen.random_seed = self.effort.seed
        chosen.num_workers = self.effort.workers
        chosen.interleave_search = self.effort.workers > 1
        chosen.max_deterministic_time = left
        chosen.catch_sigint_signal = False
        if self.effort.seconds is not None:
            chosen.max_time_in_seconds = max(self.effort.seconds - self.seconds, 0.01)

    def _hint(self) -> None:
        self.base.model.clear_hints()
        if self.best is None:
            return
        for variable, value in self.base.values:
            self.base.model.add_hint(variable, value(self.best))

    def _in_thread(self, solver: Any) -> _Answer:
        """Solve beside this thread, which asks `cancelled` meanwhile.

        CP-SAT holds its thread until it ends; only from another one can it be stopped.
        """
        found: list[Any] = []
        thread = threading.Thread(
            target=lambda: found.append(solver.solve(self.base.model)), daemon=True
        )
        interrupted = False
        thread.start()
        while thread.is_alive():
            thread.join(POLL)
            interrupted = interrupted or (thread.is_alive() and self.cancelled())
            if interrupted:
                # Asked before the search has begun, it would go unheard.
                solver.stop_search()
        status = solver.status_name(found[0])
        known = status in {"OPTIMAL", "FEASIBLE"}
        return _Answer(
            status=status,
            values=self._values(solver) if known else None,
            objective=solver.objective_value if known else 0.0,
            bound=solver.best_objective_bound,
            effort=solver.deterministic_time,
            seconds=solver.wall_time,
            interrupted=interrupted,
        )

    def _values(self, solver: Any) -> list[int]:
        """Start, place of mode and end of every task, flat."""
        found: list[int] = []
        for task, literals in enumerate(self.base.present):
            chosen = next(m for m, x in enumerate(literals) if solver.value(x))
            found += [
                solver.value(self.base.start[task]),
                chosen,
                solver.value(self.base.end[task]),
            ]
        return found

    def _read(self, values: list[int]) -> Assignment:
        return Assignment(
            starts=tuple(values[0::3]),
            modes=tuple(values[1::3]),
            ends=tuple(values[2::3]),
        )
