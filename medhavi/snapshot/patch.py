"""Changed rows of a snapshot as a value: upserts and deletes by key.

Studies, edits of orders and remedies all say what they change as a `Patch`; only here
is a snapshot with some rows changed made of one without.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi import schema
from medhavi.findings import BadData, Severity
from medhavi.snapshot.reading.local_days import asked_instant
from medhavi.snapshot.reading.normalise import normalise, raw_frame
from medhavi.snapshot.reading.row_findings import nearest
from medhavi.snapshot.tables import DTYPES, LazyTables, empty

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.schema import Column
    from medhavi.snapshot.snapshot import Snapshot

Row = Mapping[str, object]
RowsByTable = Mapping[str, Sequence[Row]]
_TYPES: Mapping[str, type] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "time": dt.time,
    "timestamp": dt.datetime,
}
_UTC = dt.timedelta(0)


class NoSuchRowError(Exception):
    """No row of a table fits a selection.

    Attributes
    ----------
    table
        The table.
    selection
        Cells that were looked for, in words.
    """

    def __init__(self, table: str, selection: Row) -> None:
        words = ", ".join(f"{name} = {value}" for name, value in selection.items())
        super().__init__(table, words)
        self.table, self.selection = table, words or "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """One row before and after; None: it is not there.

    The key is as text; empty cells are left out.
    """

    table: str
    key: Mapping[str, str]
    before: Row | None
    after: Row | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Patch:
    """Rows that tables get and rows that they lose.

    Make it with `of` where rows may be as a person writes them.

    Parameters
    ----------
    upserts
        Table to rows in normal form, with all columns: those of the same key go,
        these come. The settings, which have no key, are replaced.
    deletes
        Table to the keys of rows that go, in columns of the key.

    Examples
    --------
    >>> from medhavi.snapshot import Snapshot
    >>> before = Snapshot.from_frames({"products": [{"product": "A"}]})
    >>> patch = Patch.of(before, {"products": [{"product": "B"}]})
    >>> patch.apply(before)["products"]["product"].to_list()
    ['A', 'B']
    >>> patch.inverse(before).deletes["products"].to_dicts()
    [{'product': 'B'}]
    """

    upserts: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    deletes: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [
            name + nearest(name, DTYPES)
            for name in (*self.upserts, *self.deletes)
            if name not in DTYPES
        ]
        if unknown:
            message = f"No planning table is called {', '.join(unknown)}."
            raise KeyError(message)

    # --- making --------------------------------------------------------------------
    @classmethod
    def of(cls, snapshot: Snapshot, rows: RowsByTable) -> Patch:
        """Patch that puts rows in the place of those of the same key, or adds them.

        Parameters
        ----------
        snapshot
            Tells in which zone a date without a time is a local day.
        rows
            By table, each with all columns or some; a missing column is empty, for
            which its default counts.

        Raises
        ------
        BadData
            A value does not fit its column; row and column are named.
        """
        stated = {name: some for name, some in rows.items() if some}
        known = {name: _typed_rows(name, some) for name, some in stated.items()}
        read = {
            name: _read(snapshot, name, stated[name])
            for name, typed in known.items()
            if typed is None
        }

        def made(name: str) -> pl.DataFrame:
            return read[name] if name in read else _frame(name, known[name] or [])

        return cls(
            upserts=LazyTables(dict.fromkeys(known, pl.DataFrame()), known.keys(), made)
        )

    @classmethod
    def adding(cls, snapshot: Snapshot, table: str, rows: Sequence[Row]) -> Patch:
        """Patch that adds rows beside those of the same key.

        Two rows of one key are an error of the changed snapshot, which its checks find.

        Raises
        ------
        BadData
            A value does not fit its column; row and column are named.
        """
        fresh = _typed(snapshot, table, rows)
        there = _with_keys(snapshot[table], _keys(table, fresh), table)
        return cls(upserts={table: pl.concat([there, fresh])})

    @classmethod
    def setting(cls, snapshot: Snapshot, table: str, where: Row, cells: Row) -> Patch:
        """Patch that writes cells into the rows that a selection fits.

        Raises
        ------
        NoSuchRowError
            The selection fits no row.
        BadData
            A value does not fit its column; row and column are named.
        """
        removed = cls.removing(snapshot, table, where)
        rows = [
            {**row, **cells}
            for row in snapshot[table].iter_rows(named=True)
            if _fits(row, where)
        ]
        rest = removed.apply(snapshot)
        return removed.then(cls.adding(rest, table, rows))

    @classmethod
    def removing(cls, snapshot: Snapshot, table: str, where: Row) -> Patch:
        """Patch that takes out the rows that a selection fits.

        Raises
        ------
        NoSuchRowError
            The selection fits no row.
        """
        frame = snapshot[table]
        hit = [_fits(row, where) for row in frame.iter_rows(named=True)]
        if not any(hit):
            raise NoSuchRowError(table, where)
        return cls(deletes={table: _keys(table, frame.filter(pl.Series(hit)))})

    @classmethod
    def between(
        cls, before: Snapshot, after: Snapshot, tables: Iterable[str] = DTYPES
    ) -> Patch:
        """Patch that makes some tables of one snapshot those of another.

        Parameters
        ----------
        tables
            All of them by default.
        """
        upserts: dict[str, pl.DataFrame] = {}
        deletes: dict[str, pl.DataFrame] = {}
        for name in tables:
            gone, fresh = differing_rows(before[name], after[name])
            if fresh.height:
                upserts[name] = _with_keys(after[name], _keys(name, fresh), name)
            lost = _without_keys(_keys(name, gone), _keys(name, fresh), name)
            if lost.height or (gone.height and not after[name].height):
                deletes[name] = lost
        return cls(upserts=upserts, deletes=deletes)

    # --- what it does --------------------------------------------------------------
    def apply(self, snapshot: Snapshot) -> Snapshot:
        """Snapshot with the rows changed; the same one where there are none.

        A changed table is made when it is first read; all others are shared.
        """
        names = list(dict.fromkeys((*self.upserts, *self.deletes)))
        if "settings" in names:
            return snapshot.replace(
                **{name: self._rows(snapshot, name) for name in names}
            )
        if not names:
            return snapshot
        return snapshot.replace_when_read(
            names, lambda name: self._rows(snapshot, name)
        )

    def _rows(self, snapshot: Snapshot, name: str) -> pl.DataFrame:
        frame = _without_keys(snapshot[name], self.affected()[name], name)
        fresh = self.upserts.get(name)
        return frame if fresh is None else pl.concat([frame, fresh])

    def affected(self) -> Mapping[str, pl.DataFrame]:
        """Keys of all rows that come, change or go, by table."""
        return self._affected

    @cached_property
    def _affected(self) -> Mapping[str, pl.DataFrame]:
        found: dict[str, pl.DataFrame] = {}
        for name in dict.fromkeys((*self.upserts, *self.deletes)):
            parts = [
                _keys(name, some[name])
                for some in (self.upserts, self.deletes)
                if name in some
            ]
            found[name] = pl.concat(parts).unique(maintain_order=True)
        return found

    def changes(self, snapshot: Snapshot) -> tuple[RowChange, ...]:
        """All rows before and after, those that come or change first.

        Parameters
        ----------
        snapshot
            Tables before it is applied.
        """
        found: list[RowChange] = []
        for rows in (self.upserts, self.deletes):
            for name in rows:
                key = schema.tables()[name].key
                known = _with_keys(snapshot[name], _keys(name, rows[name]), name)
                old = {_values(row, key): row for row in known.to_dicts()}
                found += (
                    RowChange(
                        table=name,
                        key={column: str(row[column]) for column in key},
                        before=_filled(old.get(_values(row, key))),
                        after=_filled(row) if rows is self.upserts else None,
                    )
                    for row in rows[name].to_dicts()
                )
        return tuple(found)

    def inverse(self, snapshot: Snapshot) -> Patch:
        """Patch that takes this one back.

        Parameters
        ----------
        snapshot
            Tables before this one was applied.
        """
        upserts: dict[str, pl.DataFrame] = {}
        deletes: dict[str, pl.DataFrame] = {}
        for name, keys in self.affected().items():
            old = _with_keys(snapshot[name], keys, name)
            if old.height:
                upserts[name] = old
            gone = _without_keys(keys, _keys(name, old), name)
            if gone.height or not old.height:
                deletes[name] = gone
        return Patch(upserts=upserts, deletes=deletes)

    def then(self, other: Patch) -> Patch:
        """Patch that does what this one and then the other do.

        Parameters
        ----------
        other
            Of the snapshot that this one makes.
        """
        upserts: dict[str, pl.DataFrame] = {}
        deletes: dict[str, pl.DataFrame] = {}
        after = other.affected()
        for name, keys in {**self.affected(), **after}.items():
            rows = [other.upserts[name]] if name in other.upserts else []
            if name in self.upserts:
                own = self.upserts[name]
                rest = _without_keys(own, after[name], name) if name in after else own
                rows.insert(0, rest)
            fresh = pl.concat(rows) if rows else empty(name)
            if fresh.height:
                upserts[name] = fresh
            every = [
                one for one in (self.affected().get(name), keys) if one is not None
            ]
            gone = _without_keys(pl.concat(every).unique(), _keys(name, fresh), name)
            if gone.height or not fresh.height:
                deletes[name] = gone
        return Patch(upserts=upserts, deletes=deletes)


# ------------------------------------------------------------------------------- keys
def _keys(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Key columns of rows; the settings have none."""
    return frame.select(schema.tables()[name].key)


def _with_keys(frame: pl.DataFrame, keys: pl.DataFrame, name: str) -> pl.DataFrame:
    """Rows that have one of some keys; of a table without a key, all."""
    key = list(schema.tables()[name].key)
    if not key:
        return frame
    return frame.join(keys, on=key, how="semi", nulls_equal=True, maintain_order="left")


def _without_keys(frame: pl.DataFrame, keys: pl.DataFrame, name: str) -> pl.DataFrame:
    """Rows that have none of some keys; of a table without a key, none."""
    key = list(schema.tables()[name].key)
    if not key:
        return frame.clear()
    return frame.join(keys, on=key, how="anti", nulls_equal=True, maintain_order="left")


def _values(row: Row, names: Sequence[str]) -> tuple[object, ...]:
    return tuple(row[name] for name in names)


def _filled(row: Row | None) -> Row | None:
    """Cells that are not empty."""
    if row is None:
        return None
    return {name: cell for name, cell in row.items() if cell is not None}


def _fits(row: Row, wanted: Row) -> bool:
    """Whether cells are those of a selection, by their value or their text."""
    return all(
        row[name] == value or str(row[name]) == str(value) or _at(row[name], value)
        for name, value in wanted.items()
    )


def _at(cell: object, value: object) -> bool:
    """Whether a cell is the instant that a text states."""
    return isinstance(cell, dt.datetime) and cell == asked_instant(value, "begin")


# -------------------------------------------------------------------------------- rows
def differing_rows(
    one: pl.DataFrame, other: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of each of two tables that are not in the other, or there more than once."""
    if one is other:
        return one.clear(), other.clear()
    if one.height == other.height:
        differs = pl.repeat(value=False, n=one.height, dtype=pl.Boolean, eager=True)
        for name in one.columns:
            if not one[name].equals(other[name]):
                differs |= one[name].ne_missing(other[name])
        one, other = one.filter(differs), other.filter(differs)
    old, new = (with_texts(frame).hash_rows() for frame in (one, other))
    return (
        one.filter(~old.is_in(new.implode()) | old.is_duplicated()),
        other.filter(~new.is_in(old.implode()) | new.is_duplicated()),
    )


def with_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Table whose lists are texts, so that rows can be hashed."""
    return frame.with_columns(
        pl.col(name).cast(pl.List(pl.String)).list.join("\x1f")
        for name, kind in frame.schema.items()
        if isinstance(kind, pl.List)
    )


# ------------------------------------------------------------------------------- cells
def _typed(snapshot: Snapshot, name: str, rows: Sequence[Row]) -> pl.DataFrame:
    """Rows in normal form."""
    typed = _typed_rows(name, rows)
    return _read(snapshot, name, rows) if typed is None else _frame(name, typed)


def _frame(name: str, rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=dict(DTYPES[name]), orient="row")


def _read(snapshot: Snapshot, name: str, rows: Sequence[Row]) -> pl.DataFrame:
    """Rows as a file has them, read as its cells are."""
    made = normalise(name, raw_frame(rows), snapshot.local_days)
    wrong = [one for one in made.findings if one.severity is Severity.ERROR]
    if wrong:
        raise BadData(wrong)
    return made.frame


def _typed_rows(name: str, rows: Sequence[Row]) -> list[Row] | None:
    """Rows whose cells all are of their type; None: some are to be read."""
    found: list[Row] = []
    for row in rows:
        typed = typed_row(name, row)
        if typed is None:
            return None
        found.append(typed)
    return found


def typed_row(name: str, row: Row) -> dict[str, Any] | None:
    """Row with all columns and their defaults; None: a cell is not of its type.

    A frame is made for thousands of rows; for one it takes as long as a quote.
    """
    columns = schema.tables()[name].columns
    if not row.keys() <= columns.keys():
        return None
    cells: dict[str, Any] = {}
    for column in columns.values():
        value: Any = row.get(column.name)
        if value is None and column.default != "always":
            value = column.default
        if value is not None:
            value = _typed_cell(column, value)
            if value is None:
                return None
        elif column.required:
            return None
        cells[column.name] = value
    return cells


def _typed_cell(column: Column, value: Any) -> Any:
    """Cell as the normal form has it; None: it is of another type."""
    if column.type == "float" and type(value) is int:
        value = float(value)
    if type(value) is not _TYPES.get(column.type):
        return None
    match value:
        case str():
            return value or None
        case float():
            # Adding zero makes of -0.0 plain zero.
            return value + 0.0 if math.isfinite(value) else None
        case dt.datetime():
            fits = value.utcoffset() == _UTC and not value.microsecond
        case dt.time():
            fits = not value.microsecond and value.tzinfo is None
        case _:
            fits = True
    return value if fits else None


def cells_match(chosen: Mapping[str, str | None]) -> pl.Expr:
    """Rows that the stated cells name; all where none is stated."""
    expression = pl.lit(value=True)
    for name, value in chosen.items():
        if value is not None:
            expression &= pl.col(name) == value
    return expression


def chosen_rows(
    snapshot: Snapshot,
    table: str,
    chosen: Mapping[str, str | None],
    more: pl.Expr | None = None,
) -> pl.DataFrame:
    """Rows of a table that the stated cells name, at least one."""
    hit = cells_match(chosen)
    rows = snapshot[table].filter(hit if more is None else hit & more)
    if rows.is_empty():
        stated = {name: value for name, value in chosen.items() if value is not None}
        raise NoSuchRowError(table, stated)
    return rows


def rewritten(rows: Mapping[str, pl.DataFrame], cells: Mapping[str, pl.Expr]) -> Patch:
    """Patch by which rows get other cells."""
    return Patch(
        upserts={name: frame.with_columns(**cells) for name, frame in rows.items()}
    )
