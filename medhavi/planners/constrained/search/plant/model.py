"""Turn a run into a plant of plain numbers, where that says all there is to say.

What the search knows: products at places and their sources by preference, while they
are valid; makes of steps in a row, each on one unit of a finite machine, of those that
it may choose from, of each of several at a time, on hours of a bucket, or on none, in
open time, changed over between families; purchases with a fixed lead time, by any rule
of stock and lots; stock and scheduled receipts; stock levels of what is made, by date
too; existing orders that stand on their dates; lots of a least and a largest size
and a multiple; what is lost by yields. What shares, lots and levels want otherwise it
says nearly, and the run nets it anew. Anything else is planned by the general way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained.deliveries import in_parts
from medhavi.planners.constrained.memory import StepComponent
from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.planners.constrained.orders.lateness_weights import latest_of
from medhavi.planners.constrained.search.plant.items import (
    ITEM_FIELDS,
    ITEM_FIELDS_NOW,
    OPTION_FIELDS,
    Part,
    check_depth,
    columns,
    distinct,
    first_levels,
    joined_columns,
    mortal,
    planned_lots,
    ready_alone,
    standing,
    starts,
)
from medhavi.planners.constrained.search.plant.machines import Campaigns, refuse
from medhavi.planners.constrained.search.plant.options import (
    machines_together,
    with_units,
)
from medhavi.planners.constrained.search.plant.products import Products
from medhavi.planners.constrained.search.plant.supplies import (
    StandingSupply,
    there_for_demands,
)
from medhavi.planners.kernels.plant_kernels.plant_record import (
    FAR,
    Plant,
    gain_of,
    joined_from,
    lot_of,
    taken_of,
)
from medhavi.planners.mrp.netting_state.state import Node, SupplyAlternative
from medhavi.providers.capacity.axis import ResourceOption
from medhavi.providers.capacity.schedule import RoutingTask
from medhavi.snapshot.calendars.calendars import WorkingTime
from medhavi.units import NEVER

if TYPE_CHECKING:
    from medhavi.planners.constrained.orders.lateness_weights import (
        MoneyWeights,
        Weights,
    )
    from medhavi.planners.constrained.search.plant.items import Item
    from medhavi.planners.constrained.search.scheduled_orders import SearchableRun
    from medhavi.planners.mrp.netting_state.state import Demand, Need


DEMAND_COLUMNS = (
    *("d_item", "d_qty", "d_due", "d_weight"),
    *("d_shelf", "d_floor", "d_latest", "d_missing"),
)
MOST_BELOW = 100_000
"""Orders of one demand at most: room is kept for some times as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A plant, and what its numbers stand for.

    `tree` is how many orders one demand has at most, as of `largest_tree`. `nodes` are
    the products in order of planning and `items` their numbers in the
    plant; `sources` are the items whose orders bring them: themselves, or where there
    are several those after them. The item of a make is its last step, the earlier steps
    have the numbers after it. Of each item, `serves` is the number of what is asked of
    it, `product` the last step of its routing, `steps` how many items that has, the
    first one last, and `names` tell them apart; `ways` are the sources, `taken` what
    each of their orders needs, `needs` which of that each component of the plant is
    (-1: the step before), `routings` their steps, `options` what the work of each
    option takes, and `queues` the time between release and start of the work of a first
    step [s]. `machines` are the names of the machines, `stops` when each unit is down
    or at work [UTC s], `supplies` what stands, of which `freed` are kept until then by
    a stock level: its number among the demands, by theirs. `calendars` are the open
    times by their numbers. Of the demands of the plant, `demands` are those of the run
    (`in_parts` 1: what is there need not wait); behind them come `lacking`, needs of
    existing orders, by index, and what stock levels want. `netted` are the products
    that the run nets anew, though they are made or moved. `ahead` is until when how
    much for demands is made where it may be later [steps, s since now]. `worth` is the
    lateness that is as bad as to pay a millionth of money more [weight x s], whether or
    not the search chooses orders by that; `cuts`: whether it cuts orders for late
    demands into lots.
    """

    plant: Plant
    tree: int
    nodes: Sequence[Node]
    items: Sequence[int]
    sources: Sequence[Sequence[int]]
    serves: np.ndarray
    names: Sequence[str]
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
    worth: float
    machines: tuple[str, ...]
    stops: Sequence[Sequence[tuple[int, int]]]
    supplies: Sequence[StandingSupply]
    freed: Mapping[int, int]
    lacking: Sequence[int]
    calendars: Mapping[int, WorkingTime]
    campaigns: Campaigns
    as_of: int
    demands: int
    cuts: bool
    in_parts: np.ndarray
    netted: Collection[int]
    ahead: Mapping[int, Sequence[Slice]]

    @property
    def first_level(self) -> int:
        """Number of the first demand of the plant that a stock level wants."""
        return self.demands + len(self.lacking)

    def first(self, items: np.ndarray) -> np.ndarray:
        """Items of the first steps of products. Shapes (n,), int64."""
        found: np.ndarray = items + self.steps[items] - 1
        return found


def model_of(run: SearchableRun, weights: Weights | MoneyWeights) -> Model:
    """Plant of a run that is built and not netted yet.

    Parameters
    ----------
    weights
        What a late demand weighs.

    Raises
    ------
    UnfitError
        Something is more than the plant can say.
    """
    return _Reading(run).model(weights)


class _Reading(Products):
    def model(self, weights: Weights | MoneyWeights) -> Model:
        """Read all items and demands."""
        products = [self._number[id(node)] for node in self._nodes]
        items: list[Item] = []
        for node, number in zip(self._nodes, products, strict=True):
            items += self._items(node, number)
        self._read = self._read._replace(machines=self._machines.met())
        # Whether a part is bought is known once all items are read.
        self._net_below(items)
        once = self._once
        once("depth", lambda: check_depth(items))
        sources, serves = once("sources", lambda: _sources(items))
        steps, last_steps = once("steps", lambda: self._steps(items, products))
        alone = once("alone", lambda: [one for item in items for one in item.options])
        options, unit = once("units", lambda: with_units(alone))
        blocks = self._machines.blocks()
        others = [block for _, block in blocks]
        machines = np.array([option.machine for option in others], np.int64)
        count = np.bincount(machines, minlength=len(self._machines.numbers))
        spans = np.array([span for span, _ in blocks], np.int64).reshape(-1, 2).T
        demands = self._run.intake.demands
        lacking = [
            (number, need) for number, item in enumerate(items) for need in item.lacking
        ]
        levels = [(n, *level) for n, item in enumerate(items) for level in item.levels]
        plant = Plant(
            order=np.arange(len(items)),
            mortal=mortal(items),
            a_start=starts(map(len, sources)),
            a_item=np.array([one for several in sources for one in several], np.int64),
            a_ready=ready_alone(items, sources, self._as_of),
            x_start=once("x", lambda: starts(len(one.options) for one in items)),
            **once("items", lambda: columns(items, ITEM_FIELDS)),
            **columns(items, ITEM_FIELDS_NOW),
            **planned_lots(items),
            **joined_columns(
                once("options", lambda: columns(options, OPTION_FIELDS)),
                columns(others, OPTION_FIELDS),
            ),
            unit=np.append(unit, np.full(len(blocks), -1, np.int64)),
            **machines_together([*options, *others], len(self._machines.numbers)),
            **self._lanes.room(options, len(blocks)),
            v_start=starts(count),
            v_begin=spans[0].copy(),
            v_end=spans[1].copy(),
            v_option=np.arange(len(options), len(options) + len(blocks)),
            **self._machines.changes(),
            **once("parts", lambda: _parts(items)),
            **standing(items, self._as_of),
            m_lane=starts(self._machines.units),
            **self._demands(items, weights, lacking, levels),
            i_level=first_levels(levels, serves, len(demands) + len(lacking)),
            asked=serves[last_steps],
            base=np.array([weights.base], np.int64),
            worth=np.array([self._run.decisions.worth * weights.worth]),
            **self._lanes.windows(
                self._machines.windows(),
                # Options know their calendars only when all calendars have numbers.
                [*options, *others],
                len(alone),
                [calendar for one in alone for calendar in one.calendars],
            ),
        )
        # Kernels get room for the orders of a demand once, and do not look for more.
        tree = largest_tree(plant)
        if tree > MOST_BELOW:
            refuse("a product has too many parts")
        supplies = [one for item in items for one in item.supplies]
        freed = _freed(items, len(demands) + len(lacking))
        self._keep_read()
        priority = [demand.priority for demand in demands]
        # What existing orders lack is as urgent as can be, stock levels come last.
        first, last = min(priority, default=1), max(priority, default=1) + 1
        more = [first] * len(lacking) + [last] * len(levels)
        return Model(
            plant=plant,
            tree=tree,
            nodes=self._nodes,
            items=products,
            sources=[self._sources.get(number, ()) for number in products],
            serves=serves,
            names=once("names", lambda: self._names(len(items), steps)),
            product=last_steps,
            steps=steps,
            ways=self._ways,
            taken=self._taken,
            needs=once("needs", lambda: _needs(items)),
            routings=self._routings,
            options=[option.taken for option in options],
            queues=once("queues", lambda: np.array([one.queue for one in items])),
            priority=priority + more,
            tolerance=weights.tolerance,
            worth=weights.worth,
            demands=len(demands),
            cuts=self._run.cuts,
            in_parts=np.array([*map(in_parts, demands), *[0] * len(more)], np.int64),
            machines=tuple(self._machines.numbers),
            stops=self._machines.stops,
            supplies=supplies,
            freed=freed,
            lacking=[need.index for _, need in lacking],
            calendars=self._calendars(),
            as_of=self._as_of,
            netted=self._netted,
            ahead=self._ahead(),
            campaigns=self._machines.campaigns(options),
        )

    def _names(self, count: int, steps: np.ndarray) -> list[str]:
        """Names of items by product, place, source and step, as of `Model`."""
        found: list[tuple[str, ...]] = [("",)] * count
        for node in self._nodes:
            number = self._number[id(node)]
            found[number] = node.key
            for own in self._sources.get(number, ()):
                name = self._ways[own].source.source
                for step in range(int(steps[own])):
                    found[own + step] = (*node.key, name, str(step))
        return distinct(found)

    def _ahead(self) -> dict[int, list[Slice]]:
        """Until when how much for demands is made, as of `Model`."""
        now = self._as_of
        return {
            demand: [one._replace(date=max(one.date - now, 0)) for one in own]
            for demand, own in self._run.decisions.ahead.items()
        }

    def _steps(
        self, items: Sequence[Item], products: Sequence[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """How many steps items have, and the last step of each. Shapes (n_items,)."""
        steps = np.array([item.steps for item in items], np.int64)
        lasts = [one for number in products for one in self._items_of(number)]
        return steps, np.repeat(lasts, steps[lasts]).astype(np.int64)

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
            due = max(demand.due, self._run.release.deferred.get(demand.index, 0))
            due, shelf = due - self._as_of, demand.min_shelf
            asks = number, qty, due, weights.of(demand), shelf, floor
            rows.append((*asks, *self._accepted(demand, weights)))
        most = max((row[3] for row in rows), default=1)
        rows += [
            (number, need.open, need.instant - self._as_of, most, 0, 0, FAR, 0)
            for number, need in lacking
        ]
        # What dies that instant is no stock from then on.
        rows += [(*level, 0, 1, 0, FAR, 0) for level in levels]
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


def _freed(items: Sequence[Item], first: int) -> dict[int, int]:
    """Stock levels that keep supplies until they fall, as of `Model.freed`.

    `first` is the number of the first stock level among the demands.
    """
    found, supply = dict[int, int](), 0
    for item in items:
        for one in item.supplies:
            if one.level >= 0:
                found[supply] = first + one.level
            supply += 1
        first += len(item.levels)
    return found


def _sources(items: Sequence[Item]) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """Items that serve each item, and which item each of them serves."""
    serves = np.arange(len(items))
    for number, item in enumerate(items):
        if item.sources:
            serves[list(item.sources)] = number
    return [item.sources or (number,) for number, item in enumerate(items)], serves


def _parts(items: Sequence[Item]) -> dict[str, np.ndarray]:
    """What items take, as of `Plant`."""
    below = [part for item in items for part in item.below]
    start = starts(len(item.below) for item in items)
    return {"c_start": start, **columns(below, Part._fields)}


def _needs(items: Sequence[Item]) -> np.ndarray:
    """Needs of the orders of items, as of `Model`. Shape (n_parts,), int64."""
    return np.array([need for item in items for need in item.needs], np.int64)


TREE = (
    *("order", "grain", "least", "most", "cover", "y_each", "y_more", "y_over"),
    *("a_start", "a_item", "c_start", "c_item", "c_each", "c_more", "c_over"),
    *("lot_start", "lot_at", "d_item", "d_qty", "d_due"),
)
"""Columns of a plant that say how many orders a demand has."""


def largest_tree(plant: Plant) -> int:
    """Count the orders of one demand at most; parts come after their takers.

    Each need has an order of its own, or as many as its largest lot asks for.
    """
    # Read cell by cell: lists are far faster than arrays.
    plant = plant._replace(**{name: getattr(plant, name).tolist() for name in TREE})
    pieces = _most_pieces(plant) if any(plant.most) else [1] * len(plant.order)
    below = [1] * len(plant.order)
    # Parts have larger numbers than what takes them.
    for item in range(len(below) - 1, -1, -1):
        for line in range(plant.c_start[item], plant.c_start[item + 1]):
            below[item] += below[plant.c_item[line]]
        below[item] *= pieces[item]
        sources = plant.a_item[plant.a_start[item] : plant.a_start[item + 1]]
        # One need is served by one source at a time: the largest counts.
        below[item] = max([below[source] for source in sources])
    return max(below, default=1)


def _most_pieces(plant: Plant) -> list[int]:
    """Count the orders that the largest need of each item is cut into.

    One that joins needs may be for all, or, where demands alone ask, for a planned lot.
    """
    items, joins = len(plant.order), any(plant.cover)
    largest, all_needs = [0] * items, [0] * items
    of_lots: dict[tuple[int, int], int] = {}
    taken: set[int] = set()
    for item, qty, due in zip(plant.d_item, plant.d_qty, plant.d_due, strict=True):
        largest[item] = max(largest[item], qty)
        if not joins:
            continue
        all_needs[item] += qty
        lot = item, joined_from(plant, item, due)
        of_lots[lot] = of_lots.get(lot, 0) + qty
    of_lot = [0] * items
    for (item, _), qty in of_lots.items():
        of_lot[item] = max(of_lot[item], qty)
    found = [1] * items
    # Takers first: what is asked of a part is complete when it is its turn.
    for item in range(items):
        need = largest[item]
        if plant.cover[item]:
            planned = plant.lot_start[item] < plant.lot_start[item + 1]
            need = of_lot[item] if planned and item not in taken else all_needs[item]
        for source in plant.a_item[plant.a_start[item] : plant.a_start[item + 1]]:
            if source != item:
                largest[source] = max(largest[source], need)
                all_needs[source] = max(all_needs[source], all_needs[item])
        size = lot_of(plant, item, need)
        if plant.most[item] and need:
            found[item] = -(-need // max(1, gain_of(plant, item, size)))
        # One order for all needs together takes the most of its parts.
        whole = orders = 0
        if joins:
            whole = lot_of(plant, item, all_needs[item])
            orders = -(-all_needs[item] // max(1, gain_of(plant, item, whole)))
        for line in range(plant.c_start[item], plant.c_start[item + 1]):
            part = plant.c_item[line]
            taken.add(part)
            largest[part] = max(largest[part], taken_of(plant, line, size))
            if joins:
                all_needs[part] += orders * taken_of(plant, line, whole)
    return found
