"""What a placed step waited for: other work, closed time, a disruption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from medhavi.providers.capacity.resource_ledger import millionths
from medhavi.providers.finite_capacity.bucket_ledger import BucketLedger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.capacity.routings import CompiledRouting
    from medhavi.providers.finite_capacity.occupancy import Occupancy
    from medhavi.providers.sources import OrderTiming, StepWindow
    from medhavi.snapshot.calendars.calendars import WorkingTime

    Span = tuple[int, int]


class StepWait(NamedTuple):
    """One stretch between the instant a step was ready and its start.

    Parameters
    ----------
    step
        Number of the step.
    resource
        What it waited for; empty: the calendar of the location or step.
    kind
        `busy`: others held it; `closed`: its calendar; `disruption`: it was down.
    start, finish
        Half-open, inside the wait [s].
    owners
        Who held it, sorted; empty unless busy.
    """

    step: int
    resource: str
    kind: Literal["busy", "closed", "disruption"]
    start: int
    finish: int
    owners: tuple[str, ...] = ()


def order_waits(
    occupancy: Occupancy,
    capacity: Capacity,
    compiled: CompiledRouting,
    placed: tuple[OrderTiming, int],
    owner: str,
) -> tuple[StepWait, ...]:
    """What the steps of an order waited for.

    Parameters
    ----------
    occupancy, capacity, compiled
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
        found += window_waits(occupancy, capacity, window, ready, owner)
    return tuple(found)


def window_waits(
    occupancy: Occupancy,
    capacity: Capacity,
    window: StepWindow,
    ready: int,
    owner: str,
) -> tuple[StepWait, ...]:
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
    return tuple(found)


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
    if book is None or moment >= finish:
        return
    if isinstance(book, BucketLedger):
        owners = {block.owner for block in book.held(moment, finish)} - {owner}
        if owners:
            yield StepWait(
                step, resource, "busy", moment, finish, tuple(sorted(owners))
            )
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
