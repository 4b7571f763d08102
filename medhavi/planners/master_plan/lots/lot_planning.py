"""Planned lots of all products, level by level from what is sold downwards.

Lots of a level are sized by a program of their own (`lot_program`), on the hours that
the levels above leave; what they take is needed by the levels below. A product follows
the source that brings most of it in the solution of the program of amounts, but for one
of which prices by quantity, least orders or multiples matter: its program chooses of
all sources that buy or make it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from medhavi.planners.master_plan import statement as names
from medhavi.planners.master_plan.cost_bound import chains_of
from medhavi.planners.master_plan.lot_bound import (
    OrderSizes,
    largest_size,
    order_sizes,
)
from medhavi.planners.master_plan.lots.lot_program import (
    DUST,
    NEVER_MADE,
    LotHours,
    LotItem,
    LotNeed,
    LotSizes,
    lot_program,
)
from medhavi.planners.master_plan.source_times import order_hours
from medhavi.units import DAY, NEVER, from_units

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from medhavi.optimize.problem import Floats, Ints, Solver
    from medhavi.planners.constrained.netting.prescribed_sources import (
        Amounts,
        Lots,
        Sizes,
    )
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.planners.master_plan.lots.lot_program import LotOrder
    from medhavi.planners.mrp.netting_state.state import (
        Node,
        NodeKey,
        SupplyAlternative,
    )
    from medhavi.progress import Cancelled
    from medhavi.providers.sources import OrderTiming, Source

MORE_LOTS = (100, 1)
"""Least lots by which an order is made larger to see what a unit takes."""


class _DatedNeed(NamedTuple):
    """A need: instant [UTC s], units of the product, what a late unit costs a day."""

    instant: int
    qty: float
    late: float


class _LotProduct(NamedTuple):
    """A product at a place whose lots are planned, with its net needs by date."""

    node: Node
    way: SupplyAlternative
    wanted: list[_DatedNeed]
    item: LotItem


class PlannedLots(NamedTuple):
    """Planned lots, and least orders and amounts of what is bought by quantity.

    All as of `Decisions`, by place.
    """

    lots: Lots
    sizes: Sizes
    amounts: Amounts

    def of(self, places: Container[NodeKey]) -> PlannedLots:
        """Those of some places."""
        return PlannedLots(
            {key: own for key, own in self.lots.items() if key in places},
            {key: own for key, own in self.sizes.items() if key in places},
            {key: own for key, own in self.amounts.items() if key in places},
        )

    @property
    def places(self) -> set[NodeKey]:
        """Places of which something is decided."""
        return {*self.lots, *self.sizes, *self.amounts}


class _Lot(NamedTuple):
    """What one order brings: needs of a product by date, and its bucket."""

    wanted: list[_DatedNeed]
    bucket: int

    @property
    def span(self) -> tuple[int, int]:
        """When its first and its last need are [UTC s]."""
        return self.wanted[0].instant, self.wanted[-1].instant


def planned_lots(
    built: BuiltProgram,
    values: Floats,
    solver: Solver,
    cancelled: Cancelled | None = None,
) -> PlannedLots | None:
    """Planned lots of products, their least sizes, and who brings them.

    Of products whose orders have a cost of their own, or prices by quantity, where some
    lot covers needs of several buckets or is larger than they are. None: interrupted.

    Parameters
    ----------
    built
        Program of amounts and its facts.
    values
        Its solution, shape (n,).
    solver, cancelled
        Solves the programs of lots; polled.
    """
    return _ProductLevels(built, values).planned(solver, cancelled)


class _ProductLevels:
    """Needs, hours and lots while levels are planned."""

    def __init__(self, built: BuiltProgram, values: Floats) -> None:
        self._statement = built.statement
        self._grid = built.statement.grid
        self._goals = built.statement.parameters
        self._values = values[built.program.column_block(names.ORDERS).span]
        self._chains = chains_of(built.statement.run)
        self._free = built.statement.free.copy()
        self._resource = {name: n for n, name in enumerate(built.statement.resources)}
        self._wanted: dict[NodeKey, list[_DatedNeed]] = {}
        self._ways = self._followed()
        self._sized: dict[NodeKey, list[LotOrder]] = {}

    def planned(
        self, solver: Solver, cancelled: Cancelled | None
    ) -> PlannedLots | None:
        """Plan the lots of all levels; None: interrupted."""
        self._ask_demands()
        found: dict[NodeKey, tuple[int, ...]] = {}
        for level in self._levels():
            products = [one for node in level for one in self._product(node)]
            sized = [one for one in products if _is_sized(one)]
            # What is ordered by need takes its hours first.
            for one in products:
                if not _is_sized(one):
                    self._order(one, [_Lot([want], -1) for want in one.wanted])
            for members in _sharing(sized):
                for one, lots in zip(
                    members, self._lots(members, solver, cancelled), strict=True
                ):
                    self._order(one, lots)
                    if any(_joins(lot, self._grid.at_or_before) for lot in lots):
                        found[one.node.key] = begins([lot.span for lot in lots])
            if cancelled is not None and cancelled():
                return None
        sizes = {key: self._least(key, own) for key, own in self._sized.items()}
        amounts = {key: self._brought(key, own) for key, own in self._sized.items()}
        return PlannedLots(
            found,
            {key: least for key, least in sizes.items() if least},
            {key: own for key, own in amounts.items() if len(own) > 1},
        )

    # --- what is ordered by quantity ------------------------------------------------
    def _sizes(self, node: Node, wants: Sequence[float]) -> tuple[LotSizes, ...]:
        """Sizes of orders of what is bought or made, where they matter.

        Parameters
        ----------
        node
            Product at a place.
        wants
            Its net needs.
        """
        run, step = self._statement.run, float(node.step)
        ways = run.model.ways(node)
        sources = [way.source for way in ways]
        if node.shared or not all(map(self._is_plain, ways)):
            return ()
        matter = any(
            one.costs.min_qtys
            or one.lot(1) * step > min(wants) + DUST
            or (one.multiple > 1 and len(ways) > 1)
            for one in sources
        )
        found: list[LotSizes] = []
        for way in ways if matter else ():
            source, hours = way.source, self._hours(way)
            most = largest_size(source, sum(wants) / step)
            each = self._unit_cost(way, hours)
            setup = sum(one.setup * self._hour_cost(one.resource) for one in hours)

            def price(
                units: int,
                source: Source = source,
                each: float = each,
                setup: float = setup,
            ) -> float:
                qty = from_units(units, source.step)
                cost = source.cost(qty) - source.costs.shared + each * qty + setup
                return self._goals.cost_weight * cost

            begin = max(run.as_of, source.fence_start)
            timing = source.clock.earliest(begin, source.lot(1))
            if timing is None:
                continue
            there = max(timing.finish, self._chains.there(node, 1))
            first = int(self._grid.at_or_before(there))
            multiple = source.multiple * step if source.multiple > 1 else 0.0
            found += [
                LotSizes(
                    source.source,
                    *(one.least * step, one.most * step, multiple),
                    *(one.fixed, one.each / step, first),
                )._replace(hours=hours)
                for one in order_sizes(source, most, price)
                or (OrderSizes(1, most, 0.0, price(1)),)
            ]
        return tuple(found)

    def _is_plain(self, way: SupplyAlternative) -> bool:
        """Whether a source buys, or makes a unit of one product a unit ordered."""
        if way.source.kind == "buy":
            return True
        gain, many = way.gain, MORE_LOTS[0]
        return (
            gain is not None
            and len(way.yields) == 1
            and way.source.step == way.yields[0].node.step
            and gain.order_steps_for(many, self._statement.run.as_of) == many
        )

    def _hour_cost(self, resource: int) -> float:
        name = self._statement.resources[resource]
        return self._statement.rates[name].cost

    def _unit_cost(self, way: SupplyAlternative, hours: Sequence[LotHours]) -> float:
        """What a unit costs beside its source: hours, and components at their value."""
        statement = self._statement
        cost = sum(one.each * self._hour_cost(one.resource) for one in hours)
        for group in way.intakes:
            component, other, _ = group[0]
            number = statement.place.get(id(other), -1)
            if number >= 0:
                many = MORE_LOTS[0]
                rate = float(component.steps(many) * other.step / way.source.step)
                cost += rate / many * float(statement.value[number])
        return cost

    def _least(self, key: NodeKey, orders: Sequence[LotOrder]) -> int:
        """Least order of all, where it is more than sources ask for [units]; or 0."""
        node = self._statement.run.model.node(key)
        least = {source.source: source.lot(1) for source in node.sources}
        found = [
            (round(one.sizes.least / float(node.step)), least[one.sizes.source])
            for one in orders
        ]
        if any(size <= usual for size, usual in found):
            return 0
        return min((size for size, _ in found), default=0)

    def _brought(
        self, key: NodeKey, orders: Sequence[LotOrder]
    ) -> dict[str, list[tuple[int, float]]]:
        """What each source of a product brings by bucket."""
        node = self._statement.run.model.node(key)
        found: dict[str, list[tuple[int, float]]] = {
            source.source: [] for source in node.sources
        }
        for one in orders:
            begin = int(self._grid.edges[one.bucket])
            found[one.sizes.source].append((begin, one.qty / float(node.step)))
        return found

    # --- what is followed ----------------------------------------------------------
    def _followed(self) -> dict[NodeKey, SupplyAlternative]:
        """Source of each product that brings most of it; the first where none does."""
        most: dict[NodeKey, float] = {}
        found: dict[NodeKey, SupplyAlternative] = {}
        for plan in self._statement.plans:
            own = self._values[plan.first : plan.first + len(plan.times.start)]
            amount = float(own.sum())
            key = plan.given[0].node.key if plan.given else None
            if key is not None and amount > most.get(key, -1.0):
                most[key], found[key] = amount, plan.ways[0]
        return found

    def _levels(self) -> Iterator[list[Node]]:
        """Nodes by level: each after all that may take of it."""
        run = self._statement.run
        depth: dict[NodeKey, int] = {}
        levels: dict[int, list[Node]] = {}
        for cluster in run.clusters:
            for node in cluster:
                own = depth.setdefault(node.key, 0)
                levels.setdefault(own, []).append(node)
                for key in run.model.takes_from(node):
                    depth[key] = max(depth.get(key, 0), own + 1)
        for own in sorted(levels):
            yield levels[own]

    # --- needs ---------------------------------------------------------------------
    def _ask_demands(self) -> None:
        """Take over what demands want, but for what they are short of anyway."""
        statement = self._statement
        run, wanted = statement.run, statement.wanted
        for demand in run.intake.demands:
            number, qty = demand.index, float(wanted.qty[demand.index])
            if wanted.node[number] >= 0 and qty > DUST:
                late = self._goals.lateness_weight * float(wanted.late[number])
                instant = max(demand.due, run.as_of)
                self._ask(demand.node, _DatedNeed(instant, qty, late))

    def _ask(self, key: NodeKey, wanted: _DatedNeed) -> None:
        self._wanted.setdefault(key, []).append(wanted)

    def _product(self, node: Node) -> list[_LotProduct]:
        """Net needs of a product with the source that it follows; none: no need."""
        way = self._ways.get(node.key)
        number = self._statement.place.get(id(node), -1)
        if way is None or number < 0:
            return []
        wanted = self._net(number, sorted(self._wanted.get(node.key, [])))
        there = self._chains.there(node, 1)
        first = int(self._grid.at_or_before(there)) if there < NEVER else -1
        if not wanted or first < 0 or first >= self._grid.size - 1:
            return []
        hours = self._hours(way)
        rates = self._statement.rates
        size, costs = self._size(way), way.source.costs
        # Cost is f + p q: twice that of q less that of 2 q is f.
        fixed = 2 * costs.cost(size) - costs.cost(2 * size) - costs.shared
        for resource, number_of in self._resource.items():
            setup = sum(one.setup for one in hours if one.resource == number_of)
            fixed += setup * rates[resource].cost
        merged: dict[int, LotNeed] = {}
        for instant, qty, late in wanted:
            bucket = int(self._grid.at_or_before(instant))
            known = merged.get(bucket, LotNeed(bucket, 0.0, 0.0))
            total = known.qty + qty
            mean = (known.qty * known.late + qty * late) / total
            merged[bucket] = LotNeed(bucket, total, mean)
        sizes = self._sizes(node, [qty for _, qty, _ in wanted])
        if sizes:
            # What a larger order saves takes the place of a set-up.
            dearest = max(one.unit for one in sizes)
            fixed = max((dearest - one.unit) * one.least for one in sizes)
            first, hours = min(one.first for one in sizes), ()
        weight = self._goals.inventory_weight
        item = LotItem(
            needs=tuple(merged[bucket] for bucket in sorted(merged)),
            setup_cost=max(0.0, self._goals.cost_weight * fixed),
            holding=weight * self._statement.holding[number],
            first=first,
            hours=hours,
            sizes=sizes,
        )
        return [_LotProduct(node, way, wanted, item)]

    def _net(self, number: int, wanted: Sequence[_DatedNeed]) -> list[_DatedNeed]:
        """Needs less what is there or comes in time, by date."""
        flow = self._statement.flow[number].copy()
        for lot in self._statement.lots:
            if lot.node == number:
                flow[lot.first] += lot.qty
        found: list[_DatedNeed] = []
        there, bucket = 0.0, -1
        for instant, qty, late in wanted:
            at = int(self._grid.at_or_before(instant))
            while bucket < at:
                bucket += 1
                there += float(flow[bucket])
            used = max(0.0, min(there, qty))
            there -= used
            if qty - used > DUST:
                found.append(_DatedNeed(instant, qty - used, late))
        return found

    def _size(self, way: SupplyAlternative) -> float:
        return from_units(way.source.lot(1), way.source.step)

    def _hours(self, way: SupplyAlternative) -> tuple[LotHours, ...]:
        """Hours of finite resources of a lot, whatever its size and for each unit."""
        least = way.source.lot(1)
        sizes = [(1 + more) * least for more in MORE_LOTS]
        hours = order_hours(way, self._statement.run.as_of, sizes)
        found = {
            self._resource[name]: own
            for name, own in hours.items()
            if name in self._resource
        }
        return tuple(LotHours(number, *own) for number, own in sorted(found.items()))

    # --- lots ----------------------------------------------------------------------
    def _lots(
        self,
        members: Sequence[_LotProduct],
        solver: Solver,
        cancelled: Cancelled | None,
    ) -> list[list[_Lot]]:
        """Lots of products that share resources; a lot a need without a solution."""
        used = sorted({one for each in members for one in each.item.resources})
        place = {resource: number for number, resource in enumerate(used)}
        items = [each.item.renumbered(place) for each in members]
        stated = lot_program(items, self._free[used], self._grid.lengths / DAY)
        solution = stated.solve(solver, cancelled)
        if not len(solution.values):
            return [[_Lot([want], -1) for want in each.wanted] for each in members]
        for number, each in enumerate(members):
            if each.item.sizes:
                self._sized[each.node.key] = stated.orders(solution.values, number)
        return [
            self._cut(each, buckets)
            for each, buckets in zip(
                members, stated.buckets(solution.values), strict=True
            )
        ]

    def _cut(self, product: _LotProduct, made: Sequence[int]) -> list[_Lot]:
        """Cut the needs of a product into lots, by the bucket in which each is made."""
        by_bucket = {
            need.bucket: bucket
            for need, bucket in zip(product.item.needs, made, strict=True)
        }
        found: list[_Lot] = []
        for want in product.wanted:
            bucket = by_bucket[int(self._grid.at_or_before(want.instant))]
            if not found or bucket != found[-1].bucket or bucket == NEVER_MADE:
                found.append(_Lot([], bucket))
            found[-1].wanted.append(want)
        return found

    def _order(self, product: _LotProduct, lots: Sequence[_Lot]) -> None:
        """Take the hours of lots, and ask for what they take."""
        if product.item.sizes and product.node.key in self._sized:
            self._order_sizes(product)
            return
        node, way = product.node, product.way
        step = float(node.step)
        left = 0.0
        for lot in lots:
            qty = sum(want.qty for want in lot.wanted) - left
            left = max(0.0, -qty)
            if qty <= DUST:
                continue
            first = lot.wanted[0].instant
            by = first
            if lot.bucket >= 0:
                end = int(self._grid.edges[lot.bucket + 1])
                by = min(first, end) if end > first else end
            units = max(1, round(qty / step))
            size = way.first_size(units, by)
            # What a least lot brings beyond its needs serves the next ones.
            needed = units if way.gain is None else way.gain.order_steps_for(units, by)
            left = max(0.0, qty * (size / needed - 1)) if needed > 0 else 0.0
            timing = None if size <= 0 else way.source.clock.latest(by, size)
            # Not in time any more: as soon as can be.
            if timing is None or timing.start < self._statement.run.as_of:
                start = max(self._statement.run.as_of, way.source.fence_start)
                timing = way.source.clock.earliest(start, max(size, 1))
            if timing is None:
                continue
            bucket = int(
                self._grid.at_or_before(min(by, int(self._grid.edges[-1]) - 1))
            )
            for resource, setup, each in product.item.hours:
                self._take(resource, bucket, setup + each * qty)
            late = sum(want.qty * want.late for want in lot.wanted)
            self._ask_parts(way, size, timing, late)

    def _order_sizes(self, product: _LotProduct) -> None:
        """Take the hours of the orders of a product with sizes, and ask for parts."""
        node, wanted = product.node, product.wanted
        ways = {way.source.source: way for way in self._statement.run.model.ways(node)}
        total = sum(want.qty for want in wanted)
        late = sum(want.qty * want.late for want in wanted) / total
        for one in self._sized[node.key]:
            way = ways[one.sizes.source]
            low, end = self._grid.edges[one.bucket : one.bucket + 2].tolist()
            by = min([end, *(want.instant for want in wanted if want.instant >= low)])
            size = way.first_size(max(1, round(one.qty / float(node.step))), by)
            timing = None if size <= 0 else way.source.clock.latest(by, size)
            for resource, setup, each in one.sizes.hours:
                self._take(resource, one.bucket, setup + each * one.qty)
            if timing is not None:
                self._ask_parts(way, size, timing, late * one.qty)

    def _take(self, resource: int, bucket: int, hours: float) -> None:
        """Take hours of a bucket, and of those before it where it has too few."""
        free = self._free[resource]
        while hours > DUST and bucket >= 0:
            taken = min(hours, float(free[bucket]))
            free[bucket] -= taken
            hours -= taken
            bucket -= 1

    def _ask_parts(
        self, way: SupplyAlternative, size: int, timing: OrderTiming, late: float
    ) -> None:
        """Ask for what an order takes; it is late as its own taker would be."""
        if way.origin is not None:
            qty = size * float(way.source.step)
            self._ask(way.origin.key, _DatedNeed(timing.start, qty, late / qty))
            return
        for group in way.intakes:
            component, other, _ = group[0]
            qty = component.steps(size) * float(other.step)
            if qty > DUST:
                self._ask(other.key, _DatedNeed(timing.start, qty, late / qty))


def _is_sized(product: _LotProduct) -> bool:
    """Whether orders of a product cost something whatever their size.

    Not of what dies, of what is kept for one demand, or where a rule sizes lots.
    """
    node = product.node
    return (
        product.item.setup_cost > DUST
        and (len(product.item.needs) > 1 or bool(product.item.sizes))
        and node.shelf_life is None
        and not node.make_to_order
        and node.rules.lot_rule == "lot_for_lot"
        and not any(source.batch_window_days for source in node.sources)
    )


def _sharing(products: Sequence[_LotProduct]) -> list[list[_LotProduct]]:
    """Products by what resources they share, directly or by others."""
    groups: list[tuple[set[int], list[_LotProduct]]] = []
    for one in products:
        own = one.item.resources
        members = [one]
        rest = []
        for resources, others in groups:
            if resources & own:
                own |= resources
                members = others + members
            else:
                rest.append((resources, others))
        groups = [*rest, (own, members)]
    return [members for _, members in groups]


def _joins(lot: _Lot, bucket_of: Callable[[int], Ints]) -> bool:
    """Whether a lot covers needs of several buckets."""
    first, last = (int(bucket_of(lot.wanted[place].instant)) for place in (0, -1))
    return first < last


def begins(lots: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Instants at which lots begin: half way from the last need before to the first.

    Needs of components move a little with the orders above them. One lot alone begins
    with its first need.

    Parameters
    ----------
    lots
        When its first and its last need are, of each [UTC s].
    """
    if len(lots) == 1:
        return (lots[0][0],)
    return tuple(
        (last + first + 1) // 2
        for (_, last), (first, _) in pairwise(lots)
        if last < first
    )
