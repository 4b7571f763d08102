"""When each demand could be served in full, alone in the plant.

With all that exists, in the times of `WayChains`, around orders that keep their dates.
Two things are somebody's own: what is held for a demand is there for no other one, and
what a firm peg names is delivered to its demand, whenever it comes.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.netting.least_times import LeastTimes
from medhavi.planners.constrained.netting.way_chains import WayChains
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from medhavi.planners.constrained.netting.way_chains import ChainTimes
    from medhavi.planners.mrp.hard_allocations import HardAllocation
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import (
        Demand,
        Need,
        Node,
        NodeKey,
        SupplyOrder,
    )
    from medhavi.providers.capacity.capacity import Capacity


class Planned(NamedTuple):
    """A run as far as bounds need it.

    Parameters
    ----------
    model, release, capacity, pins
        Graph and register of the run, its resources and hard allocations.
    moving
        Existing orders that may move, by index.
    first
        Whether the others take what there is before any demand.
    kept
        What bounds found for plans of the same tables but for their demands.
    """

    model: ItemLocationGraph
    release: OrderCreation
    capacity: Capacity
    pins: Mapping[NodeKey, Sequence[HardAllocation]]
    moving: Collection[int] = ()
    first: bool = False
    kept: list[tuple[object, ChainTimes]] | None = None

    def standing(self) -> list[SupplyOrder]:
        """Existing orders that keep their dates."""
        return [
            order
            for order in self.release.orders
            if order.existing is not None and order.index not in self.moving
        ]

    def taken(self) -> list[Need]:
        """Needs that are served before any demand.

        Not of what demands ask for themselves, is allocated or belongs to customers:
        that is theirs before orders take it.
        """
        if not self.first:
            return []
        stand = {order.index for order in self.standing()}
        found: dict[int, list[Need]] = defaultdict(list)
        for need in self.release.needs:
            if need.order is not None and need.order.index in stand:
                found[id(need.node)].append(need)
        return [
            need
            for needs in found.values()
            if self._for_orders_alone(needs[0].node)
            for need in needs
        ]

    def _for_orders_alone(self, node: Node) -> bool:
        return (
            not self.pins.get(node.key)
            and all(unit.is_ours for unit in node.units)
            and all(need.order is not None for need in node.needs)
        )


class LeadTimeBounds:
    """The earliest instants at which each of some demands could be served in full.

    Parameters
    ----------
    planned
        The run.
    demands
        Those that are asked for.
    """

    def __init__(self, planned: Planned, demands: Sequence[Demand]) -> None:
        self._planned = planned
        self.times = LeastTimes(planned.capacity, planned.standing())
        model, release, capacity, pins, moving, *_ = planned
        taken = planned.taken()
        self.chains = WayChains(
            model, release, capacity, moving, self.times, taken=taken
        )
        """With all that exists, whoever it is for."""
        held: dict[NodeKey, int] = defaultdict(int)
        for key, kept in pins.items():
            held[key] += sum(pin.qty for pin in kept if pin.blocks)
        # Allocations come one after the other: who has one may take before others.
        self._owners = {pin.demand for kept in pins.values() for pin in kept}
        self._others = self.chains
        if any(held.values()):
            self._others = WayChains(
                model, release, capacity, moving, self.times, held, taken
            )
        if planned.kept is not None:
            for chains in dict.fromkeys((self.chains, self._others)):
                chains.recall(planned.kept)
            # What was found last stands last.
            del planned.kept[:-2]
        self._most: dict[NodeKey, int] = defaultdict(int)
        for demand in demands:
            self._most[demand.node] = max(self._most[demand.node], demand.qty)

    def lateness(self, demand: Demand) -> int:
        """How late a demand is at least [s]; 0 or less: it may be on time."""
        node = self._planned.model.node(demand.node)
        # Less is never there later: most demands need no question of their own.
        found = self._others.there(node, self._most[demand.node]) - demand.due
        if found > 0:
            own = demand.index in self._owners
            found = (self.chains if own else self._others).at(demand) - demand.due
        return max([found, *(pegged - demand.due for pegged in self._pegged(demand))])

    def _pegged(self, demand: Demand) -> Iterator[int]:
        """List when orders come that firm pegs name for a demand alone [UTC s]."""
        pins = self._planned.pins.get(demand.node, ())
        for pin in pins:
            if pin.demand != demand.index or pin.supply is None or pin.qty <= 0:
                continue
            if any(
                one.demand != pin.demand for one in pins if one.supply == pin.supply
            ):
                continue
            for unit in pin.node.units:
                order = unit.order
                if order is None or order.existing != pin.supply:
                    continue
                stays = order.index not in self._planned.moving
                if stays and unit.is_ours and unit.expires == NEVER:
                    yield unit.arrives
