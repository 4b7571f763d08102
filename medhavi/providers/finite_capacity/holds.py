"""What an order keeps beside the windows of its steps.

A tool of `until_step` is held from the start of its first step to the end of its last,
the time between the steps included. And work before another family leaves that one its
changeover (see `sequence`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.providers.finite_capacity.resource_ledger import ResourceLedger, millionths
from medhavi.providers.sources import ResourceHold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.providers.finite_capacity.free_slots import FreeSlots
    from medhavi.providers.sources import OrderTiming, StepWindow

    Kept = tuple[str, float, int, int]
    """Resource, units, first and last step."""


def kept(
    held: Sequence[Kept], timing: OrderTiming, room: FreeSlots
) -> tuple[tuple[ResourceHold, ...], tuple[int, int] | None]:
    """What a placed order keeps, or by how much it must move to keep it.

    Returns
    -------
    holds, shift
        `shift` is None where nothing is in the way, else seconds backward and forward.
    """
    holds: list[ResourceHold] = []
    for resource, units, first, last in held:
        book = room.occupancy.ledger(resource)
        if not isinstance(book, ResourceLedger):
            continue
        for start, finish in _gaps(timing.steps, resource, first, last):
            if any((h.resource, h.start) == (resource, start) for h in holds):
                continue  # Two steps hold the same tool.
            blocked = book.conflict(start, finish, millionths(units))
            if blocked is not None:
                return (), (finish - blocked[0], blocked[1] - start)
            holds.append(ResourceHold(resource, units, start, finish))
    tails = _tails(timing, room)
    shift = _kept_from_change(holds, tails, timing)
    return ((*holds, *tails), None) if shift is None else ((), shift)


def follower_holds(timing: OrderTiming, room: FreeSlots) -> tuple[ResourceHold, ...]:
    """List what is kept for followers, none of which is a step of the order itself."""
    return tuple(_owed(timing, room))


def _gaps(
    windows: Sequence[StepWindow], resource: str, first: int, last: int
) -> Iterator[tuple[int, int]]:
    """Walk over the times between the steps from first to last without a window."""
    ends = [window.finish for window in windows if window.step == last]
    starts = [window.start for window in windows if window.step == first]
    if not ends or not starts:
        return
    moment, end = min(starts), max(ends)
    using = [w for w in windows if any(name == resource for name, _ in w.resources)]
    if not any(window.step == first for window in using):
        # Outside the window of its row the tool is not needed.
        return
    for window in sorted(using, key=lambda w: w.start):
        if window.start >= end:
            break
        if window.start > moment:
            yield moment, window.start
        moment = max(moment, window.finish)
    if moment < end:
        yield moment, end


def _kept_from_change(
    holds: Sequence[ResourceHold], tails: Sequence[ResourceHold], timing: OrderTiming
) -> tuple[int, int] | None:
    """Shifts to make where a tool stays while others need its changeover.

    What stays with the order may change for a later step of the order itself.
    """
    own = {
        (resource, window.start)
        for window in timing.steps
        if window.start < window.finish
        for resource, _ in window.resources
    }
    for tail in tails:
        if (tail.resource, tail.finish) in own:
            continue
        for hold in holds:
            if (
                hold.resource == tail.resource
                and hold.start < tail.finish
                and tail.start < hold.finish
            ):
                return hold.finish - tail.start, tail.finish - hold.start
    return None


def _tails(timing: OrderTiming, room: FreeSlots) -> list[ResourceHold]:
    """List what is kept for followers; a later step of the order may be one."""
    if all(window.family is None for window in timing.steps):
        return []
    mark = room.mark()
    room.occupancy.occupy(timing.steps)
    found = list(_owed(timing, room))
    room.undo(mark)
    return found


def _owed(timing: OrderTiming, room: FreeSlots) -> Iterator[ResourceHold]:
    for window in timing.steps:
        if window.family is None or window.start == window.finish:
            continue  # What takes no time changes nothing.
        for resource, units in window.resources:
            sequence = room.sequence(resource)
            tail = (
                None
                if sequence is None
                else sequence.tail(window.family, window.finish)
            )
            if tail is not None and tail.start < tail.finish:
                length = tail.finish - tail.start
                yield ResourceHold(resource, units, tail.start, tail.finish, length)
