"""Budgets in the program with whole orders, so that whole orders keep them.

What exceeds a budget has a column with a price above all money there is: a point to
start from always exists, and where no point keeps all budgets the one is found that
exceeds them least, in sum of shares, as of `preferred`. Shortage stays at the least
there is where cost is the goal: who delivers less keeps any budget.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medhavi.optimize.problem import Block, SolveStatus, inner
from medhavi.planners.master_plan.goals.staged_solve import (
    SERVICE_SLACK,
    SHORTAGE,
    program_amounts,
)

if TYPE_CHECKING:
    from medhavi.optimize.problem import Floats, Program, Solver
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.progress import Cancelled

BUDGETS, EXCESS = "budgets", "excess"
"""Rows and columns that are added."""
PRICE = 1000.0
"""What to exceed a budget by all of it costs, of all money of a solution."""


def with_budgets(
    built: BuiltProgram, solver: Solver, cancelled: Cancelled | None = None
) -> Program:
    """Program with rows for the budgets of its parameters.

    As it is without any, or where its least shortage is not found.

    Parameters
    ----------
    built
        Program with whole columns.
    solver, cancelled
        Solves it without whole columns; polled.
    """
    program, goals = built.program, built.statement.parameters
    if not goals.budgets:
        return program
    amounts = program_amounts(built)
    none = np.zeros(0, dtype=np.int64)
    session = solver.open(replace(program, whole=none))
    money = session.solve(cancelled=cancelled)
    if money.outcome is not SolveStatus.OPTIMAL:
        return program
    limits = [
        (own, most, most or max(1.0, abs(inner(own, money.values))))
        for own, most in ((amounts[name], most) for name, most in goals.budgets.items())
    ]
    if goals.goal == "cost":
        session.set_cost(amounts[SHORTAGE])
        least = session.solve(cancelled=cancelled)
        if least.outcome is not SolveStatus.OPTIMAL:
            return program
        wanted = built.statement.wanted
        slack = SERVICE_SLACK * (inner(wanted.qty, wanted.short) + 1.0)
        limits.append((amounts[SHORTAGE], least.objective + slack, np.inf))
    price = PRICE * max(1.0, abs(money.objective))
    return _limited(program, limits, price)


def _limited(
    program: Program, limits: list[tuple[Floats, float, float]], price: float
) -> Program:
    """Program with a row for each limit: weights, the most, and what a share is of.

    A limit whose shares are without end is not exceeded.
    """
    n, count = program.n_columns, len(limits)
    starts, indices, values = [], [], []
    last = int(program.starts[-1])
    for number, (weights, _, _) in enumerate(limits):
        own = np.flatnonzero(weights)
        indices.append(np.append(own, n + number))
        values.append(np.append(weights[own], -1.0))
        last += len(own) + 1
        starts.append(last)
    shares = np.array([share for *_, share in limits])
    parts = {
        name: np.append(cost, np.zeros(count)) for name, cost in program.parts.items()
    }
    parts[EXCESS] = np.append(np.zeros(n), price / shares)
    return replace(
        program,
        column_blocks=(*program.column_blocks, Block(EXCESS, n, count)),
        row_blocks=(*program.row_blocks, Block(BUDGETS, program.n_rows, count)),
        column_lower=np.append(program.column_lower, np.zeros(count)),
        column_upper=np.append(
            program.column_upper, np.where(np.isinf(shares), 0.0, np.inf)
        ),
        row_lower=np.append(program.row_lower, np.full(count, -np.inf)),
        row_upper=np.append(program.row_upper, [most for _, most, _ in limits]),
        starts=np.append(program.starts, starts).astype(np.int64),
        indices=np.concatenate([program.indices, *indices]),
        values=np.concatenate([program.values, *values]),
        parts=parts,
    )
