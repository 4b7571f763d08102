"""A few rows of a table as providers read them, without a frame where that is plain.

A frame is made for thousands of rows; for one it takes as long as a quote. Cells that
have the type of their column already, as those of rows that were read before, become
what `table_rows` gives of the normal form; any other cell goes through a frame.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

from medhavi import schema
from medhavi.providers.table_rows import Rows
from medhavi.snapshot.changed_rows import normal_rows
from medhavi.units import to_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.providers.table_rows import Row
    from medhavi.schema import Column
    from medhavi.snapshot import Snapshot

    Changes = Mapping[str, Sequence[Mapping[str, object]]]

_KINDS: Mapping[str, type] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "time": dt.time,
    "timestamp": dt.datetime,
}
_UTC = dt.timedelta(0)


def changed_rows(snapshot: Snapshot, name: str, rows: Changes) -> list[Row]:
    """Changed rows of a table with all columns; instants in UTC seconds.

    Parameters
    ----------
    snapshot
        Tells how the table looks.
    name
        Table.
    rows
        Rows by table, each with all of its columns or some.
    """
    columns = schema.tables()[name].columns
    found = []
    for row in rows[name]:
        plain = _plain(columns, row)
        if plain is None:
            return list(Rows(normal_rows(snapshot, name, rows)))
        found.append(plain)
    return found


def _plain(columns: Mapping[str, Column], row: Mapping[str, object]) -> Row | None:
    if not row.keys() <= columns.keys():
        return None
    cells: dict[str, Any] = {}
    for name, column in columns.items():
        value: Any = row.get(name)
        if value is None and column.default != "always":
            value = column.default
        if value is not None:
            if column.type == "float" and type(value) is int:
                value = float(value)
            if not _is_plain(column.type, value):
                return None
            if column.type == "timestamp":
                value = to_seconds(value)
            elif column.type == "float":
                value += 0.0
        cells[name] = value
    return cells


def _is_plain(kind: str, value: object) -> bool:
    """Whether a cell stays as it is in the normal form."""
    if type(value) is not _KINDS.get(kind):
        return False
    match value:
        case str():
            return bool(value)
        case float():
            return math.isfinite(value)
        case dt.datetime():
            return value.utcoffset() == _UTC and not value.microsecond
        case dt.time():
            return not value.microsecond and value.tzinfo is None
        case _:
            return True
