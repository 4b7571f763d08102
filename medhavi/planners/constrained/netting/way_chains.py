"""What no plan can beat: each demand alone, with all stock and nobody in its way.

For a demand that is more than what exists, at least one new lot has to be made, bought
or moved; the least lot of some source is not there before its components are, and its
own time is over, as if capacity were never short. Where a product has one source, all
that is missing comes from it, in orders of any size from the least lot on: it is not
there before the components of all are and a last lot is through, nor before a first lot
could begin and the resources of each step had time for all of the work. Where the time
of a source is not plain (it may choose resources, gives something on the way or beside,
may stand in for others), it counts as none: the bound gets weaker, never wrong. It
bounds what lead times cost, not what queues do.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from medhavi.planners.run_limits import answered
from medhavi.providers.capacity.axis import WorkContent
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable

    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Demand, Node, SupplyAlternative
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.capacity.schedule import RoutingTask

    Asked = tuple[Node, int]
    Steps = Generator[Asked, int, int]

ZERO = Fraction(0)
SAFE = 1e-9
"""Share by which work is counted low: floats are not exact."""


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
        self._ordered: dict[tuple[int, int], int] = {}
        self._begun: dict[int, int] = {}
        self._gains: dict[int, float] = {}
        self._beside = given_beside(model)

    def at(self, demand: Demand) -> int:
        """When a demand could be served in full [UTC seconds]."""
        return self.there(self._model.node(demand.node), demand.qty)

    def there(self, node: Node, qty: int) -> int:
        """Earliest instant at which so much of a product could be there [UTC s]."""
        known = self._known.get((id(node), qty))
        if known is not None:
            return known
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
            soonest = min(soonest, (yield from self._through(way, way.source.lot(1))))
        return max(now, soonest)

    def _earliest(self, node: Node, qty: int) -> Steps:
        now = self._release.as_of
        if node.rules.unlimited or node.substitutes or id(node) in self._beside:
            return now
        left, whole = qty, NEVER
        for available, there in sorted(self.existing(node)) if node.units else ():
            if left > 0 and left <= there:
                whole = available
            left -= there
        if whole <= now:
            return now
        ways = self._model.ways(node)
        for way in ways:
            # Of several sources each may bring a lot: which brings more is not known.
            lot = way.source.lot(1)
            if len(ways) < 2 and left > lot * self._gain(way):
                lot = max(lot, math.ceil(left / self._gain(way) * (1 - SAFE)))
            whole = min(whole, (yield from self._through(way, lot)))
        return max(now, whole)

    def existing(self, node: Node) -> Iterable[tuple[int, int]]:
        """List when how much of what exists may be there."""
        now = self._release.as_of
        for unit in node.units:
            order = unit.order
            if order is None:
                yield max(now, min(unit.available, unit.arrives)), unit.qty
            elif order.existing is not None:
                moves = order.index in self._moving
                yield (now if moves else max(now, unit.arrives)), unit.qty

    def _gain(self, way: SupplyAlternative) -> float:
        """Units of its product that a unit of an order gives; inf: not plain."""
        known = self._gains.get(id(way))
        if known is None:
            size = order_for_one(way)
            known = self._gains[id(way)] = 1 / size if size > 0 else math.inf
        return known

    def begins(self, way: SupplyAlternative) -> int:
        """Earliest instant at which the components of a least lot are there [UTC s]."""
        return answered(self._begins(way), self._there)

    def _begins(self, way: SupplyAlternative) -> Steps:
        found = self._begun.get(id(way))
        if found is None:
            found = self._begun[id(way)] = yield from self._goods(
                way, way.source.lot(1)
            )
        return found

    def _goods(self, way: SupplyAlternative, units: int) -> Steps:
        """Earliest instant at which the components of so much are there [UTC s]."""
        if way.source.fence_days < 0:
            # It may have begun before now: what can be said is nothing.
            return self._release.as_of
        floor = ready = self._release.floor(way.source)
        for group in way.intakes:
            goods = NEVER
            for line, node, plain in group:
                there = floor
                if plain:
                    # Of lines that replace each other an order may take some of each.
                    asked = node, line.steps(units) if len(group) == 1 else 1
                    # Most is known: a generator for each would cost more than it does.
                    known = self._known.get((id(node), asked[1]))
                    there = (yield asked) if known is None else known
                goods = min(goods, there)
            ready = max(ready, goods)
        if way.origin is not None:
            ready = max(ready, (yield way.origin, units))
        return ready

    def _through(self, way: SupplyAlternative, units: int) -> Steps:
        """Earliest instant at which orders of so much in all are through [UTC s]."""
        key = id(way), units
        known = self._ordered.get(key)
        if known is not None:
            return known
        source, lot = way.source, way.source.lot(1)
        if units > lot:
            ready = yield from self._goods(way, units)
        else:
            ready = yield from self._begins(way)
        if source.fence_days >= 0 and self._plain(way):
            found = [
                timing.finish
                for begin, end in source.windows
                if end > ready
                and (timing := source.clock.earliest(max(begin, ready), lot))
                is not None
            ]
            ready = min(found, default=ready)
        if units > lot and source.kind == "make" and source.fence_days >= 0:
            begin = yield from self._begins(way)
            for task in self._capacity.compiled(source.source).tasks:
                ready = max(ready, self._worked(task, begin, units))
        self._ordered[key] = ready
        return ready

    def _worked(self, task: RoutingTask, begin: int, units: int) -> int:
        """Earliest instant at which all resources of a step did its work [UTC s]."""
        options = [option for epoch in task.plan.epochs for option in epoch.options]
        lanes = sum(self._lanes(option) for option in options)
        paced = any(one.axis.steady is None for one in options)
        if not 0 < lanes < math.inf or paced:
            return begin
        work = WorkContent(ZERO, task.run(units))
        ends = [
            one.axis.working.add(
                begin, math.floor(one.axis.length(work, (0, 0)) / lanes * (1 - SAFE))
            )
            for one in options
        ]
        return min((end for end in ends if end is not None), default=begin)

    def _lanes(self, option: ResourceOption) -> float:
        """Orders that an option works on at a time, at most; inf: no limit is known."""
        found = math.inf
        for name, units in option.resources:
            clock = self._capacity.resource(name)
            if clock.finite and clock.bucket is None and clock.whole and units > 0:
                most = max(level[2] for level in clock.levels)
                found = min(found, most / units)
        return found

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


def order_for_one(way: SupplyAlternative) -> float:
    """Units of an order for one unit of its product; 0: not plain."""
    if way.source.kind != "make":
        return 1.0
    if way.gain is None or any(output.addend for output in way.gain.outputs):
        return 0.0
    rate = sum(one.numerator / one.denominator for one in way.gain.outputs)
    return 1 / rate if rate > 0 else 0.0


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
