"""Checks of one table by itself: closed lists, bounds, keys, windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi import schema
from medhavi.snapshot.reading.row_findings import nearest, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.findings import Finding
    from medhavi.schema import Column, Table
    from medhavi.snapshot.reading.normalise import NormalTable
    from medhavi.snapshot.reading.row_findings import Tell

_WINDOWS = (
    ("valid_from", "valid_to"),
    ("start", "finish"),
    ("start", "due"),
    ("due", "period_end"),
    ("received_at", "expires_at"),
)
"""Begin and end columns; they are checked where both hold instants."""

_MAY_BE_EMPTY = {"due", "supply_order_steps.finish", "reservations.finish"}
"""Ends that may equal their begin: an order without duration, a moment's hold."""

_ROW = "row"


def own_checks(name: str, normal: NormalTable) -> list[Finding]:
    """Check one table by itself."""
    if not normal.frame.height:
        return []
    table = schema.tables()[name]
    return [
        *_cells(table, normal),
        *_keys(table, normal),
        *_windows(table, normal),
        *_overlaps(table, normal),
    ]


def _cells(table: Table, normal: NormalTable) -> list[Finding]:
    """Check closed lists and bounds; all columns are counted in one pass."""
    broken = {}
    for column in table.columns.values():
        if column.one_of:
            choices = list(column.one_of)
            broken[column.name, "SNAP006"] = ~pl.col(column.name).is_in(choices)
        outside = _outside(column)
        if outside is not None:
            broken[column.name, "SNAP007"] = outside
    if not broken:
        return []
    counts = normal.frame.select(
        rule.sum().alias(f"{code} {name}") for (name, code), rule in broken.items()
    ).row(0)
    found: list[Finding] = []
    for (key, rule), count in zip(broken.items(), counts, strict=True):
        if count:
            found += _broken(table, key, rule, normal)
    return found


def _outside(column: Column) -> pl.Expr | None:
    cell = pl.col(column.name)
    rules = []
    if column.min is not None:
        rules.append(cell < column.min)
    if column.min_open is not None:
        rules.append(cell <= column.min_open)
    if column.max is not None:
        rules.append(cell > column.max)
    return pl.any_horizontal(rules) if rules else None


def _broken(
    table: Table, key: tuple[str, str], rule: pl.Expr, normal: NormalTable
) -> list[Finding]:
    name, code = key
    column = table.columns[name]
    marked, rows = select(normal, rule)
    fields: dict[str, object] = {
        "bound": bound(column),
        "unit": f"; it counts in {column.unit}" if column.unit else "",
        "choices": ", ".join(column.one_of),
    }

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {**fields, "nearest": nearest(str(row[name]), column.one_of)}

    return told(code, table.name, name, marked, rows, tell)


def bound(column: Column) -> str:
    """Bounds of a column in words.

    >>> from medhavi.schema import Column
    >>> bound(Column(name="yield", type="float", min_open=0, max=1))
    'above 0 and at most 1'
    """
    parts = []
    if column.min is not None:
        parts.append(f"at least {column.min:g}")
    if column.min_open is not None:
        parts.append(f"above {column.min_open:g}")
    if column.max is not None:
        parts.append(f"at most {column.max:g}")
    return " and ".join(parts)


def select(normal: NormalTable, rule: pl.Expr) -> tuple[pl.DataFrame, list[int]]:
    """Rows that a rule marks, with their input row numbers."""
    numbered = normal.frame.with_columns(normal.rows.alias(_ROW)).filter(rule)
    return numbered, numbered.get_column(_ROW).to_list()


def _keys(table: Table, normal: NormalTable) -> list[Finding]:
    """Name each row whose key an earlier row of the input has already."""
    key = list(table.key)
    if not key or not normal.frame.select(key).is_duplicated().any():
        return []
    numbered = normal.frame.with_columns(normal.rows.alias(_ROW)).with_columns(
        pl.col(_ROW).min().over(key).alias("first of key")
    )
    again = numbered.filter(pl.col(_ROW) > pl.col("first of key"))

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        cells = ", ".join("empty" if row[k] is None else str(row[k]) for k in key)
        return {"first": row["first of key"], "value": cells, "key": " + ".join(key)}

    return told("SNAP008", table.name, None, again, again[_ROW].to_list(), tell)


def _windows(table: Table, normal: NormalTable) -> list[Finding]:
    found: list[Finding] = []
    for begin, end in _WINDOWS:
        if not _both_instants(table, begin, end):
            continue
        tell = _window_teller(begin)
        reversed_rows, rows = select(normal, pl.col(end) < pl.col(begin))
        found += told("SNAP010", table.name, end, reversed_rows, rows, tell)
        if not {end, f"{table.name}.{end}"} & _MAY_BE_EMPTY:
            empty_rows, rows = select(normal, pl.col(end) == pl.col(begin))
            found += told("SNAP015", table.name, end, empty_rows, rows, tell)
    return found


def _both_instants(table: Table, begin: str, end: str) -> bool:
    columns = table.columns
    return all(
        name in columns and columns[name].type == "timestamp" for name in (begin, end)
    )


def _window_teller(
    begin: str,
) -> Tell:
    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {"begin": begin, "begin_value": row[begin]}

    return tell


def _overlaps(table: Table, normal: NormalTable) -> list[Finding]:
    """Name validity rows of one key whose windows overlap."""
    if "valid_from" not in table.key or "valid_to" not in table.columns:
        return []
    rest = [name for name in table.key if name != "valid_from"]
    groups = normal.frame.select(rest)
    if not groups.is_duplicated().any():
        return []
    # Null begins sort first and null ends last, so a running maximum is enough.
    end = pl.col("valid_to").fill_null(pl.datetime(9999, 1, 1, time_zone="UTC"))
    before = end.cum_max().shift(1).over(rest)
    begin = pl.col("valid_from").fill_null(pl.datetime(1, 1, 1, time_zone="UTC"))
    numbered = normal.frame.with_columns(
        normal.rows.alias(_ROW), (begin < before).alias("overlap")
    )
    later = numbered.filter(
        "overlap", pl.col("valid_from").is_not_null() | pl.col("valid_to").is_not_null()
    )

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {"key": ", ".join(str(row[name]) for name in rest)}

    return told("SNAP016", table.name, "valid_from", later, later[_ROW].to_list(), tell)
