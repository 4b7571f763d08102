"""Which lanes supply a product where nothing is said about its sources.

Every lane into the location does, but for two kinds that could only do harm: lanes from
a place that never has the product, and lanes that would let two places wait for each
other (transfer lanes to and fro). Of a circle those lanes stay that lead away from a
place with a source of its own or, where that decides nothing, with stock or receipts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.providers.capacity.capacity import Capacity
from medhavi.providers.material.recipes import Recipes
from medhavi.providers.product_facts import ProductFacts
from medhavi.providers.sourcing.suppliers import Suppliers
from medhavi.providers.transport.transport import Transport
from medhavi.snapshot.calendars.calendars import Calendars

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medhavi.providers.table_rows import TableRows

    Decided = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyKinds:
    """Routings, suppliers and lanes, with the facts that they share."""

    facts: ProductFacts
    recipes: Recipes
    capacity: Capacity
    suppliers: Suppliers
    transport: Transport
    calendars: Calendars


Node = tuple[str, str]


class DefaultLanes:
    """Lanes that are sources by default.

    Parameters
    ----------
    tables : mapping of str to Rows
        `stock`, `supply_orders`, `inventory_policies`.
    roads : Roads
        Lanes and what they may carry.
    """

    __slots__ = ("_above", "_distances", "_has", "_passed", "_roads", "_stocked")

    def __init__(self, tables: Mapping[str, TableRows], roads: SupplyKinds) -> None:
        self._roads = roads
        self._stocked = _stocked_nodes(tables)
        self._distances: dict[Node, tuple[float, float]] = {}
        self._passed: dict[tuple[str, bool], list[tuple[str, str]]] = {}
        """Lanes into places, of dangerous goods and of others."""
        self._above: dict[tuple[str, bool], frozenset[str]] = {}
        self._has: dict[Node, bool] = {}

    def into(self, product: str, location: str, decided: Decided) -> tuple[str, ...]:
        """Lanes into a location that supply a product there, by id.

        Parameters
        ----------
        product, location : str
            What is needed where.
        decided : callable
            Tells whether a product at a location has sources without default lanes;
            it gives the same at every call.
        """
        return tuple(
            lane
            for lane, origin in self._lanes(product, location)
            if self._can_have(product, origin, location, decided)
            and not self._waits(product, origin, location, decided)
        )

    def same(self, tables: Mapping[str, TableRows], decided: Decided) -> bool:
        """Whether the same lanes are sources of all products of other tables.

        Parameters
        ----------
        tables
            They differ in `stock` and `supply_orders` alone.
        decided
            As of `into`.
        """
        other = DefaultLanes(tables, self._roads)
        products = {product for product, _ in self._stocked ^ other._stocked}
        return all(
            self.into(product, place, decided) == other.into(product, place, decided)
            for product in sorted(products)
            for place in self._roads.transport.into
            if not decided(product, place)
        )

    def _lanes(self, product: str, location: str) -> list[tuple[str, str]]:
        """Lane and origin of what may come from a place that holds stock."""
        # A lane looks at a product for one thing alone: whether it is dangerous.
        key = (location, self._roads.facts.hazmat(product))
        known = self._passed.get(key)
        if known is None:
            transport = self._roads.transport
            known = self._passed[key] = [
                (lane, origin)
                for lane in transport.into.get(location, ())
                if transport.obstacle(lane, product) is None
                and self._roads.facts.holds_stock(origin := transport.origin(lane))
            ]
        return known

    def _all_above(self, product: str, origin: str) -> frozenset[str]:
        """All places that lanes lead from to a place, that one among them."""
        key = (origin, self._roads.facts.hazmat(product))
        known = self._above.get(key)
        if known is None:
            seen: set[str] = set()
            waiting = [origin]
            while waiting:
                place = waiting.pop()
                if place not in seen:
                    seen.add(place)
                    waiting += [sender for _, sender in self._lanes(product, place)]
            known = self._above[key] = frozenset(seen)
        return known

    def _can_have(
        self, product: str, origin: str, location: str, decided: Decided
    ) -> bool:
        """Whether a place has the product, gets it, or can be sent it."""
        if location in self._all_above(product, origin):
            return self._has_beside(product, origin, {location}, decided)
        # Who asks does not matter: nothing would come over that place.
        known = self._has.get((product, origin))
        if known is None:
            known = self._has_beside(product, origin, set(), decided)
            self._has[product, origin] = known
        return known

    def _has_beside(
        self, product: str, origin: str, seen: set[str], decided: Decided
    ) -> bool:
        waiting = [origin]
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            node = (product, place)
            if (
                node in self._stocked
                or self._roads.recipes.makers.get(node)
                or decided(product, place)
            ):
                return True
            waiting += [sender for _, sender in self._lanes(product, place)]
        return False

    def _waits(
        self, product: str, origin: str, location: str, decided: Decided
    ) -> bool:
        """Whether the origin would wait for the location it should supply."""
        if location not in self._all_above(product, origin):
            return False
        seen: set[str] = set()
        waiting = [origin]
        while waiting:
            place = waiting.pop()
            if place == location:
                nearer = self._distance(product, origin, decided)
                return nearer >= self._distance(product, location, decided)
            if place in seen or decided(product, place):
                continue
            seen.add(place)
            waiting += [sender for _, sender in self._lanes(product, place)]
        return False

    def _distance(
        self, product: str, location: str, decided: Decided
    ) -> tuple[float, float]:
        """Count the lanes to the nearest place with own sources, and with stock."""
        node = (product, location)
        known = self._distances.get(node)
        if known is None:
            known = self._distances[node] = (
                self._counted(product, location, decided),
                self._counted(product, location, self._stocks),
            )
        return known

    def _stocks(self, product: str, location: str) -> bool:
        """Whether a product lies at a place or is under way to it."""
        return (product, location) in self._stocked

    def _counted(self, product: str, location: str, feeds: Decided) -> float:
        seen: set[str] = set()
        ring = {location}
        count = 0
        while ring:
            if any(feeds(product, place) for place in ring):
                return count
            seen |= ring
            ring = {
                sender for place in ring for _, sender in self._lanes(product, place)
            } - seen
            count += 1
        return math.inf


def _stocked_nodes(tables: Mapping[str, TableRows]) -> frozenset[Node]:
    """Collect where a product lies, is under way to, or is always there."""
    found: set[Node] = set()
    for name in ("stock", "supply_orders"):
        rows = tables[name]
        found.update(zip(rows.column("product"), rows.column("location"), strict=True))
    policies = tables["inventory_policies"]
    found.update(
        (product, location)
        for product, location, unlimited in zip(
            policies.column("product"),
            policies.column("location"),
            policies.column("unlimited"),
            strict=True,
        )
        if unlimited
    )
    return frozenset(found)
