"""What demands and fixed orders really get in a steered run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.planners.mrp.netting.postponing import delay
from medhavi.planners.mrp.service import by_date
from medhavi.results.limiter import Limiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from medhavi.planners.mrp.netting_state.release import Release
    from medhavi.planners.mrp.netting_state.state import Need, Order
    from medhavi.planners.mrp.service import Service


def redated(found: Service, as_of: int) -> Service:
    """Date each delivery by its supply: never before due, now, or its arrival.

    What no source can supply is not delivered; mode mrp alone plans it on paper.
    """
    demand = found.demand
    begin = max(demand.due, as_of)
    kept = sorted(
        (
            replace(delivery, date=max(begin, delivery.unit.arrives))
            for delivery in found.deliveries
            if delivery.unit is not None
        ),
        key=by_date,
    )
    planned = sum(delivery.qty for delivery in kept)
    bound = planned < demand.qty or any(one.date > begin for one in kept)
    return replace(
        found,
        deliveries=tuple(kept),
        planned=planned,
        limiter=str(Limiter.LEAD_TIME) if bound else None,
    )


def missing_rows(release: Release, as_of: int) -> Iterator[tuple[Need, int, int]]:
    """List what orders with fixed dates take before it is there.

    Returns
    -------
    iterator of (need, instant, quantity [steps])
        In the sequence of needs.
    """
    late: dict[int, int] = {}
    for need_index, unit_index, qty in zip(
        release.match_need, release.match_unit, release.match_qty, strict=True
    ):
        instant = max(release.needs[need_index].instant, as_of)
        if release.units[unit_index].arrives > instant:
            late[need_index] = late.get(need_index, 0) + qty
    for shortage in release.shortages:
        index = shortage.need.index
        late[index] = late.get(index, 0) + shortage.qty
    for index in sorted(late):
        need = release.needs[index]
        order = need.order
        if order is not None and order.existing is not None:
            yield need, max(need.instant, as_of), late[index]


def awaits_receipts(release: Release, movable: Callable[[Order], bool]) -> bool:
    """Whether an order that may move takes what exists before it is there."""
    for need_index, unit_index in zip(
        release.match_need, release.match_unit, strict=True
    ):
        need, unit = release.needs[need_index], release.units[unit_index]
        if (
            unit.arrives > need.instant
            and unit.order is not None
            and need.order is not None
            and movable(need.order)
        ):
            return True
    return False


def refreshed(release: Release, movable: Callable[[Order], bool]) -> bool:
    """Start orders later whose goods would be too old for a use that was postponed.

    Returns
    -------
    bool
        Whether any order moved; what takes from it may have to wait again.
    """
    needs: dict[int, list[Need]] = {}
    for need in release.needs:
        if need.order is not None:
            needs.setdefault(need.order.index, []).append(need)
    lacking: dict[int, int] = {}
    for need_index, unit_index in zip(
        release.match_need, release.match_unit, strict=True
    ):
        need, unit = release.needs[need_index], release.units[unit_index]
        order = unit.order
        lack = need.instant - unit.expires
        if order is not None and lack > 0 and movable(order):
            lacking[order.index] = max(lacking.get(order.index, 0), lack)
    moved = False
    for index in sorted(lacking):
        order = release.orders[index]
        moved = delay(release, order, needs.get(index, ()), lacking[index]) or moved
    return moved
