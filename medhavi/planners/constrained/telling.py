"""Exceptions of a constrained run: what moved, what was given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.results.exceptions import ExceptionCode
from medhavi.units import DAY, HOUR, from_steps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.constrained.jobs import Job
    from medhavi.planners.constrained.lines import Line
    from medhavi.planners.mrp.messages import Messages
    from medhavi.planners.mrp.model import Model

CODES = {
    "max_lateness_days": ExceptionCode.MAX_LATENESS,
    "full_line": ExceptionCode.MIN_SHIPMENT,
    "min_shipment": ExceptionCode.MIN_SHIPMENT,
    "all_together": ExceptionCode.ORDER_POLICY,
    "in_ratio": ExceptionCode.ORDER_POLICY,
}


def tell(
    messages: Messages, jobs: Iterable[Job], lines: Iterable[Line], model: Model
) -> None:
    """Add what only a constrained plan has to tell.

    Parameters
    ----------
    messages
        Where the exceptions are collected.
    jobs, lines, model
        Of the finished run.
    """
    for job in jobs:
        order = job.order
        if order.existing is None or not job.placed or order.row is None:
            continue
        shift = order.timing.finish - order.row["due"]
        if shift:
            messages.add(
                ExceptionCode.MOVED,
                f"Comes {abs(shift) / DAY:.1f} days "
                f"{'later' if shift > 0 else 'earlier'} than it is dated.",
                date=order.row["due"],
                suggested_date=order.timing.finish,
                hours=abs(shift) / HOUR,
                **messages.of_order(order),
            )
    for line in lines:
        if line.refused in CODES:
            _refused(messages, model, line)


def _refused(messages: Messages, model: Model, line: Line) -> None:
    demand = line.demand
    product, location = demand.node
    step = model.node(demand.node).step
    late = f", {line.late_by / DAY:.1f} days late" if line.late_by else ""
    messages.add(
        CODES[line.refused],
        f"{line.refused} forbids to deliver {_rest(line, step):g}{late}.",
        demand=demand.demand,
        product=product,
        location=location,
        date=demand.due,
        qty=_rest(line, step),
        hours=line.late_by / HOUR,
    )


def _rest(line: Line, step: Fraction) -> float:
    return from_steps(line.demand.qty - line.planned, step)


if TYPE_CHECKING:
    from fractions import Fraction
