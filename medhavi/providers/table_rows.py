"""A table as plain lists: rows by key without a frame operation per question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.providers.altered_copy import altered

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from medhavi.snapshot import Snapshot

Row = Mapping[str, Any]


class Rows:
    """Rows of one table of a snapshot; instants are UTC seconds, empty cells None.

    Cells become Python values once per column (10 ns each); a row is built when it is
    asked for, because most rows of a big table are never looked at whole.

    Parameters
    ----------
    frame : polars.DataFrame
        Table in its schema.
    places : sequence of int, optional
        Input row of each row, for findings; by default the rows are counted from 1.
    """

    __slots__ = ("_cells", "_columns", "_places", "_rows", "count")

    def __init__(
        self, frame: pl.DataFrame, places: Sequence[int] | None = None
    ) -> None:
        self.count = frame.height
        self._places = range(1, self.count + 1) if places is None else places
        self._columns: dict[str, list[Any]] = {}
        for column in frame.iter_columns():
            instants = isinstance(column.dtype, pl.Datetime)
            values = column.dt.epoch("s") if instants else column
            self._columns[column.name] = values.to_list()
        self._cells: list[tuple[Any, ...]] = []
        self._rows: dict[int, Row] = {}

    def replaced(self, changes: Mapping[int, Row]) -> Rows:
        """Give the table with other rows under some numbers; this one stays.

        The new rows have the keys of the old ones, so the table stays sorted.
        """
        columns = dict(self._columns)
        for name, old in self._columns.items():
            if any(row[name] != old[number] for number, row in changes.items()):
                columns[name] = list(old)
                for number, row in changes.items():
                    columns[name][number] = row[name]
        cells = list(self._cells)
        for number, row in changes.items() if cells else ():
            cells[number] = tuple(row[name] for name in columns)
        rows = {**self._rows, **changes}
        return altered(self, _columns=columns, _cells=cells, _rows=rows)

    def column(self, name: str) -> list[Any]:
        """Give the cells of a column."""
        return self._columns[name]

    def row(self, number: int) -> Row:
        """Give a row by its number, counted from 0."""
        known = self._rows.get(number)
        if known is None:
            if not self._cells:
                self._cells = list(zip(*self._columns.values(), strict=True))
            known = dict(zip(self._columns, self._cells[number], strict=True))
            self._rows[number] = known
        return known

    def picker(self, *left_out: str) -> Callable[[int], tuple[Any, ...]]:
        """Give a function that reads the cells of a row but for some columns."""
        kept = [cells for name, cells in self._columns.items() if name not in left_out]
        return lambda number: tuple([cells[number] for cells in kept])

    def place(self, number: int) -> int:
        """Give the input row of a row, counted from 1."""
        return self._places[number]

    def __iter__(self) -> Iterator[Row]:
        """Walk over all rows."""
        return (self.row(number) for number in range(self.count))

    def index(self, *names: str) -> dict[Hashable, list[int]]:
        """Collect the row numbers of each key; one name: the cell, else a tuple."""
        found: dict[Hashable, list[int]] = defaultdict(list)
        keys: Any = zip(*(self._columns[name] for name in names), strict=True)
        if len(names) == 1:
            keys = self._columns[names[0]]
        for number, key in enumerate(keys):
            found[key].append(number)
        return dict(found)

    def filled(self, name: str, default: object = None) -> int:
        """Count the cells that say something else than the default."""
        return sum(
            cell is not None and cell not in (default, [])
            for cell in self._columns[name]
        )


def read_tables(snapshot: Snapshot, names: Sequence[str]) -> Mapping[str, Rows]:
    """Read tables of a snapshot into rows, by name."""
    return {
        name: Rows(snapshot[name], snapshot.input_rows(name).to_list())
        for name in names
    }
