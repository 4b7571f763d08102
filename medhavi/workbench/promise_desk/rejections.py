"""What was asked for and cannot be promised, told to the log (KPI-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.events.envelope import NewEvent
    from medhavi.providers.reservations.ledger import Reservation
    from medhavi.results.promises.promise import Promise
    from medhavi.workbench.commitments.decisions import DecisionWriter
    from medhavi.workbench.promise_desk.promise_desk import PromiseDesk


def record_rejections(desk: PromiseDesk, promises: Iterable[Promise]) -> int:
    """Log each new rejection; those already in the log are passed over.

    Returns
    -------
    int
        How many were told.
    """
    refused = {
        str(one.demand["demand"]): (one, str(one.limiter.code))
        for one in promises
        if one.date is None and one.limiter is not None
    }
    told: list[NewEvent] = []

    def decide(
        decider: DecisionWriter,
    ) -> tuple[list[NewEvent], tuple[Reservation, ...]]:
        live = desk.live
        told[:] = [
            decider.rejected(promise, code, live.book.snapshot.fingerprint)
            for demand, (promise, code) in refused.items()
            if live.state.rejected.get(demand) != code
        ]
        return told, ()

    desk.settle(decide, "medhavi")
    return len(told)
