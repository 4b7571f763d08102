"""Label-setting for the earliest arrival, directed at the destination."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.providers.transport.departure_loads import DepartureLoads
    from medhavi.providers.transport.itinerary_routes import Ban
    from medhavi.providers.transport.lane_graph import Edge, Goods, LaneGraph


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

    def earliest(
        self, origins: Mapping[str, int], destination: str
    ) -> list[Leg] | None:
        """Legs of the earliest way; none: the goods are there already.

        Parameters
        ----------
        origins
            Instant at which the goods are ready, by location [s].
        destination
            Location. `None` is given where no way leads there.
        """
        if not self._reaches(origins, destination):
            return None
        legs: list[Leg] = []
        place = destination
        while place in self._came:
            edge, ready, times = self._came[place]
            legs.append(Leg(edge.lane, edge.origin, place, ready, *times))
            place = edge.origin
        legs.reverse()
        return legs

    def _reaches(self, origins: Mapping[str, int], destination: str) -> bool:
        """Label places until the destination is settled; False: no way leads there."""
        graph, goods, banned = self._graph, self._goods, self._lanes
        relaxed = self._relaxed
        best, came, settled = self._best, self._came, self._settled
        rest, onward = graph.towards(destination, goods, banned, relaxed=relaxed)
        load, loads = goods.load, self._loads
        heap = self._begun(origins, rest)
        goal = best[destination][0] if destination in best else NEVER
        while heap:
            _, hops, place = heappop(heap)
            if place in settled:
                continue
            settled.add(place)
            if place == destination:
                return True
            ready = best[place][0]
            lanes = onward.get(place)
            if lanes is None:
                lanes = onward[place] = graph.lanes_on(
                    place, destination, goods, banned, relaxed=relaxed
                )
            hops += 1
            for edge, head, least, left in lanes:
                # Nothing that gets there later than what is known is gone on from.
                if head in settled or ready + least + left > goal:
                    continue
                known = best.get(head)
                if known is not None and ready + least > known[0]:
                    continue
                times = edge.direct(ready) if relaxed else edge.leg(ready, load, loads)
                if times is None or times[1] + left > goal:
                    continue
                arrival = times[1]
                label = (arrival, hops, edge.lane)
                if known is None or label < known:
                    best[head] = label
                    came[head] = edge, ready, times
                    heappush(heap, (arrival + left, hops, head))
                    if head == destination:
                        goal = arrival
        return False

    def _begun(
        self, origins: Mapping[str, int], rest: Mapping[str, int]
    ) -> list[tuple[int, int, str]]:
        """Origins from which there is a way: least arrival, legs, place."""
        heap: list[tuple[int, int, str]] = []
        for place, ready in origins.items():
            if place in rest:
                self._best[place] = (ready, 0, "")
                heappush(heap, (ready + rest[place], 0, place))
        return heap
