"""What accepted promises hold, and when what they hold arrives.

Goods that it has come first; the rest is made, moved by the lanes that it holds, or
bought, where it has goods or the mark of supply to come, among all other work of today
(ATP-20). That is one evaluation, where a quote tries every way. Who holds all of its
chain keeps its word even where a search, which picks way by way and leaves safety stock
alone, would miss that way.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from medhavi.planners.promising.arrival_risk import arrivals, uncertain
from medhavi.planners.promising.option_search import OptionSearch
from medhavi.planners.promising.supply_search.lead_draws import LEVELS
from medhavi.planners.promising.supply_search.supply_search import (
    FulfilmentOption,
    SupplyPart,
    SupplySearch,
)
from medhavi.providers.capacity.resource_ledger import ResourceLedger, millionths
from medhavi.providers.transport.timetable import MILLION, load_of
from medhavi.units import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.planners.promising.promise_ledger import PromiseLedger
    from medhavi.planners.promising.supply_search.alternatives import (
        Attempt,
        Evaluation,
        Late,
        SupplyAllocation,
    )
    from medhavi.planners.promising.supply_search.availability import AvailabilityCheck
    from medhavi.planners.promising.supply_search.delivery_search import DeliverySearch
    from medhavi.planners.promising.supply_search.policies import Policy, Terms
    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.providers.reservations import Hold
    from medhavi.providers.sources import Source
    from medhavi.results.promises.promise import PlannedHold

    Node = tuple[str, str]
    Goods = dict[Node, list[int]]
    """What a demand has of a product at a place [steps], hold by hold."""


def held_in_time(book: PromiseLedger, request: Request, policy: Policy) -> bool:
    """Whether a demand comes whole by its due date with what it has.

    Parameters
    ----------
    request
        A line of the tables with the date that it was promised as due date.
    policy
        How it was promised. With a `risk_cap` the chance to be late must be within it.

    Returns
    -------
    bool
        False: it does not, or what it has is not all of its chain. The ledgers are as
        before.

    Notes
    -----
    The date is the one at the quantile of `risk_basis`, as in a quote. Where several
    times are uncertain, each is first taken so late that all together hold with that
    chance (Bonferroni's inequality); points are drawn only where that is too late.
    """
    stages = book.stages
    goods = _goods(stages, request.demand)
    places = _places(stages, request.demand, goods)
    if not places:
        return False
    mark = stages.mark()
    sure = LEVELS[policy.risk_basis]
    if policy.risk_cap is not None:
        sure = max(sure, 1.0 - policy.risk_cap)
    leads = book.times.at(sure) if book.times.anything else None
    try:
        with stages.timed(leads, LEVELS[policy.risk_basis]):
            stages.begin()
            book.free_own(request.demand)
            # What was withheld from it when it was quoted it has now.
            search = OptionSearch(book, request, replace(policy, buffers=True))
            deliveries = search.search_for(request.product)
            asked = "never" if policy.ask_supplier == "never" else "missing"
            terms = replace(search.terms(asked, hasty=False), asked=request.product)
            lanes = stages.providers.reservations.of_owner(request.demand, "transport")
            own = _Own(goods, frozenset(hold.subject for hold in lanes))
            return any(
                _comes(search, deliveries, way, terms, sure)
                for way in _ways(deliveries, own, goods, places)
            )
    finally:
        stages.undo(mark)


def _comes(
    search: OptionSearch,
    deliveries: DeliverySearch,
    way: FulfilmentOption,
    terms: Terms,
    sure: float,
) -> bool:
    """Whether a way is in time with a chance [fraction]."""
    book = search.book
    found = deliveries.evaluate(way, terms)
    if found is None or found.date > search.need or _is_closed(search, found):
        return False
    subjects = uncertain(book, found, found.pieces()) if book.times.anything else ()
    if len(subjects) < 2:
        return True
    later = book.times.at(1.0 - (1.0 - sure) / len(subjects))
    with book.stages.timed(later, book.stages.level):
        surely = deliveries.evaluate(way, terms)
    if surely is not None and surely.date <= search.need:
        return True
    if search.policy.risk_cap is not None:
        return False
    return _quoted(search, deliveries, way, found, terms) <= search.need


def _is_closed(search: OptionSearch, found: Evaluation) -> bool:
    """Whether a rule may close what is bought: a quote looks at that."""
    fresh = search.book.providers.suppliers.all_fresh
    if fresh and search.policy.supplier_fallback != "counter_offer":
        return False
    return any(piece.kind == "buy" for piece in found.pieces())


def _quoted(
    search: OptionSearch,
    deliveries: DeliverySearch,
    way: FulfilmentOption,
    found: Evaluation,
    terms: Terms,
) -> int:
    """When a way arrives at the quantile that is quoted [s]."""
    basis = search.policy.risk_basis
    return arrivals(search.book, deliveries, way, found, terms, basis).date


def _goods(stages: AvailabilityCheck, demand: str) -> Goods:
    found: Goods = {}
    for had in stages.providers.commitments.of(demand):
        if had.units > 0:
            found.setdefault((had.product, had.location), []).append(had.units)
    return found


def _places(stages: AvailabilityCheck, demand: str, goods: Goods) -> frozenset[str]:
    """Where a demand has goods, or the mark of supply to come."""
    holds = stages.providers.reservations.of_demand(demand)
    marked = {str(hold.location) for hold in holds}
    return frozenset({place for _, place in goods} | marked)


def _ways(
    deliveries: DeliverySearch, own: _Own, goods: Goods, places: frozenset[str]
) -> Iterator[FulfilmentOption]:
    """Ways to deliver what a demand has: as it is, else made at a place."""
    wanted = deliveries.wanted
    origins, makers = deliveries.places()
    parts: dict[str, int] = {}
    left = wanted.steps
    for (product, place), held in sorted(goods.items()):
        size = min(sum(held), left) if product == wanted.product else 0
        if size and place in origins:
            parts[place] = size
            left -= size
    whole = [parts] if left <= 0 else []
    made = [
        {**parts, maker: parts.get(maker, 0) + left}
        for maker in makers
        if left > 0 and maker in places
    ]
    for sizes in (*whole, *made):
        if len(sizes) == 1 or not wanted.single:
            yield FulfilmentOption(
                "held", wanted.product, wanted.steps, own.parts(wanted.product, sizes)
            )


class _Own:
    """What a demand has, for one evaluation after the other."""

    __slots__ = ("_goods", "_lanes")

    def __init__(self, goods: Goods, lanes: frozenset[str]) -> None:
        self._goods = goods
        self._lanes = lanes

    def parts(self, product: str, sizes: Mapping[str, int]) -> tuple[SupplyPart, ...]:
        """Goods of a way by place; the first begins with all there is."""
        walks: list[_HeldSupply] = []

        def built(
            supply: SupplySearch, place: str, *, first: bool
        ) -> tuple[SupplyAllocation, ...] | None:
            if first:
                goods = {node: list(held) for node, held in self._goods.items()}
                walks[:] = [
                    _HeldSupply(supply.stages, supply.terms, goods, self._lanes)
                ]
            return walks[0].acquire(product, place, sizes[place])

        return tuple(
            SupplyPart(place, partial(built, place=place, first=number == 0))
            for number, place in enumerate(sizes)
        )


class _HeldSupply(SupplySearch):
    """A search that takes what a demand has, and makes and moves the rest of it."""

    __slots__ = ("_goods", "_lanes")

    def __init__(
        self,
        stages: AvailabilityCheck,
        terms: Terms,
        goods: Goods,
        lanes: frozenset[str],
    ) -> None:
        super().__init__(stages, terms)
        self._goods = goods
        self._lanes = lanes

    def acquire(
        self,
        product: str,
        location: str,
        steps: int,
        late: Late | None = None,  # noqa: ARG002 - nobody waits for another way
    ) -> tuple[SupplyAllocation, ...] | None:
        """Get a quantity at a place; None: what the demand has is not enough for it."""
        node = (product, location)
        if node in self._path:
            return None
        pieces = []
        left = steps
        while left > 0 and self._goods.get(node):
            size = min(self._goods[node][0], left)
            there = self._free_at(product, location, size)
            if there is None:
                return None
            pieces.append(self.take(product, location, size, there))
            left -= size
            self._goods[node][0] -= size
            if not self._goods[node][0]:
                del self._goods[node][0]
        if left <= 0:
            return tuple(pieces)
        self._path.append(node)
        try:
            ways = [
                partial(self.new, source, left)
                for source in self.sources(product, location)
                if self._is_held(source)
            ]
            rest = self.best(ways, node)
        finally:
            self._path.pop()
        return None if rest is None else (*pieces, *rest)

    def best(
        self, ways: Sequence[Attempt], node: Node
    ) -> tuple[SupplyAllocation, ...] | None:
        """Take the first way that there is, with the goods that it needs."""
        del node
        for way in ways:
            mark = self.mark()
            goods = {place: list(held) for place, held in self._goods.items()}
            found = way()
            if found is not None:
                return found
            self.undo(mark)
            self._goods.clear()
            self._goods.update(goods)
        return None

    def _is_held(self, source: Source) -> bool:
        """Whether a source may be in the chain: of lanes those that it holds."""
        if source.kind == "buy":
            return self.may_buy(source, covered=False)
        return source.kind == "make" or source.source in self._lanes


_LEAST = 1e-9


def stands(stages: AvailabilityCheck, demand: str, product: str) -> bool:
    """Whether all that the tables give a demand is there beside all others.

    Parameters
    ----------
    product
        What the demand wants: shelf life is asked of it, not of its components.

    Material must be free at its instant, a resource open and free at both ends of its
    window, a departure leaves as held and has room. The changeover that the next work
    needs is not looked at: who came in between has it now. The ledgers are as before.
    """
    mark = stages.mark()
    stages.begin()
    stages.free(demand)
    try:
        holds = stages.providers.reservations
        return (
            _material(stages, demand, product)
            and all(
                _prepares_others(one) or _works(stages, one)
                for one in holds.of_owner(demand, "capacity")
            )
            and all(_leaves(stages, one) for one in holds.of_owner(demand, "transport"))
        )
    finally:
        stages.undo(mark)


def first_without_room(
    stages: AvailabilityCheck, holds: Sequence[PlannedHold]
) -> PlannedHold | None:
    """First hold of a promise that others have taken; the ledgers stay.

    Parameters
    ----------
    holds
        Of a promise that the ledgers do not have.
    """
    mark = stages.mark()
    try:
        for hold in holds:
            if hold.kind == "material":
                line = stages.material.line(hold.subject, hold.location or "")
                fits = line.fits(hold.steps, hold.start, buffers=True)
                line.take(hold.steps, hold.start)
            elif hold.kind == "capacity":
                fits = _works(stages, hold)
            else:
                fits = _leaves(stages, hold)
            if not fits:
                return hold
        return None
    finally:
        stages.undo(mark)


def _material(stages: AvailabilityCheck, demand: str, product: str) -> bool:
    """Take what the demand has of material, where it is there and as it was asked."""
    row = stages.providers.commitments.demand(demand)
    traits = stages.providers.traits
    asked = None
    if row is not None:
        asked = traits.asked(product, row["requires"], row["min_quality"])
    for had in stages.providers.commitments.of(demand):
        own = had.product == product
        line = stages.material.asked_line(
            had.product, had.location, asked if own else None
        )
        transit = max(had.until - had.instant, 0) if own else 0
        if not line.fits(
            had.units, had.instant, transit, buffers=True, customer=had.customer
        ):
            return False
        line.take(had.units, had.instant, transit, customer=had.customer)
    return True


def _prepares_others(hold: Hold) -> bool:
    """Whether a hold is no work: the changeover that the next one needs."""
    return hold.changeover >= hold.finish - hold.start > 0


def _works(stages: AvailabilityCheck, hold: Hold | PlannedHold) -> bool:
    book = stages.capacity.occupancy.ledger(hold.subject)
    if not isinstance(book, ResourceLedger) or hold.finish <= hold.start:
        return True
    units = hold.qty * MINUTE / (hold.finish - hold.start)
    open_at = book.clock.units(hold.start, hold.finish)
    if not open_at:
        return False
    whole = open_at[0][0] == hold.start and open_at[-1][1] == hold.finish
    enough = all(level >= units * (1 - _LEAST) for _, _, level in open_at)
    if not whole or not enough:
        return False
    need = millionths(units)
    return book.most < 0 or book.conflict(hold.start, hold.finish, need) is None


def _leaves(stages: AvailabilityCheck, hold: Hold | PlannedHold) -> bool:
    transport = stages.providers.transport
    if hold.subject not in transport.ids:
        return False
    timetable = transport.timetable(hold.subject)
    if timetable.any_time:
        return True
    if timetable.earliest(hold.start) != hold.start:
        return False
    most = transport.room(hold.subject, hold.start)[0]
    loads = stages.transport.loads.of_lane(hold.subject) or {}
    taken = loads[hold.start].weight if hold.start in loads else 0
    weight = load_of(hold.qty, 1.0, 0.0).weight
    return most is None or taken + weight <= most * MILLION
