"""Searches over lanes: earliest arrival, bounds of any load, the k best ways.

Goods that are ready later never arrive earlier, so the arrival is a step function of
when they are ready: as long as the same vehicle of the first lane is caught it stays.
What is on board already only makes it later; so the steps are found once and kept.

Which way is best is the caller's: a spur search completes the beginning of a way. Lanes
between the same two places are different ways.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from copy import copy
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from medhavi.providers.transport.lane_graph import LaneEdge
from medhavi.providers.transport.timetable import NOTHING as NO_LOAD
from medhavi.providers.transport.timetable import DepartureLoads
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from medhavi.providers.transport.lane_graph import Goods, LaneGraph


NOTHING: frozenset[str] = frozenset()
MOST_PER_WAY = 10
"""Ways looked at for each that is asked for; some may never carry the goods."""


class ExcludedLanes(NamedTuple):
    """Lanes and places that a way must not use."""

    lanes: Collection[str] = NOTHING
    places: Collection[str] = NOTHING

    def also(self, lanes: Collection[str]) -> ExcludedLanes:
        """Ban more lanes."""
        return ExcludedLanes({*self.lanes, *lanes}, self.places) if lanes else self


Way = tuple[LaneEdge, ...]
Found = tuple[float, Way]
"""Weight of a way, and the way."""
Spur = Callable[[Way, ExcludedLanes], "Found | None"]
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
    first = spur((), ExcludedLanes())
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
        # Each next way leaves one that was given, at one of its places (Yen, Management
        # Science 17, 1971, 712-716).
        for place in range(len(last)):
            root = last[:place]
            beside = {
                way[place].lane
                for way in taken
                if len(way) > place and way[:place] == root
            }
            behind = {edge.origin for edge in root}
            found = spur(root, ExcludedLanes(beside, behind))
            if found is not None and _lanes(found[1]) not in seen:
                seen.add(_lanes(found[1]))
                _push(waiting, found)


def cheapest(
    graph: LaneGraph,
    goods: Goods,
    ends: tuple[str, str],
    ban: ExcludedLanes,
    weights: tuple[Callable[[LaneEdge], float], Mapping[str, float]],
) -> Way | None:
    """Way of least weight between two places.

    Parameters
    ----------
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


class Leg(NamedTuple):
    """One lane of an itinerary.

    Parameters
    ----------
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


class ArrivalSearch:
    """One search for the earliest arrival.

    A place is settled when nothing that is still open could reach the destination by
    it sooner; of equal arrivals the one with fewer legs wins, then the lane's id.

    Parameters
    ----------
    graph, loads
        Lanes, and what their departures carry.
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
        ban: ExcludedLanes,
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
        self._came: dict[str, tuple[LaneEdge, int, tuple[int, int]]] = {}
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
                # What comes later than another way to that place is no way on.
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


MOST_ENDS = 4096
"""Pairs of places and kinds of goods whose arrivals are kept."""


class LaneArrivals:
    """Earliest ways over lanes that carry nothing yet.

    They bound the arrival of any load, and are the earliest ways of all loads that
    their vehicles have room for: what others carry makes no other way earlier.

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
        self._known: dict[object, tuple[list[int], list[int], list[list[Leg]]]] = {}
        """First and last instants of the steps, and the legs of each [s]."""

    def over(self, graph: LaneGraph) -> LaneArrivals:
        """Arrivals over lanes of which some leave at other times."""
        made: LaneArrivals = copy(self)
        made._graph = graph
        made._known = {}
        return made

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
            Kind and country; their load does not count.
        ready
            When they are at the origin [s].
        forbidden
            Lanes that must not be used.
        """
        if self.fills:
            # A vehicle that leaves with a least load may need that of others.
            rest = self._graph.bounds(destination, goods)
            return ready + rest[origin] if origin in rest else NEVER
        legs = self.legs(goods, origin, ready, destination, forbidden)
        if not legs:
            return NEVER if legs is None else ready
        return legs[-1].arrival

    def legs(
        self,
        goods: Goods,
        origin: str,
        ready: int,
        destination: str,
        forbidden: frozenset[str],
    ) -> Sequence[Leg] | None:
        """Legs of the earliest way, where no vehicle needs a least load.

        Parameters
        ----------
        goods, origin, ready, destination, forbidden
            As in `soonest`.

        Returns
        -------
        sequence of Leg or None
            Of goods that are ready then or a little before; none: they are there
            already. `None`: no way leads there.
        """
        key = origin, destination, goods.hazmat, goods.country, forbidden
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MOST_ENDS:
                self._known.clear()
            known = self._known[key] = [], [], []
        firsts, lasts, found = known
        # Steps do not overlap: the first that ends then or later holds it, or none
        # does.
        place = bisect_left(lasts, ready)
        if place < len(lasts) and firsts[place] <= ready:
            return found[place]
        search = ArrivalSearch(
            self._graph,
            DepartureLoads(),
            goods._replace(load=NO_LOAD),
            ExcludedLanes(forbidden),
            relaxed=False,
        )
        legs = search.earliest({origin: ready}, destination)
        if not legs:
            return legs
        first = legs[0]
        last = max(ready, self._graph.edge(first.lane).last_ready(first.departure))
        # Goods of then wait for the same departure: what is known from later on holds
        # from now on.
        if place < len(lasts) and lasts[place] == last:
            firsts[place] = ready
        else:
            firsts.insert(place, ready)
            lasts.insert(place, last)
            found.insert(place, legs)
        return legs
