"""A constrained run that lets a search read it and lay out its orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.dating import FeasibleRelease
from medhavi.planners.constrained.feasible_run import FeasibleRun
from medhavi.planners.mrp.release import PEG_SOURCE
from medhavi.planners.mrp.state import NO_DEMAND, Order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.planners.mrp.state import Need, Node, SupplyUnit
    from medhavi.planners.mrp.ways import Way
    from medhavi.providers.sources import Source, Timing


class FoundOrder(NamedTuple):
    """A make order that a search found: size [steps], and when it runs.

    `timing` is as late as its takers allow; `begin` and `ready` are begin of the work
    and arrival as early as can be [UTC seconds]. `first` is the need it is for first.
    """

    node: Node
    way: Way
    size: int
    timing: Timing
    begin: int
    ready: int
    first: Need


class SearchedRelease(FeasibleRelease):
    """The register of a run whose orders were found: they come with their dates."""

    def limited(self, source: Source) -> bool:
        """Tell whether a supplier delivers, or a vehicle carries, only so much."""
        return self._largest(source) is not None

    def found_order(self, found: FoundOrder) -> tuple[SupplyUnit, Order]:
        """Register an order with what it gives and needs, as early as can be.

        It gives one product at its end, as much as is ordered, and takes its components
        at the start: other recipes are not searched.
        """
        node, way, size, timing, begin, ready, first = found
        source = way.source
        order = Order(
            len(self.orders),
            source.kind,
            node.key,
            source,
            source.source,
            size,
            size,
            timing,
            timing.finish,
            self._named(first),
            node.rules.lot_rule,
            first.priority,
        )
        order.recipe = way.recipe
        self.orders.append(order)
        unit = self.unit(node, size, ready, ready, PEG_SOURCE[source.kind], order)
        if way.provides:
            unit.traits = node.traits._replace(pairs=node.traits.pairs | way.provides)
        for group in way.intakes:
            component, part, _ = group[0]
            qty = component.steps(size)
            if qty > 0:
                self.need(part, begin, qty, first.priority, order=order)
        return unit, order

    def _named(self, need: Need) -> str:
        """Name the demand that a need is for first."""
        if need.demand != NO_DEMAND:
            return self.demand_names[need.demand]
        return "" if need.order is None else need.order.cause

    def give(
        self, unit: SupplyUnit, needs: Sequence[Need], amounts: Sequence[int]
    ) -> bool:
        """Let needs take so much each of a found order; False: that is too much."""
        takers, index = unit.takers, unit.index
        taking, given, taken = self.match_need, self.match_unit, self.match_qty
        for need, qty in zip(needs, amounts, strict=True):
            if qty > need.open or qty > unit.free:
                return False
            need.open -= qty
            unit.free -= qty
            takers.append((need, qty))
            taking.append(need.index)
            given.append(index)
            taken.append(qty)
        return True


class SearchableRun(FeasibleRun):
    """A run whose nodes can be netted one by one."""

    release: SearchedRelease

    def _released(self) -> SearchedRelease:
        resources = self.snapshot["resources"]
        finite = resources.filter(resources["finite"])["resource"].to_list()
        return SearchedRelease(self.model, self.as_of, finite, self._quotas())

    @property
    def clusters(self) -> Sequence[list[Node]]:
        """Nodes in order of planning, consumers first."""
        return self._clusters

    def net_cluster(self, cluster: list[Node]) -> None:
        """Net what is bought for orders that were found."""
        self._net_cluster(cluster)
