"""Fast clocks: a single step that never waits, and steps in a row.

Both do what `NetworkClock` does for every routing, in a fraction of the time: a step
that never closes is integer arithmetic, a step with calendars two bisections.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm
from typing import TYPE_CHECKING

from medhavi.providers.capacity.network import last_end, moved, shifted
from medhavi.providers.sources import OrderTiming, StepWindow
from medhavi.snapshot.calendars.calendars import WorkingTime
from medhavi.units import ceil_fraction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.capacity.network import OutputTiming, StepNode
    from medhavi.providers.sources import Clock

_made = tuple.__new__
"""Makes a named tuple of all its fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """Working seconds of an order of n steps: ceil((fixed + rate n) / scale).

    `setup` is the part of it that does not grow.
    """

    fixed: int
    rate: int
    scale: int
    setup: int

    @classmethod
    def of(
        cls, node: StepNode, option: ResourceOption, run: Fraction, per_step: Fraction
    ) -> Duration:
        """Put set-up, fixed and run time over one denominator."""
        pace = option.axis.steady
        if pace is None:
            message = f"step {node.step}: the pace changes, no one duration holds."
            raise ValueError(message)
        if pace != 1:
            run, per_step = run / pace, per_step / pace
        fixed = option.setup + run if option.setup else run
        rate = per_step
        scale = lcm(fixed.denominator, rate.denominator)
        return cls(
            fixed=fixed.numerator * (scale // fixed.denominator),
            rate=rate.numerator * (scale // rate.denominator),
            scale=scale,
            setup=ceil_fraction(option.setup),
        )

    def length(self, units: int) -> int:
        """Working time of an order of so many units [s]."""
        return -(-(self.fixed + self.rate * units) // self.scale)


class SingleStepClock:
    """One step, always open, one set of resources: arithmetic alone.

    Parameters
    ----------
    safety
        Soft time after the step [s], safety days in it.
    """

    __slots__ = (
        "_family",
        "_fixed",
        "_move",
        "_queue",
        "_rate",
        "_resources",
        "_safety",
        "_scale",
        "_setup",
        "_step",
    )

    def __init__(
        self, node: StepNode, option: ResourceOption, duration: Duration, safety: int
    ) -> None:
        self._step = node.step
        self._family = node.family
        self._queue = node.queue
        self._move = node.move
        self._resources = option.resources
        self._fixed = duration.fixed
        self._rate = duration.rate
        self._scale = duration.scale
        self._setup = duration.setup
        self._safety = safety

    def latest(self, need: int, units: int) -> OrderTiming:
        """Latest order that is usable, safety time included, by `need`."""
        length = -(-(self._fixed + self._rate * units) // self._scale)
        after = need - self._safety
        finish = after - self._move
        start = finish - length
        return self._timing(start - self._queue, start, finish, after)

    def earliest(self, start: int, units: int) -> OrderTiming:
        """Earliest order that begins nothing before `start`."""
        length = -(-(self._fixed + self._rate * units) // self._scale)
        begin = start + self._queue
        finish = begin + length
        return self._timing(start, begin, finish, finish + self._move)

    def earliest_each(
        self, starts: Iterable[int], sizes: Iterable[int]
    ) -> list[OrderTiming]:
        """What `earliest` gives, of many orders."""
        fixed, rate, scale = self._fixed, self._rate, self._scale
        queue, move, setup = self._queue, self._move, self._setup
        step, resources, family = self._step, self._resources, self._family
        found = []
        for queued, steps in zip(starts, sizes, strict=True):
            length = -(-(fixed + rate * steps) // scale)
            start = queued + queue if queue else queued
            finish = start + length
            after = finish + move if move else finish
            window = _made(
                StepWindow,
                (
                    step,
                    queued,
                    start,
                    finish,
                    after,
                    setup,
                    length - setup if setup else length,
                    ((start, finish),),
                    resources,
                    family,
                    0,
                ),
            )
            timing: OrderTiming = _made(
                OrderTiming, (queued, after, queued, (window,), None, ())
            )
            found.append(timing)
        return found

    def _timing(self, queued: int, start: int, finish: int, after: int) -> OrderTiming:
        setup, span = self._setup, ((start, finish),)
        # Their own constructors are functions that call this one with all fields.
        window = _made(
            StepWindow,
            (
                self._step,
                queued,
                start,
                finish,
                after,
                setup,
                finish - start - setup,
                span,
                self._resources,
                self._family,
                0,
            ),
        )
        timing: OrderTiming = _made(
            OrderTiming, (queued, after, queued, (window,), None, ())
        )
        return timing


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep:
    """A step of a chain; `lag` and `safety` lie between its end and the next step."""

    step: int
    queue: int
    move: int
    lag: int
    safety: int
    duration: Duration
    working: WorkingTime
    resources: tuple[tuple[str, float], ...]
    family: str | None = None


class ChainClock:
    """Steps in a row, each with one set of resources and a steady pace.

    Parameters
    ----------
    steps
        In order of working; may be none.
    delivery
        One outlet, at the end of the last step.
    others
        Clock with the alternates of the steps, asked where a first choice never opens.
    """

    __slots__ = ("_delivery", "_offset", "_others", "_outlet", "_steps")

    def __init__(
        self,
        steps: tuple[ChainStep, ...],
        delivery: OutputTiming,
        others: Clock | None = None,
    ) -> None:
        self._steps = steps
        self._others = others
        self._delivery = delivery
        self._outlet = delivery.outlets[0]
        self._offset = self._outlet.offset

    def latest(self, need: int, units: int) -> OrderTiming | None:
        """Latest order that is usable, safety time included, by `need`."""
        by = self._delivery.before_safety(need)
        if by is not None and self._offset:
            by = self._end_by(by, units)
        if by is None:
            return None
        bound = by
        windows: list[StepWindow] = []
        for step in reversed(self._steps):
            length = step.duration
            work = -(-(length.fixed + length.rate * units) // length.scale)
            bound -= step.move + step.safety + step.lag
            if work:
                finish = step.working.previous_open(bound)
            else:
                finish = step.working.previous_moment(bound)
            start = None if finish is None else step.working.subtract(finish, work)
            if start is None or finish is None:
                others = self._others
                return None if others is None else others.latest(need, units)
            windows.append(_window(step, start, finish, work))
            bound = start - step.queue
        windows.reverse()
        return chain_timing(windows, by, self._outlet.working, self._offset)

    def earliest(self, start: int, units: int) -> OrderTiming | None:
        """Earliest order that begins nothing before `start`."""
        bound = start
        windows: list[StepWindow] = []
        for step in self._steps:
            length = step.duration
            work = -(-(length.fixed + length.rate * units) // length.scale)
            bound += step.queue
            if work:
                begin = step.working.next_open(bound)
            else:
                begin = step.working.next_moment(bound)
            finish = None if begin is None else step.working.add(begin, work)
            if begin is None or finish is None:
                others = self._others
                return None if others is None else others.earliest(start, units)
            windows.append(_window(step, begin, finish, work))
            bound = finish + step.move + step.lag
        return chain_timing(windows, start, self._outlet.working, self._offset)

    def _end_by(self, by: int, units: int) -> int | None:
        """When the last step must be through for an output with an offset."""
        if not self._steps:
            return shifted(self._outlet.working, by, -self._offset)
        last = self._steps[-1]
        ways = [(last.working, last.duration.length(units))]
        return last_end(self._outlet, by, last.move, ways)


def chain_timing(
    windows: Sequence[StepWindow], empty: int, working: WorkingTime, offset: int
) -> OrderTiming | None:
    """Dates of an order by the windows of its steps, one after the other.

    Parameters
    ----------
    empty
        Begin and end where there are no steps [UTC s].
    working, offset
        Open time at the step that gives the main product; how much later it does [s].
    """
    last = windows[-1] if windows else None
    after = last.after if last else empty
    finish = moved(working, last, after, offset) if offset else after
    if finish is None:
        return None
    start = windows[0].queue_start if windows else empty
    return OrderTiming(start, finish, start, tuple(windows))


def _window(step: ChainStep, start: int, finish: int, work: int) -> StepWindow:
    if finish - start == work:
        segments: tuple[tuple[int, int], ...] = ((start, finish),)
    else:
        segments = tuple(step.working.segments(start, finish))
    setup = step.duration.setup
    return StepWindow(
        step.step,
        start - step.queue,
        start,
        finish,
        finish + step.move,
        setup,
        work - setup,
        segments,
        step.resources,
        step.family,
    )
