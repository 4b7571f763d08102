"""Topological order of a directed graph given by arrays, without recursion.

Edges point from a parent (who needs) to a child (what is needed). Depth costs nothing:
a chain of 10,000 levels takes as long as 10,000 pairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]


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


def path_text(names: list[str], most: int = 12) -> str:
    """Write a path with arrows; the middle of a long one is counted.

    >>> path_text(["A", "B", "A"])
    'A → B → A'
    """
    if len(names) > most:
        half = most // 2
        hidden = f"… ({len(names) - 2 * half:,} more)"
        names = [*names[:half], hidden, *names[-half:]]
    return " → ".join(names)
