"""Whether an order begins when what it takes is there, and lives until it is used.

Orders are placed as early as they can be before they move back. What dies must not come
so early that it is dead when a demand, which does not move, takes it; nor what goes
into it, and so on down.

A dated output of a recipe may begin between the two. It is free supply then: nothing
was netted with it, and no order waits for it or is kept from its place by it.

They hold their place before all others then. What was placed before on other resources,
of other suppliers and with other vehicles, and takes from nothing that is placed again,
would be placed where it is: it stays. The result is that of placing all again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.orders.jobs import restore, state_of
from medhavi.planners.constrained.orders.lateness_weights import TOO_OLD
from medhavi.planners.mrp.netting_state.state import NO_DEMAND, SupplyAlternative
from medhavi.units import ALWAYS, INT64_MAX, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from medhavi.planners.constrained.netting.order_dates import FeasibleOrderCreation
    from medhavi.planners.constrained.orders.jobs import Job, Netted, Out
    from medhavi.planners.constrained.orders.lateness_weights import Line
    from medhavi.planners.mrp.netting_state.run_state import NettingState
    from medhavi.planners.mrp.netting_state.state import Need, SupplyOrder, SupplyUnit
    from medhavi.providers.material.recipes import Component, Recipe
    from medhavi.providers.sources import OrderTiming, StepWindow

    Places = Callable[[SupplyOrder], frozenset[tuple[str, str]]]
    """Where the place of one order can change that of another."""


class LineWindow(NamedTuple):
    """At which window of an order a line is taken, as long as that is its step."""

    place: int
    step: int | None
    at_start: bool


NOWHERE = LineWindow(INT64_MAX, None, at_start=False)
"""Of lines whose instant is not simply the start or the end of a step."""


class GoodsInTime:
    """Answers for orders at places where they might stand."""

    def __init__(self, release: FeasibleOrderCreation) -> None:
        self._release = release
        self._asked: Job | None = None
        self._there: OrderTiming | None = None
        self._uses: list[int] = []
        self._spots: dict[int, LineWindow] = {}
        """Where lines of bills of materials are taken, by identity."""

    def lack(self, job: Job, timing: OrderTiming) -> int:
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

    def outlives(self, job: Job, timing: OrderTiming) -> int:
        """How much later than netted a job takes what has expired by then [s]."""
        late = 0
        for take in job.mortal:
            use = self.use(job, take.need, timing)
            if use > min(unit.expires for unit in take.units):
                late = max(late, use - take.need.instant)
        return late

    def dead(self, job: Job, timing: OrderTiming) -> int:
        """How long what a job takes is dead by then [s]; 0: it lives."""
        longest = 0
        for take in job.mortal:
            end = min(unit.expires for unit in take.units)
            longest = max(longest, self.use(job, take.need, timing) - end)
        return longest

    def falls_out(self, job: Job, out: Out, timing: OrderTiming) -> int:
        """When a unit is in stock."""
        if out.gain is None:
            return timing.finish
        # The register reads the timing of the order: it is there for the question
        # alone.
        job.order.timing, before = timing, job.order.timing
        found = self._release.output_instant(job.order, out.gain)
        job.order.timing = before
        return found

    def behind(
        self,
        job: Job,
        timing: OrderTiming | None,
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

    def use(self, job: Job, need: Need, timing: OrderTiming) -> int:
        """When an order takes what it needs."""
        order = job.order
        if need.line is None or order.kind == "move":
            return _begin(order, timing)
        return self._release.use_instant(order, need.line, timing)

    def uses(self, job: Job, timing: OrderTiming) -> list[int]:
        """When an order takes each thing that it takes, in order of its takes.

        Whoever asks whether a place is good asks again when the order is put there.
        """
        if self._there is timing and self._asked is job:
            return self._uses
        self._asked, self._there = job, timing
        self._uses = self._uses_at(job, timing)
        return self._uses

    def _uses_at(self, job: Job, timing: OrderTiming) -> list[int]:
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

    def _spot(self, line: Component, windows: Sequence[StepWindow]) -> LineWindow:
        """Look up at which window a line is taken, if simply at its start or end."""
        steps = [window.step for window in windows]
        if line.offset_minutes or line.step not in steps:
            spot = NOWHERE
        else:
            spot = LineWindow(steps.index(line.step), line.step, line.anchor == "start")
        self._spots[id(line)] = spot
        return spot


def _begin(order: SupplyOrder, timing: OrderTiming) -> int:
    """When an order takes what no line of a bill of materials dates otherwise."""
    if order.kind == "move":
        return timing.ready
    return timing.steps[0].start if timing.steps else timing.start


def keep_alive(jobs: Sequence[Job]) -> dict[int, int]:
    """Set when outputs of jobs open, to live long enough for their takers.

    Parameters
    ----------
    jobs
        Linked jobs; the dates are those of the netting, and none begins before its
        floor. Those that wait for each other
        in a circle stay as they are.

    Returns
    -------
    dict of int to int
        How much earlier than netted an order may come at most, by index [s]. Those in
        a circle, and those below one, are not in it; empty where nothing dies.
    """
    early: dict[int, int] = {}
    if any(out.unit.expires < NEVER for job in jobs for out in job.outs):
        # Takers before givers (Kahn 1962); those in a circle are never counted down to
        # 0.
        left = {job.number: len(job.after) for job in jobs}
        _go_down([job for job in jobs if not job.after], left, early)
    return early


def keep_alive_below(
    stays: Iterable[Job], below: Iterable[Job], early: dict[int, int]
) -> None:
    """Do what `keep_alive` does again where some more orders stay.

    Parameters
    ----------
    stays
        Orders that stay now.
    below
        Those that bring something for them, however far below; others keep what they
        have.
    early
        What `keep_alive` gave; it is renewed.
    """
    for job in stays:
        if job.order.index in early:
            early[job.order.index] = 0
    again = {job.number: job for job in below if job.order.index in early}
    left = {
        number: sum(taker.number in again for taker in job.after)
        for number, job in again.items()
    }
    _go_down([job for job in again.values() if not left[job.number]], left, early)


def _go_down(ready: list[Job], left: dict[int, int], early: dict[int, int]) -> None:
    """Go from takers to givers; `left` counts the takers that are not done yet."""
    while ready:
        job = ready.pop()
        early[job.order.index] = _keep_one(job, early)
        for giver in job.before:
            if giver.number in left:
                left[giver.number] -= 1
                if left[giver.number] == 0:
                    ready.append(giver)


def _keep_one(job: Job, early: Mapping[int, int]) -> int:
    """How much earlier than netted a job may come at most [s]."""
    if job.stays:
        return 0
    most = max(0, job.order.timing.start - job.floor)
    for out in job.outs:
        unit = out.unit
        if unit.expires < NEVER and (until := _taken_until(unit, early)) > ALWAYS:
            spare = unit.expires - until
            out.opens = max(out.opens, unit.arrives - spare)
        if out.opens > ALWAYS:
            most = min(most, unit.arrives - out.opens)
    return most


def _taken_until(unit: SupplyUnit, early: Mapping[int, int]) -> int:
    """Until when a unit has to live, however early orders are placed."""
    until = ALWAYS
    for need, _ in unit.takers:
        until = max(until, need.alive_until)
        if need.demand != NO_DEMAND or need.order is None:
            until = max(until, need.instant)
        else:
            # An order that stays as it is dated is not earlier than that.
            shift = early.get(need.order.index, 0)
            until = max(until, need.instant - shift)
    return until


def leave_out_dead(
    lines: Iterable[Line], register: NettingState, ends: Sequence[int]
) -> None:
    """Leave out of the lines what is dead, or too old, when it is delivered.

    `ends` are as of `ends_of_life`.
    """
    for line in lines if ends else ():
        dead = []
        for part in line.parts:
            if ends[part.unit.index] < part.date + line.demand.min_shelf:
                need = register.needs[register.match_need[part.match]]
                part.outlived = max(part.date - need.instant, 1)
                dead.append(part)
        if dead:
            line.parts = [part for part in line.parts if not part.outlived]
            line.dropped += dead
            line.refused = line.refused or TOO_OLD


def takes_dead(register: NettingState, ends: Sequence[int]) -> bool:
    """Whether a new order takes what is dead when it does.

    `ends` are as of `ends_of_life`.
    """
    if not ends:
        return False
    needs = register.needs
    takers = zip(register.match_need, register.match_unit, strict=True)
    return any(
        order is not None
        and order.existing is None
        and needs[need].instant > ends[unit]
        for need, unit in takers
        for order in [needs[need].order]
    )


def ends_of_life(register: NettingState) -> list[int]:
    """Expiry by unit [UTC s]; empty where nothing expires.

    Goods that are moved are as old as the lots that were taken for them. Orders of a
    move come before those of its goods, but for goods that are there.
    """
    if not any(unit.expires < NEVER for unit in register.units):
        return []
    loaded: dict[int, list[int]] = {}
    carried = {
        order.carried.index: order.index
        for order in register.orders
        if order.carried is not None
    }
    for need, lot in zip(register.match_need, register.match_unit, strict=True):
        if need in carried:
            loaded.setdefault(carried[need], []).append(lot)
    ends = [unit.expires for unit in register.units]
    known: set[int] = set()
    for unit in register.units:
        if unit.order is None or unit.order.index not in loaded:
            known.add(unit.index)
            continue
        stack = [unit]
        while stack:
            current = stack[-1]
            order = current.order
            lots = [] if order is None else loaded.get(order.index, [])
            below = [lot for lot in lots if lot not in known and lot != current.index]
            if current.index not in known and below:
                known.add(current.index)
                stack += [register.units[lot] for lot in below]
                continue
            known.add(current.index)
            ends[current.index] = min([ends[current.index], *(ends[i] for i in lots)])
            stack.pop()
    return ends


def give_late_outputs(release: FeasibleOrderCreation, jobs: Iterable[Job]) -> None:
    """Register the outputs that new orders gained by where they were placed.

    Those that exist keep what they are planned to give (rule 3). Where an output of a
    product holds already, the order stays inside its validity (`jobs.Out`).

    Parameters
    ----------
    release
        Register of the run, changed in place.
    jobs
        Orders of the run where they stay.
    """
    for job in jobs:
        order = job.order
        if not job.placed or order.existing is not None or order.recipe is None:
            continue
        if order.source is not None and _is_dated(order.recipe):
            _give(release, order, SupplyAlternative(order.source, release.model))


def _is_dated(recipe: Recipe) -> bool:
    return recipe.main.dated or any(gain.dated for gain in recipe.others.values())


def _give(
    release: FeasibleOrderCreation, order: SupplyOrder, way: SupplyAlternative
) -> None:
    known = {id(unit.node) for unit in order.units}
    for node, gain, _ in way.yields:
        if not gain.dated or id(node) in known:
            continue
        at = release.output_instant(order, gain)
        qty = gain.good_steps(order.steps, at)
        if qty <= 0:
            continue
        if node.key == order.node:
            order.qty = qty
        unit = release.unit(node, qty, at, at, "PROD", order)
        node.units.append(unit)
        if way.provides:
            unit.traits = way.traits(node)


def kept_alive(
    stays: Sequence[Job], netted: Netted, early: dict[int, int]
) -> list[Job]:
    """List the orders that may not come so early any more as before.

    What dies must not come too early for orders that stay now: see `lifetimes`, which
    goes by the dates of the netting.

    Parameters
    ----------
    stays
        Orders that stay now and did not before.
    netted
        How all were netted.
    early
        How much earlier than netted each may come, by index; it is renewed.
    """
    below = all_below(stays)
    if not any(out.unit.expires < NEVER for job in below for out in job.outs):
        return []
    seen = {job.number: job for job in stays}
    seen |= {other.number: other for job in below for other in (job, *job.after)}
    now = [state_of(job, None, None) for job in seen.values()]
    before = [[out.opens for out in job.outs] for job in below]
    # Lifetimes are reckoned by the dates of the netting; where orders stand now is put
    # back afterwards.
    for job in seen.values():
        netted.restore(job)
    keep_alive_below(stays, below, early)
    for state in now:
        restore(state)
    return [
        job
        for job, opens in zip(below, before, strict=True)
        if [out.opens for out in job.outs] != opens
    ]


def all_below(jobs: Iterable[Job]) -> list[Job]:
    """List the orders that bring something for some orders, however far below."""
    waiting = [giver for job in jobs for giver in job.before]
    found: dict[int, Job] = {}
    while waiting:
        job = waiting.pop()
        if job.number not in found:
            found[job.number] = job
            waiting += job.before
    return [*found.values()]


def touched(
    sequence: Sequence[Job], stays: Iterable[Job], moved: Iterable[Job], places: Places
) -> list[Job]:
    """List the orders that may be placed otherwise, in the sequence of placing.

    Parameters
    ----------
    sequence
        All orders that were placed one after the other.
    stays
        Orders that are not in their turn any more, but hold their place before.
    moved
        Others whose limits changed.
    places
        Gives where an order can be in the way of others.

    Notes
    -----
    One pass: an order is touched by those before it only.
    """
    changed = {job.number for job in stays}
    held = {place for job in stays for place in places(job.order)}
    limits = {job.number for job in moved}
    found = []
    for job in sequence:
        if job.stays:
            continue
        own = places(job.order)
        if (
            job.number in limits
            or not held.isdisjoint(own)
            or any(other.number in changed for other in job.before)
        ):
            changed.add(job.number)
            held |= own
            found.append(job)
    return found
