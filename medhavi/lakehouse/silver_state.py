"""The state that a fold builds: planning tables and what the fold itself must remember.

A table is a frame while nobody changes it and a dictionary of rows as soon as somebody
does, so that continuing from a checkpoint costs only the tables that the new events
touch. Rows are replaced, never edited: copies of a state share them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi import schema
from medhavi.snapshot.tables import DTYPES, INSTANT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Row = dict[str, Any]
Key = tuple[Any, ...]

MEMORY: Mapping[str, Mapping[str, pl.DataType]] = MappingProxyType(
    {
        # Which demand rows a published forecast consists of, so that the next one
        # replaces them.
        "forecast_rows": {"forecast": pl.String(), "demand": pl.String()},
        # Values of people that win over the stated ones while they are valid.
        "overrides": {
            "override": pl.String(),
            "table": pl.String(),
            "key": pl.String(),
            "column": pl.String(),
            "value": pl.String(),
            "valid_from": INSTANT,
            "valid_to": INSTANT,
            "position": pl.Int64(),
        },
        # What the fold could not make sense of; a finding each.
        "quality": {
            "position": pl.Int64(),
            "code": pl.String(),
            "type": pl.String(),
            "table": pl.String(),
            "column": pl.String(),
            "value": pl.String(),
            "detail": pl.String(),
        },
    }
)
"""Tables beside those of the schema that belong to the state."""

_MEMORY_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "forecast_rows": ("forecast", "demand"),
        "overrides": ("override",),
        "quality": ("position", "code", "table", "value"),
    }
)

STATE_DTYPES: Mapping[str, Mapping[str, pl.DataType]] = MappingProxyType(
    {**DTYPES, **MEMORY}
)
"""Column types of every table of the state, by name."""


def _key_columns(table: str) -> tuple[str, ...]:
    if table in _MEMORY_KEYS:
        return _MEMORY_KEYS[table]
    return schema.tables()[table].key


def _key_defaults(table: str) -> tuple[tuple[str, Any], ...]:
    if table in _MEMORY_KEYS:
        return tuple((name, None) for name in _MEMORY_KEYS[table])
    columns = schema.tables()[table].columns
    return tuple(
        (name, None if columns[name].default == "always" else columns[name].default)
        for name in schema.tables()[table].key
    )


KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: _key_columns(name) for name in STATE_DTYPES}
)
"""Key columns of every table of the state; settings has none, it is one row."""

_DEFAULTS = {name: _key_defaults(name) for name in STATE_DTYPES}


def empty_table(table: str) -> pl.DataFrame:
    """Give a table without rows."""
    return pl.DataFrame(schema=dict(STATE_DTYPES[table]))


def key_of(table: str, row: Mapping[str, Any]) -> Key:
    """Give the key of a row; an empty key cell counts as its default.

    >>> key_of("stock", {"product": "A", "location": "DC"})
    ('A', 'DC', '')
    """
    return tuple(
        default if row.get(name) is None else row[name]
        for name, default in _DEFAULTS[table]
    )


class State:
    """Tables by name.

    Parameters
    ----------
    read
        Gives a table as a checkpoint holds it, at most once each; None: all are empty.
    """

    def __init__(self, read: Callable[[str], pl.DataFrame] | None = None) -> None:
        self._read = read
        self._frames: dict[str, pl.DataFrame] = {}
        self._rows: dict[str, dict[Key, Row]] = {}
        self._lines: dict[str, set[str]] | None = None

    def copy(self) -> State:
        """Give a state that can be changed without changing this one."""
        other = State(self._read)
        other._frames = dict(self._frames)
        other._rows = {table: dict(rows) for table, rows in self._rows.items()}
        return other

    def rows(self, table: str) -> dict[Key, Row]:
        """Give the rows of a table by key, to be read and changed."""
        rows = self._rows.get(table)
        if rows is None:
            listed = self.frame(table).rows(named=True)
            rows = {key_of(table, row): row for row in listed}
            self._rows[table] = rows
        return rows

    def put(self, table: str, row: Row) -> None:
        """Set a row: new, or in place of the one with its key."""
        self.rows(table)[key_of(table, row)] = row
        if table == "demands" and self._lines is not None:
            self._lines.setdefault(row.get("sales_order") or "", set()).add(
                row["demand"]
            )

    def lines_of(self, sales_order: str) -> list[str]:
        """Give the demands of a sales order, in order of their ids."""
        demands = self.rows("demands")
        if self._lines is None:
            self._lines = {}
            for (demand,), row in demands.items():
                self._lines.setdefault(row.get("sales_order") or "", set()).add(demand)
        return sorted(
            demand
            for demand in self._lines.get(sales_order, ())
            if demands.get((demand,), {}).get("sales_order") == sales_order
        )

    def frame(self, table: str) -> pl.DataFrame:
        """Give a table typed, with all its columns, sorted by key."""
        rows = self._rows.get(table)
        if rows is None:
            return self._unchanged(table)
        dtypes = dict(STATE_DTYPES[table])
        frame = pl.DataFrame(list(rows.values()), schema=dtypes, orient="row")
        return frame.sort(KEYS[table], nulls_last=False) if KEYS[table] else frame

    def _unchanged(self, table: str) -> pl.DataFrame:
        if table not in self._frames:
            self._frames[table] = (
                empty_table(table) if self._read is None else self._read(table)
            )
        return self._frames[table]

    def frames(self) -> dict[str, pl.DataFrame]:
        """Give every table."""
        return {table: self.frame(table) for table in STATE_DTYPES}

    def touched(self) -> frozenset[str]:
        """Name the tables whose rows were asked for, and may have changed."""
        return frozenset(self._rows)

    def equals(self, other: State) -> bool:
        """Tell whether all rows of all tables are equal."""
        return all(
            self.frame(table).equals(other.frame(table)) for table in STATE_DTYPES
        )
