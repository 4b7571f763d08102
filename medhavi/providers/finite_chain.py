"""Steps in a row among other work, in integers: what most routings are.

Does what `NetworkClock` does in an `OccupiedRoom`, for routings whose steps follow one
another with a steady pace; a step without closed time is found in a few microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.capacity_clocks import Duration
from medhavi.providers.capacity_delivery import shifted
from medhavi.providers.timing import StepWindow, Timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.providers.capacity_delivery import Outlet
    from medhavi.providers.capacity_room import Option
    from medhavi.providers.capacity_routings import CompiledRouting
    from medhavi.providers.capacity_schedule import Task
    from medhavi.providers.finite_room import OccupiedRoom
    from medhavi.providers.resource_ledger import Ledger
    from medhavi.snapshot.calendars import WorkingTime

    Span = tuple[int, int]


class FiniteOption:
    """One option of a step with the ledgers of its resources."""

    __slots__ = (
        "_book",
        "_fixed",
        "_need",
        "_rate",
        "_scale",
        "_splittable",
        "_tracks",
        "cost_per_hour",
        "resources",
        "setup",
        "working",
    )

    def __init__(
        self,
        option: Option,
        duration: Duration,
        tracks: Sequence[tuple[Ledger, int]],
    ) -> None:
        self._fixed = duration.fixed
        self._rate = duration.rate
        self._scale = duration.scale
        self._splittable = option.axis.splittable
        self._tracks = tuple(tracks)
        self._book: Ledger | None = None
        self._need = 0
        if len(tracks) == 1:
            self._book, self._need = tracks[0]
        self.setup = duration.setup
        self.working: WorkingTime = option.axis.working
        self.resources = option.resources
        self.cost_per_hour = option.cost_per_hour

    def length(self, steps: int) -> int:
        """Give the working seconds of an order of so many steps."""
        return -(-(self._fixed + self._rate * steps) // self._scale)

    def earliest(self, length: int, bound: int) -> Span | None:
        """Place work as early as possible from an instant on."""
        working = self.working
        if not length:
            start = working.next_moment(bound)
            return None if start is None else (start, start)
        if self._book is not None:
            return self._book.earliest(
                working, self._splittable, length, bound, self._need
            )
        if not self._tracks:
            if not self._splittable:
                start = working.first_fit(bound, length)
                return None if start is None else (start, start + length)
            start = working.next_open(bound)
            finish = None if start is None else working.add(start, length)
            return None if start is None or finish is None else (start, finish)
        found: Span | None = None
        agreed = place = 0
        while agreed < len(self._tracks):
            book, need = self._tracks[place]
            span = book.earliest(working, self._splittable, length, bound, need)
            if span is None:
                return None
            agreed = agreed + 1 if found == span else 1
            found, bound = span, span[0]
            place = (place + 1) % len(self._tracks)
        return found

    def latest(self, length: int, bounds: Span) -> Span | None:
        """Place work as late as possible; bounds are the floor and the end."""
        working = self.working
        floor, bound = bounds
        if not length:
            start = working.previous_moment(bound)
            return None if start is None or start < floor else (start, start)
        if not self._tracks:
            if self._splittable:
                start = working.subtract(bound, length)
                finish = None if start is None else working.add(start, length)
            else:
                start = working.last_fit(bound, length)
                finish = None if start is None else start + length
            if start is None or finish is None or start < floor:
                return None
            return start, finish
        found: Span | None = None
        agreed = place = 0
        while agreed < len(self._tracks):
            book, need = self._tracks[place]
            span = book.latest(working, self._splittable, length, (floor, bound), need)
            if span is None:
                return None
            agreed = agreed + 1 if found == span else 1
            found, bound = span, span[1]
            place = (place + 1) % len(self._tracks)
        return found


class Taken(NamedTuple):
    """An option and where it stands."""

    option: FiniteOption
    start: int
    finish: int
    length: int


class FiniteStep:
    """A step of a chain with all its options, in the order of preference."""

    __slots__ = (
        "_family",
        "_only",
        "_rule",
        "lag",
        "move",
        "options",
        "queue",
        "safety",
        "step",
    )

    def __init__(
        self, task: Task, options: Sequence[FiniteOption], lag: int, safety: int
    ) -> None:
        node = task.node
        self.step = node.step
        self.queue = node.queue
        self.move = node.move
        self.lag = lag
        self.safety = safety
        self.options = tuple(options)
        self._only = self.options[0] if len(self.options) == 1 else None
        self._rule = node.rule
        self._family = node.family

    def earliest(self, steps: int, bound: int, *, hasty: bool) -> StepWindow | None:
        """Place the step as early as possible; its queue is over by `bound`."""
        option = self._only
        if option is not None:
            length = option.length(steps)
            span = option.earliest(length, bound)
            if span is None:
                return None
            return self._window(option, span[0], span[1], length)
        found = []
        rule = "earliest" if hasty else self._rule
        for option in self.options:
            length = option.length(steps)
            span = option.earliest(length, bound)
            if span is not None:
                found.append(Taken(option, span[0], span[1], length))
                if rule == "preference":
                    break
        if not found:
            return None
        best = min(found, key=_cost) if rule == "cost" else min(found, key=_finish)
        return self._window(*best)

    def latest(
        self, steps: int, floor: int, bound: int, *, hasty: bool
    ) -> StepWindow | None:
        """Place the step as late as possible, its queue not before `floor`."""
        floor += self.queue
        found = []
        rule = "earliest" if hasty else self._rule
        for option in self.options:
            length = option.length(steps)
            span = option.latest(length, (floor, bound))
            if span is not None:
                found.append(Taken(option, span[0], span[1], length))
                if rule == "preference":
                    break
        if not found:
            return None
        best = min(found, key=_cost) if rule == "cost" else max(found, key=_start)
        return self._window(*best)

    def _window(
        self, option: FiniteOption, start: int, finish: int, length: int
    ) -> StepWindow:
        if finish - start == length:
            segments: tuple[Span, ...] = ((start, finish),)
        else:
            segments = tuple(option.working.segments(start, finish))
        setup = option.setup
        return StepWindow(
            self.step,
            start - self.queue,
            start,
            finish,
            finish + self.move,
            setup,
            length - setup,
            segments,
            option.resources,
            self._family,
        )


def _cost(taken: Taken) -> float:
    return taken.option.cost_per_hour * taken.length / 3600


def _finish(taken: Taken) -> int:
    return taken.finish


def _start(taken: Taken) -> int:
    return taken.start


class FiniteChain:
    """A routing whose steps follow each other, among other work.

    Parameters
    ----------
    steps
        In order of working; may be none.
    outlet
        The one outlet, at the end of the last step.
    """

    __slots__ = ("_offset", "_offset_time", "alternates", "steps")

    def __init__(self, steps: tuple[FiniteStep, ...], outlet: Outlet) -> None:
        self.steps = steps
        self._offset = outlet.offset
        self._offset_time = outlet.working
        self.alternates = any(len(step.options) > 1 for step in steps)
        """Whether another option than the preferred one can be taken."""

    def earliest(self, steps: int, start: int, *, hasty: bool) -> Timing | None:
        """Give the earliest order that begins nothing before `start`."""
        bound = start
        windows: list[StepWindow] = []
        for step in self.steps:
            window = step.earliest(steps, bound + step.queue, hasty=hasty)
            if window is None:
                return None
            windows.append(window)
            bound = window.after + step.lag
        return self._timing(windows, start)

    def latest(
        self, steps: int, by: int, not_before: int, *, hasty: bool
    ) -> Timing | None:
        """Give the latest order whose output is there by an instant."""
        output: int | None = by
        if self._offset:
            output = shifted(self._offset_time, by, -self._offset)
        if output is None:
            return None
        bound = output
        windows: list[StepWindow] = []
        for step in reversed(self.steps):
            bound -= step.move + step.safety + step.lag
            window = step.latest(steps, not_before, bound, hasty=hasty)
            if window is None:
                return None
            windows.append(window)
            bound = window.queue_start
        windows.reverse()
        if not windows and output < not_before:
            return None
        return self._timing(windows, output)

    def _timing(self, windows: list[StepWindow], empty: int) -> Timing | None:
        after = windows[-1].after if windows else empty
        finish: int | None = after
        if self._offset:
            finish = shifted(self._offset_time, after, self._offset)
        if finish is None:
            return None
        start = windows[0].queue_start if windows else empty
        return Timing(start, finish, start, tuple(windows))


def finite_chain(compiled: CompiledRouting, room: OccupiedRoom) -> FiniteChain | None:
    """Compile a routing to a chain; `None`: it asks for more than a row of steps."""
    outlet = compiled.outlets[0]
    simple = len(compiled.outlets) == 1 and outlet.anchor == "end"
    if not simple or outlet.step is not None or not compiled.network.is_chain:
        return None
    steps = []
    for place, task in enumerate(compiled.tasks):
        options = _options(task, room)
        if options is None:
            return None
        following = compiled.network.links[place : place + 1]
        steps.append(
            FiniteStep(
                task,
                options,
                following[0].lag if following else 0,
                following[0].safety if following else task.node.safety,
            )
        )
    return FiniteChain(tuple(steps), outlet)


def _options(task: Task, room: OccupiedRoom) -> list[FiniteOption] | None:
    """Give the options that can work at all; `None`: not with whole numbers alone."""
    node, plan = task.node, task.plan
    if len(plan.epochs) > 1 or task.fixed_window is not None or node.batch is not None:
        return None
    found = []
    for option in plan.epochs[0].options:
        means = room.means(option)
        sequenced = bool(means.sequences) and node.family is not None
        if option.axis.steady is None or means.buckets or sequenced:
            return None
        if means.possible:
            duration = Duration.of(node, option, task.fixed, task.rate)
            found.append(FiniteOption(option, duration, means.tracks))
    return found
