"""What no plan can beat: each demand alone, with all stock and nobody in its way.

For a demand that is more than what exists, at least one new lot has to be made, bought
or moved; the least lot of some source is not there before its components are, and its
own time is over, as if capacity were never short. Where the time of a source is not
plain (it may choose resources, gives something on the way or beside, may stand in for
others), it counts as none: the bound gets weaker, never wrong. It bounds what lead
times cost, not what queues do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.run_limits import answered
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable

    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Demand, Node, SupplyAlternative
    from medhavi.providers.capacity.capacity import Capacity

    Asked = tuple[Node, int]
    Steps = Generator[Asked, int, int]


class WayChains:
    """The earliest instants at which supply can be there.

    Parameters
    ----------
    model, release
        Graph and register of a run.
    capacity
        Tells which routings choose between resources.
    moving
        Existing orders that may move, by index: what they give may come at once.
    """

    def __init__(
        self,
        model: ItemLocationGraph,
        release: OrderCreation,
        capacity: Capacity,
        moving: Collection[int],
    ) -> None:
        self._model = model
        self._release = release
        self._capacity = capacity
        self._moving = moving
        self._known: dict[tuple[int, int], int] = {}
        self._beside = given_beside(model)

    def at(self, demand: Demand) -> int:
        """When a demand could be served in full [UTC seconds]."""
        return self.there(self._model.node(demand.node), demand.qty)

    def there(self, node: Node, qty: int) -> int:
        """Earliest instant at which so much of a product could be there [UTC s]."""
        return answered(self._there((node, qty)), self._there)

    def _there(self, asked: Asked) -> Steps:
        node, qty = asked
        key = id(node), qty
        if key not in self._known:
            # What goes in a circle counts as there.
            self._known[key] = self._release.as_of
            self._known[key] = yield from self._earliest(node, qty)
        return self._known[key]

    def anew(self, node: Node) -> int:
        """Earliest instant of the least new order; now, where that is open [UTC s]."""
        return answered(self._anew(node), self._there)

    def _anew(self, node: Node) -> Steps:
        now = self._release.as_of
        if node.rules.unlimited or node.substitutes or id(node) in self._beside:
            return now
        soonest = NEVER
        for way in self._model.ways(node):
            soonest = min(soonest, (yield from self._first_lot(way)))
        return max(now, soonest)

    def _earliest(self, node: Node, qty: int) -> Steps:
        now = self._release.as_of
        if node.rules.unlimited or node.substitutes or id(node) in self._beside:
            return now
        left, at = qty, now
        for available, there in sorted(self._existing(node)):
            if left <= 0:
                break
            left, at = left - there, available
        whole = at if left <= 0 else NEVER
        if whole <= now:
            return now
        for way in self._model.ways(node):
            whole = min(whole, (yield from self._first_lot(way)))
        return max(now, whole)

    def _existing(self, node: Node) -> Iterable[tuple[int, int]]:
        """List when how much of what exists may be there."""
        now = self._release.as_of
        for unit in node.units:
            order = unit.order
            if order is None:
                yield max(now, min(unit.available, unit.arrives)), unit.qty
            elif order.existing is not None:
                moves = order.index in self._moving
                yield (now if moves else max(now, unit.arrives)), unit.qty

    def _first_lot(self, way: SupplyAlternative) -> Steps:
        """Earliest instant of the least lot of a source [UTC s]."""
        source = way.source
        if source.fence_days < 0:
            # It may have begun before now: what can be said is nothing.
            return self._release.as_of
        lot = source.lot(1)
        floor = ready = self._release.floor(source)
        for group in way.intakes:
            goods = NEVER
            for line, node, plain in group:
                there = (yield node, line.steps(lot)) if plain else floor
                goods = min(goods, there)
            ready = max(ready, goods)
        if way.origin is not None:
            ready = max(ready, (yield way.origin, lot))
        if not self._plain(way):
            return ready
        found = [
            timing.finish
            for begin, end in source.windows
            if end > ready
            and (timing := source.clock.earliest(max(begin, ready), lot)) is not None
        ]
        return min(found, default=ready)

    def _plain(self, way: SupplyAlternative) -> bool:
        """Whether a clock gives the least time of a source."""
        if way.source.kind != "make":
            return True
        if len(way.yields) != 1 or not way.yields[0].plain:
            return False
        compiled = self._capacity.compiled(way.source.source)
        return all(
            len(epoch.options) <= 1
            for task in compiled.tasks
            for epoch in task.plan.epochs
        ) and not any(node.queue or node.safety for node in compiled.network.nodes)


def given_beside(model: ItemLocationGraph) -> set[int]:
    """Nodes, by identity, of what orders for something else give besides."""
    recipes = model.providers.recipes
    return {
        id(model.node(key))
        for node in list(model.nodes.values())
        for source in node.sources
        if source.kind == "make"
        for key in recipes.recipe(source.source).others
    }
