"""A table as plain lists: rows by key without a frame operation per question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.units import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from medhavi.snapshot import Snapshot

Row = Mapping[str, Any]


def validity(row: Row) -> tuple[int, int]:
    """Half-open validity of a row [UTC s], open where it states none."""
    begin, end = row["valid_from"], row["valid_to"]
    return ALWAYS if begin is None else begin, NEVER if end is None else end


class TableColumns(dict[str, list[Any]]):
    """Cells of a table as Python values, by column; each is made when it is asked for.

    Parameters
    ----------
    frame : polars.DataFrame
        Table in its schema.
    texts : dict of str to str
        Texts that other columns have: a text that stands in many cells is kept once.
    """

    def __init__(self, frame: pl.DataFrame, texts: dict[str, str]) -> None:
        super().__init__()
        self.names = tuple(frame.columns)
        self._frame = frame
        self._texts = texts

    def __missing__(self, name: str) -> list[Any]:
        """Make the cells of a column."""
        if name not in self.names:
            raise KeyError(name)
        column = self._frame[name]
        if isinstance(column.dtype, pl.Datetime):
            column = column.dt.epoch("s")
        cells = column.to_list()
        if column.dtype == pl.String:
            known = self._texts.setdefault
            cells = [None if cell is None else known(cell, cell) for cell in cells]
        self[name] = cells
        return cells

    def altered(self, changes: Mapping[int, Row]) -> TableColumns:
        """Columns with other cells in some rows; the others are shared."""
        made = TableColumns(self._frame, self._texts)
        for name in self.names:
            made[name] = old = self[name]
            if any(row[name] != old[number] for number, row in changes.items()):
                made[name] = list(old)
                for number, row in changes.items():
                    made[name][number] = row[name]
        return made


class TableRow(Mapping[str, Any]):
    """A row that reads its cells in the columns of its table."""

    __slots__ = ("_columns", "_number")

    def __init__(self, columns: TableColumns, number: int) -> None:
        self._columns = columns
        self._number = number

    def __getitem__(self, name: str) -> Any:
        """Cell."""
        return self._columns[name][self._number]

    def __iter__(self) -> Iterator[str]:
        """Walk over the names of the columns."""
        return iter(self._columns.names)

    def __len__(self) -> int:
        """Count the columns."""
        return len(self._columns.names)


class TableRows:
    """Rows of one table of a snapshot; instants are UTC seconds, empty cells None.

    Cells become Python values once per column (10 ns each), when the column is first
    asked for; a row is two words that point there.

    Parameters
    ----------
    frame : polars.DataFrame
        Table in its schema.
    places : polars.Series, optional
        Input row of each row, for findings; by default the rows are counted from 1.
    texts : dict of str to str, optional
        Texts of other tables, to share.
    """

    __slots__ = ("_columns", "_places", "count")

    def __init__(
        self,
        frame: pl.DataFrame,
        places: pl.Series | None = None,
        texts: dict[str, str] | None = None,
    ) -> None:
        self.count = frame.height
        self._places = range(1, self.count + 1) if places is None else places
        self._columns = TableColumns(frame, {} if texts is None else texts)

    def replaced(self, changes: Mapping[int, Row]) -> TableRows:
        """Table with other rows under some numbers; this one stays.

        The new rows have the keys of the old ones, so the table stays sorted.
        """
        made: TableRows = copy(self)
        made._columns = self._columns.altered(changes)
        return made

    def column(self, name: str) -> list[Any]:
        """Cells of a column."""
        return self._columns[name]

    def row(self, number: int) -> Row:
        """Row by its number, counted from 0."""
        return TableRow(self._columns, number)

    def picker(self, *left_out: str) -> Callable[[int], tuple[Any, ...]]:
        """Function that reads the cells of a row but for some columns."""
        columns = self._columns
        kept = [columns[name] for name in columns.names if name not in left_out]
        return lambda number: tuple([cells[number] for cells in kept])

    def cells(self, *names: str) -> Callable[[int], tuple[Any, ...]]:
        """Function that reads some cells of a row, in sequence of the names."""
        columns = [self._columns[name] for name in names]
        return lambda number: tuple([cells[number] for cells in columns])

    def place(self, number: int) -> int:
        """Input row of a row, counted from 1."""
        return self._places[number]

    def __iter__(self) -> Iterator[Row]:
        """Walk over all rows."""
        return (TableRow(self._columns, number) for number in range(self.count))

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


def read_tables(snapshot: Snapshot, names: Sequence[str]) -> Mapping[str, TableRows]:
    """Read tables of a snapshot into rows, by name; their texts are shared."""
    texts: dict[str, str] = {}
    return {
        name: TableRows(snapshot[name], snapshot.input_rows(name), texts)
        for name in names
    }
