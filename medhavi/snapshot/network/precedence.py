"""Order of what comes one before the other, and circles that allow none."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Mapping

    Name = TypeVar("Name", bound=Hashable)


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
