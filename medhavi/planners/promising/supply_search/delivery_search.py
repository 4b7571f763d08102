"""Options of one request: every way to bring the product to where it is wanted.

Each option is evaluated with all its writes and rolled back. Options are stock at a
place, new supply at a place, both together, and stock of several places; what they
bring travels by the earliest itinerary from there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.promising.supply_search.alternatives import Evaluation
from medhavi.planners.promising.supply_search.shipments import (
    ShipmentPlanning,
    sooner,
    together,
    two_sources,
)
from medhavi.planners.promising.supply_search.stock_allocation import (
    ends_of,
    joint_orders,
    lasting,
    latest,
    shortest,
    too_short,
    too_short_lived,
)
from medhavi.planners.promising.supply_search.supply_search import (
    FulfilmentOption,
    SupplyPart,
    SupplySearch,
    dated,
    from_both,
    from_place,
    from_source,
    from_stock,
)
from medhavi.results.limiter import Blocked, Limiter
from medhavi.units import DAY, NEVER, from_units, seconds_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from medhavi.planners.promising.supply_search.alternatives import (
        DeliveryNeed,
        Shipment,
        SupplyAllocation,
    )
    from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
    from medhavi.planners.promising.supply_search.lead_draws import LeadDraws
    from medhavi.planners.promising.supply_search.policies import Terms
    from medhavi.planners.promising.supply_search.shipment_origins import (
        ShipmentOrigins,
    )
    from medhavi.providers.finite_capacity.chain import KnownOrders
    from medhavi.providers.sources import Source


MOST_PASSES = 3
"""Evaluations of an option until orders are joined and goods live long enough."""


def none_too_small(
    shipments: list[Shipment], least: int, wanted: int
) -> list[Shipment] | None:
    """Put a shipment below the least delivery last, as the open rest.

    None: it would be no rest (rules 12 and 34).
    """
    small = [one for one in shipments if one.steps < least]
    if not small or len(shipments) < 2:
        return shipments
    if len(small) > 1 or sum(one.steps for one in shipments) < wanted:
        return None
    last = max(one.arrival for one in shipments)
    others = [one for one in shipments if one.steps >= least]
    return [*others, small[0]._replace(arrival=last)]


class PlannedShipments(NamedTuple):
    """What was sent from a place by itself, at which lead times, and how."""

    pieces: Sequence[SupplyAllocation]
    leads: LeadDraws | None
    shipments: tuple[Shipment, ...]


class SearchResults(NamedTuple):
    """What a search found already; true while the ledgers are as they were then.

    Parameters
    ----------
    orders
        Where orders of plain chains are placed.
    sent
        What was sent last, by place.
    """

    orders: KnownOrders
    sent: dict[str, PlannedShipments]


class DeliverySearch:
    """Ways of one request and their evaluation.

    Parameters
    ----------
    stages
        Providers with their ledgers.
    reach
        Where products come from.

    Attributes
    ----------
    evaluations
        Ways that were evaluated, those of components among them.
    cut
        The budget ended the search.
    bar
        What arrives later is not sent: nobody asks how late it is [s].
    bare
        Nothing of the product lies or comes anywhere: no way joins several places.
    found
        What was found already, while the ledgers stay as they are; None: they may not.
    known
        Options that were offered, with their dates: nobody asks for them again.
    best
        Earliest date of the ways that were evaluated last [s].
    rough
        A choice below some way was greedy: an earlier date may exist.
    failures
        Why ways were closed.
    sending
        Sends what is found.
    """

    __slots__ = (
        "_expiring",
        "_reached",
        "_repeats",
        "_same",
        "_stages",
        "_supply",
        "bar",
        "bare",
        "best",
        "cut",
        "evaluations",
        "failures",
        "found",
        "known",
        "rough",
        "sending",
        "wanted",
    )

    def __init__(
        self, stages: AvailabilityCheck, reach: ShipmentOrigins, wanted: DeliveryNeed
    ) -> None:
        self._stages = stages
        self.wanted = wanted
        self.evaluations = 0
        self.cut = False
        self.best = NEVER
        self.bar = NEVER
        self.rough = False
        self._expiring: dict[tuple[str, str], int] = {}
        self._repeats = False
        self._same: set[str] = set()
        """Options that a later pass finds as they were found."""
        self._supply: SupplySearch | None = None
        self.found: SearchResults | None = None
        self.known: set[str] = set()
        self.bare = False
        self.failures: list[Blocked] = []
        self._reached = reach.of(
            wanted.product,
            wanted.location,
            wanted.country,
            expedite=wanted.expedite,
        )
        self.sending = ShipmentPlanning(stages, wanted, self._reached, self.failures)

    # --------------------------------------------------------------------- options
    def search(self, terms: Terms) -> Iterator[tuple[FulfilmentOption, Evaluation]]:
        """Evaluate every way until the budget ends; again without what would expire."""
        if terms.asked != self.wanted.product:
            terms = replace(terms, asked=self.wanted.product)
        self.best = NEVER
        known: set[str] = set()
        # The second time: ways that found nothing, with the life that their goods
        # lacked.
        for again in (False, True):
            self._expiring = {}
            for way in self.ways(terms):
                if again and way.option in known:
                    continue
                # It would be found as it was before.
                if self.bar < NEVER and way.option in self._same:
                    continue
                if self.evaluations >= terms.budget:
                    self.cut = True
                    return
                found = self.evaluate(way, terms)
                if found is not None:
                    self.best = min(self.best, found.date)
                    known.add(way.option)
                    yield way, found
            if not self._expiring:
                return
            terms = replace(terms, transit=self._expiring)

    def close(self) -> None:
        """Forget what holds while options are collected alone."""
        self.bar, self.found = NEVER, None
        self._same.clear()

    def ways(self, terms: Terms) -> Iterator[FulfilmentOption]:
        """Ways in the order of trying: stock, mixed, new, many places."""
        wanted = self.wanted
        origins, makers = self.places()
        stocked = []
        supply = self._asking(terms)
        # What must not expire may be there for others: that makes no place bare.
        bare = "material" not in terms.relaxed and not terms.transit
        # What is bare in one pass is so in the next: the ledgers stay as they are.
        expiring_goes_ahead = wanted.split and self._stages.anything_perishes
        for place in () if self.bare and self.found is not None else origins:
            ever = supply.ever(wanted.product, place)
            bare = bare and ever <= 0
            if ever < wanted.steps and "material" in terms.relaxed:
                build = from_stock(wanted.product, place, wanted.steps)
                yield from_place(wanted, "stock", place, build)
            if ever <= 0:
                continue
            now = supply.available(wanted.product, place, terms.now)
            if now > 0:
                stocked.append((place, min(now, wanted.steps)))
            if ever >= wanted.steps or expiring_goes_ahead:
                build = from_stock(wanted.product, place, wanted.steps)
                yield from_place(wanted, "stock", place, build)
        self.bare = bare
        sellers = [place for place in self._reached.sellers if place in makers]
        for place in sellers:
            yield from self._new_at(place, terms)
        if not (wanted.single or self.bare):
            yield from together(self, stocked, sellers, terms)
            yield from sooner(self, origins, sellers, terms)
        if wanted.split_sourcing:
            yield from two_sources(self, stocked, sellers, terms)

    def places(self) -> tuple[list[str], list[str]]:
        """Where stock may come from and where new supply may be made or bought."""
        wanted = self.wanted
        reached = self._reached
        origins = [
            place for place in reached.origins if wanted.ship_from in {None, place}
        ]
        if not origins:
            blocked = reached.blocked[:1]
            code = Limiter.REGULATORY_BLOCKED if blocked else Limiter.NO_TRANSPORT_LEG
            subject = blocked[0] if blocked else wanted.location
            self.failures.append(Blocked("transport", code, subject))
        return origins, [place for place in origins if place in reached.makers]

    def _new_at(self, place: str, terms: Terms) -> Iterator[FulfilmentOption]:
        wanted = self.wanted
        for source in self._sources(place, terms):
            if source.kind == "move":
                continue
            name = f"{source.kind}:{source.source}"
            rest = False
            if source.kind == "buy":
                supply = self._asking(terms)
                if not supply.may_buy(source, covered=False):
                    self.failures += supply.failures
                    continue
                rest = terms.buy == "rest"
                self._stages.note_spared()
            part = min(self._free(place, terms, ever=rest), wanted.steps)
            # Something comes beside what lies there.
            more = "material" not in terms.relaxed and self._free(place, terms) > 0
            if part < wanted.steps and (part or more):
                build = from_both(source, part, wanted.steps)
                yield from_place(wanted, f"stock+{name}", place, build)
            whole = source.kind == "make" or terms.buy == "compare"
            if whole or part <= 0:
                build = from_source(source, wanted.steps)
                yield from_place(wanted, name, place, build)

    def _free(self, place: str, terms: Terms, *, ever: bool = True) -> int:
        """What is free at a place now, or ever [steps]."""
        if self.bare:
            return 0
        supply, product = self._asking(terms), self.wanted.product
        most = supply.ever(product, place) if ever else None
        return supply.available(product, place, terms.now) if most is None else most

    def offered(self, places: list[str], terms: Terms) -> Iterator[tuple[str, Source]]:
        """Places and sources that new supply may come from."""
        for place in places:
            for source in self._sources(place, terms):
                if source.kind == "move" or (
                    source.kind == "buy"
                    and not self._asking(terms).may_buy(source, covered=False)
                ):
                    continue
                yield place, source

    def joined(
        self, stocked: Mapping[str, int], new: Sequence[tuple[str, Source, int]]
    ) -> FulfilmentOption:
        """Option of stock and new supply together.

        Parameters
        ----------
        stocked
            What is taken of each place [steps].
        new
            Place, source and quantity [steps].
        """
        product = self.wanted.product
        parts = [
            SupplyPart(place, from_stock(product, place, steps))
            for place, steps in stocked.items()
        ]
        parts += [
            SupplyPart(place, from_source(source, steps))
            for place, source, steps in new
        ]
        names = [f"stock@{place}" for place in stocked]
        names += [f"{source.kind}:{source.source}@{place}" for place, source, _ in new]
        return FulfilmentOption(
            "+".join(names), product, self.wanted.steps, tuple(parts)
        )

    def arrival(self, place: str, steps: int, ready: int) -> int:
        """When goods arrive that are ready at a place [s]."""
        mark = self._stages.mark()
        shipped = self.sending.shipment(place, (), steps, ready, frozenset())
        self._stages.undo_transport(mark)
        return NEVER if shipped is None else shipped.arrival

    def rising(self, place: str, terms: Terms) -> list[tuple[int, int]]:
        """Moments at which a place has more, and how much then [s, steps]."""
        supply = self._asking(terms)
        product = self.wanted.product
        moments = [terms.now]
        if supply.ever(product, place) > supply.available(product, place, terms.now):
            moments += supply.rises(product, place)
        return [(one, supply.available(product, place, one)) for one in moments]

    def short(
        self, terms: Terms, latest: int
    ) -> tuple[FulfilmentOption, Evaluation] | None:
        """What stock and receipts of all places bring of the quantity, if any.

        Parameters
        ----------
        latest
            What comes later does not count [s].
        """
        found = self._gathered(terms, {})
        if found is None or found[1].date <= latest:
            return found
        return self._gathered(terms, found[1].by_origin(latest))

    def _gathered(
        self, terms: Terms, most: Mapping[str, int]
    ) -> tuple[FulfilmentOption, Evaluation] | None:
        """Collect what the places have; `most` says how much of each may be used."""
        terms = replace(terms, asked=self.wanted.product)
        self._expiring = {}
        found = self._gathered_by(terms, most)
        if found is None and self._expiring:
            return self._gathered_by(replace(terms, transit=self._expiring), most)
        if found is None or found[1].steps == found[0].steps:
            return found
        # Some of it lives too short a time: there may be more of it elsewhere.
        more = self._gathered_by(terms, {**most, **found[1].by_origin()})
        return more if more and more[1].steps > found[1].steps else found

    def _gathered_by(
        self, terms: Terms, most: Mapping[str, int]
    ) -> tuple[FulfilmentOption, Evaluation] | None:
        wanted = self.wanted
        taken, left = [], wanted.steps
        for place in self.places()[0]:
            free = min(self._free(place, terms), left, most.get(place, left))
            # What leaves something open is no delivery below the least (rule 12).
            if free > 0 and free >= min(wanted.least, left):
                taken.append((place, free))
                left -= free
        if not taken:
            return None
        name = "+".join(f"stock@{place}" for place, _ in taken)
        product, least = wanted.product, max(wanted.least, 1)
        parts = tuple(
            SupplyPart(place, from_stock(product, place, free, min(least, free)))
            for place, free in taken
        )
        way = FulfilmentOption(name, wanted.product, wanted.steps - left, parts)
        found = self.evaluate(way, terms)
        return None if found is None else (way, found)

    def _sources(self, place: str, terms: Terms) -> Sequence[Source]:
        """Sources of what is asked for at a place."""
        supply = self._asking(terms)
        found = supply.sources(self.wanted.product, place)
        self.failures += supply.failures
        return found

    def _asking(self, terms: Terms) -> SupplySearch:
        """Walk that takes nothing, without failures of its own."""
        supply = self._supply
        if supply is None or supply.terms is not terms:
            supply = self._supply = SupplySearch(self._stages, terms)
        supply.failures = []
        return supply

    # ------------------------------------------------------------------ evaluating
    def evaluate(self, way: FulfilmentOption, terms: Terms) -> Evaluation | None:
        """Evaluate a way with all writes, and roll them back.

        It is evaluated again where one order may serve several needs (rule 33) or where
        goods would expire: if they cannot wait, each part is sent as it gets ready.
        """
        lacking: dict[tuple[str, str], int] = {}
        found = self._settled(way, terms, lacking)
        if found is None and lacking and self.wanted.split:
            found = self._settled(way, replace(terms, apart=True), lacking)
        if found is None:
            self._expiring = shortest(self._expiring, lacking)
        return found

    def _settled(
        self, way: FulfilmentOption, terms: Terms, lacking: dict[tuple[str, str], int]
    ) -> Evaluation | None:
        """Evaluate a way until its orders are joined and its goods live long enough.

        How long goods would have had to live is noted in `lacking` [s].
        """
        found: Evaluation | None = None
        alive = False
        for _ in range(MOST_PASSES):
            mark = self._stages.mark()
            try:
                found = self._once(way, terms)
            finally:
                self._stages.undo(mark)
            perishes = self._stages.anything_perishes
            if found is None or not (self._repeats or perishes):
                return found
            if perishes and self._too_short_lived(found, terms):
                return None
            batches = joint_orders(found) if self._repeats else {}
            kept = lasting(found, self._stages)
            joined = all(terms.batches.get(key, 0) >= batches[key] for key in batches)
            alive = not any(one.too_old for one in kept)
            if joined and alive:
                return found
            if not alive:
                self.rough = True
                lacking.update(too_short(kept))
            merged = {**terms.batches, **batches}
            ends = latest(terms.ends, ends_of(kept))
            terms = replace(terms, batches=merged, ends=ends)
        return found if alive else None

    def _too_short_lived(self, found: Evaluation, terms: Terms) -> bool:
        """Whether new supply would expire on its way; note why it is closed."""
        left = seconds_up(terms.min_shelf_days, DAY)
        short = too_short_lived(found, self._stages, left)
        if short is not None:
            node = f"{short.product}|{short.location}"
            expired = Limiter.SHELF_LIFE_EXCEEDED
            self.failures.append(Blocked("material", expired, node))
        return short is not None

    def _once(self, way: FulfilmentOption, terms: Terms) -> Evaluation | None:
        if terms.asked != way.product:
            terms = replace(terms, asked=way.product)
        known = self._stages.placed if self.found is None else self.found.orders
        supply = SupplySearch(self._stages, terms, known, self._too_late(way, terms))
        shipments = self._shipments(way, terms, supply)
        self._repeats = supply.repeats
        if len(way.parts) < 2 and supply.settled:
            self._same.add(way.option)
        self.evaluations += 1 + supply.evaluations
        rough = supply.greedy or supply.contended
        self.rough = self.rough or rough
        self.failures += supply.failures
        if shipments is None:
            return None
        shipments.sort(key=lambda one: (one.arrival, one.origin, one.ready))
        kept = none_too_small(shipments, self.wanted.least, self.wanted.steps)
        if kept is None:
            return None
        return Evaluation(
            way.option,
            way.product,
            sum(shipment.steps for shipment in kept),
            tuple(kept),
            exact=not rough,
        )

    def _shipments(
        self, way: FulfilmentOption, terms: Terms, supply: SupplySearch
    ) -> list[Shipment] | None:
        """Send the parts of a way; None: one of them does not get there."""
        shipments: list[Shipment] = []
        for part in way.parts:
            pieces = part.build(supply)
            if pieces is None or self._beaten(way, pieces, terms, supply):
                return None
            shipped = self._sent(part.origin, pieces, terms, alone=len(way.parts) < 2)
            if shipped is None:
                return None
            shipments += shipped
        return shipments

    def _sent(
        self,
        origin: str,
        pieces: Sequence[SupplyAllocation],
        terms: Terms,
        *,
        alone: bool,
    ) -> list[Shipment] | None:
        """Send the pieces of a place; what was sent alone before is known still."""
        found, leads = self.found, self._stages.leads
        if found is None or not alone or terms.apart:
            return self.sending.parts(origin, pieces, terms)
        known = found.sent.get(origin)
        if known is not None and known.leads is leads and known.pieces == pieces:
            return list(known.shipments)
        failures = len(self.failures)
        shipped = self.sending.parts(origin, pieces, terms)
        # What notes a failure must be asked again, to note it again.
        if shipped is not None and len(self.failures) == failures:
            found.sent[origin] = PlannedShipments(pieces, leads, tuple(shipped))
        return shipped

    def _beaten(
        self,
        way: FulfilmentOption,
        pieces: Sequence[SupplyAllocation],
        terms: Terms,
        supply: SupplySearch,
    ) -> bool:
        """Whether a way of one part, found at once, arrives after the bar."""
        late = None if supply.repeats else self._too_late(way, terms)
        return late is not None and late(max([one.ready for one in pieces]))

    def _too_late(
        self, way: FulfilmentOption, terms: Terms
    ) -> Callable[[int], bool] | None:
        """What tells of an instant that a way ready then arrives after the bar.

        An option that is known with the date of the bar is of use before it alone.
        """
        if self.bar >= NEVER or len(way.parts) > 1:
            return None
        last = self.bar - (dated(way, self.bar) in self.known)
        origin, soonest = way.parts[0].origin, self.sending.soonest
        return lambda ready: soonest(origin, way.product, ready, terms) > last

    def quantity(self, steps: int) -> float:
        """Quantity in base units."""
        return from_units(steps, self._stages.step(self.wanted.product))
