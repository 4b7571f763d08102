"""Orders that a search found, registered with what they give and need.

They come with their dates; what is bought for them is netted as in any run.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.feasible_run import FeasibleRun
from medhavi.planners.constrained.netting.order_dates import FeasibleOrderCreation
from medhavi.planners.constrained.orders.jobs import jobs_of
from medhavi.planners.mrp.hard_allocations import AllocationGap, could_serve
from medhavi.planners.mrp.netting_state.order_creation import (
    PEG_SOURCE,
    SAFETY,
    STOCK_PRIORITY,
)
from medhavi.planners.mrp.netting_state.state import (
    NO_DEMAND,
    Need,
    SupplyOrder,
    SupplyUnit,
)
from medhavi.units import INT64_MAX, NEVER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from fractions import Fraction

    from medhavi.planners.campaigns.campaign_rules import CampaignRules
    from medhavi.planners.constrained.memory import (
        PlantFacts,
        Reductions,
        StepComponent,
    )
    from medhavi.planners.constrained.netting.prescribed_sources import Decisions
    from medhavi.planners.mrp.hard_allocations import HardAllocation
    from medhavi.planners.mrp.netting_state.state import (
        Node,
        NodeKey,
        SupplyAlternative,
    )
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels
    from medhavi.providers.finite_capacity.occupancy import Occupancy
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.providers.sourcing.supply_limits import SupplyLimits

_URGENCY = attrgetter("priority", "index")


class ScheduledItem:
    """What all found orders of a product have in common, looked up once.

    They give one product at their end, and take their components when their steps
    begin: other recipes are not searched.

    Parameters
    ----------
    node, way
        The product, and how it is made, bought or moved.
    taken
        What an order takes, in sequence of its needs.
    """

    __slots__ = ("lines", "node", "peg", "taken", "traits", "way")

    def __init__(
        self, node: Node, way: SupplyAlternative, taken: Sequence[StepComponent]
    ) -> None:
        self.node = node
        self.way = way
        self.taken = taken
        self.lines = [
            (*one.numbers, one.node, None if one.plain else one.line) for one in taken
        ]
        self.peg = PEG_SOURCE[way.source.kind]
        self.traits = way.traits(node) if way.provides else None


class ScheduledOrders(NamedTuple):
    """All found orders of a product, made or moved, in sequence of registration.

    Of each order: size and what it gives [steps], when it runs as late as its takers
    allow, when it takes what it needs and arrives as early as can be [UTC seconds],
    what nobody takes of it [steps], and where its pegs end; what has none is for a
    stock level. Of each peg: the need by its index, its amount [steps], and the place
    of its order among these.
    """

    sizes: Sequence[int]
    gains: Sequence[int]
    timings: Sequence[OrderTiming]
    instants: Sequence[Sequence[int]]
    arrivals: Sequence[int]
    left: Sequence[int]
    ends: Sequence[int]
    needs: Sequence[int]
    amounts: Sequence[int]
    givers: Sequence[int]


def goods_taken(timing: OrderTiming) -> int:
    """When an order that was found takes its goods [UTC seconds].

    A make takes them when its work begins, a move when they have to be ready.
    """
    return timing.steps[0].start if timing.steps else timing.ready


def taken_at(release: FeasibleOrderCreation, need: Need, order: SupplyOrder) -> int:
    """When an order that was found takes what it needs [UTC seconds]."""
    if need.line is None:
        return goods_taken(order.timing)
    return release.use_instant(order, need.line, order.timing)


def _demand_behind(need: Need) -> int:
    """The demand that a need for what is made to order is for, at last."""
    order = need.order
    return need.demand if order is None else order.units[0].for_demand


def _may_die(node: Node) -> bool:
    """Whether what there is of a product, or comes anew, has an end of life."""
    return node.shelf_life is not None or any(
        unit.expires < NEVER for unit in node.units
    )


class EarlierPeg(NamedTuple):
    """What an existing order took of one unit, or of one order that is still planned.

    Attributes
    ----------
    unit
        Name of what stands; "": it is planned.
    owner
        Demand that the unit is kept for; "": any.
    peg
        Place of the peg in the schedule; -1: it is none of it.
    node
        Product and place.
    qty
        How much [units].
    """

    unit: str
    owner: str
    peg: int
    node: NodeKey
    qty: int


class EarlierPegs(NamedTuple):
    """What is known of existing orders from an earlier schedule.

    Attributes
    ----------
    firmed
        Orders of the schedule, with their earlier steps, that have become existing ones
        as they were planned, by their places in it.
    takes
        What existing orders took, by their names.
    units
        Units of machines that they work on, by `Standing.key`.
    dates
        Timings of those that may move, by their names.
    """

    firmed: Mapping[int, SupplyOrder]
    takes: Mapping[str, Sequence[EarlierPeg]]
    units: Mapping[str, int]
    dates: Mapping[str, OrderTiming]


NOTHING_EARLIER = EarlierPegs({}, {}, {}, {})


class SearchedOrderCreation(FeasibleOrderCreation):
    """The register of a run whose orders were found: they come with their dates.

    `replaced` are products that are netted together with what comes anew for them.
    """

    replaced: frozenset[NodeKey] = frozenset()

    def substitutes(self, need: Need) -> Iterator[tuple[Node, Fraction]]:
        """What comes anew instead; what stands was lent before the search."""
        if need.node.key in self.replaced:
            yield from super().substitutes(need)

    def usable(self, unit: SupplyUnit, need: Need) -> bool:
        """Whether a unit may serve a need.

        No order waits for what falls out of another one: it might wait for itself.
        """
        made = unit.order
        waits = (
            made is not None
            and made.existing is None
            and made.node != unit.node.key
            and need.order is not None
            and unit.available > need.instant
        )
        return not waits and super().usable(unit, need)

    def stand_ins(self, need: Need) -> Iterator[tuple[Node, Fraction]]:
        """List what may be delivered instead, with units of it for one wanted."""
        return super().substitutes(need)

    def stand_in(
        self,
        need: Need,
        other: Node,
        qty: int,
        units: Iterable[SupplyUnit],
        ratio: Fraction,
    ) -> None:
        """Serve a part of a need from units of another product.

        Parameters
        ----------
        qty
            How much of the other one [units].
        ratio
            Units of it for one of the product.
        """
        given = self.substitute_need(need, other, qty)
        for unit in units:
            if given.open:
                self.match(given, unit)
        self.settle_substitute(need, given, ratio)

    def limited(self, source: Source) -> bool:
        """Whether a supplier delivers, or a vehicle carries, only so much."""
        return self.largest(source) is not None

    def bought(self, source: Source, wanted: int, size: int) -> OrderTiming | None:
        """Purchase as late as wanted and valid, else as early as can be; None: never.

        Parameters
        ----------
        wanted
            When it is to be there [UTC seconds].
        size
            Its quantity [units].
        """
        timing = source.clock.latest(wanted, size)
        if timing is not None:
            timing = self._within_validity(source, size, wanted, timing)
        if timing is None or timing.start < self.floor(source):
            timing = self.soonest(source, size)
        return timing

    def scheduled_orders(
        self, item: ScheduledItem, found: ScheduledOrders
    ) -> list[SupplyOrder]:
        """Register orders with what they give and need, as early as can be.

        What is open of the needs that they serve stays as it is.

        Raises
        ------
        BadData
            A quantity does not fit 64 bits.
        """
        self._check(item, max(found.sizes, default=0))
        node, traits, peg = item.node, item.traits, item.peg
        source, recipe = item.way.source, item.way.recipe
        name, kind, key, rule = (
            source.source,
            source.kind,
            node.key,
            node.rules.lot_rule,
        )
        lines = [(*line, line[3].needs) for line in item.lines]
        orders, units, needs, low = self.orders, self.units, self.needs, 0
        first, cause_of = len(units), self.cause_of
        served = [needs[need] for need in found.needs]
        pairs = list(zip(served, found.amounts, strict=True))
        moves, life = item.way.origin is not None, node.shelf_life
        dying = {id(line[3]) for line in item.lines if _may_die(line[3])}
        for size, gain, timing, uses, ready, left, high in zip(*found[:7], strict=True):
            born = timing.ready if moves else timing.finish
            dies = NEVER if life is None else born + life
            # An order is as urgent as the most urgent of those who take from it.
            cause, priority, for_demand = SAFETY, STOCK_PRIORITY, NO_DEMAND
            if high > low:
                taker = min(served[low:high], key=_URGENCY)
                cause, priority = cause_of(taker), taker.priority
                if node.make_to_order:
                    for_demand = _demand_behind(taker)
            takers = pairs[low:high]
            low = high
            unit = SupplyUnit(
                len(units),
                node,
                gain,
                left,
                ready,
                ready,
                peg,
                None,
                "",
                dies,
                None,
                for_demand,
                None,
                traits,
                takers,
            )
            units.append(unit)
            unit.order = order = SupplyOrder(
                len(orders),
                kind,
                key,
                source,
                name,
                size,
                gain,
                timing,
                timing[1],
                cause,
                rule,
                priority,
                None,
                None,
                "planned",
                False,  # noqa: FBT003 - names cost a tenth more
                False,  # noqa: FBT003
                recipe,
                [unit],
            )
            orders.append(order)
            for (numerator, addend, denominator, part, line, kept), use in zip(
                lines, uses, strict=True
            ):
                qty = -(-(size * numerator + addend) // denominator)
                need = Need(len(needs), part, use, qty, qty, priority, NO_DEMAND, order)
                need.line = line
                needs.append(need)
                kept.append(need)
                if moves:
                    order.carried = need
                if id(part) in dying:
                    need.alive_until = self._last_use(need, order)
        # Numbers that records have already: others would take memory of their own.
        self.match_need += [need.index for need in served]
        made = [unit.index for unit in units[first:]]
        self.match_unit += [made[giver] for giver in found.givers]
        self.match_qty += found.amounts
        return list(orders[-len(found.sizes) :]) if found.sizes else []

    def by_products(
        self, orders: Sequence[SupplyOrder], way: SupplyAlternative, *, exact: bool
    ) -> None:
        """Register what orders give beside their product, as late as they run.

        Where that is not exact, no sooner than they are found to end: they may wait.
        """
        for order in orders if len(way.yields) > 1 else ():
            for node, gain, _ in way.yields[1:]:
                at = self.output_instant(order, gain)
                qty = gain.good_steps(order.steps, at)
                if not exact:
                    at = max(at, order.units[0].arrives)
                if qty > 0:
                    unit = self.unit(node, qty, at, at, "PROD", order)
                    node.units.append(unit)
                    if way.provides:
                        unit.traits = way.traits(node)

    def _last_use(self, need: Need, order: SupplyOrder) -> int:
        """When an order that is as late as may be uses what it needs [UTC seconds].

        What it carries is used by those who take it.
        """
        last = taken_at(self, need, order)
        for unit in order.units if order.kind == "move" else ():
            for taker, _ in unit.takers:
                last = max(last, taker.instant, taker.alive_until)
                if taker.order is not None and taker.order.existing is None:
                    last = max(last, taken_at(self, taker, taker.order))
        life = need.node.shelf_life
        # A purchase is dated for the first use, and moves to the last one later.
        # More than half of its life is left to that move: what comes lasts long enough.
        return last if life is None else min(last, need.instant + life // 2)

    def _check(self, item: ScheduledItem, most: int) -> None:
        """Refuse needs that do not fit 64 bits."""
        for numerator, addend, denominator, part, _ in item.lines:
            qty = -(-(most * numerator + addend) // denominator)
            if qty > INT64_MAX:
                self._refuse(part, qty)


class SearchableRun(FeasibleRun):
    """A run whose nodes can be netted one by one."""

    register = SearchedOrderCreation
    release: SearchedOrderCreation
    nearly: tuple[str, ...]
    """What the plant says only nearly; then orders are placed anew with all rules."""
    heard: list[str]
    """What it was told of that, each time."""
    by_all_rules: frozenset[NodeKey] = frozenset()
    """Products that are netted by all rules whatever the plant says of them."""
    earlier: EarlierPegs
    """What existing orders took and where they worked in a plan that is built on."""
    owners: dict[tuple[int, int], str]
    """Demands for which what existing orders took was kept, by need and unit."""
    lanes: dict[str, int]
    """Units of machines that existing orders work on, by `Standing.key`."""
    set_aside: list[tuple[SupplyUnit, int]]
    """What nobody takes before its product is netted, of units [units]."""
    unkept: set[NodeKey]
    """Products of which demands were found to take others than they are pegged to."""
    clusters: Sequence[list[Node]]
    """Nodes in order of planning, consumers first, each by itself."""
    _pinned_qty: dict[int, int]
    """What was settled or taken of pins, by identity [units]."""

    def build(self) -> None:
        """Read the state; nothing of it is settled."""
        self.nearly, self.heard, self.earlier = (), [], NOTHING_EARLIER
        self.owners, self.lanes = {}, {}
        self._pinned_qty, self.set_aside, self.unkept = {}, [], set()
        super().build()
        self.clusters = [[node] for cluster in self._clusters for node in cluster]
        for node, unused in self.unused_holds.items():
            for pin in self.intake.pins.get(node, ()):
                pin.spared = unused.get(pin.label, 0)

    def approximate(self, why: str) -> None:
        """Note that the plant says something only nearly."""
        self.heard.append(why)
        if why not in self.nearly:
            self.nearly += (why,)

    @property
    def decisions(self) -> Decisions:
        """What the plan is made with beyond its tables."""
        return self._memory.decisions

    @property
    def cuts(self) -> bool:
        """Whether orders for late demands may be cut into lots."""
        return self._memory.cuts

    @property
    def takes_last(self) -> frozenset[NodeKey]:
        """Products of which existing orders take what comes last in time."""
        return self._memory.takes_last

    @property
    def unused_holds(self) -> dict[NodeKey, dict[str, int]]:
        """What owners of holds were served without, by place and reservation."""
        return self._memory.unused_holds

    @property
    def reductions(self) -> Reductions:
        """What is wanted less than stated, and why."""
        return self._memory.reductions(self._demand_names)

    def reduce(self, known: Reductions | None) -> bool:
        """Want less when it is built anew, as an earlier plan; whether it does."""
        return known is not None and self._memory.reduce(known, self._demand_names)

    @property
    def _demand_names(self) -> list[str]:
        return [one.demand for one in self.intake.demands]

    @property
    def campaign_rules(self) -> CampaignRules | None:
        """Rules that campaigns obey; None: there are none."""
        return self._memory.campaign_rules

    @property
    def without_sources(self) -> frozenset[NodeKey]:
        """Products with a limited stock and no source."""
        return frozenset(
            node.key
            for (node,) in self.clusters
            if node.key in self.replenished
            and not node.rules.unlimited
            and not any(self.brings(way) for way in self.model.ways(node))
        )

    def brings(self, way: SupplyAlternative) -> bool:
        """Whether a source brings at least a least lot at a time."""
        source = way.source
        return source.kind == "make" or self.release.largest(source) != 0

    def room(self) -> SupplyLimits:
        """Limits of suppliers and vehicles, less what existing moves take of them."""
        own = {demand.demand for demand in self.intake.demands}
        limits = self.providers.supply_limits(self.providers.itineraries(own).loads)
        for order in self.release.orders:
            if order.kind == "move" and order.units and order.source is not None:
                leaves = order.timing.departure
                at = order.timing.start if leaves is None else leaves
                limits.take(order.source, order.steps, at)
        return limits

    def occupancy(self) -> Occupancy:
        """What resources have to do already; all existing orders stand."""
        own = {demand.demand for demand in self.intake.demands}
        finite = self.providers.finite(own, firmed=False)
        for job in jobs_of(self.release):
            if job.order.kind == "make":
                finite.occupy(job.order.timing)
        return finite.occupancy

    def stock_levels(self, node: Node) -> StockLevels:
        """Stock levels of a node; its days of safety are not known yet."""
        return self._levels_of(node)

    def facts(self, last: int) -> PlantFacts:
        """What a plant that reaches to a last due date reads once [UTC s]."""
        return self._memory.reading.facts(last)

    def settle_pins(self, pins: Sequence[HardAllocation]) -> None:
        """Settle pins before the search; netting leaves them alone after it."""
        if pins:
            self._pinned_qty |= {id(pin): pin.qty for pin in pins}
            self._settle(pins)

    def take_pinned(self, pin: HardAllocation, qty: int) -> None:
        """Count what the owner of a pin takes of it [units]."""
        self._pinned_qty[id(pin)] = self._pinned_qty.get(id(pin), 0) + qty

    def keep_for_owner(
        self, pin: HardAllocation, need: Need, unit: SupplyUnit, qty: int
    ) -> None:
        """Count what an order takes of a pin as taken by the owner alone [units]."""
        self.take_pinned(pin, qty)
        kept = min(qty, self.release.shares(need).get(pin.demand, 0))
        if need.order is not None and kept:
            need.pins += ((unit, pin.demand, kept),)
        if kept < qty and not pin.blocks:
            self.unkept.add(pin.node.key)

    def require_pegs(self, node: Node) -> None:
        """Note where firm pegs are not kept, and report those that cannot be.

        What is wanted of the product is known, and what was found serves it.
        """
        pins = self.intake.pins.get(node.key, ())
        for pin in pins:
            left = pin.qty - self._pinned_qty.get(id(pin), 0)
            if pin.blocks or pin.demand == NO_DEMAND or left <= 0:
                continue
            served = sum(
                min(self.release.shares(need).get(pin.demand, 0), need.qty - need.open)
                for need in node.needs
            )
            own = (one for one in pins if one.demand == pin.demand)
            # What its owner gets beyond its pins comes from elsewhere, though it is
            # pegged.
            other = served - sum(self._pinned_qty.get(id(one), 0) for one in own)
            if other > 0 and could_serve(pin, self.release, self._peg_name):
                self.unkept.add(node.key)
            elif other > 0:
                gap = AllocationGap(pin, min(left, other))
                self.pin_report.broken.append(gap)

    def _pins_of(self, cluster: list[Node]) -> Sequence[HardAllocation]:
        """What is left of pins, less what was settled or taken before."""
        found = [
            replace(pin, qty=pin.qty - self._pinned_qty.get(id(pin), 0))
            for pin in super()._pins_of(cluster)
        ]
        return [pin for pin in found if pin.qty]

    def unit_name(self, unit: SupplyUnit) -> str:
        """Name of a unit as pegs write it."""
        return self._peg_name(unit)

    def block_rest(self, cluster: list[Node]) -> None:
        """Keep from everyone what is pegged or held and was not taken."""
        pins = self._pins_of(cluster)
        if pins:
            self._settle(pins)

    def drop_orders(self, orders: Collection[int]) -> None:
        """Forget orders by index, with what they give and need."""
        self._drop(orders)

    def net_cluster(self, cluster: list[Node]) -> None:
        """Net what is bought for orders that were found."""
        self._net_cluster(cluster)
