"""What each demand needs at least: its time alone in the plant, and the work.

With all that exists, in the times of `EarliestSupply`, around orders that keep their
dates. Two things are somebody's own: what is held for a demand is there for no other
one, and what a firm peg names is delivered to its demand, whenever it comes.

Each product needs work at least: on every way to get it, the least of its options and
alternates, and that of its components; sizes of lots and when work could begin count as
nothing. Resources that stand in for each other count together. Where the work
of a product is not plain (something may stand in for it, or gives it beside, or a line
holds for a time only), it is none: a bound by it gets weaker, never wrong.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.constrained.netting.earliest_supply import (
    EarliestSupply,
    LeastTimes,
    given_beside,
    options_of,
    order_for_one,
)
from medhavi.planners.run_limits import answered
from medhavi.snapshot.calendars.intervals import combine
from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import (
        Collection,
        Generator,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    from medhavi.optimize.problem import Floats, Ints
    from medhavi.planners.constrained.netting.earliest_supply import ChainTimes
    from medhavi.planners.mrp.hard_allocations import HardAllocation
    from medhavi.planners.mrp.netting_state.item_locations import ItemLocationGraph
    from medhavi.planners.mrp.netting_state.order_creation import OrderCreation
    from medhavi.planners.mrp.netting_state.state import (
        ComponentRequirement,
        Demand,
        Need,
        Node,
        NodeKey,
        SupplyAlternative,
        SupplyOrder,
    )
    from medhavi.providers.capacity.axis import ResourceOption
    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.providers.capacity.resources import Level, ResourceClock
    from medhavi.providers.capacity.schedule import RoutingTask
    from medhavi.snapshot.calendars.intervals import Interval

    Steps = Generator[Node, "Load", "Load"]


class Planned(NamedTuple):
    """A run as far as bounds need it.

    Parameters
    ----------
    model, release, capacity, pins
        Graph and register of the run, its resources and hard allocations.
    moving
        Existing orders that may move, by index.
    first
        Whether the others take what there is before any demand.
    kept
        What bounds found for plans of the same tables but for their demands.
    """

    model: ItemLocationGraph
    release: OrderCreation
    capacity: Capacity
    pins: Mapping[NodeKey, Sequence[HardAllocation]]
    moving: Collection[int] = ()
    first: bool = False
    kept: list[tuple[object, ChainTimes]] | None = None

    def standing(self) -> list[SupplyOrder]:
        """Existing orders that keep their dates."""
        return [
            order
            for order in self.release.orders
            if order.existing is not None and order.index not in self.moving
        ]

    def taken(self) -> list[Need]:
        """Needs that are served before any demand.

        Not of what demands ask for themselves, is allocated or belongs to customers:
        that is theirs before orders take it.
        """
        if not self.first:
            return []
        stand = {order.index for order in self.standing()}
        found: dict[int, list[Need]] = defaultdict(list)
        for need in self.release.needs:
            if need.order is not None and need.order.index in stand:
                found[id(need.node)].append(need)
        return [
            need
            for needs in found.values()
            if self._for_orders_alone(needs[0].node)
            for need in needs
        ]

    def _for_orders_alone(self, node: Node) -> bool:
        return (
            not self.pins.get(node.key)
            and all(unit.is_ours for unit in node.units)
            and all(need.order is not None for need in node.needs)
        )


class LeadTimeBounds:
    """The earliest instants at which each of some demands could be served in full.

    Parameters
    ----------
    demands
        Those that are asked for.
    """

    def __init__(self, planned: Planned, demands: Sequence[Demand]) -> None:
        self._planned = planned
        self.times = LeastTimes(planned.capacity, planned.standing())
        model, release, capacity, pins, moving, *_ = planned
        taken = planned.taken()
        self.chains = EarliestSupply(
            model, release, capacity, moving, self.times, taken=taken
        )
        """With all that exists, whoever it is for."""
        held: dict[NodeKey, int] = defaultdict(int)
        for key, kept in pins.items():
            # What its owner may be served without is free for others.
            held[key] += sum(pin.qty for pin in kept if pin.blocks and not pin.upstream)
        # Allocations come one after the other: who has one may take before others.
        self._owners = {pin.demand for kept in pins.values() for pin in kept}
        self._others = self.chains
        if any(held.values()):
            self._others = EarliestSupply(
                model, release, capacity, moving, self.times, held, taken
            )
        if planned.kept is not None:
            # Often both are one.
            for chains in dict.fromkeys((self.chains, self._others)):
                chains.recall(planned.kept)
            # What was found last stands last.
            del planned.kept[:-2]
        self._most: dict[NodeKey, int] = defaultdict(int)
        for demand in demands:
            self._most[demand.node] = max(self._most[demand.node], demand.qty)

    def lateness(self, demand: Demand) -> int:
        """How late a demand is at least [s]; 0 or less: it may be on time."""
        node = self._planned.model.node(demand.node)
        # Less is never there later: most demands need no question of their own.
        found = self._others.there(node, self._most[demand.node]) - demand.due
        if found > 0:
            own = demand.index in self._owners
            found = (self.chains if own else self._others).at(demand) - demand.due
        return max([found, *(pegged - demand.due for pegged in self._pegged(demand))])

    def _pegged(self, demand: Demand) -> Iterator[int]:
        """List when orders come that firm pegs name for a demand alone [UTC s]."""
        pins = self._planned.pins.get(demand.node, ())
        for pin in pins:
            if pin.demand != demand.index or pin.supply is None or pin.qty <= 0:
                continue
            # Several demands have parts of it: which of them waits is not known.
            if any(
                one.demand != pin.demand for one in pins if one.supply == pin.supply
            ):
                continue
            for unit in pin.node.units:
                order = unit.order
                if order is None or order.existing != pin.supply:
                    continue
                stays = order.index not in self._planned.moving
                if stays and unit.is_ours and unit.expires == NEVER:
                    yield unit.arrives


Group = frozenset[str]
"""Resources, by id, that stand in for each other in some step."""
Load = dict[Group, float]
"""Work on groups of resources [s x units]."""
Shares = dict[Group, tuple[float, float]]


class LeastLoads:
    """The least work that one step of each product needs.

    Parameters
    ----------
    capacity
        Routings and resources as they are planned.
    busy
        Units of each resource that are at work already: they are open for nobody else.
    """

    def __init__(
        self,
        model: ItemLocationGraph,
        capacity: Capacity,
        busy: Mapping[str, Sequence[Interval]],
    ) -> None:
        self._model = model
        self._busy = busy
        self._capacity = capacity
        self._known: dict[int, Load] = {}
        self._beside = given_beside(model)
        self._makes = {
            source.source
            for node in model.nodes.values()
            for source in node.sources
            if source.kind == "make"
        }
        self._limits: dict[str, bool] = {}
        self._shares_of: dict[int, Shares] = {}
        self._holding: dict[str, list[Group]] = defaultdict(list)
        for group in sorted({*self._groups()}, key=sorted):
            for resource in group:
                self._holding[resource].append(group)

    # --- resources -----------------------------------------------------------------
    def _limit(self, resource: str) -> bool:
        """Whether the open time of a resource limits the work on it."""
        if resource not in self._limits:
            clock = self._capacity.resource(resource)
            self._limits[resource] = clock.finite and clock.bucket is None
        return self._limits[resource]

    def _groups(self) -> Iterable[Group]:
        """List the resources of each step: those it always takes, and those it may."""
        # Steps of many routings have the same options.
        seen: set[int] = set()
        for routing in sorted(self._makes):
            for task in self._capacity.compiled(routing).tasks:
                if id(task.plan.epochs) in seen:
                    continue
                seen.add(id(task.plan.epochs))
                taken = [
                    {name for name, _ in option.resources if self._limit(name)}
                    for option in options_of(task)
                ]
                if not taken:
                    continue
                # What every option needs is a group of its own: there is no choice to
                # allow for.
                always = set.intersection(*taken)
                yield from (frozenset({name}) for name in always)
                if all(one - always for one in taken):
                    yield frozenset(set.union(*taken) - always)

    # --- work ----------------------------------------------------------------------
    def of(self, node: Node) -> Load:
        """Least work that a step of a product needs, whoever brings it."""
        return answered(self._of(node), self._of)

    def _of(self, node: Node) -> Steps:
        if id(node) not in self._known:
            self._known[id(node)] = {}  # what goes in a circle needs nothing
            self._known[id(node)] = yield from self._least(node)
        return self._known[id(node)]

    def _least(self, node: Node) -> Steps:
        if node.rules.unlimited or node.substitutes or id(node) in self._beside:
            return {}
        loads: list[Load] = []
        for way in self._model.ways(node):
            loads += [(yield from self._needed(way))]
        return _least_of(loads)

    def _needed(self, way: SupplyAlternative) -> Steps:
        """Least work for a step of what a source brings."""
        source = way.source
        if source.kind != "make":
            return {} if way.origin is None else (yield way.origin)
        if source.fence_days < 0:
            # Work that may have begun before now takes less of the time from now on.
            return {}
        size = order_for_one(way)
        found: Load = defaultdict(float)
        for group, (fixed, rate) in self.direct(way).items():
            found[group] += size * rate
            if source.max_lot is not None:
                found[group] += size * fixed / source.max_lot
        for lines in way.intakes:
            for group, work in (yield from self._component(lines)).items():
                found[group] += size * work
        return {group: work for group, work in found.items() if work > 0}

    def direct(self, way: SupplyAlternative) -> dict[Group, tuple[float, float]]:
        """Least work of an order itself: once, and for one unit of it."""
        found: dict[Group, tuple[float, float]] = {}
        for task in self._capacity.compiled(way.source.source).tasks:
            for group, (setup, share) in self._shares(task).items():
                fixed, rate = found.get(group, (0.0, 0.0))
                fixed += setup + share * float(task.fixed)
                found[group] = fixed, rate + share * float(task.rate)
        return found

    def beside(self, node: Node) -> bool:
        """Whether orders for something else give it besides."""
        return id(node) in self._beside

    def _shares(self, task: RoutingTask) -> Shares:
        """Least set-up on each group [s x units]; least units by the pace of a step."""
        known = self._shares_of.get(id(task.plan.epochs))
        if known is None:
            known = self._shares_of[id(task.plan.epochs)] = self._least_shares(task)
        return known

    def _least_shares(self, task: RoutingTask) -> Shares:
        options = options_of(task)
        names = {name for option in options for name, _ in option.resources}
        groups = {one for name in names for one in self._holding.get(name, ())}
        found: Shares = {}
        for group in groups:
            taken = [_taken(option, group) for option in options]
            setup, share = min(one[0] for one in taken), min(one[1] for one in taken)
            if setup > 0 or share > 0:
                found[group] = setup, share
        return found

    def _component(self, lines: Sequence[ComponentRequirement]) -> Steps:
        """Least work for what one step of an order takes of rival lines."""
        loads = []
        for line, node, _ in lines:
            if line.valid_from > ALWAYS or line.valid_to < NEVER or line.addend < 0:
                return {}
            share = line.numerator / line.denominator
            needed = (yield node) if share > 0 else {}
            loads.append({group: share * work for group, work in needed.items()})
        return _least_of(loads)

    # --- time ----------------------------------------------------------------------
    def open_times(self, group: Group, start: int, instants: Ints) -> Floats:
        """Time that a group has from an instant to each of some [s x units]."""
        total = np.zeros(len(instants))
        for resource in sorted(group):
            clock, busy = self._capacity.resource(resource), self._busy
            for level in clock.levels:
                own = busy.get(resource, ())
                total += open_time(clock, level, start, instants, own)
        return total


def open_time(
    clock: ResourceClock,
    level: Level,
    start: int,
    instants: Ints,
    busy: Sequence[Interval] = (),
) -> Floats:
    """Time that a resource has while it has so many units; a share counts 1 at least.

    Parameters
    ----------
    clock, level
        What the resource offers, and how many units when.
    start, instants
        From when until when, shape (n,) [UTC s].
    busy
        Units that are at work already, by stretches in order that do not overlap.

    Returns
    -------
    ndarray
        Shape (n,) [s x units].
    """
    begin, end, units = level
    low, high = max(begin, start), min(end, int(instants[-1]))

    def free(share: float | None, taken: float | None) -> float | None:
        if share is None:
            return None
        return max(1.0, share) * max(0.0, units - (taken or 0.0))

    shares = clock.working.shares(low, high) if high > low else []
    pieces = combine(shares, list(busy), free)
    if not pieces:
        return np.zeros(len(instants))
    begins, ends, paces = np.array(pieces, dtype=np.float64).T
    # Free time up to the begin of each piece; inside a piece it rises at its pace.
    sums = np.r_[0.0, np.cumsum((ends - begins) * paces)]
    place = np.maximum(np.searchsorted(begins, instants) - 1, 0)
    within = np.clip(instants, begins[place], ends[place]) - begins[place]
    found: Floats = sums[place] + within * paces[place]
    return found


def _taken(option: ResourceOption, group: Group) -> tuple[float, float]:
    """Set-up on a group [s x units]; units of it by the pace, 0 where that changes."""
    units = sum(units for name, units in option.resources if name in group)
    pace = option.axis.steady
    return units * float(option.setup), 0.0 if pace is None else units / float(pace)


def _least_of(loads: Sequence[Load]) -> Load:
    """What each of some ways needs at least; without what one does not need."""
    if len(loads) < 2:
        return loads[0] if loads else {}
    first, *others = loads
    return {
        group: min(work, *(one[group] for one in others))
        for group, work in first.items()
        if all(group in one for one in others)
    }
