"""Which named blocks of rows cannot hold together: elastic, then by deletion.

Every row gets room at a price of one; what room the cheapest answer needs names the
blocks that are broken. Of these, each is left out in turn: one without which the rest
still cannot hold is no part of the conflict (deletion filter, Chinneck 2008,
ISBN 978-0387749310). Solvers' own irreducible sets took minutes where this takes one
solve a block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.optimize.problem import Problem, SolveStatus

if TYPE_CHECKING:
    from collections.abc import Collection

    from medhavi.optimize.problem import Block, Program, Solver

ROOM = 1e-7
"""Room below which a row counts as kept."""


def conflict(program: Program, solver: Solver) -> tuple[str, ...]:
    """Name blocks of rows that cannot hold together; empty: they can.

    Parameters
    ----------
    program
        Program without a point; bounds of columns are taken as given.
    solver
        Who solves the relaxed programs.

    Returns
    -------
    tuple of str
        In order of the blocks. Leaving any one of them out lets the others hold.
    """
    every = [block.name for block in program.row_blocks if block.size]
    if _holds(program, solver, every):
        return ()
    kept = list(every)
    for name in every:
        rest = [other for other in kept if other != name]
        if not _holds(program, solver, rest):
            kept = rest
    return tuple(kept)


def _holds(program: Program, solver: Solver, names: Collection[str]) -> bool:
    """Whether the rows of these blocks can hold together."""
    chosen = np.zeros(program.n_rows, dtype=bool)
    for block in program.row_blocks:
        if block.name in names:
            chosen[block.span] = True
    found = solver.open(_elastic(program, chosen)).solve()
    return found.outcome is SolveStatus.OPTIMAL and found.objective <= ROOM


def _elastic(program: Program, chosen: np.ndarray) -> Program:
    """Program with room in each chosen row, and no others."""
    problem = Problem()
    columns = problem.columns(
        "columns", program.n_columns, program.column_lower, program.column_upper
    )
    rows = problem.rows(
        "rows",
        program.n_rows,
        np.where(chosen, program.row_lower, -np.inf),
        np.where(chosen, program.row_upper, np.inf),
    )
    lengths = np.diff(program.starts)
    where = np.repeat(np.arange(program.n_rows), lengths)
    problem.entries(rows.at(where), columns.at(program.indices), program.values)
    places = np.flatnonzero(chosen)
    for name, sign in (("above", 1.0), ("below", -1.0)):
        room: Block = problem.columns(name, len(places))
        problem.entries(rows.at(places), room.at(np.arange(len(places))), sign)
        problem.cost(name, room.at(np.arange(len(places))), 1.0)
    return problem.program()
