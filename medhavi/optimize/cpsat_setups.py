"""Machines in the model: one after another, and set-ups between neighbours.

Three forms, from strong to general. *uniform*: what a task needs does not depend on
its neighbour, so its interval begins that much earlier. *pairs*: a literal for each
pair says who is first, and the set-up holds for every pair; that is exact only where a
detour over a third task is never shorter (triangle inequality with run times), which is
checked. *circuit*: arcs are neighbours, exact for any matrix and the only form that can
count changes (Hamiltonian circuit over optional nodes).
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.optimize.cpsat_windows import earliest_fit, run_starts

if TYPE_CHECKING:
    from medhavi.optimize.cpsat_model import TaskModel
    from medhavi.optimize.cpsat_tasks import Machine, Setups, TaskProblem


class MachineRules:
    """Adds the rules of every machine.

    Parameters
    ----------
    base
        Model with its tasks.
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
        arcs: list[tuple[int, int, Any]] = [(size, size, empty)]
        for column, task in enumerate(setups.members):
            present = self.base.present[task][modes[task]]
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
    from medhavi.optimize.cpsat_model import topological

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
