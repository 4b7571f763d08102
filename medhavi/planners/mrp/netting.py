"""Net one cluster of nodes in the order of time, date-exact (MRP-03, MRP-04, MRP-07).

Needs are met in sequence of instant, priority and origin from what is there by then:
first expired, first out, else first in, first out. What is missing becomes a new order
for that instant; its surplus serves later needs. Safety stock is soft: it is looked at
after all needs of an instant, and when stock dies, and never makes an order earlier
than as_of + lead time.
Nodes that share an order (co-products) or that may stand in for each other
(substitutes) form one cluster and walk through time together.
"""

from __future__ import annotations

import heapq
from bisect import insort
from itertools import takewhile
from typing import TYPE_CHECKING

from medhavi.planners.mrp.lot_sizing import Coverage, ProjectedNeeds
from medhavi.planners.mrp.netting_state.state import NO_DEMAND, SEQUENCE, no_more_asked
from medhavi.units import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import Need, Node, SupplyUnit
    from medhavi.planners.mrp.netting_state.stock_levels import StockLevels
    from medhavi.providers.material.characteristics import Characteristics

    Wish = tuple[str, Characteristics | None]
    """Where supply must come from, what it must have, and its source ("": any)."""


class DatedNodeNetting:
    """One node on its way through time.

    Parameters
    ----------
    node
        Its needs must all be known.
    levels
        Safety level, order sizes and look-ahead of the node.
    release
        Makes new orders; called with what is missing.
    """

    __slots__ = (
        "_arrived",
        "_asks",
        "_before",
        "_coverage",
        "_cursor",
        "_ends",
        "_pending",
        "_release",
        "_stays",
        "_units",
        "at",
        "available",
        "levels",
        "needs",
        "node",
    )

    def __init__(self, node: Node, levels: StockLevels, release: OrderCreation) -> None:
        self.node = node
        self.levels = levels
        self.needs = sorted(node.needs, key=SEQUENCE)
        self._asks = node.asks()
        self._release = release
        self._coverage = Coverage(node, levels, release) if levels.looks_ahead else None
        self._cursor = 0
        self._stays = 0
        """What the next order brings for the stock level [units]."""
        self._before: int | None = None
        """What was there before an order joined later needs [units]."""
        self.at = ALWAYS
        self._arrived: list[tuple[int, int, int, SupplyUnit]] = []
        self._pending: list[tuple[int, int, SupplyUnit]] = []
        self.available = 0
        self._ends: list[int] = []
        """When supply dies that a stock level may count on; not yet walked to."""
        self._units: list[SupplyUnit] = []
        for unit in node.units:
            self.add(unit)

    def add(self, unit: SupplyUnit) -> None:
        """Take note of supply; what is there already counts at once."""
        if self._coverage is not None:
            self._units.append(unit)
        if unit.free <= 0:
            return
        # When it dies the level may fall: then it has to be looked at, if it can be
        # filled.
        if self.node.sources and self.levels.looks_at(unit.expires):
            self._ends.append(unit.expires)
        if unit.available <= self.at:
            self._arrive(unit)
        else:
            heapq.heappush(self._pending, (unit.available, unit.index, unit))

    def _arrive(self, unit: SupplyUnit) -> None:
        if unit.free <= 0 or unit.expires < self.at:
            return
        insort(self._arrived, (unit.expires, unit.available, unit.index, unit))
        if unit.customer is None:
            self.available += unit.free

    def advance(self, instant: int) -> None:
        """Process receipts and expiries up to an instant."""
        if instant < self.at:
            return
        self.at = instant
        pending = self._pending
        while pending and pending[0][0] <= instant:
            self._arrive(heapq.heappop(pending)[2])
        arrived = self._arrived
        # At the instant at which it dies it may still be used.
        while arrived and arrived[0][0] < instant:
            unit = arrived[0][3]
            if unit.is_ours:
                self.available -= unit.free
            del arrived[0]

    def process(self, instant: int) -> None:
        """Serve all needs of an instant, then look at the stock level."""
        self.advance(instant)
        due = self._due(instant)
        if due:
            self._serve(due, instant)
        if self.levels.idle:
            return
        missing = self._lacking(instant, self._lasting(instant))
        if missing > 0:
            if self._coverage is not None:
                ahead = self._ahead(instant, missing, missing, instant)
                missing = self._coverage.wanted(ahead)
            for unit in self._release.for_stock(self.node, instant, missing):
                self._release.announce(unit)

    def _lacking(self, instant: int, projection: int) -> int:
        """What a stock level lacks of a projection, and was not ordered before.

        New orders that cannot be there yet are not asked for again.
        """
        # Asked without what is ordered first: most often nothing is missing at all.
        missing = self.levels.missing(instant, projection)
        if not missing:
            return 0
        ordered = sum(
            unit.free
            for _, _, unit in self._pending
            if unit.order is not None and unit.order.existing is None
        )
        return self.levels.missing(instant, projection + ordered)

    def _lasting(self, instant: int) -> int:
        """What is there after an instant; needs joined ahead take theirs later."""
        # Joining later needs has moved this walk on: then what is there at the instant
        # is reckoned from who takes what of each unit, and when.
        if instant >= self.at:
            return self.available - self._dying(instant)
        return sum(
            unit.free + sum(qty for need, qty in unit.takers if need.instant > instant)
            for unit in self._units
            if unit.is_ours and unit.available <= instant < unit.expires
        )

    def _dying(self, instant: int) -> int:
        """What of the stock dies at an instant, after its needs [units]."""
        dying = takewhile(lambda one: one[0] <= instant, self._arrived)
        return sum(unit.free for *_, unit in dying if unit.is_ours)

    def _due(self, instant: int) -> list[Need]:
        start = self._cursor
        needs = self.needs
        stop = start
        while stop < len(needs) and needs[stop].instant <= instant:
            stop += 1
        self._cursor = stop
        return [need for need in needs[start:stop] if need.open > 0]

    def _serve(self, due: Sequence[Need], instant: int) -> None:
        short: list[Need] = []
        for need in due:
            if self._arrived:
                self.take(need)
            if need.open > 0 and (need.alternatives or self.node.substitutes):
                self._borrow(need, instant)
            if need.open > 0:
                short.append(need)
        if not short:
            return
        # Nothing can join it, so it is not grouped.
        plain = not (self.levels.looks_ahead or self.node.make_to_order)
        if len(short) == 1 and plain:
            self._order(short, instant)
            return
        for group in self._groups(short, instant):
            parts = self._release.unserved(group[0]) if self.node.make_to_order else {}
            if len(parts) > 1:
                self._order_parts(group[0], parts, instant)
            else:
                self._order(group, instant)

    def take(self, need: Need) -> None:
        """Serve a need from what is there: first expired, then first in.

        What others ask for and nothing else has is taken last.
        """
        arrived, before = self._arrived, need.open
        if self._asks:
            arrived = sorted(arrived, key=lambda one: one[3].lost(need, self._asks))
        release = self._release
        position = 0
        while need.open > 0 and position < len(arrived):
            unit = arrived[position][3]
            if not release.usable(unit, need):
                position += 1
                continue
            taken = release.match(need, unit)
            if unit.customer is None:
                self.available -= taken
            if unit.free == 0:
                del arrived[position]
            else:
                position += 1
        if self._asks:
            self._arrived = [one for one in self._arrived if one[3].free > 0]
            no_more_asked(self._asks, need, before)

    def _borrow(self, need: Need, instant: int) -> None:
        """Use free stock of substitutes, by priority (rule 9)."""
        for other, ratio in self._release.substitutes(need):
            walk = self._release.walk_of(other)
            walk.advance(max(instant, walk.at))
            # Only what makes whole units of the wanted product is lent.
            most = walk.spare(need.priority) * ratio.denominator // ratio.numerator
            covered = min(most, need.open)
            lent = -(-covered * ratio.numerator // ratio.denominator)
            if lent <= 0:
                continue
            stand_in = self._release.substitute_need(need, other, lent)
            walk.take(stand_in)
            self._release.settle_substitute(need, stand_in, ratio)
            if need.open == 0:
                return

    def spare(self, priority: int) -> int:
        """Count what more important own needs leave over from now on."""
        ahead = [
            (need.instant, -need.open)
            for need in self.needs[self._cursor :]
            if need.priority <= priority and need.open > 0
        ]
        ahead += [(at, unit.free) for at, _, unit in self._pending if unit.is_ours]
        lowest = balance = self.available
        # At one instant receipts come before needs. The lowest balance to come is what
        # may be lent without a need of its own lacking it.
        for _, change in sorted(ahead, key=lambda e: (e[0], -e[1])):
            balance += change
            lowest = min(lowest, balance)
        return max(0, lowest)

    def _groups(self, short: list[Need], instant: int) -> list[list[Need]]:
        """Put needs together that one order serves (rule 5)."""
        if self.node.make_to_order:
            return self._per_demand(short)
        kinds: dict[Wish, list[Need]] = {}
        for need in short:
            kinds.setdefault(self._wish(need), []).append(need)
        if len(kinds) == 1:
            return [self._look_ahead(short, instant)]
        return [kinds[wish] for wish in sorted(kinds, key=_by_text)]

    def _wish(self, need: Need) -> Wish:
        return need.only_from or "", need.asks

    def _per_demand(self, short: list[Need]) -> list[list[Need]]:
        """Put the needs of each demand together; what serves several stands alone."""
        found: dict[int, list[Need]] = {}
        for need in short:
            demand = self._release.sole_demand(need)
            key = -2 - need.index if demand == NO_DEMAND else demand
            found.setdefault(key, []).append(need)
        return list(found.values())

    def _look_ahead(self, short: list[Need], instant: int) -> list[Need]:
        """Add later needs to the order of the first ones, as far as rules permit."""
        coverage = self._coverage
        if coverage is None:
            return short
        missing = sum(need.open for need in short)
        gap = self._lacking(instant, self._lasting(instant) - missing)
        ahead = self._ahead(
            instant,
            max(missing, gap),
            max(0, gap - missing),
            max(need.alive_until for need in short),
        )
        until = coverage.until(ahead)
        dead = coverage.dead(instant, ahead.missing)
        joined = list(short)
        wish = self._wish(short[0])
        before = self._lasting(instant)
        while self._cursor < len(self.needs):
            need = self.needs[self._cursor]
            # One order lives once, comes from one place and is of one kind.
            if (
                need.instant >= until
                or max(need.instant, need.alive_until) > dead
                or self._wish(need) != wish
            ):
                break
            self._cursor += 1
            self.advance(max(self.at, need.instant))
            self.take(need)
            if need.open > 0:
                joined.append(need)
        if not self.levels.idle:
            wanted = coverage.wanted(ahead)
            self._stays = max(0, wanted - sum(need.open for need in joined))
            # What arrives in the window is no stock at its first need.
            self._before = min(before, self._lasting(self.at))
        return joined

    def _ahead(
        self, instant: int, missing: int, kept: int, alive: int
    ) -> ProjectedNeeds:
        """What is there and needed from an instant on."""
        needs: list[Need] = []
        units: list[SupplyUnit] = []
        # A long list: only for who looks at it.
        known = self._coverage is not None and self._coverage.knows(instant, missing)
        if not (known and self.levels.idle):
            needs = self.needs[self._cursor :]
            units += [unit for *_, unit in self._arrived]
            units += [unit for *_, unit in self._pending]
        return ProjectedNeeds(
            instant=instant,
            missing=missing,
            kept=kept,
            alive_until=alive,
            needs=needs,
            units=[
                unit
                for unit in units
                if unit.is_ours
                and unit.only_need is None
                and unit.for_demand == NO_DEMAND
            ],
        )

    def _order(self, group: list[Need], instant: int) -> None:
        missing = sum(need.open for need in group)
        if not self.levels.idle:
            there = self._lasting(instant) if self._before is None else self._before
            gap = self._lacking(instant, there - missing)
            missing = max(missing + self._stays, gap)
            self._stays, self._before = 0, None
        units = self._release.for_needs(self.node, instant, group, missing)
        if not units and len(group) > 1:
            # One of them may ask for more life than new supply has.
            for need in group:
                self._order([need], max(instant, need.instant))
            return
        for unit in units:
            if unit.node is not self.node:
                self._release.announce(unit)
                continue
            self._give(unit, group)
            self.add(unit)
        for need in group:
            if need.open > 0 and need.instant > instant:
                # The order dies before this need: it gets its own.
                self._order([need], need.instant)
            elif need.open > 0:
                self._wait(need)

    def _order_parts(self, need: Need, parts: Mapping[int, int], instant: int) -> None:
        """Order what several demands stand behind apart, in their sequence.

        What no demand stands behind (a surplus above) comes with the last.
        """
        last = next(reversed(parts))
        for demand, part in parts.items():
            missing = need.open if demand == last else min(part, need.open)
            if missing == 0:
                continue
            units = self._release.for_needs(self.node, instant, [need], missing, demand)
            for unit in units:
                if unit.node is not self.node:
                    self._release.announce(unit)
                    continue
                missing -= self._release.match(need, unit, missing)
                self.add(unit)
        if need.open > 0:
            self._wait(need)

    def _give(self, unit: SupplyUnit, group: list[Need]) -> None:
        """Serve the group from its order, whenever that comes."""
        for need in group:
            if unit.free == 0:
                return
            if need.open > 0 and self._release.usable(unit, need):
                self._release.match(need, unit)

    def _wait(self, need: Need) -> None:
        """Nothing can be ordered: later receipts serve late, in sequence."""
        for _, _, unit in sorted(self._pending, key=lambda entry: entry[:2]):
            if need.open == 0:
                return
            if unit.free > 0 and self._release.usable(unit, need):
                self._release.match(need, unit)
                # New supply that comes late makes late what takes from it.
                new = unit.order is not None and unit.order.existing is None
                self._release.has_late = self._release.has_late or new
        if need.open > 0:
            self._release.give_up(need)

    def instants(self) -> list[int]:
        """List the moments at which something happens here, ascending.

        Supply that comes on the way adds to them when it dies (`ends_after`).
        """
        moments = {need.instant for need in self.needs if need.open > 0}
        moments |= self.levels.moments()
        return sorted(moments)

    def ends_after(self, instant: int) -> list[int]:
        """List when supply dies that was not listed before, if after an instant."""
        found, self._ends = [end for end in self._ends if end > instant], []
        return found


def _by_text(wish: Wish) -> tuple[str, list[str], int]:
    place, asks = wish
    if asks is None:
        return place, [], -1
    return place, sorted(asks.pairs), asks.rank


def walk_cluster(walks: Sequence[DatedNodeNetting]) -> None:
    """Walk all nodes of a cluster through time together.

    Nodes are visited in the given order at equal instants; new supply that a walk
    gives to another node is seen there from its own instant on.
    """
    moments = sorted({instant for walk in walks for instant in walk.instants()})
    at = ALWAYS
    while True:
        # New supply dies at instants that were not known at first; they are added while
        # all walk.
        for walk in walks:
            for end in walk.ends_after(at):
                heapq.heappush(moments, end)
        while moments and moments[0] <= at:
            heapq.heappop(moments)
        if not moments:
            return
        at = heapq.heappop(moments)
        for walk in walks:
            walk.process(at)
