"""What a program with whole orders decides: orders, lots, and when demands are served.

All is as of `Decisions`; it is decoded by all rules.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.constrained.deliveries import goes_whole
from medhavi.planners.constrained.netting.given_sources import GivenOrder
from medhavi.planners.constrained.netting.rationing import Slice
from medhavi.planners.master_plan import statement as names
from medhavi.planners.master_plan.lots.order_columns import DUST, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medhavi.optimize.problem import Floats, Program
    from medhavi.planners.constrained.netting.given_sources import Lots, Sizes
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.planners.mrp.netting_state.state import NodeKey


def planned_orders(
    statement: Statement, program: Program, values: Floats, *, in_sum: bool = False
) -> Iterator[GivenOrder]:
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
            yield GivenOrder(
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
