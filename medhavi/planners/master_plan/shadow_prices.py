"""Shadow prices: what one unit more of each limit is worth, and whether that was tried.

The price of a row says how the objective changes per unit of its bound, as long as the
same rows bind. For the largest ones the program is solved again with the bound moved a
little: a price whose prediction came true is verified, one at a kink of the objective
is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.planners.master_plan import program_parts as names
from medhavi.results.plan_locale import currency_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.optimize.solver import Session, Solution
    from medhavi.planners.master_plan.build import Built

MOST_ROWS = 500
"""Prices are a list for people: the largest ones."""
SMALL = 1e-7
STEP = 1e-3
"""Share of a bound by which it is moved to check a price."""
AGREES = 1e-4


class Price(NamedTuple):
    """One price: row of the program, what it is about, money per unit."""

    row: int
    constraint: str
    subject: str
    instant: int | None
    price: float
    unit: str


def price_rows(
    built: Built, session: Session, solution: Solution, verify: int
) -> dict[str, list[object]]:
    """Table of prices, largest first.

    Parameters
    ----------
    built, session, solution
        A solved program.
    verify
        How many of the largest are checked by solving again.
    """
    found = sorted(_prices(built, solution), key=lambda p: (-abs(p.price), p.row))
    found = found[:MOST_ROWS]
    columns: dict[str, list[object]] = {
        name: []
        for name in ("constraint", "subject", "bucket", "price", "unit", "verified")
    }
    for rank, price in enumerate(found):
        checked = rank < verify and _holds(built, session, solution, price)
        values = (
            price.constraint,
            price.subject,
            price.instant,
            price.price,
            price.unit,
            checked,
        )
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
    return columns


def hour_prices(built: Built, solution: Solution) -> dict[str, float]:
    """Price of the hours of each resource, summed over the buckets."""
    statement = built.statement
    block = built.program.row_block(names.CAPACITY)
    worth = np.maximum(-solution.row_prices[block.span], 0.0)
    hours = worth.reshape(len(statement.resources), statement.grid.size)
    return dict(zip(statement.resources, hours.sum(axis=1).tolist(), strict=True))


def _prices(built: Built, solution: Solution) -> Iterator[Price]:
    """Walk the rows that limit something: capacity, lanes, suppliers."""
    statement, program = built.statement, built.program
    currency = currency_of(statement.run.snapshot)
    size = statement.grid.size
    starts = statement.grid.starts
    capacity = program.row_block(names.CAPACITY)
    worth = -solution.row_prices
    for place in np.flatnonzero(worth[capacity.span] > SMALL).tolist():
        row = capacity.start + place
        yield Price(
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
            yield Price(row, block.name, subject, instant, float(worth[row]), money)


def _holds(built: Built, session: Session, solution: Solution, price: Price) -> bool:
    """Solve again with a little more of a limit; tell whether the price came true."""
    program = built.program
    lower, upper = program.row_lower[price.row], program.row_upper[price.row]
    step = STEP * max(1.0, abs(float(upper)))
    session.set_row(price.row, float(lower), float(upper) + step)
    moved = session.solve()
    session.set_row(price.row, float(lower), float(upper))
    gained = solution.objective - moved.objective
    predicted = price.price * step
    return abs(gained - predicted) <= AGREES * max(abs(predicted), SMALL)
