"""Place moves of goods that live for ever: their goods and their departures say all.

Two of three orders of a company with several sites are such moves. They are placed, and
moved back, as `Placing` does it with any order, without its questions about steps, ends
of life and changeovers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.placement.shop import Shop
    from medhavi.providers.sources import Timing


class PlainMoves:
    """Answers for plain moves, and keeps what they take of their vehicles.

    Parameters
    ----------
    shop
        Answers when an order fits.
    could_begin
        When orders that waited could have begun, by number of their job; it grows.
    """

    def __init__(self, shop: Shop, could_begin: dict[int, int]) -> None:
        self._shop = shop
        self._could_begin = could_begin

    def early(self, job: Job) -> bool:
        """Place a move as early as can be; False: `Placing` must ask once more."""
        shop, order, goods = self._shop, job.order, job.goods
        start = max(job.floor, goods)
        timing = shop.earliest(order, start)
        if timing is None or timing.ready < goods:
            return False
        netted = order.timing
        span = netted.finish - min(netted.start, netted.ready)
        if timing.ready > start or timing.finish - start > span:
            self._could_begin[job.number] = start
        shop.occupy(order, timing)
        put(job, timing)
        job.placed = True
        return True

    def late(self, job: Job, limit: int) -> bool:
        """Move it as late as a limit allows; tell whether it moved.

        Any later departure is another one, so what it takes of its own does not count.
        """
        shop, order = self._shop, job.order
        now = order.timing
        later = shop.latest(order, limit, now.start)
        if later is None or later.finish <= now.finish or job.goods > later.ready:
            return False
        shop.release(order, now)
        shop.occupy(order, later)
        put(job, later)
        return True


def is_plain_move(job: Job) -> bool:
    """Whether only goods and departures date an order."""
    return job.timeless and not job.mortal and job.order.kind == "move"


def put(job: Job, timing: Timing) -> None:
    """Write down where a plain move is now."""
    job.order.timing = timing
    leaves, comes = timing.ready, timing.finish
    for take in job.takes:
        take.need.instant = leaves
    for out in job.outs:
        unit = out.unit
        unit.arrives = unit.available = comes
