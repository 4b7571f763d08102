"""Make new orders: choose the source, size the lots, date them, explode them.

Sources are tried by preference (or cost, or earliest finish); shares split each net
need first (rule 8). An order is dated backward from its need. A source whose validity
has ended by then makes it earlier, one that is not valid yet makes it later; the next
source is asked before either (effective dates are obeyed, rule 2).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from medhavi.findings import BadData, finding
from medhavi.planners.mrp.netting_state.run_state import NettingState
from medhavi.planners.mrp.netting_state.state import NO_DEMAND, SupplyOrder, ratio
from medhavi.providers.sources import split_by_share
from medhavi.units import ALWAYS, NEVER, from_units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.findings import Finding
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.state import (
        ComponentRequirement,
        Need,
        Node,
        NodeKey,
        PegSource,
        SupplyAlternative,
        SupplyUnit,
    )
    from medhavi.providers.material.characteristics import Characteristics
    from medhavi.providers.material.recipes import Component, ProductOutput
    from medhavi.providers.sources import OrderTiming, Source

PEG_SOURCE: dict[str, PegSource] = {"make": "PROD", "buy": "SUP", "move": "TRANS"}
MOST_PIECES = 100_000
MOST_PARTS = 10
"""Into how many pieces a late order is cut at most."""
EARLIER_TRIES = 8
MOST_LATER = 2**26
"""How much safety time is looked for in closed time at most [s], about two years."""
SAFETY = "safety stock"
STOCK_PRIORITY = 2**31
"""Orders for stock come after those of all demands."""


class NetRequirement(NamedTuple):
    """What a node lacks: quantity [units], instant, and who asks."""

    node: Node
    instant: int
    qty: int
    cause: str
    priority: int
    only_from: str | None
    alive_until: int
    asks: Characteristics | None = None


class OrderCreation(NettingState):
    """The register of a run, and the maker of its new orders.

    Parameters
    ----------
    as_of
        Now of the plan [UTC seconds].
    """

    def __init__(self, model: ItemLocationGraph, as_of: int) -> None:
        super().__init__(model)
        self.as_of = as_of
        self.has_late = False
        """Some order comes later than its need: only a source valid later does that."""
        self._capacity = model.providers.capacity

    def for_needs(
        self,
        node: Node,
        instant: int,
        group: Sequence[Need],
        missing: int,
        demand: int = NO_DEMAND,
    ) -> list[SupplyUnit]:
        """Order what a group of needs lacks; the rest of a lot is free supply.

        `demand` is the one of several behind a need that a make-to-order supply is for.
        """
        first = group[0]
        units = self._replenish(self.wanted(node, instant, group, missing))
        if node.make_to_order:
            if demand == NO_DEMAND:
                demand = self.sole_demand(first)
            for unit in units:
                if unit.node is not node:
                    continue
                unit.for_demand = demand
                if demand == NO_DEMAND:
                    unit.only_need = first
        return units

    def wanted(
        self, node: Node, instant: int, group: Sequence[Need], missing: int
    ) -> NetRequirement:
        """Net requirement of a group of needs, which all ask for the same."""
        first = group[0]
        if len(group) == 1:
            priority, alive_until = first.priority, first.alive_until
        else:
            priority = min([need.priority for need in group])
            alive_until = max([need.alive_until for need in group])
        return NetRequirement(
            node,
            instant,
            missing,
            self.cause_of(first),
            priority,
            first.only_from,
            alive_until,
            first.asks,
        )

    def floor(self, source: Source) -> int:
        """First instant at which a new order of a source may start."""
        return max(self.as_of, source.fence_start)

    def cause_of(self, need: Need) -> str:
        """Name the demand that a need is for first; of none: what stock is for."""
        if need.demand != NO_DEMAND:
            return self.demand_names[need.demand]
        return SAFETY if need.order is None else need.order.cause

    def for_stock(self, node: Node, instant: int, missing: int) -> list[SupplyUnit]:
        """Order what a stock level lacks."""
        return self._replenish(
            NetRequirement(node, instant, missing, SAFETY, STOCK_PRIORITY, None, ALWAYS)
        )

    def expiry(self, node: Node, instant: int, wanted: int) -> int:
        """When an order for an instant dies; NEVER where the product does not."""
        life = node.shelf_life
        if life is None:
            return NEVER
        for way in self.model.ways(node):
            size, timing = self._fitting(way, wanted, instant)
            if size > 0 and timing is not None:
                return _born(way, timing) + life
        return instant + life

    def _replenish(self, want: NetRequirement) -> list[SupplyUnit]:
        node = want.node
        self.asked.append((node, want.instant, want.qty))
        wanted = self.walk_of(node).levels.sized(want.qty)
        ways = self.open_ways(want)
        sharing = [way for way in ways if way.source.share] if node.shared else ()
        if not sharing:
            return self._order_from(
                [way for way in ways if way.source.share is None]
                if node.shared
                else ways,
                want,
                wanted,
            )
        # Shares are of those that can be in time; if none can, all are asked in
        # sequence.
        valid = [way for way in sharing if self._on_time(way, want.instant, wanted)]
        if not valid:
            return self._order_from(sharing, want, wanted)
        parts = split_by_share(
            wanted, tuple(w.source.share for w in valid if w.source.share)
        )
        return [
            unit
            for way, part in zip(valid, parts, strict=True)
            if part > 0
            for unit in self._order_from([way], want, part)
        ]

    def open_ways(self, want: NetRequirement) -> Sequence[SupplyAlternative]:
        """List the sources that may serve a want: its origin, and what it asks for."""
        ways: Sequence[SupplyAlternative] = self.model.ways(want.node)
        origin = want.only_from
        if origin is not None and origin != want.node.key[1]:
            ways = [way for way in ways if way.source.origin == origin]
        asks = want.asks
        if asks is not None:
            ways = [way for way in ways if self._has(way, want.node, asks, set())]
        return ways

    def _has(
        self,
        way: SupplyAlternative,
        node: Node,
        asks: Characteristics,
        seen: set[NodeKey],
    ) -> bool:
        """Whether a source gives what is asked; a move: whether its origin can."""
        if way.origin is None:
            return way.traits(node).meets(asks)
        origin = way.origin
        if origin.key in seen:
            return False
        seen.add(origin.key)
        return any(unit.meets(asks) for unit in origin.units) or any(
            self._has(other, origin, asks, seen) for other in self.model.ways(origin)
        )

    def _on_time(self, way: SupplyAlternative, instant: int, wanted: int) -> bool:
        timing = way.source.clock.latest(instant, way.first_size(wanted, instant))
        return timing is not None and way.serves(timing.start)

    def _order_from(
        self, ways: Sequence[SupplyAlternative], want: NetRequirement, wanted: int
    ) -> list[SupplyUnit]:
        """Order from the first source that can; in pieces of its largest lot.

        Raises
        ------
        BadData
            Far too many pieces: the largest lot cannot be meant.
        """
        made: list[SupplyUnit] = []
        missing = wanted
        pieces = 0
        ranked = self.ranked(ways, want.node, wanted)
        while missing > 0:
            chosen = self._choose(ranked, want, missing)
            if chosen is None:
                break
            way, size, timing = chosen
            units = self._new_order(way, want, size, timing)
            brought = 0
            for unit in units:
                if unit.node is want.node:
                    brought += unit.qty
            made += units
            missing -= brought
            pieces += 1
            # Reckoned ahead, not counted: so many orders would fill memory first.
            if brought <= 0 or pieces + missing // brought > MOST_PIECES:
                raise BadData([_too_many_pieces(way.source, want.node, brought)])
        return made

    def _choose(
        self, ways: Sequence[SupplyAlternative], want: NetRequirement, missing: int
    ) -> tuple[SupplyAlternative, int, OrderTiming] | None:
        """Take the first source that can be on time, else the earliest that can be."""
        instant = want.instant
        late: list[tuple[int, int, SupplyAlternative, int, OrderTiming]] = []
        for rank, way in enumerate(ways):
            size, timing = self._fitting(way, missing, instant)
            if size <= 0:
                continue
            if timing is not None and way.serves(timing.start):
                timing = self._lasting(way, want, size, timing)
                if timing is not None:
                    return way, size, timing
                continue
            moved = self._within_validity(way.source, size, instant, timing)
            if timing is None and moved is not None:
                size, moved = self._sooner_in_parts(way, size, instant, moved)
            if moved is not None:
                moved = self._lasting(way, want, size, moved)
            if moved is not None:
                late.append((max(moved.finish, instant), rank, way, size, moved))
        if not late:
            return None
        ready, _, way, size, timing = min(late, key=lambda entry: entry[:2])
        self.has_late = self.has_late or ready > instant
        return way, size, timing

    def _lasting(
        self,
        way: SupplyAlternative,
        want: NetRequirement,
        size: int,
        timing: OrderTiming,
    ) -> OrderTiming | None:
        """Date an order so that it gives the product, and that alive until its use.

        What would die before is ordered later: safety time is given up first, as far as
        that takes. None: all of it is not enough, or the source gives nothing then.
        """
        life = want.node.shelf_life
        if life is not None and _spoilt(way, want, timing, life):
            later = self._later(way, want, size, life)
            if later is None or not way.serves(later.start):
                return None
            timing = later
        if way.gain is not None and not self._gives(way.gain, size, timing):
            return None
        return timing

    def _later(
        self, way: SupplyAlternative, want: NetRequirement, size: int, life: int
    ) -> OrderTiming | None:
        """First order by a need that lasts until its use [life in s], if on time."""
        latest, instant = way.source.clock.latest, want.instant
        if max(instant, want.alive_until) - life > instant:
            return None
        # By doubling to a shift at which it lasts, then halving down to the least one.
        dies, lasts = 0, 1
        found = latest(instant + lasts, size)
        while found is not None and _spoilt(way, want, found, life):
            if found.finish > instant or lasts > MOST_LATER:
                return None
            dies, lasts = lasts, 2 * lasts
            found = latest(instant + lasts, size)
        while found is not None and lasts - dies > 1:
            middle = (dies + lasts) // 2
            tried = latest(instant + middle, size)
            if tried is None or _spoilt(way, want, tried, life):
                dies = middle
            else:
                lasts, found = middle, tried
        return found if found is not None and found.finish <= instant else None

    def _fitting(
        self, way: SupplyAlternative, missing: int, instant: int
    ) -> tuple[int, OrderTiming | None]:
        """Size the first order; one too long for the open time there is comes smaller.

        Halved until it fits or the least lot is reached; the rest becomes further
        orders.
        """
        size = way.first_size(missing, instant)
        if size <= 0:
            return size, None
        timing = way.source.clock.latest(instant, size)
        return (size, timing) if timing is not None else self._cut(way, size, instant)

    def _cut(
        self, way: SupplyAlternative, whole: int, instant: int
    ) -> tuple[int, OrderTiming | None]:
        """Halve an order that is too long; it stays whole where no piece fits."""
        size, least = whole, way.first_size(1, instant)
        while least <= (smaller := way.source.lot(size // 2)) < size:
            size = smaller
            timing = way.source.clock.latest(instant, size)
            if timing is not None:
                return size, timing
        return whole, None

    def _gives(self, gain: ProductOutput, size: int, timing: OrderTiming) -> bool:
        """Whether an output by date still holds when the order finishes."""
        return not gain.dated or gain.good_steps(size, timing.finish) > 0

    def _within_validity(
        self, source: Source, size: int, instant: int, timing: OrderTiming | None
    ) -> OrderTiming | None:
        """Date an order earlier, where its source ends, or later, where it begins."""
        need = instant
        current = timing
        for _ in range(EARLIER_TRIES):
            if current is None:
                break
            start = source.latest_valid(current.start)
            if start is None:
                break
            if start == current.start:
                return current
            # Asked for so much earlier, it starts within the validity, unless closed
            # time moves it: then it is tried again.
            need -= current.start - start
            current = source.clock.latest(need, size)
        return source.earliest(self.as_of, size)

    def _sooner_in_parts(
        self, way: SupplyAlternative, size: int, instant: int, whole: OrderTiming
    ) -> tuple[int, OrderTiming]:
        """Piece of an order that cannot be in time, if it is there sooner.

        It brings one unit at least: yields may leave nothing of a smaller one.
        """
        part = way.source.lot(-(-size // MOST_PARTS))
        part = max(part, way.first_size(1, instant))
        if part < size:
            smaller = self._within_validity(way.source, part, instant, None)
            if smaller is not None and smaller.finish < whole.finish:
                return part, smaller
        return size, whole

    def ranked(
        self, ways: Sequence[SupplyAlternative], node: Node, missing: int
    ) -> Sequence[SupplyAlternative]:
        """Order the sources by the rule of the node; ties keep preference, then id."""
        if node.rules.source_rule == "preference" or len(ways) < 2:
            return ways
        ranked = self.model.providers.sourcing.ranked(*node.key, missing)
        place = {id(source): rank for rank, source in enumerate(ranked)}
        return sorted(ways, key=lambda way: place[id(way.source)])

    def _new_order(
        self,
        way: SupplyAlternative,
        want: NetRequirement,
        size: int,
        timing: OrderTiming,
    ) -> list[SupplyUnit]:
        node, instant, source, recipe = want.node, want.instant, way.source, way.recipe
        order = SupplyOrder(
            len(self.orders),
            source.kind,
            node.key if recipe is None else (recipe.product, recipe.location),
            source,
            source.source,
            size,
            size,
            timing,
            instant,
            want.cause,
            node.rules.lot_rule,
            want.priority,
        )
        order.recipe = recipe
        order.alive_until = want.alive_until
        order.asks = want.asks
        self.orders.append(order)
        if recipe is None:
            finish = timing.finish
            ready = max(finish, instant)
            unit = self.unit(node, size, ready, finish, PEG_SOURCE[source.kind], order)
            if want.asks is not None and source.kind == "move":
                unit.traits = node.traits.joined(want.asks)
            if node.shelf_life is not None and source.kind == "move":
                unit.expires = timing.ready + node.shelf_life
        else:
            self.outputs(order, way, want)
        self.explode(order, way)
        return order.units

    def outputs(
        self, order: SupplyOrder, way: SupplyAlternative, want: NetRequirement | None
    ) -> None:
        """Register what a make order gives, main product first.

        What is wanted is usable from that instant (safety time is over then), all else
        when it falls out. Existing orders (no want) are all else.
        """
        source: PegSource = "FIRM" if want is None else "PROD"
        for node, gain, plain in way.yields:
            if want is None:
                at = self.existing_output_instant(order, node.key, gain)
            else:
                at = order.timing.finish if plain else self.output_instant(order, gain)
            qty = gain.good_steps(order.steps, at)
            if node.key == order.node:
                order.qty = qty
            if qty <= 0:
                continue
            if want is not None and node is want.node:
                usable = max(at, want.instant)
                unit = self.unit(node, qty, usable, at, source, order)
            else:
                unit = self.unit(node, qty, at, at, source, order)
                node.units.append(unit)
            if way.provides:
                unit.traits = way.traits(node)

    def output_instant(self, order: SupplyOrder, gain: ProductOutput) -> int:
        """Instant at which all that an order gives of a product is there."""
        return gain.there_at(self._capacity, order.source_id, order.timing)

    def existing_output_instant(
        self, order: SupplyOrder, product: NodeKey, gain: ProductOutput | None
    ) -> int:
        """Instant at which what an existing order gives of a product is there.

        What it is for is in stock when the order is due, which may be after its last
        step; what else it gives comes with that step.
        """
        if product == order.node or gain is None:
            return order.timing.finish
        return self.output_instant(order, gain)

    def explode(self, order: SupplyOrder, way: SupplyAlternative) -> None:
        """Register the needs of an order: components, or goods at the origin."""
        timing = order.timing
        if way.origin is not None:
            need = self.need(
                way.origin, timing.ready, order.steps, order.priority, order=order
            )
            need.alive_until = max(order.alive_until, timing.finish)
            need.asks = order.asks
            order.carried = need
            return
        begin = timing.steps[0].start if timing.steps else timing.start
        for group in way.intakes:
            if len(group) > 1 or not group[0].plain:
                self.component_need(order, group)
                continue
            component, node, _ = group[0]
            qty = component.steps(order.steps)
            if qty > 0:
                self.need(node, begin, qty, order.priority, order=order)

    def component_need(
        self, order: SupplyOrder, group: Sequence[ComponentRequirement]
    ) -> Need | None:
        """Register the need of lines with a step, an offset, a validity or a rival."""
        choices = self.choices(order, group)
        if not choices:
            return None
        (component, node, _), instant = choices[0]
        qty = component.steps(order.steps)
        if qty <= 0:
            return None
        need = self.need(node, instant, qty, order.priority, order=order)
        need.line = component
        if len(choices) > 1:
            need.alternatives = tuple(
                (other.node, ratio(component, other.component))
                for other, _ in choices[1:]
            )
        return need

    def choices(
        self, order: SupplyOrder, group: Sequence[ComponentRequirement]
    ) -> list[tuple[ComponentRequirement, int]]:
        """List the lines that hold for an order by its dates, and their instants."""
        timing = order.timing
        used = [(one, self.use_instant(order, one.component, timing)) for one in group]
        return [one for one in used if one[0].component.valid_at(one[1])]

    def use_instant(
        self, order: SupplyOrder, component: Component, timing: OrderTiming
    ) -> int:
        """Instant at which an order takes a component."""
        return component.used_at(self._capacity, order.source_id, timing)


def _born(way: SupplyAlternative, timing: OrderTiming) -> int:
    """When the life of an order begins.

    Nothing that is moved is fresher than what is made just before it leaves.
    """
    return timing.finish if way.origin is None else timing.ready


def _spoilt(
    way: SupplyAlternative, want: NetRequirement, timing: OrderTiming, life: int
) -> bool:
    """Whether what an order gives dies before its use [life in s]."""
    last = max(timing.finish, want.instant, want.alive_until)
    return _born(way, timing) + life < last


def _too_many_pieces(source: Source, node: Node, brought: int) -> Finding:
    table, column = {
        "make": ("routings", "yield"),
        "buy": ("supply_terms", "capacity_per_period"),
        "move": ("lanes", "capacity_kg"),
    }[source.kind]
    found = finding(
        "PLAN003",
        table=table,
        column=column if source.max_lot is None else "max_lot",
        value=from_units(brought, node.step),
        source=source.source,
        product=node.key[0],
        most=MOST_PIECES,
    )
    return replace(found, subject=(source.source, *node.key))
