"""Whole columns of a program decided part by part: fix and optimize.

Helber and Sahling 2010, International Journal of Production Economics 123, 247-256: the
whole columns of one part are free, those of all others stay at the best point so far,
amounts are free everywhere. What is found is kept where it costs less, so the result
never costs more than the start. With one part that holds everything an iteration is the
whole program. The first sweep looks among likely places alone, the next ones among all,
parts that brought most first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.results.amounts import percent
from medhavi.results.program_record import PartIteration

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medhavi.optimize.problem import Floats, Ints, Program, Session, Solver
    from medhavi.planners.master_plan.lots.partition import Part
    from medhavi.progress import Cancelled

RECENT, WORTH = 3, 0.001
"""Of so many iterations, or one of each part where they are fewer, the objective has to
fall by this share for another one."""
EXACT = 1e-5
"""By how much a solution may miss a row, beside its size."""


class PartitionSolution(NamedTuple):
    """Best point, that of the first sweep, each iteration, and why it was the last."""

    values: Floats
    first: Floats
    iterations: tuple[PartIteration, ...]
    stopped: str


def fix_and_optimize(
    program: Program,
    parts: tuple[Part, ...],
    start: Floats,
    likely: NDArray[np.bool_],
    solver: Solver,
    sweeps: int,
    cancelled: Cancelled | None = None,
) -> PartitionSolution:
    """Improve a point of a program with whole columns part by part.

    Parameters
    ----------
    program
        With whole columns.
    parts
        Of them, by their places among them.
    start
        A point that keeps all rows, shape (n,).
    likely
        Which whole columns the first sweep looks among, shape (k,).
    solver
        Its limits end each iteration.
    sweeps
        How often each part is decided, at most.
    cancelled
        Polled; the point so far is the answer.
    """
    values, cost = start, float(program.cost @ start)
    first = start
    gains = np.zeros(len(parts))
    done: list[PartIteration] = []
    recent = min(RECENT, len(parts))
    for sweep in range(sweeps):
        among = likely if sweep == 0 else np.ones_like(likely)
        for number in np.argsort(-gains, kind="stable").tolist():
            part = parts[number]
            free = part.columns[among[part.columns]]
            better, status = _decided(program, free, values, solver, cancelled)
            after = cost if better is None else float(program.cost @ better)
            if better is not None and after < cost:
                values = better
            after = min(after, cost)
            gains[number] = cost - after
            done.append(PartIteration(part.name, len(free), cost, after, status))
            cost = after
            if cancelled is not None and cancelled():
                return PartitionSolution(values, first, tuple(done), "interrupted")
            if len(done) - sweep * len(parts) < recent or sweep == 0:
                continue
            before = done[-recent].before
            if before - cost < WORTH * abs(before):
                why = f"{recent} in a row saved less than {percent(WORTH)}"
                return PartitionSolution(values, first, tuple(done), why)
        if sweep == 0:
            first = values
    why = f"sweeps reached whole_orders_sweeps ({sweeps})"
    return PartitionSolution(values, first, tuple(done), why)


def _decided(
    program: Program,
    free: Ints,
    values: Floats,
    solver: Solver,
    cancelled: Cancelled | None,
) -> tuple[Floats | None, str]:
    """Point of a program in which some whole columns are free, others as they are."""
    whole = program.whole
    fixed = np.delete(whole, free)
    lower, upper = program.column_lower.copy(), program.column_upper.copy()
    lower[fixed] = upper[fixed] = np.round(values[fixed])
    own = replace(
        program, column_lower=lower, column_upper=upper, whole=np.sort(whole[free])
    )
    session = solver.open(own)
    session.start(values)
    return feasible_point(own, session, cancelled)


def with_fixed(program: Program, whole: Floats, solver: Solver) -> Floats | None:
    """Cheapest amounts where all whole columns are given; None: there are none."""
    lower, upper = program.column_lower.copy(), program.column_upper.copy()
    lower[program.whole] = upper[program.whole] = whole
    none = np.zeros(0, dtype=np.int64)
    own = replace(program, column_lower=lower, column_upper=upper, whole=none)
    return feasible_point(own, solver.open(own), None)[0]


def row_sums(program: Program, values: Floats) -> Floats:
    """What each row comes to at a point, shape (m,)."""
    rows = np.repeat(np.arange(program.n_rows), np.diff(program.starts))
    each = program.values * values[program.indices]
    return np.asarray(np.bincount(rows, each, minlength=program.n_rows), float)


def feasible_point(
    program: Program, session: Session, cancelled: Cancelled | None
) -> tuple[Floats | None, str]:
    """Values of a solve that keep all rows, None: there are none; and its status."""
    solved = session.solve(cancelled=cancelled)
    values, status = solved.values, str(solved.outcome)
    if not len(values):
        return None, status
    sums = row_sums(program, values)
    low, high = program.row_lower, program.row_upper
    missed = np.maximum(low - sums, sums - high) > EXACT * (1 + np.abs(sums))
    return (None if missed.any() else values), status
