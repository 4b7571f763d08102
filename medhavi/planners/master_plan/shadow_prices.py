"""What more of a limit would save: prices of rows, and of shifts by solving again.

The price of a row says how the objective changes per unit of its bound, as long as the
same rows bind. For the largest ones the program is solved again with the bound moved a
little: a price whose prediction came true is verified, one at a kink of the objective
is not.

A price says nothing of a whole shift: after an hour or two another row binds. So what
a shift saves is never a price times hours: the program is solved again with the hours
that it adds, for a shift and for parts of one, where its resource is closed for so
long. Of each resource that has a price it is the dearest such bucket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.optimize.problem import SolveStatus
from medhavi.planners.master_plan import statement as names
from medhavi.planners.mrp.decode import instants
from medhavi.results.amounts import currency_of
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from medhavi.optimize.problem import Floats, Session, Solution
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.progress import Cancelled


MOST_ROWS = 500
"""Prices are a list for people: the largest ones."""
SMALL = 1e-7
STEP = 1e-3
"""Share of a bound by which it is moved to check a price."""
AGREES = 1e-4
SHIFT = "shift"
PARTS = (0.25, 0.5, 1.0)
"""Parts of a shift of which the saving is told: the curve of its value."""


class ShadowPrice(NamedTuple):
    """One price: row of the program, what it is about, money per unit."""

    row: int
    constraint: str
    subject: str
    instant: int | None
    price: float
    unit: str


class PriceRow(NamedTuple):
    """Row of the table of prices; `saves` is what `more` of a limit saves."""

    constraint: str
    subject: str
    bucket: int | None
    price: float | None
    unit: str
    verified: bool
    more: float | None = None
    saves: float | None = None


def overtime_resources(built: BuiltProgram, values: Floats) -> frozenset[str]:
    """Resources of which a solution works overtime that is agreed.

    Parameters
    ----------
    built
        Program and its facts.
    values
        Solution, shape (n,).
    """
    statement = built.statement
    agreed = statement.overtime > 0
    if not agreed.any():
        return frozenset()
    beyond = np.zeros(agreed.shape)
    beyond[agreed] = values[built.program.column_block(names.OVERTIME).span]
    if statement.parameters.overload:
        over = values[built.program.column_block(names.OVERLOAD).span]
        beyond += over.reshape(agreed.shape)
    works = np.any((beyond > SMALL) & agreed, axis=1)
    found = zip(statement.resources, works, strict=True)
    return frozenset(name for name, some in found if some)


def price_table(
    built: BuiltProgram,
    session: Session,
    solution: Solution,
    cancelled: Cancelled | None = None,
) -> pl.DataFrame:
    """Table of shifts and of prices, the largest first.

    Parameters
    ----------
    built, session, solution
        A solved program.
    cancelled
        Polled; what is not solved again by then is not verified, or not told.
    """
    again = _Sensitivity(built, session, solution, cancelled)
    found = sorted(_prices(built, solution), key=lambda p: (-abs(p.price), p.row))
    count = built.statement.parameters.prices_verified
    rows = list(again.shifts(found, count))
    for rank, price in enumerate(found[:MOST_ROWS]):
        checked = rank < count and again.holds(price)
        rows.append(
            PriceRow(
                price.constraint,
                price.subject,
                price.instant,
                price.price,
                price.unit,
                checked,
            )
        )
    cells = zip(*rows, strict=True) if rows else ((),) * len(PriceRow._fields)
    return pl.DataFrame(
        [
            instants(list(values)).alias(name)
            if name == "bucket"
            else pl.Series(name, list(values), strict=False)
            for name, values in zip(PriceRow._fields, cells, strict=True)
        ]
    )


def _prices(built: BuiltProgram, solution: Solution) -> Iterator[ShadowPrice]:
    """Walk the rows that limit something: capacity, lanes, suppliers."""
    statement, program = built.statement, built.program
    currency = currency_of(statement.run.snapshot)
    size = statement.grid.size
    starts = statement.grid.starts
    capacity = program.row_block(names.CAPACITY)
    worth = -solution.row_prices
    for place in np.flatnonzero(worth[capacity.span] > SMALL).tolist():
        row = capacity.start + place
        yield ShadowPrice(
            row,
            names.CAPACITY,
            statement.resources[place // size],
            int(starts[place % size]),
            float(worth[row]),
            f"{currency} per hour",
        )
    lanes, suppliers = program.row_block(names.LANE), program.row_block(names.SUPPLIER)
    for block, unit in ((lanes, "limit unit"), (suppliers, "unit")):
        for place in np.flatnonzero(worth[block.span] > SMALL).tolist():
            row = block.start + place
            subject, instant = built.about[row - lanes.start]
            money = f"{currency} per {unit}"
            yield ShadowPrice(
                row, block.name, subject, instant, float(worth[row]), money
            )


class _Sensitivity:
    """A program that is solved again with one limit moved."""

    def __init__(
        self,
        built: BuiltProgram,
        session: Session,
        solution: Solution,
        cancelled: Cancelled | None,
    ) -> None:
        self._program = built.program
        self._statement: Statement = built.statement
        self._session = session
        self._value = solution.objective
        self._cancelled = cancelled

    def _saves(self, row: int, more: float) -> float | None:
        """What so much more of a limit saves; None: it was not solved."""
        if self._cancelled is not None and self._cancelled():
            return None
        lower = float(self._program.row_lower[row])
        upper = float(self._program.row_upper[row])
        self._session.set_row(row, lower, upper + more)
        moved = self._session.solve(cancelled=self._cancelled)
        self._session.set_row(row, lower, upper)
        solved = moved.outcome is SolveStatus.OPTIMAL
        return self._value - moved.objective if solved else None

    def holds(self, price: ShadowPrice) -> bool:
        """Whether a price comes true for a little more of its limit."""
        step = STEP * max(1.0, abs(float(self._program.row_upper[price.row])))
        gained, predicted = self._saves(price.row, step), price.price * step
        if gained is None:
            return False
        return abs(gained - predicted) <= AGREES * max(abs(predicted), SMALL)

    def shifts(self, prices: Iterable[ShadowPrice], count: int) -> Iterator[PriceRow]:
        """Savings of a shift and its parts, for a few resources, the dearest first."""
        currency = currency_of(self._statement.run.snapshot)
        hours = self._statement.parameters.shift_hours
        told: set[str] = set()
        for price in prices:
            capacity = price.constraint == names.CAPACITY
            if not capacity or price.subject in told or not self._closed(price, hours):
                continue
            if len(told) == count:
                return
            told.add(price.subject)
            for more in (part * hours for part in PARTS):
                saves = self._saves(price.row, more)
                if saves is not None:
                    at = price.instant
                    row = (SHIFT, price.subject, at, None, currency, True)
                    yield PriceRow(*row, more, max(0.0, saves))

    def _closed(self, price: ShadowPrice, hours: float) -> bool:
        """Whether a resource is closed in a bucket for so many hours."""
        grid = self._statement.grid
        bucket = int(np.searchsorted(grid.starts, price.instant or 0))
        low, high = grid.edges[bucket : bucket + 2].tolist()
        clock = self._statement.run.providers.capacity.resource(price.subject)
        closed: int = high - low - clock.working.between(low, high)
        return closed >= hours * HOUR
