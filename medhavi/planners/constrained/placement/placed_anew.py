"""Place again what existing orders touch that found no room and keep their place.

They hold their place before all others then. What was placed before on other resources,
of other suppliers and with other vehicles, and takes from nothing that is placed again,
would be placed where it is: it stays. The result is that of placing all again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.constrained.orders.jobs import restore, state_of
from medhavi.planners.constrained.placement.goods_in_time import keep_alive_below
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from medhavi.planners.constrained.orders.jobs import Job, Netted
    from medhavi.planners.mrp.netting_state.state import SupplyOrder

    Places = Callable[[SupplyOrder], frozenset[tuple[str, str]]]
    """Where the place of one order can change that of another."""


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
