"""Share out what is missing: cut orders to what their components allow (rule 22).

Where material is short and nothing makes or sells more, an order is cut to what it can
be made from, then what takes from it, up to the demands; the least important loses
first, and a stock level before all demands: it is lower until what is short could be
there (rule 7). What a demand loses it may get later, when the next receipt is there or
another line of the bill of materials holds: as one more slice at that date. Netting
runs again on the slices until nothing is missing any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.mrp.netting_state.state import NO_DEMAND, URGENCY
from medhavi.planners.mrp.netting_state.stock_levels import LevelReduction
from medhavi.planners.mrp.postponement import timing_behind
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import (
        Need,
        NodeKey,
        SupplyOrder,
        SupplyUnit,
    )
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels
    from medhavi.providers.material.recipes import Component
    from medhavi.providers.sources import Source


class Slice(NamedTuple):
    """A part of a demand: quantity [units] that is wanted at a date [UTC seconds]."""

    qty: int
    date: int


class Loss(NamedTuple):
    """What a need does not get [units], and how much later it could get some [s].

    No `delay`: never. `place` is the product and location that is short.
    """

    qty: int
    delay: int | None
    place: NodeKey


class Rationing:
    """Cuts of one finished netting.

    Parameters
    ----------
    release
        Register of the netting, with its shortages.
    rank
        Place of each node, by identity, in the order of planning.
    levels
        Stock levels by identity of the node, where there are any.
    """

    def __init__(
        self,
        release: OrderCreation,
        rank: Mapping[int, int],
        levels: Mapping[int, StockLevels],
    ) -> None:
        self._release = release
        self._rank = rank
        self._levels = levels
        self._lost: dict[int, Loss] = {}
        self.missing: dict[int, NodeKey] = {}
        """Demands that lost something for good, and what is short."""
        self.short: dict[int, set[NodeKey]] = {}
        """Demands that lost something, and what was short."""
        self.lowered: dict[NodeKey, list[LevelReduction]] = {}
        """What stock levels lose."""
        self._projections: dict[NodeKey, Projection] = {}
        self._needs: dict[int, list[Need]] = {}
        for need in release.needs:
            if need.order is not None:
                self._needs.setdefault(need.order.index, []).append(need)

    def slices(
        self, now: Mapping[int, Sequence[Slice]], parts: Iterable[tuple[Need, Slice]]
    ) -> dict[int, list[Slice]]:
        """Slices of the demands for the next netting.

        Parameters
        ----------
        now
            Slices of this netting by demand, where a demand has other than one.
        parts
            Needs of the demands and the slices that they stand for.

        Returns
        -------
        dict
            Equal to `now` where nothing is missing.
        """
        for shortage in self._release.shortages:
            need = shortage.need
            self._lose(need, Loss(shortage.qty, self._wait(need), need.node.key))
        if not self._lost:
            return {demand: list(kept) for demand, kept in now.items()}
        nodes = self._release.model.nodes
        lowest_first = sorted(
            self._release.orders,
            key=lambda order: (-self._rank.get(id(nodes[order.node]), 0), order.index),
        )
        # Parts first: all that an order loses is known when it is its turn.
        for order in lowest_first:
            self._cut(order)
        found: dict[int, list[Slice]] = {
            demand: list(kept) for demand, kept in now.items()
        }
        substitutes = self._substitutes()
        for need, part in parts:
            loss = self._of_demand(need, substitutes)
            if loss is None:
                continue
            self.short.setdefault(need.demand, set()).add(loss.place)
            kept = found.setdefault(need.demand, [part])
            kept.remove(part)
            if part.qty > loss.qty:
                kept.append(Slice(part.qty - loss.qty, part.date))
            if loss.delay is None:
                self.missing[need.demand] = loss.place
            else:
                later = Slice(min(loss.qty, part.qty), part.date + loss.delay)
                kept.append(later)
            kept.sort(key=lambda one: (one.date, one.qty))
        return found

    # --- cuts ----------------------------------------------------------------------
    def _lose(self, need: Need, loss: Loss) -> None:
        before = self._lost.get(need.index)
        if before is not None:
            known = [d for d in (loss.delay, before.delay) if d is not None]
            delay = min(known, default=None)
            loss = Loss(loss.qty + before.qty, delay, before.place)
        self._lost[need.index] = loss

    def _wait(self, need: Need) -> int | None:
        """How long after a need its product, or another line, may be there."""
        moments = [
            unit.available
            for unit in need.node.units
            if unit.available > need.instant
            and _could_serve(unit, need)
            and unit.meets(need.asks)
        ]
        line = need.line
        if line is not None and need.instant < line.valid_to < NEVER:
            moments.append(line.valid_to)
        return min(moments) - need.instant if moments else None

    def _cut(self, order: SupplyOrder) -> None:
        losses = [
            (need, self._lost[need.index])
            for need in self._needs.get(order.index, ())
            if need.index in self._lost
        ]
        if not losses or order.existing is not None:
            return
        size = order.steps
        for need, loss in losses:
            size = min(size, most_from(order, need, need.qty - loss.qty))
        size = size if order.source is None else lot_below(order.source, size)
        # Whether more can be made when the first of them comes, the next netting tells.
        known = [
            self._later(order, need, loss.delay)
            for need, loss in losses
            if loss.delay is not None
        ]
        loss = Loss(0, min(known, default=None), losses[0][1].place)
        for unit in order.units:
            self._take_away(unit, unit.qty - self._given(order, unit, size), loss)

    def _later(self, order: SupplyOrder, need: Need, delay: int) -> int:
        """How much later an order is done that gets a need later [s].

        Goods that miss a departure, or a shift, by a second wait for the next one.
        """
        there = {need.index: need.instant + delay}
        found = timing_behind(self._release, order, [need], there)
        if found is None:
            return delay
        timing, _ = found
        return max(delay, timing.finish - order.timing.finish)

    def _given(self, order: SupplyOrder, unit: SupplyUnit, size: int) -> int:
        if order.recipe is None:
            return min(unit.qty, size)
        if size <= 0:
            return 0
        gain = order.recipe.gain(*unit.node.key)
        return 0 if gain is None else min(unit.qty, gain.good_steps(size, unit.arrives))

    def _take_away(self, unit: SupplyUnit, lost: int, loss: Loss) -> None:
        """Deduct a loss of a unit: free part first, then least important takers."""
        levels = self._levels.get(id(unit.node))
        if levels is None:
            # What nobody takes is lost first.
            lost -= unit.free
        elif lost > 0:
            lost -= self._from_level(unit, levels, lost, loss.delay)
        takers = sorted(unit.takers, key=lambda taker: URGENCY(taker[0]))
        while lost > 0 and takers:
            need, qty = takers.pop()
            part = min(lost, qty)
            lost -= part
            self._lose(need, loss._replace(qty=part))

    def _from_level(
        self, unit: SupplyUnit, levels: StockLevels, lost: int, delay: int | None
    ) -> int:
        """Lower a stock level, as far as nothing else takes what it keeps [units].

        What is there and not taken from the unit on may be missing until it comes: who
        takes it later finds it again.
        """
        key, at = unit.node.key, unit.available
        end = NEVER if delay is None else at + delay
        if not self._projections:
            self._projections = _projections(self._release.units, self._levels)
        spare = min(lost, self._projections[key].spare(at, end))
        if spare <= 0:
            return 0
        self._projections[key].take(spare, at, end)
        less = min(spare, levels.wanted(at))
        if less > 0:
            self.lowered.setdefault(key, []).append(LevelReduction(at, end, less))
        return spare

    # --- demands -------------------------------------------------------------------
    def _substitutes(self) -> dict[int, list[Need]]:
        """List the needs of substitutes by demand."""
        found: dict[int, list[Need]] = {}
        for index in self._release.covered:
            need = self._release.needs[index]
            if need.demand != NO_DEMAND and index in self._lost:
                found.setdefault(need.demand, []).append(need)
        return found

    def _of_demand(
        self, need: Need, substitutes: Mapping[int, list[Need]]
    ) -> Loss | None:
        """Sum what a demand loses of its own product and of what stands in."""
        loss = self._lost.get(need.index)
        found = [] if loss is None else [loss]
        for other in substitutes.get(need.demand, ()):
            if other.instant != need.instant:
                continue
            part = self._lost[other.index]
            covered = self._release.covered[other.index]
            qty = -(-part.qty * covered // other.qty) if other.qty else 0
            found.append(part._replace(qty=qty))
        total = sum(part.qty for part in found)
        if not total:
            return None
        delays = [part.delay for part in found if part.delay is not None]
        return Loss(total, min(delays, default=None), found[0].place)


class Projection:
    """What is there at a place and taken by nobody, over time."""

    def __init__(self) -> None:
        self._changes: list[tuple[int, int]] = []

    def add(self, unit: SupplyUnit) -> None:
        """Take note of supply and who takes it."""
        self._changes.append((unit.available, unit.qty))
        self._changes += [(need.instant, -qty) for need, qty in unit.takers]

    def spare(self, instant: int, end: int) -> int:
        """Least that is there from an instant until another [units]."""
        there = sum(qty for at, qty in self._changes if at <= instant)
        least = there
        later = sorted(
            (one for one in self._changes if instant < one[0] < end),
            # Of one instant supply comes before who takes it.
            key=lambda one: (one[0], -one[1]),
        )
        for _, qty in later:
            there += qty
            least = min(least, there)
        return least

    def take(self, qty: int, instant: int, end: int) -> None:
        """Take note that so much [units] is not there from an instant until another."""
        self._changes += [(instant, -qty), (end, qty)]


def _projections(
    units: Iterable[SupplyUnit], levels: Mapping[int, StockLevels]
) -> dict[NodeKey, Projection]:
    """Project the places that have stock levels."""
    found: dict[NodeKey, Projection] = {}
    for unit in units:
        if unit.is_ours and id(unit.node) in levels:
            found.setdefault(unit.node.key, Projection()).add(unit)
    return found


def _could_serve(unit: SupplyUnit, need: Need) -> bool:
    """Whether a need could have some of a unit: free, or taken by less urgent."""
    return unit.free > 0 or any(
        (taker.priority, taker.instant) > (need.priority, need.instant)
        for taker, _ in unit.takers
    )


def most_from(order: SupplyOrder, need: Need, got: int) -> int:
    """Largest order that needs no more of what it takes [units]."""
    line = need.line or _line_of(order, need)
    return min(order.steps, got) if line is None else makeable(line, got, order.steps)


def _line_of(order: SupplyOrder, need: Need) -> Component | None:
    """Find the line of the bill of materials that a plain need stands for."""
    if order.recipe is None:
        return None
    key = need.node.key
    for group in order.recipe.groups:
        for line in group:
            if (line.component, line.location) == key and line.steps(
                order.steps
            ) == need.qty:
                return line
    return None


def makeable(line: Component, there: int, most: int) -> int:
    """Largest order, up to `most`, that needs no more than there is."""
    if there <= 0 or most <= 0 or line.steps(1) > there:
        return 0
    if not line.numerator:
        return most
    return min(most, (there * line.denominator - line.addend) // line.numerator)


def lot_below(source: Source, size: int) -> int:
    """Largest lot that is not above a size [units]; 0: there is none."""
    size = size // source.multiple * source.multiple
    return size if size >= max(source.min_lot, 1) else 0
