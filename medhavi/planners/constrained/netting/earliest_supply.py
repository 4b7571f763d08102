"""What no plan can beat: each demand alone, with all stock and nobody in its way.

For a demand that is more than what exists, at least one new lot has to be made, bought
or moved; the least lot of some source is not there before its components are, and its
own time is over, as if capacity were never short. Where a product has one source, all
that is missing comes from it, in orders of any size from the least lot on: it is not
there before the components of all are and a last lot is through, nor before a first lot
could begin and the resources of each step had time for all of the work. Where the time
of a source is not plain (it may choose resources, gives something on the way or beside,
may stand in for others), it counts as none, or as its least (`LeastTimes`): the bound
gets weaker, never wrong. It bounds what lead times cost, not what queues do.

Steps that simply follow each other take the sum of their least times, by the quickest
option of each; where steps overlap or branch, or the pace of a resource changes, less
is said. Work pauses over closed time, never over other orders: it has to find room
between those that stand. Set-up changes, the queue before the first step and whatever
else is new count as nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from medhavi.planners.run_limits import answered
from medhavi.providers.capacity.axis import WorkContent
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator, Mapping

    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import (
        Demand,
        Need,
        Node,
        NodeKey,
        SupplyAlternative,
        SupplyOrder,
    )
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.capacity.schedule import RoutingTask
    from medhavi.providers.material.recipes import Component
    from medhavi.snapshot.calendars.intervals import Interval

    Asked = tuple[Node, int]
    Steps = Generator[Asked, int, int]


class LeastTimes:
    """When orders for what is made could be through at the earliest.

    Parameters
    ----------
    capacity
        Routings and resources as they are planned.
    standing
        Orders that keep their dates.
    """

    def __init__(self, capacity: Capacity, standing: Iterable[SupplyOrder]) -> None:
        self._capacity = capacity
        self.busy = busy_units(standing)
        """Units of each resource that are at work already."""
        self._taken: dict[tuple[str, float], list[Interval]] = {}

    def through(
        self, way: SupplyAlternative, ready: int, units: int, later: Mapping[int, int]
    ) -> int:
        """Earliest end of an order [UTC s].

        Parameters
        ----------
        way, units
            Its source and size.
        ready, later
            Before when the first step, and each of others by its number, does not begin
            [UTC s].
        """
        found = [
            self._end(way.source.source, max(begin, ready), units, later)
            for begin, end in way.source.windows
            if end > ready
        ]
        return min(found, default=ready)

    def _end(
        self, routing: str, ready: int, units: int, later: Mapping[int, int]
    ) -> int:
        if not self._capacity.compiled(routing).network.is_chain:
            return max(ready, *later.values()) if later else ready
        for task, before, after in self._chain(routing):
            ready = max(ready + before, later.get(task.node.step, ready))
            if task.node.batch is None:
                ready = self._done(task, ready, units)
            ready += after
        return ready

    def _chain(self, routing: str) -> Iterator[tuple[RoutingTask, int, int]]:
        """List steps that follow each other, with what passes before and after [s]."""
        compiled = self._capacity.compiled(routing)
        lags = [0, *(link.lag for link in compiled.network.links)]
        for place, (task, lag) in enumerate(zip(compiled.tasks, lags, strict=False)):
            # Goods are taken when the first queue is over: it may run before.
            yield task, lag + (task.node.queue if place else 0), task.node.move

    def _done(self, task: RoutingTask, ready: int, units: int) -> int:
        """Earliest end of a step that is ready at an instant [UTC s]."""
        run, ends = task.run(units), []
        for option in options_of(task):
            if option.axis.steady is None:
                return ready
            end = self._fits(option, WorkContent(option.setup, run), ready)
            if end is not None:
                ends.append(end)
        return min(ends, default=ready)

    def _fits(
        self, option: ResourceOption, work: WorkContent, ready: int
    ) -> int | None:
        """End of work in the first room between orders that stand; None: nowhere."""
        taken = [self._without_room(*one) for one in option.resources]
        while True:
            span = option.axis.earliest(work, ready, ready)
            if span is None:
                return None
            ends = (self._in_the_way(option, one, span) for one in taken)
            # Each stretch is left behind at least once, so it ends behind the last one.
            later = max((end for end in ends if end is not None), default=None)
            if later is None:
                return span[1]
            ready = later

    def _without_room(self, resource: str, units: float) -> list[Interval]:
        """When a resource has fewer units left than are needed."""
        key = resource, units
        if key not in self._taken:
            clock, busy = self._capacity.resource(resource), self.busy.get(resource)
            most = max(level[2] for level in clock.levels)
            limited = clock.finite and clock.bucket is None
            self._taken[key] = [
                one for one in (busy or ()) if limited and one[2] > most - units
            ]
        return self._taken[key]

    def _in_the_way(
        self, option: ResourceOption, taken: list[Interval], span: tuple[int, int]
    ) -> int | None:
        """End of the first stretch that is taken in working time of a span."""
        start, finish = span
        place = bisect_left(taken, start, key=lambda one: one[1])
        for begin, end, _ in taken[place:]:
            if begin >= finish:
                return None
            if option.axis.working.between(max(begin, start), min(end, finish)) > 0:
                return end
        return None

    def least(self, routing: str, units: int) -> int:
        """Least time from the start of an order to its end, as if all were open [s]."""
        compiled = self._capacity.compiled(routing)
        each = [_least_working(task, units) for task in compiled.tasks]
        if not compiled.network.is_chain:
            return max(each, default=0)
        steps = zip(self._chain(routing), each, strict=True)
        return sum(
            before + after + (0 if task.node.batch is not None else working)
            for (task, before, after), working in steps
        )


def _least_working(task: RoutingTask, units: int) -> int:
    """Least working time of a step [s]."""
    run = task.run(units)
    times = [
        0
        if one.axis.steady is None
        else one.axis.length(WorkContent(one.setup, run), (0, 0))
        for one in options_of(task)
    ]
    return min(times, default=0)


def options_of(task: RoutingTask) -> list[ResourceOption]:
    """Resources that may do a step, at any time."""
    return [option for epoch in task.plan.epochs for option in epoch.options]


def busy_units(standing: Iterable[SupplyOrder]) -> dict[str, list[Interval]]:
    """Units of each resource at work, by stretches in order that do not overlap."""
    changes: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for order in standing:
        for window in order.timing.steps:
            for resource, units in window.resources:
                for begin, end in window.segments:
                    changes[resource][begin] += units
                    changes[resource][end] -= units
    found: dict[str, list[Interval]] = {}
    for resource, steps in changes.items():
        instants = sorted(steps)
        sums = accumulate(steps[instant] for instant in instants)
        found[resource] = [
            (begin, end, busy)
            for (begin, end), busy in zip(pairwise(instants), sums, strict=False)
            if busy > 0
        ]
    return found


ZERO = Fraction(0)
SAFE = 1e-9
"""Share by which work is counted low: floats are not exact."""


class ChainTimes:
    """Instants that were found, by identity of products and sources, and quantity.

    Attributes
    ----------
    there
        When so much of a product could be there [UTC s].
    ordered
        When orders of so much of a source are through [UTC s].
    begun
        When the components of a least lot of a source are there [UTC s].
    """

    def __init__(self) -> None:
        self.there: dict[tuple[int, int], int] = {}
        self.ordered: dict[tuple[int, int], int] = {}
        self.begun: dict[int, int] = {}


class EarliestSupply:
    """The earliest instants at which supply can be there.

    Parameters
    ----------
    capacity
        Tells which routings choose between resources.
    moving
        Existing orders that may move, by index: what they give may come at once.
    times
        Least time of orders for what is made; None: only where it is plain.
    held
        What of that which exists, the first that comes, is for somebody else [units].
    taken
        Needs of orders that stand on their dates.
    """

    def __init__(
        self,
        model: ItemLocationGraph,
        release: OrderCreation,
        capacity: Capacity,
        moving: Collection[int],
        times: LeastTimes | None = None,
        held: Mapping[NodeKey, int] | None = None,
        taken: Iterable[Need] = (),
    ) -> None:
        self._times = times
        self._held = held or {}
        self._taken: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for need in taken:
            self._taken[id(need.node)].append((need.instant, need.qty))
        self._model = model
        self._release = release
        self._capacity = capacity
        self._moving = moving
        self._found = ChainTimes()
        self._gains: dict[int, float] = {}
        self._beside = given_beside(model)

    def recall(self, kept: list[tuple[object, ChainTimes]]) -> None:
        """Go on from what was found before, where the same stands.

        Parameters
        ----------
        kept
            What was found for plans of the same tables but for their demands, with what
            it depends on; what is found now is added.
        """
        nodes = list(self._model.nodes.values())
        stands = {
            id(node): (*self._units(node), all(unit.is_ours for unit in node.units))
            for node in nodes
            if node.units
        }
        busy = None if self._times is None else self._times.busy
        given = self._beside, self._held, dict(self._taken), busy
        asked = self._release.as_of, nodes, stands, *given
        for before, found in kept:
            if before == asked:
                self._found = found
                return
        kept.append((asked, self._found))

    def at(self, demand: Demand) -> int:
        """When a demand could be served in full [UTC seconds]."""
        return self.there(self._model.node(demand.node), demand.qty)

    def there(self, node: Node, qty: int) -> int:
        """Earliest instant at which so much of a product could be there [UTC s]."""
        known = self._found.there.get((id(node), qty))
        if known is not None:
            return known
        return answered(self._there((node, qty)), self._there)

    def _there(self, asked: Asked) -> Steps:
        node, qty = asked
        key = id(node), qty
        there = self._found.there
        if key not in there:
            # What goes in a circle counts as there.
            there[key] = self._release.as_of
            there[key] = yield from self._earliest(node, qty)
        return there[key]

    def anew(self, node: Node) -> int:
        """Earliest instant of the least new order; now, where that is open [UTC s]."""
        return answered(self._anew(node), self._there)

    def _anew(self, node: Node) -> Steps:
        now = self._release.as_of
        if node.rules.unlimited or node.substitutes or id(node) in self._beside:
            return now
        soonest = NEVER
        for way in self._model.ways(node):
            soonest = min(soonest, (yield from self._through(way, way.source.lot(1))))
        return max(now, soonest)

    def _earliest(self, node: Node, qty: int) -> Steps:
        now = self._release.as_of
        if node.rules.unlimited or node.substitutes or id(node) in self._beside:
            return now
        left, whole = qty, NEVER
        new = NEVER
        if id(node) in self._taken:
            new = yield from self._anew(node)
        for available, there in sorted(self._left(node, new)) if node.units else ():
            if left > 0 and left <= there:
                whole = available
            left -= there
        if whole <= now:
            return now
        ways = self._model.ways(node)
        for way in ways:
            # Of several sources each may bring a lot: which brings more is not known.
            lot = way.source.lot(1)
            if len(ways) < 2 and left > lot * self._gain(way):
                lot = max(lot, math.ceil(left / self._gain(way) * (1 - SAFE)))
            whole = min(whole, (yield from self._through(way, lot)))
        return max(now, whole)

    def existing(self, node: Node) -> Iterable[tuple[int, int]]:
        """List when how much of what exists may be there."""
        return self._left(node, self.anew(node) if id(node) in self._taken else NEVER)

    def _left(self, node: Node, new: int) -> Iterable[tuple[int, int]]:
        """What exists, less what is held and what orders that stand take of it.

        From the instant on at which new supply could be there they may take that.
        """
        units = sorted(self._units(node))
        held = self._held.get(node.key, 0)
        if held and all(unit.is_ours for unit in node.units):
            for place, (instant, qty) in enumerate(units):
                kept = min(held, qty)
                held -= kept
                units[place] = instant, qty - kept
        now, needs = self._release.as_of, self._taken.get(id(node), ())
        taken = [(max(at, now), -qty) for at, qty in needs if at < new]
        if not taken:
            return units
        # At one instant supply counts before who takes it.
        steps = sorted([*units, *taken], key=lambda one: (one[0], -one[1]))
        sums = list(accumulate(qty for _, qty in steps))
        if min(sums) < 0:
            # Not even those that stand have their goods: what they do is not known.
            return units
        # What is there before they take it is for others only if it stays over.
        later = [unit for unit in units if unit[0] > new]
        found, least = [(new, sum(qty for at, qty in units if at <= new))], NEVER
        # What is free from an instant on is the least of all later balances.
        for (instant, _), free in zip(reversed(steps), reversed(sums), strict=True):
            if instant < new:
                least = min(least, free)
                found.append((instant, least))
        found.reverse()
        before = [0, *(total for _, total in found[:-1])]
        own = [
            (instant, total - less)
            for (instant, total), less in zip(found, before, strict=True)
        ]
        return [*own, *later]

    def _units(self, node: Node) -> Iterator[tuple[int, int]]:
        now = self._release.as_of
        for unit in node.units:
            order = unit.order
            if order is None:
                yield max(now, min(unit.available, unit.arrives)), unit.qty
            elif order.existing is not None:
                moves = order.index in self._moving
                yield (now if moves else max(now, unit.arrives)), unit.qty

    def _gain(self, way: SupplyAlternative) -> float:
        """Units of its product that a unit of an order gives; inf: not plain."""
        known = self._gains.get(id(way))
        if known is None:
            size = order_for_one(way)
            known = self._gains[id(way)] = 1 / size if size > 0 else math.inf
        return known

    def begins(self, way: SupplyAlternative) -> int:
        """Earliest instant at which the components of a least lot are there [UTC s]."""
        return answered(self._begins(way), self._there)

    def _begins(self, way: SupplyAlternative) -> Steps:
        found = self._found.begun.get(id(way))
        if found is None:
            found = self._found.begun[id(way)] = yield from self._goods(
                way, way.source.lot(1)
            )
        return found

    def _goods(self, way: SupplyAlternative, units: int) -> Steps:
        """Earliest instant at which the components of so much are there [UTC s]."""
        if way.source.fence_days < 0:
            # It may have begun before now: what can be said is nothing.
            return self._release.as_of
        floor = ready = self._release.floor(way.source)
        for group in way.intakes:
            goods = NEVER
            for line, node, plain in group:
                there = floor
                if plain:
                    # Of lines that replace each other an order may take some of each.
                    asked = node, line.steps(units) if len(group) == 1 else 1
                    # Most is known: a generator for each would cost more than it does.
                    known = self._found.there.get((id(node), asked[1]))
                    there = (yield asked) if known is None else known
                goods = min(goods, there)
            ready = max(ready, goods)
        if way.origin is not None:
            ready = max(ready, (yield way.origin, units))
        return ready

    def _through(self, way: SupplyAlternative, units: int) -> Steps:
        """Earliest instant at which orders of so much in all are through [UTC s]."""
        key = id(way), units
        known = self._found.ordered.get(key)
        if known is not None:
            return known
        source, lot = way.source, way.source.lot(1)
        # More than a lot may be several orders: the last one waits for all components.
        if units > lot:
            ready = yield from self._goods(way, units)
        else:
            ready = yield from self._begins(way)
        if source.fence_days >= 0:
            later = {}
            if self._times is not None and source.kind == "make":
                later = yield from self._later(way, units)
            ready = self._passed(way, ready, lot, later)
        if units > lot and source.kind == "make" and source.fence_days >= 0:
            begin = yield from self._begins(way)
            # However it is cut, each step has all of the work to do, from the first lot
            # on.
            for task in self._capacity.compiled(source.source).tasks:
                ready = max(ready, self._worked(task, begin, units))
        self._found.ordered[key] = ready
        return ready

    def _later(
        self, way: SupplyAlternative, units: int
    ) -> Generator[Asked, int, dict[int, int]]:
        """Earliest instants of the goods of later steps, by their number [UTC s]."""
        found: dict[int, int] = {}
        for group in way.intakes:
            line, node, plain = group[0]
            qty = line.steps(units)
            if len(group) == 1 and not plain and taken_at_start(line) and qty > 0:
                step = line.step or 0
                found[step] = max((yield node, qty), found.get(step, 0))
        return found

    def _passed(
        self, way: SupplyAlternative, ready: int, lot: int, later: Mapping[int, int]
    ) -> int:
        """Earliest end of an order whose goods are there at an instant [UTC s]."""
        source, times, least = way.source, self._times, ready
        plain = self._plain(way)
        if plain:
            found = [
                timing.finish
                for begin, end in source.windows
                if end > ready
                and (timing := source.clock.earliest(max(begin, ready), lot))
                is not None
            ]
            least = min(found, default=ready)
        if times is None or source.kind != "make" or not plainly_given(way):
            return least
        if times.busy or later or not plain:
            least = max(least, times.through(way, ready, lot, later))
        return least

    def _worked(self, task: RoutingTask, begin: int, units: int) -> int:
        """Earliest instant at which all resources of a step did its work [UTC s]."""
        options = [option for epoch in task.plan.epochs for option in epoch.options]
        lanes = sum(self._lanes(option) for option in options)
        paced = any(one.axis.steady is None for one in options)
        if not 0 < lanes < math.inf or paced:
            return begin
        work = WorkContent(ZERO, task.run(units))
        ends = [
            one.axis.working.add(
                begin, math.floor(one.axis.length(work, (0, 0)) / lanes * (1 - SAFE))
            )
            for one in options
        ]
        return min((end for end in ends if end is not None), default=begin)

    def _lanes(self, option: ResourceOption) -> float:
        """Orders that an option works on at a time, at most; inf: no limit is known."""
        found = math.inf
        for name, units in option.resources:
            clock = self._capacity.resource(name)
            if clock.finite and clock.bucket is None and clock.whole and units > 0:
                most = max(level[2] for level in clock.levels)
                found = min(found, most / units)
        return found

    def _plain(self, way: SupplyAlternative) -> bool:
        """Whether a clock gives the least time of a source."""
        if way.source.kind != "make":
            return True
        if not plainly_given(way):
            return False
        compiled = self._capacity.compiled(way.source.source)
        return all(
            len(epoch.options) <= 1
            for task in compiled.tasks
            for epoch in task.plan.epochs
        ) and not any(node.queue or node.safety for node in compiled.network.nodes)


def plainly_given(way: SupplyAlternative) -> bool:
    """Whether an order gives one product, when its last step ends."""
    return len(way.yields) == 1 and way.yields[0].plain


def taken_at_start(line: Component) -> bool:
    """Whether an order takes a component just when a step begins, at any time."""
    always = line.valid_from <= ALWAYS and line.valid_to >= NEVER
    return always and line.anchor == "start" and not line.offset_minutes


def order_for_one(way: SupplyAlternative) -> float:
    """Units of an order for one unit of its product; 0: not plain."""
    if way.source.kind != "make":
        return 1.0
    if way.gain is None or any(output.addend for output in way.gain.outputs):
        return 0.0
    rate = sum(one.numerator / one.denominator for one in way.gain.outputs)
    return 1 / rate if rate > 0 else 0.0


def given_beside(model: ItemLocationGraph) -> set[int]:
    """Nodes, by identity, of what orders for something else give besides."""
    recipes = model.providers.recipes
    return {
        id(model.node(key))
        for node in list(model.nodes.values())
        for source in node.sources
        if source.kind == "make"
        for key in recipes.recipe(source.source).others
    }
