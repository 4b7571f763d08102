"""How an order was before it was moved, to put it back exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.mrp.netting_state.register import Register
    from medhavi.providers.sources import Timing


class Before(NamedTuple):
    """How an order was: where, when it took, when it gave, what it could have done."""

    job: Job
    timing: Timing
    placed: bool
    stays: bool
    instants: tuple[int, ...]
    given: tuple[tuple[int, int, int], ...]
    could_begin: int | None
    outlived: int | None


def state_of(job: Job, could_begin: int | None, outlived: int | None) -> Before:
    """How an order is now; the instants are those that a placing knows of it."""
    return Before(
        job,
        job.order.timing,
        job.placed,
        job.stays,
        tuple([take.need.instant for take in job.takes]),
        tuple(
            [
                (unit.arrives, unit.available, unit.expires)
                for unit in [out.unit for out in job.outs]
            ]
        ),
        could_begin,
        outlived,
    )


def restore(before: Before) -> None:
    """Restore the state of an order."""
    job = before.job
    job.order.timing = before.timing
    job.placed, job.stays = before.placed, before.stays
    for take, instant in zip(job.takes, before.instants, strict=True):
        take.need.instant = instant
    for out, given in zip(job.outs, before.given, strict=True):
        unit = out.unit
        unit.arrives, unit.available, unit.expires = given


class Netted:
    """How all orders were before any was placed: as they were netted.

    Parameters
    ----------
    register
        The netting.
    jobs
        Orders that are placed, by number.

    Attributes
    ----------
    timings
        Where each was, by number of its job.
    """

    def __init__(self, register: Register, jobs: Iterable[Job]) -> None:
        self.timings = [job.order.timing for job in jobs]
        self._instants = [need.instant for need in register.needs]
        units = register.units
        self._arrives = [unit.arrives for unit in units]
        self._available = [unit.available for unit in units]
        self._expires = [unit.expires for unit in units]

    def restore(self, job: Job) -> None:
        """Restore the netted dates of an order; whether it is placed stays the same."""
        job.order.timing = self.timings[job.number]
        for take in job.takes:
            take.need.instant = self._instants[take.need.index]
        for out in job.outs:
            unit = out.unit
            unit.arrives = self._arrives[unit.index]
            unit.available = self._available[unit.index]
            unit.expires = self._expires[unit.index]
