"""The state that a fold builds: planning tables and what the fold itself must remember.

A table is a frame, and beside it the rows that were looked at or changed since, by key.
Going on from a checkpoint therefore costs only the rows that the new events concern.
Rows are replaced, never edited: copies of a state share them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Context, Decimal
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import polars as pl

from medhavi import schema
from medhavi.schema import tables
from medhavi.snapshot.tables import DTYPES, INSTANT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence


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


@cache
def empty_table(table: str) -> pl.DataFrame:
    """Table without rows, with the column types of the state."""
    return pl.DataFrame(schema=dict(STATE_DTYPES[table]))


def key_of(table: str, row: Mapping[str, Any]) -> Key:
    """Key of a row; an empty key cell counts as its default.

    >>> key_of("stock", {"product": "A", "location": "DC"})
    ('A', 'DC', '')
    """
    key = tuple(map(row.get, KEYS[table]))
    if None not in key:
        return key
    defaults = (default for _, default in _DEFAULTS[table])
    return tuple(
        default if cell is None else cell
        for cell, default in zip(key, defaults, strict=True)
    )


def _frame_of(table: str, rows: Sequence[Row]) -> pl.DataFrame:
    """Typed frame of some rows, made by column: records would cost thrice that."""
    if not rows:
        return empty_table(table)
    dtypes = STATE_DTYPES[table]
    filled: set[str] = set()
    for row in rows:
        filled.update(row)
    cells: dict[str, list[Any]] = {name: [] for name in dtypes if name in filled}
    for start in range(0, len(rows), _NEAR):
        near = rows[start : start + _NEAR]
        for name, column in cells.items():
            column += [row.get(name) for row in near]
    return pl.DataFrame(
        {
            name: _series(name, cells[name], dtype)
            if name in filled
            else pl.Series(name, [None], dtype).new_from_index(0, len(rows))
            for name, dtype in dtypes.items()
        }
    )


def _series(name: str, cells: list[Any], dtype: pl.DataType) -> pl.Series:
    """Typed column of some cells; instants as numbers, a tenth of the time."""
    if dtype != INSTANT:
        return pl.Series(name, cells, dtype, strict=False)
    counted = [None if cell is None else (cell - _EPOCH) // _TICK for cell in cells]
    return pl.Series(name, counted, pl.Int64()).cast(dtype)


def filled_key(table: str) -> list[pl.Expr]:
    """Key columns with the default in place of an empty cell."""
    dtypes = STATE_DTYPES[table]
    return [
        pl.col(name)
        if default is None
        else pl.col(name).fill_null(pl.lit(default, dtype=dtypes[name]))
        for name, default in _DEFAULTS[table]
    ]


def _keys_frame(table: str, keys: Iterable[Key]) -> pl.DataFrame:
    dtypes = STATE_DTYPES[table]
    columns = {name: dtypes[name] for name in KEYS[table]}
    return pl.DataFrame(list(keys), schema=columns, orient="row")


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_TICK = dt.timedelta(microseconds=1)
_NEAR = 256
"""Rows that are turned into columns together: so many stay in the processor's cache."""
_MANY = 0.2
"""Share of a table from which on all its rows are read at once."""


class State:
    """Tables by name.

    Parameters
    ----------
    read
        Reads a table as a checkpoint holds it; None: all tables are empty.
    """

    def __init__(self, read: Callable[[str], pl.DataFrame] | None = None) -> None:
        self._read = read
        self._frames: dict[str, pl.DataFrame] = {}
        # Rows by key as they are now, None where there is none; what is not in here is
        # as the frame has it.
        self._rows: dict[str, dict[Key, Row | None]] = {}
        self._whole: set[str] = set()
        # In the order of the changes, as rows lie in memory.
        self._changed: dict[str, dict[Key, None]] = {}
        self._touched: set[str] = set()
        self._lines: dict[str, set[str]] | None = None
        # Keys of the rows in `_rows` by their first cell, of tables asked for it.
        self._by_first: dict[str, dict[Any, set[Key]]] = {}

    def copy(self) -> State:
        """State that can be changed without changing this one; nothing is touched."""
        other = State(self._read)
        other._frames = dict(self._frames)
        other._rows = {table: dict(rows) for table, rows in self._rows.items()}
        other._whole = set(self._whole)
        other._changed = {table: dict(keys) for table, keys in self._changed.items()}
        return other

    def row(self, table: str, key: Key) -> Row | None:
        """Row with a key as it is now; None: there is none."""
        rows = self._rows.setdefault(table, {})
        try:
            return rows[key]
        except KeyError:
            if table in self._whole:
                return None
        # Rows that are needed are fetched ahead, many at once; one by one costs more.
        self._read_whole(table)
        return rows.get(key)

    def rows(self, table: str) -> dict[Key, Row]:
        """All rows of a table by key, to be read; `put` and `drop` change them."""
        self._read_whole(table)
        rows = self._rows[table]
        return {key: row for key, row in rows.items() if row is not None}

    def keys(self, table: str, column: str, values: Iterable[Any]) -> list[Key]:
        """Keys of the rows whose cell in a column is one of some values, unsorted."""
        wanted = set(values)
        known = self._rows.setdefault(table, {})
        candidates: Iterable[Key] = known
        if column == KEYS[table][0]:
            named = self._keys_by_first(table)
            candidates = [key for value in wanted for key in named.get(value, ())]
        found = [
            key
            for key in candidates
            if (row := known[key]) is not None and row.get(column) in wanted
        ]
        if table not in self._whole:
            frame = self._unchanged(table)
            chosen = frame.filter(
                pl.col(column).is_in(
                    pl.Series(list(wanted), dtype=frame.schema[column]).implode()
                )
            )
            keys = chosen.select(filled_key(table)).iter_rows()
            found += [key for key in keys if key not in known]
        return found

    def _keys_by_first(self, table: str) -> dict[Any, set[Key]]:
        named = self._by_first.get(table)
        if named is None:
            named = self._by_first[table] = {}
            for key in self._rows[table]:
                named.setdefault(key[0], set()).add(key)
        return named

    def fetch(self, table: str, keys: Collection[Key]) -> None:
        """Read rows ahead of their use: many at once cost little more than one."""
        if table in self._whole:
            return
        self._by_first.pop(table, None)
        rows = self._rows.setdefault(table, {})
        missing = [key for key in keys if key not in rows]
        frame = self._unchanged(table)
        if len(missing) + len(rows) > _MANY * frame.height:
            self._read_whole(table)
        elif missing and KEYS[table]:
            named = _keys_frame(table, missing)
            chosen = frame.join(
                named,
                left_on=filled_key(table),
                right_on=list(KEYS[table]),
                how="semi",
                nulls_equal=True,
            )
            found = {key_of(table, row): row for row in chosen.iter_rows(named=True)}
            rows.update({key: found.get(key) for key in missing})
            return
        for key in missing:
            rows.setdefault(key, None)

    def _read_whole(self, table: str) -> None:
        rows = self._rows.setdefault(table, {})
        if table in self._whole:
            return
        self._by_first.pop(table, None)
        for row in self._unchanged(table).iter_rows(named=True):
            rows.setdefault(key_of(table, row), row)
        self._whole.add(table)

    def put(self, table: str, row: Row, key: Key | None = None) -> None:
        """Set a row: new, or in place of the one with its key.

        `key` is that of the row, where it is at hand.
        """
        self._change(table, key or key_of(table, row), row)
        if table == "demands" and self._lines is not None:
            self._lines.setdefault(row.get("sales_order") or "", set()).add(
                row["demand"]
            )

    def drop(self, table: str, key: Key) -> None:
        """Take a row out; nothing happens where there is none."""
        self._change(table, key, None)

    def merge(self, table: str, rows: pl.DataFrame) -> None:
        """Set many rows at once, each once: new, or in place of those with their key.

        Columns that the table does not have are left aside.
        """
        if rows.is_empty():
            return
        dtypes = STATE_DTYPES[table]
        typed = rows.select(pl.col(name).cast(dtypes[name]) for name in dtypes)
        key = filled_key(table)
        kept = self.frame(table).join(typed, on=key, how="anti", nulls_equal=True)
        merged = pl.concat([kept, typed]).sort(KEYS[table], nulls_last=False)
        self._frames[table] = merged
        self._touched.add(table)
        self._rows.pop(table, None)
        self._whole.discard(table)
        self._by_first.pop(table, None)
        if table == "demands":
            self._lines = None

    def _change(self, table: str, key: Key, row: Row | None) -> None:
        rows = self._rows.get(table)
        if rows is None:
            rows = self._rows[table] = {}
        rows[key] = row
        changed = self._changed.get(table)
        if changed is None:
            changed = self._changed[table] = {}
            self._touched.add(table)
        changed[key] = None
        if table in self._by_first:
            self._by_first[table].setdefault(key[0], set()).add(key)

    def lines_of(self, sales_order: str) -> list[str]:
        """Demands of a sales order, in order of their ids."""
        if self._lines is None:
            self._lines = {}
            for row in self._rows.get("demands", {}).values():
                if row is not None:
                    order = row.get("sales_order") or ""
                    self._lines.setdefault(order, set()).add(row["demand"])
            if "demands" not in self._whole:
                columns = self._unchanged("demands").select("sales_order", "demand")
                for order, demand in columns.iter_rows():
                    self._lines.setdefault(order or "", set()).add(demand)
        named = self._lines.get(sales_order, set())
        self.fetch("demands", [(demand,) for demand in named])
        return sorted(
            demand
            for demand in named
            if (self.row("demands", (demand,)) or {}).get("sales_order") == sales_order
        )

    def frame(self, table: str) -> pl.DataFrame:
        """Table typed, with all its columns, sorted by key."""
        changed = self._changed.pop(table, None)
        if not changed:
            return self._unchanged(table)
        before = self._unchanged(table)
        rows = self._rows[table]
        if not KEYS[table]:
            before = before.clear()
        elif before.height:
            before = before.join(
                _keys_frame(table, changed),
                left_on=filled_key(table),
                right_on=list(KEYS[table]),
                how="anti",
                nulls_equal=True,
            )
        after = [row for key in changed if (row := rows[key]) is not None]
        frame = pl.concat([before, _frame_of(table, after)])
        if KEYS[table]:
            frame = frame.sort(KEYS[table], nulls_last=False)
        self._frames[table] = frame
        return frame

    def _unchanged(self, table: str) -> pl.DataFrame:
        """Frame of a table without what was changed since it was made."""
        if table not in self._frames:
            self._frames[table] = (
                empty_table(table) if self._read is None else self._read(table)
            )
        return self._frames[table]

    def frames(self) -> dict[str, pl.DataFrame]:
        """All tables."""
        return {table: self.frame(table) for table in STATE_DTYPES}

    def touched(self) -> frozenset[str]:
        """Tables that changed since this state was made, as a copy or empty."""
        return frozenset(self._touched)

    def equals(self, other: State) -> bool:
        """Whether all rows of all tables are equal."""
        return all(
            self.frame(table).equals(other.frame(table)) for table in STATE_DTYPES
        )


class Fact(NamedTuple):
    """A decoded event: where it stands in the log, what it is, when it took effect."""

    position: int
    type: str
    occurred_at: dt.datetime
    body: Any


class Rejection(NamedTuple):
    """In place of a payload that does not count: why it does not.

    `code` is LAKE001 (cannot be decoded, `reason` says how) or LAKE002 (delivered
    twice, `detail` is the position of the first delivery).
    """

    code: str
    detail: str
    reason: str | None = None


Fold = Callable[[State, Fact], None]
"""Changes a state by one fact; deterministic, and total: it raises for no payload."""

_NATIVE = (dt.datetime, dt.date, dt.time)


def filled(body: msgspec.Struct) -> Row:
    """Fields of a payload that are filled, under their names in JSON."""
    row: Row = msgspec.to_builtins(body, builtin_types=_NATIVE)
    return row


def row_of(table: str, body: msgspec.Struct) -> Row:
    """Columns of a table that a payload fills."""
    row, columns = filled(body), _COLUMNS[table]
    if row.keys() <= columns:
        return row
    return {name: cell for name, cell in row.items() if name in columns}


_COLUMNS = {name: frozenset(table.columns) for name, table in tables().items()}


def plus(first: float | None, second: float) -> float:
    """Add two cells as the decimal numbers that they are written as.

    >>> plus(plus(0.1, 0.2), -0.3)
    0.0
    """
    if first is None:
        return second
    if float(first).is_integer() and float(second).is_integer():
        return first + second
    return float(_EXACT.add(Decimal(repr(first)), Decimal(repr(second))))


_EXACT = Context(prec=700)
"""Digits for the sum of any two floats: 308 before the point, 324 and 16 behind it."""


def complain(
    state: State,
    fact: Fact,
    code: str,
    *,
    table: str,
    value: str,
    column: str | None = None,
    detail: str | None = None,
) -> None:
    """Note that a fact made no sense; a snapshot shows it as a finding."""
    state.put(
        "quality",
        {
            "position": fact.position,
            "code": code,
            "type": fact.type,
            "table": table,
            "column": column,
            "value": value,
            "detail": detail,
        },
    )


def known(state: State, fact: Fact, table: str, *key: Any) -> Row | None:
    """Row that a fact speaks about; complain when there is none."""
    row = state.row(table, key)
    if row is None:
        complain(state, fact, "LAKE003", table=table, value="|".join(map(str, key)))
    return row
