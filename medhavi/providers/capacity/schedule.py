"""The clock of any routing: links of every kind, batches, choices, changing pace.

Backward, each step is placed as late as its followers and the output allow; forward, as
early as what comes before it allows. A most time between two steps pulls the later one
back (or pushes the earlier one on), and the pass is made again until all links hold.

Transfer batches: the follower may begin when the first batch is through, and has work
for a whole batch left when the last one arrives, so that it never runs dry where both
steps run evenly in between (move batches: Hopp and Spearman, Factory Physics, 3rd ed.,
2008, chapter 9). It is exact for equal pace and safe for any steady one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from medhavi.providers.capacity.axis import UNLIMITED, StepAssignment, WorkContent
from medhavi.providers.capacity.choice import StepPlan
from medhavi.providers.capacity.network import last_end, last_start, latest_of, moved
from medhavi.providers.sources import OrderTiming, StepWindow
from medhavi.units import ALWAYS, NEVER, ceil_fraction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.providers.capacity.axis import Limit, ResourceOption, StepSlots
    from medhavi.providers.capacity.network import (
        MainOutput,
        OutputTiming,
        PrecedenceLink,
        RoutingNetwork,
        StepNode,
        StepTime,
    )

MOST_PASSES: Final = 1000
"""Passes until links with a most time must hold; else the order fits nowhere."""
ONE: Final = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingTask:
    """A step of an order: its plan, and its run at pace 1 as fixed + rate n [s].

    Parameters
    ----------
    units
        Units that enter it per order step, for transfer batches.
    fixed_window
        Start and end that are given (work in progress, a firm order), one of them may
        be missing; nothing is placed then.
    changes_over
        Whether open time that a given window has beyond the work is its changeover.
    """

    plan: StepPlan
    fixed: Fraction
    rate: Fraction
    units: Fraction
    fixed_window: tuple[int | None, int | None] | None = None
    changes_over: bool = False

    @property
    def node(self) -> StepNode:
        """The step."""
        return self.plan.node

    def run(self, units: int, share: Fraction = ONE) -> Fraction:
        """Run of a share of an order [s at pace 1]."""
        run = self.rate * units
        return self.fixed + (run if share is ONE else run * share)

    def ways(self, units: int) -> list[StepTime]:
        """List open time and length of all ways to do the step [s]."""
        run = self.run(units)
        axes = [
            (option.axis, WorkContent(option.setup, run))
            for epoch in self.plan.epochs
            for option in epoch.options
        ]
        return [
            (axis.working, None if axis.steady is None else axis.length(work, (0, 0)))
            for axis, work in axes
        ]

    def batch_share(self, units: int) -> Fraction:
        """Share of an order that moves on together."""
        batch = self.plan.node.batch
        if batch is None:
            return ONE
        entering = self.units * units
        return ONE if batch >= entering else batch / entering


@dataclass(slots=True)
class _Bounds:
    """Bounds of one step by the output and by most times; tighter with each pass."""

    finish_by: int = NEVER
    start_by: int = NEVER
    start_from: int = ALWAYS
    finish_from: int = ALWAYS


class NetworkClock:
    """Clock of a routing of any shape.

    Parameters
    ----------
    network
        Order and links of the steps.
    tasks
        One per step, in the order of working.
    delivery
        Outputs and safety days.
    room
        Where steps may stand; by default everywhere.
    """

    __slots__ = ("_after", "_before", "_delivery", "_network", "_room", "_tasks")

    def __init__(
        self,
        network: RoutingNetwork,
        tasks: Sequence[RoutingTask],
        delivery: OutputTiming,
        room: StepSlots = UNLIMITED,
    ) -> None:
        self._room = room
        self._network = network
        self._tasks = tuple(tasks)
        self._delivery = delivery
        self._before: dict[int, list[PrecedenceLink]] = defaultdict(list)
        self._after: dict[int, list[PrecedenceLink]] = defaultdict(list)
        for link in network.links:
            self._before[link.later].append(link)
            self._after[link.earlier].append(link)

    # ------------------------------------------------------------------- the clock
    def latest(self, need: int, units: int) -> OrderTiming | None:
        """Latest order that is usable, safety time included, by `need`."""
        by = self._delivery.before_safety(need)
        bounds = None if by is None else self._output_bounds(by, units)
        if by is None or bounds is None:
            return None
        mark = self._room.mark()
        for _ in range(MOST_PASSES):
            placed = self._backward(bounds, units)
            # Steps took room from each other; who asked takes it for good.
            self._room.undo(mark)
            if placed is None:
                return None
            if not self._pull(bounds, placed):
                return self._timing(placed, by)
        return None

    def earliest(self, start: int, units: int) -> OrderTiming | None:
        """Earliest order that begins nothing before `start`."""
        bounds = [
            _Bounds(start_from=start + task.node.queue, finish_from=start)
            for task in self._tasks
        ]
        mark = self._room.mark()
        for _ in range(MOST_PASSES):
            placed = self._forward(bounds, units, self._fixed(units))
            self._room.undo(mark)
            if placed is None:
                return None
            if not self._push(bounds, placed):
                return self._timing(placed, start)
        return None

    # -------------------------------------------------------------------- backward
    def _output_bounds(self, by: int, units: int) -> list[_Bounds] | None:
        """Bound the steps from which the main product falls out."""
        bounds = [_Bounds() for _ in self._tasks]
        last = self._network.last
        for outlet in self._delivery.outlets:
            for place, task in enumerate(self._tasks):
                node = task.node
                if outlet.step not in (None, node.step):
                    continue
                bound = bounds[place]
                moment = _anchor_by(outlet, task, by, units) if outlet.offset else by
                if moment is None:
                    return None
                if outlet.anchor == "start" and outlet.step is not None:
                    bound.start_by = min(bound.start_by, moment)
                    continue
                # Time between steps stands in their links already.
                ends = outlet.step is not None or place in last
                soft = node.safety if ends else 0
                bound.finish_by = min(bound.finish_by, moment - node.move - soft)
        return bounds

    def _backward(
        self, bounds: Sequence[_Bounds], units: int
    ) -> dict[int, StepAssignment] | None:
        placed = self._fixed(units)
        if placed is None:
            return None
        for place in reversed(range(len(self._tasks))):
            if place in placed:
                continue
            task = self._tasks[place]
            finish_by, start_by, limits = self._bounds_of(
                place, bounds[place], placed, units
            )
            if min(finish_by, start_by) == NEVER:
                continue
            found: StepAssignment | None
            if finish_by == NEVER:
                # Only its start is bound: it ends when it ends.
                found = self._starting_by(task, start_by, units)
            else:
                found = task.plan.latest(
                    task.run(units), finish_by, start_by, limits, self._room
                )
            if found is None:
                return None
            placed[place] = found
            self._room.hold(task.node, found)
        if len(placed) < len(self._tasks):
            # Steps after the output wait for nobody: as early as what precedes allows.
            begin = min((p.start for p in placed.values()), default=ALWAYS)
            free = [_Bounds(start_from=begin, finish_from=begin) for _ in self._tasks]
            return self._forward(free, units, placed)
        return placed

    def _bounds_of(
        self, place: int, bound: _Bounds, placed: dict[int, StepAssignment], units: int
    ) -> tuple[int, int, list[Limit]]:
        """Collect what the followers of a step demand of its end and start."""
        task = self._tasks[place]
        finish_by, start_by = bound.finish_by, bound.start_by
        limits: list[Limit] = []
        share = task.batch_share(units)
        for link in self._after[place]:
            follower = placed.get(link.later)
            if follower is None:
                continue
            gap = link.lag + link.safety
            if link.kind == "start_start":
                start_by = min(start_by, follower.start - gap)
            elif link.kind == "finish_finish":
                finish_by = min(finish_by, follower.finish - gap)
            else:
                gap += task.node.move + self._tasks[link.later].node.queue
                begin: int | None = follower.start
                # The first batch is there when the follower begins, the last when it
                # begins with that.
                if share < 1:
                    limits.append(_head(task, follower.start - gap, units, share))
                    last = WorkContent(
                        Fraction(0), self._batch_run(link.later, units, share)
                    )
                    begin = follower.option.axis.before(follower.finish, last)
                if begin is None:
                    begin = follower.start
                finish_by = min(finish_by, begin - gap)
        return finish_by, start_by, limits

    def _starting_by(
        self, task: RoutingTask, start_by: int, units: int
    ) -> StepAssignment | None:
        run = task.run(units)
        for epoch in reversed(task.plan.epochs):
            for option in epoch.options:
                end = option.axis.after(start_by, WorkContent(option.setup, run))
                if end is not None:
                    found = task.plan.latest(run, end, start_by, room=self._room)
                    if found is not None:
                        return found
        return None

    def _pull(
        self, bounds: Sequence[_Bounds], placed: dict[int, StepAssignment]
    ) -> bool:
        """Bound the later step of every link whose most time is passed."""
        moved = False
        for link in self._network.links:
            over = self._over(link, placed)
            if over > 0:
                bound, later = bounds[link.later], placed[link.later]
                if link.kind == "finish_finish":
                    bound.finish_by = later.finish - over
                else:
                    bound.start_by = later.start - over
                moved = True
        return moved

    # --------------------------------------------------------------------- forward
    def _forward(
        self,
        bounds: Sequence[_Bounds],
        units: int,
        known: dict[int, StepAssignment] | None,
    ) -> dict[int, StepAssignment] | None:
        if known is None:
            return None
        placed = dict(known)
        for place, task in enumerate(self._tasks):
            if place in placed:
                continue
            start_from = bounds[place].start_from
            finish_from = bounds[place].finish_from
            limits: list[Limit] = []
            for link in self._before[place]:
                earlier = placed[link.earlier]
                if link.kind == "start_start":
                    start_from = max(start_from, earlier.start + link.lag)
                elif link.kind == "finish_finish":
                    finish_from = max(finish_from, earlier.finish + link.lag)
                else:
                    ready = self._handed_on(link, earlier, units, limits)
                    if ready is None:
                        return None
                    start_from = max(start_from, ready)
            found = task.plan.earliest(
                task.run(units), start_from, finish_from, limits, self._room
            )
            if found is None:
                return None
            placed[place] = found
            self._room.hold(task.node, found)
        return placed

    def _handed_on(
        self,
        link: PrecedenceLink,
        earlier: StepAssignment,
        units: int,
        limits: list[Limit],
    ) -> int | None:
        """When the later step may start, and limit its end by the last batch."""
        task = self._tasks[link.earlier]
        gap = task.node.move + link.lag + self._tasks[link.later].node.queue
        share = task.batch_share(units)
        if share == 1:
            return earlier.finish + gap
        limits.append(
            _tail(earlier.finish + gap, self._batch_run(link.later, units, share))
        )
        head = WorkContent(earlier.work.setup, task.run(units, share))
        through = earlier.option.axis.after(earlier.start, head)
        return None if through is None else through + gap

    def _push(
        self, bounds: Sequence[_Bounds], placed: dict[int, StepAssignment]
    ) -> bool:
        """Bound the earlier step of every link whose most time is passed."""
        moved = False
        for link in self._network.links:
            over = self._over(link, placed)
            if over > 0:
                bound, earlier = bounds[link.earlier], placed[link.earlier]
                if link.kind == "start_start":
                    bound.start_from = earlier.start + over
                else:
                    bound.finish_from = earlier.finish + over
                moved = True
        return moved

    # ---------------------------------------------------------------------- shared
    def _fixed(self, units: int) -> dict[int, StepAssignment] | None:
        """Take the room of the steps with given times, before others look for theirs.

        None: such a time cannot be completed.
        """
        placed: dict[int, StepAssignment] = {}
        for place, task in enumerate(self._tasks):
            if task.fixed_window is None:
                continue
            given = _given(task, task.fixed_window, units)
            if given is None:
                return None
            placed[place] = given
            self._room.hold(task.node, given)
        return placed

    def _batch_run(self, place: int, units: int, share: Fraction) -> Fraction:
        return self._tasks[place].rate * units * share

    def _over(self, link: PrecedenceLink, placed: dict[int, StepAssignment]) -> int:
        """Time between two steps beyond the most; 0 where they are given."""
        if link.max_lag is None:
            return 0
        tasks = self._tasks[link.earlier], self._tasks[link.later]
        if any(task.fixed_window is not None for task in tasks):
            return 0
        earlier, later = placed[link.earlier], placed[link.later]
        if link.kind == "start_start":
            between = later.start - earlier.start
        elif link.kind == "finish_finish":
            between = later.finish - earlier.finish
        else:
            between = later.start - tasks[1].node.queue
            between -= earlier.finish + tasks[0].node.move
        return between - link.max_lag

    def _timing(
        self, placed: dict[int, StepAssignment], empty: int
    ) -> OrderTiming | None:
        windows = [
            step_window(self._tasks[place].node, found)
            for place, found in placed.items()
        ]
        places = dict(zip(placed, windows, strict=True))
        order = sorted(places, key=lambda place: (places[place].start, place))
        steps = tuple(places[place] for place in order)
        finish = latest_of(
            _there(outlet, steps, empty) for outlet in self._delivery.outlets
        )
        if finish is None:
            return None
        start = min((window.queue_start for window in steps), default=empty)
        return OrderTiming(start, finish, start, steps)


def _anchor_by(
    outlet: MainOutput, task: RoutingTask, by: int, units: int
) -> int | None:
    """When a step must begin or have moved on for an output with an offset."""
    ways = task.ways(units)
    if outlet.anchor == "start" and outlet.step is not None:
        return last_start(outlet, by, ways)
    return last_end(outlet, by, task.node.move, ways)


def _there(outlet: MainOutput, steps: Sequence[StepWindow], empty: int) -> int | None:
    """When an output is there; of a step that is not there any more: `empty`."""
    found = [window for window in steps if outlet.step in (None, window.step)]
    if not found:
        return moved(outlet.working, None, empty, outlet.offset)
    if outlet.anchor == "start" and outlet.step is not None:
        window = min(found, key=lambda one: one.start)
        return moved(outlet.working, window, window.start, outlet.offset)
    window = max(found, key=lambda one: (one.after, one.start))
    return moved(outlet.working, window, window.after, outlet.offset)


def _head(task: RoutingTask, through: int, units: int, share: Fraction) -> Limit:
    run = task.run(units, share)

    def limit(option: ResourceOption, work: WorkContent) -> int | None:
        return option.axis.before(through, WorkContent(work.setup, run))

    return limit


def _tail(arrives: int, run: Fraction) -> Limit:
    def limit(option: ResourceOption, work: WorkContent) -> int | None:
        return option.axis.after(arrives, replace(work, setup=Fraction(0), run=run))

    return limit


def _given(
    task: RoutingTask, window: tuple[int | None, int | None], units: int
) -> StepAssignment | None:
    """Take given times; a missing one follows from the other."""
    option = next((o for epoch in task.plan.epochs for o in epoch.options), None)
    if option is None:
        return None
    work = WorkContent(option.setup, task.run(units))
    start, finish = window
    if finish is None and start is not None:
        finish = option.axis.after(start, work)
    elif start is None and finish is not None:
        start = option.axis.before(finish, work)
    if start is None or finish is None:
        return None
    if task.changes_over:
        axis = option.axis
        # What given times hold beyond the work is its changeover.
        spare = axis.working.between(start, finish) - axis.length(work, (start, finish))
        work = replace(work, setup=work.setup + max(spare, 0))
    return StepAssignment(option=option, work=work, start=start, finish=finish)


def step_window(node: StepNode, placed: StepAssignment) -> StepWindow:
    """Window of a placed step."""
    start, finish = placed.start, placed.finish
    axis = placed.option.axis
    # Given times hold more or less than the work would take.
    length = min(axis.length(placed.work, (start, finish)), finish - start)
    setup = min(ceil_fraction(placed.work.setup), length)
    segments = placed.segments or tuple(axis.working.segments(start, finish))
    own, changed = placed.option.setup, 0
    if placed.work.setup is not own:
        changed = max(0, ceil_fraction(placed.work.setup - own))
    return StepWindow(
        node.step,
        start - node.queue,
        start,
        finish,
        finish + node.move,
        setup,
        length - setup,
        segments or ((start, finish),),
        placed.option.resources,
        node.family,
        changed,
    )
