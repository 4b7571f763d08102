r"""Orders of all products at once, each source and bucket with whole set-ups.

The program of amounts spreads set-ups, fixed costs and least orders over usual orders.
Here an order column x has a whole number z of orders besides, with cost f, hours a and
sizes from l to m of each, and the hours and costs of x are those of its size alone:

    l z <= x <= m z,   sum (a z + b x) <= free

Slope scaling (Kim and Pardalos 1999, Operations Research Letters 24, 195-203) tells
where orders may be: m is replaced by the amount of the solution before. As many orders
as such amounts ask for are the start. From there on they are decided by parts (all of
them are one where they are few), among those places, then among all; each ends after
some nodes of the search tree. The solution is a guide: it is decoded by all rules.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.problem import Problem, SolveStatus
from medhavi.planners.constrained.netting.given_sources import GivenOrder
from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.planners.master_plan import statement as names
from medhavi.planners.master_plan.blocks import PART_OF, BuiltProgram, add_blocks
from medhavi.planners.master_plan.lots.fix_and_optimize import (
    EXACT,
    WORTH,
    WholeColumns,
    fix_and_optimize,
    partition,
    row_sums,
    with_fixed,
)
from medhavi.planners.master_plan.source_rates import (
    NO_NEEDS,
    node_needs,
    source_columns,
)
from medhavi.planners.master_plan.source_times import order_hours
from medhavi.results.program_record import PartitionRecord
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.optimize.problem import Block, Floats, Ints, Program, Solver
    from medhavi.planners.constrained.netting.given_sources import Lots
    from medhavi.planners.master_plan.source_rates import (
        NodeNeeds,
        ResourceRates,
        SourceColumns,
    )
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.planners.mrp.netting_state.state import NodeKey
    from medhavi.progress import Cancelled

ROOM = 0.995
"""Share of hours, stock, room and largest orders that is planned: orders of whole steps
and seconds take a little more than a program says."""
SLOPES = 4
"""Solutions of which places of orders are taken."""
GAP = 0.001
"""Share of the objective by which a solution may cost more than the best one."""
DUST = 1e-4
"""Units, hours or money below which there are none."""
MANY = (10, 1, 0.1)
"""Usual orders of which the hours of a unit are read, the first that fits."""
MOST_ORDERS = 1_000.0
"""Whole orders of a column, at most."""


class WholeOrders(NamedTuple):
    """Solution with whole orders: its program, and what it says of orders and demands.

    `record` says how it was decided; `orders`, `served` and `lots`, those of what is
    only bought, are as of `Decisions`.
    """

    built: BuiltProgram
    values: Floats
    record: PartitionRecord
    orders: tuple[GivenOrder, ...]
    served: Mapping[int, tuple[Slice, ...]]
    lots: Lots


class _Order(NamedTuple):
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
    """

    plan: SourceColumns
    cost: float
    hours: tuple[ResourceRates, ...]
    least: float
    most: float
    several: bool

    @property
    def is_whole(self) -> bool:
        """Whether orders cost or take something whatever their size."""
        return self.cost > DUST or bool(self.hours) or self.least > 0


def whole_orders(
    base: Statement, solver: Solver, cancelled: Cancelled | None = None
) -> list[WholeOrders]:
    """Solve the program with whole orders; none: too large, interrupted, or no orders.

    The best point comes first, then that of the first sweep where it costs little more:
    plans of points that cost about the same differ by some per cent.

    Parameters
    ----------
    base
        Facts of the program of amounts.
    solver, cancelled
        Solves the programs; polled.
    """
    orders = _orders(base)
    if _too_many(base, orders):
        return []
    found = _WholeProgram(base, orders).solve(solver, cancelled)
    return [one for one in found if one.orders]


def why_no_whole_orders(base: Statement) -> str:
    """Why the program with whole orders gave no plan, in words."""
    if base.parameters.effort == "light":
        return "effort light plans by amounts, and in planned lots"
    limits = "none was found before a limit or an interruption"
    return _too_many(base, _orders(base)) or limits


def _too_many(base: Statement, orders: Sequence[_Order]) -> str:
    """Why whole orders are not decided; empty: they are."""
    count = sum(_columns(one.plan) for one in orders if one.is_whole)
    most = base.parameters.most_whole_orders
    if not count:
        return "no order costs or takes anything whatever its size"
    more = f"{count:,} sources times buckets are more than most_whole_orders ({most:,})"
    return more if count > most else ""


class _WholeProgram:
    """The program, and the places of whole orders in it."""

    def __init__(self, base: Statement, made: Sequence[_Order]) -> None:
        flow = np.where(base.flow > 0, ROOM * base.flow, base.flow)
        statement = replace(
            base,
            plans=tuple(one.plan for one in made),
            flow=flow,
            free=ROOM * base.free,
            overtime=ROOM * base.overtime,
        )
        problem = Problem()
        blocks = add_blocks(problem, statement)
        whole = [one for one in made if one.is_whole]
        self.orders, self._largest = _add_orders(
            problem, statement, blocks.orders, blocks.capacity, whole
        )
        found = problem.program()
        upper = found.row_upper.copy()
        for name in (names.LANE, names.SUPPLIER):
            upper[found.row_block(name).span] *= ROOM
        self.program = replace(found, row_upper=upper, gap=GAP)
        self.built = BuiltProgram(
            program=self.program, statement=statement, about=blocks.about
        )
        places = [one.plan.first + np.arange(_columns(one.plan)) for one in whole]
        self._whole = whole
        self._amounts: Ints = blocks.orders.at(np.concatenate([[], *places]))

    def solve(self, solver: Solver, cancelled: Cancelled | None) -> list[WholeOrders]:
        """As of `whole_orders`."""
        start, likely = self._start(solver, cancelled)
        if start is None or (cancelled is not None and cancelled()):
            return []
        parameters = self.built.statement.parameters
        parts = partition(
            parameters.whole_orders_by,
            parameters.whole_orders_at_once,
            self._columns(start),
        )
        sweeps = parameters.whole_orders_sweeps
        found = fix_and_optimize(
            self.program, parts.parts, start, likely, solver, sweeps, cancelled
        )
        record = PartitionRecord(
            strategy=parts.strategy,
            reason=parts.reason,
            parts=len(parts.parts),
            iterations=found.iterations,
            stopped=found.stopped,
        )
        if cancelled is not None and cancelled():
            return []
        points, cost = [found.values], self.program.cost
        saved = cost @ found.first - cost @ found.values
        if 0 < saved < WORTH * abs(cost @ found.values):
            points.append(found.first)
        return [self._read(one, record) for one in points]

    def _read(self, values: Floats, record: PartitionRecord) -> WholeOrders:
        statement, program = self.built.statement, self.program
        return WholeOrders(
            self.built,
            values,
            record,
            tuple(sorted(_planned(statement, program, values))),
            _served(statement, program, values),
            _bought(statement, program, values),
        )

    def _start(
        self, solver: Solver, cancelled: Cancelled | None
    ) -> tuple[Floats | None, np.ndarray]:
        """Cheapest whole orders next to amounts of slope scaling, and all its places.

        Places have shape (n_orders,), bool. None: there is no such point.
        """
        program, size = self.program, self.orders.size
        # The whole column of a row comes last.
        at = program.starts[self._largest.at(np.arange(size)) + 1] - 1
        most = -program.values[at]
        upper = program.column_upper.copy()
        upper[self.orders.span] = np.inf
        slope, likely = most, np.zeros(size, bool)
        best, least = None, math.inf
        for _ in range(SLOPES):
            values = program.values.copy()
            values[at] = -slope
            none = np.zeros(0, dtype=np.int64)
            shares = replace(program, values=values, column_upper=upper, whole=none)
            solved = solver.open(shares).solve(cancelled=cancelled)
            if solved.outcome is not SolveStatus.OPTIMAL:
                break
            amount = solved.values[self._amounts]
            some = amount > DUST
            likely |= some
            parts = np.divide(amount, most, out=np.zeros(size), where=some)
            whole = np.where(some, np.ceil(parts - EXACT), 0.0)
            whole = np.minimum(whole, program.column_upper[self.orders.span])
            point = with_fixed(program, whole, solver)
            if point is not None and program.cost @ point < least:
                best, least = point, float(program.cost @ point)
            slope = np.where(some, np.minimum(amount, most), slope)
        if best is None:
            best = with_fixed(program, np.zeros(size), solver)
        return best, likely

    def _columns(self, start: Floats) -> WholeColumns:
        """What whole columns are about, by a point to start from."""
        statement, program = self.built.statement, self.program
        rows = program.row_block(names.CAPACITY)
        used = row_sums(program, start)[rows.span].reshape(statement.free.shape)
        there = (statement.free + statement.overtime).sum(axis=1)
        utilisation = used.sum(axis=1) / np.maximum(there, DUST)
        number = {name: place for place, name in enumerate(statement.resources)}
        begins, resources = [], []
        for one in self._whole:
            count = _columns(one.plan)
            every = {number.get(work.resource, -1) for work in one.plan.occupied}
            own = max(every - {-1}, key=lambda place: utilisation[place], default=-1)
            begins.append(one.plan.times.start)
            resources.append(np.full(count, own))
        return WholeColumns(
            begin=np.concatenate(begins),
            resource=np.concatenate(resources),
            edges=statement.grid.edges,
            resources=statement.resources,
            utilisation=utilisation,
        )


# --- what orders take ---------------------------------------------------------------
def _orders(base: Statement) -> list[_Order]:
    """Orders of all sources, by the rates of the smallest ones: they fit anywhere."""
    run = base.run
    needs = node_needs(run.clusters, run.release, run.as_of)
    single = {key: one._replace(mean=1) for key, one in needs.items()}
    own = source_columns(run.clusters, single, run.release, base.grid, base.rates)
    usual = {_identity(plan): plan for plan in base.plans}
    carried = Counter(plan.ways[0].source.source for plan in own)
    return [
        _order(base, plan, usual.get(_identity(plan), plan), needs, carried)
        for plan in own
    ]


def _identity(plan: SourceColumns) -> tuple[object, ...]:
    source = plan.ways[0].source
    place = source.product, source.location
    return source.kind, source.source, *place, source.windows, source.fence_start


def _columns(plan: SourceColumns) -> int:
    return len(plan.times.start)


def _order(
    base: Statement,
    plan: SourceColumns,
    usual: SourceColumns,
    needs: Mapping[NodeKey, NodeNeeds],
    carried: Mapping[str, int],
) -> _Order:
    """Part an order into what it takes whatever its size, and what a unit takes.

    `usual` is the source with the rates of usual orders.
    """
    way, size = plan.ways[0], usual.size
    source = way.source
    once, twice = source.costs.cost(size), source.costs.cost(2 * size)
    beside = source.fixed_cost_beside(carried[source.source]) - source.own_fixed_cost
    cost = (twice - once + beside) / size
    fixed = max(0.0, 2 * once - twice - source.costs.shared)
    setups, works = [], []
    many = (max(math.ceil(more * usual.times.size), 2 * source.lot(1)) for more in MANY)
    hours = order_hours(way, base.run.as_of, map(source.lot, many))
    for work in plan.occupied:
        setup, each = hours.get(work.resource, (0.0, 0.0))
        total = setup + each * plan.size
        share = each * plan.size / total if total > 0 else 1.0
        works.append(work._replace(hours=work.hours * share))
        if (1.0 - share) * total > DUST:
            setups.append(work._replace(hours=work.hours * (1.0 - share) * plan.size))
        rate = base.rates[work.resource].cost
        cost, fixed = cost + each * rate, fixed + setup * rate
    made = plan._replace(cost=cost, co2=usual.co2, occupied=tuple(works))
    step = float(source.step)
    total = needs.get(plan.given[0].node.key, NO_NEEDS).total if plan.given else 0
    wanted = float(max(source.lot(max(total, 1)), 1)) * step
    if plan.given and plan.given[0].rate > 0:
        wanted /= min(plan.given[0].rate, 1.0)
    most = float(source.max_lot) * step if source.max_lot else wanted
    least = float(source.min_lot) * step if source.min_lot > 1 else 0.0
    return _Order(
        made,
        base.parameters.cost_weight * fixed,
        tuple(setups),
        least,
        max(ROOM * most, least),
        source.max_lot is not None,
    )


# --- rows of whole orders -----------------------------------------------------------
def _add_orders(
    problem: Problem,
    statement: Statement,
    amounts: Block,
    capacity: Block,
    whole: list[_Order],
) -> tuple[Block, Block]:
    """Add a whole column per order column, and the row of its largest size."""
    counts = [_columns(one.plan) for one in whole]
    size, grid = sum(counts), statement.grid.size
    several = np.repeat([one.several for one in whole], counts)
    upper = np.where(several, MOST_ORDERS, 1.0)
    orders = problem.columns(names.SET_UPS, size, upper=upper, whole=True)
    largest = problem.rows(names.LARGEST, size, upper=0.0)
    smallest = problem.rows(names.SMALLEST, size, lower=0.0)
    number = {name: place for place, name in enumerate(statement.resources)}
    first = 0
    for one, count in zip(whole, counts, strict=True):
        every = first + np.arange(count)
        columns, own = orders.at(every), amounts.at(one.plan.first + np.arange(count))
        most = _most(statement, one, number)
        for rows, sizes in ((largest, most), (smallest, np.full(count, one.least))):
            problem.entries(rows.at(every), own, 1.0)
            problem.entries(rows.at(every), columns, -sizes)
        problem.cost(PART_OF[one.plan.kind], columns, one.cost)
        for work in one.hours:
            row = number.get(work.resource, -1)
            if row >= 0:
                at = capacity.at(row * grid + work.bucket)
                problem.entries(at, columns[work.column], work.hours)
        first += count
    return orders, largest


def _most(statement: Statement, one: _Order, number: Mapping[str, int]) -> Floats:
    """Largest amount of a column by its orders, and by the hours of its bucket."""
    most: Floats = np.full(_columns(one.plan), one.most)
    if one.several:
        return most
    works = {work.resource: work for work in one.plan.occupied}
    for setup in one.hours:
        work, row = works[setup.resource], number.get(setup.resource, -1)
        if row < 0 or len(np.unique(setup.column)) < len(setup.column):
            continue
        there = statement.free[row] + statement.overtime[row]
        room = np.maximum(there[setup.bucket] - setup.hours, 0.0)
        each = np.maximum(work.hours, DUST / HOUR)
        most[setup.column] = np.minimum(most[setup.column], room / each)
    found: Floats = np.maximum(most, one.least)
    return found


# --- what a solution says -----------------------------------------------------------
def _planned(
    statement: Statement, program: Program, values: Floats
) -> Iterator[GivenOrder]:
    """Orders of a solution that make or move something."""
    amounts = values[program.column_block(names.ORDERS).span]
    edges = statement.grid.edges
    for plan in statement.plans:
        if plan.kind == "buy" or not plan.given:
            continue
        own = amounts[plan.first : plan.first + _columns(plan)]
        source, given = plan.ways[0].source, plan.given[0]
        start = plan.times.start.copy()
        for taken in plan.taken if plan.kind == "move" else ():
            # Goods are there until they leave.
            start[taken.column] = taken.at
        for column in np.flatnonzero(own > DUST).tolist():
            brought = float(own[column]) * given.rate / float(given.node.step)
            yield GivenOrder(
                source.product,
                source.location,
                source.source,
                int(edges[start[column]]),
                int(edges[plan.times.arrive[column]]),
                math.ceil(brought - DUST),
            )


def _bought(statement: Statement, program: Program, values: Floats) -> Lots:
    """Begins of the lots of what is only bought, by place.

    A lot begins with the first need that those before it leave to it, the first one
    with the horizon: orders of a plan come at other times than those of the program,
    and what they need a little earlier is no lot of its own.
    """
    amounts = values[program.column_block(names.ORDERS).span]
    size, made = len(statement.nodes), set[int]()
    brought, taken = np.zeros((2, size, statement.grid.size))
    for plan in statement.plans:
        own = amounts[plan.first : plan.first + _columns(plan)]
        for lines, sums in ((plan.given, brought), (plan.taken, taken)):
            for line in lines:
                place = statement.place.get(id(line.node), -1)
                if place >= 0:
                    np.add.at(sums[place], line.at, line.rate * own[line.column])
        if plan.kind != "buy":
            made |= {statement.place.get(id(line.node), -1) for line in plan.given}
    found: dict[NodeKey, tuple[int, ...]] = {}
    for number, node in enumerate(statement.nodes):
        arrivals = np.flatnonzero(brought[number] > DUST)
        if number in made or not len(arrivals):
            continue
        needed = np.cumsum(taken[number]) - np.cumsum(statement.flow[number])
        before = np.cumsum(brought[number])[arrivals] - brought[number][arrivals]
        first = np.searchsorted(needed, before + DUST, side="right")
        begins = statement.grid.edges[np.unique(first[first < statement.grid.size])]
        begins[:1] = statement.grid.edges[0]  # a copy: edges stay as they are
        found[node.key] = tuple(begins.tolist())
    return found


def _served(
    statement: Statement, program: Program, values: Floats
) -> dict[int, tuple[Slice, ...]]:
    """When demands are served, and how much of each [units]."""
    wanted, edges = statement.wanted, statement.grid.edges
    amounts = values[program.column_block(names.DELIVERIES).span]
    rows: dict[int, list[tuple[int, float]]] = {}
    for column in np.flatnonzero(amounts > DUST).tolist():
        at = int(edges[wanted.column_edge[column]])
        number = int(wanted.column_demand[column])
        rows.setdefault(number, []).append((at, float(amounts[column])))
    found: dict[int, tuple[Slice, ...]] = {}
    for number, own in rows.items():
        demand = statement.run.intake.demands[number]
        step = float(statement.run.model.node(demand.node).step)
        slices, there, taken = [], 0.0, 0
        for at, qty in sorted(own):
            there += qty / step
            more = round(there) - taken
            if more > 0:
                slices.append(Slice(more, max(at, demand.due)))
                taken += more
        found[number] = tuple(slices)
    return found
