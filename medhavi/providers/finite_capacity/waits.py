"""What a placed step waited for: other work, closed time, a disruption.

Hours of buckets that others have delay a step before its start or while it works. The
wait for them lies at its end: between where it would be through without their work on
that resource, and where it is with it.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple

from medhavi.providers.capacity.axis import WorkContent
from medhavi.providers.capacity.resource_ledger import millionths
from medhavi.providers.finite_capacity.bucket_ledger import BucketLedger
from medhavi.providers.finite_capacity.occupancy import CommittedWork, Occupancy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.capacity.routings import CompiledRouting
    from medhavi.providers.capacity.schedule import RoutingTask
    from medhavi.providers.finite_capacity.free_slots import FreeSlots
    from medhavi.providers.sources import OrderTiming, StepWindow
    from medhavi.snapshot.calendars.calendars import WorkingTime

    Span = tuple[int, int]


class StepWait(NamedTuple):
    """One stretch by which a step is later than the instant at which it was ready.

    Parameters
    ----------
    resource
        What it waited for; empty: the calendar of the location or step.
    kind
        `busy`: others held it; `closed`: its calendar; `disruption`: it was down;
        `unable`: nobody could do it, for `resource` (or resource|skill) had no member.
    start, finish
        Half-open, inside the wait [s].
    owners
        Who held it, sorted; empty unless busy.
    """

    step: int
    resource: str
    kind: Literal["busy", "closed", "disruption", "unable"]
    start: int
    finish: int
    owners: tuple[str, ...] = ()


def order_waits(
    room: FreeSlots,
    capacity: Capacity,
    compiled: CompiledRouting,
    placed: tuple[OrderTiming, int],
    owner: str,
) -> tuple[StepWait, ...]:
    """What the steps of an order waited for.

    Parameters
    ----------
    room, capacity, compiled
        Where it was placed.
    placed
        The order, and the instant from which it could begin.
    owner
        Its own blocks are no reason.
    """
    timing, start = placed
    windows = {window.step: window for window in timing.steps}
    nodes = compiled.network.nodes
    found: list[StepWait] = []
    for place, node in enumerate(nodes):
        window = windows.get(node.step)
        if window is None:
            continue
        ready = start
        for link in compiled.network.links:
            earlier = windows.get(nodes[link.earlier].step)
            if link.later != place or earlier is None:
                continue
            if link.kind == "start_start":
                ready = max(ready, earlier.start + link.lag - node.queue)
            elif link.kind == "finish_start" and nodes[link.earlier].batch is None:
                ready = max(ready, earlier.after + link.lag)
        ready += node.queue
        base = compiled.step_times[node.step]
        closed = closed_spans(base, ready, window.start)
        found += [StepWait(node.step, "", "closed", *span) for span in closed]
        found += _unable(compiled.tasks[place], window, ready)
        found += _before_start(room.occupancy, capacity, window, ready, owner)
        since = timing, window, ready
        found += _for_hours(room, capacity, compiled.tasks[place], since, owner)
    return tuple(found)


def _unable(task: RoutingTask, window: StepWindow, ready: int) -> Iterator[StepWait]:
    """When nobody could do a step that was ready."""
    for epoch in task.plan.epochs:
        start, finish = max(epoch.start, ready), min(epoch.finish, window.start)
        if epoch.lacking and not epoch.options and start < finish:
            yield StepWait(window.step, epoch.lacking[0], "unable", start, finish)


def _before_start(
    occupancy: Occupancy,
    capacity: Capacity,
    window: StepWindow,
    ready: int,
    owner: str,
) -> list[StepWait]:
    """What one window waited for since it was ready, its queue over."""
    start = window.start
    found: list[StepWait] = []
    for resource, units in window.resources:
        clock = capacity.resource(resource)
        down = [
            (max(low, ready), min(high, start))
            for low, high in clock.stops
            if low < start and high > ready
        ]
        found += [StepWait(window.step, resource, "disruption", *span) for span in down]
        found += [
            StepWait(window.step, resource, "closed", low, high)
            for low, high in closed_spans(clock.working, ready, start)
            if not any(a <= low and high <= b for a, b in down)
        ]
        found += _busy(occupancy, (resource, units), window.step, (ready, start), owner)
    return found


def _for_hours(
    room: FreeSlots,
    capacity: Capacity,
    task: RoutingTask,
    since: tuple[OrderTiming, StepWindow, int],
    owner: str,
) -> Iterator[StepWait]:
    """How much later a step is through for what others take of its buckets.

    Parameters
    ----------
    room, capacity, owner
        As of `order_waits`.
    task, since
        The step; its order, where it was placed, and when it was ready, its queue over.
    """
    timing, window, ready = since
    ledgers = {name: room.occupancy.ledger(name) for name, _ in window.resources}
    hourly = {name for name, one in ledgers.items() if isinstance(one, BucketLedger)}
    options = (one for epoch in task.plan.epochs for one in epoch.options)
    option = next((one for one in options if one.resources == window.resources), None)
    if not hourly or option is None:
        return
    own = tuple(one for one in timing.steps if one is not window)
    among = room.among(Occupancy(capacity, [CommittedWork(owner, own)]))
    node = replace(task.node, family=None)
    # Set-up takes its time at any pace, and has the changeover in it already.
    work = WorkContent(Fraction(window.setup_seconds + window.run_seconds), Fraction(0))
    # What is held by the minute is waited for before the start: it comes first.
    for name in sorted(ledgers, key=hourly.__contains__):
        book = ledgers[name]
        held = [] if book is None else book.held(ready, window.finish)
        others = [block for block in held if block.owner != owner]
        without = among.through(node, option, work, ready)
        for block in others:
            among.occupancy.hold(name, block)
        later = min(among.through(node, option, work, ready), window.finish)
        if name in hourly and without < later:
            owners = tuple(sorted({block.owner for block in others}))
            yield StepWait(window.step, name, "busy", without, later, owners)


def closed_spans(working: WorkingTime, start: int, finish: int) -> Iterator[Span]:
    """Time in a span in which nothing is open, in order [UTC s]."""
    moment = start
    if start >= finish:
        return
    for begin, end in working.segments(start, finish):
        if begin > moment:
            yield moment, begin
        moment = end
    if moment < finish:
        yield moment, finish


def _busy(
    occupancy: Occupancy,
    use: tuple[str, float],
    step: int,
    span: Span,
    owner: str,
) -> Iterator[StepWait]:
    resource, units = use
    moment, finish = span
    book = occupancy.ledger(resource)
    if book is None or isinstance(book, BucketLedger) or moment >= finish:
        return
    need = millionths(units)
    while True:
        blocked = book.conflict(moment, finish, need)
        if blocked is None:
            return
        start, end = max(blocked[0], moment), min(blocked[1], finish)
        owners = {block.owner for block in book.held(start, end)} - {owner}
        if owners:
            yield StepWait(step, resource, "busy", start, end, tuple(sorted(owners)))
        if end >= finish:
            return
        moment = end
