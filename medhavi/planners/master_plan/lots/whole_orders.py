r"""Orders of all products at once, each source and bucket with whole set-ups.

The program of amounts spreads set-ups, fixed costs and least orders over usual orders.
Here an order column x has a whole number z of orders besides, with cost f, hours a and
sizes from l to m of each, and the hours and costs of x are those of its size alone:

    l z <= x <= m z,   sum (a z + b x) <= free

A source has columns of its own for the sizes of each price; where orders come in
multiples of u, a whole number k of them has l = m = u.

Slope scaling (Kim and Pardalos 1999, Operations Research Letters 24, 195-203) tells
where orders may be: m is replaced by the amount of the solution before. As many orders
as such amounts ask for are the start. From there on they are decided by parts (all of
them are one where they are few), among those places, then among all; each ends after
some nodes of the search tree. The solution is a guide: it is decoded by all rules.
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.problem import Problem, SolveStatus, inner
from medhavi.planners.constrained.deliveries import goes_whole
from medhavi.planners.constrained.netting.prescribed_sources import PrescribedOrder
from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.planners.master_plan import statement as names
from medhavi.planners.master_plan.blocks import PART_OF, BuiltProgram, add_blocks
from medhavi.planners.master_plan.lanes.lane_use_block import add_filled
from medhavi.planners.master_plan.lots.budget_rows import with_budgets
from medhavi.planners.master_plan.lots.fix_and_optimize import (
    ALL,
    EXACT,
    WholeColumns,
    fix_and_optimize,
    partition,
    row_sums,
    with_fixed,
)
from medhavi.planners.master_plan.lots.order_columns import (
    DUST,
    columns_of,
    count_of,
    order_columns,
    unit_hours,
    with_room,
)
from medhavi.results.program_record import PartitionRecord
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.optimize.problem import Block, Floats, Ints, Program, Solver
    from medhavi.planners.constrained.netting.prescribed_sources import Lots, Sizes
    from medhavi.planners.master_plan.lots.order_columns import OrderColumns
    from medhavi.planners.master_plan.source_rates import SourceColumns
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.planners.mrp.netting_state.state import NodeKey
    from medhavi.progress import Cancelled

SLOPES = 4
"""Solutions of which places of orders are taken."""
GAP = 0.001
"""Share of the objective by which a solution may cost more than the best one."""
NEAR, MOST_POINTS = 0.005, 4
"""Share of the objective by which a point may cost more than the best one to be planned
too, and how many are planned."""
NO_FIXED = "no order costs or takes anything whatever its size"
MOST_ORDERS = 1_000.0
"""Whole orders of a column, at most."""


class WholeOrders(NamedTuple):
    """Solution with whole orders: its program, and what it says of orders and demands.

    `record` says how it was decided, None: amounts are orders as they are; `orders`,
    `served`, and `lots` and `sizes`, those of what is only bought, are as of
    `Decisions`; `deferred` are slices of demands for what is only bought that are
    served late.
    """

    built: BuiltProgram
    values: Floats
    record: PartitionRecord | None
    orders: tuple[PrescribedOrder, ...]
    served: Mapping[int, tuple[Slice, ...]]
    lots: Lots
    sizes: Sizes
    deferred: Mapping[int, tuple[Slice, ...]]


def whole_orders(
    base: Statement, solver: Solver, cancelled: Cancelled | None = None
) -> list[WholeOrders]:
    """Solve the program with whole orders; none: too large, or interrupted.

    The best point comes first, then those before it that cost little more: plans of
    points that cost about the same differ by some per cent.

    Parameters
    ----------
    base
        Facts of the program of amounts.
    solver, cancelled
        Solves the programs; polled.
    """
    orders = order_columns(base)
    if _why_not(base, orders):
        return []
    program = _WholeProgram(base, orders)
    if base.parameters.budgets:
        found = program.within_budgets(solver, cancelled).solve(solver, cancelled)
        if found:
            return found
    return program.solve(solver, cancelled)


def why_no_whole_orders(base: Statement) -> str:
    """Why the program with whole orders gave no plan, in words."""
    if base.parameters.effort == "light":
        return "effort light plans by amounts, and in planned lots"
    limits = "none was found before a limit or an interruption"
    return _why_not(base, order_columns(base)) or limits


def decides_orders(base: Statement) -> bool:
    """Whether whole orders are decided, unless a limit or an interruption ends it."""
    light = base.parameters.effort == "light"
    return not (light or _why_not(base, order_columns(base)))


def amounts_as_orders(built: BuiltProgram, values: Floats) -> WholeOrders:
    """Amounts of a program as orders, as they are; what is bought is netted."""
    statement, program = built.statement, built.program
    orders = planned_orders(statement, program, values, in_sum=True)
    served = served_slices(statement, program, values)
    return WholeOrders(built, values, None, tuple(sorted(orders)), served, {}, {}, {})


def _why_not(base: Statement, orders: Sequence[OrderColumns]) -> str:
    """Why whole orders are not decided; empty: they are."""
    count = count_of(orders)
    most = base.parameters.most_whole_orders
    if not count:
        if not _chooses(orders):
            return NO_FIXED
        count = sum(columns_of(one.plan) for one in orders)
    more = f"{count:,} sources times buckets are more than most_whole_orders ({most:,})"
    return more if count > most else ""


def _chooses(orders: Sequence[OrderColumns]) -> bool:
    """Whether a product has several sources of which one makes or moves it.

    Orders of such are not netted one by one: amounts alone are orders enough.
    """
    sources: dict[int, set[tuple[str, str]]] = {}
    for one in orders:
        for given in one.plan.given:
            name = one.plan.ways[0].source.source
            sources.setdefault(id(given.node), set()).add((one.plan.kind, name))
    return any(
        len(own) > 1 and any(kind != "buy" for kind, _ in own)
        for own in sources.values()
    )


class _WholeProgram:
    """The program, and the places of whole orders in it."""

    def __init__(self, base: Statement, made: Sequence[OrderColumns]) -> None:
        steps = np.array([[float(node.step)] for node in base.nodes])
        hours = unit_hours(base, made)
        flow = np.where(base.flow > 0, with_room(base.flow, steps), base.flow)
        statement = replace(
            base,
            plans=tuple(one.plan for one in made),
            flow=flow,
            free=with_room(base.free, hours),
            overtime=with_room(base.overtime, hours),
        )
        problem = Problem()
        blocks = add_blocks(problem, statement, whole=True)
        whole = [own for one in made for own in one.whole]
        self.orders, self._largest = _add_orders(
            problem, statement, blocks.orders, blocks.capacity, whole
        )
        if statement.parameters.min_fill_price:
            add_filled(problem, statement, blocks.orders, self._filled(whole))
        found = problem.program()
        upper = found.row_upper.copy()
        for name in (names.LANE, names.SUPPLIER):
            span = found.row_block(name).span
            upper[span] = with_room(upper[span], steps.min(initial=1.0))
        self.program = replace(found, row_upper=upper, gap=GAP)
        self.built = BuiltProgram(
            program=self.program, statement=statement, about=blocks.about
        )
        places = [one.plan.first + np.arange(columns_of(one.plan)) for one in whole]
        self._whole = whole
        self._amounts: Ints = blocks.orders.at(np.concatenate([[], *places]))

    def _filled(
        self, whole: Sequence[OrderColumns]
    ) -> Iterator[tuple[SourceColumns, Ints, float]]:
        """Sources of whole orders, the places of these, and their least load [kg]."""
        first = 0
        for one in whole:
            count = columns_of(one.plan)
            yield one.plan, self.orders.at(first + np.arange(count)), one.filled
            first += count

    def within_budgets(
        self, solver: Solver, cancelled: Cancelled | None
    ) -> _WholeProgram:
        """Program that keeps the budgets of its parameters where that can be."""
        found = copy(self)
        found.program = with_budgets(self.built, solver, cancelled)
        found.built = replace(self.built, program=found.program)
        return found

    def solve(self, solver: Solver, cancelled: Cancelled | None) -> list[WholeOrders]:
        """As of `whole_orders`."""
        if not self._whole:
            return self._of_amounts(solver, cancelled)
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
            self.program, parts, start, likely, solver, sweeps, cancelled
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
        cost, best = self.program.cost, found.values
        most = inner(cost, best) + NEAR * abs(inner(cost, best))
        near = [one for one in found.points[::-1] if inner(cost, one) <= most]
        return [self._read(one, record) for one in near[:MOST_POINTS]]

    def _of_amounts(
        self, solver: Solver, cancelled: Cancelled | None
    ) -> list[WholeOrders]:
        """Amounts as orders, where none costs anything whatever its size."""
        solved = solver.open(self.program).solve(cancelled=cancelled)
        if solved.outcome is not SolveStatus.OPTIMAL:
            return []
        record = PartitionRecord(
            strategy=ALL,
            reason=NO_FIXED,
            parts=0,
            iterations=(),
            stopped="amounts are orders as they are",
        )
        return [self._read(solved.values, record)]

    def _read(self, values: Floats, record: PartitionRecord) -> WholeOrders:
        statement, program = self.built.statement, self.program
        served = served_slices(statement, program, values)
        return WholeOrders(
            self.built,
            values,
            record,
            tuple(sorted(planned_orders(statement, program, values))),
            served,
            bought_lots(statement, program, values),
            priced_sizes(statement, program, values),
            deferred_slices(statement, served),
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
        least = np.repeat(
            [one.least for one in self._whole],
            [columns_of(one.plan) for one in self._whole],
        )
        upper = program.column_upper.copy()
        upper[self.orders.span] = np.inf
        slope, likely = most, np.zeros(size, bool)
        best, cheapest = None, math.inf
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
            # As many orders as the amount asks for: fewer would not hold it.
            whole = np.where(some, np.ceil(parts - EXACT), 0.0)
            whole = np.minimum(whole, program.column_upper[self.orders.span])
            point = with_fixed(program, whole, solver)
            if point is not None and inner(program.cost, point) < cheapest:
                best, cheapest = point, inner(program.cost, point)
            # Of columns of one size no more than that size is a slope.
            slope = np.where(some & (least < most), np.minimum(amount, most), slope)
        # No new order at all may still be a point.
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
        begins, resources, made = [], [], []
        costs: dict[NodeKey, float] = {}
        for plan, places, _ in self._filled(self._whole):
            key = plan.given[0].node.key
            paid = inner(program.cost[places], start[places])
            costs[key] = costs.get(key, 0.0) + paid
            made.append((key, len(places)))
            every = {number.get(work.resource, -1) for work in plan.occupied}
            own = max(every - {-1}, key=lambda place: utilisation[place], default=-1)
            begins.append(plan.times.start)
            resources.append(np.full(len(places), own))
        products = sorted(costs, key=lambda key: (-costs[key], key))
        place = {key: number for number, key in enumerate(products)}
        needed = self._needed()
        return WholeColumns(
            begin=np.concatenate(begins),
            resource=np.concatenate(resources),
            edges=statement.grid.edges,
            resources=statement.resources,
            utilisation=utilisation,
            product=np.concatenate([np.full(n, place[key]) for key, n in made]),
            products=[" at ".join(key) for key in products],
            urgency=np.array([needed.get(key, len(needed)) for key in products]),
        )

    def _needed(self) -> dict[NodeKey, int]:
        """In which sequence demands need products: the most urgent demand first."""
        run = self.built.statement.run
        found: dict[NodeKey, int] = {}
        for demand in sorted(run.intake.demands, key=attrgetter("priority", "due")):
            asked = [demand.node]
            while asked:
                key = asked.pop()
                if key not in found:
                    found[key] = len(found)
                    asked += run.model.takes_from(run.model.node(key))
        return found


# --- rows of whole orders -----------------------------------------------------------
def _add_orders(
    problem: Problem,
    statement: Statement,
    amounts: Block,
    capacity: Block,
    whole: list[OrderColumns],
) -> tuple[Block, Block]:
    """Add a whole column per order column, and the row of its largest size."""
    counts = np.array([columns_of(one.plan) for one in whole], np.int64)
    size, grid = int(counts.sum()), statement.grid.size
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


def _most(statement: Statement, one: OrderColumns, number: Mapping[str, int]) -> Floats:
    """Largest amount of a column by its orders, and by the hours of its bucket."""
    most: Floats = np.full(columns_of(one.plan), one.most)
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


def planned_orders(
    statement: Statement, program: Program, values: Floats, *, in_sum: bool = False
) -> Iterator[PrescribedOrder]:
    """Orders of a solution; of what is only bought there are lots alone.

    Parameters
    ----------
    in_sum
        Whether the orders of a source have as many whole units as they need in sum;
        else each has.
    """
    amounts = values[program.column_block(names.ORDERS).span]
    edges = statement.grid.edges
    made = _made(statement)
    for plan in statement.plans:
        if not plan.given or id(plan.given[0].node) not in made:
            continue
        own = amounts[plan.first : plan.first + columns_of(plan)]
        source, given = plan.ways[0].source, plan.given[0]
        start = plan.times.start.copy()
        for taken in plan.taken if plan.kind == "move" else ():
            # Goods are there until they leave.
            start[taken.column] = taken.at
        columns = np.flatnonzero(own > DUST)
        units = own[columns] * given.rate / float(given.node.step)
        if in_sum:
            units = np.diff(np.ceil(np.cumsum(units) - DUST), prepend=0.0)
        for column, brought in zip(columns.tolist(), units.tolist(), strict=True):
            if brought <= DUST:
                continue
            yield PrescribedOrder(
                source.product,
                source.location,
                source.source,
                int(edges[start[column]]),
                int(edges[plan.times.arrive[column]]),
                math.ceil(brought - DUST),
            )


def _made(statement: Statement) -> set[int]:
    """Identities of the nodes that something else than a purchase brings."""
    return {
        id(line.node)
        for plan in statement.plans
        if plan.kind != "buy"
        for line in plan.given
    }


def bought_lots(statement: Statement, program: Program, values: Floats) -> Lots:
    """Begins of the lots of what is only bought, by place.

    A lot begins with the first need that those before it leave to it, the first one
    with the horizon: orders of a plan come at other times than those of the program,
    and what they need a little earlier is no lot of its own.
    """
    amounts = values[program.column_block(names.ORDERS).span]
    size, made = len(statement.nodes), _made(statement)
    brought, taken = np.zeros((2, size, statement.grid.size))
    for plan in statement.plans:
        own = amounts[plan.first : plan.first + columns_of(plan)]
        for lines, sums in ((plan.given, brought), (plan.taken, taken)):
            for line in lines:
                place = statement.place.get(id(line.node), -1)
                if place >= 0:
                    np.add.at(sums[place], line.at, line.rate * own[line.column])
    wanted = statement.wanted
    delivered = values[program.column_block(names.DELIVERIES).span]
    at = wanted.node[wanted.column_demand], wanted.column_edge
    np.add.at(taken, at, delivered)
    found: dict[NodeKey, tuple[int, ...]] = {}
    for number, node in enumerate(statement.nodes):
        arrivals = np.flatnonzero(brought[number] > DUST)
        if id(node) in made or not len(arrivals):
            continue
        needed = np.cumsum(taken[number]) - np.cumsum(statement.flow[number])
        before = np.cumsum(brought[number])[arrivals] - brought[number][arrivals]
        # First bucket by which more is needed than earlier lots brought.
        first = np.searchsorted(needed, before + DUST, side="right")
        begins = statement.grid.edges[np.unique(first[first < statement.grid.size])]
        begins[:1] = statement.grid.edges[0]  # a copy: edges stay as they are
        found[node.key] = tuple(begins.tolist())
    return found


def served_slices(
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
            # By running totals: rounded parts sum up to the whole.
            more = round(there) - taken
            if more > 0:
                slices.append(Slice(more, max(at, demand.due)))
                taken += more
        found[number] = tuple(slices)
    return found


def deferred_slices(
    statement: Statement, served: Mapping[int, tuple[Slice, ...]]
) -> dict[int, tuple[Slice, ...]]:
    """Of what is served, that of demands for what is only bought which are late."""
    run, made = statement.run, _made(statement)
    found: dict[int, tuple[Slice, ...]] = {}
    for index, own in served.items():
        demand = run.intake.demands[index]
        netted = id(run.model.node(demand.node)) in made or index in run.pegged_below
        whole = sum(one.qty for one in own) == demand.qty
        parts = len(own) == 1 or not goes_whole(demand)
        if not netted and whole and parts and own[-1].date > max(demand.due, run.as_of):
            found[index] = own
    return found


def priced_sizes(statement: Statement, program: Program, values: Floats) -> Sizes:
    """Least order of what is only bought, where its price depends on that [units]."""
    amounts = values[program.column_block(names.ORDERS).span]
    made = _made(statement)
    found: dict[NodeKey, int] = {}
    for plan in statement.plans:
        source = plan.ways[0].source
        own = amounts[plan.first : plan.first + columns_of(plan)]
        netted = plan.given and id(plan.given[0].node) not in made
        if not netted or not source.costs.min_qtys or not (own > DUST).any():
            continue
        least = math.ceil(float(own[own > DUST].min()) / float(source.step) - DUST)
        key = plan.given[0].node.key
        found[key] = min(least, found.get(key, least))
    return found
