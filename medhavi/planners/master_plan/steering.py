"""Netting that follows a solution: what to order from whom and when is decided already.

The program says how much each source starts at each decision, in fractions. Netting
walks the exact needs, in integers, and when something is missing it takes it from these
amounts, first arrivals first: sizes become whole lots, dates become what the clock of
the source says. Rounding up is paid from the same amounts; where they are used up, the
last one is overdrawn a little, and only then is something else ordered, at the earliest
date there is. So every plan can be carried out, and differs from the solution by no
more than its integers demand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
from medhavi.planners.mrp.netting_state.state import NO_DEMAND, SupplyAlternative

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.order_creation import NetRequirement
    from medhavi.planners.mrp.netting_state.state import Need, Node, NodeKey, SupplyUnit
    from medhavi.providers.sources import OrderTiming


NOTHING = 1e-6
"""An amount below this share of a step is rounding of the solver."""
ROUNDING = 1e-4
"""Steps by which an amount of the solver may exceed a whole number of them."""
OVERDRAFT = 0.05
"""Share of an amount that rounding may take on top of it, and two steps."""
HALVES = 40


@dataclass(slots=True, eq=False)
class OrderAmount:
    """What a source starts at a decision [units of the order]; `left` shrinks.

    `until` is the next decision: an order may start up to there.
    """

    begin: int
    until: int
    arrive: int
    total: float
    left: float


@dataclass(slots=True, eq=False)
class Allowance:
    """An amount as one node sees it: with its own way."""

    way: SupplyAlternative
    amount: OrderAmount


class SteeredOrderCreation(OrderCreation):
    """The register of a run whose new orders follow the amounts of a solution.

    Parameters
    ----------
    model
        Graph of the run.
    as_of
        Now of the plan [UTC seconds].
    """

    def __init__(self, model: ItemLocationGraph, as_of: int) -> None:
        super().__init__(model, as_of)
        self._allowed: dict[NodeKey, list[Allowance]] = {}
        self._cursor: dict[NodeKey, int] = {}
        self._must = 0
        self._ahead: dict[NodeKey, float] = {}
        """What rounding made more than was decided, to be made less next time."""
        self.unforeseen: list[tuple[Node, int]] = []
        """Node and quantity of what no amount covered [units]."""

    def allow(self, key: NodeKey, allowances: Iterable[Allowance]) -> None:
        """Set what a node may order; first arrivals are used first."""
        self._allowed[key] = sorted(
            allowances, key=lambda a: (a.amount.arrive, a.way.source.preference)
        )
        self._cursor[key] = 0

    # --- orders --------------------------------------------------------------------
    def for_needs(
        self,
        node: Node,
        instant: int,
        group: Sequence[Need],
        missing: int,
        demand: int = NO_DEMAND,
    ) -> list[SupplyUnit]:
        """Order what a group of needs lacks; what a level lacks on top is optional."""
        self._must = min(missing, sum(need.open for need in group))
        return super().for_needs(node, instant, group, missing, demand)

    def for_stock(self, node: Node, instant: int, missing: int) -> list[SupplyUnit]:
        """Order for a level of stock what the solution has for it, and no more."""
        self._must = 0
        return super().for_stock(node, instant, missing)

    def supply_anew(self, need: Need) -> None:
        """Serve a need after netting, with all that its new orders need in turn."""
        stack = [need]
        while stack:
            wanting = stack.pop()
            known = len(self.needs)
            self._take_free(wanting)
            if wanting.open > 0:
                for unit in self.for_needs(
                    wanting.node, wanting.instant, [wanting], wanting.open
                ):
                    if unit.node is wanting.node and self.usable(unit, wanting):
                        self.match(wanting, unit)
            if wanting.open > 0:
                self.give_up(wanting)
            stack += reversed(self.needs[known:])

    def _take_free(self, need: Need) -> None:
        """Take what is there in time and nobody uses; what dies first goes first."""
        free = [
            unit
            for unit in self.units
            if unit.node is need.node and unit.free > 0 and unit.arrives <= need.instant
        ]
        for unit in sorted(free, key=lambda u: (u.expires, u.arrives, u.index)):
            if need.open > 0 and self.usable(unit, need):
                self.match(need, unit)

    def _replenish(self, want: NetRequirement) -> list[SupplyUnit]:
        self.asked.append((want.node, want.instant, want.qty))
        made: list[SupplyUnit] = []
        missing, optional = want.qty, want.qty - self._must
        for allowance in self._open(want):
            if missing <= 0:
                break
            late = allowance.amount.arrive > want.instant
            if late and missing > optional and self._is_rounding(want, made, missing):
                missing = self._fill(want, made, missing - optional) + optional
                if missing <= optional:
                    break
            missing -= self._draw(allowance, want, missing, made)
        missing -= optional
        if missing > 0:
            missing = self._fill(want, made, missing)
        if missing > 0:
            self._unforeseen(want, missing, made)
        return made

    def _open(self, want: NetRequirement) -> Iterable[Allowance]:
        """Walk the amounts that have something left for a want."""
        key = want.node.key
        allowed = self._allowed.get(key, [])
        start = self._cursor.get(key, 0)
        while start < len(allowed) and allowed[start].amount.left <= NOTHING:
            start += 1
        self._cursor[key] = start
        for allowance in allowed[start:]:
            origin = allowance.way.source.origin
            if want.only_from not in {None, key[1], origin}:
                continue
            if allowance.amount.left > NOTHING:
                yield allowance

    def _draw(
        self,
        allowance: Allowance,
        want: NetRequirement,
        missing: int,
        made: list[SupplyUnit],
    ) -> int:
        """Order from an amount; gives what it brings [units of the node]."""
        way, amount = allowance.way, allowance.amount
        brought = 0
        key = want.node.key
        ahead = min(self._ahead.get(key, 0.0), amount.left)
        if ahead > 0:
            amount.left -= ahead
            self._ahead[key] -= ahead
        while missing > brought and amount.left > NOTHING:
            size = self._sized(way, amount, want, missing - brought)
            timing = self._dated(way, amount, want, size)
            size, timing = self._fitted(way, amount, want, size, timing)
            if timing is None:
                amount.left = 0.0
                break
            if not self._serves_well(way, want, size, timing):
                # Made so early it would not live until its use: this need goes on.
                break
            units = self._new_order(way, want, size, timing)
            made += units
            self._spend(key, amount, size)
            got = sum(unit.qty for unit in units if unit.node is want.node)
            self._note_lateness(units, want)
            if got <= 0:
                break
            brought += got
        return brought

    def _spend(self, key: NodeKey, amount: OrderAmount, size: int) -> None:
        """Take an order off its amount; what is more comes off the next one."""
        amount.left -= size
        if amount.left < 0:
            self._ahead[key] = self._ahead.get(key, 0.0) - amount.left
            amount.left = 0.0

    def _sized(
        self,
        way: SupplyAlternative,
        amount: OrderAmount,
        want: NetRequirement,
        missing: int,
    ) -> int:
        """Size an order: all of the amount, as the program wants it made at once.

        What one demand alone may use is made for it alone.
        """
        wanted = way.first_size(missing, amount.arrive)
        whole = way.source.pieces(max(1, math.ceil(amount.left - ROUNDING)))[0]
        alone = want.node.make_to_order or amount.arrive > want.instant
        return min(wanted, whole) if alone else whole

    def _fitted(
        self,
        way: SupplyAlternative,
        amount: OrderAmount,
        want: NetRequirement,
        size: int,
        timing: OrderTiming | None,
    ) -> tuple[int, OrderTiming | None]:
        """Make an order smaller that would come late or that no opening holds.

        The program counts the time of a usual order; several orders side by side are
        what it has in mind where more is wanted.
        """
        due = max(want.instant, amount.arrive)
        for _ in range(HALVES):
            if timing is not None and timing.finish <= due:
                break
            smaller = way.source.lot(size // 2)
            if smaller >= size or smaller <= 0:
                break
            other = self._dated(way, amount, want, smaller)
            no_sooner = (
                other is not None
                and timing is not None
                and other.finish >= timing.finish
            )
            if no_sooner:
                break
            size, timing = smaller, other
        return size, timing

    def _dated(
        self,
        way: SupplyAlternative,
        amount: OrderAmount,
        want: NetRequirement,
        size: int,
    ) -> OrderTiming | None:
        """Date an order inside its bucket: work at once, purchases just in time.

        An amount that would come too late for a need that rounding brought forward is
        started before its bucket: work where that is in time, as its bucket alone has
        hours for it; purchases and moves also where that is late, but sooner.
        """
        clock = way.source.clock
        works = way.source.kind == "make"
        sooner = None
        if amount.arrive > want.instant:
            sooner = self._from_now(way, want, size)
            if sooner is not None and sooner.finish <= want.instant:
                return sooner
        if not works:
            latest = clock.latest(want.instant, size)
            if latest is not None and (
                amount.begin <= latest.ready
                and latest.start < amount.until
                and way.serves(latest.start)
            ):
                return latest
        begun = clock.earliest(amount.begin, size)
        if works or sooner is None:
            return begun
        return sooner if begun is None or sooner.finish < begun.finish else begun

    def _note_lateness(self, units: Iterable[SupplyUnit], want: NetRequirement) -> None:
        for unit in units:
            if unit.arrives > want.instant and unit.node is want.node:
                self.has_late = True

    # --- rounding ------------------------------------------------------------------
    def _is_rounding(
        self, want: NetRequirement, made: list[SupplyUnit], missing: int
    ) -> bool:
        """Whether what is missing is rounding of what was ordered."""
        return missing <= OVERDRAFT * max(want.qty, sum(u.qty for u in made)) + 2

    def _fill(self, want: NetRequirement, made: list[SupplyUnit], missing: int) -> int:
        """Order the rest of a rounding from an amount that is used up."""
        key = want.node.key
        allowed = self._allowed.get(key, [])
        for allowance in reversed(allowed[: self._cursor.get(key, 0) + 1]):
            amount = allowance.amount
            origin = allowance.way.source.origin
            room = OVERDRAFT * amount.total + 2
            if want.only_from not in {None, key[1], origin} or room < 1:
                continue
            if amount.arrive > want.instant:
                continue
            size = allowance.way.first_size(missing, amount.arrive)
            if size > room and size > allowance.way.source.lot(1):
                continue
            timing = self._dated(allowance.way, amount, want, size)
            if timing is None or timing.finish > want.instant:
                continue
            if not self._serves_well(allowance.way, want, size, timing):
                continue
            units = self._new_order(allowance.way, want, size, timing)
            made += units
            self._spend(key, amount, size)
            return missing - sum(u.qty for u in units if u.node is want.node)
        return missing

    def _unforeseen(
        self, want: NetRequirement, missing: int, made: list[SupplyUnit]
    ) -> None:
        """Order what no amount covers from the source that has it first."""
        ways = [
            way
            for way in self.model.ways(want.node)
            if want.only_from in {None, want.node.key[1], way.source.origin}
        ]
        if ways:
            self.unforeseen.append((want.node, missing))
        while missing > 0:
            best = self._first(ways, want, missing)
            if best is None:
                return
            way, size, timing = best
            units = self._new_order(way, want, size, timing)
            got = sum(unit.qty for unit in units if unit.node is want.node)
            self._note_lateness(units, want)
            made += units
            if got <= 0:
                return
            missing -= got

    def _first(
        self, ways: Iterable[SupplyAlternative], want: NetRequirement, missing: int
    ) -> tuple[SupplyAlternative, int, OrderTiming] | None:
        found: list[tuple[int, int, SupplyAlternative, int, OrderTiming]] = []
        for rank, way in enumerate(ways):
            size = way.first_size(missing, want.instant)
            if size <= 0:
                continue
            timing = self._from_now(way, want, size)
            if timing is not None and self._serves_well(way, want, size, timing):
                ready = max(timing.finish, want.instant)
                found.append((ready, rank, way, size, timing))
        if not found:
            return None
        _, _, way, size, timing = min(found, key=lambda entry: entry[:2])
        return way, size, timing

    def _from_now(
        self, way: SupplyAlternative, want: NetRequirement, size: int
    ) -> OrderTiming | None:
        """Date an order just in time, else as early as it may start."""
        source = way.source
        begin = max(self.as_of, source.fence_start)
        latest = source.clock.latest(want.instant, size)
        if (
            latest is not None
            and min(latest.start, latest.ready) >= begin
            and way.serves(latest.start)
        ):
            return latest
        for low, high in source.windows:
            timing = source.clock.earliest(max(low, begin), size)
            if timing is not None and timing.start < high:
                return timing
        return None
