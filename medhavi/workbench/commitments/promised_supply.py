"""Mark promises that rely on supply which is no order yet.

A promise that buys has nothing to hold: the goods are not there, and no order is made
before a planner makes one. Without a mark its whole quantity would count against stock
that it does not need (rule 30), and so would what a partial promise leaves open. A hold
of quantity 0 on the product, where and when the promise is delivered from, says that it
has a source of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from medhavi.providers.reservations.ledger import reservation_id
from medhavi.results.promises.promise import PlannedHold

if TYPE_CHECKING:
    from medhavi.results.promises.promise import Promise

_LEAST: Final = 1e-9


def marked(promise: Promise) -> Promise:
    """Promise with a hold of nothing for what it will be supplied with.

    Promises that hold all that was asked for, or capacity or other products for it, are
    given as they are; so are rejections.
    """
    if promise.date is None or not promise.deliveries:
        return promise
    product = str(promise.demand["product"])
    held = sum(
        hold.qty
        for hold in promise.holds
        if hold.kind == "material" and hold.subject == product
    )
    made = any(
        hold.kind == "capacity"
        or (hold.kind == "material" and hold.subject != product)
        or (hold.kind == "material" and not hold.qty)
        for hold in promise.holds
    )
    if made or held >= float(promise.demand["qty"]) * (1 - _LEAST):
        return promise
    demand = str(promise.demand["demand"])
    place = promise.deliveries[0].origin
    window = (promise.date, promise.date)
    mark = PlannedHold(
        reservation=reservation_id(demand, None, "material", "new supply", window),
        kind="material",
        demand=demand,
        subject=product,
        location=place or str(promise.demand["location"]),
        qty=0.0,
        start=promise.date,
        finish=promise.date,
        expires_at=promise.holds[0].expires_at if promise.holds else promise.date,
    )
    return replace(
        promise,
        holds=(*promise.holds, mark),
        reservations=(*promise.reservations, mark.reservation),
    )
