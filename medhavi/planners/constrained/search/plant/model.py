"""Turn a run into a plant of plain numbers, where that says all there is to say.

What the search knows: products at places and their sources by preference, while they
are valid; makes of steps in a row, each on one unit of a finite machine, of those that
it may choose from, of each of several at a time, on hours of a bucket, or on none, in
open time, changed over between families; purchases with a fixed lead time, by any rule
of stock and lots; stock and scheduled receipts; stock levels of what is made that do
not fall; existing orders that stand on their dates; lots of a least and a largest size
and a multiple; what is lost by yields. What shares, lots and levels want otherwise it
says nearly, and the run nets it anew. Anything else is planned by the general way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained.deliveries import in_parts, latest_of
from medhavi.planners.constrained.search.found_orders import StepComponent
from medhavi.planners.constrained.search.plant.demand_tree import largest_tree
from medhavi.planners.constrained.search.plant.items import (
    ITEM_FIELDS,
    OPTION_FIELDS,
    Item,
    Lanes,
    Part,
    add_prices,
    check_depth,
    columns,
    first_levels,
    mortal,
    planned_lots,
    price,
    ready_alone,
    shared_parts,
    standing,
)
from medhavi.planners.constrained.search.plant.machines import (
    Campaigns,
    Machines,
    refuse,
)
from medhavi.planners.constrained.search.plant.options import (
    Option,
    machines_together,
    with_units,
)
from medhavi.planners.constrained.search.plant.routings import (
    components_by_step,
    large_cost,
    steps_in_tree,
    taken_in,
)
from medhavi.planners.constrained.search.plant.sources import (
    UNSUPPLIED,
    Sources,
    lot_size,
    other_lots,
)
from medhavi.planners.constrained.search.plant.supplies import (
    StandingSupplies,
    StandingSupply,
    lasting_levels,
    lend_to_demands,
    replaced_anew,
    there_for_demands,
)
from medhavi.planners.kernels.plant_kernels.plant_record import FAR, Plant
from medhavi.planners.mrp.netting_state.state import Node, SupplyAlternative
from medhavi.providers.capacity.axis import ResourceOption
from medhavi.providers.capacity.schedule import RoutingTask
from medhavi.snapshot.calendars.calendars import WorkingTime
from medhavi.units import DAYS_PER_YEAR, NEVER

if TYPE_CHECKING:
    from medhavi.planners.constrained.orders.weighing import MoneyWeights, Weights
    from medhavi.planners.constrained.search.found_orders import SearchableRun
    from medhavi.planners.mrp.netting_state.state import Demand, Need
    from medhavi.providers.capacity.network import PrecedenceLink
    from medhavi.providers.sources import Source


DEMAND_COLUMNS = (
    *("d_item", "d_qty", "d_due", "d_weight"),
    *("d_shelf", "d_floor", "d_latest", "d_missing"),
)
MOST_BELOW = 2000
"""Orders of one demand at most: what a move takes out must be small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A plant, and what its numbers stand for.

    `tree` is how many orders one demand has at most, as of `largest_tree`. `nodes` are
    the products in order of planning and `items` their numbers in the
    plant; `sources` are the items whose orders bring them: themselves, or where there
    are several those after them. The item of a make is its last step, the earlier steps
    have the numbers after it. Of each item, `serves` is the number of what is asked of
    it, `product` the last step of its routing, `steps` how many items that has, the
    first one last; `ways` are the sources, `taken` what each of their orders needs,
    `needs` which of that each component of the plant is (-1: the step before),
    `routings` their steps, `options` what the work of each option takes, and `queues`
    the time between release and start of the work of a first step [s]. `machines` are
    the names of the machines, `stops` when each unit is down or at work [UTC s],
    `supplies` what stands, `calendars` the open times by their numbers. Of the demands
    of the plant, `demands` are those of the run (`in_parts` 1: what is there need not
    wait); behind them come `lacking`, needs of existing orders, by index, and what
    stock levels want. `netted` are the products that the run nets anew, though they are
    made or moved.
    """

    plant: Plant
    tree: int
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
    calendars: Mapping[int, WorkingTime]
    campaigns: Campaigns
    as_of: int
    demands: int
    in_parts: np.ndarray
    netted: Collection[int]

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
    return _Reading(run).model(weights)


class _Reading:
    def __init__(self, run: SearchableRun) -> None:
        self._run = run
        self._as_of = run.as_of
        last = max((demand.due for demand in run.intake.demands), default=self._as_of)
        self._last = last
        self._machines = Machines(run, last)
        self._lanes = Lanes(run, last)
        self._number: dict[int, int] = {}
        self._nodes: list[Node] = []
        self._sources: dict[int, list[int]] = {}
        self._ways: dict[int, SupplyAlternative] = {}
        self._routings: dict[int, tuple[RoutingTask, ...]] = {}
        self._links: dict[int, list[PrecedenceLink]] = {}
        self._taken: dict[int, tuple[StepComponent, ...]] = {}
        self._levels_of = cache(run.stock_levels)
        self._netted: set[int] = set()
        """Products that the run nets, though they are made, moved or fall out."""
        self._offers = Sources(run, last)
        lend_to_demands(run)
        run.release.replaced = frozenset(replaced_anew(run))
        self._standing = StandingSupplies(run, self._offers, last)
        count = 0
        for cluster in run.clusters:
            self._number[id(cluster[0])] = count
            self._nodes.append(cluster[0])
            idle = run.replenished.isdisjoint(node.key for node in cluster)
            if idle or all(node.rules.unlimited for node in cluster):
                count += 1
                continue
            why = self._offers.why_netted(cluster[0])
            if why:
                run.approximate(why)
                self._netted.add(count)
            if self._offers.why_unstated(cluster[0]):
                count += 1
                continue
            ways = self._offers.of(cluster[0])
            own = self._sources[count] = []
            count += len(ways) != 1 or self._offers.restricts(cluster[0])
            for way in ways:
                own.append(count)
                self._ways[count] = way
                if way.source.kind == "make":
                    tasks, links = steps_in_tree(run, way.source.source)
                    self._routings[count], self._links[count] = tasks, links
                    count += max(len(tasks) - 1, 0)
                count += 1
        self._carried = Counter(way.source.source for way in self._ways.values())

    def model(self, weights: Weights | MoneyWeights) -> Model:
        """Read all items and demands."""
        products = [self._number[id(node)] for node in self._nodes]
        items: list[Item] = []
        for node, number in zip(self._nodes, products, strict=True):
            items += self._items(node, number)
        self._net_below(items)
        check_depth(items)
        sources = [item.sources or (number,) for number, item in enumerate(items)]
        serves = np.arange(len(items))
        for number, item in enumerate(items):
            serves[list(item.sources)] = number
        steps = np.array([item.steps for item in items], np.int64)
        lasts = [one for number in products for one in self._items_of(number)]
        last_steps = np.repeat(lasts, steps[lasts]).astype(np.int64)
        alone = [one for item in items for one in item.options]
        options, unit = with_units(alone)
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
        every = [*options, *(block for _, block in blocks)]
        units = [calendar for one in alone for calendar in one.calendars]
        windows = self._lanes.windows(
            self._machines.windows(), every, len(alone), units
        )
        plant = Plant(
            order=np.arange(len(items)),
            mortal=mortal(items),
            a_start=np.cumsum([0, *map(len, sources)]),
            a_item=np.array([one for several in sources for one in several], np.int64),
            a_ready=ready_alone(items, sources, self._as_of),
            x_start=np.cumsum([0, *(len(item.options) for item in items)]),
            **columns(items, ITEM_FIELDS),
            **planned_lots(items),
            **columns(every, OPTION_FIELDS),
            unit=np.append(unit, np.full(len(blocks), -1, np.int64)),
            **machines_together(every, len(self._machines.numbers)),
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
            worth=np.array([self._run.decisions.worth * weights.worth]),
            **windows,
        )
        tree = largest_tree(plant)
        if tree > MOST_BELOW:
            refuse("a product has too many parts")
        priority = [demand.priority for demand in demands]
        first, last = min(priority, default=1), max(priority, default=1) + 1
        more = [first] * len(lacking) + [last] * len(levels)
        return Model(
            plant=plant,
            tree=tree,
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
            calendars=self._calendars(),
            as_of=self._as_of,
            netted=self._netted,
            campaigns=self._machines.campaigns(options),
        )

    def _net_below(self, items: Sequence[Item]) -> None:
        """Net also what goes into what is netted, where its lots are others than found.

        Shares are of the same lots, or nearly.
        """
        for node in self._nodes:
            netted = self._number[id(node)] in self._netted
            if netted and not self._offers.shares(node):
                for key in self._run.model.takes_from(node):
                    number = self._number[id(self._run.model.node(key))]
                    if items[number].lead < 0:
                        self._netted.add(number)

    def _calendars(self) -> dict[int, WorkingTime]:
        """Open time by its number, of all that is not always open."""
        known = dict(self._machines.calendars.values())
        within = self._lanes.within.items()
        return known | {own: known[part] for own, part in within if part >= 0}

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
                self._run.approximate("a demand is wanted in several parts")
        there, rows = there_for_demands(self._run), []
        for demand in self._run.intake.demands:
            number = self._number[id(self._run.model.node(demand.node))]
            asked = wanted.get(demand.index)
            qty = floor = 0
            if asked is not None and items[number].lead < 0:
                own = self._asked_of(asked, number)
                if own >= 0:
                    number, qty = own, asked.open
                floor = there.get(demand.index, 0)
            due, shelf = demand.due - self._as_of, demand.min_shelf
            asks = number, qty, due, weights.of(demand), shelf, floor
            rows.append((*asks, *self._accepted(demand, weights)))
        most = max((row[3] for row in rows), default=1)
        rows += [
            (number, need.open, need.instant - self._as_of, most, 0, 0, FAR, 0)
            for number, need in lacking
        ]
        rows += [(*level, 0, 0, 0, FAR, 0) for level in levels]
        columns = np.array(rows, np.int64).reshape(-1, len(DEMAND_COLUMNS)).T
        return {n: c.copy() for n, c in zip(DEMAND_COLUMNS, columns, strict=True)}

    def _accepted(
        self, demand: Demand, weights: Weights | MoneyWeights
    ) -> tuple[int, int]:
        """Until when a demand accepts goods, and what it weighs if none come."""
        latest = latest_of(demand)
        if latest == NEVER:
            return FAR, 0
        return latest - self._as_of, weights.missing(demand, latest - demand.due)

    def _asked_of(self, need: Need, number: int) -> int:
        """Item that a need asks for: a product, or one of its sources; -1: none."""
        if not need.open or not self._offers.restricted(need):
            return number
        for one in self._sources[number]:
            if self._offers.serves(self._ways[one], need):
                return one
        self._run.approximate(f"{need.node.key} is asked of some of its supply alone")
        return -1

    # --- nodes ---------------------------------------------------------------------
    def _items_of(self, number: int) -> list[int]:
        """Numbers of a product and its sources, without earlier steps."""
        return sorted({number, *self._sources.get(number, ())})

    def _items(self, node: Node, number: int) -> list[Item]:
        """Read a product: one item for each step of its routing, the last one first.

        Where it has several sources they have items of their own, after that of all.
        """
        numbers = self._sources.get(number)
        if numbers is None and number in self._netted:
            lead = self._offers.lead(node)
            there = self._standing.of_netted(node, self._as_of + lead)
            return [Item(supplies=there, lead=lead, options=[Option()])]
        if numbers is None:
            # Nobody takes what it holds: the run nets it as what is bought.
            return [Item(lead=0, options=[Option()])]
        item = self._stocked(node, number, [self._ways[one] for one in numbers])
        item.apart = int(node.make_to_order and number not in self._netted)
        value = (self._run.model.unit_cost(node.key[0]) or 1.0) * float(node.step)
        item.each_day = price(value * node.rules.holding_rate / DAYS_PER_YEAR)
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
        if self._offers.shares(node):
            # It takes of each of them, as the run nets it.
            self._netted.update(numbers)
            shares = [self._ways[one].source.share or 0 for one in numbers]
            item.below = shared_parts(numbers, shares)
            item.needs = (-1,) * len(numbers)
        else:
            item.sources = tuple(numbers)
        return [
            item,
            *(
                one
                for own in numbers
                for one in self._source(node, Item(apart=item.apart), own)
            ),
        ]

    def _stocked(
        self, node: Node, number: int, ways: Sequence[SupplyAlternative]
    ) -> Item:
        """Read what stands of a product, and its stock levels."""
        if len(ways) < 2 and all(way.source.kind == "buy" for way in ways):
            # What is only bought, or comes from nowhere, is netted by the run.
            lead = self._offers.bought(ways[0].source) if ways else UNSUPPLIED
            found = self._standing.of_netted(node, self._as_of + lead)
            return Item(supplies=found)
        item = Item(supplies=self._standing.of(node))
        item.lacking = list(self._standing.lacking(node))
        levels = self._levels_of(node)
        item.levels, why = lasting_levels(node, levels, self._as_of)
        if why:
            self._netted.add(number)
            self._run.approximate(why)
        if levels.lots:
            item.lots = tuple(at - self._as_of for at in levels.lots)
            item.cover = FAR
        elif levels.batch_days:
            item.cover = levels.window_end(self._as_of) - self._as_of
        return item

    def _source(self, node: Node, item: Item, number: int) -> list[Item]:
        """Read a source into its item; the earlier steps of a make come after it."""
        way = self._ways[number]
        source = way.source
        lot = 1 if other_lots(node, way) else lot_size(node)
        item.grain = max(source.multiple, lot)
        item.least = max(source.min_lot, self._levels_of(node).eoq or 1)
        item.most = source.max_lot or 0
        item.life = FAR if node.shelf_life is None else node.shelf_life
        # Stock for so many days of needs is there as long before them.
        safety = node.rules.safety_days
        if source.kind != "buy":
            safety += source.safety_days
        if safety:
            item.soft = self._offers.lasts(node, safety)
        floor = self._run.release.floor(source) - self._as_of
        if source.kind == "make":
            made = self._make(item, way, number, floor)
            add_prices(made, source)
            return made
        item.floor = floor
        largest = self._run.release.largest(source)
        if largest:
            item.most = min(item.most or largest, largest)
        if way.origin is not None:
            item.carries = 1
            option, item.post = self._lanes.option(source)
            item.options.append(option)
            self._taken[number] = (StepComponent(0, way.origin),)
            item.below = (self._part(*self._taken[number]),)
            item.needs = (0,)
        else:
            item.options.append(Option(fixed=self._offers.bought(source) - floor))
        add_prices([item], source, self._carried[source.source])
        return [item]

    def _make(
        self, product: Item, way: SupplyAlternative, number: int, floor: int
    ) -> list[Item]:
        name = way.source.source
        tasks = self._routings[number]
        links = self._links[number]
        made = [product, *(Item(grain=product.grain) for _ in tasks[1:])]
        product.steps, last = len(made), len(made) - 1
        taken = components_by_step(self._run, way, tasks, self._last)
        self._taken[number] = taken
        for place, task in enumerate(tasks):
            item = made[last - place]
            self._step(item, way, task)
            for option in item.options:
                largest = self._machines.largest(
                    item.grain, way.yields[0].node, task, option
                )
                if largest >= product.least:
                    product.most = min(product.most or largest, largest)
            if place < last:
                # What follows takes all of it at once, when it has queued.
                link = links[place]
                item.post += max(link.lag, 0) + tasks[link.later].node.queue
            before = [at for at, link in enumerate(links) if link.later == place]
            if not before:
                item.queue = task.node.queue
                item.floor = max(floor, 0) + item.queue
            own = taken_in(taken, place)
            item.below = tuple(Part(number + last - at, 1, 0, 1) for at in before)
            item.below += tuple(self._part(taken[need]) for need in own)
            item.needs = (*(-1 for _ in before), *own)
        if not tasks:
            own = taken_in(taken, 0)
            product.options, product.floor = [Option()], max(floor, 0)
            product.below = tuple(self._part(taken[need]) for need in own)
            product.needs = tuple(own)
        output = way.yields[0].gain.outputs[0]
        product.y_each, product.y_more = output.numerator, output.addend
        product.y_over = output.denominator
        if product.most and not output.steps(product.most):
            refuse(f"{name} gives nothing by its largest lot")
        for item in made:
            item.apart = product.apart
        product.queue = made[-1].queue
        if not way.always:
            self._within(made[-1], way.source)
        return made

    def _within(self, first: Item, source: Source) -> None:
        """Begin the first step of a make only while its routing is valid."""
        zero = self._as_of - first.queue
        for option in first.options:
            if option.hourly:
                self._run.approximate(f"{source.source} has a validity")
            # Without any length it may begin at an end, where it is valid no more.
            early = int(option.fixed + option.rate == 0)
            option.within = tuple(
                (
                    -FAR if begin <= self._as_of else begin - zero,
                    FAR if end == NEVER else end - zero - early,
                )
                for begin, end in source.windows
            )
        begin = source.windows[0][0]
        first.floor = max(first.floor, begin - zero)

    def _part(self, taken: StepComponent) -> Part:
        return Part.of(self._number[id(taken.node)], taken.numbers)

    def _step(self, item: Item, way: SupplyAlternative, task: RoutingTask) -> None:
        """Read time, calendar and machine of a step, by each of its options."""
        node = task.node
        item.post, item.ranked = node.move, int(node.rule != "earliest")
        periods = [one for one in task.plan.epochs if one.options]
        if not periods:
            # Nobody can do it at any time.
            item.options = [Option(fixed=UNSUPPLIED)]
            return
        usual = [(one.start, one.finish, one.options) for one in periods]
        taken = list(self._machines.usual(usual))
        if node.rule == "cost":
            taken.sort(key=lambda option: large_cost(task, option))
        item.options = [
            self._machines.option(item.grain, way, task, one) for one in taken
        ]
        for option in item.options:
            if option.hourly and option.machine >= 0:
                self._lanes.count_hours(option)
