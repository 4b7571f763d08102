"""Orders of all sources: making, buying, moving, with what they give and take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.master_plan import program_parts as names
from medhavi.planners.master_plan.program_parts import ObjectivePart

if TYPE_CHECKING:
    from medhavi.optimize.problem import Block, Problem
    from medhavi.planners.master_plan.blocks.material import MaterialBlocks
    from medhavi.planners.master_plan.grid.source_rates import InputRates, OutputRates
    from medhavi.planners.master_plan.statement import Statement

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
    every = np.arange(statement.n_orders)
    weight = statement.parameters.cost_weight
    cost = np.repeat(np.array([plan.cost for plan in plans], dtype=float), counts)
    kinds = np.repeat(np.array([plan.kind for plan in plans], dtype=np.str_), counts)
    for kind, part in PART_OF.items():
        chosen = every[kinds == kind]
        problem.cost(part, orders.at(chosen), cost[chosen] * weight)
    co2 = np.repeat(np.array([plan.co2 for plan in plans], dtype=float), counts)
    price = statement.parameters.co2_price
    problem.cost(ObjectivePart.CO2, orders.at(every), co2 * price)
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
