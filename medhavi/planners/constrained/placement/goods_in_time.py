"""Whether an order begins when what it takes is there, and lives until it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.units import ALWAYS, INT64_MAX, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.constrained.netting.dating import FeasibleRelease
    from medhavi.planners.constrained.orders.jobs import Job, Out
    from medhavi.planners.mrp.netting_state.state import Need, Order
    from medhavi.providers.material.recipes import Component
    from medhavi.providers.sources import StepWindow, Timing


class Spot(NamedTuple):
    """At which window of an order a line is taken, as long as that is its step."""

    place: int
    step: int | None
    at_start: bool


NOWHERE = Spot(INT64_MAX, None, at_start=False)
"""Of lines whose instant is not simply the start or the end of a step."""


class GoodsInTime:
    """Answers for orders at places where they might stand.

    Parameters
    ----------
    release
        Register of the netting.
    """

    def __init__(self, release: FeasibleRelease) -> None:
        self._release = release
        self._asked: Job | None = None
        self._there: Timing | None = None
        self._uses: list[int] = []
        self._spots: dict[int, Spot] = {}
        """Where lines of bills of materials are taken, by identity."""

    def lack(self, job: Job, timing: Timing) -> int:
        """How much an order is too early for its inputs and outputs [s].

        At most 0: nothing is; `NEVER`: it is too late, another bill of materials holds
        or what it takes has expired.
        """
        order = job.order
        if job.timeless and order.kind == "move" and not job.mortal:
            return job.goods - timing.ready
        lack = ALWAYS
        for take, use in zip(job.takes, self.uses(job, timing), strict=True):
            there, dead = take.opens, NEVER
            # Two comparisons a unit: max() and min() take three times as long.
            for unit in take.units:
                if unit.arrives > there:  # noqa: PLR1730
                    there = unit.arrives
                if unit.expires < dead:  # noqa: PLR1730
                    dead = unit.expires
            if use >= take.closes or use > dead:
                lack = NEVER
            elif there - use > lack:
                lack = there - use
        for gap in job.gaps:
            use = self._release.use_instant(order, gap.line, timing)
            lack = NEVER if use >= gap.closes else max(lack, gap.opens - use)
        for out in job.outs:
            if out.opens > ALWAYS or out.closes < NEVER:
                at = self.falls_out(job, out, timing)
                lack = NEVER if at >= out.closes else max(lack, out.opens - at)
        return lack

    def outlives(self, job: Job, timing: Timing) -> int:
        """How much later than netted a job takes what has expired by then [s]."""
        late = 0
        for take in job.mortal:
            use = self.use(job, take.need, timing)
            if use > min(unit.expires for unit in take.units):
                late = max(late, use - take.need.instant)
        return late

    def dead(self, job: Job, timing: Timing) -> int:
        """How long what a job takes is dead by then [s]; 0: it lives."""
        longest = 0
        for take in job.mortal:
            end = min(unit.expires for unit in take.units)
            longest = max(longest, self.use(job, take.need, timing) - end)
        return longest

    def falls_out(self, job: Job, out: Out, timing: Timing) -> int:
        """When a unit is in stock."""
        if out.gain is None:
            return timing.finish
        job.order.timing, before = timing, job.order.timing
        found = self._release.output_instant(job.order, out.gain)
        job.order.timing = before
        return found

    def behind(
        self,
        job: Job,
        timing: Timing | None,
        matches: Mapping[int, Iterable[int]],
        dates: Mapping[int, int],
    ) -> int:
        """Lateness of an output for its takers [s].

        It falls out at a step of its own or an offset, not always as long before the
        order ends. `matches` lists what is delivered of a unit, `dates` says when.
        """
        if timing is None or job.timeless:
            return 0
        late = 0
        for out in job.outs:
            if out.gain is None:
                continue
            at, unit = self.falls_out(job, out, timing), out.unit
            taken = [dates[match] for match in matches.get(unit.index, ())]
            taken += [one.instant for one, _ in unit.takers if one.demand == NO_DEMAND]
            late = max([late, *(at - instant for instant in taken)])
        return late

    def use(self, job: Job, need: Need, timing: Timing) -> int:
        """When an order takes what it needs."""
        order = job.order
        if need.line is None or order.kind == "move":
            return _begin(order, timing)
        return self._release.use_instant(order, need.line, timing)

    def uses(self, job: Job, timing: Timing) -> list[int]:
        """When an order takes each thing that it takes, in order of its takes.

        Whoever asks whether a place is good asks again when the order is put there.
        """
        if self._there is timing and self._asked is job:
            return self._uses
        self._asked, self._there = job, timing
        self._uses = self._uses_at(job, timing)
        return self._uses

    def _uses_at(self, job: Job, timing: Timing) -> list[int]:
        order = job.order
        begin = _begin(order, timing)
        if order.kind == "move":
            return [begin] * len(job.takes)
        found = []
        spots, windows = self._spots, timing.steps
        for take in job.takes:
            line = take.need.line
            if line is None:
                found.append(begin)
                continue
            spot = spots.get(id(line)) or self._spot(line, windows)
            place, step, at_start = spot
            if place < len(windows):
                window = windows[place]
                if window.step == step:
                    found.append(window.start if at_start else window.finish)
                    continue
            found.append(self._release.use_instant(order, line, timing))
        return found

    def _spot(self, line: Component, windows: Sequence[StepWindow]) -> Spot:
        """Look up at which window a line is taken, if simply at its start or end."""
        steps = [window.step for window in windows]
        if line.offset_minutes or line.step not in steps:
            spot = NOWHERE
        else:
            spot = Spot(steps.index(line.step), line.step, line.anchor == "start")
        self._spots[id(line)] = spot
        return spot


def _begin(order: Order, timing: Timing) -> int:
    """When an order takes what no line of a bill of materials dates otherwise."""
    if order.kind == "move":
        return timing.ready
    return timing.steps[0].start if timing.steps else timing.start
