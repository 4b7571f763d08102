"""Exceptions of a constrained run: what moved, what was given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.mrp.messages import tell_awaited
from medhavi.results.exceptions import ExceptionCode
from medhavi.units import DAY, HOUR, from_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.constrained.orders.lines import Line
    from medhavi.planners.mrp.messages import Messages
    from medhavi.planners.mrp.netting_state.model import Model
    from medhavi.planners.mrp.netting_state.release import Release
    from medhavi.planners.mrp.netting_state.state import Need, SupplyUnit

CODES = {
    "max_lateness_days": ExceptionCode.MAX_LATENESS,
    "full_line": ExceptionCode.MIN_SHIPMENT,
    "min_shipment": ExceptionCode.MIN_SHIPMENT,
    "all_together": ExceptionCode.ORDER_POLICY,
    "in_ratio": ExceptionCode.ORDER_POLICY,
}


def tell(
    messages: Messages,
    jobs: Sequence[Job],
    release: Release,
    as_of: int,
) -> None:
    """Add what only a constrained plan has to tell.

    Parameters
    ----------
    messages
        Where the exceptions are collected.
    jobs, release
        Of the finished run.
    as_of
        Now of the plan [UTC seconds].
    """
    placed = {job.order.index for job in jobs if not job.stays}

    def stands(need: Need, _: SupplyUnit) -> bool:
        return need.order is not None and need.order.index not in placed

    tell_awaited(messages, release, stands, as_of)
    _missing(messages, release)
    for job in jobs:
        order = job.order
        if order.existing is None or not job.placed or order.row is None:
            continue
        if job.stays and not job.lacking and order.timing.steps:
            messages.add(
                ExceptionCode.CAPACITY_OVERLOAD,
                "Finds no room among other work and stays as it is dated.",
                date=order.row["due"],
                **messages.of_order(order),
            )
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


def _missing(messages: Messages, release: Release) -> None:
    """Which orders that exist take what nothing supplies."""
    for shortage in release.shortages:
        need = shortage.need
        if need.order is None or need.order.existing is None:
            continue
        product, location = need.node.key
        messages.add(
            ExceptionCode.MISSING_MATERIAL,
            f"Takes {product} that nothing supplies.",
            **{
                **messages.of_order(need.order),
                "product": product,
                "location": location,
            },
            date=need.instant,
            qty=from_steps(shortage.qty, need.node.step),
        )


def tell_refused(
    messages: Messages,
    lines: Iterable[Line],
    rules: Mapping[int, tuple[str, int]],
    model: Model,
) -> None:
    """Which demands are not delivered in full because a rule forbids it.

    Parameters
    ----------
    messages
        Where the exceptions are collected.
    lines, model
        Of the finished run.
    rules
        By index of the demand: the rule, and how late the rest would have been [s].
    """
    for line in lines:
        demand = line.demand
        rule, late_by = rules.get(demand.index, ("", 0))
        if rule not in CODES or line.planned >= demand.qty:
            continue
        product, location = demand.node
        rest = from_steps(demand.qty - line.planned, model.node(demand.node).step)
        late = f", {late_by / DAY:.1f} days late" if late_by else ""
        messages.add(
            CODES[rule],
            f"{rule} forbids to deliver {rest:g}{late}.",
            demand=demand.demand,
            product=product,
            location=location,
            date=demand.due,
            qty=rest,
            hours=late_by / HOUR,
        )
