"""A sparse program, some columns whole, from blocks of rows, and what solvers answer.

Blocks are ranges: `problem.columns("order", 1000)` gives a block whose columns are
addressed by their place in it. Entries come as whole arrays and are sorted once, so a
program of a million columns costs a second, not a minute: a Python call per entry is
what makes modelling layers slow (measured in docs/performance.md).

Free MPS: fields apart by blanks, names without any; a column that no bound names is 0
or more. What a row may be between two numbers is told by its range.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike


Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INFINITY = np.inf


class Block(NamedTuple):
    """A named range of columns or rows."""

    name: str
    start: int
    size: int

    @property
    def stop(self) -> int:
        """First place after the block."""
        return self.start + self.size

    @property
    def span(self) -> slice:
        """The places of the block in arrays over all columns or rows."""
        return slice(self.start, self.stop)

    def at(self, places: ArrayLike) -> Ints:
        """Turn places inside the block into places among all."""
        found: Ints = np.asarray(places, dtype=np.int64) + self.start
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A finished program: minimise cost over rows and bounds.

    Parameters
    ----------
    column_blocks, row_blocks
        Names of the ranges, in order.
    column_lower, column_upper
        Bounds of the columns, shape (n,).
    row_lower, row_upper
        Bounds of the rows, shape (m,).
    starts, indices, values
        Rows in compressed form: starts (m + 1,), the others one per entry; inside a
        row by column, no column twice.
    parts
        Objective by named part, each a cost per column, shape (n,); the cost of a
        column is their sum.
    whole
        Columns that take whole numbers alone, rising, shape (k,).
    gap
        Share of the objective by which a point with whole columns may cost more than
        the best one; 0: as little as a solver can tell. Above 0 the point is a guide,
        and who asks for it checks that it keeps all rows.
    """

    column_blocks: tuple[Block, ...]
    row_blocks: tuple[Block, ...]
    column_lower: Floats
    column_upper: Floats
    row_lower: Floats
    row_upper: Floats
    starts: Ints
    indices: Ints
    values: Floats
    parts: Mapping[str, Floats]
    whole: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    gap: float = 0.0

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.column_lower)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.row_lower)

    @property
    def cost(self) -> Floats:
        """Cost of each column: the sum of all parts."""
        total = np.zeros(self.n_columns)
        for part in self.parts.values():
            total += part
        return total

    def contributions(self, values: Floats) -> dict[str, float]:
        """What each part adds to the objective at a point; they sum to it."""
        return {name: inner(part, values) for name, part in self.parts.items()}

    def column_block(self, name: str) -> Block:
        """Block of columns by name.

        Raises
        ------
        KeyError
            There is none.
        """
        return _named(self.column_blocks, name)

    def row_block(self, name: str) -> Block:
        """Block of rows by name.

        Raises
        ------
        KeyError
            There is none.
        """
        return _named(self.row_blocks, name)


def _named(blocks: tuple[Block, ...], name: str) -> Block:
    for block in blocks:
        if block.name == name:
            return block
    raise KeyError(name)


def inner(weights: Floats, values: Floats) -> float:
    """Sum of products: the same however many processors there are.

    BLAS adds long vectors in parts, one for each thread.
    """
    return float(np.einsum("i,i", weights, values))


@dataclass(slots=True)
class _Side:
    """Columns or rows that are being collected."""

    blocks: list[Block] = field(default_factory=list)
    lower: list[Floats] = field(default_factory=list)
    upper: list[Floats] = field(default_factory=list)
    size: int = 0

    def add(self, name: str, size: int, lower: ArrayLike, upper: ArrayLike) -> Block:
        if any(block.name == name for block in self.blocks):
            message = f"There is a block {name} already."
            raise ValueError(message)
        block = Block(name, self.size, size)
        self.blocks.append(block)
        self.lower.append(np.broadcast_to(np.asarray(lower, float), (size,)))
        self.upper.append(np.broadcast_to(np.asarray(upper, float), (size,)))
        self.size += size
        return block


class Problem:
    """Collects blocks, entries and costs; `program()` puts them together."""

    def __init__(self) -> None:
        self._columns = _Side()
        self._rows = _Side()
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._costs: list[tuple[str, Ints, Floats]] = []
        self._whole: list[Block] = []

    def columns(
        self,
        name: str,
        size: int,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = INFINITY,
        *,
        whole: bool = False,
    ) -> Block:
        """Add a block of columns with their bounds, of whole numbers or any.

        Raises
        ------
        ValueError
            The name is taken, or a bound has another size.
        """
        block = self._columns.add(name, size, lower, upper)
        if whole:
            self._whole.append(block)
        return block

    def rows(
        self,
        name: str,
        size: int,
        lower: ArrayLike = -INFINITY,
        upper: ArrayLike = INFINITY,
    ) -> Block:
        """Add a block of rows with their bounds.

        Raises
        ------
        ValueError
            The name is taken, or a bound has another size.
        """
        return self._rows.add(name, size, lower, upper)

    def entries(self, rows: ArrayLike, columns: ArrayLike, values: ArrayLike) -> None:
        """Add coefficients by places among all rows and columns; equal places sum."""
        where = np.asarray(rows, dtype=np.int64)
        which = np.broadcast_to(np.asarray(columns, dtype=np.int64), where.shape)
        amount = np.broadcast_to(np.asarray(values, dtype=np.float64), where.shape)
        self._entries.append((where, which, amount))

    def cost(self, part: str, columns: ArrayLike, values: ArrayLike) -> None:
        """Add costs of columns to a named part of the objective; equal places sum."""
        which = np.asarray(columns, dtype=np.int64)
        amount = np.broadcast_to(np.asarray(values, dtype=np.float64), which.shape)
        self._costs.append((part, which, amount))

    def program(self) -> Program:
        """Put everything together.

        Raises
        ------
        IndexError
            An entry or a cost lies outside all blocks.

        Notes
        -----
        O(entries log entries): one sort of (row, column) in one integer.
        """
        n, m = self._columns.size, self._rows.size
        rows, columns, values = self._collected()
        if len(rows) and (
            min(rows.min(), columns.min()) < 0 or rows.max() >= m or columns.max() >= n
        ):
            message = "An entry lies outside all blocks."
            raise IndexError(message)
        key = rows * max(n, 1) + columns
        order = np.argsort(key, kind="stable")
        key = key[order]
        first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
        if len(key) == 0:
            first = first[:0]
        summed = np.add.reduceat(values[order], first) if len(first) else values[:0]
        place = order[first]
        starts = np.zeros(m + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows[place], minlength=m), out=starts[1:])
        return Program(
            column_blocks=tuple(self._columns.blocks),
            row_blocks=tuple(self._rows.blocks),
            column_lower=_joined(self._columns.lower),
            column_upper=_joined(self._columns.upper),
            row_lower=_joined(self._rows.lower),
            row_upper=_joined(self._rows.upper),
            starts=starts,
            indices=columns[place],
            values=summed,
            parts=dict(self._parts(n)),
            whole=_joined_whole(self._whole),
        )

    def _collected(self) -> tuple[Ints, Ints, Floats]:
        if not self._entries:
            nothing = np.zeros(0, dtype=np.int64)
            return nothing, nothing, np.zeros(0)
        rows, columns, values = (
            np.concatenate(pieces) for pieces in zip(*self._entries, strict=True)
        )
        return rows, columns, values

    def _parts(self, n: int) -> Iterator[tuple[str, Floats]]:
        for name in dict.fromkeys(part for part, _, _ in self._costs):
            total = np.zeros(n)
            for part, which, amount in self._costs:
                if part == name:
                    np.add.at(total, which, amount)
            yield name, total


def _joined_whole(blocks: Sequence[Block]) -> Ints:
    places = [np.arange(block.start, block.stop) for block in blocks]
    return np.concatenate(places) if places else np.zeros(0, dtype=np.int64)


def _joined(pieces: list[Floats]) -> Floats:
    return np.concatenate(pieces) if pieces else np.zeros(0)


class SolveStatus(StrEnum):
    """What was shown about a program; nothing more is ever claimed.

    `feasible`: a point that keeps all rows, not proven best. `limit`: a limit of
    iterations, nodes or seconds came before any. `error`: the solver failed.
    """

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    LIMIT = "limit"
    CANCELLED = "cancelled"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Answer to one program.

    Parameters
    ----------
    objective
        Cost of `values`; nan where there are none.
    bound
        No point costs less than this; equal to `objective` at an optimum, to 1e-6 where
        columns are whole.
    values
        One per column, shape (n,); empty without a point. Of whole columns the best
        point that was found before a limit.
    row_prices
        Change of the objective per unit that a row's bound rises, shape (m,); of a
        minimum, so a bound that costs money has a positive price as a lower bound and
        a negative one as an upper bound. Empty where none were found, or columns are
        whole.
    reduced_costs
        The same for the bounds of columns, shape (n,).
    iterations
        Deterministic effort: simplex iterations.
    """

    outcome: SolveStatus
    objective: float
    bound: float
    values: Floats
    row_prices: Floats
    reduced_costs: Floats
    iterations: int


class Session(Protocol):
    """A program held by a solver: changed a little, it is solved again from there."""

    program: Program
    components: int
    """Parts of it that share no row, solved one by one."""

    def solve(self, *, cancelled: Callable[[], bool] | None = None) -> Solution:
        """Solve from where the last solve ended, where that helps."""
        ...

    def basis(self) -> object:
        """Basis in which the last solve ended, for `resume`."""
        ...

    def resume(self, basis: object) -> None:
        """Go on from the basis of an earlier solve; no row was added since."""
        ...

    def start(self, values: Floats) -> None:
        """Solve from a point that keeps all rows, shape (n,)."""
        ...

    def set_cost(self, cost: Floats) -> None:
        """Change the cost of all columns, shape (n,)."""
        ...

    def set_row(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of a row."""
        ...

    def add_row(self, lower: float, upper: float, weights: Floats) -> int:
        """Add a row with a weight per column, shape (n,); gives its place."""
        ...


class Solver(Protocol):
    """Takes programs."""

    def open(self, program: Program) -> Session:
        """Hold a program for solving."""
        ...


OBJECTIVE = "cost"


def mps(program: Program, columns: Sequence[str], rows: Sequence[str]) -> Iterator[str]:
    """Lines of a program in free MPS, each with its end.

    Parameters
    ----------
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
