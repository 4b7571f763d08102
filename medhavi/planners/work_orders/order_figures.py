"""Key figures of what became of orders (KPI-17), from their accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.work_orders.order_states import OrderState
from medhavi.results.figures.kpis import Measure, ratio
from medhavi.units import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.work_orders.order_account import Account

_ENDED = frozenset({OrderState.COMPLETED, OrderState.CLOSED})


def order_measures(accounts: Iterable[Account]) -> list[Measure]:
    """Cycle time, throughput, redo and partial rate, and both variances.

    Cycle time is start to completion, throughput the completed orders over the days
    from their first start to their last completion. Redo is the share of orders with a
    part sent back, partial that of orders of which a part is there and a part to come,
    both of the orders of which something came. Quantity variance is good less ordered
    as a share of the ordered, time variance completion less due; means over completed
    orders.
    """
    known = list(accounts)
    done = [one for one in known if one.state in _ENDED]
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
    return [
        ratio(hours, len(through), unit="hour"),
        _part("throughput", ratio(len(through), span, unit="order per day")),
        _part("redo", ratio(sum(one.rework > 0 for one in came), len(came))),
        _part("partial", ratio(sum(one.is_partial for one in came), len(came))),
        _part("variance_qty", ratio(sum(shares), len(shares))),
        _part("variance_h", ratio(sum(late), len(late), unit="hour")),
    ]


_NAMES = {
    "throughput": "Throughput",
    "redo": "Orders with a part sent back",
    "partial": "Orders partly there",
    "variance_qty": "Good less ordered",
    "variance_h": "Completion less due",
}


def _part(part: str, measure: Measure) -> Measure:
    return Measure(
        value=measure.value,
        numerator=measure.numerator,
        denominator=measure.denominator,
        unit=measure.unit,
        part=part,
        name=_NAMES[part],
        reason=measure.reason,
    )
