"""Lanes as a graph, and when goods that are ready at a place arrive over one of them.

A leg never overtakes: goods that are ready later never arrive earlier on the same lane,
whatever its timetable, blackouts, calendar and loads. That is what makes label-setting
exact (Dreyfus, Operations Research 17, 1969, 395-412).
"""

from __future__ import annotations

from bisect import bisect_left
from copy import copy
from heapq import heappop, heappush
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from medhavi.providers.transport.timetable import MILLION, NOTHING, Load
from medhavi.units import ALWAYS, DAY, HOUR, NEVER, ceil_fraction, exact, seconds_up

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from medhavi.providers.sources import Clock
    from medhavi.providers.transport.timetable import DepartureLoads
    from medhavi.providers.transport.transport import Transport
    from medhavi.snapshot.calendars.working_time import WorkingTime


MOST_ONWARD = 4096
"""Destinations and kinds of goods for which the lanes that lead there are kept."""
EMPTY: Final[Mapping[int, Load]] = MappingProxyType({})
"""What the departures of a lane carry that nobody uses."""
AHEAD = 120 * DAY
"""For how long after an instant departures are listed at once."""


class LaneEdge:
    """One lane, compiled."""

    __slots__ = (
        "_clock",
        "_departures",
        "_fill",
        "_from",
        "_plain",
        "_simple",
        "_steady",
        "_time",
        "_timetable",
        "_transport",
        "any_time",
        "cutoff",
        "destination",
        "hazmat_allowed",
        "lane",
        "least",
        "limited",
        "most",
        "origin",
        "transit",
    )

    def __init__(self, transport: Transport, lane: str) -> None:
        row = transport.row(lane)
        self._transport = transport
        self.lane = lane
        self.origin: str = row["origin"]
        self.destination: str = row["destination"]
        self.hazmat_allowed: bool = row["hazmat_allowed"]
        self.cutoff = seconds_up(row["cutoff_h"], HOUR)
        self.transit = transport.transit(lane)
        self.least = self.cutoff + self.transit
        """Seconds from ready to arrival that no departure can beat."""
        self.any_time = not transport.timetable(lane).scheduled
        self._clock: Clock = transport.clock(lane, 0.0)
        self._time: WorkingTime = transport.lane_time(lane)
        self._timetable = transport.timetable(lane)
        self._plain = not self.any_time and self._time.always_open
        self._from, self._departures = NEVER, [ALWAYS]
        self._fill = ceil_fraction(exact(row["min_fill_kg"] or 0.0) * MILLION)
        most = row["capacity_kg"], row["capacity_m3"]
        self.limited = most != (None, None) or self._fill > 0
        self.most = self._room(0)
        """What a vehicle carries, where all carry the same."""
        self._steady = not transport.disturbed(lane)
        self._simple = self.limited and self._steady and not self._fill
        """Whether each departure has the same room for loads of any size."""

    def leg(
        self, ready: int, load: Load, loads: DepartureLoads
    ) -> tuple[int, int] | None:
        """Departure and arrival of goods that are ready; `None`: never.

        One delivery travels on one departure (rule 34): the first that has room for all
        of it, and with it the least weight for which it is used. A lane that leaves at
        any time sends a vehicle for each delivery.
        """
        bound = ready + self.cutoff
        departures = self._departures
        # Outside of what is listed: list anew around it, or ask the clock.
        if not self._from <= bound <= departures[-1]:
            if not self._plain or not self._listed(bound):
                return self._boarded(self._first(ready), load, loads)
            departures = self._departures
        place = bisect_left(departures, bound)
        departure = departures[place]
        if not self._simple:
            times = departure, departure + self.transit
            return self._boarded(times, load, loads)
        weight, volume = self.most[0] - load[0], self.most[1] - load[1]
        carried = loads.of_lane(self.lane) or EMPTY
        there = carried.get(departure, NOTHING)
        if there[0] <= weight and there[1] <= volume:
            return departure, departure + self.transit
        # By it callers see that a departure was full.
        loads.refused += 1
        if weight < 0 or volume < 0:
            return None
        for later in range(place + 1, len(departures)):
            departure = departures[later]
            there = carried.get(departure, NOTHING)
            if there[0] <= weight and there[1] <= volume:
                return departure, departure + self.transit
        return self._later(departure, load, carried)

    def _boarded(
        self, times: tuple[int, int] | None, load: Load, loads: DepartureLoads
    ) -> tuple[int, int] | None:
        """Departure and its arrival, or the first later one with room."""
        if not self.limited or times is None:
            return times
        carried = EMPTY if self.any_time else loads.of_lane(self.lane) or EMPTY
        if self._carries(times[0], load, carried):
            return times
        loads.refused += 1
        return self._later(times[0], load, carried)

    def _first(self, ready: int) -> tuple[int, int] | None:
        """Departure and arrival of the first vehicle, whatever it carries."""
        timing = self._clock.earliest(ready, 0)
        return None if timing is None else (timing.start, timing.finish)

    def timed(
        self, ready: int, transit: int | None, load: Load, loads: DepartureLoads
    ) -> tuple[int, int] | None:
        """Departure and arrival as `leg` does, where the way takes another time.

        Parameters
        ----------
        transit
            Time from departure to use [s of the lane's time]; None: as planned with.
        """
        if transit is None:
            return self.leg(ready, load, loads)
        start = ready
        if self._plain or self.limited:
            times = self.leg(ready, load, loads)
            if times is None:
                return None
            if self._plain:
                return times[0], times[0] + transit
            start = max(ready, times[0] - self.cutoff)
        timing = self._transport.clock_at(self.lane, transit).earliest(start, 0)
        return None if timing is None else (timing.start, timing.finish)

    def _listed(self, bound: int) -> bool:
        """List the departures around an instant; False: ask for each."""
        start = bound - AHEAD // 2
        found = self._timetable.between(start, bound + AHEAD)
        if found is None:
            return False
        self._from, self._departures = start, found
        return True

    @property
    def fills(self) -> bool:
        """Whether a vehicle leaves only with a least load."""
        return self._fill > 0

    def last_ready(self, departure: int) -> int:
        """Until when goods must be there to catch a departure [s].

        On a lane without a timetable, or with working hours, at once: `ALWAYS`.
        """
        return departure - self.cutoff if self._plain else ALWAYS

    def direct(self, ready: int) -> tuple[int, int] | None:
        """Departure and arrival as if one left at any time with room for all."""
        arrival = self._time.add(ready, self.transit)
        return None if arrival is None else (ready, arrival)

    def _carries(self, departure: int, load: Load, carried: Mapping[int, Load]) -> bool:
        weight, volume = load
        there = carried.get(departure)
        if there is not None:
            weight += there[0]
            volume += there[1]
        if weight < self._fill:
            return False
        most = self.most if self._steady else self._room(departure)
        return weight <= most[0] and volume <= most[1]

    def left(self, departure: int, loads: DepartureLoads) -> Load:
        """Most that a departure takes beside what it carries."""
        there = (loads.of_lane(self.lane) or EMPTY).get(departure, NOTHING)
        most = self.most if self._steady else self._room(departure)
        return Load(most[0] - there[0], most[1] - there[1])

    def _room(self, departure: int) -> Load:
        """Most that a departure carries."""
        return Load(
            *(
                NEVER if most is None else int(most * MILLION)
                for most in self._transport.room(self.lane, departure)
            )
        )

    def _later(
        self, departure: int, load: Load, carried: Mapping[int, Load]
    ) -> tuple[int, int] | None:
        """Look for a departure that has room where something changes later."""
        changes = self._transport.room_changes(self.lane)
        # After all loads and changes each departure takes as much: the first decides.
        last = max([departure, *carried, *changes])
        while departure <= last:
            bound = departure + 1
            if self.any_time:
                # A vehicle of its own carries as much until the room of the lane
                # changes.
                bound = min((c for c in changes if c > departure), default=last + 1)
            # The clock adds the cutoff again.
            timing = self._clock.earliest(bound - self.cutoff, 0)
            if timing is None:
                return None
            departure = timing.start
            if self._carries(departure, load, carried):
                return departure, timing.finish
        return None


class Goods(NamedTuple):
    """What travels: its kind, size and where it must not pass through.

    Parameters
    ----------
    hazmat
        Dangerous goods.
    country
        Where the final delivery lies; `None`: unknown, nothing is blocked.
    load
        Weight and volume.
    """

    hazmat: bool
    country: str | None
    load: Load


class OutboundLane(NamedTuple):
    """A lane towards a destination.

    Parameters
    ----------
    head
        Where the lane ends.
    least, left
        Seconds that nothing can beat: over the lane, and from its end to the
        destination.
    """

    edge: LaneEdge
    head: str
    least: int
    left: int


class DestinationPaths(NamedTuple):
    """The ways of some goods to a destination.

    Parameters
    ----------
    rest
        Seconds that no way from a place can beat.
    lanes
        By place, what was asked for (`LaneGraph.lanes_on`).
    """

    rest: Mapping[str, int]
    lanes: dict[str, list[OutboundLane]]


class LaneGraph:
    """All lanes by origin and destination.

    Parameters
    ----------
    stores
        Tells whether goods can lie at a location; at customers they end.
    """

    def __init__(self, transport: Transport, stores: Callable[[str], bool]) -> None:
        self._transport = transport
        self._stores = stores
        self._edges: dict[str, LaneEdge] = {}
        self._out: dict[str, list[LaneEdge]] = {}
        self._into: dict[str, list[LaneEdge]] = {}
        for lane in transport.ids:
            edge = self._edges[lane] = LaneEdge(transport, lane)
            self._out.setdefault(edge.origin, []).append(edge)
            self._into.setdefault(edge.destination, []).append(edge)
        self._bounds: dict[tuple[str, bool, str | None, bool], dict[str, int]] = {}
        self._towards: dict[tuple[object, ...], DestinationPaths] = {}

    def over(
        self, transport: Transport, lanes: Iterable[str], *, same_times: bool = True
    ) -> LaneGraph:
        """Graph on other lanes, of which some leave at other times.

        Parameters
        ----------
        transport
            The same lanes.
        lanes
            Those that leave at other times.
        same_times
            Whether their ways take as long as before, so that bounds of them hold.
        """
        edges, out, into = dict(self._edges), dict(self._out), dict(self._into)
        for lane in lanes:
            old, new = edges[lane], LaneEdge(transport, lane)
            edges[lane] = new
            for ends, place in ((out, new.origin), (into, new.destination)):
                ends[place] = [new if edge is old else edge for edge in ends[place]]
        made: LaneGraph = copy(self)
        made._transport = transport
        made._edges = edges
        made._out = out
        made._into = into
        made._towards = {}
        if not same_times:
            made._bounds = {}
        return made

    def apart_from(self, other: LaneGraph) -> tuple[str, ...]:
        """Lanes that leave at other times than those of a graph of the same lanes."""
        edges = self._edges.items()
        return tuple(lane for lane, edge in edges if edge is not other.edge(lane))

    @property
    def kept(self) -> int:
        """For how many ends and goods bounds and lanes are known."""
        return len(self._bounds) + len(self._towards)

    @property
    def anything_fills(self) -> bool:
        """Whether any vehicle leaves only with a least load."""
        return any(edge.fills for edge in self._edges.values())

    def edge(self, lane: str) -> LaneEdge:
        """Lane."""
        return self._edges[lane]

    def out(self, location: str) -> list[LaneEdge]:
        """Lanes from a location, by id."""
        return self._out.get(location, [])

    def passes(self, location: str) -> bool:
        """Whether goods can be sent on from a location."""
        return self._stores(location)

    def allowed(self, edge: LaneEdge, goods: Goods) -> bool:
        """Whether goods may travel on a lane (rule 34)."""
        if goods.hazmat and not edge.hazmat_allowed:
            return False
        country = goods.country
        return country is None or not self._transport.blocks(edge.lane, country)

    def bounds(
        self, destination: str, goods: Goods, *, relaxed: bool = False
    ) -> Mapping[str, int]:
        """Seconds that no way from a place to the destination can beat."""
        key = (destination, goods.hazmat, goods.country, relaxed)
        known = self._bounds.get(key)
        if known is None:
            weight = attrgetter("transit" if relaxed else "least")
            found = self.backward(destination, goods, weight)
            known = {place: int(seconds) for place, seconds in found.items()}
            self._bounds[key] = known
        return known

    def towards(
        self,
        destination: str,
        goods: Goods,
        banned: Collection[str],
        *,
        relaxed: bool,
    ) -> DestinationPaths:
        """What is known of the ways to a destination; the same goods find it."""
        key = (destination, goods.hazmat, goods.country, banned, relaxed)
        known = self._towards.get(key) if isinstance(banned, frozenset) else None
        if known is None:
            known = DestinationPaths(
                self.bounds(destination, goods, relaxed=relaxed), {}
            )
            if isinstance(banned, frozenset):
                if len(self._towards) >= MOST_ONWARD:
                    self._towards.clear()
                self._towards[key] = known
        return known

    def lanes_on(
        self,
        place: str,
        destination: str,
        goods: Goods,
        banned: Collection[str],
        *,
        relaxed: bool,
    ) -> list[OutboundLane]:
        """Lanes from a place that goods may take to a destination.

        They end there or where goods can be sent on from.
        """
        rest = self.bounds(destination, goods, relaxed=relaxed)
        return [
            OutboundLane(
                edge,
                edge.destination,
                edge.transit if relaxed else edge.least,
                rest[edge.destination],
            )
            for edge in self.out(place)
            if edge.destination in rest
            and (edge.destination == destination or self._stores(edge.destination))
            and edge.lane not in banned
            and self.allowed(edge, goods)
        ]

    def backward(
        self, destination: str, goods: Goods, weight: Callable[[LaneEdge], float]
    ) -> dict[str, float]:
        """Least weight from every place to a destination (Dijkstra 1959)."""
        found: dict[str, float] = {}
        heap: list[tuple[float, str]] = [(0, destination)]
        while heap:
            total, place = heappop(heap)
            if place in found:
                continue
            found[place] = total
            # Goods end at a customer: no way leads over it.
            if place != destination and not self._stores(place):
                continue
            for edge in self._into.get(place, ()):
                if edge.origin not in found and self.allowed(edge, goods):
                    heappush(heap, (total + weight(edge), edge.origin))
        return found
