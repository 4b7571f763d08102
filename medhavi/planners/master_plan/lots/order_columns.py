"""Order columns of sources: what an order takes whatever its size, and its sizes.

Rates of usual orders spread set-ups and fixed costs over their size. Here they are
apart, and a source has columns of its own for the sizes of each price, and for orders
that work for several buckets.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.master_plan.lanes.lane_use_block import order_price
from medhavi.planners.master_plan.lot_bound import (
    OrderSizes,
    largest_size,
    order_sizes,
)
from medhavi.planners.master_plan.source_rates import (
    NO_NEEDS,
    node_needs,
    source_columns,
)
from medhavi.planners.master_plan.source_times import order_hours
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.optimize.problem import Floats
    from medhavi.planners.master_plan.source_rates import (
        NodeNeeds,
        ResourceRates,
        SourceColumns,
    )
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.planners.mrp.netting_state.state import NodeKey

ROOM = 0.995
"""Share of hours, stock, room and largest orders, less in whole steps, that is planned:
orders of whole steps and seconds take a little more than a program says."""
COARSE = 0.05
"""Share of a usual order from which on it matters that orders come in multiples."""
MOST_WITH_MULTIPLES = 400
"""Whole columns, at most, where multiples are decided: among many of them a solution
that keeps all is found late."""
DUST = 1e-4
"""Units, hours or money below which there are none."""
MANY = (10, 1, 0.1)
"""Usual orders of which the hours of a unit are read, the first that fits."""
LONG = (8, 2)
"""Parts of all that is wanted which orders that work for several buckets bring: as many
as there is room for."""
MOST_WITH_LONG = 600
"""Whole columns, at most, with those of such orders."""


class OrderColumns(NamedTuple):
    """What an order of a source takes whatever its size, and its sizes [units ordered].

    Parameters
    ----------
    plan
        The source with the cost and hours of a unit alone.
    cost
        Of an order [base currency].
    hours
        Of an order, by column and bucket.
    least, most
        Sizes; `several` says whether a column may hold more than one.
    multiple
        What sizes are a multiple of; 0: of nothing that matters.
    filled
        Least load of a vehicle of its own, which the cost of an order counts [kg].
    """

    plan: SourceColumns
    cost: float
    hours: tuple[ResourceRates, ...]
    least: float
    most: float
    several: bool
    multiple: float = 0.0
    filled: float = 0.0

    @property
    def whole(self) -> tuple[OrderColumns, ...]:
        """Whole columns that its column of amounts needs: of orders, and of multiples.

        None where orders cost or take nothing whatever their size, and have any.
        """
        found: tuple[OrderColumns, ...] = ()
        alone = self.cost > DUST or bool(self.hours)
        if alone or self.least > max(self.multiple, 0.0):
            found = (self,)
        if self.multiple:
            size = self.multiple
            pieces = OrderColumns(self.plan, 0.0, (), size, size, several=True)
            found = (*found, pieces)
        return found


def count_of(orders: Sequence[OrderColumns]) -> int:
    """Number of whole columns."""
    return sum(columns_of(own.plan) for one in orders for own in one.whole)


def with_room(most: Floats | float, steps: Floats | float) -> Floats:
    """So much less, in whole steps, that what is rounded up to steps has room."""
    room: Floats = most - np.floor((1 - ROOM) * np.asarray(most) / steps) * steps
    return room


def order_columns(base: Statement) -> list[OrderColumns]:
    """Columns of all sources; orders for several buckets where there is room for them.

    Parameters
    ----------
    base
        Facts of the program of amounts.
    """
    orders = _smallest_orders(base)
    if count_of(orders) > MOST_WITH_MULTIPLES:
        orders = [one._replace(multiple=0.0) for one in orders]
    if count_of(orders) > MOST_WITH_LONG:
        return orders
    for parts in LONG:
        found = [*orders, *_long_orders(base, orders, parts)]
        if len(found) == len(orders):
            break
        if count_of(found) <= MOST_WITH_LONG:
            return found
    return orders


def _smallest_orders(base: Statement) -> list[OrderColumns]:
    """Orders of all sources, by the rates of the smallest ones: they fit anywhere."""
    needs = _needs_of(base)
    sizes = dict.fromkeys(needs, 1)
    return list(_by_size(base, needs, _sources(base, needs, sizes), 0))


def _long_orders(
    base: Statement, orders: Sequence[OrderColumns], parts: int
) -> Iterator[OrderColumns]:
    """Orders that work for several buckets, beside the smallest ones.

    They bring so many parts of all that is wanted, from one to all of them.
    """
    needs = _needs_of(base)
    first = sum(columns_of(one.plan) for one in orders)
    seen: set[object] = set()
    for part in range(1, parts + 1):
        sizes = {key: -(-part * one.most // parts) for key, one in needs.items()}
        long = []
        for plan in _sources(base, needs, sizes, in_pieces=False):
            own = *_identity(plan), plan.times.size
            works = (len(work.column) > columns_of(plan) for work in plan.occupied)
            if own not in seen and any(works):
                long.append(plan)
            seen.add(own)
        for one in _by_size(base, needs, long, first):
            yield one
            first += columns_of(one.plan)


def _needs_of(base: Statement) -> dict[NodeKey, NodeNeeds]:
    return node_needs(base.run.clusters, base.run.release, base.run.as_of)


def _sources(
    base: Statement,
    needs: Mapping[NodeKey, NodeNeeds],
    sizes: Mapping[NodeKey, int],
    *,
    in_pieces: bool = True,
) -> list[SourceColumns]:
    """All sources by the rates of orders for needs of some sizes."""
    run = base.run
    asked = {key: one._replace(mean=max(sizes[key], 1)) for key, one in needs.items()}
    known = run.clusters, asked, run.release, base.grid, base.rates
    return source_columns(*known, in_pieces=in_pieces)


def _by_size(
    base: Statement,
    needs: Mapping[NodeKey, NodeNeeds],
    sources: Sequence[SourceColumns],
    first: int,
) -> Iterator[OrderColumns]:
    """Orders of sources, one for the sizes of each price, from a column on."""
    usual = {_identity(plan): plan for plan in base.plans}
    carried = Counter(plan.ways[0].source.source for plan in base.plans)
    for plan in sources:
        common = usual.get(_identity(plan), plan)
        for one in _by_price(base, plan, common, needs, carried):
            yield one._replace(plan=one.plan._replace(first=first))
            first += columns_of(plan)


def _identity(plan: SourceColumns) -> tuple[object, ...]:
    source = plan.ways[0].source
    place = source.product, source.location
    return source.kind, source.source, *place, source.windows, source.fence_start


def columns_of(plan: SourceColumns) -> int:
    """Number of columns of a source."""
    return len(plan.times.start)


def _by_price(
    base: Statement,
    plan: SourceColumns,
    usual: SourceColumns,
    needs: Mapping[NodeKey, NodeNeeds],
    carried: Mapping[str, int],
) -> Iterator[OrderColumns]:
    """Part orders into what they take whatever their size, and what a unit takes.

    `usual` is the source with the rates of usual orders.
    """
    way, size = plan.ways[0], usual.size
    source, step = way.source, float(way.source.step)
    total = needs.get(plan.given[0].node.key, NO_NEEDS).most if plan.given else 0
    wanted = float(max(source.lot(max(total, 1)), 1))
    if plan.given and plan.given[0].rate > 0:
        wanted /= min(plan.given[0].rate, 1.0)
    most = source.max_lot or largest_size(source, wanted)
    lots = order_sizes(source, most, lambda units: source.cost(units * step))
    cost, fixed, hours, works = _hours(base, plan, usual)
    shared = source.costs.shared
    # Alone on its lane a product pays the departures of its orders.
    alone = carried[source.source] == 1
    paid = 0.0 if alone else source.fixed_cost_beside(carried[source.source])
    cost += (paid - (0.0 if alone else source.own_fixed_cost)) / size
    lane = order_price(base, plan, carried[source.source])
    multiple = source.multiple * step
    coarse = source.multiple > 1 and multiple >= COARSE * usual.size
    for one in lots or (OrderSizes(0, most, 0.0, source.cost(step) / step),):
        each = one.each / step if lots else one.each
        own = max(0.0, one.fixed - (0.0 if alone else shared))
        largest = float(with_room(one.most * step, step)) if source.max_lot else 0.0
        least = one.least * step if one.least > 1 else 0.0
        yield OrderColumns(
            plan._replace(cost=cost + each, co2=usual.co2, occupied=works),
            base.parameters.cost_weight * (own + fixed) + lane.money,
            hours,
            least,
            max(largest or one.most * step, least),
            source.max_lot is not None,
            multiple if coarse else 0.0,
            lane.least,
        )


def _hours(
    base: Statement, plan: SourceColumns, usual: SourceColumns
) -> tuple[float, float, tuple[ResourceRates, ...], tuple[ResourceRates, ...]]:
    """Cost of the hours of a unit and of an order, hours of an order and of a unit."""
    way = plan.ways[0]
    source = way.source
    setups, works = [], []
    cost = fixed = 0.0
    many = (max(math.ceil(more * usual.times.size), 2 * source.lot(1)) for more in MANY)
    hours = order_hours(way, base.run.as_of, map(source.lot, many))
    for work in plan.occupied:
        setup, each = hours.get(work.resource, (0.0, 0.0))
        total = setup + each * plan.size
        # Columns have the hours of one size: they are parted as two sizes say.
        share = each * plan.size / total if total > 0 else 1.0
        works.append(work._replace(hours=work.hours * share))
        if (1.0 - share) * total > DUST:
            setups.append(work._replace(hours=work.hours * (1.0 - share) * plan.size))
        rate = base.rates[work.resource].cost
        cost, fixed = cost + each * rate, fixed + setup * rate
    return cost, fixed, tuple(setups), tuple(works)


def unit_hours(base: Statement, orders: Sequence[OrderColumns]) -> Floats:
    """Fewest hours that a unit works on each resource, shape (R, 1).

    A second, where it works none.
    """
    least: Floats = np.full((len(base.resources), 1), np.inf)
    number = {name: place for place, name in enumerate(base.resources)}
    for one in orders:
        step = float(one.plan.ways[0].source.step)
        for work in one.plan.occupied:
            place = number.get(work.resource, -1)
            if place >= 0 and len(work.hours):
                each = float(work.hours.sum()) / columns_of(one.plan) * step
                least[place] = min(least[place], max(each, 1 / HOUR))
    least[np.isinf(least)] = 1 / HOUR
    return least
