"""Supply for what would be too old: a use was postponed past the life of its lot.

Rounding makes some orders later than the program has them. A lot that lives until the
first date need not live until the second; what takes it then gets another supply, and
where nothing gives any, it is not served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.mrp.netting_state.state import NO_DEMAND
from medhavi.units import DAY, NEVER, seconds_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.master_plan.steering.steering import SteeredRelease
    from medhavi.planners.mrp.netting_state.state import Demand, Need, Order, SupplyUnit


def replaced(release: SteeredRelease) -> bool:
    """Take back what would be used after its death, and supply it anew.

    Parameters
    ----------
    release
        Register of the run, changed in place.

    Returns
    -------
    bool
        Whether anything was dead; new orders may come late in their turn.
    """
    needs = release.take_back(is_dead)
    for need in needs:
        release.supply_anew(need)
    return bool(needs)


def given_up(release: SteeredRelease) -> None:
    """Take back what would be used after its death; it stays missing."""
    for need in release.take_back(is_dead):
        release.give_up(need)


def refuse_too_late(
    release: SteeredRelease, demands: Sequence[Demand], as_of: int
) -> None:
    """Take back what comes later than a demand accepts; it is short instead.

    The program keeps to `max_lateness_days`; what it took for free may be held, or what
    it took from be made for another demand.
    """
    latest = {
        demand.index: demand.due + seconds_up(days, DAY)
        for demand in demands
        for days in [demand.row["max_lateness_days"]]
        if days is not None
    }

    def too_late(unit: SupplyUnit, need: Need) -> bool:
        last = NEVER if need.order else latest.get(need.demand, NEVER)
        return max(unit.arrives, as_of) > last

    for need in release.take_back(too_late) if latest else ():
        release.give_up(need)


def is_dead(unit: SupplyUnit, need: Need) -> bool:
    """Whether a lot dies before its use; a demand may ask for life left over."""
    if unit.expires >= NEVER:
        return False
    if need.demand == NO_DEMAND or need.order is not None:
        return unit.expires < need.instant
    left = max(need.alive_until - need.instant, 0)
    return unit.expires < max(need.instant, unit.arrives) + left


def without_lacking(release: SteeredRelease) -> tuple[dict[int, int], dict[int, int]]:
    """Drop new orders that lack what nothing gives, and all that is made of them.

    Demands and fixed orders that took from them are short.

    Returns
    -------
    needs, units : dict of int to int
        New index of each need and unit by its old one; empty where nothing is dropped.
    """
    gone: dict[int, Order] = {}
    waiting = [shortage.need.order for shortage in release.shortages]
    short: dict[int, Need] = {}
    while waiting:
        order = waiting.pop()
        if order is None or order.existing is not None or order.index in gone:
            continue
        gone[order.index] = order
        for unit in order.units:
            for need, taken in unit.takers:
                if need.order is not None and need.order.existing is None:
                    waiting.append(need.order)
                elif taken:
                    need.open += taken
                    short[need.index] = need
    if not gone:
        return {}, {}
    for index in sorted(short):
        release.give_up(short[index])
    return release.drop(gone)
