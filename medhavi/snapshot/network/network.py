"""The supply network as integer-coded, read-only arrays (design 6).

A node is an item-location. Edges point from a node to what it may draw on: components
of a routing, or the same product at the origin of a lane. All arrays are contiguous and
cannot be written.

Depth costs nothing: a chain of 10,000 levels takes as long as 10,000 pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from medhavi.snapshot.network.needs_and_sources import NODE, links
from medhavi.snapshot.tables import TableAccess

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Mapping

    from medhavi.snapshot.network.needs_and_sources import Links

    Ints = NDArray[np.int64]
    Codes = NDArray[np.int32]
    Starts = NDArray[np.int64]
    Name = TypeVar("Name", bound=Hashable)


class SparseRows(NamedTuple):
    """Compressed sparse rows: the targets of node i are target[start[i]:start[i+1]]."""

    start: Ints
    """shape (n_nodes + 1,), int64"""
    target: Ints
    """shape (n_edges,), int64, ascending within a row"""
    edge: Ints
    """shape (n_edges,), int64, position of the edge in the input"""


def rows_of(count: int, source: Ints, target: Ints) -> SparseRows:
    """Sort edges into compressed rows by source, then target.

    >>> rows_of(3, np.array([1, 0, 0]), np.array([2, 2, 1])).target.tolist()
    [1, 2, 2]
    """
    edge = np.lexsort((target, source))
    start = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(source, minlength=count), out=start[1:])
    return SparseRows(start, target[edge].astype(np.int64), edge.astype(np.int64))


def levels(count: int, parent: Ints, child: Ints) -> Ints:
    """Each node its low-level code: the longest path from a node without parent.

    Kahn's algorithm; nodes on or below a cycle get -1.

    >>> levels(3, np.array([0, 1]), np.array([1, 2])).tolist()
    [0, 1, 2]
    >>> levels(3, np.array([0, 1, 2]), np.array([1, 0, 0])).tolist()
    [-1, -1, 0]
    """
    rows = rows_of(count, parent, child)
    start, target = rows.start.tolist(), rows.target.tolist()
    waiting = np.bincount(child, minlength=count).tolist()
    level = [0] * count
    ready = [node for node in range(count) if not waiting[node]]
    for node in ready:
        below = level[node] + 1
        for position in range(start[node], start[node + 1]):
            lower = target[position]
            level[lower] = max(level[lower], below)
            waiting[lower] -= 1
            if not waiting[lower]:
                ready.append(lower)
    result = np.asarray(level, dtype=np.int64)
    result[np.asarray(waiting, dtype=np.int64) > 0] = -1
    return result


def components(count: int, parent: Ints, child: Ints) -> Ints:
    """Each node the label of its strongly connected component."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array(
        (np.ones(len(parent), dtype=np.int8), (parent, child)), shape=(count, count)
    )
    _, labels = connected_components(graph.tocsr(), connection="strong")
    return np.asarray(labels, dtype=np.int64)


def inner_edges(count: int, parent: Ints, child: Ints) -> NDArray[np.bool_]:
    """Mark the edges that lie on a cycle: both ends in one component."""
    if (levels(count, parent, child) >= 0).all():
        return np.zeros(len(parent), dtype=np.bool_)
    labels = components(count, parent, child)
    return np.asarray(labels[parent] == labels[child], dtype=np.bool_)


def cycles(count: int, parent: Ints, child: Ints) -> list[list[int]]:
    """One closed path of each component that has a cycle, the first node twice.

    The path starts at the smallest node of its component, so it never depends on the
    order of the edges.
    """
    inner = inner_edges(count, parent, child)
    if not inner.any():
        return []
    labels = components(count, parent, child)
    rows = rows_of(count, parent[inner], child[inner])
    start, target = rows.start.tolist(), rows.target.tolist()
    paths, seen = [], set()
    for node in np.unique(parent[inner]).tolist():
        if labels[node] not in seen:
            seen.add(labels[node])
            paths.append(_shortest_way_back(node, start, target))
    return paths


def _shortest_way_back(first: int, start: list[int], target: list[int]) -> list[int]:
    """Search breadth-first for the shortest path from a node to itself."""
    before: dict[int, int] = {}
    queue = [first]
    for node in queue:
        for lower in target[start[node] : start[node + 1]]:
            if lower == first:
                path = [first]
                while node != first:
                    path.append(node)
                    node = before[node]  # noqa: PLW2901 - walks the path back
                return [first, *reversed(path[1:]), first]
            if lower not in before:
                before[lower] = node
                queue.append(lower)
    message = "an edge within a component lies on a cycle"
    raise AssertionError(message)


def path_text(names: list[str]) -> str:
    """Write a path with arrows; the middle of a long one is counted.

    >>> path_text(["A", "B", "A"])
    'A → B → A'
    """
    half = 6
    if len(names) > 2 * half:
        hidden = f"… ({len(names) - 2 * half:,} more)"
        names = [*names[:half], hidden, *names[-half:]]
    return " → ".join(names)


Scalar = TypeVar("Scalar", bound=np.generic)

MAKE, MOVE = 0, 1
"""Kinds of edges."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Network:
    """Item-locations, what they draw on, and the order in which they are planned.

    Codes are positions in the sorted id tuples, so they follow the ids alone.
    """

    products: tuple[str, ...]
    locations: tuple[str, ...]
    node_product: Codes
    """shape (n_nodes,), int32: product code; nodes ascend by product, then location"""
    node_location: Codes
    """shape (n_nodes,), int32: location code"""
    sourced: NDArray[np.bool_]
    """shape (n_nodes,): made, bought, in stock, ordered or unlimited there"""
    component_start: Starts
    """shape (n_nodes + 1,), int64: node i draws on component[start[i]:start[i+1]]"""
    component: Codes
    """shape (n_edges,), int32: node code, ascending within a node"""
    component_kind: NDArray[np.uint8]
    """shape (n_edges,), uint8: MAKE or MOVE"""
    component_ratio: NDArray[np.float64]
    """shape (n_edges,): most units of it for one unit of the node, over all routings;
    a bound for overflow, never a planned quantity"""
    parent_start: Starts
    """shape (n_nodes + 1,), int64: node i serves parent[start[i]:start[i+1]]"""
    parent: Codes
    """shape (n_edges,), int32: node code, ascending within a node"""
    level: Codes
    """shape (n_nodes,), int32: low-level code; every need of a node comes from lower
    codes; -1 on and below a cycle"""
    order: Codes
    """shape (n_nodes,), int32: node codes by (level, node); those on a cycle last"""
    cycles: tuple[tuple[int, ...], ...]
    """Closed paths of nodes that need each other (an error), the first node twice"""
    circles: tuple[tuple[int, ...], ...]
    """Closed paths of default lanes that were cut open (a warning)"""
    ignored_moves: frozenset[tuple[str, str, str]]
    """(product, location, origin) of default lanes that would close a circle"""

    @classmethod
    def of(cls, snapshot: TableAccess) -> Network:
        """Build the arrays of a snapshot; deterministic, whatever the order of rows."""
        return _build(snapshot, links(snapshot))

    @cached_property
    def _codes(self) -> Mapping[tuple[str, str], int]:
        products = [self.products[code] for code in self.node_product.tolist()]
        places = [self.locations[code] for code in self.node_location.tolist()]
        return {
            pair: code for code, pair in enumerate(zip(products, places, strict=True))
        }

    @cached_property
    def supplied(self) -> NDArray[np.bool_]:
        """Nodes that something can reach: made, bought, held, or moved there.

        Shape (n_nodes,).
        """
        marks = self.sourced.tolist()
        start = self.component_start.tolist()
        target = self.component.tolist()
        kind = self.component_kind.tolist()
        for node in reversed(self.order.tolist()):
            if not marks[node]:
                marks[node] = any(
                    kind[edge] == MOVE and marks[target[edge]]
                    for edge in range(start[node], start[node + 1])
                )
        return _frozen(np.asarray(marks, dtype=np.bool_))

    @cached_property
    def most_of_one(self) -> float:
        """Most that any node is to give where every node wants one unit of itself.

        No node is to give more than this times the most that is wanted anywhere.
        """
        amount = np.ones(len(self))
        parent = np.repeat(np.arange(len(self)), np.diff(self.component_start))
        made = self.component_kind == MAKE
        share = np.where(made, self.component_ratio, 1.0)
        level = self.level[parent]
        order = np.argsort(level, kind="stable")
        for edges in np.split(order, np.flatnonzero(np.diff(level[order])) + 1):
            if len(edges) and level[edges[0]] >= 0:
                taken = amount[parent[edges]] * share[edges]
                np.add.at(amount, self.component[edges], taken)
        return float(amount.max(initial=0.0))

    def __len__(self) -> int:
        """Count the nodes."""
        return len(self.node_product)

    def node(self, product: str, location: str) -> int | None:
        """Code of an item-location, or None where nothing refers to it."""
        return self._codes.get((product, location))

    def ids(self, node: int) -> tuple[str, str]:
        """Product and location of a node."""
        return (
            self.products[self.node_product[node]],
            self.locations[self.node_location[node]],
        )

    def components(self, node: int) -> list[int]:
        """Nodes that a node may draw on."""
        start = self.component_start
        return list(self.component[start[node] : start[node + 1]].tolist())

    def __str__(self) -> str:
        """Summarise in one line."""
        depth = int(self.level.max(initial=-1)) + 1
        return (
            f"Network of {len(self):,} item-locations, {len(self.component):,} edges, "
            f"{depth:,} levels"
        )


def _build(snapshot: TableAccess, found: Links) -> Network:
    products = _sorted(snapshot["products"]["product"], found.nodes["product"])
    locations = _sorted(snapshot["locations"]["location"], found.nodes["location"])
    nodes = _coded(found.nodes, products, locations).sort("node")
    count = nodes.height
    edges = _edges(found, nodes)
    parent, child = _ends(edges)
    sourced = _marked(count, found.sourced, nodes)
    decided = _marked(count, found.decided, nodes)
    circles, kept, ignored = _cut_moves(edges, parent, child, (decided, sourced))
    edges, parent, child = edges.filter(kept), parent[kept], child[kept]
    circular = cycles(count, parent, child)
    level = _levels(count, parent, child, _pairs(found.after, nodes))
    down = rows_of(count, parent, child)
    up = rows_of(count, child, parent)
    last = np.where(level < 0, count, level)
    node_product = nodes["product code"].to_numpy()
    node_location = nodes["location code"].to_numpy()
    return Network(
        products=tuple(products.to_list()),
        locations=tuple(locations.to_list()),
        node_product=_codes(node_product),
        node_location=_codes(node_location),
        sourced=_frozen(sourced),
        component_start=_frozen(down.start),
        component=_codes(down.target),
        component_kind=_frozen(edges["kind"].to_numpy()[down.edge].astype(np.uint8)),
        component_ratio=_frozen(edges["ratio"].to_numpy()[down.edge].astype(float)),
        parent_start=_frozen(up.start),
        parent=_codes(up.target),
        level=_codes(level),
        order=_codes(np.lexsort((np.arange(count), last))),
        cycles=tuple(tuple(path) for path in circular),
        circles=tuple(tuple(path) for path in circles),
        ignored_moves=_named(ignored, nodes),
    )


def _sorted(*ids: pl.Series) -> pl.Series:
    """All ids once, sorted: those of the table and those only referred to."""
    every = pl.concat([entry.rename("id") for entry in ids]).to_frame().lazy()
    return (
        every.select(pl.col("id").drop_nulls().unique().sort())
        .collect(engine="in-memory")
        .to_series()
    )


def _numbered(ids: pl.Series, name: str) -> pl.LazyFrame:
    return ids.alias(name).to_frame().lazy().with_row_index(f"{name} code")


def _coded(
    pairs: pl.DataFrame, products: pl.Series, locations: pl.Series
) -> pl.DataFrame:
    """Each node its number: by product, then location."""
    return (
        pairs.lazy()
        .join(_numbered(products, "product"), on="product")
        .join(_numbered(locations, "location"), on="location")
        .sort("product code", "location code")
        .with_row_index("node")
        .collect(engine="in-memory")
    )


def _edges(found: Links, nodes: pl.DataFrame) -> pl.DataFrame:
    """All edges by node numbers; of parallel ones the largest ratio counts.

    Columns parent, child, kind, ratio, stated.
    """
    makes = (
        found.makes.lazy()
        .group_by(*NODE, "component", "component_location")
        .agg(pl.col("ratio").max())
        .select(
            *NODE,
            other="component",
            other_location="component_location",
            kind=pl.lit(MAKE, pl.UInt8),
            ratio="ratio",
            stated=pl.lit(value=True),
        )
    )
    moves = found.moves.lazy().select(
        *NODE,
        other="product",
        other_location="origin",
        kind=pl.lit(MOVE, pl.UInt8),
        ratio=pl.lit(1.0),
        stated="stated",
    )
    ids = nodes.lazy().select("node", *NODE)
    return (
        pl.concat([makes, moves])
        .join(ids.rename({"node": "parent"}), on=NODE)
        .join(
            ids.rename({"node": "child"}),
            left_on=["other", "other_location"],
            right_on=NODE,
        )
        .select(pl.col("parent", "child").cast(pl.Int64), "kind", "ratio", "stated")
        .sort("parent", "child", "kind")
        .collect(engine="in-memory")
    )


def _ends(edges: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return edges["parent"].to_numpy(), edges["child"].to_numpy()


def _pairs(
    after: pl.DataFrame, nodes: pl.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ids = nodes.lazy().select("node", *NODE)
    pairs = (
        after.lazy()
        .join(ids.rename({"node": "parent"}), on=NODE)
        .join(
            ids.rename({"node": "child"}),
            left_on=["later", "later_location"],
            right_on=NODE,
        )
        .select(pl.col("parent", "child").cast(pl.Int64))
        .filter(pl.col("parent") != pl.col("child"))
    )
    return _ends(pairs.collect(engine="in-memory"))


def _marked(count: int, pairs: pl.DataFrame, nodes: pl.DataFrame) -> NDArray[np.bool_]:
    marks = np.zeros(count, dtype=np.bool_)
    marks[nodes.join(pairs, on=NODE, how="semi")["node"].to_numpy()] = True
    return marks


def _cut_moves(
    edges: pl.DataFrame,
    parent: NDArray[np.int64],
    child: NDArray[np.int64],
    sources: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> tuple[list[list[int]], NDArray[np.bool_], pl.DataFrame]:
    """Cut circles of default lanes open where goods would run back to their source.

    Two warehouses with lanes both ways are a usual thing. Within a circle a default
    lane stays only if its origin is nearer (by number of moves) to a place with own
    sources or, where that decides nothing, to one that holds or gets the product; so
    what stays of them cannot form a circle. What sourcing states is never cut, and a
    circle through a routing is another matter: both are errors.

    Returns
    -------
    tuple
        The circles, which edges are kept, and the edges that were cut.
    """
    count = len(sources[0])
    moving = edges["kind"].to_numpy() == MOVE
    inner = moving.copy()
    inner[moving] = inner_edges(count, parent[moving], child[moving])
    inner &= ~edges["stated"].to_numpy()
    if not inner.any():
        return [], np.ones(len(parent), dtype=np.bool_), edges.clear()
    own, held = (
        _distances(count, parent[moving], child[moving], marks) for marks in sources
    )
    nearer = (own[child] < own[parent]) | (
        (own[child] == own[parent]) & (held[child] < held[parent])
    )
    cut = inner & ~nearer
    circles = cycles(count, parent[moving], child[moving])
    return circles, ~cut, edges.filter(cut)


def _distances(
    count: int,
    parent: NDArray[np.int64],
    child: NDArray[np.int64],
    sourced: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Count the moves from the nearest source to each node; count: no source."""
    up = rows_of(count, child, parent)
    start, target = up.start.tolist(), up.target.tolist()
    distance = [0 if mark else count for mark in sourced.tolist()]
    queue = np.flatnonzero(sourced).tolist()
    for node in queue:
        further = distance[node] + 1
        for higher in target[start[node] : start[node + 1]]:
            if distance[higher] > further:
                distance[higher] = further
                queue.append(higher)
    return np.asarray(distance, dtype=np.int64)


def _levels(
    count: int,
    parent: NDArray[np.int64],
    child: NDArray[np.int64],
    after: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Level the needs; "later" pairs count unless they would close a circle."""
    both_parent = np.concatenate([parent, after[0]])
    both_child = np.concatenate([child, after[1]])
    inner = inner_edges(count, both_parent, both_child)
    inner[: len(parent)] = False
    return levels(count, both_parent[~inner], both_child[~inner])


def _named(
    ignored: pl.DataFrame, nodes: pl.DataFrame
) -> frozenset[tuple[str, str, str]]:
    if ignored.is_empty():
        return frozenset()
    ids = nodes.select(pl.col("node").cast(pl.Int64), *NODE)
    named = ignored.join(ids, left_on="parent", right_on="node").join(
        ids.select("node", origin="location"), left_on="child", right_on="node"
    )
    return frozenset(named.select(*NODE, "origin").iter_rows())


def _codes(values: NDArray[np.generic]) -> Codes:
    return _frozen(values.astype(np.int32))


def _frozen(values: NDArray[Scalar]) -> NDArray[Scalar]:
    array = np.ascontiguousarray(values)
    array.flags.writeable = False
    return array


class NetworkAccess(TableAccess, Protocol):
    """Tables with the network that was built of them, once."""

    @property
    def network(self) -> Network:
        """The network of the tables."""
        ...


def reached(
    first: Iterable[int], start: Ints, target: NDArray[np.signedinteger]
) -> list[int]:
    """Nodes that edges lead to from some, these included, each once, nearest first.

    Parameters
    ----------
    start, target
        Edges by the node they begin at, as of `SparseRows`.
    """
    found = dict.fromkeys(first)
    starts, targets = start.tolist(), target.tolist()
    queue = [*found]
    for node in queue:
        for other in targets[starts[node] : starts[node + 1]]:
            if other not in found:
                found[other] = None
                queue.append(other)
    return queue


def by_precedence(
    before: Mapping[int, Collection[int]], key: Callable[[int], Any]
) -> list[int]:
    """Numbers by key, then number, each behind all that come before it (Kahn 1962).

    Those in a circle, and behind one, are left out.

    >>> by_precedence({1: [2], 2: [], 3: [4], 4: [3]}, lambda number: number)
    [2, 1]
    """
    left = {number: len(earlier) for number, earlier in before.items()}
    after: dict[int, list[int]] = {number: [] for number in before}
    for number, earlier in before.items():
        for one in earlier:
            after[one].append(number)
    ready = [(key(number), number) for number, count in left.items() if not count]
    heapify(ready)
    found: list[int] = []
    while ready:
        number = heappop(ready)[1]
        found.append(number)
        for later in after[number]:
            left[later] -= 1
            if not left[later]:
                heappush(ready, (key(later), later))
    return found


def circle(edges: Iterable[tuple[Name, Name]]) -> list[Name]:
    """Closed path along edges, its first node at both ends; empty: there is none.

    >>> circle([("A", "B"), ("B", "A")])
    ['A', 'B', 'A']
    """
    sorter: TopologicalSorter[Name] = TopologicalSorter()
    for upper, lower in edges:
        sorter.add(upper)
        sorter.add(lower, upper)
    try:
        sorter.prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
