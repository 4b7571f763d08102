"""From where a product can reach a place: origins, and the lanes on the way.

New supply keeps to the sources of `sourcing` (rules 5 and 8). What lies in stock may
come by any lane that carries it, unless rows of `sourcing` name the ways into a place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.units import from_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
    from medhavi.providers import Providers
    from medhavi.providers.transport.transport import Transport


MOST_PLACES = 400
"""Places looked at for one product; nearer ones come first."""


class SupplyOrigins(NamedTuple):
    """What reaches a place.

    Parameters
    ----------
    origins
        Places where the product may come from, nearest first, then by id.
    makers
        Those of them whose routings and suppliers may be used.
    sellers
        Those of these that have any, the nearest first: new supply begins there.
    forbidden
        Lanes into these places that the product may not take.
    blocked
        Why lanes were left out: dangerous goods or a country.
    """

    origins: tuple[str, ...]
    makers: frozenset[str]
    sellers: tuple[str, ...]
    forbidden: frozenset[str]
    blocked: tuple[str, ...]


class _Tree(NamedTuple):
    """What reaches a place, and the lanes into places that say so."""

    seen: tuple[tuple[str, Inbound], ...]
    reached: SupplyOrigins


class OpenLanes(NamedTuple):
    """The lanes into a place as all goods of a kind see them.

    Parameters
    ----------
    open
        Usable lanes with their origins.
    shut, blocked
        Lanes that may not be taken; those of them that goods or country close.
    """

    open: tuple[tuple[str, str], ...]
    shut: frozenset[str]
    blocked: tuple[str, ...]


class Inbound(NamedTuple):
    """The lanes into a place as one product sees them.

    Parameters
    ----------
    origins
        Where usable lanes come from, and whether sourcing moves goods over them.
    forbidden, blocked
        Lanes that may not be taken; those of them that goods or country close.
    """

    origins: tuple[tuple[str, bool], ...]
    forbidden: frozenset[str]
    blocked: tuple[str, ...]


class ShipmentOrigins:
    """Which places reach which, by product.

    Parameters
    ----------
    providers
        Sourcing, lanes, facts.
    """

    def __init__(self, providers: Providers) -> None:
        self._providers = providers
        self._rows = providers.tables["sourcing"].index("product", "location")
        self._known: dict[tuple[str, str, str | None, bool], SupplyOrigins] = {}
        self._inbounds: dict[tuple[str, str | None], dict[str, Inbound]] = {}
        """Lanes into each place, by product and country."""
        self._doors: dict[tuple[str, str | None, bool], OpenLanes] = {}
        self._alike: dict[tuple[object, ...], Inbound] = {}
        """Lanes into a place, one for all products that see the same."""
        self._trees: dict[tuple[str, str | None], _Tree] = {}
        """What was found last for a place: many products find the same."""
        self._dear: dict[str, frozenset[str]] = {}
        self._rivals = _unlike(providers.transport)

    def of(
        self,
        product: str,
        location: str,
        country: str | None,
        *,
        expedite: bool = True,
    ) -> SupplyOrigins:
        """What reaches a place.

        Parameters
        ----------
        country
            Where the goods end; lanes that block it are not used (rule 34).
        expedite
            Whether lanes count that are faster and dearer than a preferred one.
        """
        key = (product, location, country, expedite)
        known = self._known.get(key)
        if known is None:
            found = self._search(product, location, country)
            dear = frozenset() if expedite else self._faster_and_dearer(product)
            if dear:
                found = found._replace(forbidden=found.forbidden | dear)
            known = self._known[key] = found
        return known

    def dear(self, product: str) -> bool:
        """Whether lanes are left out because they are faster and dearer."""
        return bool(self._faster_and_dearer(product))

    def lanes_to(self, location: str) -> bool:
        """Whether goods lie at a place or some lane leads to it."""
        if self._providers.facts.holds_stock(location):
            return True
        return bool(self._providers.transport.into.get(location))

    def _faster_and_dearer(self, product: str) -> frozenset[str]:
        """Collect lanes that beat a lane of better preference in time, not in cost."""
        known = self._dear.get(product)
        if known is not None:
            return known
        transport = self._providers.transport
        found = set()
        for lanes in self._rivals:
            ranked = [
                (
                    transport.row(lane)["preference"],
                    transport.transit(lane),
                    transport.offer(lane, product).costs.cost(1.0),
                    lane,
                )
                for lane in lanes
            ]
            found |= {
                lane
                for preference, transit, cost, lane in ranked
                if any(
                    other[0] < preference and other[1] > transit and other[2] < cost
                    for other in ranked
                )
            }
        known = self._dear[product] = frozenset(found)
        return known

    def _search(
        self, product: str, location: str, country: str | None
    ) -> SupplyOrigins:
        known = self._trees.get((location, country))
        if known is None or not self._sees(product, country, known):
            known = self._grown(product, location, country)
            self._trees[location, country] = known
        found, decided = known.reached, self._providers.sourcing.is_decided
        sellers = [place for place in found.sellers if decided(product, place)]
        return found._replace(sellers=tuple(sellers))

    def _sees(self, product: str, country: str | None, tree: _Tree) -> bool:
        """Whether a product sees the lanes that a tree was grown along."""
        own = self._inbounds.setdefault((product, country), {})
        for place, inbound in tree.seen:
            found = own.get(place) or self._inbound(product, place, country)
            if found is not inbound:
                return False
        return True

    def _grown(self, product: str, location: str, country: str | None) -> _Tree:
        """Search from a place on; every maker may have something of its own."""
        origins = [location]
        forbidden: set[str] = set()
        blocked: list[str] = []
        waiting = [location]
        seen: dict[str, Inbound] = {}
        while waiting and len(origins) < MOST_PLACES:
            place = waiting.pop(0)
            inbound = seen[place] = self._inbound(product, place, country)
            blocked += inbound.blocked
            forbidden |= inbound.forbidden
            for origin in sorted({one for one, _ in inbound.origins}):
                if origin not in origins:
                    origins.append(origin)
                    waiting.append(origin)
        makers = _makers(location, seen)
        if not self._providers.facts.holds_stock(location):
            makers.discard(location)
            origins.remove(location)
        reached = SupplyOrigins(
            tuple(origins),
            frozenset(makers),
            tuple(place for place in origins if place in makers),
            frozenset(forbidden),
            tuple(blocked),
        )
        return _Tree(tuple(seen.items()), reached)

    def _inbound(self, product: str, place: str, country: str | None) -> Inbound:
        """Lanes into a place as a product sees them."""
        own = self._inbounds.setdefault((product, country), {})
        known = own.get(place)
        if known is not None:
            return known
        doors = self._doors_of(product, place, country)
        moves = self._providers.sourcing.move_lanes(product, place)
        stated = self._stated(product, place)
        # Most products see the same: they share one answer, which is compared by
        # identity.
        alike = (place, country, doors.blocked, moves, stated)
        found = self._alike.get(alike)
        if found is None:
            found = self._alike[alike] = _seen(doors, moves, stated=stated)
        own[place] = found
        return found

    def _doors_of(self, product: str, place: str, country: str | None) -> OpenLanes:
        """Lanes into a place; dangerous goods alone see others."""
        facts, transport = self._providers.facts, self._providers.transport
        key = (place, country, facts.hazmat(product))
        known = self._doors.get(key)
        if known is not None:
            return known
        shut: list[str] = []
        blocked: list[str] = []
        usable: list[tuple[str, str]] = []
        for lane in transport.into.get(place, ()):
            origin = transport.origin(lane)
            obstacle = transport.obstacle(lane, product)
            barred = country is not None and transport.blocks(lane, country)
            if obstacle is not None or barred:
                blocked.append(lane)
                shut.append(lane)
            elif facts.holds_stock(origin):
                usable.append((lane, origin))
            else:
                shut.append(lane)
        found = OpenLanes(tuple(usable), frozenset(shut), tuple(blocked))
        self._doors[key] = found
        return found

    def _stated(self, product: str, location: str) -> bool:
        """Whether rows of sourcing decide how a place is supplied."""
        if not self._rows:
            return False
        return any(
            (name, location) in self._rows
            for name in self._providers.facts.lineage(product)
        )


def _makers(location: str, inbounds: Mapping[str, Inbound]) -> set[str]:
    """Places from which sourcing moves goods to a place, over others too, and itself.

    A place may be reached first by a lane that only carries stock, so this is known
    once all lanes are.
    """
    makers, waiting = {location}, [location]
    while waiting:
        inbound = inbounds.get(waiting.pop())
        # Nothing is known of lanes into the places beyond `MOST_PLACES`.
        for origin, moves in () if inbound is None else inbound.origins:
            if moves and origin not in makers:
                makers.add(origin)
                waiting.append(origin)
    return makers


def _seen(doors: OpenLanes, moves: frozenset[str], *, stated: bool) -> Inbound:
    """Lanes of a place as products see them that move by some of them."""
    if not stated:
        origins = [(origin, lane in moves) for lane, origin in doors.open]
        return Inbound(tuple(origins), doors.shut, doors.blocked)
    shut = {lane for lane, _ in doors.open if lane not in moves}
    moved = [(origin, True) for lane, origin in doors.open if lane in moves]
    return Inbound(tuple(moved), doors.shut | shut, doors.blocked)


def _unlike(transport: Transport) -> list[list[str]]:
    """Lanes between the same places of which some are preferred."""
    pairs: dict[tuple[str, str], list[str]] = {}
    for lane in transport.ids:
        row = transport.row(lane)
        pairs.setdefault((row["origin"], row["destination"]), []).append(lane)
    return [
        lanes
        for lanes in pairs.values()
        if len({transport.row(lane)["preference"] for lane in lanes}) > 1
    ]


class SupplyScope(NamedTuple):
    """Products at places, resources, lanes and suppliers that a request may use."""

    nodes: frozenset[tuple[str, str]]
    resources: frozenset[str]
    lanes: frozenset[str]
    suppliers: frozenset[str]

    def holds(self, kind: str, subject: str, location: str | None) -> bool:
        """Whether a hold is on something of it."""
        if kind == "material":
            return (subject, location) in self.nodes
        return subject in (self.resources if kind == "capacity" else self.lanes)


def supply_scope(
    stages: AvailabilityCheck,
    reach: ShipmentOrigins,
    products: Iterable[str],
    location: str,
) -> SupplyScope:
    """Follow all sources of products down the bill of materials.

    Parameters
    ----------
    products
        What is asked for, and what may be delivered instead.
    location
        Where it is delivered.
    """
    waiting = [
        (product, place)
        for product in products
        for place in reach.of(product, location, None).origins
    ]
    transport = stages.providers.transport
    ends = {location, *(place for _, place in waiting)}
    lanes = {lane for place in ends for lane in transport.into.get(place, ())}
    routings: set[str] = set()
    suppliers: set[str] = set()
    nodes = set(waiting)

    def also(product: str, place: str | None) -> None:
        if place is not None and (product, place) not in nodes:
            nodes.add((product, place))
            waiting.append((product, place))

    while waiting:
        product, place = waiting.pop()
        for source in stages.sources(product, place):
            if source.kind == "make":
                routings.add(source.source)
                for line in stages.recipe(source.source).components:
                    also(line.component, line.location)
            elif source.kind == "move":
                lanes.add(source.source)
                also(product, source.origin)
            else:
                suppliers.add(source.source)
    return SupplyScope(
        frozenset(nodes),
        frozenset(_resources(stages, routings)),
        frozenset(lanes),
        frozenset(suppliers),
    )


def _resources(stages: AvailabilityCheck, routings: set[str]) -> set[str]:
    """Collect the resources that steps of routings name, members of pools too."""
    tables = stages.providers.snapshot
    needs = tables["step_resources"].filter(pl.col("routing").is_in(sorted(routings)))
    named = set(needs["resource"])
    known = tables["resources"].select("resource", "pool")
    return named | {resource for resource, pool in known.iter_rows() if pool in named}


def full_lane(
    stages: AvailabilityCheck,
    product: str,
    origin: tuple[str, int],
    destination: str,
    forbidden: frozenset[str],
) -> tuple[str, int] | None:
    """Name the lane that limits what one step of a product takes, and its arrival.

    Where more of the product does not get there, or later, its departures are full.

    Parameters
    ----------
    origin
        Place, and when the goods are ready there [s].

    Returns
    -------
    (str, int) or None
        Lane and arrival [s]; None: no way, or none that is limited.
    """
    least = from_units(1, stages.step(product))
    found = stages.routes.earliest(
        product, least, {origin[0]: origin[1]}, destination, forbidden=forbidden
    )
    if found is None:
        return None
    for leg in found.legs:
        row = stages.providers.transport.row(leg.lane)
        if row["capacity_kg"] is not None or row["capacity_m3"] is not None:
            return leg.lane, found.arrival
    return None
