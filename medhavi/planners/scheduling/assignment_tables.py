"""From an assignment of tasks to the tables of a schedule.

The sequence of each machine stays. One loop over operations, all scenarios at once as a
vector: starts and ends have shape (operations, scenarios). The same code places the
planned schedule (one scenario) and simulates thousands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from medhavi.optimize.cpsat import sequences
from medhavi.optimize.cpsat_tasks import Assignment, latest_fit
from medhavi.results.schedules.schedule import table_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    import polars as pl
    from numpy.typing import NDArray

    from medhavi.planners.scheduling.task_form import TaskForm
    from medhavi.results.schedules.problem import ScheduleProblem


Windows = tuple[tuple[float, float], ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceLink:
    """One operation of a fixed sequence.

    Parameters
    ----------
    after
        Operations of the order that end before it starts.
    neighbour
        Operation before it on the machine; None is the first.
    setup
        Set-up between the neighbour's end and the start; it may precede `after`.
    earliest
        Never before this: release, a fixed or a planned start.
    windows
        Open time of the machine; None is always open.
    pauses
        Whether the run goes on after closed time.
    """

    after: tuple[int, ...] = ()
    neighbour: int | None = None
    setup: float = 0.0
    earliest: float = 0.0
    windows: Windows = None
    pauses: bool = False


def left_shift(
    links: tuple[SequenceLink, ...],
    sequence: tuple[int, ...],
    durations: NDArray[np.float64],
    placed: Callable[[int], object] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and ends of all operations in all scenarios.

    Parameters
    ----------
    links
        One per operation.
    sequence
        Every operation, each after its predecessors and its neighbour.
    durations
        float64, shape (operations, scenarios).
    placed
        Called before each operation with the number of those that are placed.

    Returns
    -------
    starts, ends : ndarray
        float64, shape (operations, scenarios); inf where the windows have no room.
    """
    starts = np.empty_like(durations)
    ends = np.empty_like(durations)
    scenarios = durations.shape[1]
    for done, place in enumerate(sequence):
        if placed is not None:
            placed(done)
        link = links[place]
        ready = np.full(scenarios, float(link.earliest))
        for before in link.after:
            np.maximum(ready, ends[before], out=ready)
        free = 0.0 if link.neighbour is None else ends[link.neighbour]
        if link.setup or link.neighbour is not None:
            length = np.full(scenarios, float(link.setup))
            begin = unbroken(link.windows, np.broadcast_to(free, scenarios), length)
            np.maximum(ready, begin + length, out=ready)
        if link.pauses and link.windows is not None:
            starts[place], ends[place] = paused(link.windows, ready, durations[place])
        else:
            starts[place] = unbroken(link.windows, ready, durations[place])
            ends[place] = starts[place] + durations[place]
    return starts, ends


def unbroken(
    windows: Windows, instants: NDArray[np.float64], lengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """First starts from instants on of stretches inside one window.

    >>> unbroken(((0, 10), (20, 40)), np.array([2.0, 8.0, 50.0]), np.full(3, 5.0))
    array([ 2., 20., inf])
    """
    if windows is None:
        return np.array(instants, dtype=np.float64)
    opened = np.array([window[0] for window in windows], dtype=np.float64)
    closed = np.array([window[1] for window in windows], dtype=np.float64)
    found = np.array(instants, dtype=np.float64)
    # Nothing to do takes no window.
    open_ones = np.flatnonzero(lengths > 0)
    place = np.searchsorted(closed, found, side="right")
    while open_ones.size:
        here = place[open_ones]
        late = here >= len(closed)
        found[open_ones[late]] = np.inf
        open_ones, here = open_ones[~late], here[~late]
        begin = np.maximum(found[open_ones], opened[here])
        fits = begin + lengths[open_ones] <= closed[here]
        found[open_ones[fits]] = begin[fits]
        open_ones = open_ones[~fits]
        place[open_ones] += 1
    return found


def paused(
    windows: tuple[tuple[float, float], ...],
    instants: NDArray[np.float64],
    lengths: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and ends of runs that go on after closed time.

    >>> paused(((0, 10), (20, 40)), np.array([8.0]), np.array([5.0]))
    (array([8.]), array([23.]))
    """
    opened = np.array([window[0] for window in windows], dtype=np.float64)
    closed = np.array([window[1] for window in windows], dtype=np.float64)
    worked = np.concatenate([[0.0], np.cumsum(closed - opened)])
    last = len(closed) - 1
    place = np.searchsorted(closed, instants, side="right")
    inside = np.minimum(place, last)
    starts = np.where(place > last, np.inf, np.maximum(instants, opened[inside]))
    with np.errstate(invalid="ignore"):
        target = worked[inside] + (starts - opened[inside]) + lengths
    over = ~(target <= worked[-1])
    stop = np.minimum(np.searchsorted(worked[1:], target, side="left"), last)
    ends = np.where(over, np.inf, opened[stop] + target - worked[stop])
    return np.where(over, np.inf, starts), ends


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
            SequenceLink(
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
