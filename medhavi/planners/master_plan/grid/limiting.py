"""What limits a demand that is late or short: read from prices and from its supply.

A machine whose hours have a price somewhere below the demand is the limit, the dearest
one first; else an existing order that comes late; else the lead times of the chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.results.limiter import Limiter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.planners.master_plan.grid.source_rates import SourceColumns
    from medhavi.planners.mrp.fulfilment import DemandFulfilment
    from medhavi.planners.mrp.netting_state.state import NodeKey

PRICED = 1e-6


class DemandLimiters:
    """Says what limits the demands of a solved program.

    Parameters
    ----------
    plans
        Sources of the program.
    prices
        Money per hour that all hours of a resource are worth together.
    """

    def __init__(
        self, plans: Iterable[SourceColumns], prices: Mapping[str, float]
    ) -> None:
        self._price = prices
        self._plans: dict[NodeKey, list[SourceColumns]] = {}
        for plan in plans:
            for given in plan.given:
                self._plans.setdefault(given.node.key, []).append(plan)
        self._known: dict[NodeKey, str | None] = {}

    def of(self, found: DemandFulfilment) -> tuple[str, str | None]:
        """Code and, for a resource, its id."""
        demand = found.demand
        if not found.deliveries and demand.node not in self._plans:
            return str(Limiter.NO_SOURCE), None
        last = found.deliveries[-1].unit if found.deliveries else None
        waits = last is not None and last.order is not None and last.order.existing
        if waits and found.planned == demand.qty:
            return str(Limiter.AWAITING_SUPPLY), None
        dearest = self._dearest(demand.node)
        if dearest is not None:
            return str(Limiter.CAPACITY_SHORTFALL), dearest
        return str(Limiter.LEAD_TIME), None

    def _dearest(self, key: NodeKey) -> str | None:
        """Resource below a node whose hours are worth most."""
        if key not in self._known:
            resources: set[str] = set()
            waiting, seen = [key], {key}
            while waiting:
                for plan in self._plans.get(waiting.pop(), ()):
                    resources |= {work.resource for work in plan.occupied}
                    below = {taken.node.key for taken in plan.taken} - seen
                    seen |= below
                    waiting += sorted(below)
            priced = [
                (-self._price[name], name)
                for name in resources
                if self._price.get(name, 0.0) > PRICED
            ]
            self._known[key] = min(priced)[1] if priced else None
        return self._known[key]
