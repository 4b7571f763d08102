"""The sequencing model: one shared start per task, whatever machine runs it.

For each task t: start s_t, literals x_tm for its modes (exactly one), end
e_t = s_t + Σ_m d_tm x_tm. Each machine has optional intervals [s_t, s_t + d_tm) on the
shared start and no two of them overlap (Laborie et al., IBM ILOG CP Optimizer for
scheduling, Constraints 23, 2018; formulation measured against one start per mode, which
is several times larger). Windows restrict the domain of starts; a task that pauses has
an end of its own, tied to its start through the machine's working time.

Three forms, from strong to general. *uniform*: what a task needs does not depend on
its neighbour, so its interval begins that much earlier. *pairs*: a literal for each
pair says who is first, and the set-up holds for every pair; that is exact only where a
detour over a third task is never shorter (triangle inequality with run times), which is
checked. *circuit*: arcs are neighbours, exact for any matrix and the only form that can
count changes (Hamiltonian circuit over optional nodes).
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.optimize.cpsat_tasks import earliest_fit, run_starts

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.optimize.cpsat_tasks import (
        Assignment,
        Machine,
        Mode,
        Setups,
        TaskProblem,
    )


class TaskModel:
    """Variables and constraints of tasks and machines.

    Attributes
    ----------
    model
        The CP-SAT model; goals and set-ups add to it.
    start, end
        Variable or linear expression of each task.
    present
        Literal of each mode of each task.
    impossible
        A task has no start on any machine.
    values
        Each variable with the function that gives its value in an assignment: what a
        complete hint needs.
    """

    def __init__(self, problem: TaskProblem) -> None:
        from ortools.sat.python import cp_model

        self.cp: Any = cp_model
        self.model: Any = cp_model.CpModel()
        self.problem = problem
        self.start: list[Any] = []
        self.end: list[Any] = []
        self.present: list[list[Any]] = []
        self.size: list[list[Any]] = []
        self.values: list[tuple[Any, Callable[[Assignment], int]]] = []
        self.heads = _heads(problem)
        self.impossible = False
        for task in range(len(problem.tasks)):
            self._task(task)
        self._precedences()

    # ------------------------------------------------------------------ tasks
    def _task(self, task: int) -> None:
        """Add s_t in the union of what its modes allow, x_tm, e_t."""
        row = self.problem.tasks[task]
        allowed = [self._starts(task, mode) for mode in row.modes]
        spans = [span for spans in allowed for span in spans]
        if not spans:
            self.impossible, spans = True, [(0, 0)]
            allowed = [spans] * max(len(allowed), 1)
        domain = self._domain(spans)
        start = self.model.new_int_var_from_domain(domain, f"s{task}")
        self.start.append(start)
        self.values.append((start, lambda known: known.starts[task]))
        self._modes(task, allowed)
        if not row.modes:
            self.end.append(start)
            self.size.append([])
            return
        if any(self._stretches(task, mode) for mode in row.modes):
            self._stretching(task)
        else:
            self.end.append(
                start
                + sum(
                    mode.duration * literal
                    for mode, literal in zip(row.modes, self.present[task], strict=True)
                )
            )
            self.size.append([mode.duration for mode in row.modes])

    def _modes(self, task: int, allowed: list[list[tuple[int, int]]]) -> None:
        """Add Σ_m x_tm = 1, and x_tm implies a start that the mode allows."""
        if len(allowed) == 1:
            always = self.model.new_constant(1)
            self.present.append([always])
            return
        literals = [
            self.model.new_bool_var(f"x{task}_{place}") for place in range(len(allowed))
        ]
        self.present.append(literals)
        self.model.add_exactly_one(literals)
        for place, (literal, spans) in enumerate(zip(literals, allowed, strict=True)):
            self.values.append((literal, partial(_runs_in, task, place)))
            if not spans:
                self.model.add(literal == 0)
            elif any(other != spans for other in allowed):
                self.model.add_linear_expression_in_domain(
                    self.start[task], self._domain(spans)
                ).only_enforce_if(literal)

    def _starts(self, task: int, mode: Mode) -> list[tuple[int, int]]:
        """List the starts of a mode: windows, head, own set-up, the fixed start."""
        row = self.problem.tasks[task]
        machine = self.problem.machines[mode.machine]
        first = max(self.heads[task], self._after_setup(task, machine))
        last = self.problem.horizon
        if self._stretches(task, mode):
            spans = _open_starts(machine, mode.duration, first, last)
        else:
            spans = run_starts(machine.windows, mode.duration, first, last)
        if row.fixed_start is None:
            return spans
        fixed = row.fixed_start
        return [(fixed, fixed)] if any(a <= fixed <= b for a, b in spans) else []

    @staticmethod
    def _after_setup(task: int, machine: Machine) -> int:
        """End of the least set-up that any start on the machine needs."""
        if machine.setups is None:
            return 0
        column = machine.setups.times[:, machine.setups.place[task]]
        own = machine.setups.place[task]
        least = min(int(v) for i, v in enumerate(column) if i != own)
        begin = earliest_fit(machine.windows, 0, least)
        # Beyond any horizon: no start is left.
        return 2**40 if begin is None else begin + least

    def _stretches(self, task: int, mode: Mode) -> bool:
        """Whether the end of a mode depends on where it starts."""
        machine = self.problem.machines[mode.machine]
        return self.problem.tasks[task].pauses and machine.gaps

    def _stretching(self, task: int) -> None:
        """Add e_t as a variable, and its tie to the start for each mode."""
        row = self.problem.tasks[task]
        end = self.model.new_int_var(0, self.problem.horizon, f"e{task}")
        self.end.append(end)
        self.values.append((end, lambda known: known.ends[task]))
        sizes: list[Any] = []
        for mode, literal in zip(row.modes, self.present[task], strict=True):
            if self._stretches(task, mode):
                self._pausing_mode(task, mode, literal)
                size = self.model.new_int_var(0, self.problem.horizon, "")
                self.values.append(
                    (size, lambda known: known.ends[task] - known.starts[task])
                )
                self.model.add(size == end - self.start[task])
                sizes.append(size)
            else:
                self.model.add(end == self.start[task] + mode.duration).only_enforce_if(
                    literal
                )
                sizes.append(mode.duration)
        self.size.append(sizes)

    def _pausing_mode(self, task: int, mode: Mode, literal: Any) -> None:
        """Add work(e_t) = work(s_t) + d_tm, where work counts open time before.

        work is linear inside a window: one literal says in which window the run
        starts, one in which it ends.
        """
        machine = self.problem.machines[mode.machine]
        windows = machine.windows or ()
        done = self.model.new_int_var(0, sum(b - a for a, b in windows), "")
        self.values.append((done, lambda known: _worked(windows, known.starts[task])))
        for variable, shift, extra in (
            (self.start[task], 1, 0),
            (self.end[task], 0, mode.duration),
        ):
            inside, before = [], 0
            for opened, closed in windows:
                within = self.model.new_bool_var("")
                inside.append(within)
                # A run starts inside of a window, and ends after its begin, up to its
                # end.
                low, high = opened + 1 - shift, closed - shift
                self.model.add_linear_constraint(variable, low, high).only_enforce_if(
                    within
                )
                self.model.add(
                    variable == done + extra + opened - before
                ).only_enforce_if(within)
                before += closed - opened
                self.values.append(
                    (
                        within,
                        _window_value(
                            task, mode, self.problem, (low, high), bool(shift)
                        ),
                    )
                )
            self.model.add(sum(inside) == 1).only_enforce_if(literal)
            self.model.add(sum(inside) == 0).only_enforce_if(literal.negated())

    def _precedences(self) -> None:
        """Add s_t ≥ e_p for every task p that comes before t."""
        for task, row in enumerate(self.problem.tasks):
            for before in row.after:
                self.model.add(self.start[task] >= self.end[before])

    # --------------------------------------------------------------- machines
    def interval(self, task: int, place: int, ahead: int = 0) -> Any:
        """Interval of a mode, `ahead` earlier than its start."""
        size = self.size[task][place]
        literal = self.present[task][place]
        start = self.start[task] - ahead
        if isinstance(size, int):
            return self.model.new_optional_fixed_size_interval_var(
                start, size + ahead, literal, f"i{task}_{place}"
            )
        return self.model.new_optional_interval_var(
            start, size + ahead, self.end[task], literal, f"i{task}_{place}"
        )

    def modes_on(self, machine: int) -> list[tuple[int, int]]:
        """List (task, place of its mode) of a machine."""
        return [
            (task, place)
            for task, row in enumerate(self.problem.tasks)
            for place, mode in enumerate(row.modes)
            if mode.machine == machine
        ]

    def _domain(self, spans: list[tuple[int, int]]) -> Any:
        return self.cp.Domain.from_intervals([list(span) for span in spans])


def _runs_in(task: int, place: int, known: Assignment) -> int:
    return int(known.modes[task] == place)


def _heads(problem: TaskProblem) -> list[int]:
    """Least start of each task by release and the tasks before it."""
    heads = [0] * len(problem.tasks)
    for task in topological(problem):
        row = problem.tasks[task]
        ready = [
            heads[before]
            + min((m.duration for m in problem.tasks[before].modes), default=0)
            for before in row.after
        ]
        heads[task] = max([row.release, *ready])
    return heads


def topological(problem: TaskProblem) -> list[int]:
    """Order the tasks so that each comes after those before it, lowest number first."""
    order: list[int] = []
    seen: set[int] = set()
    for root in range(len(problem.tasks)):
        stack = [(root, False)]
        while stack:
            task, done = stack.pop()
            if done:
                order.append(task)
            elif task not in seen:
                seen.add(task)
                stack.append((task, True))
                stack += [(b, False) for b in reversed(problem.tasks[task].after)]
    return order


def _open_starts(
    machine: Machine, duration: int, first: int, last_end: int
) -> list[tuple[int, int]]:
    """List the starts of a run that pauses: open instants from which it still ends."""
    spans = []
    windows = machine.windows or ()
    rest = sum(closed - opened for opened, closed in windows)
    for opened, closed in windows:
        rest -= closed - opened
        low = max(opened, first)
        # Open time from the start on has to hold all of the run.
        high = min(closed - 1, closed + rest - duration, last_end - 1)
        if low <= high:
            spans.append((low, high))
    return spans


def _worked(windows: tuple[tuple[int, int], ...], instant: int) -> int:
    """Count open time before an instant."""
    return sum(max(0, min(closed, instant) - opened) for opened, closed in windows)


def _window_value(
    task: int,
    mode: Mode,
    problem: TaskProblem,
    span: tuple[int, int],
    of_start: bool,  # noqa: FBT001 - one of two ends of the same task
) -> Callable[[Assignment], int]:
    def value(known: Assignment) -> int:
        if problem.tasks[task].modes[known.modes[task]] != mode:
            return 0
        moment = known.starts[task] if of_start else known.ends[task]
        return int(span[0] <= moment <= span[1])

    return value


class MachineRules:
    """Adds the rules of every machine.

    Parameters
    ----------
    counted
        Whether changes are part of a goal, so that neighbours must be known.

    Attributes
    ----------
    form
        Form of set-ups by machine.
    arcs
        (machine, row, column, literal) of every possible pair of neighbours.
    """

    def __init__(self, base: TaskModel, *, counted: bool) -> None:
        self.base = base
        self.model = base.model
        self.problem = base.problem
        self.form: dict[int, str] = {}
        self.arcs: list[tuple[int, int, int, Any]] = []
        self._before = ancestors(base.problem)
        self._pair: dict[tuple[int, int], Any] = {}
        self._block: dict[tuple[int, int, int], Any] = {}
        for number, machine in enumerate(base.problem.machines):
            self._machine(number, machine, counted=counted)

    def _machine(self, number: int, machine: Machine, *, counted: bool) -> None:
        modes = self.base.modes_on(number)
        if not modes:
            return
        if machine.capacity > 1:
            intervals = [self.base.interval(task, place) for task, place in modes]
            self.model.add_cumulative(intervals, [1] * len(modes), machine.capacity)
            return
        setups = machine.setups
        form = "none" if setups is None else setup_form(self.problem, number)
        if setups is not None and counted and setups.changes.any():
            form = "circuit"
        self.form[number] = form
        ahead: dict[int, int] = {}
        if setups is not None and form == "uniform":
            ahead = {t: _from_neighbours(setups, t) for t in setups.members}
        self.model.add_no_overlap(
            [
                self.base.interval(task, place, ahead.get(task, 0))
                for task, place in modes
            ]
        )
        if setups is not None and form == "pairs":
            self._pairs(machine, setups, dict(modes))
        elif setups is not None and form == "circuit":
            self._circuit(number, machine, setups, dict(modes))

    # ------------------------------------------------------------------ pairs
    def _pairs(self, machine: Machine, setups: Setups, modes: dict[int, int]) -> None:
        """Add: i before j on the machine implies e_i + u_ij ≤ s_j, for all pairs."""
        for task, place in modes.items():
            self._first(machine, setups, task, place)
        for one, other in combinations(setups.members, 2):
            both = [
                self.base.present[one][modes[one]],
                self.base.present[other][modes[other]],
            ]
            for before, after, literal in self._directions(one, other):
                self._follows(
                    machine,
                    (before, after, modes[after]),
                    setups.between(before, after),
                    [*literal, *both],
                )

    def _directions(self, one: int, other: int) -> list[tuple[int, int, list[Any]]]:
        """Possible orders of two tasks with the literal of each."""
        if self._before[other] >> one & 1:
            return [(one, other, [])]
        if self._before[one] >> other & 1:
            return [(other, one, [])]
        literal = self._pair.get((one, other))
        if literal is None:
            literal = self.model.new_bool_var(f"b{one}_{other}")
            self._pair[one, other] = literal
            self.base.values.append(
                (
                    literal,
                    lambda known: int(
                        (known.starts[one], known.ends[one])
                        <= (known.starts[other], known.ends[other])
                    ),
                )
            )
        return [(one, other, [literal]), (other, one, [literal.negated()])]

    def _follows(
        self,
        machine: Machine,
        place: tuple[int, int, int],
        setup: int,
        literals: list[Any],
    ) -> None:
        """Add: the set-up fits between the end of a task and the start of the next."""
        before, after, mode = place
        begin = self.base.start[after] - setup
        if setup and machine.gaps:
            begin = self._block_of(machine, after, mode, setup)
        self.model.add(begin >= self.base.end[before]).only_enforce_if(literals)

    def _block_of(self, machine: Machine, task: int, place: int, setup: int) -> Any:
        """Start of an unbroken set-up that ends by the start of a task."""
        number = self.problem.tasks[task].modes[place].machine
        block = self._block.get((task, number, setup))
        if block is None:
            spans = run_starts(machine.windows, setup, 0, self.problem.horizon)
            # A set-up that fits nowhere forbids the neighbour, never the task.
            domain = self.base.cp.Domain.from_intervals(
                [[-self.problem.horizon - 1] * 2, *map(list, spans)]
            )
            block = self.model.new_int_var_from_domain(domain, "")
            self._block[task, number, setup] = block
            self.model.add(block + setup <= self.base.start[task]).only_enforce_if(
                self.base.present[task][place]
            )
        return block

    def _first(self, machine: Machine, setups: Setups, task: int, place: int) -> None:
        """Add: the work before the first task ends by its start."""
        self._after_first(
            machine, task, setups.between(None, task), self.base.present[task][place]
        )

    def _after_first(
        self, machine: Machine, task: int, setup: int, literal: Any
    ) -> None:
        begin = earliest_fit(machine.windows, 0, setup)
        if begin is None:
            self.model.add(literal == 0)
        elif begin + setup > self.base.heads[task]:
            self.model.add(self.base.start[task] >= begin + setup).only_enforce_if(
                literal
            )

    # ---------------------------------------------------------------- circuit
    def _circuit(
        self, number: int, machine: Machine, setups: Setups, modes: dict[int, int]
    ) -> None:
        """Add a circuit through the tasks of the machine; an arc is a neighbour."""
        size = len(setups.members)
        empty = self.model.new_bool_var("")
        # Begin and end of the sequence are one node; on a machine without work it
        # loops.
        arcs: list[tuple[int, int, Any]] = [(size, size, empty)]
        for column, task in enumerate(setups.members):
            present = self.base.present[task][modes[task]]
            # A task that runs elsewhere loops on itself.
            arcs.append((column, column, present.negated()))
            for row in range(size + 1):
                before = None if row == size else setups.members[row]
                if before == task or self._impossible(before, task):
                    continue
                literal = self.model.new_bool_var("")
                arcs.append((row, column, literal))
                self.arcs.append((number, row, column, literal))
                setup = setups.between(before, task)
                if before is None:
                    self._after_first(machine, task, setup, literal)
                else:
                    self._follows(
                        machine, (before, task, modes[task]), setup, [literal]
                    )
            last = self.model.new_bool_var("")
            arcs.append((column, size, last))
        self.model.add_circuit(arcs)

    def _impossible(self, before: int | None, task: int) -> bool:
        return before is not None and bool(self._before[before] >> task & 1)


def ancestors(problem: TaskProblem) -> list[int]:
    """For each task, the bit set of the tasks that end before its start."""
    found = [0] * len(problem.tasks)
    for task in topological(problem):
        for before in problem.tasks[task].after:
            found[task] |= found[before] | 1 << before
    return found


def setup_form(problem: TaskProblem, number: int) -> str:
    """Choose the strongest form that is exact: uniform, pairs or circuit."""
    machine = problem.machines[number]
    setups = machine.setups
    if setups is None:
        return "none"
    if not triangle_holds(problem, number):
        return "circuit"
    off_diagonal = ~np.eye(len(setups.members), dtype=bool)
    inner = np.where(off_diagonal, setups.times[:-1], -1)
    alike = (
        inner.max(axis=0)
        == np.where(off_diagonal, inner, inner.max(axis=0)).min(axis=0)
    ).all()
    first_is_least = (setups.times[-1] <= inner.max(axis=0)).all()
    if alike and first_is_least and not machine.gaps and len(setups.members) > 1:
        return "uniform"
    return "pairs"


def triangle_holds(problem: TaskProblem, number: int) -> bool:
    """Whether no detour over a third task is shorter than the direct set-up.

    u_ij ≤ u_ik + d_k + u_kj on a machine that is always open. Between windows an
    unbroken set-up must find room, so u_ij ≤ max(u_ik, u_kj, d_k) is asked there, and
    d_k counts only for runs without pauses.
    """
    machine = problem.machines[number]
    setups = machine.setups
    if setups is None:
        return True
    times = setups.times
    for column, task in enumerate(setups.members):
        row = problem.tasks[task]
        run = min(m.duration for m in row.modes if m.machine == number)
        into, out = times[:, column, None], times[None, column, :]
        if machine.gaps:
            run = 0 if row.pauses else run
            detour = np.maximum(np.maximum(into, out), run)
        else:
            detour = into + run + out
        bad = times > detour
        bad[column, :] = False
        bad[:, column] = False
        np.fill_diagonal(bad, val=False)
        if bad.any():
            return False
    return True


def _from_neighbours(setups: Setups, task: int) -> int:
    column = setups.place[task]
    values = [int(v) for i, v in enumerate(setups.times[:-1, column]) if i != column]
    return max(values, default=0)
