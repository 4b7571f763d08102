"""Lanes and their departures as rows of numbers, kept true while loads change."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.kernels.promise_kernels.supply_record import (
    FAR,
    FREIGHT,
    K_TRANSIT,
    LANE,
    LEG,
    REACHED,
    SENT,
    SHIPMENT,
    TAKEN,
    Lanes,
    Net,
)
from medhavi.providers.transport.departure_loads import NOTHING
from medhavi.units import DAY

if TYPE_CHECKING:
    from medhavi.providers.transport.departure_loads import Load
    from medhavi.providers.transport.itineraries import Itineraries
    from medhavi.providers.transport.lane_graph import Edge
    from medhavi.providers.transport.transport import Transport

AHEAD = 730 * DAY
"""Time after now that departures are listed for; later ways are searched otherwise."""
MOST_NETS = 4096
"""Destinations and kinds of goods whose ways are kept."""
_SHIPMENTS = 64
_LEGS = 512


class Ways(NamedTuple):
    """The ways to a destination for the kernels, its places, the lanes of edges."""

    net: Net
    places: dict[str, int]
    edges: list[Edge]


class LaneRows:
    """Lanes of a book that leave by timetables.

    Parameters
    ----------
    itineraries
        Lanes as a graph, and what their departures carry.
    transport
        What lanes cost.
    now
        Nothing leaves before it [s].

    Attributes
    ----------
    lanes
        The rows as kernels read them.
    """

    def __init__(
        self, itineraries: Itineraries, transport: Transport, now: int
    ) -> None:
        self._itineraries = itineraries
        self._now = now
        self._numbers: dict[str, int] = {}
        self._leaves: list[int] = []
        self._spans: list[tuple[int, int]] = []
        """Departures of all lanes, and first and last places of each."""
        self._ways: dict[tuple[object, ...], Ways | None] = {}
        self.lanes = self._listed(transport)
        itineraries.loads.watch(self)

    @property
    def names(self) -> list[str]:
        """The lanes in the order of their rows."""
        return list(self._numbers)

    def close(self) -> None:
        """Look at the loads no more."""
        self._itineraries.loads.watch(None)

    def carried(self, lane: str, departure: int, load: Load) -> None:
        """Follow what a departure carries now."""
        number = self._numbers.get(lane)
        if number is None:
            return
        leaves, (first, last) = self._leaves, self._spans[number]
        place = bisect_left(leaves, departure, first, last)
        if place < last and leaves[place] == departure:
            self.lanes.weights[place], self.lanes.volumes[place] = load

    def ways(
        self, product: str, destination: str, forbidden: frozenset[str]
    ) -> Ways | None:
        """Ways of a product to a place; None: some lane has no timetable.

        Parameters
        ----------
        forbidden
            Lanes that must not be used.
        """
        goods = self._itineraries.goods(product, 0.0, destination)
        key = destination, goods.hazmat, goods.country, forbidden
        try:
            return self._ways[key]
        except KeyError:
            if len(self._ways) >= MOST_NETS:
                self._ways.clear()
            found = self._ways[key] = self._led(product, destination, forbidden)
            return found

    # --------------------------------------------------------------------- compiling
    def _listed(self, transport: Transport) -> Lanes:
        """List the departures of all lanes that leave by a timetable alone."""
        graph, loads = self._itineraries.graph, self._itineraries.loads
        rows: list[tuple[int, ...]] = []
        prices: list[tuple[float, ...]] = []
        leaves = self._leaves
        there: list[tuple[int, int]] = []
        for lane in sorted(transport.ids):
            edge = graph.edge(lane)
            found = edge.listed(self._now - DAY, self._now + AHEAD)
            if found is None:
                continue
            self._numbers[lane] = len(rows)
            first = len(leaves)
            leaves += found
            self._spans.append((first, len(leaves)))
            known = loads.of_lane(lane) or {}
            there += [known.get(departure, NOTHING) for departure in found]
            weight, volume = edge.most
            times = edge.cutoff, edge.transit
            most = min(weight, FAR), min(volume, FAR)
            rows.append((first, len(leaves), *times, *most))
            prices.append(transport.rates(lane))
        carried = np.array(there, np.int64).reshape(len(there), 2)
        return Lanes(
            lanes=np.array(rows, np.int64).reshape(len(rows), LANE),
            timed=np.array([row[K_TRANSIT] for row in rows], np.int64),
            prices=np.array(prices, np.float64).reshape(len(rows), FREIGHT),
            leaves=np.array(leaves, np.int64),
            weights=carried[:, 0].copy(),
            volumes=carried[:, 1].copy(),
            counts=np.zeros(SENT, np.int64),
            way=np.zeros((_LEGS, LEG), np.int64),
            shipments=np.zeros((_SHIPMENTS, SHIPMENT), np.int64),
            legs=np.zeros((_LEGS, LEG), np.int64),
            taken=np.zeros((_LEGS, TAKEN), np.int64),
        )

    def _led(
        self, product: str, destination: str, forbidden: frozenset[str]
    ) -> Ways | None:
        """Compile the ways to a destination."""
        graph = self._itineraries.graph
        goods = self._itineraries.goods(product, 0.0, destination)
        left = graph.bounds(destination, goods)
        others = sorted(place for place in left if place != destination)
        places = {place: number for number, place in enumerate([destination, *others])}
        first, rows = [0, 0], []
        edges: list[Edge] = []
        for place in others:
            onward = graph.lanes_on(place, destination, goods, forbidden)
            for edge, head, _, _ in onward:
                number = self._numbers.get(edge.lane)
                if number is None:
                    return None
                rows.append((places[head], number, places[place]))
                edges.append(edge)
            first.append(len(rows))
        net = Net(
            first=np.array(first, np.int64),
            edges=np.array(rows, np.int64).reshape(len(rows), 3),
            left=np.array([left[place] for place in places], np.int64),
            reached=np.zeros((len(places), REACHED), np.int64),
        )
        return Ways(net, places, edges)
