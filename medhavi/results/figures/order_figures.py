"""Key figures of orders that were worked: how long they took, and what they brought."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from medhavi.results.figures.measure import ratio
from medhavi.units import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.results.figures.measure import Measure


class OrderAccount(Protocol):
    """What became of an order; quantities as the order, times in UTC seconds."""

    @property
    def is_ended(self) -> bool:
        """Whether the order is completed or closed."""
        ...

    @property
    def is_partial(self) -> bool:
        """Whether a part is there and a part is still to come."""
        ...

    @property
    def ordered(self) -> float:
        """Quantity of the order."""
        ...

    @property
    def received(self) -> float:
        """What came of it."""
        ...

    @property
    def rework(self) -> float:
        """What was sent back in all."""
        ...

    @property
    def started(self) -> int | None:
        """First start."""
        ...

    @property
    def finished(self) -> int | None:
        """Completion, or the last receipt."""
        ...

    @property
    def placed(self) -> int | None:
        """When the order came into being."""
        ...

    @property
    def released(self) -> int | None:
        """Its first release."""
        ...

    @property
    def variance_qty(self) -> float | None:
        """Good less ordered, of a completed order."""
        ...

    @property
    def variance_h(self) -> float | None:
        """Completion less due [hours]."""
        ...


def order_measures(accounts: Iterable[OrderAccount]) -> dict[str, list[Measure]]:
    """KPI-07 and KPI-17: planning, cycle time, throughput, redo, partial, variances.

    Cycle time is start to completion, throughput the completed orders over the days
    from their first start to their last completion. Redo is the share of orders with a
    part sent back, partial that of orders of which a part is there and a part to come,
    both of the orders of which something came. Planning takes from the first record of
    an order to its release. Quantity variance is good less ordered
    as a share of the ordered, time variance completion less due; means over completed
    orders.
    """
    known = list(accounts)
    done = [one for one in known if one.is_ended]
    through = [
        (one.started, one.finished)
        for one in done
        if one.started is not None and one.finished is not None
    ]
    hours = sum(finish - start for start, finish in through) / HOUR
    span = (
        (max(end for _, end in through) - min(start for start, _ in through)) / DAY
        if through
        else 0.0
    )
    came = [one for one in known if one.received > 0]
    shares = [
        one.variance_qty / one.ordered
        for one in done
        if one.variance_qty is not None and one.ordered
    ]
    late = [one.variance_h for one in done if one.variance_h is not None]
    planned = [
        (one.released - one.placed) / HOUR
        for one in known
        if one.released is not None and one.placed is not None
    ]
    cycle = [
        ratio(hours, len(through), unit="hour"),
        _part("throughput", ratio(len(through), span, unit="order per day")),
        _part("redo", ratio(sum(one.rework > 0 for one in came), len(came))),
        _part("partial", ratio(sum(one.is_partial for one in came), len(came))),
        _part("variance_qty", ratio(sum(shares), len(shares))),
        _part("variance_h", ratio(sum(late), len(late), unit="hour")),
    ]
    planning = ratio(sum(planned), len(planned), unit="hour")
    return {"KPI-07": [planning], "KPI-17": cycle}


_NAMES = {
    "throughput": "Throughput",
    "redo": "Orders with a part sent back",
    "partial": "Orders partly there",
    "variance_qty": "Good less ordered",
    "variance_h": "Completion less due",
}


def _part(part: str, measure: Measure) -> Measure:
    return replace(measure, part=part, name=_NAMES[part])
