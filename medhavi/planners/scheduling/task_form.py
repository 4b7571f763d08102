"""Orders and resources as tasks and machines, in integers.

Times are counted in the largest unit that divides all of them, so that domains stay
small. Rows are taken in the order of their ids: the order of a file changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.cpsat_tasks import (
    InitialSequence,
    Job,
    Machine,
    Mode,
    Setups,
    Task,
    TaskProblem,
)
from medhavi.results.schedules.problem import Option, Order, ScheduleProblem, Step
from medhavi.units import MINUTE, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from medhavi.results.schedules.problem import Resource


class Rule(NamedTuple):
    """A rule of the problem that can be left out to see whether it binds."""

    kind: str
    order: str | None = None
    step: int | None = None
    resource: str | None = None


@dataclass(frozen=True, kw_only=True)
class TaskForm:
    """The integer form of a problem, and the way back.

    Parameters
    ----------
    tasks
        What the search reads.
    initial
        Sequence that the search begins with; None: the problem states none.
    unit
        Length of a tick [s].
    steps
        Order and step of each task.
    options
        Option of each mode of each task.
    machines
        Resource and unit of each machine; the unit is None where several run on one.
    weight_scale, cost_scale
        What weights and costs were multiplied by to be whole.
    """

    problem: ScheduleProblem
    tasks: TaskProblem
    initial: InitialSequence | None
    unit: int
    steps: tuple[tuple[Order, Step], ...]
    options: tuple[tuple[Option, ...], ...]
    machines: tuple[tuple[str, int | None], ...]
    weight_scale: int
    cost_scale: int

    def minutes(self, ticks: float) -> float:
        """Minutes of so many ticks."""
        return ticks * self.unit / MINUTE


def task_form(problem: ScheduleProblem, without: Iterable[Rule] = ()) -> TaskForm:
    """Integer form of a problem; `without` leaves rules out."""
    return _TaskBuilder(problem, frozenset(without)).form()


def seconds(minutes: float) -> int:
    """Whole seconds of minutes; the file reader refuses other values."""
    return round(exact(minutes) * MINUTE)


class _TaskBuilder:
    def __init__(self, problem: ScheduleProblem, without: frozenset[Rule]) -> None:
        self.problem = problem
        self.without = without
        self.unit = max(math.gcd(*_all_seconds(problem)), 1)
        orders = sorted(problem.orders, key=lambda row: row.order)
        self.steps = [
            (order, step)
            for order in orders
            if not self._left_out("order", order=order.order)
            for step in sorted(order.steps, key=lambda row: row.step)
            if not self._left_out("step", order=order.order, step=step.step)
        ]
        self.orders = [o for o in orders if not self._left_out("order", order=o.order)]
        self.number = {
            (order.order, step.step): place
            for place, (order, step) in enumerate(self.steps)
        }
        self.chosen = [self._options(order, step) for order, step in self.steps]
        self.machines: list[tuple[Resource, int | None]] = []
        for resource in sorted(problem.resources, key=lambda row: row.resource):
            count: int = resource.units
            if self._left_out("capacity", resource=resource.resource):
                # A unit for every step: set-ups before the first stay.
                count = max(len(self.steps), 1)
            apart = count == 1 or self._has_setups(resource)
            units: list[int | None] = list(range(1, count + 1)) if apart else [None]
            self.machines += [(resource, unit) for unit in units]
        self.by_resource: dict[str, list[int]] = {}
        for place, (resource, _) in enumerate(self.machines):
            self.by_resource.setdefault(resource.resource, []).append(place)
        self.modes = [
            [
                (option, machine)
                for option in chosen
                for machine in self.by_resource[option.resource]
            ]
            for chosen in self.chosen
        ]
        """Option and machine of each mode of each step."""

    def form(self) -> TaskForm:
        weight_scale = _scale(order.weight for order in self.problem.orders)
        cost_scale = _scale(row.cost for row in self.problem.changeovers)
        tasks = tuple(
            self._task(order, step, place)
            for place, (order, step) in enumerate(self.steps)
        )
        machines = tuple(
            self._machine(place, tasks, cost_scale)
            for place in range(len(self.machines))
        )
        jobs = tuple(self._job(order, weight_scale) for order in self.orders)
        return TaskForm(
            problem=self.problem,
            tasks=TaskProblem(
                tasks=tasks,
                machines=machines,
                jobs=jobs,
                horizon=_horizon(tasks, machines),
            ),
            initial=self._initial(),
            unit=self.unit,
            steps=tuple(self.steps),
            options=tuple(tuple(option for option, _ in modes) for modes in self.modes),
            machines=tuple((row.resource, unit) for row, unit in self.machines),
            weight_scale=weight_scale,
            cost_scale=cost_scale,
        )

    # ------------------------------------------------------------------- parts
    def _left_out(
        self,
        kind: str,
        order: str | None = None,
        step: int | None = None,
        resource: str | None = None,
    ) -> bool:
        return Rule(kind, order, step, resource) in self.without

    def _ticks(self, minutes: float) -> int:
        return seconds(minutes) // self.unit

    def _options(self, order: Order, step: Step) -> list[Option]:
        free = self._left_out("min_yield", order=order.order)
        fixed = step.start_minutes is not None and not self._left_out(
            "fixed", order=order.order, step=step.step
        )
        return [
            option
            for option in sorted(step.options, key=lambda row: row.resource)
            if (free or self.problem.admitted(order, option))
            and not (fixed and step.resource not in (None, option.resource))
        ]

    def _has_setups(self, resource: Resource) -> bool:
        if self._left_out("setup", resource=resource.resource):
            return False
        own = any(
            option.setup_minutes > 0
            for options in self.chosen
            for option in options
            if option.resource == resource.resource
        )
        return own or resource.changeover_matrix is not None

    def _task(self, order: Order, step: Step, place: int) -> Task:
        fixed = step.start_minutes
        if self._left_out("fixed", order=order.order, step=step.step):
            fixed = None
        released = not self._left_out("release", order=order.order)
        return Task(
            modes=tuple(
                Mode(machine=machine, duration=self._ticks(option.run_minutes))
                for option, machine in self.modes[place]
            ),
            release=self._ticks(order.release_minutes) if released else 0,
            fixed_start=None if fixed is None else self._ticks(fixed),
            after=self._after(order, step),
            pauses=step.splittable,
        )

    def _initial(self) -> InitialSequence | None:
        """Sequence of the stated starts, of fixed steps too."""
        if all(step.initial_start_minutes is None for _, step in self.steps):
            return None
        starts, modes = [], []
        for place, (_, step) in enumerate(self.steps):
            fixed = step.start_minutes is not None
            start = step.start_minutes if fixed else step.initial_start_minutes
            wanted = step.resource if fixed else step.initial_resource
            starts.append(-1.0 if start is None else start)
            modes.append(
                tuple(
                    number
                    for number, (option, _) in enumerate(self.modes[place])
                    if wanted in (None, option.resource)
                )
            )
        return InitialSequence(starts=tuple(starts), modes=tuple(modes))

    def _after(self, order: Order, step: Step) -> tuple[int, ...]:
        """List the tasks before a step; a step that is left out hands on its own."""
        found: set[int] = set()
        waiting, seen = list(step.after), set(step.after)
        while waiting:
            number = waiting.pop()
            task = self.number.get((order.order, number))
            if task is not None:
                found.add(task)
                continue
            fresh = [n for n in order.step(number).after if n not in seen]
            seen.update(fresh)
            waiting += fresh
        return tuple(sorted(found))

    def _machine(self, place: int, tasks: tuple[Task, ...], scale: int) -> Machine:
        resource, unit = self.machines[place]
        windows = resource.windows
        if self._left_out("windows", resource=resource.resource):
            windows = None
        capacity = resource.units if unit is None else 1
        if unit is None and self._left_out("capacity", resource=resource.resource):
            capacity = len(tasks) + 1
        return Machine(
            group=self.by_resource[resource.resource][0],
            windows=None
            if windows is None
            else tuple((self._ticks(a), self._ticks(b)) for a, b in windows),
            capacity=capacity,
            setups=self._setups(resource, place, tasks, scale)
            if capacity == 1 and self._has_setups(resource)
            else None,
        )

    def _setups(
        self, resource: Resource, place: int, tasks: tuple[Task, ...], scale: int
    ) -> Setups | None:
        members = tuple(
            number
            for number, task in enumerate(tasks)
            if any(mode.machine == place for mode in task.modes)
        )
        size = len(members)
        times = np.zeros((size + 1, size), dtype=np.int64)
        changes, costs = np.zeros_like(times), np.zeros_like(times)
        families = [self.steps[number][1].family for number in members]
        befores: list[str | None] = [*families, resource.setup_family]
        known: dict[tuple[str | None, str | None], tuple[int, int, int]] = {}
        for column, number in enumerate(members):
            own = self._ticks(self._option_on(number, resource).setup_minutes)
            for row, before in enumerate(befores):
                pair = (before, families[column])
                # What nobody set up is free to change: no family, no changeover.
                first = row == size and resource.setup_family is None
                if pair not in known:
                    known[pair] = self._change(resource, *pair, scale)
                time, change, cost = (0, 0, 0) if first else known[pair]
                times[row, column] = own + time
                changes[row, column], costs[row, column] = change, cost
        if not (times.any() or changes.any()):
            return None
        return Setups(members=members, times=times, changes=changes, costs=costs)

    def _change(
        self, resource: Resource, before: str | None, after: str | None, scale: int
    ) -> tuple[int, int, int]:
        row = self.problem.changeover(resource.resource, before, after)
        if row is None or not (row.setup_minutes or row.cost):
            return 0, 0, 0
        return self._ticks(row.setup_minutes), 1, int(exact(row.cost) * scale)

    def _option_on(self, number: int, resource: Resource) -> Option:
        return next(o for o in self.chosen[number] if o.resource == resource.resource)

    def _job(self, order: Order, scale: int) -> Job:
        due = order.due_minutes
        return Job(
            tasks=tuple(
                sorted(
                    self.number[order.order, step.step]
                    for step in order.steps
                    if (order.order, step.step) in self.number
                )
            ),
            due=None if due is None else self._ticks(due),
            weight=int(exact(order.weight) * scale),
        )


def _all_seconds(problem: ScheduleProblem) -> Iterator[int]:
    """Every time that a schedule adds up from."""
    for resource in problem.resources:
        for window in resource.windows or ():
            yield from map(seconds, window)
    for row in problem.changeovers:
        yield seconds(row.setup_minutes)
    for order in problem.orders:
        yield seconds(order.release_minutes)
        yield seconds(order.due_minutes or 0)
        for step in order.steps:
            yield seconds(step.start_minutes or 0)
            for option in step.options:
                yield seconds(option.run_minutes)
                yield seconds(option.setup_minutes)


def _scale(values: Iterable[float]) -> int:
    """Least number that makes all values whole."""
    denominators = [Fraction(exact(value)).denominator for value in values]
    return math.lcm(*denominators) if denominators else 1


def _horizon(tasks: tuple[Task, ...], machines: tuple[Machine, ...]) -> int:
    """Time by which all tasks of a schedule that is shifted left are done.

    After the last window, release and fixed start something that needs no window runs
    or is set up at every instant until the end, so the work of all such tasks is what
    can follow. Any sequence may be shifted left: nothing better lies beyond.
    """
    moments = [max(task.release, task.fixed_start or 0) for task in tasks]
    closings = [machine.windows[-1][1] for machine in machines if machine.windows]
    work = 0
    for number, task in enumerate(tasks):
        lengths = [0]
        for mode in task.modes:
            machine = machines[mode.machine]
            if machine.windows is not None:
                continue
            setup = 0
            if machine.setups is not None:
                column = machine.setups.place[number]
                setup = int(machine.setups.times[:, column].max())
            lengths.append(setup + mode.duration)
        work += max(lengths)
    return max(max([0, *moments, *closings]) + work, 1)
