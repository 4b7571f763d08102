"""Errors of known kinds planted into the numbers of a company's master data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.schema import tables
from medhavi.snapshot import Snapshot
from tests.api import doubtful_values, like_rules

if TYPE_CHECKING:
    from random import Random

    from medhavi.predict.master_data.doubtful_values import DoubtfulValue
    from tests.api import DoubtSettings

FACTORS = {
    "x10": 10.0,
    "x100": 100.0,
    "x1000": 1000.0,
    "/10": 0.1,
    "/100": 0.01,
    "/1000": 0.001,
}
"""Moved decimal points."""
TIMES = {
    "min": (60.0, 1 / 60, 1 / 1440),
    "hour": (60.0, 1 / 24),
    "day": (24.0, 1440.0, 1 / 7),
}
"""Factors of values in another unit of time, by the unit of the column."""


class Cell(NamedTuple):
    """A cell of a table by the text of its key."""

    table: str
    column: str
    key: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A company with wrong cells: what each says otherwise, and of which kind it is."""

    snapshot: Snapshot
    right: dict[Cell, float]
    kinds: dict[Cell, str]

    def found(self, settings: DoubtSettings | None = None) -> dict[Cell, DoubtfulValue]:
        """Doubtful values of the company, by their cells."""
        told = doubtful_values(self.snapshot, settings)
        return {
            Cell(one.table, one.column, key_of(self.snapshot, one)): one
            for one in told.values
        }


def key_of(snapshot: Snapshot, one: DoubtfulValue) -> tuple[str, ...]:
    """Key of the row of a doubtful value as text."""
    at = snapshot.input_rows(one.table).index_of(one.row)
    assert at is not None
    names = tables()[one.table].key
    return tuple(map(str, snapshot[one.table].select(names).row(at)))


def planted(snapshot: Snapshot, number: int, random: Random) -> Planted:
    """Company with a number of errors, in columns and rows that are drawn.

    Key columns and columns with fewer than six numbers are left as they are.
    """
    columns = [
        (table, column)
        for table, of in like_rules().items()
        for column in of
        if column not in tables()[table].key
        and table != "demands"
        and (snapshot[table][column] > 0).sum() > 5
    ]
    frames: dict[str, list[dict[str, object]]] = {}
    right: dict[Cell, float] = {}
    kinds: dict[Cell, str] = {}
    while len(right) < number:
        table, column = random.choice(columns)
        stated = tables()[table].columns[column]
        rows = frames.setdefault(table, snapshot[table].to_dicts())
        row = random.choice([one for one in rows if (one[column] or 0) > 0])
        kind = random.choice([*FACTORS, *["time"] * (3 * (stated.unit in TIMES))])
        factor = FACTORS.get(kind) or random.choice(TIMES[str(stated.unit)])
        cell = Cell(
            table, column, tuple(str(row[name]) for name in tables()[table].key)
        )
        value = float(row[column])
        wrong = float(f"{value * factor:.10g}")
        if cell in right or (stated.max is not None and wrong > stated.max):
            continue
        row[column], right[cell], kinds[cell] = wrong, value, kind
    changed = {
        table: pl.DataFrame(rows, schema=snapshot[table].schema)
        for table, rows in frames.items()
    }
    return Planted(snapshot=snapshot.replace(**changed), right=right, kinds=kinds)
