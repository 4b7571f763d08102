"""The least time that orders take, around the work of those that keep their dates.

Steps that simply follow each other take the sum of their least times, by the quickest
option of each; where steps overlap or branch, or the pace of a resource changes, less
is said. Work pauses over closed time, never over other orders: it has to find room
between those that stand. Set-up changes, the queue before the first step and whatever
else is new count as nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from medhavi.providers.capacity.axis import WorkContent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from medhavi.planners.mrp.netting_state.state import SupplyAlternative, SupplyOrder
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.capacity.schedule import RoutingTask
    from medhavi.snapshot.calendars.intervals import Interval


class LeastTimes:
    """When orders for what is made could be through at the earliest.

    Parameters
    ----------
    capacity
        Routings and resources as they are planned.
    standing
        Orders that keep their dates.
    """

    def __init__(
        self, capacity: Capacity, standing: Iterable[SupplyOrder] = ()
    ) -> None:
        self._capacity = capacity
        self.busy = busy_units(standing)
        """Units of each resource that are at work already."""
        self._taken: dict[tuple[str, float], list[Interval]] = {}

    def through(
        self, way: SupplyAlternative, ready: int, units: int, later: Mapping[int, int]
    ) -> int:
        """Earliest end of an order [UTC s].

        Parameters
        ----------
        way, units
            Its source and size.
        ready, later
            Before when the first step, and each of others by its number, does not begin
            [UTC s].
        """
        found = [
            self._end(way.source.source, max(begin, ready), units, later)
            for begin, end in way.source.windows
            if end > ready
        ]
        return min(found, default=ready)

    def _end(
        self, routing: str, ready: int, units: int, later: Mapping[int, int]
    ) -> int:
        if not self._capacity.compiled(routing).network.is_chain:
            return max(ready, *later.values()) if later else ready
        for task, before, after in self._chain(routing):
            ready = max(ready + before, later.get(task.node.step, ready))
            if task.node.batch is None:
                ready = self._done(task, ready, units)
            ready += after
        return ready

    def _chain(self, routing: str) -> Iterator[tuple[RoutingTask, int, int]]:
        """List steps that follow each other, with what passes before and after [s]."""
        compiled = self._capacity.compiled(routing)
        lags = [0, *(link.lag for link in compiled.network.links)]
        for place, (task, lag) in enumerate(zip(compiled.tasks, lags, strict=False)):
            # Goods are taken when the first queue is over: it may run before.
            yield task, lag + (task.node.queue if place else 0), task.node.move

    def _done(self, task: RoutingTask, ready: int, units: int) -> int:
        """Earliest end of a step that is ready at an instant [UTC s]."""
        run, ends = task.run(units), []
        for option in options_of(task):
            if option.axis.steady is None:
                return ready
            end = self._fits(option, WorkContent(option.setup, run), ready)
            if end is not None:
                ends.append(end)
        return min(ends, default=ready)

    def _fits(
        self, option: ResourceOption, work: WorkContent, ready: int
    ) -> int | None:
        """End of work in the first room between orders that stand; None: nowhere."""
        taken = [self._without_room(*one) for one in option.resources]
        while True:
            span = option.axis.earliest(work, ready, ready)
            if span is None:
                return None
            ends = (self._in_the_way(option, one, span) for one in taken)
            later = max((end for end in ends if end is not None), default=None)
            if later is None:
                return span[1]
            ready = later

    def _without_room(self, resource: str, units: float) -> list[Interval]:
        """When a resource has fewer units left than are needed."""
        key = resource, units
        if key not in self._taken:
            clock, busy = self._capacity.resource(resource), self.busy.get(resource)
            most = max(level[2] for level in clock.levels)
            limited = clock.finite and clock.bucket is None
            self._taken[key] = [
                one for one in (busy or ()) if limited and one[2] > most - units
            ]
        return self._taken[key]

    def _in_the_way(
        self, option: ResourceOption, taken: list[Interval], span: tuple[int, int]
    ) -> int | None:
        """End of the first stretch that is taken in working time of a span."""
        start, finish = span
        place = bisect_left(taken, start, key=lambda one: one[1])
        for begin, end, _ in taken[place:]:
            if begin >= finish:
                return None
            if option.axis.working.between(max(begin, start), min(end, finish)) > 0:
                return end
        return None

    def least(self, routing: str, units: int) -> int:
        """Least time from the start of an order to its end, as if all were open [s]."""
        compiled = self._capacity.compiled(routing)
        each = [_least_working(task, units) for task in compiled.tasks]
        if not compiled.network.is_chain:
            return max(each, default=0)
        steps = zip(self._chain(routing), each, strict=True)
        return sum(
            before + after + (0 if task.node.batch is not None else working)
            for (task, before, after), working in steps
        )


def _least_working(task: RoutingTask, units: int) -> int:
    """Least working time of a step [s]."""
    run = task.run(units)
    times = [
        0
        if one.axis.steady is None
        else one.axis.length(WorkContent(one.setup, run), (0, 0))
        for one in options_of(task)
    ]
    return min(times, default=0)


def options_of(task: RoutingTask) -> list[ResourceOption]:
    """Resources that may do a step, at any time."""
    return [option for epoch in task.plan.epochs for option in epoch.options]


def busy_units(standing: Iterable[SupplyOrder]) -> dict[str, list[Interval]]:
    """Units of each resource at work, by stretches in order that do not overlap."""
    changes: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for order in standing:
        for window in order.timing.steps:
            for resource, units in window.resources:
                for begin, end in window.segments:
                    changes[resource][begin] += units
                    changes[resource][end] -= units
    found: dict[str, list[Interval]] = {}
    for resource, steps in changes.items():
        instants = sorted(steps)
        sums = accumulate(steps[instant] for instant in instants)
        found[resource] = [
            (begin, end, busy)
            for (begin, end), busy in zip(pairwise(instants), sums, strict=False)
            if busy > 0
        ]
    return found
