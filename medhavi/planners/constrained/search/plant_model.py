"""Turn a run into a plant of plain numbers, where that says all there is to say.

What the search knows: products at places and their sources by preference; makes of
steps in a row, each on one unit of a finite machine, of those that it may choose from,
of each of several at a time, on hours of a bucket, or on none, in open time, changed
over between families; purchases with a fixed lead time and no limit, by any rule of
stock and lots; stock and scheduled receipts; stock levels of what is made that do not
fall; existing orders that stand on their dates; lots of a least and a largest size and
a multiple; what is lost by yields. Anything else is planned by the general way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained.deliveries import in_parts
from medhavi.planners.constrained.search.construction import largest_tree
from medhavi.planners.constrained.search.found_orders import StepComponent
from medhavi.planners.constrained.search.plant_items import (
    ITEM_FIELDS,
    MONEY,
    MOST_EACH,
    OPTION_FIELDS,
    Item,
    Lanes,
    Part,
    add_prices,
    check_apart,
    check_depth,
    check_rules,
    columns,
    first_levels,
    lot_size,
    mortal,
    numbers_given,
    ready_alone,
    standing,
)
from medhavi.planners.constrained.search.plant_machines import (
    Campaigns,
    Machines,
    Option,
    large_cost,
    machines_together,
    refuse,
    with_units,
)
from medhavi.planners.constrained.search.plant_supplies import (
    StandingSupplies,
    StandingSupply,
    by_lines,
    lend_to_demands,
    line_taken,
)
from medhavi.planners.kernels.plant_kernels.plant_record import FAR, Plant
from medhavi.planners.mrp.netting_state.state import Node, SupplyAlternative
from medhavi.providers.capacity.axis import ResourceOption
from medhavi.providers.capacity.schedule import RoutingTask
from medhavi.snapshot.calendars.calendars import WorkingTime
from medhavi.units import DAY, DAYS_PER_YEAR, seconds_up

if TYPE_CHECKING:
    from medhavi.planners.constrained.orders.weighing import MoneyWeights, Weights
    from medhavi.planners.constrained.search.found_orders import SearchableRun
    from medhavi.planners.mrp.netting_state.state import Need
    from medhavi.providers.sources import Source


MOST_BELOW = 2000
"""Orders of one demand at most: what a move takes out must be small."""
MOST_BOUGHT = 1_000_000_000
UNSUPPLIED = 1 << 33
"""When what no source brings is there [s since now]: no plan waits for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A plant, and what its numbers stand for.

    `nodes` are the products in order of planning and `items` their numbers in the
    plant; `sources` are the items whose orders bring them: themselves, or where there
    are several those after them. The item of a make is its last step, the earlier steps
    have the numbers after it. Of each item, `serves` is the number of what is asked of
    it, `product` the last step of its routing, `steps` how many items that has, the
    first one last; `ways` are the sources, `taken` what each of their orders needs,
    `needs` which of that each component of the plant is (-1: the step before),
    `routings` their steps, `options` what the work of each option takes, and `queues`
    the time between release and start of the work of a first step [s]. `machines` are
    the names of the machines, `stops` when each unit is down or at work [UTC s],
    `supplies` what stands, `calendars` the open times. Of the demands of the plant,
    `demands` are those of the run (`in_parts` 1: what is there need not wait); behind
    them come `lacking`, needs of existing orders, by index, and what stock levels want.
    """

    plant: Plant
    nodes: Sequence[Node]
    items: Sequence[int]
    sources: Sequence[Sequence[int]]
    serves: np.ndarray
    product: np.ndarray
    steps: np.ndarray
    ways: Mapping[int, SupplyAlternative]
    taken: Mapping[int, Sequence[StepComponent]]
    needs: np.ndarray
    routings: Mapping[int, Sequence[RoutingTask]]
    options: Sequence[ResourceOption | None]
    queues: np.ndarray
    priority: Sequence[int]
    tolerance: float
    machines: tuple[str, ...]
    stops: Sequence[Sequence[tuple[int, int]]]
    supplies: Sequence[StandingSupply]
    lacking: Sequence[int]
    calendars: Sequence[WorkingTime]
    campaigns: Campaigns
    as_of: int
    demands: int
    in_parts: np.ndarray

    def first(self, items: np.ndarray) -> np.ndarray:
        """Items of the first steps of products. Shapes (n,), int64."""
        found: np.ndarray = items + self.steps[items] - 1
        return found


def model_of(run: SearchableRun, weights: Weights | MoneyWeights) -> Model:
    """Plant of a run that is built and not netted yet.

    Parameters
    ----------
    run
        A constrained run.
    weights
        What a late demand weighs.

    Raises
    ------
    UnfitError
        Something is more than the plant can say.
    """
    _check_run(run)
    return _Reading(run).model(weights)


def _check_run(run: SearchableRun) -> None:
    """Refuse what is more than stock, demands and sources."""
    for demand in run.intake.demands:
        if demand.ship_from not in {None, demand.node[1]}:
            refuse(f"demand {demand.demand} is sent from one place")


class _Reading:
    def __init__(self, run: SearchableRun) -> None:
        self._run = run
        self._as_of = run.as_of
        last = max((demand.due for demand in run.intake.demands), default=self._as_of)
        self._last = last
        self._machines = Machines(run, last)
        self._lanes = Lanes(self._as_of, last, run.room(), run.occupancy)
        until = run.snapshot["step_resources"]["until_step"]
        self._tools = until.null_count() < len(until)
        """Some routing keeps a tool over several steps."""
        self._number: dict[int, int] = {}
        self._nodes: list[Node] = []
        self._sources: dict[int, list[int]] = {}
        self._ways: dict[int, SupplyAlternative] = {}
        self._routings: dict[int, tuple[RoutingTask, ...]] = {}
        self._taken: dict[int, tuple[StepComponent, ...]] = {}
        lend_to_demands(run)
        self._standing = StandingSupplies(run, last)
        count = 0
        for cluster in run.clusters:
            self._number[id(cluster[0])] = count
            self._nodes.append(cluster[0])
            idle = run.replenished.isdisjoint(node.key for node in cluster)
            if idle or all(node.rules.unlimited for node in cluster):
                count += 1
                continue
            ways = self._ways_of(cluster[0])
            own = self._sources[count] = []
            count += len(ways) != 1
            for way in ways:
                own.append(count)
                self._ways[count] = way
                if way.source.kind == "make":
                    self._routings[count] = tasks = self._tasks(way.source.source)
                    count += len(tasks) - 1
                count += 1

    def model(self, weights: Weights | MoneyWeights) -> Model:
        """Read all items and demands."""
        products = [self._number[id(node)] for node in self._nodes]
        items: list[Item] = []
        for node, number in zip(self._nodes, products, strict=True):
            items += self._items(node, number)
        check_depth(items)
        check_apart(items)
        sources = [item.sources or (number,) for number, item in enumerate(items)]
        serves = np.arange(len(items))
        for number, item in enumerate(items):
            serves[list(item.sources)] = number
        steps = np.array([item.steps for item in items], np.int64)
        lasts = [one for number in products for one in self._items_of(number)]
        last_steps = np.repeat(lasts, steps[lasts]).astype(np.int64)
        options, unit = with_units([one for item in items for one in item.options])
        blocks = self._machines.blocks()
        machines = np.array([option.machine for _, option in blocks], np.int64)
        count = np.bincount(machines, minlength=len(self._machines.numbers))
        spans = np.array([span for span, _ in blocks], np.int64).reshape(-1, 2).T
        demands = self._run.intake.demands
        lacking = [
            (number, need) for number, item in enumerate(items) for need in item.lacking
        ]
        levels = [(n, *level) for n, item in enumerate(items) for level in item.levels]
        # Options know their calendars only when all calendars have numbers.
        windows = self._lanes.windows(self._machines.windows())
        plant = Plant(
            order=np.arange(len(items)),
            mortal=mortal(items),
            a_start=np.cumsum([0, *map(len, sources)]),
            a_item=np.array([one for several in sources for one in several], np.int64),
            a_ready=ready_alone(items, sources, self._as_of),
            x_start=np.cumsum([0, *(len(item.options) for item in items)]),
            **columns(items, ITEM_FIELDS),
            **columns([*options, *(option for _, option in blocks)], OPTION_FIELDS),
            unit=np.append(unit, np.full(len(blocks), -1, np.int64)),
            **machines_together(
                [*options, *(b for _, b in blocks)], len(self._machines.numbers)
            ),
            **self._lanes.room(options, len(blocks)),
            v_start=np.cumsum([0, *count]),
            v_begin=spans[0].copy(),
            v_end=spans[1].copy(),
            v_option=np.arange(len(options), len(options) + len(blocks)),
            **self._machines.changes(),
            c_start=np.cumsum([0, *(len(item.below) for item in items)]),
            **columns([part for item in items for part in item.below], Part._fields),
            **standing(items, self._as_of),
            m_lane=np.cumsum([0, *self._machines.units]),
            **self._demands(items, weights, lacking, levels),
            i_level=first_levels(levels, serves, len(demands) + len(lacking)),
            asked=serves[last_steps],
            base=np.array([weights.base], np.int64),
            **windows,
        )
        if largest_tree(plant) > MOST_BELOW:
            refuse("a product has too many parts")
        priority = [demand.priority for demand in demands]
        first, last = min(priority, default=1), max(priority, default=1) + 1
        more = [first] * len(lacking) + [last] * len(levels)
        return Model(
            plant=plant,
            nodes=self._nodes,
            items=products,
            sources=[self._sources.get(number, ()) for number in products],
            serves=serves,
            product=last_steps,
            steps=steps,
            ways=self._ways,
            taken=self._taken,
            needs=np.array([need for item in items for need in item.needs], np.int64),
            routings=self._routings,
            options=[option.taken for option in options],
            queues=np.array([item.queue for item in items], np.int64),
            priority=priority + more,
            tolerance=weights.tolerance,
            demands=len(demands),
            in_parts=np.array([*map(in_parts, demands), *[0] * len(more)], np.int64),
            machines=tuple(self._machines.numbers),
            stops=self._machines.stops,
            supplies=[one for item in items for one in item.supplies],
            lacking=[need.index for _, need in lacking],
            calendars=[working for _, working in self._machines.calendars.values()],
            as_of=self._as_of,
            campaigns=self._machines.campaigns(options),
        )

    def _demands(
        self,
        items: Sequence[Item],
        weights: Weights | MoneyWeights,
        lacking: Sequence[tuple[int, Need]],
        levels: Sequence[tuple[int, int, int]],
    ) -> dict[str, np.ndarray]:
        """All demands, what existing orders lack, and what stock levels want.

        What orders that stand lack weighs most, what stock levels want nothing. The run
        nets the demands for products that are bought: here they ask for nothing.
        """
        wanted: dict[int, Need] = {}
        for need in self._run.release.needs:
            stands_in = need.index in self._run.release.covered
            if need.demand < 0 or stands_in:
                continue
            if wanted.setdefault(need.demand, need) is not need:
                refuse("a demand is wanted in several parts")
        there, rows = self._there(), []
        for demand in self._run.intake.demands:
            number = self._number[id(self._run.model.node(demand.node))]
            asked = wanted.get(demand.index)
            qty = floor = 0
            if asked is not None and items[number].lead < 0:
                qty, floor = asked.open, there.get(demand.index, 0)
            weight = weights.of(demand)
            due, shelf = demand.due - self._as_of, demand.min_shelf
            rows.append((number, qty, due, weight, shelf, floor))
        most = max((row[3] for row in rows), default=1)
        rows += [
            (number, need.open, need.instant - self._as_of, most, 0, 0)
            for number, need in lacking
        ]
        rows += [(*level, 0, 0, 0) for level in levels]
        columns = np.array(rows, np.int64).reshape(-1, 6).T
        names = ("d_item", "d_qty", "d_due", "d_weight", "d_shelf", "d_floor")
        return {n: c.copy() for n, c in zip(names, columns, strict=True)}

    def _there(self) -> dict[int, int]:
        """When what demands were given already is there [s since now]."""
        release, found = self._run.release, dict[int, int]()
        for need, unit in zip(release.match_need, release.match_unit, strict=True):
            there = release.units[unit].arrives - self._as_of
            demand = release.needs[need].demand
            found[demand] = max(found.get(demand, 0), there)
        return found

    # --- nodes ---------------------------------------------------------------------
    def _items_of(self, number: int) -> list[int]:
        """Numbers of a product and its sources, without earlier steps."""
        return sorted({number, *self._sources.get(number, ())})

    def _ways_of(self, node: Node) -> Sequence[SupplyAlternative]:
        """Sources of a product by preference."""
        ways: Sequence[SupplyAlternative] = self._run.model.ways(node)
        if node.shared:
            # The others take nothing (rule 8).
            ways = [way for way in ways if way.source.share]
        if not ways:
            return ways
        for way in ways:
            if way.source.kind == "make" and way.source.fence_days < 0:
                refuse(f"{way.source.source} may start in the past")
        if all(way.source.kind == "buy" for way in ways):
            return [self._counted_on(node, ways)]
        if node.shared and len(ways) > 1:
            refuse(f"{node.key} has shares")
        for way in ways:
            if not way.always:
                refuse(f"{way.source.source} has a validity")
            if way.source.kind == "buy" and self._run.release.limited(way.source):
                refuse(f"{way.source.source} has a limit")
            check_rules(node, way)
        # Where one is cheaper for much and another for little, a lot of each counts.
        size = max(max(way.source.min_lot, 1) for way in ways)
        ranked = self._run.release.ranked(ways, node, size)
        return [one for way in ranked for one in by_lines(self._run, way, self._last)]

    def _counted_on(
        self, node: Node, ways: Sequence[SupplyAlternative]
    ) -> SupplyAlternative:
        """Supplier by whose lead time what is only bought is there, whoever sells it.

        The run nets it, with all rules of stock and lots: it takes the preferred
        supplier that is in time, else the first one. Of shares each one sells some.
        """
        first = max if node.shared else min
        return first(ways, key=lambda way: self._lead(way.source))

    def _items(self, node: Node, number: int) -> list[Item]:
        """Read a product: one item for each step of its routing, the last one first.

        Where it has several sources they have items of their own, after that of all.
        """
        numbers = self._sources.get(number)
        if numbers is None:
            # Nobody takes what it holds: the run nets it as what is bought.
            return [Item(lead=0, options=[Option()])]
        item = self._stocked(node, [self._ways[one] for one in numbers])
        value = (self._run.model.unit_cost(node.key[0]) or 1.0) * node.step
        item.each_day = round(value * node.rules.holding_rate * MONEY / DAYS_PER_YEAR)
        if not numbers:
            # Nothing brings it anew: the run shares out what stands.
            item.lead, item.options = UNSUPPLIED, [Option()]
            return [item]
        if numbers == [number]:
            found = self._source(node, item, number)
            if self._ways[number].source.kind == "buy":
                # The run nets it: all that counts is from when on it is there.
                item.lead, item.options = item.floor + item.options[0].fixed, [Option()]
                item.life = FAR
            return found
        item.options.append(Option())
        item.sources = tuple(numbers)
        return [
            item,
            *(
                one
                for own in numbers
                for one in self._source(node, Item(apart=item.apart), own)
            ),
        ]

    def _stocked(self, node: Node, ways: Sequence[SupplyAlternative]) -> Item:
        """Read what stands of a product, and its stock levels."""
        if len(ways) < 2 and all(way.source.kind == "buy" for way in ways):
            # What is only bought, or comes from nowhere, is netted by the run.
            lead = self._lead(ways[0].source) if ways else UNSUPPLIED
            found = self._standing.of_netted(node, self._as_of + lead)
            return Item(supplies=found)
        item = Item(supplies=self._standing.of(node), apart=int(node.make_to_order))
        item.lacking = list(self._standing.lacking(node))
        item.levels = self._levels(node)
        levels = self._run.stock_levels(node)
        if levels.batch_days:
            self._check_days(node)
            item.cover = levels.window_end(self._as_of) - self._as_of
        return item

    def _check_days(self, node: Node) -> None:
        """Refuse days of a place that are not simply 24 hours."""
        days = self._run.providers.sourcing.location_time(node.key[1])
        if not days.always_open or not days.zone.constant:
            refuse(f"{node.key} counts working days")

    def _source(self, node: Node, item: Item, number: int) -> list[Item]:
        """Read a source into its item; the earlier steps of a make come after it."""
        way = self._ways[number]
        source = way.source
        item.grain = max(source.multiple, lot_size(node))
        item.least = max(source.min_lot, 1)
        item.most = source.max_lot or 0
        item.life = FAR if node.shelf_life is None else node.shelf_life
        if source.kind != "buy" and source.safety_days:
            self._check_days(node)
            item.soft = seconds_up(source.safety_days, DAY)
        floor = self._run.release.floor(source) - self._as_of
        if source.kind == "make":
            made = self._make(item, way, number, floor)
            add_prices(made, source)
            return made
        item.floor = floor
        if way.origin is not None:
            item.carries = 1
            largest = self._run.release.largest(source)
            if largest == 0:
                refuse(f"{source.source} carries less than a least lot")
            if largest is not None:
                item.most = min(item.most or largest, largest)
            option, item.post = self._lanes.option(source)
            item.options.append(option)
            self._taken[number] = (StepComponent(0, way.origin),)
            item.below = (self._part(*self._taken[number]),)
            item.needs = (0,)
        else:
            item.options.append(Option(fixed=self._lead(source) - floor))
        add_prices([item], source)
        return [item]

    def _levels(self, node: Node) -> list[tuple[int, int]]:
        """What has to be in stock from an instant on, each time more."""
        if node.rules.is_plain:
            return []
        found: list[tuple[int, int]] = []
        levels, kept = self._run.stock_levels(node), 0
        for moment in sorted(levels.moments()):
            wanted = levels.wanted(moment)
            if wanted < kept:
                refuse(f"{node.key} has a stock level that falls")
            if wanted > kept:
                found.append((wanted - kept, moment - self._as_of))
            kept = wanted
        return found

    def _lead(self, source: Source) -> int:
        """When what is bought now is there, in any quantity [s since now].

        What is wanted later is ordered later, or as late as its terms still hold: it is
        there by any later instant.
        """
        floor = self._run.release.floor(source)
        offers = (
            (source.clock.earliest(max(begin, floor), MOST_BOUGHT), end)
            for begin, end in source.windows
        )
        found = [one.finish for one, end in offers if one and one.start < end]
        if not found:
            refuse(f"{source.source} delivers no more")
        return found[0] - self._as_of

    def _make(
        self, product: Item, way: SupplyAlternative, number: int, floor: int
    ) -> list[Item]:
        name = way.source.source
        if self._tools and self._run.providers.capacity.held(name):
            refuse(f"{name} keeps a tool")
        beside = [one.node for one in way.yields[1:]]
        if any(self._counts_on(node) for node in beside):
            refuse(f"{name} gives what is made or lacks a source as well")
        tasks = self._routings[number]
        links = self._run.providers.capacity.compiled(name).network.links
        made = [product, *(Item(grain=product.grain) for _ in tasks[1:])]
        product.steps = len(made)
        self._taken[number] = taken = self._components(name, way, tasks)
        for place, task in enumerate(tasks):
            item = made[len(tasks) - 1 - place]
            self._step(item, way, task)
            for option in item.options:
                largest = self._machines.largest(
                    item.grain, way.yields[0].node, task, option
                )
                if largest >= product.least:
                    product.most = min(product.most or largest, largest)
            if place + 1 < len(tasks):
                # What follows takes all of it at once, when it has queued.
                lag, queue = links[place].lag, tasks[place + 1].node.queue
                item.post += lag + queue
            if place:
                item.below = (Part(number + len(tasks) - place, 1, 0, 1),)
                item.needs = (-1,)
            own = [need for need, one in enumerate(taken) if one.step == place]
            item.needs += tuple(own)
            item.below += tuple(self._part(taken[need]) for need in own)
            if len({part.c_item for part in item.below}) < len(item.below):
                refuse(f"{name} takes a component twice in a step")
        product.y_each, product.y_more, product.y_over = numbers_given(
            way, product.most
        )
        for item in made:
            item.apart = product.apart
        first = made[-1]
        first.queue = product.queue = tasks[0].node.queue
        first.floor = floor + first.queue
        return made

    def _counts_on(self, node: Node) -> bool:
        """Whether a search would have to know what falls out of a product."""
        if node.rules.unlimited or not self._standing.wanted(node):
            return False
        ways = self._run.model.ways(node)
        return not ways or any(way.source.kind != "buy" for way in ways)

    def _part(self, taken: StepComponent) -> Part:
        return Part(self._number[id(taken.node)], *taken.numbers)

    def _components(
        self, routing: str, way: SupplyAlternative, tasks: Sequence[RoutingTask]
    ) -> tuple[StepComponent, ...]:
        """Components that orders take when their steps begin, by step."""
        places = {task.node.step: place for place, task in enumerate(tasks)}
        found: list[StepComponent] = []
        for group in way.intakes:
            one = line_taken(self._run, group, self._last)
            line = one.component
            if line.valid_to <= self._as_of:
                continue
            if line.valid_from > self._as_of or line.valid_to <= self._last:
                refuse(f"{routing} has dated components")
            if line.anchor != "start" or line.offset_minutes:
                refuse(f"{routing} takes a component otherwise than at a start")
            if max(line.numerator, line.addend) > MOST_EACH:
                refuse(f"{routing} takes very much of a component")
            if line.numerator or line.addend:
                step = 0 if line.step is None else places[line.step]
                found.append(StepComponent(step, one.node, line))
        return tuple(sorted(found, key=lambda one: one.step))

    def _tasks(self, routing: str) -> tuple[RoutingTask, ...]:
        """Steps of a routing, where they simply follow each other."""
        compiled = self._run.providers.capacity.compiled(routing)
        outlet = compiled.outlets[0]
        if len(compiled.outlets) > 1 or not outlet.plain:
            refuse(f"{routing} gives its product otherwise than at its end")
        if not compiled.tasks or not compiled.network.is_chain:
            refuse(f"{routing} has no steps in a row")
        return compiled.tasks

    def _step(self, item: Item, way: SupplyAlternative, task: RoutingTask) -> None:
        """Read time, calendar and machine of a step, by each of its options."""
        node, periods, routing = task.node, task.plan.epochs, way.source.source
        if len(periods) != 1 or not periods[0].options:
            refuse(f"{routing} has other resources at other times")
        if task.fixed_window is not None or node.batch is not None:
            refuse(f"{routing} has overlapping or given steps")
        item.post = node.move
        item.ranked = int(node.rule != "earliest")
        taken = list(periods[0].options)
        if node.rule == "cost":
            taken.sort(key=lambda option: large_cost(task, option))
        item.options = [
            self._machines.option(item.grain, way, task, one) for one in taken
        ]
        for option in item.options:
            if option.hourly and option.machine >= 0:
                self._lanes.count_hours(option)
