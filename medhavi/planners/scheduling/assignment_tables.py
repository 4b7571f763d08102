"""From an assignment of tasks to the tables of a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.optimize.cpsat_goals import sequences
from medhavi.optimize.cpsat_tasks import Assignment
from medhavi.optimize.cpsat_windows import latest_fit
from medhavi.planners.scheduling.left_shift import Link, left_shift
from medhavi.results.schedules.tables import table_of

if TYPE_CHECKING:
    import datetime as dt

    import polars as pl

    from medhavi.planners.scheduling.task_form import TaskForm
    from medhavi.results.schedules.problem import ScheduleProblem

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """Tasks of one unit of a resource, first start first."""

    resource: str
    unit: int
    tasks: tuple[int, ...]


def unit_sequences(form: TaskForm, known: Assignment) -> list[Sequence]:
    """Sequence of each unit; where several run at once, the first free one."""
    found = []
    for machine, tasks in enumerate(sequences(form.tasks, known)):
        resource, unit = form.machines[machine]
        if unit is not None:
            found.append(Sequence(resource=resource, unit=unit, tasks=tuple(tasks)))
            continue
        lanes: list[list[int]] = []
        for task in tasks:
            free = (
                n
                for n, lane in enumerate(lanes)
                if known.ends[lane[-1]] <= known.starts[task]
            )
            lane = next(free, None)
            if lane is None:
                lanes.append([task])
            else:
                lanes[lane].append(task)
        found += [
            Sequence(resource=resource, unit=number + 1, tasks=tuple(lane))
            for number, lane in enumerate(lanes)
        ]
    return found


def shifted(form: TaskForm, known: Assignment) -> Assignment:
    """Assignment with every task as early as its sequence lets it."""
    tasks = form.tasks.tasks
    neighbours: dict[int, int | None] = {}
    for sequence in unit_sequences(form, known):
        before: int | None = None
        for task in sequence.tasks:
            neighbours[task], before = before, task
    links = []
    for number, row in enumerate(tasks):
        mode = row.modes[known.modes[number]]
        machine = form.tasks.machines[mode.machine]
        setups = machine.setups
        neighbour = neighbours[number]
        links.append(
            Link(
                after=row.after,
                neighbour=neighbour,
                setup=0 if setups is None else setups.between(neighbour, number),
                earliest=max(row.release, row.fixed_start or 0),
                windows=machine.windows,
                pauses=row.pauses,
            )
        )
    order = sorted(range(len(tasks)), key=lambda t: (known.starts[t], known.ends[t], t))
    lengths = np.array(
        [[task.modes[known.modes[n]].duration] for n, task in enumerate(tasks)],
        dtype=np.float64,
    ).reshape(len(tasks), 1)
    starts, ends = left_shift(tuple(links), tuple(order), lengths)
    return Assignment(
        starts=tuple(int(value) for value in starts[:, 0]),
        modes=known.modes,
        ends=tuple(int(value) for value in ends[:, 0]),
    )


def tables_of(form: TaskForm, known: Assignment) -> dict[str, pl.DataFrame]:
    """Operations, orders and resources of an assignment."""
    operations = _operations(form, known)
    return {
        "operations": table_of("operations", operations),
        "orders": table_of("orders", _orders(form.problem, operations)),
        "resources": table_of("resources", _resources(form.problem, operations)),
    }


def _operations(form: TaskForm, known: Assignment) -> list[Row]:
    rows = []
    for sequence in unit_sequences(form, known):
        before: int | None = None
        for task in sequence.tasks:
            rows.append(_operation(form, known, sequence, before, task))
            before = task
    return rows


def _operation(
    form: TaskForm, known: Assignment, sequence: Sequence, before: int | None, task: int
) -> Row:
    problem = form.problem
    order, step = form.steps[task]
    place = known.modes[task]
    option = form.options[task][place]
    machine = form.tasks.machines[form.tasks.tasks[task].modes[place].machine]
    family = problem.resource_by_id[sequence.resource].setup_family
    if before is not None:
        family = form.steps[before][1].family
    change = None
    if before is not None or family is not None:
        change = problem.changeover(sequence.resource, family, step.family)
    setup = 0 if machine.setups is None else machine.setups.between(before, task)
    begin = latest_fit(machine.windows, known.starts[task], setup)
    start = form.minutes(known.starts[task])
    finish = form.minutes(known.ends[task])
    ahead = start if begin is None else form.minutes(begin)
    return {
        "sales_order": order.order,
        "step": step.step,
        "name": step.name,
        "resource": sequence.resource,
        "unit": sequence.unit,
        "start": _at(problem, start),
        "finish": _at(problem, finish),
        "setup_start": _at(problem, ahead),
        "setup_minutes": form.minutes(setup),
        "changeover_minutes": 0.0 if change is None else float(change.setup_minutes),
        "changeover_cost": 0.0 if change is None else float(change.cost),
        "run_minutes": float(option.run_minutes),
        "start_minutes": start,
        "finish_minutes": finish,
        "setup_start_minutes": ahead,
        "fixed": step.start_minutes is not None,
    }


def _orders(problem: ScheduleProblem, operations: list[Row]) -> list[Row]:
    finish: dict[object, float] = {}
    for row in operations:
        key, end = row["sales_order"], float(row["finish_minutes"])
        finish[key] = max(finish.get(key, 0.0), end)
    rows: list[Row] = []
    for order in problem.orders:
        end, due = finish[order.order], order.due_minutes
        rows.append(
            {
                "order": order.order,
                "product": order.product,
                "customer": order.customer,
                "finish": _at(problem, end),
                "due": None if due is None else _at(problem, due),
                "late_minutes": 0.0 if due is None else max(0.0, end - due),
                "finish_minutes": end,
                "due_minutes": None if due is None else float(due),
                "weight": float(order.weight),
            }
        )
    return rows


def _resources(problem: ScheduleProblem, operations: list[Row]) -> list[Row]:
    makespan = max((float(row["finish_minutes"]) for row in operations), default=0.0)
    rows: list[Row] = []
    for resource in problem.resources:
        own = [row for row in operations if row["resource"] == resource.resource]
        run = sum(float(row["run_minutes"]) for row in own)
        setup = sum(float(row["setup_minutes"]) for row in own)
        windows = resource.windows or ((0.0, makespan),)
        opened = resource.units * sum(
            max(0.0, min(closed, makespan) - begin) for begin, closed in windows
        )
        rows.append(
            {
                "resource": resource.resource,
                "name": resource.name,
                "units": resource.units,
                "operations": len(own),
                "run_minutes": run,
                "setup_minutes": setup,
                "open_minutes": opened,
                "idle_minutes": opened - run - setup,
                "utilization": run / (makespan * resource.units) if makespan else None,
            }
        )
    return rows


def _at(problem: ScheduleProblem, minutes: float) -> dt.datetime:
    return problem.start + timedelta(minutes=minutes)
