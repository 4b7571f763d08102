"""Sequence of the orders of a run: by a key, what brings before what takes."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.mrp.netting_state.state import SupplyOrder


URGENT_DAYS = 10.0
"""By how much earlier a demand of the next priority comes first [days]."""


def urgency(order: SupplyOrder) -> float:
    """When an order is wanted, earlier the more important that is [UTC seconds]."""
    return order.need + URGENT_DAYS * DAY * (order.priority - 2)


def start_of(order: SupplyOrder) -> float:
    """When an order starts [UTC seconds]."""
    return order.timing.start


def in_sequence(jobs: Sequence[Job], key: Callable[[SupplyOrder], float]) -> list[Job]:
    """Sort orders by a key, then by number; what brings comes before what takes.

    Those that wait for each other in a circle are left out.
    """
    left = {job.number: len(job.before) for job in jobs}
    ready = [(key(job.order), job.number, job) for job in jobs if not job.before]
    heapify(ready)
    found: list[Job] = []
    while ready:
        job = heappop(ready)[2]
        found.append(job)
        for other in job.after:
            left[other.number] -= 1
            if not left[other.number]:
                heappush(ready, (key(other.order), other.number, other))
    return found
