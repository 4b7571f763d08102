"""Capacity: hours of each finite resource by bucket, with overtime and overload.

Agreed overtime is bought at its price; what lies beyond it is overload, at a price that
makes it the last resort, and every hour of it is named in the plan (rule 24).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.master_plan import program_parts as names
from medhavi.planners.master_plan.program_parts import ObjectivePart

if TYPE_CHECKING:
    from medhavi.optimize.problem import Block, Problem
    from medhavi.planners.master_plan.statement import Statement

LEAST_OVERTIME = 1.0
"""Least price of an hour of overtime: free overload would be no overload."""


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
