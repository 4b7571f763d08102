"""The item-location graph of one run: nodes on demand, clusters, order of planning.

A node is planned after everything that may want it (Kahn 1962 on clusters). Nodes
that one order supplies together, and nodes that may stand in for each other, form a
cluster. A cycle is refused and printed as a path.
"""

from __future__ import annotations

from collections import defaultdict
from copy import copy
from dataclasses import replace
from itertools import chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

from medhavi.findings import BadData, finding
from medhavi.planners.mrp.netting_state.state import Node, StockRules, SupplyAlternative
from medhavi.providers.material.characteristics import CharacteristicsCatalog
from medhavi.providers.table_rows import validity
from medhavi.snapshot.network.network import by_precedence, circle
from medhavi.units import DAY, exact, seconds_up, units_down, units_up

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from medhavi.planners.mrp.netting_state.state import NodeKey
    from medhavi.providers import Providers
    from medhavi.providers.table_rows import TableRows

_LEVELS = ("safety_qty", "min_qty", "target_qty")


class ItemLocationGraph:
    """Nodes of a run, made when first asked for.

    Parameters
    ----------
    providers
        Sources, recipes and facts.
    tables
        `inventory_policies`, `inventory_levels`, `substitutes`, `products`.
    """

    def __init__(self, providers: Providers, tables: Mapping[str, TableRows]) -> None:
        self.providers = providers
        self.nodes: dict[NodeKey, Node] = {}
        self.irregular = False
        """Links had to be left out to find an order of planning."""
        self._ways: dict[int, tuple[SupplyAlternative, ...]] = {}
        self._known_nodes: dict[NodeKey, Node] = {}
        self._known_ways: dict[int, tuple[SupplyAlternative, ...]] = {}
        self._no_rules = StockRules()
        self._around: dict[NodeKey, Surroundings] = {}
        self._usable: dict[tuple[NodeKey, int, int], int] = {}
        self._clustered: dict[object, tuple[list[list[NodeKey]], bool]] = {}
        """The clusters that were found last, by what they depend on."""
        self._new_rules: dict[NodeKey, StockRules] = {}
        self._take_rules(tables["inventory_policies"], tables["inventory_levels"])
        self.traits = CharacteristicsCatalog(tables)
        self._substitutes = tables["substitutes"]
        self._substitute_rows = self._substitutes.index("product")
        products = tables["products"]
        self._product_rows = {
            product: i for i, product in enumerate(products.column("product"))
        }
        self._make_to_order = products.column("make_to_order")
        self._shelf_life = products.column("shelf_life_days")
        self._unit_cost = products.column("unit_cost")

    def again(
        self, rules: Mapping[NodeKey, StockRules] | None = None
    ) -> ItemLocationGraph:
        """Same graph with no node yet: nothing is wanted, nothing is there.

        `rules` take the place of those that nodes had.
        """
        fresh = copy(self)
        fresh.nodes, fresh._ways = {}, {}  # noqa: SLF001 - its own kind
        fresh._new_rules = {**self._new_rules, **(rules or {})}  # noqa: SLF001
        return fresh

    def emptied(self) -> ItemLocationGraph:
        """Same graph for a next run: its nodes and ways come back when asked for.

        The run before has let go of its records.
        """
        fresh = copy(self)
        fresh._known_nodes = {**self._known_nodes, **self.nodes}  # noqa: SLF001 - its own kind
        fresh._known_ways = {**self._known_ways, **self._ways}  # noqa: SLF001
        fresh.nodes, fresh._ways, fresh.irregular = {}, {}, False  # noqa: SLF001
        return fresh

    def with_rules(self, policies: TableRows, levels: TableRows) -> ItemLocationGraph:
        """Same graph with the rules of these rows and no others."""
        fresh = self.again()
        fresh._new_rules = {}  # noqa: SLF001 - its own kind
        fresh._take_rules(policies, levels)  # noqa: SLF001
        return fresh

    def _take_rules(self, policies: TableRows, levels: TableRows) -> None:
        self._policies, self._levels = policies, levels
        self._policy_rows = policies.index("product", "location")
        self._level_rows = levels.index("product", "location")

    def unit_cost(self, product: str) -> float:
        """Standard cost of a product [base currency]."""
        number = self._product_rows.get(product)
        return 0.0 if number is None else float(self._unit_cost[number])

    def node(self, key: NodeKey) -> Node:
        """Node of a product at a location."""
        known = self.nodes.get(key)
        if known is not None:
            return known
        again = self._known_nodes.get(key)
        if again is not None:
            self.nodes[key] = again
            for other, _, _ in again.substitutes:
                self.node(other.key)
            return again
        product, location = key
        number = self._product_rows.get(product)
        shelf = None if number is None else self._shelf_life[number]
        step = self.providers.facts.step(product)
        rules = self._new_rules.get(key) or self.rules(key)
        made_to_order = number is not None and bool(self._make_to_order[number])
        made = Node(
            key=key,
            step=step,
            sources=self.providers.sourcing.sources(product, location),
            rules=rules,
            # What is always there is there for any demand.
            make_to_order=made_to_order and not rules.unlimited,
            shelf_life=None if shelf is None else seconds_up(shelf, DAY),
            traits=self.traits.of_product(product),
        )
        self.nodes[key] = made
        if self._substitute_rows:
            made.substitutes = tuple(self._substitutes_of(key))
        return made

    def ways(self, node: Node) -> tuple[SupplyAlternative, ...]:
        """Compiled sources of a node."""
        known = self._ways.get(id(node))
        if known is None and id(node) in self._known_ways:
            known = self._ways[id(node)] = self._known_ways[id(node)]
            for way in known:
                for other in way.touched:
                    self.node(other.key)
        elif known is None:
            known = tuple([SupplyAlternative(source, self) for source in node.sources])
            self._ways[id(node)] = known
            node.shared = any(source.share is not None for source in node.sources)
        return known

    def usable_from(self, node: Node, qty: int, now: int) -> int:
        """First instant at which an order made now would be usable [UTC s].

        Now, where nothing can be ordered.
        """
        key = node.key, qty, now
        if key not in self._usable:
            self._usable[key] = self._first_usable(node, qty, now)
        return self._usable[key]

    def _first_usable(self, node: Node, qty: int, now: int) -> int:
        if not node.sources:
            return now
        way = self.ways(node)[0]
        timing = way.source.clock.earliest(now, way.first_size(qty, now))
        if timing is None:
            return now
        safe = self.providers.sourcing.location_time(node.key[1]).add_days(
            timing.finish, way.source.safety_days
        )
        return timing.finish if safe is None else safe

    def _substitutes_of(self, key: NodeKey) -> Iterator[tuple[Node, Fraction, Window]]:
        product, location = key
        rows = [
            self._substitutes.row(i) for i in self._substitute_rows.get(product, ())
        ]
        own = [row for row in rows if row["location"] in (location, "*")]
        for row in sorted(own, key=lambda row: (row["priority"], row["substitute"])):
            other = self.node((row["substitute"], location))
            ratio = exact(row["ratio"]) * self.nodes[key].step / other.step
            yield other, ratio, validity(row)

    def rules(self, key: NodeKey) -> StockRules:
        """Stock rules that tables state for a node."""
        if key not in self._policy_rows and key not in self._level_rows:
            return self._no_rules
        step = self.providers.facts.step(key[0])
        rules = StockRules()
        for i in self._policy_rows.get(key, ()):
            row = self._policies.row(i)
            rules = StockRules(
                lot_rule=row["lot_rule"],
                lot_size=_up(row["lot_size"], step),
                reorder_point=_up(row["reorder_point"], step),
                min_qty=_up(row["min_qty"], step),
                max_qty=_down(row["max_qty"], step),
                target_qty=_up(row["target_qty"], step),
                safety_qty=_up(row["safety_qty"], step) or 0,
                safety_days=row["safety_days"],
                cover_days=row["cover_days"],
                order_cost=row["order_cost"],
                holding_rate=row["holding_rate"],
                source_rule=row["source_rule"],
                unlimited=row["unlimited"],
            )
        phases = [self._levels.row(i) for i in self._level_rows.get(key, ())]
        rules.levels = tuple(
            (
                *validity(row),
                {name: _up(row[name], step) for name in _LEVELS}
                | {"max_qty": _down(row["max_qty"], step)},
            )
            for row in sorted(phases, key=validity)
        )
        return rules

    def policy_keys(self) -> list[NodeKey]:
        """List the nodes that have a policy or levels."""
        return sorted({*self._policy_rows, *self._level_rows})  # type: ignore[arg-type]

    def close(self, starts: Iterable[NodeKey]) -> set[NodeKey]:
        """Make all nodes that orders for the given ones may touch; gives their keys."""
        waiting = list(starts)
        seen: set[NodeKey] = set()
        while waiting:
            key = waiting.pop()
            if key in seen:
                continue
            seen.add(key)
            node = self.node(key)
            waiting += [other.key for other, _, _ in node.substitutes]
            below, groups = self._surroundings(node)
            for lower, _ in below:
                waiting.append(lower)
            for together in groups:
                waiting += together
        return seen

    def around(self, node: Node) -> Iterator[NodeKey]:
        """List the nodes that orders for one may touch."""
        below, together = self._surroundings(node)
        yield from (key for key, _ in below)
        for group in together:
            yield from group

    def takes_from(self, node: Node) -> Iterator[NodeKey]:
        """List the nodes that are planned after one because its orders take there."""
        return (key for key, falls_out in self._below(node) if not falls_out)

    def _below(self, node: Node) -> list[tuple[NodeKey, bool]]:
        """List what orders for a node need, and what merely falls out (soft)."""
        return self._surroundings(node)[0]

    def _together(self, node: Node) -> list[list[NodeKey]]:
        """List groups of nodes that must walk through time with this one."""
        return self._surroundings(node)[1]

    def _surroundings(self, node: Node) -> Surroundings:
        known = self._around.get(node.key)
        if known is None:
            known = self._around[node.key] = self._survey(node)
        return known

    def _survey(self, node: Node) -> Surroundings:
        product = node.key[0]
        below: list[tuple[NodeKey, bool]] = []
        together: list[list[NodeKey]] = []
        for source in node.sources:
            if source.kind == "make":
                recipe = self.providers.recipes.recipe(source.source)
                below += [((c.component, c.location), False) for c in recipe.components]
                together += [
                    sorted({(c.component, c.location) for c in group})
                    for group in recipe.groups
                    if len(group) > 1
                ]
                if len(recipe.outputs) == 1:
                    continue
                outputs = [(o.role, (o.product, o.location)) for o in recipe.outputs]
                below += [
                    (key, True)
                    for role, key in outputs
                    if role == "by" and key != node.key
                ]
                made = {key for role, key in outputs if role != "by"}
                if len(made) > 1:
                    together.append(sorted(made))
            elif source.kind == "move" and source.origin is not None:
                below.append(((product, source.origin), False))
        return below, together

    def clusters(self, links: Iterable[Edge] = ()) -> list[list[Node]]:
        """Clusters in order of planning, nodes inside in order of key.

        Parameters
        ----------
        links
            What existing orders give and what they take for it. They come after all
            that new orders need: goods may go back and forth between two places.

        Raises
        ------
        BadData
            The graph has a cycle; the finding prints it as a path.
        """
        keys, kept = sorted(self.nodes), frozenset(links)
        rivals = tuple(self._rivals(keys))
        asked = tuple(keys), rivals, kept
        known = self._clustered.get(asked)
        if known is None:
            before, self.irregular = self.irregular, False
            known = self._in_order(keys, rivals, kept), self.irregular
            self.irregular = before
            self._clustered.clear()
            self._clustered[asked] = known
        found, irregular = known
        self.irregular = self.irregular or irregular
        return [[self.nodes[key] for key in members] for members in found]

    def _rivals(self, keys: Iterable[NodeKey]) -> Iterator[tuple[NodeKey, ...]]:
        """Nodes that orders that exist take of; no source of now need do that."""
        for key in keys:
            for need in self.nodes[key].needs:
                if need.alternatives:
                    yield (key, *(other.key for other, _ in need.alternatives))

    def _in_order(
        self,
        keys: Sequence[NodeKey],
        rivals: Sequence[tuple[NodeKey, ...]],
        kept: Collection[Edge],
    ) -> list[list[NodeKey]]:
        """Keys of the clusters in order of planning, as of `clusters`."""
        number = {key: place for place, key in enumerate(keys)}
        places = _NodeNumbers(number, self._leaders(number, rivals))
        order = self._order_of_planning(places, kept)
        if order is None:
            # Rivals of orders that exist are better planned together, but need not be.
            places = _NodeNumbers(number, self._leaders(number, ()))
            order = self._order_of_planning(places, kept)
        if order is None:
            raise BadData([self._cycle(places)])
        members: dict[int, list[NodeKey]] = defaultdict(list)
        for leader, key in zip(places.leader, number, strict=True):
            members[leader].append(key)
        return [members[leader] for leader in order]

    def _order_of_planning(
        self, places: _NodeNumbers, links: Collection[Edge]
    ) -> list[int] | None:
        """Sort the clusters, with as many of the soft edges and links as allow it."""
        hard, soft = self._edges(places)
        kept = sorted({edge for edge in map(places.edge, links) if edge is not None})
        kept = [edge for edge in kept if edge[0] != edge[1]]
        # Hard edges always hold. Of the others all, else those of existing orders, else
        # those of what falls out, else none: what is left out may be netted too early.
        for extra in ([*soft, *kept], kept, soft, []):
            before: dict[int, set[int]] = {leader: set() for leader in places.leader}
            for upper, lower in chain(hard, extra):
                before[lower].add(upper)
            order = by_precedence(before, int)
            if len(order) == len(before):
                return order
            self.irregular = True
        return None

    def _leaders(
        self, number: Mapping[NodeKey, int], rivals: Iterable[Sequence[NodeKey]]
    ) -> list[int]:
        """First place of the cluster of each place."""
        leader = list(range(len(number)))

        def find(place: int) -> int:
            while leader[place] != place:
                # Path halving (Tarjan and van Leeuwen 1984).
                leader[place] = leader[leader[place]]
                place = leader[place]
            return place

        def join(group: Iterable[NodeKey]) -> None:
            # The least place leads: clusters do not depend on the sequence of joining.
            roots = sorted({find(number[key]) for key in group if key in number})
            for root in roots[1:]:
                leader[root] = roots[0]

        for key in number:
            node = self.nodes[key]
            if node.substitutes:
                join([key, *(other.key for other, _, _ in node.substitutes)])
            for group in self._together(node):
                join(group)
        for together in rivals:
            join(together)
        return [find(place) for place in range(len(leader))]

    def _edges(
        self, places: _NodeNumbers
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        hard: list[tuple[int, int]] = []
        soft: list[tuple[int, int]] = []
        number, leader = places
        for key, upper in number.items():
            for lower, falls_out in self._below(self.nodes[key]):
                # Nodes that only hold stock are not closed; nothing is ordered there.
                below = number.get(lower)
                if below is None:
                    continue
                edge = (leader[upper], leader[below])
                if not falls_out:
                    hard.append(edge)
                elif edge[0] != edge[1]:
                    soft.append(edge)
        return hard, soft

    def _cycle(self, places: _NodeNumbers) -> Finding:
        keys = list(places.number)
        first = {key: keys[places.leader[i]] for key, i in places.number.items()}
        edges = [(keys[a], keys[b]) for a, b in self._edges(places)[0]]
        witness: dict[Edge, Edge] = {}
        for key in keys:
            for lower, _ in self._below(self.nodes[key]):
                if lower in first:
                    witness.setdefault((first[key], first[lower]), (key, lower))
        leaders = circle(sorted(edges))
        stops: list[NodeKey] = []
        for edge in pairwise(leaders):
            upper, lower = witness[edge]
            stops += [key for key in (upper, lower) if stops[-1:] != [key]]
        if stops[-1] != stops[0]:
            stops.append(stops[0])
        path = " → ".join(f"{product} @ {location}" for product, location in stops)
        found = finding("PLAN002", table="bom_lines", path=path)
        return replace(found, subject=tuple(chain.from_iterable(stops)))


class _NodeNumbers(NamedTuple):
    """Nodes by number, in order of key: numbers are compared faster than keys.

    `leader` is the first place of the cluster of each place.
    """

    number: Mapping[NodeKey, int]
    leader: list[int]

    def edge(self, link: Edge) -> tuple[int, int] | None:
        """Clusters of a link; None: one of its ends is no place."""
        upper, lower = map(self.number.get, link)
        if upper is None or lower is None:
            return None
        return self.leader[upper], self.leader[lower]


def _up(value: float | None, step: Fraction) -> int | None:
    return None if value is None else units_up(value, step)


def _down(value: float | None, step: Fraction) -> int | None:
    return None if value is None else units_down(value, step)


if TYPE_CHECKING:
    from fractions import Fraction

    from medhavi.findings import Finding

    Edge = tuple[NodeKey, NodeKey]
    Surroundings = tuple[list[tuple[NodeKey, bool]], list[list[NodeKey]]]
    Window = tuple[int, int]
