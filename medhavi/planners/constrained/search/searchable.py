"""A constrained run that lets a search read it and lay out its orders."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.dating import FeasibleRelease
from medhavi.planners.constrained.feasible_run import FeasibleRun
from medhavi.planners.mrp.release import PEG_SOURCE
from medhavi.planners.mrp.state import NO_DEMAND, Need, Order, SupplyUnit
from medhavi.units import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.planners.mrp.state import Node
    from medhavi.planners.mrp.ways import Way
    from medhavi.providers.sources import Source, Timing


_URGENCY = attrgetter("priority", "index")


class FoundItem:
    """What all found orders of a product have in common, looked up once.

    They give one product at their end, as much as is ordered, and take their components
    at the start: other recipes are not searched.

    Parameters
    ----------
    node, way
        The product, and how it is made.
    takers
        Of each product, by the identity of its node, the needs of orders by place.
    """

    __slots__ = ("kind", "lines", "node", "peg", "source", "traits", "way")

    def __init__(
        self, node: Node, way: Way, takers: Mapping[int, dict[int, Need]]
    ) -> None:
        self.node = node
        self.way = way
        self.source = way.source
        self.kind = way.source.kind
        self.peg = PEG_SOURCE[way.source.kind]
        self.traits = way.traits(node) if way.provides else None
        self.lines = [
            (
                line.numerator,
                line.addend,
                line.denominator,
                part,
                takers[id(part)],
            )
            for group in way.intakes
            for line, part, _ in group[:1]
        ]


class FoundOrder(NamedTuple):
    """A make order that a search found: its place, size [steps], and when it runs.

    `timing` is as late as its takers allow; `begin` and `ready` are begin of the work
    and arrival as early as can be [UTC seconds]. It gives `amounts` to `needs`.
    """

    place: int
    size: int
    timing: Timing
    begin: int
    ready: int
    needs: Sequence[Need]
    amounts: Sequence[int]


class SearchedRelease(FeasibleRelease):
    """The register of a run whose orders were found: they come with their dates."""

    def limited(self, source: Source) -> bool:
        """Tell whether a supplier delivers, or a vehicle carries, only so much."""
        return self.largest(source) is not None

    def found_order(self, item: FoundItem, found: FoundOrder) -> Order | None:
        """Register an order with what it gives and needs, as early as can be.

        None: it does not have, or needs do not want, as much as it is said to give.
        """
        place, size, timing, begin, ready, needs, amounts = found
        node, source = item.node, item.source
        first = needs[0] if len(needs) == 1 else min(needs, key=_URGENCY)
        priority = first.priority
        order = Order(
            len(self.orders),
            item.kind,
            node.key,
            source,
            source.source,
            size,
            size,
            timing,
            timing.finish,
            self.cause_of(first),
            node.rules.lot_rule,
            priority,
        )
        order.recipe = item.way.recipe
        self.orders.append(order)
        unit = SupplyUnit(
            len(self.units), node, size, size, ready, ready, item.peg, order
        )
        unit.traits = item.traits
        self.units.append(unit)
        order.units.append(unit)
        known = self.needs
        for numerator, addend, denominator, part, takers in item.lines:
            qty = -(-(size * numerator + addend) // denominator)
            if 0 < qty <= INT64_MAX:
                need = Need(
                    len(known), part, begin, qty, qty, priority, NO_DEMAND, order
                )
                known.append(need)
                part.needs.append(need)
                takers[place] = need
            elif qty > 0:
                self.need(part, begin, qty, priority, order=order)
        return order if self._give(unit, needs, amounts) else None

    def _give(
        self, unit: SupplyUnit, needs: Sequence[Need], amounts: Sequence[int]
    ) -> bool:
        """Let needs take so much each of a found order; False: that is too much."""
        takers, index, free = unit.takers, unit.index, unit.free
        for need, qty in zip(needs, amounts, strict=True):
            if qty > need.open or qty > free:
                return False
            need.open -= qty
            free -= qty
            takers.append((need, qty))
            self.match_need.append(need.index)
            self.match_unit.append(index)
            self.match_qty.append(qty)
        unit.free = free
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
