"""Material: what is there, comes, is taken and lies, by node and decision.

stock[n, t] = stock[n, t - 1] + flow[n, t] + given - taken - delivered (+ waiting)

Goods that arrive at a decision may be used at it. What expires is not part of the
running stock, see `lots`. Where existing orders take more than
there is, they wait for it at a price: a program without a point explains nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.master_plan import program_parts as names
from medhavi.planners.master_plan.program_parts import ObjectivePart
from medhavi.providers.demand_values import LATE_COST_SHARE, SHORT_PRICES
from medhavi.units import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medhavi.optimize.problem import Block, Problem
    from medhavi.planners.master_plan.statement import Statement

SAFETY_SHARE = 0.01 / 7.0
"""Cost of a unit below safety a day, in values of the unit: 1 % a week, five times what
it costs to hold one at the usual rate."""
REPLACEMENT = 1.05
"""What is below safety at the end must be supplied later, at a little more than now:
otherwise the best plan would run all buffers down by its last day."""


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
    money += np.where(edge == size - 1, REPLACEMENT * statement.value[node], 0.0)
    weight = statement.parameters.safety_weight
    problem.cost(ObjectivePart.SAFETY, below.at(every), money * weight)
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
