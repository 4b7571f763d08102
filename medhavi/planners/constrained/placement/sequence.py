"""Sequence of the orders of a run: by a key, what brings before what takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.snapshot.network.precedence import by_precedence
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
    by_number = {job.number: job for job in jobs}
    before = {job.number: [one.number for one in job.before] for job in jobs}
    order = by_precedence(before, lambda number: key(by_number[number].order))
    return [by_number[number] for number in order]
