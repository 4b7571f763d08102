"""Which later needs an order joins: net needs ahead, and the rules that group them.

Net needs are looked up once per node, at its first order: what is missing after stock
and receipts, safety stock included (textbooks net against safety too). A later order
asks again only when it comes at an instant that was not foreseen. What an order joins
is a matter of cost, never of validity: netting serves each need by itself.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.planners.lot_sizing import (
    LotLimits,
    NetNeed,
    covered_by_silver_meal,
    covered_by_wagner_whitin,
    order_price,
)
from medhavi.planners.mrp.netting_state.state import Need, SupplyUnit
from medhavi.planners.mrp.netting_state.stock_levels import PLANNED_RULES
from medhavi.units import NEVER

if TYPE_CHECKING:
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Node
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels

JOINING_RULES = ("lot_for_lot", "poq", *PLANNED_RULES)
"""Rules without a level of their own: for them what safety lacks is a need as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedNeeds:
    """What a node has and needs from an instant on.

    Parameters
    ----------
    instant
        Moment of the first net need [UTC seconds].
    missing
        That net need [steps].
    kept
        How much of it stays in stock, to reach the level [steps].
    alive_until
        Least expiry that it asks for.
    needs
        Open needs after it, by instant.
    units
        Supply that is free.
    """

    instant: int
    missing: int
    kept: int
    alive_until: int
    needs: Sequence[Need]
    units: Iterable[SupplyUnit]


class Coverage:
    """Net needs of a node ahead, and up to where an order at one of them reaches.

    Parameters
    ----------
    node, levels
        The node and its levels of stock.
    release
        Knows the sources of the node.
    """

    __slots__ = ("_foreseen", "_levels", "_node", "_places", "_release", "_until")

    def __init__(self, node: Node, levels: StockLevels, release: OrderCreation) -> None:
        self._node = node
        self._levels = levels
        self._release = release
        self._places: dict[int, int] = {}
        self._until: list[int] = []
        self._foreseen: list[int] = []

    def knows(self, instant: int, missing: int) -> bool:
        """Whether what an order joins is known without looking ahead.

        It is not where earlier lots left a surplus: then less is missing than foreseen.
        """
        if self._node.rules.lot_rule not in PLANNED_RULES:
            return True
        place = self._places.get(instant)
        return place is not None and self._foreseen[place] == missing

    def until(self, ahead: ProjectedNeeds) -> int:
        """End (exclusive) of what an order for a net need joins."""
        if self._node.rules.lot_rule not in PLANNED_RULES:
            return self._levels.window_end(ahead.instant)
        if not self.knows(ahead.instant, ahead.missing):
            self._look(ahead)
        return self._until[self._places[ahead.instant]]

    def wanted(self, ahead: ProjectedNeeds) -> int:
        """What an order for stock brings: the net needs that it joins [steps]."""
        if self._node.rules.lot_rule not in JOINING_RULES:
            return ahead.missing
        until = self.until(ahead)
        if until <= ahead.instant:
            return ahead.missing
        dead = self.dead(ahead.instant, ahead.missing)
        # Not what was foreseen: earlier lots may have left a surplus.
        return sum(
            need.qty
            for need in net_needs(ahead, self._levels)
            if need.instant < until and max(need.instant, need.alive_until) <= dead
        )

    def dead(self, instant: int, missing: int) -> int:
        """Expiry of an order for an instant."""
        if self._node.shelf_life is None:
            return NEVER
        return self._release.expiry(self._node, instant, missing)

    def _look(self, ahead: ProjectedNeeds) -> None:
        """Compute the net needs from an instant on, and what orders at them cover."""
        net = net_needs(ahead, self._levels)
        self._places = {need.instant: place for place, need in enumerate(net)}
        self._foreseen = [need.qty for need in net]
        rules = self._node.rules
        price = order_price(
            rules.order_cost,
            rules.holding_rate,
            self._release.model.unit_cost(self._node.key[0]),
            self._node.step,
        )
        limits = self._limits(ahead)
        if rules.lot_rule == "wagner_whitin":
            following = covered_by_wagner_whitin(net, price, limits)
        else:
            following = [
                covered_by_silver_meal(net, place, price, limits)
                for place in range(len(net))
            ]
        self._until = [
            net[end].instant if end < len(net) else NEVER for end in following
        ]

    def _limits(self, ahead: ProjectedNeeds) -> LotLimits:
        """Largest lot of the first source, and how long an order lives."""
        life = None
        if self._node.shelf_life is not None:
            life = self.dead(ahead.instant, ahead.missing) - ahead.instant
        ways = self._release.model.ways(self._node)
        most = None
        # Shares divide the wanted quantity first; each source cuts its own part.
        if ways and not self._node.shared:
            most = ways[0].source.max_lot
            gain = ways[0].gain
            if most is not None and gain is not None:
                most = gain.good_steps(most, ahead.instant)
        return LotLimits(most=most, life=life)


def net_needs(ahead: ProjectedNeeds, levels: StockLevels) -> list[NetNeed]:
    """Net needs against supply, first expired, first out, down to the stock level.

    Parameters
    ----------
    ahead
        The first net need, and what comes after it.
    levels
        Levels of the node; what is missing to them is a need at that instant.

    Returns
    -------
    list of NetNeed
        By instant, all positive; the first is that of `ahead`.
    """
    found = [NetNeed(ahead.instant, ahead.missing, ahead.alive_until)]
    coming = sorted(
        (unit.available, unit.expires, unit.free) for unit in ahead.units if unit.free
    )
    gross: dict[int, tuple[int, int]] = {
        moment: (0, moment) for moment in levels.moments() if moment > ahead.instant
    }
    for need in ahead.needs:
        qty, alive = gross.get(need.instant, (0, need.instant))
        gross[need.instant] = (qty + need.open, max(alive, need.alive_until))
    stock = [(NEVER, ahead.kept)]
    cursor = 0
    for instant in sorted(gross):
        qty, alive = gross[instant]
        while cursor < len(coming) and coming[cursor][0] <= instant:
            heapq.heappush(stock, coming[cursor][1:])
            cursor += 1
        short = _take(stock, qty, instant)
        gap = levels.missing(instant, sum(free for _, free in stock) - short)
        if max(short, gap) > 0:
            found.append(NetNeed(instant, max(short, gap), alive))
            if gap > short:
                heapq.heappush(stock, (NEVER, gap - short))
    return found


def _take(stock: list[tuple[int, int]], wanted: int, instant: int) -> int:
    """Take from a heap of (expiry, quantity); returns what it lacks."""
    while stock and stock[0][0] < instant:
        heapq.heappop(stock)
    while wanted > 0 and stock:
        expires, free = heapq.heappop(stock)
        if free > wanted:
            heapq.heappush(stock, (expires, free - wanted))
            return 0
        wanted -= free
    return wanted
