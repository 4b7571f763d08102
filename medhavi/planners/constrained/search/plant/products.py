"""The products of a plant: their numbers and sources, and the items that they are.

What a run of the same products and sources read last is kept for the next one: there
only what stands, and what stock levels want, is read again.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.planners.constrained.memory import StepComponent
from medhavi.planners.constrained.search.plant.items import (
    Item,
    Part,
    add_prices,
    price,
    shared_parts,
)
from medhavi.planners.constrained.search.plant.lanes import LaneRows, Lanes
from medhavi.planners.constrained.search.plant.machines import Machines, refuse
from medhavi.planners.constrained.search.plant.options import Option
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
    freed_supplies,
    lend_to_demands,
    level_requirements,
    replaced_anew,
)
from medhavi.planners.kernels.plant_kernels.plant_record import FAR
from medhavi.units import DAYS_PER_YEAR, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.planners.constrained.search.plant.machines import MachineNumbers
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.mrp.netting_state.state import Node, SupplyAlternative
    from medhavi.providers.capacity.network import PrecedenceLink
    from medhavi.providers.capacity.schedule import RoutingTask
    from medhavi.providers.sources import Window


class ReadItems(NamedTuple):
    """Items of a product by its sources, and what they say only nearly.

    `lot` is the economic one of the product, which depends on what is wanted;
    `machines` are those of their options, by number.
    """

    items: list[Item]
    nearly: tuple[str, ...]
    lot: int | None
    machines: set[int]


class ProductsRead(NamedTuple):
    """Items of products as they were read, whatever stood and was wanted.

    Attributes
    ----------
    asked
        What numbers them: products, sources, and which of them are netted.
    machines, lanes
        What their options name.
    taken
        What orders of each source take, as of `Model`.
    items
        By the number of the product.
    columns
        Parts of the plant that say nothing else, by name.
    """

    asked: tuple[object, ...]
    machines: MachineNumbers
    lanes: LaneRows
    taken: dict[int, tuple[StepComponent, ...]]
    items: dict[int, ReadItems]
    columns: dict[str, Any]


class Products:
    """Products of a run with their numbers, and their items one after the other.

    Parameters
    ----------
    run
        A run that is built and not netted yet.
    """

    def __init__(self, run: SearchableRun) -> None:
        self._run = run
        self._as_of = run.as_of
        last = max((demand.due for demand in run.intake.demands), default=self._as_of)
        self._last = last
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
        for (node,) in run.clusters:
            self._number[id(node)] = count
            self._nodes.append(node)
            count = self._numbered(node, count)
        self._carried = Counter(way.source.source for way in self._ways.values())
        self._asked = self._asked_now()
        self._others: set[int] = set()
        """Machines that have other calendars than when items were read."""
        self._read = self._read_before()

    def _numbered(self, node: Node, count: int) -> int:
        """Number the sources of a product; the number that is free behind them."""
        run, offers = self._run, self._offers
        if node.key not in run.replenished or node.rules.unlimited:
            return count + 1
        why = offers.why_netted(node)
        if why:
            run.approximate(why)
            self._netted.add(count)
        if offers.why_unstated(node):
            return count + 1
        ways = offers.of(node)
        own = self._sources[count] = []
        # Several sources have items of their own, behind that of the product; also one,
        # where some demand may not take all that there is of the product.
        count += len(ways) != 1 or offers.restricts(node)
        for way in ways:
            own.append(count)
            self._ways[count] = way
            if way.source.kind == "make":
                tasks, links = steps_in_tree(run, way.source.source)
                self._routings[count], self._links[count] = tasks, links
                count += max(len(tasks) - 1, 0)
            count += 1
        return count

    def _asked_now(self) -> tuple[object, ...]:
        """What the items of all products depend on, beside the tables."""
        rules = self._run.campaign_rules
        return (
            self._nodes,
            self._sources,
            self._ways,
            frozenset(self._netted),
            None if rules is None else rules.stated,
        )

    def _read_before(self) -> ProductsRead:
        """What was read last, where the same was asked; else nothing yet."""
        run, last, kept = self._run, self._last, self._run.facts(self._last).products
        self._machines = Machines(run, last)
        # Taken out while it is in use: its items are changed in place.
        read = kept.pop() if kept else None
        if read is None or read.asked != self._asked:
            met, lanes = self._machines.met(), LaneRows()
            read = ProductsRead(self._asked, met, lanes, self._taken, {}, {})
        self._others = self._machines.meet(read.machines)
        self._lanes = Lanes(run, last, read.lanes)
        self._taken = read.taken
        return read

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        """Part of the plant by its name: made where it is not known from before."""
        columns = self._read.columns
        if name not in columns:
            columns[name] = make()
        return columns[name]

    def _keep_read(self) -> None:
        """Keep what was read for the next run; records of this one are let go."""
        for one in self._read.items.values():
            first = one.items[0]
            first.supplies, first.lacking, first.levels = [], [], []
        self._run.facts(self._last).products.append(self._read)

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
        if numbers not in ([], [number]) and self._offers.shares(node):
            # It takes of each of them, as the run nets it.
            self._netted.update(numbers)
        known = self._read.items.get(number)
        lot = self._levels_of(node).eoq if numbers else None
        if (
            known is not None
            and lot == known.lot
            and self._others.isdisjoint(known.machines)
        ):
            for why in known.nearly:
                self._run.approximate(why)
            return self._restocked(known.items, item)
        # Columns are made of all items: one that is read anew changes them.
        self._read.columns.clear()
        heard = len(self._run.heard)
        found = self._by_sources(node, item, number, numbers)
        nearly = tuple(dict.fromkeys(self._run.heard[heard:]))
        options = [option for one in found for option in one.options]
        machines = {one.machine for one in options}.union(*(o.beside for o in options))
        self._read.items[number] = ReadItems(found, nearly, lot, machines)
        return found

    @staticmethod
    def _restocked(items: list[Item], item: Item) -> list[Item]:
        """Items that are known, with what stands of their product now."""
        first = items[0]
        first.supplies, first.lacking = item.supplies, item.lacking
        first.levels, first.lots, first.cover = item.levels, item.lots, item.cover
        for one in items:
            one.apart = item.apart
        return items

    def _by_sources(
        self, node: Node, item: Item, number: int, numbers: Sequence[int]
    ) -> list[Item]:
        """Read the sources of a product: one that is alone is the item itself."""
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
        wanted = level_requirements(node, levels, self._as_of)
        item.levels = [*wanted.rises]
        if wanted.falls:
            more = [*item.supplies, *freed_supplies(node, wanted, self._as_of)]
            item.supplies = sorted(more, key=lambda one: one.unit.available)
        if wanted.why:
            self._netted.add(number)
            self._run.approximate(wanted.why)
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
            carried = StepComponent(0, way.origin)
            self._taken[number] = (carried,)
            item.below = (self._part(carried, carried.numbers),)
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
                # Less than a least lot would be no order at all.
                if largest >= max(way.source.min_lot, 1):
                    product.most = min(product.most or largest, largest)
            if place < last:
                # What follows takes all of it at once, when it has queued.
                link = links[place]
                # A negative lag is an overlap, which a plant cannot say: the next step
                # waits.
                item.post += max(link.lag, 0) + tasks[link.later].node.queue
            before = [at for at, link in enumerate(links) if link.later == place]
            if not before:
                item.queue = task.node.queue
                item.floor = max(floor, 0) + item.queue
            own = taken_in(taken, place)
            item.below = tuple(Part(number + last - at, 1, 0, 1) for at in before)
            item.below += tuple(self._part(taken[need], all_) for need, all_ in own)
            item.needs = (*(-1 for _ in before), *(need for need, _ in own))
        if not tasks:
            own = taken_in(taken, 0)
            product.options, product.floor = [Option()], max(floor, 0)
            product.below = tuple(self._part(taken[need], all_) for need, all_ in own)
            product.needs = tuple(need for need, _ in own)
        if product.most:
            # An economic lot that no opening has time for is cut.
            product.least = min(product.least, product.most)
        output = way.yields[0].gain.outputs[0]
        product.y_each, product.y_more = output.numerator, output.addend
        product.y_over = output.denominator
        if product.most and not output.steps(product.most):
            refuse(f"{name} gives nothing by its largest lot")
        for item in made:
            item.apart = product.apart
        product.queue = made[-1].queue
        self._within(made, way, tasks)
        return made

    def _within(
        self, made: Sequence[Item], way: SupplyAlternative, tasks: Sequence[RoutingTask]
    ) -> None:
        """Begin the steps of a make only while its routing, and its lines, hold."""
        name, last = way.source.source, len(made) - 1
        if not way.always:
            zero = self._as_of - made[-1].queue
            self._begin_within(made[-1], name, way.source.windows, zero, made[0].least)
        for place, task in enumerate(tasks):
            span = way.step_spans.get(task.node.step)
            if span is not None:
                item = made[last - place]
                self._begin_within(item, name, (span,), self._as_of, made[0].least)

    def _begin_within(
        self, first: Item, name: str, windows: Sequence[Window], zero: int, least: int
    ) -> None:
        """Begin a step of a routing only within spans.

        They count from the instant `zero` [UTC s]; `least` is the least order [units].
        """
        for option in first.options:
            if option.hourly:
                self._run.approximate(f"{name} has a validity")
            # At an end it is valid no more: nothing begins there, also what has no
            # length. The least order that begins before goes on after it.
            length = option.fixed + -(-least // first.grain) * option.rate
            length = -(-length // option.scale)
            option.after = max(length - 1, 0)
            option.within = tuple(
                (
                    -FAR if begin <= self._as_of else begin - zero,
                    FAR if end == NEVER else end - zero - (length == 0),
                )
                for begin, end in windows
            )
        first.floor = max(first.floor, windows[0][0] - zero)

    def _part(self, taken: StepComponent, amounts: tuple[int, int, int]) -> Part:
        return Part.of(self._number[id(taken.node)], amounts)

    def _step(self, item: Item, way: SupplyAlternative, task: RoutingTask) -> None:
        """Read time, calendar and machine of a step, by each of its options."""
        node = task.node
        item.post = node.move
        periods = [one for one in task.plan.epochs if one.options]
        if not periods:
            # Nobody can do it at any time.
            item.options = [Option(fixed=UNSUPPLIED)]
            return
        usual = [(one.start, one.finish, one.options) for one in periods]
        taken = list(self._machines.usual(usual))
        if node.rule == "cost":
            taken.sort(key=lambda option: large_cost(task, option))
            item.ranked = int(large_cost(task, taken[0]) < large_cost(task, taken[-1]))
        elif node.rule == "preference":
            item.ranked = int(
                any(one.preference != taken[0].preference for one in taken)
            )
        item.options = [
            self._machines.option(item.grain, way, task, one) for one in taken
        ]
        for option in item.options:
            if option.hourly and option.machine >= 0:
                self._lanes.count_hours(option)
