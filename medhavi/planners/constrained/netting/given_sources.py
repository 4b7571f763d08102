"""Orders from sources that a demand was given, and in the parts it was given.

What is given was found by plans that were made with it: see `diverting`, `dead_ends`
and `plan_search`.

Netting dates each order by itself, so all pieces of a want seem to be made at once.
Where the next source could make the last ones in time, they are not left to that queue.
Neither are there more pieces, or lots, than what each takes to begin is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.constrained.netting.rationing import Slice, lot_below
from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
from medhavi.planners.mrp.netting_state.state import Diverted, NodeKey, SourceShare
from medhavi.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.order_creation import NetRequirement
    from medhavi.planners.mrp.netting_state.state import (
        Need,
        Node,
        SupplyAlternative,
        SupplyUnit,
    )
    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.sources import OrderTiming, Source, StepWindow

    Place = tuple[NodeKey, str]
    Amounts = Mapping[NodeKey, Mapping[str, Sequence[tuple[int, float]]]]


class Pieces(NamedTuple):
    """How goods are ordered in parts, by place and by the demand they are for.

    `largest` is the largest order [units of the product]; `first` a source that is
    asked before the others, and for no more than so much. `fitted`: work that would be
    late is cut for as long as each unit of its resource is there.
    """

    largest: Mapping[Place, int]
    first: Mapping[Place, tuple[str, int]]
    fitted: bool = False

    def also(self, others: Iterable[Pieces]) -> Pieces:
        """These and others; what comes later holds."""
        largest, first = {**self.largest}, {**self.first}
        for one in others:
            largest.update(one.largest)
            first.update(one.first)
        return self._replace(largest=largest, first=first)


WHOLE = Pieces({}, {})
HALF = 0.5
"""What is left of an amount below half a unit is nothing [units]."""
"""Nothing is ordered in parts but for lots and dates."""


PIECES_OF_A_UNIT = 4
"""Pieces for each unit of a resource whose units change."""
MOST_BESIDE = 20
"""Pieces of one want at most: more would be orders that nobody can handle."""


class PieceQueue:
    """Counts the pieces of one want by routing.

    Parameters
    ----------
    capacity
        Routings and their resources.
    """

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._pieces: dict[str, int] = {}
        self._lanes: dict[str, list[int]] = {}

    def begin(self) -> None:
        """Begin with another want."""
        self._pieces.clear()
        self._lanes.clear()

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
        source
            A routing.
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

    def has_lane(self, routing: str) -> bool:
        """Whether the next piece of a want is one of those that `lane` gives."""
        return 0 < self._pieces.get(routing, 0) < len(self._lanes.get(routing, ()))

    def lane(self, source: Source, timing: OrderTiming, size: int) -> int:
        """Next piece of a want, where the units of its resource change.

        Whatever units there are work, each as long as it is there, until all is done
        at one instant: work on a unit does not outlast it. 0: units do not change, or
        it is not as plain as that: more than one step or resource, or fixed time.

        Parameters
        ----------
        source
            Makes it by a routing.
        timing
            All of it on one unit, as early as can be.
        size
            What is still to be ordered [units].
        """
        routing = source.source
        made = self._pieces.get(routing, 0)
        if not made:
            self._lanes[routing] = self._cut(source, timing, size)
        found = self._lanes.get(routing, [])
        return min(size, found[made]) if made < len(found) else 0

    def _cut(self, source: Source, timing: OrderTiming, size: int) -> list[int]:
        """Pieces that keep all units of a resource at work, the longest first."""
        tasks = self._capacity.compiled(source.source).tasks
        if self._chooses(source.source) or len(tasks) > 1 or tasks[0].fixed:
            return []
        [window] = timing.steps
        held = [(self._capacity.resource(name), qty) for name, qty in window.resources]
        limits = [(clock, qty) for clock, qty in held if clock.finite and qty]
        if len(limits) != 1 or limits[0][0].matrix is not None:
            return []
        clock, taken = limits[0]
        if clock.constant or clock.bucket is not None:
            return []
        open_times = [
            (begin, end, int(units / taken))
            for begin, end, units in clock.units(window.start, window.finish)
        ]
        lasting, others = runs_until_done(open_times)
        if not 1 < len(lasting) + len(others) <= MOST_BESIDE:
            return []
        work = sum(end - begin for begin, end, units in open_times if units)
        lots = [lot_below(source, size * run // work) for run in (*lasting, *others)]
        # What is left over by rounding goes to those that end last.
        left, place = size - sum(lots), 0
        while left > 0:
            lots[place % len(lasting)] += source.multiple
            left, place = left - source.multiple, place + 1
        return sorted((lot for lot in lots if lot), reverse=True)

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
                rows.append(pieces // max(1, int(units / amount)))
        return max(rows, default=0) * (window.finish - window.start)


def runs_until_done(
    open_times: Sequence[tuple[int, int, int]],
) -> tuple[list[int], list[int]]:
    """Share work over units that come and go, so that it is done as early as can be.

    Parameters
    ----------
    open_times
        Half-open `[start, finish)` in sequence and how many units there are; the work
        is what one unit does in all of them, as far as there is one [s].

    Returns
    -------
    lasting, others
        How long each unit works while it is there [s]: those that work until all is
        done, and those that are gone before.

    >>> runs_until_done([(0, 4, 1), (4, 6, 3), (6, 20, 1)])
    ([16], [2, 2])
    """
    left = sum(end - begin for begin, end, units in open_times if units)
    running: list[int] = []
    others: list[int] = []
    for begin, end, units in open_times:
        while len(running) > units:
            others.append(running.pop())
        running += [0] * (units - len(running))
        if not units:
            continue
        time = min(end - begin, -(-left // units))
        running = [run + time for run in running]
        left -= time * units
        if left <= 0:
            break
    return [run for run in running if run], [run for run in others if run]


class GivenOrderCreation(OrderCreation):
    """The register of a run in which demands may be given sources and parts.

    Parameters
    ----------
    model
        Graph of the run.
    as_of
        Now of the plan [UTC seconds].
    """

    def __init__(self, model: ItemLocationGraph, as_of: int) -> None:
        super().__init__(model, as_of)
        self._queue = PieceQueue(model.providers.capacity)
        self.diverted: Diverted = {}
        self._pieces_taken: dict[tuple[NodeKey, str], int] = {}
        self.pieces = WHOLE
        self.batch_days: Mapping[NodeKey, float] = {}
        self._amounts: Amounts = {}
        self._brought: dict[tuple[NodeKey, str], int] = {}
        self._left: dict[NodeKey, dict[str, float]] = {}
        """What each source has still to bring, by the want that is ordered for."""
        self._asked_first: set[tuple[NodeKey, str]] = set()
        self._takes_ready = False

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
        left = self._left.get(node.key)
        if left is None:
            return ranked
        return sorted(ranked, key=lambda way: -left.get(way.source.source, 0.0))

    def given_source(self, node: Node, need: Need) -> str:
        """Name the one source that is used for the demand behind a need; "": any."""
        if not self.diverted:
            return ""
        cause = self.cause_of(need)
        given = self.diverted.get((node.key, cause), "")
        # Of what has a portion each demand is ordered for by itself.
        return given if isinstance(given, str) else f"{given.source} {cause}"

    def open_ways(self, want: NetRequirement) -> Sequence[SupplyAlternative]:
        """List the sources that may serve a want: the one that is given, if one is.

        Where it may not serve the want, the others stay.
        """
        ways = super().open_ways(want)
        if not self.diverted:
            return ways
        given = self.diverted.get((want.node.key, want.cause))
        if given is None or want.node.shared or isinstance(given, SourceShare):
            return ways
        return [way for way in ways if way.source.source == given] or ways

    def largest_part(self, want: NetRequirement) -> int | None:
        """Largest order for a want [units]; None: as sources allow.

        What lies ready comes whole.
        """
        if self._takes_ready:
            return None
        return self.pieces.largest.get((want.node.key, want.cause))

    def _order_from(
        self, ways: Sequence[SupplyAlternative], want: NetRequirement, wanted: int
    ) -> list[SupplyUnit]:
        """Order as in mode mrp; the next source may make the last pieces in time."""
        given = (
            self.diverted.get((want.node.key, want.cause)) if self.diverted else None
        )
        if isinstance(given, SourceShare) and not want.node.shared:
            return self._order_portion(given, ways, want, wanted)
        if self.pieces.first:
            made = self._order_ready_first(ways, want, wanted)
        elif want.node.key in self._amounts and len(ways) > 1:
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
            if not brought:
                break
        return made

    def _order_portion(
        self,
        given: SourceShare,
        ways: Sequence[SupplyAlternative],
        want: NetRequirement,
        wanted: int,
    ) -> list[SupplyUnit]:
        """Order pieces from one source until it ends, and the rest from the others."""
        place = want.node.key, want.cause
        own = [way for way in ways if way.source.source == given.source]
        others = [way for way in ways if way.source.source != given.source]
        made: list[SupplyUnit] = []
        brought = 0
        first = self._pieces_taken.get(place, 0)
        for size, instant in self._until_end(own, given.pieces)[first:]:
            if brought >= wanted:
                break
            alive = max(want.alive_until, want.instant)
            part = want._replace(instant=instant, alive_until=alive)
            units = super()._order_from(own, part, min(size, wanted - brought))
            self._queue.begin()
            self._pieces_taken[place] = self._pieces_taken.get(place, 0) + 1
            made += units
            brought += sum(unit.qty for unit in units if unit.node is want.node)
        # Pieces may be due after the need that they are for.
        self.has_late = self.has_late or bool(made)
        if others and brought < wanted:
            made += super()._order_from(others, want, wanted - brought)
            self._queue.begin()
        return made

    def _until_end(
        self, ways: Sequence[SupplyAlternative], pieces: Sequence[int]
    ) -> list[tuple[int, int]]:
        """Date pieces so that what they take may be made evenly until a source ends."""
        source = ways[-1].source if ways and pieces else None
        last = None if source is None else source.latest_valid(NEVER - 1)
        if source is None or last is None:
            return []
        timing = source.clock.earliest(last, max(pieces))
        if timing is None:
            return []
        length, whole, before = timing.finish - self.floor(source), sum(pieces), 0
        dated = []
        for size in pieces:
            before += size
            dated.append((size, timing.finish - length * (whole - before) // whole))
        return dated

    def _order_ready_first(
        self, ways: Sequence[SupplyAlternative], want: NetRequirement, wanted: int
    ) -> list[SupplyUnit]:
        """Order what lies ready at the source that is asked first, once."""
        place = want.node.key, want.cause
        name, most = self.pieces.first.get(place, ("", 0))
        own = [way for way in ways if way.source.source == name]
        if not own or place in self._asked_first:
            return super()._order_from(ways, want, wanted)
        self._asked_first.add(place)
        others = [way for way in ways if way.source.source != name]
        if others or wanted <= most:
            made = self._order_ready(own, want, min(most, wanted))
            wanted -= sum(unit.qty for unit in made if unit.node is want.node)
            return made + super()._order_from(others or ways, want, wanted)
        # The components that are there go to the order that is wanted before the other.
        made = super()._order_from(own, want, wanted - most)
        starts = (unit.order.timing.start for unit in made if unit.order is not None)
        instant = min([want.instant, *starts])
        alive = max(want.alive_until, want.instant)
        part = want._replace(instant=instant, alive_until=alive)
        return self._order_ready(own, part, most) + made

    def _order_ready(
        self, ways: Sequence[SupplyAlternative], want: NetRequirement, wanted: int
    ) -> list[SupplyUnit]:
        self._takes_ready = True
        made = super()._order_from(ways, want, wanted)
        self._takes_ready = False
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Decisions that netting and placing decode.

    Parameters
    ----------
    sources
        The one source that is used, by place and demand.
    pieces
        What is ordered in parts, and first elsewhere.
    batch_days
        Days of later needs that a lot covers, by place, where lots are as large as
        needs: a plan may be better with fewer set-ups than the tables ask for.
    earlier
        By how much a demand is wanted earlier than it is due, by its index [s]: what is
        wanted first is netted and sequenced first.
    amounts
        Sources by place, and how much each is meant to bring until when [UTC s, units]:
        the one of which most is left is asked first, instead of the one that the tables
        prefer.
    slices
        What is wanted of a demand, by its index, where it is not all of it.
    """

    sources: Diverted = field(default_factory=dict)
    pieces: Pieces = WHOLE
    batch_days: Mapping[NodeKey, float] = field(default_factory=dict)
    earlier: Mapping[int, int] = field(default_factory=dict)
    amounts: Amounts = field(default_factory=dict)
    slices: Mapping[int, Sequence[Slice]] = field(default_factory=dict)


UNDECIDED = Decisions()
"""All as the tables say."""
