"""Label-setting for the earliest arrival, directed at the destination."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.providers.departure_loads import DepartureLoads
    from medhavi.providers.itinerary_routes import Ban
    from medhavi.providers.lane_graph import Edge, Goods, LaneGraph, Onward


class Leg(NamedTuple):
    """One lane of an itinerary.

    Parameters
    ----------
    lane, origin, destination
        Ids.
    ready
        Goods are at the origin [s].
    departure, arrival
        Of the vehicle; usable at the destination, customs included (rule 18) [s].
    """

    lane: str
    origin: str
    destination: str
    ready: int
    departure: int
    arrival: int


class Search:
    """One search for the earliest arrival.

    A place is settled when nothing that is still open could reach the destination by
    it sooner; of equal arrivals the one with fewer legs wins, then the lane's id.

    Parameters
    ----------
    graph, loads
        Lanes, and what their departures carry.
    goods
        What travels.
    ban
        Lanes and places that must not be used.
    relaxed
        As if a vehicle with room for all left at any time.
    """

    __slots__ = (
        "_best",
        "_came",
        "_goods",
        "_graph",
        "_heap",
        "_lanes",
        "_loads",
        "_relaxed",
        "_settled",
    )

    def __init__(
        self,
        graph: LaneGraph,
        loads: DepartureLoads,
        goods: Goods,
        ban: Ban,
        *,
        relaxed: bool,
    ) -> None:
        self._graph = graph
        self._loads = loads
        self._goods = goods
        self._lanes = ban.lanes
        self._relaxed = relaxed
        self._settled = set(ban.places)
        self._best: dict[str, tuple[int, int, str]] = {}
        self._came: dict[str, tuple[Edge, int, tuple[int, int]]] = {}
        """Over which lane a place is reached best: when ready, and its times [s]."""
        self._heap: list[tuple[int, int, str]] = []

    def earliest(
        self, origins: Mapping[str, int], destination: str
    ) -> list[Leg] | None:
        """Give the legs of the earliest way; none: the goods are there already.

        Parameters
        ----------
        origins
            Instant at which the goods are ready, by location [s].
        destination
            Location. `None` is given where no way leads there.
        """
        graph, heap, settled = self._graph, self._heap, self._settled
        goods, banned, relaxed = self._goods, self._lanes, self._relaxed
        rest = graph.bounds(destination, goods, relaxed=relaxed)
        onward = graph.onward(destination, goods, banned, relaxed=relaxed)
        for place, ready in origins.items():
            if place in rest:
                self._best[place] = (ready, 0, "")
                heappush(heap, (ready + rest[place], 0, place))
        while heap:
            _, hops, place = heappop(heap)
            if place in settled:
                continue
            settled.add(place)
            if place == destination:
                return self._way(place)
            if place in origins or graph.passes(place):
                lanes = onward.get(place)
                if lanes is None:
                    lanes = graph.lanes_on(place, goods, banned, rest)
                    onward[place] = lanes
                self._relax(place, hops, destination, lanes)
        return None

    def _relax(
        self, place: str, hops: int, destination: str, lanes: list[Onward]
    ) -> None:
        """Offer the arrivals over all lanes from a place that is settled."""
        best, settled, came = self._best, self._settled, self._came
        load, loads, relaxed = self._goods.load, self._loads, self._relaxed
        ready, hops = best[place][0], hops + 1
        goal = best.get(destination)
        for edge, head, left in lanes:
            if head in settled:
                continue
            soonest = ready + (edge.transit if relaxed else edge.least)
            known = best.get(head)
            if known is not None and soonest > known[0]:
                continue
            if goal is not None and soonest + left > goal[0]:
                continue
            times = edge.direct(ready) if relaxed else edge.leg(ready, load, loads)
            if times is None:
                continue
            arrival = times[1]
            # Nothing that gets there later than what is known is gone on from.
            if goal is not None and arrival + left > goal[0]:
                continue
            label = (arrival, hops, edge.lane)
            if known is None or label < known:
                best[head] = label
                came[head] = edge, ready, times
                heappush(self._heap, (arrival + left, hops, head))
                if head == destination:
                    goal = label

    def _way(self, place: str) -> list[Leg]:
        legs: list[Leg] = []
        while place in self._came:
            edge, ready, times = self._came[place]
            legs.append(Leg(edge.lane, edge.origin, place, ready, *times))
            place = edge.origin
        legs.reverse()
        return legs
