"""The k best ways without a circle (Yen, Management Science 17, 1971, 712-716).

Which way is best is the caller's: a spur search completes the beginning of a way. Lanes
between the same two places are different ways.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.transport.lane_graph import Edge

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from medhavi.providers.transport.lane_graph import Goods, LaneGraph

NOTHING: frozenset[str] = frozenset()
MOST_PER_WAY = 10
"""Ways looked at for each that is asked for; some may never carry the goods."""


class Ban(NamedTuple):
    """Lanes and places that a way must not use."""

    lanes: Collection[str] = NOTHING
    places: Collection[str] = NOTHING

    def also(self, lanes: Collection[str]) -> Ban:
        """Ban more lanes."""
        return Ban({*self.lanes, *lanes}, self.places) if lanes else self


Way = tuple[Edge, ...]
Found = tuple[float, Way]
"""Weight of a way, and the way."""
Spur = Callable[[Way, Ban], "Found | None"]
"""Gives the best way that begins with a root and keeps off what is banned."""


def ways(spur: Spur, k: int) -> Iterator[Way]:
    """Walk over the ways from the best on.

    Parameters
    ----------
    spur
        Search for the best completion of a root.
    k
        How many are wanted; up to `MOST_PER_WAY` times as many are given.
    """
    first = spur((), Ban())
    if first is None:
        return
    taken: list[Way] = []
    waiting: list[tuple[float, tuple[str, ...], Way]] = []
    _push(waiting, first)
    seen = {_lanes(first[1])}
    while waiting and len(taken) < k * MOST_PER_WAY:
        _, _, last = heappop(waiting)
        taken.append(last)
        yield last
        for place in range(len(last)):
            root = last[:place]
            beside = {
                way[place].lane
                for way in taken
                if len(way) > place and way[:place] == root
            }
            behind = {edge.origin for edge in root}
            found = spur(root, Ban(beside, behind))
            if found is not None and _lanes(found[1]) not in seen:
                seen.add(_lanes(found[1]))
                _push(waiting, found)


def cheapest(
    graph: LaneGraph,
    goods: Goods,
    ends: tuple[str, str],
    ban: Ban,
    weights: tuple[Callable[[Edge], float], Mapping[str, float]],
) -> Way | None:
    """Way of least weight between two places.

    Parameters
    ----------
    graph, goods
        Lanes, and what travels.
    ends
        Origin and destination.
    ban
        What must not be used.
    weights
        Weight of a lane, and the least weight from each place to the destination.
    """
    weight, rest = weights
    start, destination = ends
    if start not in rest:
        return None
    heap: list[tuple[float, float, tuple[str, ...], str]] = []
    heappush(heap, (rest[start], 0.0, (), start))
    done = set(ban.places)
    while heap:
        _, total, lanes, place = heappop(heap)
        if place in done:
            continue
        done.add(place)
        if place == destination:
            return tuple(graph.edge(lane) for lane in lanes)
        if place != start and not graph.passes(place):
            continue
        for edge in graph.out(place):
            head = edge.destination
            if head in done or head not in rest or edge.lane in ban.lanes:
                continue
            if not graph.allowed(edge, goods):
                continue
            so_far = total + weight(edge)
            entry = (so_far + rest[head], so_far, (*lanes, edge.lane), head)
            heappush(heap, entry)
    return None


def _push(waiting: list[tuple[float, tuple[str, ...], Way]], found: Found) -> None:
    heappush(waiting, (found[0], _lanes(found[1]), found[1]))


def _lanes(way: Way) -> tuple[str, ...]:
    return tuple(edge.lane for edge in way)
