"""Demands: each is delivered on time, late at a price a day, or left short at a price.

The cost of lateness stands on the delivery itself; there is no row for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.master_plan import program_parts as names
from medhavi.planners.master_plan.program_parts import ObjectivePart

if TYPE_CHECKING:
    from medhavi.optimize.problem import Block, Problem
    from medhavi.planners.master_plan.blocks.material import MaterialBlocks
    from medhavi.planners.master_plan.statement import Statement


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
    problem.cost(
        ObjectivePart.SHORTAGE,
        short.at(np.arange(n)),
        wanted.short * weights.shortage_weight,
    )
    return ServiceBlocks(rows, deliveries, short)
