"""Outputs that would be there before the order that gives them has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.findings import BadData, finding
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.findings import Finding
    from medhavi.planners.mrp.netting_state.state import Order


def refuse_early_outputs(orders: Iterable[Order]) -> None:
    """Name each output whose `offset_minutes` goes back beyond its order's start.

    How long an order takes depends on its size, so only orders that were made can tell.

    Raises
    ------
    BadData
        With a finding per routing and product.
    """
    found: dict[tuple[str, str], Finding] = {}
    for order in orders:
        # An existing order keeps its dates, and of its steps only some remain.
        new = order.kind == "make" and order.existing is None
        for unit in order.units if new else ():
            early = order.timing.start - unit.arrives
            if early > 0:
                product, location = unit.node.key
                found[order.source_id, product] = finding(
                    "PLAN016",
                    table="routing_outputs",
                    column="offset_minutes",
                    value=order.source_id,
                    product=product,
                    location=location,
                    hours=early / HOUR,
                )
    if found:
        raise BadData([found[key] for key in sorted(found)])
