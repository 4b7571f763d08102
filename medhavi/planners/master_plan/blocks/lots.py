"""Lots that expire: used up to their last decision, and never put into stock.

use[l, first..last] sums to no more than the lot, and all uses at a decision to no more
than what is taken there then. Without the second row a lot would turn into stock on its
last day and live for ever. Where a level of safety is held, what is left of a lot
counts for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.master_plan import program_parts as names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medhavi.optimize.problem import Block, Problem
    from medhavi.planners.master_plan.blocks.material import MaterialBlocks
    from medhavi.planners.master_plan.statement import Statement

    Ints = NDArray[np.int64]


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
    wanted = statement.wanted
    row = row_of[wanted.node[wanted.column_demand] * size + wanted.column_edge]
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
