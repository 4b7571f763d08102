"""Steps in a row among other work, in integers: what most routings are.

Does what `NetworkClock` does in an `FreeSlots`, for routings whose steps follow one
another with a steady pace; a step without closed time is found in a few microseconds.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from medhavi.providers.capacity.clocks import Duration, chain_timing
from medhavi.providers.capacity.network import last_end, shifted
from medhavi.providers.capacity.resource_ledger import ENDLESS
from medhavi.providers.finite_capacity.free_slots import AT_ONCE
from medhavi.providers.finite_capacity.option import (
    FiniteOption,
    OptionSlot,
    SequencedOption,
)
from medhavi.providers.sources import StepWindow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.providers.capacity.network import MainOutput
    from medhavi.providers.capacity.resource_ledger import FreeIntervals
    from medhavi.providers.capacity.routings import CompiledRouting
    from medhavi.providers.capacity.schedule import RoutingTask
    from medhavi.providers.finite_capacity.free_slots import FreeSlots
    from medhavi.providers.sources import OrderTiming

    Span = tuple[int, int]
    Least = tuple[tuple[int, ...], tuple[int, ...], int]
    """Least time of an order from each step on, of each step, and of all [s]."""
    KnownOrders = dict[tuple["FiniteChain", int, int, int | None], OrderTiming | None]
    """Orders by chain, size [units], first instant and the instant to be through by."""


_made = tuple.__new__
"""Makes a named tuple of all its fields."""


class FiniteStep:
    """A step of a chain with all its options, in the order of preference."""

    __slots__ = (
        "_only",
        "_paces",
        "alike",
        "family",
        "lag",
        "move",
        "options",
        "queue",
        "rule",
        "safety",
        "sequenced",
        "step",
        "uses",
    )

    def __init__(
        self, task: RoutingTask, options: Sequence[FiniteOption], lag: int, safety: int
    ) -> None:
        node = task.node
        self.step = node.step
        self.queue = node.queue
        self.move = node.move
        self.lag = lag
        self.safety = safety
        self.options = tuple(options)
        self.sequenced = {
            book.clock.resource
            for option in self.options
            if isinstance(option, SequencedOption)
            for book, _ in option.tracks
            if book.clock.matrix is not None
        }
        """Resources whose changeovers the step looks at."""
        self.uses = {
            book.clock.resource for option in self.options for book, _ in option.tracks
        }
        """Resources that the step may hold."""
        self._only = self.options[0] if len(self.options) == 1 else None
        self._paces = tuple({option.times for option in self.options})
        self.alike = _alike(self.options)
        """Options with what is free of their resource, where all take as long."""
        self.rule = node.rule
        """Which option is preferred."""
        self.family = node.family

    def shortest(self, units: int) -> int:
        """Working time of an order with the option that needs the least [s]."""
        paces = self._paces
        if len(paces) == 1:
            fixed, rate, scale = paces[0]
            return -(-(fixed + rate * units) // scale)
        return min(
            [-(-(fixed + rate * units) // scale) for fixed, rate, scale in paces],
            default=0,
        )

    def choose(self, units: int, bound: int, *, hasty: bool) -> OptionSlot | None:
        """Choose the option that is through early; its queue is over by `bound`."""
        if self._only is not None:
            return self._only.earliest(units, bound)
        rule = "earliest" if hasty else self.rule
        if self.alike and units > 0 and rule != "cost":
            length = self.shortest(units)
            return self.first_through(length, bound, first=rule == "preference")
        best: OptionSlot | None = None
        if rule == "cost":
            found = [option.earliest(units, bound) for option in self.options]
            return min(
                [one for one in found if one is not None], key=_cost, default=None
            )
        limit = ENDLESS
        for option in self.options:
            taken = option.earliest(units, bound, limit)
            # Of those with one end the first stays.
            if taken is None or taken.finish >= limit:
                continue
            if rule == "preference":
                return taken
            best, limit = taken, taken.finish
        return best

    def first_through(
        self, length: int, bound: int, *, first: bool
    ) -> OptionSlot | None:
        """Choose of options that are alike the one through first, or with room first.

        All of them work for as long: what can begin at once and go through without a
        pause is never beaten.

        Parameters
        ----------
        length
            Working time of each of them [s].
        """
        taken: FiniteOption | None = None
        start, limit, least = 0, ENDLESS, bound + length
        for option, free in self.alike:
            span = free.earliest(option.splittable, length, bound, limit)
            if span is None or span[1] >= limit:
                continue
            taken = option
            start, limit = span
            if first or limit <= least:
                break
        if taken is None:
            return None
        made: OptionSlot = _made(OptionSlot, (taken, start, limit, length, 0))
        return made

    def latest(
        self, units: int, floor: int, bound: int, *, hasty: bool
    ) -> StepWindow | None:
        """Place the step as late as possible, its queue not before `floor`."""
        floor += self.queue
        if self._only is not None:
            taken = self._only.latest(units, (floor, bound))
            return None if taken is None else self.window(taken)
        found = []
        rule = "earliest" if hasty else self.rule
        for option in self.options:
            taken = option.latest(units, (floor, bound))
            if taken is not None:
                found.append(taken)
                if rule == "preference":
                    break
        if not found:
            return None
        best = min(found, key=_cost) if rule == "cost" else max(found, key=_start)
        return self.window(best)

    def window(self, taken: OptionSlot) -> StepWindow:
        """Window of an option where it stands."""
        option, start, finish, length, changed = taken
        if finish - start == length:
            segments: tuple[Span, ...] = ((start, finish),)
        else:
            segments = tuple(option.working.segments(start, finish))
        setup = option.setup + changed
        made: StepWindow = _made(
            StepWindow,
            (
                self.step,
                start - self.queue,
                start,
                finish,
                finish + self.move,
                setup,
                length - setup,
                segments,
                option.resources,
                self.family,
                changed,
            ),
        )
        return made


def _alike(
    options: Sequence[FiniteOption],
) -> tuple[tuple[FiniteOption, FreeIntervals], ...]:
    """Options with what is free of their resource where all take as long; else none."""
    found = tuple(
        (option, book.free(option.working, need))
        for option in options
        if type(option) is FiniteOption and len(option.tracks) == 1
        for book, need in option.tracks
    )
    times = {option.times for option, _ in found}
    # Work without length is placed otherwise: it needs no room.
    alike = len(found) == len(options) and len(times) == 1 and found[0][0].length(1)
    return found if alike else ()


def _cost(taken: OptionSlot) -> float:
    return taken.option.cost_per_hour * taken.length / 3600


def _start(taken: OptionSlot) -> int:
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

    __slots__ = (
        "_least",
        "_offset",
        "_outlet",
        "_working",
        "alternates",
        "plain",
        "sequenced",
        "steps",
    )

    def __init__(self, steps: tuple[FiniteStep, ...], outlet: MainOutput) -> None:
        self.steps = steps
        self.sequenced = any(step.sequenced for step in steps)
        """Whether a changeover follows from the sequence of some step."""
        self._offset = outlet.offset
        self._outlet = outlet
        self._least: dict[int, Least] = {}
        self.alternates = any(len(step.options) > 1 for step in steps)
        """Whether another option than the preferred one can be taken."""
        times = {option.working for step in steps for option in step.options}
        self._working = times.pop() if len(times) == 1 else None
        """Open time of all options, where it is the same."""
        self.plain = bool(steps) and not self.sequenced and not self._offset
        """Whether it ends with its last step, and no set-up follows from a sequence."""

    def earliest(
        self,
        units: int,
        start: int,
        *,
        hasty: bool,
        ready: Mapping[int, int] = AT_ONCE,
    ) -> OrderTiming | None:
        """Earliest order that begins nothing before `start`, nor steps before ready."""
        chosen: list[OptionSlot] = []
        bounds = start, ENDLESS
        found = self._choose_on(chosen, units, bounds, hasty=hasty, ready=ready)
        return self._run(chosen, start) if found else None

    def least(self, units: int, start: int) -> int:
        """Instant before which no order from `start` on is through [s]."""
        rest, _, work = self._rest(units)
        bound = start + rest[0]
        if self._working is None or not work:
            return bound
        span = self._working.soonest(start, work)
        return bound if span is None else max(bound, span[1])

    def _rest(self, units: int) -> Least:
        """What passes from each step on to the end, each step's work, all work [s]."""
        known = self._least.get(units)
        if known is not None:
            return known
        lengths = tuple([step.shortest(units) for step in self.steps])
        passed, rest = 0, [0]
        for step, length in zip(reversed(self.steps), reversed(lengths), strict=True):
            passed += step.queue + length + step.move + step.lag
            rest.append(passed)
        known = self._least[units] = tuple(reversed(rest)), lengths, sum(lengths)
        return known

    def soonest(
        self,
        units: int,
        start: int,
        by: int | None,
        known: KnownOrders | None = None,
        ready: Mapping[int, int] = AT_ONCE,
    ) -> OrderTiming | None:
        """Earliest order of a plain chain that begins nothing before `start`.

        With its preferred resources where it is through by `by`; else with those that
        are through first, step by step, unless that is no sooner.

        Parameters
        ----------
        known
            Orders that were placed before in the same state of all ledgers, and whose
            steps were as ready.
        ready
            Instants before which some steps do not begin, by step [s].
        """
        if known is None:
            known = {}
        key = self, units, start, by
        if key not in known:
            known[key] = self._soonest(units, (start, by), known, ready)
        return known[key]

    def _soonest(
        self,
        units: int,
        bounds: tuple[int, int | None],
        known: KnownOrders,
        ready: Mapping[int, int],
    ) -> OrderTiming | None:
        start, by = bounds
        if by is None:
            return self.earliest(units, start, hasty=True, ready=ready)
        if not self.alternates:
            return self.soonest(units, start, None, known, ready)
        chosen: list[OptionSlot] = []
        until = start, by
        if not self._choose_on(chosen, units, until, hasty=False, ready=ready):
            hasty = self.soonest(units, start, None, known, ready)
            # What is preferred stays where the others are through no sooner.
            until = start, ENDLESS if hasty is None else hasty.finish
            if not self._choose_on(chosen, units, until, hasty=False, ready=ready):
                return hasty
        return self._run(chosen, start)

    def _choose_on(
        self,
        chosen: list[OptionSlot],
        units: int,
        bounds: Span,
        *,
        hasty: bool,
        ready: Mapping[int, int],
    ) -> bool:
        """Choose an option for each step that has none, one after the other.

        Whether all have one: they have not where a step finds no room, or where the
        order would be through too late.

        Parameters
        ----------
        chosen
            Options of the first steps; it grows.
        bounds
            Instants from which the order begins and by which it is through [s].
        ready
            As of `soonest`.
        """
        bound, latest = bounds
        if chosen:
            last = self.steps[len(chosen) - 1]
            bound = chosen[-1].finish + last.move + last.lag
        rest, lengths, _ = self._rest(units)
        for place in range(len(chosen), len(self.steps)):
            # What is left takes at least so long.
            if bound + rest[place] > latest:
                return False
            step = self.steps[place]
            bound += step.queue
            if ready:
                # The queue runs while the step waits for what it takes.
                bound = max(bound, ready.get(step.step, bound))
            if step.alike and lengths[place] and (hasty or step.rule != "cost"):
                first = not hasty and step.rule == "preference"
                taken = step.first_through(lengths[place], bound, first=first)
            else:
                taken = step.choose(units, bound, hasty=hasty)
            if taken is None:
                return False
            chosen.append(taken)
            bound = taken.finish + step.move + step.lag
        return bound <= latest

    def _run(self, chosen: list[OptionSlot], start: int) -> OrderTiming | None:
        windows = [
            step.window(taken) for step, taken in zip(self.steps, chosen, strict=True)
        ]
        return chain_timing(windows, start, self._outlet.working, self._offset)

    def latest(
        self, units: int, by: int, not_before: int, *, hasty: bool
    ) -> OrderTiming | None:
        """Latest order whose output is there by an instant."""
        output: int | None = by
        if self._offset:
            output = self._end_by(by, units)
        if output is None:
            return None
        bound = output
        windows: list[StepWindow] = []
        for step in reversed(self.steps):
            bound -= step.move + step.safety + step.lag
            window = step.latest(units, not_before, bound, hasty=hasty)
            if window is None:
                return None
            windows.append(window)
            bound = window.queue_start
        windows.reverse()
        if not windows and output < not_before:
            return None
        return chain_timing(windows, output, self._outlet.working, self._offset)

    def _end_by(self, by: int, units: int) -> int | None:
        """When the last step must be through for an output with an offset."""
        if not self.steps:
            return shifted(self._outlet.working, by, -self._offset)
        last = self.steps[-1]
        ways = [(option.working, option.length(units)) for option in last.options]
        return last_end(self._outlet, by, last.move, ways)


def finite_chain(compiled: CompiledRouting, room: FreeSlots) -> FiniteChain | None:
    """Compile a routing to a chain; `None`: it asks for more than a row of steps."""
    outlet = compiled.outlets[0]
    simple = len(compiled.outlets) == 1 and outlet.anchor == "end"
    if not simple or outlet.step is not None or not compiled.network.is_chain:
        return None
    steps: list[FiniteStep] = []
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
    uses = Counter(name for step in steps for name in step.uses)
    if any(uses[name] > 1 for step in steps for name in step.sequenced):
        # Its own steps follow each other there: each must see the others, and one
        # without a family must not take the time that a follower's changeover needs.
        return None
    return FiniteChain(tuple(steps), outlet)


def _options(task: RoutingTask, room: FreeSlots) -> list[FiniteOption] | None:
    """Options that can work at all; `None`: not with whole numbers alone."""
    node, plan = task.node, task.plan
    if len(plan.epochs) > 1 or task.fixed_window is not None or node.batch is not None:
        return None
    found: list[FiniteOption] = []
    # Four numbers, because a fraction takes long to hash.
    times = (*task.fixed.as_integer_ratio(), *task.rate.as_integer_ratio())
    for option in plan.epochs[0].options:
        means = room.means(option)
        if option.axis.steady is None or means.buckets:
            return None
        if not means.possible:
            continue
        if means.sequences and node.family is not None:
            duration = Duration.of(node, option, task.fixed, task.rate)
            found.append(
                SequencedOption(
                    option, duration, means.tracks, node.family, means.sequences
                )
            )
            continue
        known = means.placed.get(times)
        if known is None:
            duration = Duration.of(node, option, task.fixed, task.rate)
            known = means.placed[times] = FiniteOption(option, duration, means.tracks)
        found.append(known)
    return found
