"""Orders from sources that are meant to bring some each, and pieces side by side.

Netting dates each order by itself, so all pieces of a want seem to be made at once.
Where the next source could make the last ones in time, they are not left to that queue.
Neither are there more pieces, or lots, than what each takes to begin is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.planners.mrp.netting_state.order_creation import OrderCreation

if TYPE_CHECKING:
    from collections.abc import Collection

    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.order_creation import NetRequirement
    from medhavi.planners.mrp.netting_state.state import (
        Node,
        NodeKey,
        SupplyAlternative,
        SupplyUnit,
    )
    from medhavi.planners.mrp.netting_state.stock_levels import LevelReplenishment
    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.sources import OrderTiming, Source, StepWindow
    from medhavi.results.limiter import Limiter

    Amounts = Mapping[NodeKey, Mapping[str, Sequence[tuple[int, float]]]]
    Lots = Mapping[NodeKey, Sequence[int]]
    Replenishments = Mapping[NodeKey, Sequence[LevelReplenishment]]
    Sizes = Mapping[NodeKey, int]
    Reasons = Mapping[int, tuple[Limiter, str]]
    Hours = tuple[frozenset[str], tuple[tuple[str, int, int], ...]]


HALF = 0.5
"""What is left of an amount below half a unit is nothing [units]."""


PIECES_OF_A_UNIT = 4
"""Pieces for each unit of a resource whose units change."""
MOST_BESIDE = 20
"""Pieces of one want at most: more would be orders that nobody can handle."""


class LotQueue:
    """Counts the pieces of one want by routing.

    Parameters
    ----------
    capacity
        Routings and their resources.
    """

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._pieces: dict[str, int] = {}

    def begin(self) -> None:
        """Begin with another want."""
        self._pieces.clear()

    def add(self, routing: str) -> None:
        """Take note of a piece."""
        self._pieces[routing] = self._pieces.get(routing, 0) + 1

    def made(self, routing: str) -> int:
        """How many pieces of the want there are."""
        return self._pieces.get(routing, 0)

    def wait(self, routing: str, timing: OrderTiming) -> int:
        """How long the pieces before hold what the next one works on [s].

        0 where a step may be done by several resources, or changes units or counts
        hours: then it is not known who is in whose way.
        """
        pieces = self.made(routing)
        if not pieces or self._chooses(routing):
            return 0
        return max((self._held(window, pieces) for window in timing.steps), default=0)

    def beside(self, source: Source, timing: OrderTiming) -> int:
        """How many more pieces of a want may run side by side with this one.

        It counts itself, on the units of the scarcest resource; where those change,
        more and shorter pieces use them better. None works longer whatever its size
        than for its size. 0 where a step may be done by several resources, or
        changeovers make a sequence of all units.
        """
        most = self._room_beside(source.source, timing)
        if not most:
            return 0
        fixed, run = self._split(source, timing)
        return min(most, run // fixed) if fixed else most

    def _room_beside(self, routing: str, timing: OrderTiming) -> int:
        if self._chooses(routing):
            return 0
        least = MOST_BESIDE
        for window in timing.steps:
            for name, amount in window.resources:
                clock = self._capacity.resource(name)
                if not clock.finite or not amount:
                    continue
                units = int(max(units for _, _, units in clock.levels) / amount)
                if units < 2 or clock.matrix is not None:
                    return 0
                times = 1 if clock.constant else PIECES_OF_A_UNIT
                least = min(least, units * times)
        return max(0, least - self.made(routing))

    def better_apart(
        self, source: Source, alone: OrderTiming, whole: OrderTiming, others: int
    ) -> bool:
        """Whether a lot of its own serves a need sooner, and is worth its set-up.

        One behind the other the need comes sooner by the run time of the others, and
        each of them later by the fixed time of a lot. Worth it is what is sooner in sum
        (Potts and Van Wassenhove 1992, Journal of the Operational Research Society 43).

        Parameters
        ----------
        alone, whole
            The lot of its own, and one for all needs.
        others
            How many others there are.
        """
        if alone.finish >= whole.finish:
            return False
        if not self._fills(source.source, alone):
            return True
        fixed, _ = self._split(source, alone)
        return self._worked(whole) - self._worked(alone) > others * fixed

    def _split(self, source: Source, timing: OrderTiming) -> tuple[int, int]:
        """How long an order works whatever its size, and for its size [s]."""
        worked = self._worked(timing)
        one, two = (source.clock.earliest(timing.start, n) for n in (1, 2))
        if one is None or two is None:
            return 0, worked
        # Work is f + r n for n units: 2 (f + r) - (f + 2 r) is f.
        fixed = max(0, 2 * self._worked(one) - self._worked(two))
        return fixed, worked - fixed

    def _fills(self, routing: str, timing: OrderTiming) -> bool:
        """Whether an order works only where no other may work beside it.

        Not so where a step may be done by several resources, or counts hours.
        """
        return not self._chooses(routing) and all(
            self._full(*held) for window in timing.steps for held in window.resources
        )

    def _full(self, name: str, amount: float) -> bool:
        """Whether so many units of a resource leave none for another order."""
        clock = self._capacity.resource(name)
        if not clock.finite:
            return True
        most = max(units for _, _, units in clock.levels)
        return clock.bucket is None and amount > most / 2

    def _worked(self, timing: OrderTiming) -> int:
        """How long an order works on resources that others wait for [s]."""
        return sum(
            window.setup_seconds + window.run_seconds
            for window in timing.steps
            if any(self._capacity.resource(name).finite for name, _ in window.resources)
        )

    def _chooses(self, routing: str) -> bool:
        """Whether a step of a routing may be done by several resources."""
        tasks = self._capacity.compiled(routing).tasks
        return any(
            len(epoch.options) > 1 for task in tasks for epoch in task.plan.epochs
        )

    def _held(self, window: StepWindow, pieces: int) -> int:
        """How long so many pieces hold the scarcest resource of a step [s]."""
        rows = []
        for name, amount in window.resources:
            clock = self._capacity.resource(name)
            units = clock.constant
            if clock.finite and clock.bucket is None and units and amount:
                # As many rounds as all units are filled by the pieces before.
                rows.append(pieces // max(1, int(units / amount)))
        return max(rows, default=0) * (window.finish - window.start)


MANY = 1_000_000
"""Units of an order that is begun with so many for each good one as any large one."""


class PrescribedOrderCreation(OrderCreation):
    """The register of a run in which sources may be meant to bring some each.

    Parameters
    ----------
    as_of
        Now of the plan [UTC seconds].
    """

    def __init__(self, model: ItemLocationGraph, as_of: int) -> None:
        super().__init__(model, as_of)
        self._queue = LotQueue(model.providers.capacity)
        self.lots: Lots = {}
        self.sizes: Sizes = {}
        self.ahead: Mapping[int, Sequence[Slice]] = {}
        self.deferred: dict[int, int] = {}
        """When demands, by index, are wanted, where that is decided [UTC s]."""
        self.scarce: Collection[NodeKey] = ()
        """Products that are shared out, as nothing brings them anew: of sources that
        which takes the least of them is asked first."""
        self._scarce_each: dict[NodeKey, float] = {}
        self._amounts: Amounts = {}
        self._brought: dict[tuple[NodeKey, str], int] = {}
        self._left: dict[NodeKey, dict[str, float]] = {}
        """What each source has still to bring, by the want that is ordered for."""

    def bring(self, amounts: Amounts) -> None:
        """Take over how much sources are meant to bring.

        Parameters
        ----------
        amounts
            As of `Decisions`.
        """
        self._amounts = amounts
        self._left = {
            key: {name: sum(qty for _, qty in own) for name, own in sources.items()}
            for key, sources in amounts.items()
        }

    def defer(self, slices: Mapping[int, Sequence[Slice]]) -> None:
        """Take over when demands are wanted, as of `Decisions`: those in one slice."""
        for demand, own in slices.items():
            if len(own) == 1 and own[0].date > self.as_of:
                self.deferred[demand] = own[0].date

    def divided(self, key: NodeKey) -> bool:
        """Whether sources of a product at a place are meant to bring some each."""
        return key in self._amounts

    def _left_by(self, key: NodeKey, instant: int) -> dict[str, float]:
        """What each source should have brought by an instant, and has not [units]."""
        return {
            name: sum(qty for arrival, qty in own if arrival <= instant)
            - self._brought.get((key, name), 0)
            for name, own in self._amounts[key].items()
        }

    def ranked(
        self, ways: Sequence[SupplyAlternative], node: Node, missing: int
    ) -> Sequence[SupplyAlternative]:
        """Order sources by what is left for each, else by the rule of the node."""
        ranked = super().ranked(ways, node, missing)
        if self.scarce and len(ways) > 1:
            ranked = sorted(ranked, key=self._scarce_taken)
        left = self._left.get(node.key)
        if left is None:
            return ranked
        return sorted(ranked, key=lambda way: -left.get(way.source.source, 0.0))

    def _scarce_taken(self, way: SupplyAlternative) -> float:
        """What a unit from a source takes of scarce products, however far below."""
        gain = way.gain
        begun = MANY if gain is None else gain.order_steps_for(MANY)
        taken = 0.0 if way.origin is None else self._scarce_of(way.origin)
        for group in way.intakes:
            taken += min(
                self._scarce_of(one.node)
                * (one.component.numerator / one.component.denominator)
                for one in group
            )
        return taken * begun / MANY

    def _scarce_of(self, node: Node) -> float:
        """What a unit of a product takes of scarce ones by the source of the least."""
        known = self._scarce_each.get(node.key)
        if known is None:
            # Products that go into each other in a circle take nothing by that.
            self._scarce_each[node.key] = known = float(node.key in self.scarce)
            if not known:
                ways = map(self._scarce_taken, self.model.ways(node))
                self._scarce_each[node.key] = known = min(ways, default=0.0)
        return known

    def _order_from(
        self, ways: Sequence[SupplyAlternative], want: NetRequirement, wanted: int
    ) -> list[SupplyUnit]:
        """Order as in mode mrp; the next source may make the last pieces in time."""
        if want.node.key in self._amounts and len(ways) > 1:
            made = self._order_amounts(ways, want, wanted)
        else:
            made = super()._order_from(ways, want, wanted)
        self._queue.begin()
        return made

    def _order_amounts(
        self, ways: Sequence[SupplyAlternative], want: NetRequirement, wanted: int
    ) -> list[SupplyUnit]:
        """Order from each source as much as is left for it, the largest first."""
        key = want.node.key
        made: list[SupplyUnit] = []
        while wanted > 0:
            left = self._left[key] = self._left_by(key, want.instant)
            first, second = self.ranked(ways, want.node, wanted)[:2]
            part, own = wanted, int(left.get(first.source.source, 0.0) + HALF)
            rest = left.get(second.source.source, 0.0) >= HALF
            # Less than a lot of the first source would be raised to one: then it brings
            # all.
            if rest and first.source.lot(1) <= own < wanted:
                part = own
            brought = 0
            for unit in super()._order_from(ways, want, part):
                made.append(unit)
                if unit.node is want.node and unit.order is not None:
                    place = key, unit.order.source_id
                    self._brought[place] = self._brought.get(place, 0) + unit.qty
                    brought += unit.qty
            wanted -= brought
            # No source brings any more: it would go on for ever.
            if not brought:
                break
        return made


class PrescribedOrder(NamedTuple):
    """An order that a plan is meant to have.

    Parameters
    ----------
    product, location, source
        What brings it, and where.
    begin, there
        When its work begins, and when its goods are there [UTC s].
    qty
        What it brings [units].
    """

    product: str
    location: str
    source: str
    begin: int
    there: int
    qty: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Decisions that netting and placement decode.

    Parameters
    ----------
    lots
        Instants at which needs of the next lot begin, rising, by place [UTC s], where
        the tables state no other rule: all needs between two of them join one lot, for
        a plan may be better with fewer set-ups than needs.
    sizes
        Least orders by place [units], where the tables state no other rule: more may
        cost less in all.
    amounts
        Sources by place, and how much each is meant to bring until when [UTC s, units]:
        the one of which most is left is asked first, instead of the one that the tables
        prefer.
    slices
        What is wanted of a demand, by its index, where it is not all of it, or later
        than it is due.
    refused
        Why the rest is not, where that is known: code and subject.
    share
        After how much of its effort a search ends, from 0 to 1: the sooner, the more is
        late and the less is paid for set-ups and dear sources.
    worth
        What money of orders counts beside that of lateness where orders are chosen: 0:
        what is less late is better, whatever it costs.
    overtime
        Resources that work overtime that is agreed.
    closed
        Parts of that overtime that nobody works, by resource [UTC s], rising.
    floors
        Before when existing orders do not begin, as an earlier plan of the same tables
        found; None: a search of little effort tells.
    replenishments
        What is wanted anew when goods of stock levels die, by place, as an earlier plan
        of the same tables found; None: the first search tells.
    orders
        Orders from which a search starts, by their begin; none: it constructs them.
    served
        When demands, by index, are meant to be served of those orders, and how much of
        each [UTC s, units].
    as_given
        Whether those orders are neither joined nor replaced by cheaper ones: what is
        bought for them, and what lies there, was weighed already.
    lowered
        How much less than its stock level is wanted of a product at a place [units]:
        it is not worth what it costs.
    ahead
        Until when how much for demands, by index, is to be made that would be as late
        as the demand allows, what could be made first first: it waits for it in stock.
    min_fill_price
        Money per kg below the least load of a departure, where transfers are joined.
    tier_factor
        How many times as much the lateness of a priority weighs as that of the next one
        behind it; above 1 it is weighed in money, by default where none is stated.
    """

    lots: Lots = field(default_factory=dict)
    sizes: Sizes = field(default_factory=dict)
    amounts: Amounts = field(default_factory=dict)
    slices: Mapping[int, Sequence[Slice]] = field(default_factory=dict)
    refused: Reasons = field(default_factory=dict)
    share: float = 1.0
    worth: float = 0.0
    overtime: frozenset[str] = frozenset()
    closed: tuple[tuple[str, int, int], ...] = ()
    floors: Mapping[str, int] | None = None
    replenishments: Replenishments | None = None
    orders: Sequence[PrescribedOrder] = ()
    served: Mapping[int, Sequence[Slice]] = field(default_factory=dict)
    as_given: bool = False
    lowered: Sizes = field(default_factory=dict)
    ahead: Mapping[int, Sequence[Slice]] = field(default_factory=dict)
    min_fill_price: float = 0.0
    tier_factor: float = 1.0

    @property
    def hours(self) -> Hours:
        """What says when resources work: who works overtime, and what of it nobody."""
        return self.overtime, self.closed


def dates_ahead(slices: Sequence[Slice], brought: Sequence[int]) -> list[int]:
    """Until when each of some supplies of a demand is to be made [UTC s].

    Parameters
    ----------
    slices
        As of `Decisions.ahead`.
    brought
        What the supplies bring, what could be made last first [units]. Each is made
        until when its last unit is to be.
    """
    left, there = list(slices), 0
    found: list[int] = []
    for qty in brought:
        while len(left) > 1 and there >= left[-1].qty:
            there -= left.pop().qty
        found.append(left[-1].date)
        there += qty
    return found


UNDECIDED = Decisions()
"""All as the tables say."""
