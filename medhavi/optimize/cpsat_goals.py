"""Goals as linear expressions over the model, each built when it is first asked for.

late_j = 1 where the end C_j of job j exceeds its due time D_j; T_j = max(0, C_j - D_j).
LATE_JOBS Σ late_j; WEIGHTED_TARDINESS Σ w_j T_j; MAX_TARDINESS max T_j; MAKESPAN
max C_j; TRANSITIONS and TRANSITION_COST sums over neighbours; SQUARED_LOAD
Σ_g (Σ d x)² over groups of machines; STARTS Σ s_t.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from medhavi.optimize.cpsat_tasks import Goal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from medhavi.optimize.cpsat_model import MachineRules, TaskModel
    from medhavi.optimize.cpsat_tasks import Assignment, Job, TaskProblem

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
