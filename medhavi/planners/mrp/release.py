"""Make new orders: choose the source, size the lots, date them, explode them.

Sources are tried by preference (or cost, or earliest finish); shares split each net
need first (rule 8). An order is dated backward from its need. A source whose validity
has ended by then makes it earlier, one that is not valid yet makes it later; the next
source is asked before either (effective dates are obeyed, rule 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from medhavi.findings import BadData, finding
from medhavi.planners.mrp.register import Register
from medhavi.planners.mrp.state import (
    NO_DEMAND,
    Node,
    Order,
)
from medhavi.providers.sources import split_by_share
from medhavi.units import ALWAYS, NEVER, from_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.findings import Finding
    from medhavi.planners.mrp.model import Model
    from medhavi.planners.mrp.state import (
        Need,
        PegSource,
        SupplyUnit,
    )
    from medhavi.providers.recipe_lines import Component, Gain
    from medhavi.providers.recipes import Recipe
    from medhavi.providers.sources import Source, Timing

PEG_SOURCE: dict[str, PegSource] = {"make": "PROD", "buy": "SUP", "move": "TRANS"}
MOST_PIECES = 100_000
EARLIER_TRIES = 8
SAFETY = "safety stock"
STOCK_PRIORITY = 2**31
"""Orders for stock come after those of all demands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What a node lacks: quantity [steps], instant, and who asks."""

    node: Node
    instant: int
    qty: int
    cause: str
    priority: int
    only_from: str | None
    alive_until: int


class Release(Register):
    """The register of a run, and the maker of its new orders.

    Parameters
    ----------
    model
        Graph of the run.
    as_of
        Now of the plan [UTC seconds].
    """

    def __init__(self, model: Model, as_of: int) -> None:
        super().__init__(model)
        self.as_of = as_of
        self._instant = model.providers.capacity.instant

    # --- new orders ----------------------------------------------------------------
    def for_needs(
        self, node: Node, instant: int, group: Sequence[Need], missing: int
    ) -> list[SupplyUnit]:
        """Order what a group of needs lacks; the rest of a lot is free supply."""
        first = group[0]
        want = Want(
            node=node,
            instant=instant,
            qty=missing,
            cause=self._cause(first),
            priority=min(need.priority for need in group),
            only_from=first.only_from,
            alive_until=max(need.alive_until for need in group),
        )
        units = self._replenish(want)
        if node.make_to_order:
            for unit in units:
                if unit.node is node:
                    unit.only_need = first
        return units

    def _cause(self, need: Need) -> str:
        if need.demand != NO_DEMAND:
            return self.demand_names[need.demand]
        return SAFETY if need.order is None else need.order.cause

    def for_stock(self, node: Node, instant: int, missing: int) -> list[SupplyUnit]:
        """Order what a stock level lacks."""
        want = Want(
            node=node,
            instant=instant,
            qty=missing,
            cause=SAFETY,
            priority=STOCK_PRIORITY,
            only_from=None,
            alive_until=ALWAYS,
        )
        return self._replenish(want)

    def _replenish(self, want: Want) -> list[SupplyUnit]:
        wanted = self.walk_of(want.node).levels.sized(want.qty)
        sources = [
            source
            for source in want.node.sources
            if want.only_from is None
            or (source.kind != "move" and want.node.key[1] == want.only_from)
            or source.origin == want.only_from
        ]
        sharing = [source for source in sources if source.share]
        if not sharing:
            return self._order_from(
                [source for source in sources if source.share is None], want, wanted
            )
        valid = [s for s in sharing if self._on_time(s, want.instant, wanted)]
        if not valid:
            return self._order_from(sharing, want, wanted)
        parts = split_by_share(wanted, tuple(s.share for s in valid if s.share))
        return [
            unit
            for source, part in zip(valid, parts, strict=True)
            if part > 0
            for unit in self._order_from([source], want, part)
        ]

    def _on_time(self, source: Source, instant: int, wanted: int) -> bool:
        timing = source.clock.latest(instant, self._first_size(source, wanted, instant))
        return timing is not None and source.valid_at(timing.start)

    def _first_size(self, source: Source, wanted: int, instant: int) -> int:
        """Give the size of the first order for a quantity; 0: it would give nothing."""
        gain = self._gain(source)
        size = wanted if gain is None else gain.order_steps_for(wanted, instant)
        return source.pieces(size)[0] if size > 0 else 0

    def _gain(self, source: Source) -> Gain | None:
        if source.kind != "make":
            return None
        recipe = self.model.providers.recipes.recipe(source.source)
        return recipe.gain(source.product, source.location)

    def _order_from(
        self, sources: Sequence[Source], want: Want, wanted: int
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
        while missing > 0:
            chosen = self._choose(sources, want, missing)
            if chosen is None:
                break
            source, size, timing = chosen
            units = self._new_order(source, want, size, timing)
            brought = sum(unit.qty for unit in units if unit.node is want.node)
            made += units
            missing -= brought
            pieces += 1
            if brought <= 0 or pieces > MOST_PIECES:
                raise BadData([_too_many_pieces(source, want.node)])
        return made

    def _choose(
        self, sources: Sequence[Source], want: Want, missing: int
    ) -> tuple[Source, int, Timing] | None:
        """Take the first source that can be on time, else the earliest that can be."""
        instant = want.instant
        late: list[tuple[int, int, Source, int, Timing]] = []
        for rank, source in enumerate(self._ranked(sources, want.node, missing)):
            size = self._first_size(source, missing, instant)
            if size <= 0:
                continue
            timing = source.clock.latest(instant, size)
            if timing is not None and source.valid_at(timing.start):
                return source, size, timing
            moved = self._within_validity(source, size, instant, timing)
            if moved is not None:
                late.append((max(moved.finish, instant), rank, source, size, moved))
        if not late:
            return None
        _, _, source, size, timing = min(late, key=lambda entry: entry[:2])
        return source, size, timing

    def _within_validity(
        self, source: Source, size: int, instant: int, timing: Timing | None
    ) -> Timing | None:
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
            need -= current.start - start
            current = source.clock.latest(need, size)
        for begin, end in source.windows:
            forward = source.clock.earliest(max(begin, self.as_of), size)
            if forward is not None and forward.start < end:
                return forward
        return None

    def _ranked(
        self, sources: Sequence[Source], node: Node, missing: int
    ) -> Sequence[Source]:
        """Order the sources by the rule of the node; ties keep preference, then id."""
        rule = node.rules.source_rule
        if rule == "preference" or len(sources) < 2:
            return sources
        if rule == "cost":
            qty = from_steps(missing, node.step)
            return sorted(sources, key=lambda source: source.cost(qty))
        return sorted(sources, key=lambda source: self._soonest(source, missing))

    def _soonest(self, source: Source, missing: int) -> int:
        size = self._first_size(source, missing, self.as_of)
        timing = source.clock.earliest(self.as_of, size) if size > 0 else None
        return NEVER if timing is None else timing.finish

    def _new_order(
        self, source: Source, want: Want, size: int, timing: Timing
    ) -> list[SupplyUnit]:
        node, instant = want.node, want.instant
        making = source.kind == "make"
        recipe = self.model.providers.recipes.recipe(source.source) if making else None
        order = Order(
            index=len(self.orders),
            kind=source.kind,
            node=node.key if recipe is None else (recipe.product, recipe.location),
            source=source,
            source_id=source.source,
            steps=size,
            qty=size,
            timing=timing,
            need=instant,
            cause=want.cause,
            lot_rule=node.rules.lot_rule,
            priority=want.priority,
            recipe=recipe,
            alive_until=want.alive_until,
        )
        self.orders.append(order)
        if recipe is None:
            ready = max(instant, timing.finish)
            self.unit(node, size, ready, timing.finish, PEG_SOURCE[source.kind], order)
        else:
            self.outputs(order, recipe, want)
        self.explode(order)
        return order.units

    def outputs(self, order: Order, recipe: Recipe, want: Want | None) -> None:
        """Register what a make order gives, main product first.

        What is wanted is usable from that instant (safety time is over then), all else
        when it falls out. Existing orders (no want) are all else.
        """
        gains = [((recipe.product, recipe.location), recipe.main)]
        gains += sorted(recipe.others.items())
        source = PEG_SOURCE["make"] if want is not None else "FIRM"
        for key, gain in gains:
            node = self.model.node(key)
            at = self._output_instant(order, gain)
            qty = gain.good_steps(order.steps, at)
            if key == order.node:
                order.qty = qty
            if qty <= 0:
                continue
            awaited = want is not None and node is want.node
            usable = max(at, want.instant) if want is not None and awaited else at
            made = self.unit(node, qty, usable, at, source, order)
            if not awaited:
                node.units.append(made)

    def _output_instant(self, order: Order, gain: Gain) -> int:
        output = gain.outputs[0]
        if output.step is None and output.anchor == "end" and not output.offset_minutes:
            return order.timing.finish
        moment: int = self._instant(
            order.source_id,
            order.timing,
            output.step,
            output.anchor,
            output.offset_minutes,
        )
        return moment

    def explode(self, order: Order) -> None:
        """Register the needs of an order: components, or goods at the origin."""
        timing = order.timing
        if order.kind == "move" and order.source is not None and order.source.origin:
            origin = self.model.node((order.node[0], order.source.origin))
            need = self.need(
                origin, timing.ready, order.steps, order.priority, order=order
            )
            need.alive_until = max(order.alive_until, timing.finish)
        elif order.recipe is not None:
            for group in order.recipe.groups:
                self._component_need(order, group)

    def _component_need(self, order: Order, group: Sequence[Component]) -> None:
        choices = []
        for component in group:
            instant = self._use_instant(order, component)
            if component.valid_at(instant):
                choices.append((component, instant))
        if not choices:
            return
        wanted, instant = choices[0]
        qty = wanted.steps(order.steps)
        if qty <= 0:
            return
        node = self.model.node((wanted.component, wanted.location))
        need = self.need(node, instant, qty, order.priority, order=order)
        if len(choices) > 1:
            need.alternatives = tuple(
                (
                    self.model.node((other.component, other.location)),
                    _ratio(wanted, other),
                )
                for other, _ in choices[1:]
            )

    def _use_instant(self, order: Order, component: Component) -> int:
        timing = order.timing
        if not component.offset_minutes and component.anchor == "start":
            if not timing.steps:
                return timing.start
            if component.step is None:
                return timing.steps[0].start
        moment: int = self._instant(
            order.source_id,
            timing,
            component.step,
            component.anchor,
            component.offset_minutes,
        )
        return moment


def _ratio(wanted: Component, other: Component) -> Fraction:
    """Give units of another line for one of the wanted line [steps per step]."""
    return Fraction(
        other.numerator * wanted.denominator, other.denominator * wanted.numerator
    )


def _too_many_pieces(source: Source, node: Node) -> Finding:
    return finding(
        "PLAN003",
        table="routings" if source.kind == "make" else "supply_terms",
        column="max_lot",
        value=source.max_lot,
        source=source.source,
        product=node.key[0],
        most=MOST_PIECES,
    )
