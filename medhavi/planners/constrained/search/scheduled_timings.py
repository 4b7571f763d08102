"""Timings of found orders, checked by the calendars and paces of their steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained.search.construction import opened
from medhavi.planners.kernels.plant_kernels.plant_record import window_of
from medhavi.providers.capacity.axis import StepAssignment, WorkContent
from medhavi.providers.capacity.schedule import step_window
from medhavi.providers.finite_capacity.bucket_ledger import spans_of
from medhavi.providers.finite_capacity.free_slots import FreeSlots
from medhavi.providers.finite_capacity.occupancy import Occupancy
from medhavi.providers.sources import OrderTiming, ResourceHold
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from fractions import Fraction

    from medhavi.planners.constrained.memory import Ran
    from medhavi.planners.constrained.search.changeovers import Steps
    from medhavi.planners.constrained.search.plant.model import Model
    from medhavi.planners.mrp.netting_state.state import SupplyOrder
    from medhavi.providers import Providers
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.capacity.schedule import RoutingTask


class ScheduledTimings:
    """Timings of found makes, as of `timing_of`; most are as in another layout.

    Parameters
    ----------
    model, steps
        The plant, and all steps that were found.
    known
        Timings of another layout of the same company.

    Attributes
    ----------
    made
        Those that were asked for.
    """

    def __init__(
        self, model: Model, steps: Steps, known: Mapping[Ran, OrderTiming]
    ) -> None:
        self._model, self._steps, self._known = model, steps, known
        self.made: dict[Ran, OrderTiming] = {}
        late = steps.late
        self._hourly: list[bool] = (model.plant.bucket[late.option] >= 0).tolist()
        # Readings hand on capacity with timings: its routings keep their options, so no
        # other one gets the identity of one that a known timing was found with.
        taken = [id(model.options[one]) for one in late.option.tolist()]
        rows = late.since.tolist(), late.end.tolist(), steps.changed.tolist(), taken
        self._ran = list(zip(*rows, strict=True))

    def of(
        self,
        routing: str,
        size: int,
        places: Sequence[int],
        tasks: Sequence[RoutingTask],
        runs: Callable[[int], Sequence[Fraction]],
    ) -> OrderTiming | None:
        """Timing of an order of so many steps; else as of `timing_of`.

        `runs` gives how long each task takes for so many, at pace 1 [s].
        """
        model, steps = self._model, self._steps
        if any(self._hourly[one] for one in places):
            # Its hours lie in their buckets as other work leaves them.
            return timing_of(model, steps, places, tasks, runs(size))
        ran: Ran = (routing, size, *[self._ran[one] for one in places])
        timing = self._known.get(ran)
        if timing is None:
            timing = timing_of(model, steps, places, tasks, runs(size))
        if timing is not None:
            self.made[ran] = timing
        return timing


def timing_of(
    model: Model,
    steps: Steps,
    places: Sequence[int],
    tasks: Sequence[RoutingTask],
    runs: Sequence[Fraction],
) -> OrderTiming | None:
    """Windows of the steps of an order where they were found, as late as may be.

    Parameters
    ----------
    model, steps
        The plant, and all steps that were found.
    places
        Places of those of the order, in the order of working.
    tasks, runs
        What it does, and how long each of it takes at pace 1 [s].

    Returns
    -------
    OrderTiming or None
        None: the calendars and paces of a step say otherwise.
    """
    late, windows = steps.late, []
    for task, run, step in zip(tasks, runs, places, strict=True):
        option = model.options[int(late.option[step])]
        begin, end = int(late.since[step]), int(late.end[step])
        if option is None or not _offers(task, option, begin):
            return None
        changed = int(steps.changed[step])
        setup = option.setup + changed if changed else option.setup
        work = WorkContent(setup, run)
        spans = _spread(model, steps, step, option)
        # Spread over buckets its end depends on other work: only its length can be
        # checked.
        if spans:
            length = sum(until - since for since, until in spans)
            same = length == option.axis.length(work, (begin, end))
        else:
            same = option.axis.earliest(work, begin, begin) == (begin, end)
        if not same:
            return None
        placed = StepAssignment(
            option=option, work=work, start=begin, finish=end, segments=spans
        )
        windows.append(step_window(task.node, placed))
    start, finish = min(one.queue_start for one in windows), windows[-1].after
    # Steps that lead to the same one may begin in another sequence.
    windows.sort(key=lambda one: one.start)
    return OrderTiming(start, finish, start, tuple(windows))


def with_holds(
    model: Model, steps: Steps, places: Sequence[int], timing: OrderTiming
) -> OrderTiming | None:
    """Timing of an order with what is held while machines are changed over for it.

    They are so before its goods are there. `model`, `steps` and `places` are as of
    `timing_of`; None: its hours are counted per bucket.
    """
    plant, early, late = model.plant, steps.early, steps.late
    options = early.option[places]
    if (plant.bucket[options] >= 0).any():
        return None
    holds = []
    for step, option in zip(places, options.tolist(), strict=True):
        since, until = int(early.since[step]), int(late.since[step])
        if since < until:
            name = model.machines[plant.machine[option]]
            bounds = np.array([since, until]) - model.as_of
            calendar = int(plant.calendar[option])
            length = int(np.diff(opened(plant, calendar, bounds))[0])
            holds.append(ResourceHold(name, 1.0, since, until, length))
    return timing._replace(holds=tuple(holds))


def _spread(
    model: Model, steps: Steps, step: int, option: ResourceOption
) -> tuple[tuple[int, int], ...]:
    """When a step works of which the hours are counted per bucket; else nothing."""
    late, plant = steps.late, model.plant
    bucket = int(plant.bucket[late.option[step]])
    if bucket < 0:
        return ()
    span = int(late.begin[step]), int(late.end[step])
    at = window_of(plant, bucket, span[0] - model.as_of)
    taken = np.trim_zeros(steps.buckets[step], "b").tolist()
    opens = (model.as_of + plant.k_open[at : at + len(taken)]).tolist()
    return spans_of(option.axis.working, span, opens, taken)


def ends_alone(
    providers: Providers,
    order: SupplyOrder,
    number: int,
    option: ResourceOption | None,
    ready: int,
) -> int:
    """End of a step from an instant on if no other work were there [UTC s], or `NEVER`.

    Parameters
    ----------
    order, number
        Of the step: its order, its place in the order of working.
    option
        What does it; None: nothing.
    ready
        When it can begin [UTC s].
    """
    capacity = providers.capacity
    task = capacity.compiled(order.source_id).tasks[number]
    if option is None:
        return NEVER
    work = WorkContent(option.setup, task.run(order.steps))
    room = FreeSlots(Occupancy(capacity), providers.changeovers)
    return room.through(task.node, option, work, ready)


def _offers(task: RoutingTask, option: ResourceOption, start: int) -> bool:
    """Whether a step that starts at an instant may be done by an option."""
    epochs = task.plan.epochs
    return any(
        option is one
        for epoch in epochs
        if epoch.start <= start < epoch.finish
        for one in epoch.options
    )
