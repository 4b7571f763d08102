"""What a file of one's own changes in the tables: row by row, before it is taken.

Cells stay as they are written: dates keep their form, and a cell that cannot be read
keeps its text until somebody mends it. Rows keep the numbers that a spreadsheet shows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi import schema
from medhavi.errors import UsageError
from medhavi.findings import Finding
from medhavi.snapshot import Snapshot
from medhavi.snapshot.overrides import (
    StandingOverride,
    contradicted,
    key_texts,
    override_finding,
)
from medhavi.snapshot.patch import Patch, RowChange
from medhavi.snapshot.reading import folder
from medhavi.snapshot.reading.normalise import ROW, matched

if TYPE_CHECKING:
    from collections.abc import Iterable

    Cells = Mapping[str, pl.DataFrame]
    Place = tuple[str, tuple[object, ...]]

_OLD = 0
"""Row number of rows that a file does not have."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TableDifference:
    """Tables with the rows of a file, and what is different then.

    Attributes
    ----------
    before, after
        The tables without and with the file.
    cells
        The changed tables as text, by name.
    rows
        Rows that come, change or go.
    numbers
        Row of the file by table and key, as a spreadsheet counts.
    findings
        What is wrong with the file, or with the tables since.
    mended
        Findings that are gone then.
    overrides
        Overrides of cells for which the file states another value: they are kept.
    """

    before: Snapshot
    after: Snapshot
    cells: Cells
    rows: tuple[RowChange, ...] = ()
    numbers: Mapping[Place, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    mended: tuple[Finding, ...] = ()
    overrides: tuple[StandingOverride, ...] = ()

    def number(self, row: RowChange) -> int | None:
        """Row of the file that states a changed row; None: it has none."""
        return self.numbers.get((row.table, _key_of(row))) or None

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of rows that are added, changed and removed, by table."""
        found: dict[str, dict[str, int]] = {}
        for row in self.rows:
            known = found.setdefault(
                row.table, {"added": 0, "changed": 0, "removed": 0}
            )
            word = "changed" if row.before is not None else "added"
            known["removed" if row.after is None else word] += 1
        return found

    def edit(self) -> dict[str, Any]:
        """Edit that comes to the same: of cells, or of whole rows."""
        if all(row.before and row.after for row in self.rows):
            cells = [
                {
                    "table": row.table,
                    "key": row.key,
                    "column": column,
                    "value": _plain((row.after or {}).get(column)),
                }
                for row in self.rows
                for column in changed_columns(row)
            ]
            first, *others = cells or [{}]
            return {
                "kind": "override",
                **first,
                **({"cells": others} if others else {}),
            }
        stated: dict[str, list[dict[str, Any]]] = {"rows": [], "removed": []}
        for row in self.rows:
            key = schema.tables()[row.table].key
            cells_of = row.after if row.after is not None else row.before or {}
            named = {
                name: _plain(value)
                for name, value in cells_of.items()
                if row.after is not None or name in key
            }
            where = "removed" if row.after is None else "rows"
            stated[where].append({"table": row.table, "row": named})
        return {"kind": "replace_rows", **{k: v for k, v in stated.items() if v}}


def _key_of(row: RowChange) -> tuple[object, ...]:
    stated = row.after or row.before or {}
    return tuple(stated.get(name) for name in schema.tables()[row.table].key)


def _row_keys(snapshot: Snapshot, table: str) -> list[tuple[object, ...]]:
    return snapshot[table].select(schema.tables()[table].key).rows()


def changed_columns(row: RowChange) -> list[str]:
    """Columns whose cells a change makes others, in the order of the table."""
    before, after = row.before or {}, row.after or {}
    return [
        name
        for name in schema.tables()[row.table].columns
        if before.get(name) != after.get(name)
    ]


def _plain(value: object) -> object:
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else value


def cells_of(
    place: str | Path, *, by_columns: bool = False
) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
    """Tables of a folder or workbook as written, with row numbers; what is wrong.

    Parameters
    ----------
    by_columns
        As of `folder.read`.
    """
    frames, found = folder.read(Path(place), by_columns=by_columns)
    return {name: _text(frame) for name, frame in frames.items()}, found


def _text(frame: pl.DataFrame) -> pl.DataFrame:
    """Cells of a table as text, with the number of each row."""
    if ROW not in frame.columns:
        numbers = pl.int_range(1, frame.height + 1, dtype=pl.UInt32)
        frame = frame.with_columns(numbers.alias(ROW))
    text = folder.as_text(frame.drop(ROW)).with_columns(pl.all().cast(pl.String))
    return text.with_columns(frame[ROW])


def file_difference(
    before: Snapshot,
    stated: Cells,
    found: Iterable[Finding] = (),
    *,
    written: Cells | None = None,
    kept: Iterable[StandingOverride] = (),
    whole: bool = False,
    date_format: str | None = None,
) -> TableDifference:
    """Differences that a file makes; a column that it lacks stays as it is.

    A sheet without rows states nothing, and neither does a column without a cell: the
    template has them all. A file that is whole empties what it leaves empty.

    Parameters
    ----------
    before
        The tables now.
    stated, found
        Tables of the file as `cells_of` reads them, and what is wrong with it.
    written
        The tables now as their files have them; None: as the snapshot has them.
    kept
        Overrides that stand in the tables now and win over the file; other ones end
        where the file is taken.
    whole
        The file is all of its tables: rows that it lacks go. Else they stay.
    date_format
        Order of written dates beside ISO 8601; None: what settings state.
    """
    found, known = tuple(found), _known(before, written)

    def compared(stated: Cells) -> TableDifference:
        cells = {
            table: _merged(
                before, known, table, frame if whole else _filled(frame), whole=whole
            )
            for table, frame in stated.items()
            if frame.height or (whole and schema.tables()[table].key)
        }
        return _updated(before, {**known, **cells}, cells, found, date_format)

    made = compared(stated)
    hidden = [
        (row, one, made.number(row))
        for row, one in contradicted(made.rows, kept)
        if row.before is not None and row.after is not None
    ]
    if not hidden:
        return made
    told = (
        override_finding("ORD011", row, one, before, number)
        for row, one, number in hidden
    )
    places = {
        (one.table, number, one.column): _as_written(before, one)
        for _, one, number in hidden
        if number is not None
    }
    made = compared(with_cells(stated, places))
    return replace(
        made,
        findings=(*made.findings, *told),
        overrides=tuple(one for _, one, _ in hidden),
    )


def _as_written(before: Snapshot, override: StandingOverride) -> str:
    """Cell that an override fills, as text; empty: no value."""
    key, frame = schema.tables()[override.table].key, before[override.table]
    for number, row in enumerate(frame.select(key).iter_rows(named=True)):
        if key_texts(override.table, row) == override.row:
            return _text(frame[[number]])[override.column][0] or ""
    return ""


def cell_difference(
    before: Snapshot,
    written: Cells,
    place: tuple[str, int, str],
    value: str,
    date_format: str | None = None,
) -> TableDifference:
    """Differences that one cell makes.

    Parameters
    ----------
    before, written
        The tables now, and as their files have them.
    place
        Table, number of the row as a spreadsheet counts, column.
    value
        What is written into the cell; empty: nothing.

    Raises
    ------
    UsageError
        There is no such table, row or column.
    """
    table, row, column = place
    if table not in written or column not in schema.tables()[table].columns:
        message = f"The files have no column {column} of a table {table}."
        raise UsageError(message)
    frame = matched(written[table], schema.tables()[table].columns)
    if row not in frame[ROW]:
        message = f"{table} has no row {row}; rows count as a spreadsheet shows them."
        raise UsageError(message)
    old = pl.col(column) if column in frame.columns else pl.lit(None, pl.String)
    cell = pl.when(pl.col(ROW) == row).then(pl.lit(value or None)).otherwise(old)
    cells = {table: frame.with_columns(cell.alias(column))}
    return _updated(before, {**written, **cells}, cells, [], date_format)


def _filled(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns in which a row of the file has a cell."""
    return frame.select(
        one for one in frame if one.name == ROW or (one.drop_nulls() != "").any()
    )


def with_cells(
    stated: Cells, cells: Mapping[tuple[str, int, str], str]
) -> dict[str, pl.DataFrame]:
    """Tables of a file with other cells: by table, row as a spreadsheet counts, column.

    An empty text is no value; cells of tables, rows or columns that the file lacks do
    nothing.
    """
    found = dict(stated)
    for (table, row, column), value in cells.items():
        if table not in found:
            continue
        frame = matched(found[table], schema.tables()[table].columns)
        if column in frame.columns:
            cell = pl.when(pl.col(ROW) == row).then(pl.lit(value or None, pl.String))
            frame = frame.with_columns(cell.otherwise(pl.col(column)).alias(column))
        found[table] = frame
    return found


def _known(before: Snapshot, written: Cells | None) -> dict[str, pl.DataFrame]:
    if written is not None:
        return dict(written)
    return {
        name: _text(frame).with_columns(before.input_rows(name).alias(ROW))
        for name, frame in before.tables.items()
        if frame.height
    }


def _merged(
    before: Snapshot, known: Cells, table: str, stated: pl.DataFrame, *, whole: bool
) -> pl.DataFrame:
    """Rows of a table with those of a file in the place of the same keys."""
    columns = schema.tables()[table].columns
    stated = matched(stated, columns)
    key = list(schema.tables()[table].key)
    if not _has_key(table, stated):
        return stated  # it says of no row which one it is: that is found in it
    old = matched(known.get(table, stated.clear()), columns)
    # Keys are compared as they are read: 1 and 1.0 are the same weekday.
    fresh = _keyed(before.replace(**{table: stated}), table, ROW)
    there = _keyed(before, table, "old")
    if not key:
        # A table without a key has one row, or none yet.
        fresh, there = (one.with_row_index("place") for one in (fresh, there))
    pairs = fresh.join(there, on=key or ["place"], how="left", nulls_equal=True)
    pairs = pairs.select(ROW, "old")
    rest = old.rename({ROW: "old"})
    lacking = [name for name in rest.columns if name not in (*stated.columns, "old")]
    rows = (
        stated.join(pairs, on=ROW, how="left", maintain_order="left")
        .join(rest.select(*lacking, "old"), on="old", how="left", maintain_order="left")
        .drop("old")
    )
    gone = pairs["old"].drop_nulls().implode()
    kept = old.filter(~pl.col(ROW).is_in(gone)).with_columns(
        pl.lit(_OLD, pl.UInt32).alias(ROW)
    )
    if whole or not key:
        return rows
    return pl.concat([kept, rows], how="diagonal")


def _has_key(table: str, frame: pl.DataFrame) -> bool:
    """Whether rows have the columns of their key, but for those with a default."""
    stated = schema.tables()[table]
    needed = {name for name in stated.key if stated.columns[name].required}
    return needed <= set(frame.columns)


def _keyed(snapshot: Snapshot, table: str, numbers: str) -> pl.DataFrame:
    """Keys of a table with the numbers of their rows."""
    key = (snapshot[table][name] for name in schema.tables()[table].key)
    return pl.DataFrame([*key, snapshot.input_rows(table).alias(numbers)])


def _updated(
    before: Snapshot,
    everything: Cells,
    cells: Cells,
    found: Iterable[Finding],
    date_format: str | None,
) -> TableDifference:
    """Tables with changed cells, beside those without."""
    read = Snapshot.from_frames(everything, found, date_format=date_format)
    after = read.hold_bad_rows() if before.holds else read
    # A row that is left out for a wrong cell is in the file: nothing removes it.
    keyed = [table for table, frame in cells.items() if _has_key(table, frame)]
    stated = {table: set(_row_keys(read, table)) for table in keyed}
    rows = tuple(
        row
        for row in Patch.between(before, after, keyed).changes(before)
        if row.after is not None or _key_of(row) not in stated[row.table]
    )
    numbers: dict[Place, int] = {}
    for table in cells:
        keys = _row_keys(after, table)
        numbers |= {
            (table, key): number
            for key, number in zip(
                keys, after.input_rows(table).to_list(), strict=bool(keys)
            )
        }
    held = (*after.held.errors, *after.findings)
    known = {_words(one) for one in (*before.held.errors, *before.findings)}
    later = {_words(one) for one in held}
    return TableDifference(
        before=before,
        after=after,
        cells={name: frame.drop(ROW) for name, frame in cells.items()},
        rows=rows,
        numbers=numbers,
        findings=tuple(one for one in held if _words(one) not in known),
        mended=tuple(
            one
            for one in before.findings
            # What was found in a log stays: no file mends it.
            if one.code.startswith("SNAP") and _words(one) not in later
        ),
    )


def _words(one: Finding) -> tuple[object, ...]:
    """A finding without its row, which moves."""
    return one.code, one.table, one.column, one.value, one.message
