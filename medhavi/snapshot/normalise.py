"""One table from raw cells to its normal form.

The normal form has all columns in the order of the schema, typed, defaults filled, rows
sorted by key. The number of each input row is kept beside it, so that findings name the
row a person can look up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from medhavi import schema
from medhavi.findings import Finding, finding
from medhavi.snapshot.cells import EXPECTED, typed
from medhavi.snapshot.row_findings import LISTED, more, nearest, positions
from medhavi.snapshot.tables import BY_TYPE, empty

if TYPE_CHECKING:
    from medhavi.schema import Column, Table

ROW = "row number of the input"
"""Working column that carries the input row; no schema name looks like it."""

_TOO_MANY = 3
"""Unknown columns per column of the schema from which a file is another table."""

_KINDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "truth value",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """A table in normal form, its input row numbers and what was found on the way."""

    frame: pl.DataFrame
    rows: pl.Series
    findings: tuple[Finding, ...] = ()


def absent(name: str) -> Normal:
    """Give the normal form of a table that is not there: no rows."""
    return Normal(frame=empty(name), rows=pl.Series([], dtype=pl.UInt32))


def normalise(name: str, raw: pl.DataFrame) -> Normal:
    """Type, complete and sort one table; nothing is raised for bad cells."""
    table = schema.tables()[name]
    found = _unknown_columns(table, raw.columns)
    series = [_column(table, column, raw, found) for column in table.columns.values()]
    rows = pl.Series(ROW, range(1, raw.height + 1), pl.UInt32)
    frame = _sorted(table, pl.DataFrame([*series, rows]))
    if not raw.width:
        frame = frame.clear()
    return Normal(
        frame=frame.drop(ROW), rows=frame.get_column(ROW), findings=tuple(found)
    )


def _unknown_columns(table: Table, given: list[str]) -> list[Finding]:
    """Name the columns that the schema does not know; too many are an error."""
    unknown = [name for name in given if name not in table.columns]
    found = [
        finding(
            "SNAP001",
            table=table.name,
            column=name,
            nearest=nearest(name, table.columns.keys()),
        )
        for name in unknown[:LISTED]
    ]
    found += more("SNAP001", table.name, None, len(unknown) - LISTED)
    if len(unknown) > _TOO_MANY * len(table.columns):
        known = len(given) - len(unknown)
        found.append(
            finding("SNAP051", table=table.name, value=len(unknown), known=known)
        )
    return found


def _sorted(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Sort by key; rows that share a key (an error) by all their cells."""
    key = list(table.key)
    if not key or frame.select(key).is_duplicated().any():
        key += [name for name in table.columns if name not in key]
    return frame.sort(key, nulls_last=False, maintain_order=True)


def _column(
    table: Table, column: Column, raw: pl.DataFrame, found: list[Finding]
) -> pl.Series:
    """Give one column of the normal form in the order of the input."""
    if column.name not in raw.columns:
        if column.required and raw.height:
            found.append(
                finding(
                    "SNAP003",
                    table=table.name,
                    column=column.name,
                    meaning=column.meaning,
                )
            )
        return _constant(column, raw.height)
    cells = raw.get_column(column.name)
    result = typed(cells, column)
    values = result.values.alias(column.name)
    if result.wrong is not None:
        found += _wrong_cells(table.name, column, cells, result.wrong)
    if column.required and values.null_count():
        missing = values.is_null()
        if result.wrong is not None:
            missing &= ~result.wrong
        found += _listed("SNAP004", table.name, column, missing, values)
    if column.type == "float":
        values = _finite(table.name, column, values, found)
    if result.cut:
        found.append(
            finding("SNAP014", table=table.name, column=column.name, value=result.cut)
        )
    return _completed(values, column)


def _constant(column: Column, height: int) -> pl.Series:
    """Give a column that is not there: its default in every row."""
    dtype = BY_TYPE[column.type]
    default = column.default
    if default is None or default == "always":
        return pl.Series(column.name, [None], dtype=dtype).new_from_index(0, height)
    return pl.Series(column.name, [default], dtype=dtype).new_from_index(0, height)


def _finite(
    table: str, column: Column, values: pl.Series, found: list[Finding]
) -> pl.Series:
    """Empty what is no number, name it, and make -0.0 plain zero."""
    finite = values.is_finite()
    if not finite.all():
        found += _listed("SNAP009", table, column, ~finite, values)
        values = pl.select(
            pl.when(finite).then(values).otherwise(None).alias(column.name)
        ).to_series()
    return values + 0.0


def _completed(values: pl.Series, column: Column) -> pl.Series:
    """Fill the stated default; an open begin stays null."""
    default = column.default
    if default is None or default == "always" or not values.null_count():
        return values
    if column.type == "list":
        literal = pl.lit(default, dtype=BY_TYPE[column.type])
        return values.to_frame().select(pl.first().fill_null(literal)).to_series()
    return values.fill_null(default)


def _wrong_cells(
    table: str, column: Column, cells: pl.Series, wrong: pl.Series
) -> list[Finding]:
    places = positions(wrong)
    listed = [
        finding(
            "SNAP005",
            table=table,
            row=place + 1,
            column=column.name,
            value=cells[place],
            kind=_KINDS.get(column.type, column.type),
            expected=EXPECTED[column.type],
        )
        for place in places[:LISTED]
    ]
    return listed + more("SNAP005", table, column.name, len(places) - LISTED)


def _listed(
    code: str, table: str, column: Column, marked: pl.Series, values: pl.Series
) -> list[Finding]:
    places = positions(marked)
    listed = [
        finding(
            code,
            table=table,
            row=place + 1,
            column=column.name,
            value=values[place],
            meaning=column.meaning,
        )
        for place in places[:LISTED]
    ]
    return listed + more(code, table, column.name, len(places) - LISTED)
