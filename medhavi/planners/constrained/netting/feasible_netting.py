"""How needs of a node are met in a constrained run: in the sequence of their dates.

A need that would be late may have a receipt that comes before new supply could; where
nothing brings anything new, what there is goes by urgency.

Needs are met in sequence of their dates. Before the first moment at which a new order
could be there, what exists is all there is: a less important and earlier need would
leave a more important one late. Where they cannot all be served, what exists goes by
urgency instead, the latest that is still in time first, so that earlier needs find what
comes before.
"""

from __future__ import annotations

from bisect import insort
from operator import attrgetter
from typing import TYPE_CHECKING

from medhavi.planners.constrained.netting.earliest_supply import EarliestSupply
from medhavi.planners.constrained.netting.order_dates import is_scarce
from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.planners.mrp.netting import DatedNodeNetting
from medhavi.planners.mrp.netting_state.state import (
    BY_ARRIVAL,
    NO_DEMAND,
    SEQUENCE,
    URGENCY,
    least_lost,
    no_more_asked,
)
from medhavi.planners.mrp.plain_netting import PlainNodeNetting
from medhavi.planners.mrp.state_loading import StateLoader
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from medhavi.planners.constrained.netting.order_dates import FeasibleOrderCreation
    from medhavi.planners.mrp.netting_state.run_state import NettingState
    from medhavi.planners.mrp.netting_state.state import (
        Asks,
        Demand,
        Need,
        Node,
        SupplyAlternative,
        SupplyOrder,
        SupplyUnit,
    )
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels
    from medhavi.planners.mrp.state_loading import LoadedDemands
    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.providers.table_rows import Row


def number(records: Iterable[SupplyOrder | SupplyUnit | Need]) -> None:
    """Number records by their place."""
    for index, record in enumerate(records):
        # Most stay where they are: their number is kept, no other one takes memory.
        if record.index != index:
            record.index = index


def keep_for_important(
    node: Node, release: FeasibleOrderCreation, capacity: Capacity
) -> None:
    """Serve the needs before new supply by urgency, where they are in each other's way.

    Parameters
    ----------
    node
        All its needs are known, none is served by new supply.
    release
        Where what serves whom is written.
    capacity
        Times of routings; asked only where it decides.

    Notes
    -----
    What stands in for the product, or replaces it in a bill of materials, is not
    looked at: an important need that could have it keeps what it asked for.
    """
    pressed, units, soon = _pressed(node, release, capacity)
    latest = sorted(units, key=kept_first)
    earliest = sorted(units, key=BY_ARRIVAL)
    asks = node.asks()
    for need in sorted(pressed, key=URGENCY):
        # In time first; then late goods, which come before new supply could.
        serve_from(release, need, latest, need.instant, asks)
        if not (need.alternatives or node.substitutes):
            serve_from(release, need, earliest, soon, asks)


def is_kept(node: Node, release: FeasibleOrderCreation, capacity: Capacity) -> bool:
    """Whether something is kept for more important needs of a node."""
    return bool(_pressed(node, release, capacity)[0])


def _pressed(
    node: Node, release: FeasibleOrderCreation, capacity: Capacity
) -> tuple[list[Need], list[SupplyUnit], int]:
    """Needs that are in each other's way, what there is, and when more could be.

    No need: none lacks what a less important one takes.
    """
    if node.make_to_order or not _in_the_way(node):
        return [], [], NEVER
    if release.chains is None:
        release.chains = EarliestSupply(release.model, release, capacity, ())
    soon = release.chains.anew(node)
    pressed = [need for need in node.needs if need.open > 0 and need.instant < soon]
    units = [u for u in node.units if u.free > 0 and u.available < soon]
    if not _differ(pressed) or not _hinder(pressed, units):
        return [], [], NEVER
    return pressed, units, soon


def _in_the_way(node: Node) -> bool:
    """Whether a need lacks what less important and earlier ones take."""
    units = [unit for unit in node.units if unit.free > 0]
    return bool(units) and _differ(node.needs) and _hinder(node.needs, units)


def _differ(needs: Iterable[Need]) -> bool:
    """Whether needs differ in priority."""
    return len({need.priority for need in needs if need.open > 0}) > 1


def _hinder(needs: Iterable[Need], units: Iterable[SupplyUnit]) -> bool:
    """Whether a need lacks what less important and earlier ones take."""
    arriving = sorted(units, key=BY_ARRIVAL, reverse=True)
    there, least = 0, None
    for need in sorted(needs, key=SEQUENCE):
        if need.open == 0:
            continue
        while arriving and arriving[-1].available <= need.instant:
            there += arriving.pop().free
        there -= need.open
        # `least` is the priority of the least important need before: it took what
        # lacks.
        if there < 0 and least is not None and least > need.priority:
            return True
        least = need.priority if least is None else max(least, need.priority)
    return False


def serve_from(
    register: NettingState,
    need: Need,
    units: list[SupplyUnit],
    until: int,
    asks: Asks,
) -> None:
    """Serve a need from units available by an instant, in their sequence.

    What others ask for and nothing else has is taken last.
    """
    before = need.open
    for unit in least_lost(units, need, asks):
        if need.open == 0:
            break
        if unit.free > 0 and unit.available <= until and register.usable(unit, need):
            register.match(need, unit)
    no_more_asked(asks, need, before)


def kept_first(unit: SupplyUnit) -> tuple[int, int, int]:
    """Rank what dies first before what comes last."""
    return unit.expires, -unit.available, unit.index


class FeasibleNodeNetting(DatedNodeNetting):
    """A node on its way through time; a need that would be late may take a receipt."""

    __slots__ = ("_makes",)

    def __init__(
        self, node: Node, levels: StockLevels, release: FeasibleOrderCreation
    ) -> None:
        super().__init__(node, levels, release)
        self._makes = release

    def _order(self, group: list[Need], instant: int) -> None:
        if self._pending and self.node.sources:
            self._take_receipts(group, instant)
        for need in group:
            stands_in = self.node.substitutes and need.demand != NO_DEMAND
            if (stands_in or need.alternatives) and need.open > 0:
                self._make_stand_in(need, instant)
        group = [need for need in group if need.open > 0]
        if len(group) > 1 and self._delays(group, instant):
            # The most urgent first; what is left of its lot serves the next.
            for need in sorted(group, key=URGENCY):
                self._order_itself(need, instant)
        elif group:
            super()._order(group, instant)

    def _order_itself(self, need: Need, instant: int) -> None:
        """Serve a stand-in; what stands in has no stand-in of its own."""
        if self._pending and self.node.sources:
            self._take_receipts([need], instant)
        if need.open > 0:
            super()._order([need], instant)

    def _delays(self, group: Sequence[Need], instant: int) -> bool:
        """Whether one lot for all lets the most urgent wait for the others."""
        if not self.levels.idle or all(s.kind == "buy" for s in self.node.sources):
            return False
        return self._makes.delays(self.node, group, instant)

    def _make_stand_in(self, need: Need, instant: int) -> None:
        """Order a substitute that comes earlier, where own supply is late (rule 9)."""
        release = self._makes
        own = release.promised(self.node, need, instant, need.open)
        if own is not None and own <= instant:
            return
        found = []
        for place, (other, ratio) in enumerate(release.substitutes(need)):
            lent = -(-need.open * ratio.numerator // ratio.denominator)
            ready = release.promised(other, need, instant, lent)
            if ready is not None and (own is None or ready < own):
                found.append((ready, place, other, ratio, lent))
        if not found:
            return
        _, _, other, ratio, lent = min(found, key=lambda one: one[:2])
        walk = release.walk_of(other)
        if not isinstance(walk, FeasibleNodeNetting):
            return
        # What it has by then comes first, as where it is netted in its turn.
        walk.advance(max(instant, walk.at))
        stand_in = release.substitute_need(need, other, lent)
        walk._order_itself(stand_in, instant)  # noqa: SLF001  (a walk of the same kind)
        release.settle_substitute(need, stand_in, ratio)

    def _take_receipts(self, group: list[Need], instant: int) -> None:
        """Serve needs from late receipts that come before new supply could."""
        missing = sum(need.open for need in group)
        ready = self._makes.promised(self.node, group[0], instant, missing)
        for available, _, unit in sorted(self._pending, key=lambda entry: entry[:2]):
            # Receipts come by date: those after it are later still.
            if ready is not None and available > ready:
                return
            for need in group:
                if unit.free > 0 and need.open > 0 and self._makes.usable(unit, need):
                    self._makes.match(need, unit)


class ScarceNodeNetting(DatedNodeNetting):
    """A node that nothing supplies anew: what there is goes by urgency, not by date.

    A more important need takes the latest supply that is still in time, so that less
    important and earlier ones find what comes before. A demand may wait for what comes
    later; an order may not, it is cut (`rationing`).
    """

    __slots__ = ()

    def instants(self) -> list[int]:
        """List one moment: all needs are met at once."""
        moments = [need.instant for need in self.needs if need.open > 0]
        return [max(moments)] if moments else []

    def process(self, instant: int) -> None:  # noqa: ARG002 (all at once)
        """Serve all needs in order of urgency."""
        units = [unit for unit in self.node.units if unit.free > 0]
        latest = sorted(units, key=kept_first)
        earliest = sorted(units, key=BY_ARRIVAL)
        for need in sorted(self.needs, key=URGENCY):
            serve_from(self._release, need, latest, need.instant, self._asks)
            if need.demand != NO_DEMAND:
                serve_from(self._release, need, earliest, NEVER, self._asks)
            if need.open > 0:
                self._release.give_up(need)


class FeasiblePlainNetting(PlainNodeNetting):
    """A plain node whose orders are on time or bought; any other ends the walk.

    Where an order is on time, no receipt that comes later serves in its place. A
    purchase that is late takes as long for much as for little: what comes before it
    serves first.
    """

    __slots__ = ("_makes",)

    def __init__(self, node: Node, release: FeasibleOrderCreation) -> None:
        super().__init__(node, release, release.floor(node.sources[0]))
        self._makes = release

    def walk(self) -> bool:
        """Serve all needs in sequence; False: see `PlainNodeNetting.walk`."""
        capacity = self._makes.model.providers.capacity
        return not is_kept(self._node, self._makes, capacity) and super().walk()

    def _opens(self, way: SupplyAlternative) -> bool:
        release, source = self._makes, way.source
        if way.recipe is None:
            self._most = release.largest(source)
        key = self._node.key
        if release.lots.get(key) or release.sizes.get(key):
            return False
        return super()._opens(way) and not release.limits(source)

    def _order(self, short: Sequence[Need]) -> bool:
        if len(short) > 1 and self._delays(short):
            return False
        return super()._order(short) or self._buy_late(short)

    def _buy_late(self, short: Sequence[Need]) -> bool:
        """Buy as early as can be what was to be bought before; False: see `_order`."""
        way, source = self._way, self._node.sources[0]
        if way is None or source.kind != "buy" or len(source.windows) > 1:
            return False
        missing = sum(need.open for need in short)
        if self._most is not None and source.lot(missing) > self._most:
            return False
        instant = short[0].instant
        soonest = source.clock.earliest(self._floor, 1)
        if soonest is None:
            return False
        self._take_sooner(short, max(instant, soonest.finish))
        group = [need for need in short if need.open > 0]
        if group:
            unit = self._makes.buy_late(way, group)
            for need in group:
                self._match(need, unit)
            if unit.free > 0:
                self._keep(unit, instant)
        return True

    def _take_sooner(self, short: Sequence[Need], ready: int) -> None:
        """Serve needs from receipts no later than a purchase made now."""
        pending = self._pending
        while pending and pending[-1].available <= ready:
            unit = pending[-1]
            for need in short:
                if unit.free > 0 and need.open > 0:
                    self._match(need, unit)
            if unit.free > 0:
                return
            pending.pop()

    def _keep(self, unit: SupplyUnit, instant: int) -> None:
        """Keep what is left over of a purchase for later needs."""
        self.surplus.append(unit)
        if unit.available <= instant:
            self._arrived.append(unit)
        else:
            insort(self._pending, unit, key=_last_first)

    def _delays(self, short: Sequence[Need]) -> bool:
        node = self._node
        if node.sources[0].kind == "buy":
            return False
        return self._makes.delays(node, short, short[0].instant)


def _last_first(unit: SupplyUnit) -> tuple[int, int]:
    available, index = BY_ARRIVAL(unit)
    return -available, -index


def walk_of(
    node: Node, levels: StockLevels, release: FeasibleOrderCreation, *, keeps: bool
) -> DatedNodeNetting:
    """Make the general walk of a node.

    Parameters
    ----------
    node
        Its needs must all be known.
    levels
        Safety level, order sizes and look-ahead of the node.
    keeps
        Whether what there is is kept for the more important first.
    """
    alone = not node.substitutes and not any(n.alternatives for n in node.needs)
    if alone and is_scarce(node):
        return ScarceNodeNetting(node, levels, release)
    if keeps:
        keep_for_important(node, release, release.model.providers.capacity)
    return FeasibleNodeNetting(node, levels, release)


class SliceReader(StateLoader):
    """Reads the state tables; demands become needs slice by slice.

    Attributes
    ----------
    slices
        Slices by index of the demand; a demand that is not there is one slice, an empty
        list is nothing.
    parts
        Needs of the demands, and the slices they stand for.
    earlier
        By how much a demand is wanted earlier than it is due, by its index [s].
    begun
        Some routing lets work have begun before now.
    demands_read
        Rows of the demands, once they were read.
    timings
        Timings of existing orders by name, once they were read.
    """

    slices: Mapping[int, Sequence[Slice]] = {}
    begun = False
    demands_read: list[LoadedDemands]
    timings: dict[str, OrderTiming]

    def _timing(self, row: Row, source: Source | None, units: int) -> OrderTiming:
        """As in mode mrp; read once for all plans of the same orders."""
        name = row["supply_order"]
        if name not in self.timings:
            self.timings[name] = super()._timing(row, source, units)
        return self.timings[name]

    def _demands(self) -> LoadedDemands:
        """As in mode mrp; read once for all runs of a snapshot."""
        if not self.demands_read:
            self.demands_read.append(super()._demands())
        return self.demands_read[0]

    def stock(self) -> None:
        """Read stock as mode mrp does; work that began before now found it there."""
        super().stock()
        if self.begun:
            for unit in self._release.units:
                if unit.available == ALWAYS:
                    unit.arrives = ALWAYS

    def demand_needs(self) -> None:
        """Register the needs of the demands; the graph is closed by now."""
        self.parts: list[tuple[Need, Slice]] = []
        for demand in self.intake.demands:
            self._need(demand)

    def _need(self, demand: Demand) -> None:
        for part in self.wanted(demand):
            need = self._release.need(
                self._model.node(demand.node),
                max(part.date, self._as_of),
                part.qty,
                demand.priority,
                demand.index,
            )
            need.alive_until = part.date + demand.min_shelf
            need.only_from = demand.ship_from
            need.asks = demand.asks
            self.parts.append((need, part))

    def want(
        self, changed: Collection[int], slices: Mapping[int, Sequence[Slice]]
    ) -> None:
        """Register the needs of some demands anew, in other slices."""
        self.slices = slices
        self.parts = [one for one in self.parts if one[0].demand not in changed]
        for index in sorted(changed):
            self._need(self.intake.demands[index])
        self.parts.sort(key=lambda one: one[0].demand)

    def want_before_netting(self, slices: Mapping[int, Sequence[Slice]]) -> None:
        """Register the needs of demands in other slices, where nothing is netted yet.

        All is as if it were read with these slices.
        """
        release, intake = self._release, self.intake
        changed = {
            one.index
            for one in intake.demands
            if slices.get(one.index) != self.slices.get(one.index)
        }
        booked = [release.needs[index] for index in intake.bookings]
        gone = {id(need) for need, _ in self.parts if need.demand in changed}
        # Needs of demands are registered before all others.
        others = release.needs[len(self.parts) :]
        self.want(changed, slices)
        release.needs = [*(need for need, _ in self.parts), *others]
        number(release.needs)
        intake.bookings = {need.index for need in booked}
        for key in {intake.demands[one].node for one in changed}:
            node = self._model.node(key)
            left = [need for need in node.needs if id(need) not in gone]
            node.needs = sorted(left, key=attrgetter("index"))

    def wanted(self, demand: Demand) -> Sequence[Slice]:
        """Slices of a demand."""
        found = self.slices.get(demand.index)
        if found is not None:
            return found
        return (Slice(demand.qty, max(demand.due, self._as_of)),)
