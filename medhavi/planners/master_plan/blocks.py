"""Blocks of the linear program, one function a rule.

Agreed overtime is bought at its price; what lies beyond it is overload, at a price that
makes it the last resort, and every hour of it is named in the plan (rule 24).

stock[n, t] = stock[n, t - 1] + flow[n, t] + given - taken - delivered (+ waiting)

Goods that arrive at a decision may be used at it. What expires is not part of the
running stock, see `lots`. Where existing orders take more than
there is, they wait for it at a price: a program without a point explains nothing.

use[l, first..last] sums to no more than the lot, and all uses at a decision to no more
than what is taken there then. Without the second row a lot would turn into stock on its
last day and live for ever. Where a level of safety is held, what is left of a lot
counts for it.

The cost of lateness stands on the delivery itself; there is no row for it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.optimize.problem import Problem, Program
from medhavi.planners.master_plan import statement as names
from medhavi.planners.master_plan.energy.energy_block import add_energy
from medhavi.planners.master_plan.lanes.lane_use_block import add_lane_use
from medhavi.planners.master_plan.levelling.level_load import add_levelling
from medhavi.planners.master_plan.openings.opening_block import add_openings
from medhavi.planners.master_plan.required_characteristics import add_asked
from medhavi.planners.master_plan.statement import ObjectivePart, Statement
from medhavi.planners.master_plan.storage.storage_block import add_storage
from medhavi.providers.product_facts import LATE_COST_SHARE
from medhavi.results.figures.order_costs import LEAST_OVERTIME
from medhavi.results.figures.scorecard import SAFETY_SHARE, SHORT_PRICES
from medhavi.units import DAY, seconds_up, to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from medhavi.optimize.problem import Block, Floats, Ints
    from medhavi.planners.master_plan.source_rates import (
        InputRates,
        OutputRates,
        SourceColumns,
    )


def add_capacity(problem: Problem, statement: Statement, orders: Block) -> Block:
    """Add a row per resource and bucket, resource first."""
    size, names_of = statement.grid.size, statement.resources
    place = {name: i for i, name in enumerate(names_of)}
    rows = problem.rows(
        names.CAPACITY, len(names_of) * size, upper=statement.free.ravel()
    )
    used = [
        (place[work.resource], plan.first, work)
        for plan in statement.plans
        for work in plan.occupied
        if work.resource in place
    ]
    if used:
        counts = [len(work.column) for _, _, work in used]
        resource = np.repeat(np.array([entry[0] for entry in used]), counts)
        first = np.repeat(np.array([entry[1] for entry in used]), counts)
        bucket = np.concatenate([work.bucket for _, _, work in used])
        column = np.concatenate([work.column for _, _, work in used])
        hours = np.concatenate([work.hours for _, _, work in used])
        problem.entries(
            rows.at(resource * size + bucket), orders.at(first + column), hours
        )
    _add_overtime(problem, statement, rows)
    if statement.parameters.overload:
        _add_overload(problem, statement, rows)
    return rows


def overtime_prices(statement: Statement) -> np.ndarray:
    """Price of an hour of overtime by resource, shape (R,)."""
    return np.array(
        [max(statement.rates[name].overtime, 0.0) for name in statement.resources],
        dtype=float,
    )


def _add_overtime(problem: Problem, statement: Statement, rows: Block) -> None:
    size = statement.grid.size
    agreed = statement.overtime.ravel()
    places = np.flatnonzero(agreed > 0)
    bought = problem.columns(names.OVERTIME, len(places), upper=agreed[places])
    every = np.arange(len(places))
    problem.entries(rows.at(places), bought.at(every), -1.0)
    prices = overtime_prices(statement)[places // max(size, 1)]
    weight = statement.parameters.cost_weight
    problem.cost(ObjectivePart.OVERTIME, bought.at(every), prices * weight)


def _add_overload(problem: Problem, statement: Statement, rows: Block) -> None:
    size = statement.grid.size
    every = np.arange(rows.size)
    bought = problem.columns(names.OVERLOAD, rows.size)
    problem.entries(rows.at(every), bought.at(every), -1.0)
    prices = np.maximum(overtime_prices(statement), LEAST_OVERTIME)
    factor = statement.parameters.overload_factor * statement.parameters.overload_weight
    problem.cost(
        ObjectivePart.OVERLOAD, bought.at(every), prices[every // max(size, 1)] * factor
    )


MOST_DEPARTURES = 100_000


class LimitRow(NamedTuple):
    """One limit: columns among the orders, their weights, the most."""

    subject: str
    instant: int
    columns: Ints
    weights: Floats
    most: float


class LimitRows(NamedTuple):
    """Rows of lanes and suppliers with what each is about: (subject, instant)."""

    lane: Block
    supplier: Block
    about: tuple[tuple[str, int], ...]


def add_limits(problem: Problem, statement: Statement, orders: Block) -> LimitRows:
    """Add a row per lane and decision, and per supplier and period or window."""
    lanes = list(_lane_limits(statement))
    suppliers = [*_period_limits(statement), *_window_limits(statement)]
    about = tuple((limit.subject, limit.instant) for limit in (*lanes, *suppliers))
    return LimitRows(
        _add(problem, names.LANE, lanes, orders),
        _add(problem, names.SUPPLIER, suppliers, orders),
        about,
    )


def _add(problem: Problem, name: str, found: list[LimitRow], orders: Block) -> Block:
    upper = np.array([limit.most for limit in found], dtype=float)
    rows = problem.rows(name, len(found), upper=upper)
    if found:
        counts = [len(limit.columns) for limit in found]
        problem.entries(
            rows.at(np.repeat(np.arange(len(found)), counts)),
            orders.at(np.concatenate([limit.columns for limit in found])),
            np.concatenate([limit.weights for limit in found]),
        )
    return rows


# --- lanes -------------------------------------------------------------------------
def _lane_limits(statement: Statement) -> Iterator[LimitRow]:
    """Limit what leaves on the departures of each bucket.

    A lane that leaves at any time has no limit: another departure is always there.
    """
    grouped: dict[str, list[SourceColumns]] = defaultdict(list)
    for plan in statement.plans:
        row = plan.ways[0].source.row
        if plan.kind == "move" and (
            row["capacity_kg"] is not None or row["capacity_m3"] is not None
        ):
            grouped[plan.ways[0].source.source].append(plan)
    facts = {
        row["product"]: (row["weight_kg"], row["volume_m3"])
        for row in statement.run.snapshot["products"].iter_rows(named=True)
    }
    for lane, plans in sorted(grouped.items()):
        departures = _departures(statement, plans[0])
        if departures is None:
            continue
        row = plans[0].ways[0].source.row
        for number, column in enumerate(("capacity_kg", "capacity_m3")):
            most = row[column]
            if not isinstance(most, float):
                continue
            weights = [facts[plan.ways[0].source.product][number] for plan in plans]
            yield from _by_bucket(statement, lane, plans, weights, departures * most)


def _by_bucket(
    statement: Statement,
    subject: str,
    plans: list[SourceColumns],
    weights: list[float],
    most: Floats,
) -> Iterator[LimitRow]:
    grid = statement.grid
    counts = [len(plan.times.start) for plan in plans]
    columns = np.concatenate(
        [plan.first + np.arange(len(plan.times.start)) for plan in plans]
    )
    left = np.concatenate([plan.times.begin for plan in plans])
    bucket = np.searchsorted(grid.edges, left, side="right") - 1
    weight = np.repeat(np.array(weights, dtype=float), counts)
    for k in np.unique(bucket[weight > 0]).tolist():
        chosen = (bucket == k) & (weight > 0)
        at = int(grid.edges[k])
        yield LimitRow(subject, at, columns[chosen], weight[chosen], float(most[k]))


def _departures(statement: Statement, plan: SourceColumns) -> Floats | None:
    """Count the departures of a lane in each bucket; None: it leaves at any time."""
    grid, clock = statement.grid, plan.ways[0].source.clock
    found = np.zeros(grid.size)
    moment, end = int(grid.edges[0]), int(grid.edges[-1])
    for _ in range(MOST_DEPARTURES):
        timing = clock.earliest(moment, 1)
        if timing is None or timing.departure is None or timing.departure >= end:
            return found
        again = clock.earliest(timing.ready + 1, 1)
        if again is not None and again.departure == timing.departure + 1:
            return None
        found[np.searchsorted(grid.edges, timing.departure, side="right") - 1] += 1
        moment = timing.ready + 1
    return found


# --- suppliers ---------------------------------------------------------------------
def _buys(statement: Statement) -> list[SourceColumns]:
    return [plan for plan in statement.plans if plan.kind == "buy"]


def _columns(plan: SourceColumns) -> Ints:
    found: Ints = plan.first + np.arange(len(plan.times.start))
    return found


def _period_limits(statement: Statement) -> Iterator[LimitRow]:
    """Limit what terms give per period; of a longer bucket the periods in it."""
    grouped: dict[tuple[str, str, str], list[SourceColumns]] = defaultdict(list)
    for plan in _buys(statement):
        row = plan.ways[0].source.row
        if isinstance(row["capacity_per_period"], float):
            key = (
                plan.ways[0].source.source,
                str(row["product"]),
                str(row["location"]),
            )
            grouped[key].append(plan)
    as_of, grid = statement.run.as_of, statement.grid
    for (supplier, _, _), plans in sorted(grouped.items()):
        row = plans[0].ways[0].source.row
        most, days = row["capacity_per_period"], row["period_days"]
        length = seconds_up(days, DAY)  # type: ignore[arg-type]
        columns = np.concatenate([_columns(plan) for plan in plans])
        arrive = np.concatenate([plan.times.arrive for plan in plans])
        periods = (grid.starts[arrive] - as_of) // length
        for period in np.unique(periods).tolist():
            chosen = periods == period
            edge = int(arrive[chosen].max())
            several = max(1.0, float(grid.lengths[edge]) / length)
            yield LimitRow(
                supplier,
                as_of + period * length,
                columns[chosen],
                np.ones(int(chosen.sum())),
                float(most) * several,  # type: ignore[arg-type]
            )


def _window_limits(statement: Statement) -> Iterator[LimitRow]:
    """Limit what arrives in the windows of supplier_capacity (rule 32)."""
    facts = statement.run.providers.facts
    for row in statement.run.snapshot["supplier_capacity"].iter_rows(named=True):
        low, high = to_seconds(row["valid_from"]), to_seconds(row["valid_to"])
        found: list[Ints] = []
        for plan in _buys(statement):
            source = plan.ways[0].source
            named = {"*", *facts.lineage(source.product)}
            if source.source == row["supplier"] and row["product"] in named:
                finish = plan.times.finish
                found.append(_columns(plan)[(finish >= low) & (finish < high)])
        columns = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
        if len(columns):
            most = float(row["qty"])
            yield LimitRow(row["supplier"], low, columns, np.ones(len(columns)), most)


class MaterialBlocks(NamedTuple):
    """Blocks of material: `balance` has a row per node and decision, node first.

    `safety` has a row per place of `levels` in it, `waiting` a column per node with
    fixed needs and decision.
    """

    balance: Block
    stock: Block
    safety: Block
    levels: NDArray[np.int64]
    waiting: Block


def add_material(problem: Problem, statement: Statement) -> MaterialBlocks:
    """Add stock, its balance and its price."""
    n, size = len(statement.nodes), statement.grid.size
    stock = problem.columns(names.STOCK, n * size)
    flow = statement.flow.ravel()
    balance = problem.rows(names.BALANCE, n * size, -flow, -flow)
    every = np.arange(n * size)
    problem.entries(balance.at(every), stock.at(every), -1.0)
    later = every[every % size > 0] if size else every
    problem.entries(balance.at(later), stock.at(later - 1), 1.0)
    weight = statement.parameters.inventory_weight
    problem.cost(
        ObjectivePart.HOLDING, stock.at(every), statement.holding.ravel() * weight
    )
    levels = np.flatnonzero(statement.safety.ravel() > 0)
    safety = _add_safety(problem, statement, stock, levels)
    waiting = _add_waiting(problem, statement, balance)
    return MaterialBlocks(balance, stock, safety, levels, waiting)


def _add_safety(
    problem: Problem, statement: Statement, stock: Block, wanted: NDArray[np.int64]
) -> Block:
    size = statement.grid.size
    below = problem.columns(names.BELOW_SAFETY, len(wanted))
    rows = problem.rows(
        names.SAFETY, len(wanted), lower=statement.safety.ravel()[wanted]
    )
    every = np.arange(len(wanted))
    problem.entries(rows.at(every), below.at(every), 1.0)
    problem.entries(rows.at(every), stock.at(wanted), 1.0)
    node, edge = wanted // max(size, 1), wanted % max(size, 1)
    days = statement.grid.lengths / DAY
    money = SAFETY_SHARE * statement.stock_value[node] * days[edge]
    goals = statement.parameters
    last = goals.end_stock_price * statement.value[node]
    money += np.where(edge == size - 1, last, 0.0)
    problem.cost(ObjectivePart.SAFETY, below.at(every), money * goals.safety_weight)
    return rows


def _add_waiting(problem: Problem, statement: Statement, balance: Block) -> Block:
    """Add the wait of existing orders for material, priced as a top-priority demand.

    What waits at the end is never there: its price is that of a shortage.
    """
    size = statement.grid.size
    nodes = np.flatnonzero(statement.fixed)
    waiting = problem.columns(names.WAITING, len(nodes) * size)
    every = np.arange(len(nodes) * size)
    node = np.repeat(nodes, size)
    edge = np.tile(np.arange(size), len(nodes))
    problem.entries(balance.at(node * size + edge), waiting.at(every), 1.0)
    lasting = every[edge < size - 1]
    problem.entries(
        balance.at((node * size + edge)[lasting] + 1), waiting.at(lasting), -1.0
    )
    worth = np.maximum(statement.value, statement.stock_value)[node]
    days = statement.grid.lengths[edge] / DAY
    weight = statement.run.settings.weight(1)
    money = LATE_COST_SHARE * days + np.where(edge == size - 1, SHORT_PRICES, 0.0)
    problem.cost(ObjectivePart.WAITING, waiting.at(every), money * worth * weight)
    return waiting


def add_lots(
    problem: Problem,
    statement: Statement,
    material: MaterialBlocks,
    orders: Block,
    deliveries: Block,
) -> None:
    """Add uses of lots with their rows."""
    lots, size = statement.lots, statement.grid.size
    first = np.array([lot.first for lot in lots], dtype=np.int64)
    counts = np.array([lot.last - lot.first + 1 for lot in lots], dtype=np.int64)
    which = np.repeat(np.arange(len(lots)), counts)
    edge = first[which] + np.arange(len(which)) - (np.cumsum(counts) - counts)[which]
    node = np.array([lot.node for lot in lots], dtype=np.int64)
    use = problem.columns(names.LOT_USE, len(which))
    every = np.arange(len(which))
    upper = np.array([lot.qty for lot in lots], dtype=float)
    rows = problem.rows(names.LOTS, len(lots), upper=upper)
    problem.entries(rows.at(which), use.at(every), 1.0)
    places = node[which] * size + edge
    problem.entries(material.balance.at(places), use.at(every), 1.0)
    _add_takes(problem, statement, material, (orders, deliveries, use), places)
    _add_left(problem, statement, material, use, which, edge)


def _add_takes(
    problem: Problem,
    statement: Statement,
    material: MaterialBlocks,
    blocks: tuple[Block, Block, Block],
    places: Ints,
) -> None:
    """Limit the uses at a decision to what is taken there."""
    orders, deliveries, use = blocks
    size = statement.grid.size
    keys = np.unique(places)
    row_of = np.full(len(statement.nodes) * size, -1, dtype=np.int64)
    row_of[keys] = np.arange(len(keys))
    rows = problem.rows(
        names.LOT_TAKES, len(keys), upper=statement.fixed_needs.ravel()[keys]
    )
    problem.entries(rows.at(row_of[places]), use.at(np.arange(len(places))), 1.0)
    for plan in statement.plans:
        for taken in plan.taken:
            number = statement.place.get(id(taken.node), -1)
            if number < 0:
                continue
            row = row_of[number * size + taken.at]
            kept = row >= 0
            problem.entries(
                rows.at(row[kept]),
                orders.at(plan.first + taken.column[kept]),
                -taken.rate,
            )
    own = statement.wanted
    row = row_of[own.node[own.column_demand] * size + own.column_edge]
    given = np.flatnonzero(row >= 0)
    problem.entries(rows.at(row[given]), deliveries.at(given), -1.0)
    nodes = np.flatnonzero(statement.fixed)
    place = np.repeat(nodes, size) * size + np.tile(np.arange(size), len(nodes))
    waits = np.flatnonzero(row_of[place] >= 0)
    problem.entries(rows.at(row_of[place[waits]]), material.waiting.at(waits), 1.0)
    later = waits[place[waits] % size > 0] if size else waits
    problem.entries(rows.at(row_of[place[later]]), material.waiting.at(later - 1), -1.0)


def _add_left(
    problem: Problem,
    statement: Statement,
    material: MaterialBlocks,
    use: Block,
    which: Ints,
    edge: Ints,
) -> None:
    """Count the rest of a lot towards the level of safety while it lives."""
    lots, size = statement.lots, statement.grid.size
    level = np.full(len(statement.nodes) * size, -1, dtype=np.int64)
    level[material.levels] = np.arange(len(material.levels))
    node = np.array([lot.node for lot in lots], dtype=np.int64)
    held = statement.safety.max(axis=1, initial=0.0) > 0
    chosen = np.flatnonzero(held[node[which]])
    if not len(chosen):
        return
    every = np.arange(len(chosen))
    starts = edge[chosen] == np.array([lot.first for lot in lots])[which[chosen]]
    given = np.where(starts, np.array([lot.qty for lot in lots])[which[chosen]], 0.0)
    left = problem.columns(names.LOT_LEFT, len(chosen))
    rows = problem.rows(names.LOT_LEFT, len(chosen), given, given)
    problem.entries(rows.at(every), left.at(every), 1.0)
    problem.entries(rows.at(every), use.at(chosen), 1.0)
    later = every[~starts]
    problem.entries(rows.at(later), left.at(later - 1), -1.0)
    row = level[node[which[chosen]] * size + edge[chosen]]
    known = every[row >= 0]
    problem.entries(material.safety.at(row[known]), left.at(known), 1.0)


PART_OF = {
    "make": ObjectivePart.MAKING,
    "buy": ObjectivePart.BUYING,
    "move": ObjectivePart.MOVING,
}


def add_orders(
    problem: Problem, statement: Statement, material: MaterialBlocks
) -> Block:
    """Add a column per source and start, in units ordered, with cost and emission."""
    plans = statement.plans
    orders = problem.columns(names.ORDERS, statement.n_orders)
    lines: list[tuple[int, float, OutputRates | InputRates]] = []
    for plan in plans:
        lines += [(plan.first, 1.0, given) for given in plan.given]
        lines += [(plan.first, -1.0, taken) for taken in plan.taken]
    _add_lines(problem, statement, material, orders, lines)
    counts = np.array([len(plan.times.start) for plan in plans], dtype=np.int64)
    every, goals = np.arange(statement.n_orders), statement.parameters
    cost = np.repeat(np.array([plan.cost for plan in plans], dtype=float), counts)
    kinds = np.repeat(np.array([plan.kind for plan in plans], dtype=np.str_), counts)
    for kind, part in PART_OF.items():
        chosen = every[kinds == kind]
        problem.cost(part, orders.at(chosen), cost[chosen] * goals.cost_weight)
    of_all = np.array([(plan.co2, plan.at_risk) for plan in plans]).reshape(-1, 2)
    co2, at_risk = np.repeat(of_all, counts, axis=0).T
    problem.cost(ObjectivePart.CO2, orders.at(every), co2 * goals.co2_price)
    problem.cost(ObjectivePart.RISK, orders.at(every), at_risk * goals.risk_price)
    return orders


def _add_lines(
    problem: Problem,
    statement: Statement,
    material: MaterialBlocks,
    orders: Block,
    lines: list[tuple[int, float, OutputRates | InputRates]],
) -> None:
    """Add all lines at once: a call per line would cost more than the lines."""
    planned = [
        (first, sign, line, statement.place[id(line.node)])
        for first, sign, line in lines
        if id(line.node) in statement.place
    ]
    if not planned:
        return
    size = statement.grid.size
    counts = [len(line.column) for _, _, line, _ in planned]
    column = np.concatenate([line.column for _, _, line, _ in planned])
    at = np.concatenate([line.at for _, _, line, _ in planned])
    first = np.repeat(np.array([entry[0] for entry in planned]), counts)
    rate = np.repeat(np.array([s * line.rate for _, s, line, _ in planned]), counts)
    node = np.repeat(np.array([entry[3] for entry in planned]), counts)
    problem.entries(
        material.balance.at(node * size + at), orders.at(first + column), rate
    )


class ServiceBlocks(NamedTuple):
    """Blocks of service: a row and a short column per demand."""

    demand: Block
    deliveries: Block
    short: Block


def add_service(
    problem: Problem, statement: Statement, material: MaterialBlocks
) -> ServiceBlocks:
    """Add deliveries and shortage of all demands."""
    wanted, size = statement.wanted, statement.grid.size
    n, many = len(wanted.qty), len(wanted.column_demand)
    deliveries = problem.columns(names.DELIVERIES, many)
    short = problem.columns(names.SHORT, n)
    rows = problem.rows(names.DEMAND, n, wanted.qty, wanted.qty)
    every, who = np.arange(many), wanted.column_demand
    problem.entries(rows.at(who), deliveries.at(every), 1.0)
    problem.entries(rows.at(np.arange(n)), short.at(np.arange(n)), 1.0)
    problem.entries(
        material.balance.at(wanted.node[who] * size + wanted.column_edge),
        deliveries.at(every),
        -1.0,
    )
    weights = statement.parameters
    late = wanted.late[who] * wanted.column_days * weights.lateness_weight
    problem.cost(ObjectivePart.LATENESS, deliveries.at(every), late)
    lost = wanted.short * weights.shortage_weight
    problem.cost(ObjectivePart.SHORTAGE, short.at(np.arange(n)), lost)
    return ServiceBlocks(rows, deliveries, short)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BuiltProgram:
    """A program with its facts; `about` names the rows of lanes and suppliers."""

    program: Program
    statement: Statement
    about: tuple[tuple[str, int], ...]


class ProgramBlocks(NamedTuple):
    """Blocks of a program that others add to: orders, rows of hours; and `about`."""

    orders: Block
    capacity: Block
    about: tuple[tuple[str, int], ...]


def add_blocks(
    problem: Problem, statement: Statement, *, whole: bool = False
) -> ProgramBlocks:
    """Add all blocks of the program of amounts; `whole`: orders are whole besides."""
    material = add_material(problem, statement)
    orders = add_orders(problem, statement, material)
    service = add_service(problem, statement, material)
    add_lots(problem, statement, material, orders, service.deliveries)
    add_asked(problem, statement, material.stock, orders, service.deliveries)
    add_storage(problem, statement, material.stock, whole=whole)
    add_energy(problem, statement, orders)
    add_openings(problem, statement, orders)
    add_levelling(problem, statement, orders)
    add_lane_use(problem, statement, orders, whole=whole)
    capacity = add_capacity(problem, statement, orders)
    return ProgramBlocks(orders, capacity, add_limits(problem, statement, orders).about)


def build(statement: Statement) -> BuiltProgram:
    """Put the program of a statement together, linear in entries but for one sort."""
    about = add_blocks(made := Problem(), statement).about
    return BuiltProgram(program=made.program(), statement=statement, about=about)
