"""Arrivals that no load can beat: by the lanes and their timetables alone.

Goods that are ready later never arrive earlier, so the arrival is a step function of
when they are ready: as long as the same vehicle of the first lane is caught it stays.
What is on board already only makes it later; so the steps are found once and kept.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from medhavi.providers.altered_copy import altered
from medhavi.providers.transport.arrival_search import Search
from medhavi.providers.transport.departure_loads import DepartureLoads
from medhavi.providers.transport.itinerary_routes import Ban
from medhavi.units import NEVER

if TYPE_CHECKING:
    from medhavi.providers.transport.lane_graph import Goods, LaneGraph

MOST_ENDS = 4096
"""Pairs of places and kinds of goods whose arrivals are kept."""


class ArrivalBounds:
    """Arrivals over empty lanes.

    Parameters
    ----------
    graph
        Lanes; what they carry is not looked at.

    Attributes
    ----------
    fills
        Some vehicle leaves only with a least load.
    """

    __slots__ = ("_graph", "_known", "fills")

    def __init__(self, graph: LaneGraph) -> None:
        self._graph = graph
        self.fills = graph.anything_fills
        self._known: dict[object, tuple[list[int], list[int], list[int]]] = {}
        """First and last instants of the steps, and the arrival of each [s]."""

    def over(self, graph: LaneGraph) -> ArrivalBounds:
        """Arrivals over lanes of which some leave at other times."""
        return altered(self, _graph=graph, _known={})

    def soonest(
        self,
        goods: Goods,
        origin: str,
        ready: int,
        destination: str,
        forbidden: frozenset[str],
    ) -> int:
        """Instant before which goods never arrive [s].

        Parameters
        ----------
        goods
            Kind and country; they have no load.
        ready
            When they are at the origin [s].
        forbidden
            Lanes that must not be used.
        """
        if self.fills:
            # A vehicle that leaves with a least load may need that of others.
            rest = self._graph.bounds(destination, goods)
            return ready + rest[origin] if origin in rest else NEVER
        key = origin, destination, goods.hazmat, goods.country, forbidden
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MOST_ENDS:
                self._known.clear()
            known = self._known[key] = [], [], []
        firsts, lasts, arrivals = known
        place = bisect_left(lasts, ready)
        if place < len(lasts) and firsts[place] <= ready:
            return arrivals[place]
        search = Search(
            self._graph, DepartureLoads(), goods, Ban(forbidden), relaxed=False
        )
        legs = search.earliest({origin: ready}, destination)
        if not legs:
            return NEVER if legs is None else ready
        first = legs[0]
        last = max(ready, self._graph.edge(first.lane).last_ready(first.departure))
        if place < len(lasts) and lasts[place] == last:
            firsts[place] = ready
        else:
            firsts.insert(place, ready)
            lasts.insert(place, last)
            arrivals.insert(place, legs[-1].arrival)
        return legs[-1].arrival
