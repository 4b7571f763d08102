"""When goods pass from one order of a plan to another, where some of them move."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from medhavi.planners.scheduling.planned_work import Consumption
from medhavi.units import HOUR, MINUTE, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from medhavi.planners.scheduling.planned_work import Node, PlannedOrder
    from medhavi.providers import Providers


class OrderWindows:
    """Dates between which scheduled orders may move with no other one moving.

    Of what an order gives, its pegs say who takes it; what is pegged to no demand is
    there for whoever takes of the product next.

    Parameters
    ----------
    providers
        Recipes and lanes of the plan.
    orders
        All orders of the plan, by id.
    scheduled
        Ids of those that may move.
    """

    def __init__(
        self,
        providers: Providers,
        orders: Mapping[str, PlannedOrder],
        scheduled: Collection[str],
    ) -> None:
        self._providers = providers
        snapshot = providers.snapshot
        lanes = snapshot["lanes"].select("lane", "origin", "cutoff_h")
        self._lanes = {
            lane: (origin, round((cutoff or 0.0) * HOUR))
            for lane, origin, cutoff in lanes.iter_rows()
        }
        self._due = dict(snapshot["demands"].select("demand", "due").iter_rows())
        self._takes = {ident: self._taken_by(one) for ident, one in orders.items()}
        self._by_level: dict[tuple[str, int], list[PlannedOrder]] = defaultdict(list)
        self._taking: dict[Node, list[tuple[int, str]]] = defaultdict(list)
        self._spare: dict[Node, list[PlannedOrder]] = defaultdict(list)
        for order in orders.values():
            for level in order.levels:
                self._by_level[level].append(order)
            if order.spare:
                self._spare[order.node].append(order)
            for take in self._takes[order.ident]:
                self._taking[take.node].append((take.instant, order.ident))
        self._dates = {
            ident: self._date(order, scheduled) for ident, order in orders.items()
        }

    def due(self, order: PlannedOrder) -> int | None:
        """Last instant at which goods of an order hurt nobody [UTC s]; None: ever.

        For what is delivered from where it is made that is the due date of its demand,
        though the plan be late.
        """
        dates = [
            to_seconds(self._due[demand])
            for demand, level in order.levels
            if level == 0 and demand in self._due
        ]
        if next(self._takers(order), None) is not None:
            dates.append(self._dates[order.ident])
        return min(dates, default=None)

    def there(self, order: PlannedOrder, start: int) -> dict[int | None, int]:
        """Instants at which what its steps take has come [UTC s].

        By step; None is what its first step takes. Never later than it is taken in the
        plan, nor earlier than `start`.
        """
        found: dict[int | None, int] = {}
        for take in self._takes[order.ident]:
            givers = [
                other
                for demand, level in order.levels
                for other in self._by_level.get((demand, level + 1), ())
                if other.node == take.node
            ]
            dates = [
                self._dates[other.ident]
                for other in (*givers, *self._spare.get(take.node, ()))
                if other.finish <= take.instant
            ]
            latest = min(max(dates, default=start), take.instant)
            found[take.step] = max(found.get(take.step, start), latest)
        return found

    def _date(self, order: PlannedOrder, scheduled: Collection[str]) -> int:
        """Instant at which goods of an order pass on [UTC s]."""
        wanted = min(self._takers(order), default=None)
        if wanted is None or order.ident not in scheduled:
            return order.finish
        slack = wanted[0] - order.finish
        return order.finish + (slack // 2 if wanted[1] in scheduled else slack)

    def _takers(self, order: PlannedOrder) -> Iterator[tuple[int, str]]:
        """When others take goods of an order, and who."""
        for demand, level in order.levels:
            for other in self._by_level.get((demand, level - 1), ()):
                for take in self._takes[other.ident]:
                    if take.node == order.node and take.instant >= order.finish:
                        yield take.instant, other.ident
        if order.spare:
            later = (one for one in self._taking[order.node] if one[0] >= order.finish)
            first = min(later, default=None)
            if first is not None:
                yield first

    def _taken_by(self, order: PlannedOrder) -> list[Consumption]:
        """What an order takes in the plan."""
        row = order.row
        if row["kind"] == "move":
            lane = self._lanes.get(row["lane"] or row["source"])
            if lane is None:
                return []
            origin, cutoff = lane
            leaves = order.start if row["departure"] is None else row["departure"]
            left = leaves if isinstance(leaves, int) else to_seconds(leaves)
            return [Consumption((row["product"], origin), None, left - cutoff)]
        if row["kind"] != "make" or row["status"] == "in_process" or not order.work:
            return []
        begins = {one.step: one.start for one in order.work}
        first = min(begins.values())
        found = []
        for one in self._providers.recipes.recipe(row["source"]).components:
            at = begins.get(one.step, first) if one.step is not None else first
            offset = min(0, round(one.offset_minutes * MINUTE))
            node = one.component, one.location
            found.append(Consumption(node, one.step, at + offset))
        return found
