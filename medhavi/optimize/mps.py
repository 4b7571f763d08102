"""A program as text in free MPS, which every solver reads.

Free MPS: fields apart by blanks, names without any; a column that no bound names is 0
or more. What a row may be between two numbers is told by its range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medhavi.optimize.problem import Program

OBJECTIVE = "cost"


def mps(program: Program, columns: Sequence[str], rows: Sequence[str]) -> Iterator[str]:
    """Lines of a program in free MPS, each with its end.

    Parameters
    ----------
    program
        What is written.
    columns, rows
        Names, one for each; blanks become underscores.

    Raises
    ------
    ValueError
        Two columns, or two rows, have one name.

    Notes
    -----
    Numbers are written so that they are read as they are: the same program has the
    same bytes, and the same optimum where it is read.
    """
    n, m = _written(columns), _written([OBJECTIVE, *rows])[1:]
    yield "NAME MEDHAVI\nROWS\n"
    yield f" N {OBJECTIVE}\n"
    for name, low, high in zip(m, program.row_lower, program.row_upper, strict=True):
        yield f" {_sense(low, high)} {name}\n"
    yield "COLUMNS\n"
    yield from _coefficients(program, n, m)
    yield from _limits(program, m)
    yield from _bounds(program, n)
    yield "ENDATA\n"


def _written(names: Sequence[str]) -> list[str]:
    found = ["_".join(name.split()) for name in names]
    if len(set(found)) < len(found):
        double = next(name for place, name in enumerate(found) if name in found[:place])
        message = f"Two have the name {double}."
        raise ValueError(message)
    return found


def _sense(low: float, high: float) -> str:
    if low == high:
        return "E"
    if np.isfinite(high):
        return "L"
    return "G" if np.isfinite(low) else "N"


def _coefficients(
    program: Program, columns: Sequence[str], rows: Sequence[str]
) -> Iterator[str]:
    """Entries by column, the cost of each first; it names columns without an entry."""
    where = np.repeat(np.arange(program.n_rows), np.diff(program.starts))
    order = np.lexsort((where, program.indices))
    ends = np.searchsorted(program.indices[order], np.arange(program.n_columns + 1))
    cost = program.cost.tolist()
    which, values = where[order].tolist(), program.values[order].tolist()
    whole = np.isin(np.arange(program.n_columns), program.whole).tolist()
    for place, name in enumerate(columns):
        if whole[place] != (place > 0 and whole[place - 1]):
            yield _marker(begins=whole[place])
        yield f" {name} {OBJECTIVE} {cost[place]!r}\n"
        for entry in range(ends[place], ends[place + 1]):
            yield f" {name} {rows[which[entry]]} {values[entry]!r}\n"
    if whole and whole[-1]:
        yield _marker(begins=False)


def _marker(*, begins: bool) -> str:
    """Line between columns of any and of whole numbers."""
    return f" MARKER 'MARKER' '{'INTORG' if begins else 'INTEND'}'\n"


def _limits(program: Program, rows: Sequence[str]) -> Iterator[str]:
    bounds = list(
        zip(rows, program.row_lower.tolist(), program.row_upper.tolist(), strict=True)
    )
    yield "RHS\n"
    for name, low, high in bounds:
        limit = low if _sense(low, high) == "G" else high
        if np.isfinite(limit) and limit:
            yield f" RHS {name} {limit!r}\n"
    yield "RANGES\n"
    for name, low, high in bounds:
        if low != high and np.isfinite(low) and np.isfinite(high):
            yield f" RANGE {name} {high - low!r}\n"


def _bounds(program: Program, columns: Sequence[str]) -> Iterator[str]:
    yield "BOUNDS\n"
    lower, upper = program.column_lower.tolist(), program.column_upper.tolist()
    for name, low, high in zip(columns, lower, upper, strict=True):
        if not np.isfinite(low):
            yield f" MI BOUND {name}\n"
        elif low:
            yield f" LO BOUND {name} {low!r}\n"
        if np.isfinite(high):
            yield f" UP BOUND {name} {high!r}\n"
