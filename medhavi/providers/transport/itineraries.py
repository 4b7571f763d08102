"""Itineraries: exact earliest arrival over the lanes, and alternatives to it.

The earliest arrival is found by label-setting, goal-directed by the least time that is
left (Dreyfus 1969; Hart, Nilsson and Raphael, IEEE Transactions on Systems Science and
Cybernetics 4, 1968, 100-107). Alternatives are the k best loopless ways (Yen,
Management Science 17, 1971, 712-716); see `itinerary_routes`.

Cost and emission are those of the lanes' offers, leg by leg. A customer location ends a
way; nothing is sent on from there.
"""

from __future__ import annotations

from copy import copy
from math import log
from typing import TYPE_CHECKING, Literal, NamedTuple

from medhavi.providers.transport.arrival_search import (
    ArrivalSearch,
    ExcludedLanes,
    LaneArrivals,
    Leg,
    cheapest,
    ways,
)
from medhavi.providers.transport.lane_graph import Goods, LaneGraph
from medhavi.providers.transport.timetable import NOTHING, DepartureLoads, Load, load_of
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.reservations import Hold
    from medhavi.providers.sources import Costing
    from medhavi.providers.transport.arrival_search import Found, Spur, Way
    from medhavi.providers.transport.lane_graph import LaneEdge
    from medhavi.providers.transport.timetable import Departure
    from medhavi.providers.transport.transport import Transport

Objective = Literal["cost", "co2", "reliability", "time"]
NOWHERE: frozenset[str] = frozenset()
LEAST_RELIABLE = 1e-9
"""What a lane that is never on time counts as, so that ways can be compared."""


class Itinerary(NamedTuple):
    """A way from one of the origins to the destination.

    Parameters
    ----------
    legs
        In order of travel; none where the goods are there already.
    ready, departure, arrival
        Instants [s]; without legs all the same.
    cost, co2_kg
        Of all legs [base currency, kg].
    load
        What every departure carries of it.
    """

    legs: tuple[Leg, ...]
    ready: int
    departure: int
    arrival: int
    cost: float
    co2_kg: float
    load: Load = Load()

    @property
    def lanes(self) -> tuple[str, ...]:
        """Ids of the lanes, in order of travel."""
        return tuple(leg.lane for leg in self.legs)


class Itineraries:
    """Ways over the lanes of a snapshot, and what the departures carry.

    Parameters
    ----------
    transport
        Lanes, timetables, costs.
    loads
        What is carried before; it is changed in place.
    """

    def __init__(
        self,
        transport: Transport,
        facts: ProductFacts,
        loads: DepartureLoads,
    ) -> None:
        self._transport = transport
        self._facts = facts
        self.loads = loads
        self._graph = LaneGraph(transport, facts.holds_stock)
        self._empty = LaneArrivals(self._graph)
        self._costs: dict[tuple[str, str], Costing] = {}
        self._kinds: dict[str, tuple[bool, float, float]] = {}
        """Of products: dangerous or not, weight and volume."""
        self._countries: dict[str, str | None] = {}

    def over(
        self, transport: Transport, lanes: Collection[str], loads: DepartureLoads
    ) -> Itineraries:
        """Ways over lanes of which some leave at other times."""
        return self._on(transport, self._graph.over(transport, lanes), loads)

    def _on(
        self, transport: Transport, graph: LaneGraph, loads: DepartureLoads
    ) -> Itineraries:
        """The same ways over other lanes and loads."""
        empty = self._empty.over(graph)
        made: Itineraries = copy(self)
        made._transport = transport
        made._graph = graph
        made._empty = empty
        made.loads = loads
        return made

    def taking(
        self,
        transits: Mapping[str, int],
        before: tuple[Itineraries, Itineraries] | None = None,
    ) -> Itineraries:
        """Ways over lanes of which some take other times; the loads are the same.

        Parameters
        ----------
        transits
            Time from departure to use by lane [s of the lane's time].
        before
            Ways of which these differ by departures at most, and the same ways with
            these times: lanes that leave as before are shared with them.
        """
        transport = self._transport.taking(transits)
        if before is not None:
            plain, timed = before
            return timed.over(
                transport, self._graph.apart_from(plain.graph), self.loads
            )
        # No bound of the lanes before holds for these.
        graph = self._graph.over(transport, transits, same_times=False)
        return self._on(transport, graph, self.loads)

    def transit(self, lane: str) -> int:
        """Time from departure to use that ways are found by [s of the lane's time]."""
        return self._transport.transit(lane)

    @property
    def graph(self) -> LaneGraph:
        """Lanes by origin and destination."""
        return self._graph

    @property
    def kept(self) -> int:
        """From how many questions the ways are known."""
        return self._graph.kept

    # --------------------------------------------------------------------- earliest
    def earliest(
        self,
        product: str,
        qty: float,
        origins: Mapping[str, int],
        destination: str,
        *,
        country: str | None = None,
        forbidden: Collection[str] = NOWHERE,
        relaxed: bool = False,
    ) -> Itinerary | None:
        """Itinerary of the earliest arrival.

        Parameters
        ----------
        product, qty
            What travels, in base units; all of it on one departure per leg (rule 34).
        origins
            Instant at which the goods are ready, by location [s].
        country
            Country of the final delivery where the destination states none (that of
            the customer, rule 34).
        forbidden
            Lanes that must not be used.
        relaxed
            As if a vehicle with room for all left at any time: only transit counts.

        Returns
        -------
        Itinerary or None
            Of equal arrivals the one with fewer legs. `None`: no lane leads there, or
            none may or can carry the goods.
        """
        goods = self.goods(product, qty, destination, country)
        legs = None
        if not relaxed:
            legs = self._unhindered(goods, origins, destination, forbidden)
        if legs is None:
            legs = self._search(
                goods, origins, destination, ExcludedLanes(forbidden), relaxed=relaxed
            )
        if legs is None:
            return None
        ready = origins[legs[0].origin] if legs else origins[destination]
        return self._itinerary(product, qty, goods.load, (legs, ready))

    def arrival(
        self,
        product: str,
        qty: float,
        origins: Mapping[str, int],
        destination: str,
        forbidden: Collection[str],
    ) -> tuple[int, int] | None:
        """Arrival of the earliest itinerary [s], and how often its departures take it.

        The latter is 0 for goods without weight and volume, and where some lane needs a
        least load: more is no longer later there. None: there is no way.

        Parameters
        ----------
        product, qty, origins, destination, forbidden
            As in `earliest`.
        """
        goods = self.goods(product, qty, destination)
        legs = self._unhindered(goods, origins, destination, forbidden)
        if legs is None:
            legs = self._search(goods, origins, destination, ExcludedLanes(forbidden))
        if legs is None:
            return None
        at = legs[-1].arrival if legs else origins[destination]
        return at, self._room(legs, goods.load)

    def soonest(
        self,
        product: str,
        origin: str,
        ready: int,
        destination: str,
        forbidden: frozenset[str],
    ) -> int:
        """Arrival that no way of a product can beat, loaded as it may be [s].

        Parameters
        ----------
        origin, ready, destination, forbidden
            As in `earliest`.
        """
        goods = self.goods(product, 0.0, destination, None)
        return self._empty.soonest(goods, origin, ready, destination, forbidden)

    def _unhindered(
        self,
        goods: Goods,
        origins: Mapping[str, int],
        destination: str,
        forbidden: Collection[str],
    ) -> list[Leg] | None:
        """Legs of the earliest way over empty lanes that has room for goods.

        None: its vehicles have none, there is no such way, or none is kept.
        """
        if (
            self._empty.fills
            or len(origins) > 1
            or not isinstance(forbidden, frozenset)
        ):
            return None
        ((origin, at),) = origins.items()
        way = self._empty.legs(goods, origin, at, destination, forbidden)
        if way is None:
            return None
        legs = []
        for leg in way:
            found = self._graph.edge(leg.lane).leg(at, goods.load, self.loads)
            # That departure is full: another way may be sooner than its next one.
            if found != (leg.departure, leg.arrival):
                return None
            legs.append(leg if leg.ready == at else leg._replace(ready=at))
            at = leg.arrival
        return legs

    def _search(
        self,
        goods: Goods,
        origins: Mapping[str, int],
        destination: str,
        ban: ExcludedLanes,
        *,
        relaxed: bool = False,
    ) -> list[Leg] | None:
        search = ArrivalSearch(self._graph, self.loads, goods, ban, relaxed=relaxed)
        return search.earliest(origins, destination)

    # ----------------------------------------------------------------- alternatives
    def alternatives(  # noqa: PLR0913  (the goods, both ends, and what is asked)
        self,
        product: str,
        qty: float,
        origin: str,
        ready: int,
        destination: str,
        k: int,
        by: Objective = "time",
        *,
        forbidden: Collection[str] = NOWHERE,
    ) -> tuple[Itinerary, ...]:
        """K best itineraries by cost, CO2, reliability or arrival, best first.

        Parameters
        ----------
        product, qty, forbidden
            As in `earliest`.
        origin, ready
            Where the goods are ready, and when [s].
        k
            How many at most; fewer where there are no more ways without a circle.
        by
            What is compared; ties by the ids of the lanes.

        Raises
        ------
        ValueError
            `k` is below 1.
        """
        if k < 1:
            message = f"{k} alternatives were asked for; give 1 or more."
            raise ValueError(message)
        goods = self.goods(product, qty, destination)
        if origin == destination:
            return (self._itinerary(product, qty, goods.load, ([], ready)),)

        def walk(way: Way) -> list[Leg] | None:
            return self._walk(goods.load, ready, way)

        spur = self._spurs(product, qty, goods, (origin, ready), destination, by)
        found: list[Itinerary] = []
        for way in ways(lambda root, ban: spur(root, ban.also(forbidden)), k):
            legs = walk(way)
            if legs is not None:
                itinerary = self._itinerary(product, qty, goods.load, (legs, ready))
                found.append(itinerary)
            if len(found) == k:
                break
        return tuple(found)

    def _spurs(
        self,
        product: str,
        qty: float,
        goods: Goods,
        start: tuple[str, int],
        destination: str,
        by: Objective,
    ) -> Spur:
        """Search that completes the beginning of a way at its best."""
        origin, ready = start

        def soonest(root: Way, ban: ExcludedLanes) -> Found | None:
            legs = self._walk(goods.load, ready, root)
            if legs is None:
                return None
            place = root[-1].destination if root else origin
            at = legs[-1].arrival if legs else ready
            rest = self._search(goods, {place: at}, destination, ban)
            if rest is None:
                return None
            way = root + tuple(self._graph.edge(leg.lane) for leg in rest)
            return rest[-1].arrival, way

        def weight(edge: LaneEdge) -> float:
            if by == "reliability":
                # The product of chances is greatest where the sum of these is least.
                share = self._transport.reliability(edge.lane)
                return -log(max(share, LEAST_RELIABLE))
            costs = self._cost(product, edge.lane)
            return costs.cost(qty) if by == "cost" else costs.co2(qty)

        if by == "time":
            return soonest
        rest = self._graph.backward(destination, goods, weight)

        def least(root: Way, ban: ExcludedLanes) -> Found | None:
            place = root[-1].destination if root else origin
            found = cheapest(
                self._graph, goods, (place, destination), ban, (weight, rest)
            )
            if found is None:
                return None
            way = root + found
            return sum(weight(edge) for edge in way), way

        return least

    def _walk(self, load: Load, ready: int, way: Way) -> list[Leg] | None:
        """Legs of a way; `None`: one of its lanes never carries the goods."""
        legs: list[Leg] = []
        for edge in way:
            found = edge.leg(ready, load, self.loads)
            if found is None:
                return None
            legs.append(Leg(edge.lane, edge.origin, edge.destination, ready, *found))
            ready = found[1]
        return legs

    def along(
        self, found: Itinerary, ready: int, transit: Callable[[str], int | None]
    ) -> Itinerary | None:
        """Same lanes for goods that are ready at another time.

        Parameters
        ----------
        ready
            When the goods are at the origin [s].
        transit
            Time of each lane from departure to use [s]; None: as planned with.

        Returns
        -------
        Itinerary or None
            On the first departures that have room. `None`: a lane has none any more.
        """
        at = ready
        legs = []
        for leg in found.legs:
            edge = self._graph.edge(leg.lane)
            times = edge.timed(at, transit(leg.lane), found.load, self.loads)
            if times is None:
                return None
            legs.append(Leg(leg.lane, leg.origin, leg.destination, at, *times))
            at = times[1]
        departure = legs[0].departure if legs else ready
        return Itinerary(
            tuple(legs), ready, departure, at, found.cost, found.co2_kg, found.load
        )

    # -------------------------------------------------------------------- the loads
    def occupy(self, itinerary: Itinerary) -> None:
        """Load the departures of an itinerary.

        Lanes that leave at any time send a vehicle of their own and keep no load.
        """
        for leg in itinerary.legs:
            if not self._graph.edge(leg.lane).any_time:
                self.loads.add(leg.lane, leg.departure, itinerary.load)

    def release(self, itinerary: Itinerary) -> None:
        """Release what `occupy` loaded."""
        load = itinerary.load
        for leg in itinerary.legs:
            if not self._graph.edge(leg.lane).any_time:
                less = Load(-load.weight, -load.volume)
                self.loads.add(leg.lane, leg.departure, less)

    def _room(self, legs: Sequence[Leg], load: Load) -> int:
        """How often the departures of legs take a load; see `arrival`."""
        if self._empty.fills or load == NOTHING:
            return 0
        found = NEVER
        for leg in legs:
            left = self._graph.edge(leg.lane).left(leg.departure, self.loads)
            for most, one in zip(left, load, strict=True):
                found = min(found, most // one) if one else found
        return found

    def mark(self) -> int:
        """Mark to undo to."""
        return self.loads.mark()

    def undo(self, mark: int) -> None:
        """Take back every change of the loads since the mark."""
        self.loads.undo(mark)

    # ------------------------------------------------------------------------ goods
    def goods(
        self, product: str, qty: float, destination: str, country: str | None = None
    ) -> Goods:
        """Quantity of a product as it travels to a destination."""
        facts = self._facts
        kind = self._kinds.get(product)
        if kind is None:
            weight, volume = facts.weight_kg(product), facts.volume_m3(product)
            kind = self._kinds[product] = facts.hazmat(product), weight, volume
        if destination not in self._countries:
            self._countries[destination] = facts.country(destination)
        hazmat, weight, volume = kind
        there = self._countries[destination] or country
        return Goods(hazmat, there, load_of(qty, weight, volume))

    def _cost(self, product: str, lane: str) -> Costing:
        known = self._costs.get((lane, product))
        if known is None:
            known = self._costs[lane, product] = self._transport.costs(lane, product)
        return known

    def _itinerary(
        self, product: str, qty: float, load: Load, way: tuple[Sequence[Leg], int]
    ) -> Itinerary:
        legs, ready = way
        costs = [self._cost(product, leg.lane) for leg in legs]
        return Itinerary(
            tuple(legs),
            ready,
            legs[0].departure if legs else ready,
            legs[-1].arrival if legs else ready,
            sum([cost.cost(qty) for cost in costs]),
            sum([cost.co2(qty) for cost in costs]),
            load,
        )


def reserved_loads(
    holds: Iterable[Hold], transport: Transport, own: Collection[str]
) -> DepartureLoads:
    """Loads that active reservations bind (rule 31).

    A hold binds the first departure inside its window; where none leaves in it, and on
    a lane that leaves at any time, it binds nothing.

    Parameters
    ----------
    holds
        Active reservations of kind transport [kg].
    transport
        Lanes.
    own
        Demands whose holds do not count (rule 29).
    """
    known = frozenset(transport.ids)
    found = (
        bound(hold, transport)
        for hold in holds
        if hold.demand not in own and hold.subject in known
    )
    return DepartureLoads(one for one in found if one is not None)


def bound_again(
    loads: DepartureLoads, holds: Iterable[Hold], ways: tuple[Transport, Transport]
) -> DepartureLoads:
    """Loads where reservations bind other departures than before.

    Parameters
    ----------
    loads
        As they are, more than the reservations among them; they stay.
    holds
        Active reservations on the lanes whose departures change [kg].
    ways
        The lanes as they were and as they are.
    """
    made = loads.copied()
    for hold in holds:
        before, after = (bound(hold, transport) for transport in ways)
        if before is not None:
            place, load = before
            made.add(*place, Load(-load.weight, -load.volume))
        if after is not None:
            place, load = after
            made.add(*place, load)
    made.settle()
    return made


def bound(hold: Hold, transport: Transport) -> tuple[Departure, Load] | None:
    """Departure that a reservation binds, if any."""
    timetable = transport.timetable(hold.subject)
    departure = timetable.earliest(hold.start)
    if not timetable.scheduled or departure is None or departure >= hold.finish:
        return None
    return (hold.subject, departure), load_of(hold.qty, 1.0, 0.0)
