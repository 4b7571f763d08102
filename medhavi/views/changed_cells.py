"""The cells that a remedy changes: table, row, cell, before and after."""

from __future__ import annotations

import datetime as dt
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.schema import tables
from medhavi.views.names import NOTHING, number, said, when
from medhavi.views.page import table_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

    Row = Mapping[str, object]
    Rows = Mapping[str, Sequence[Row]]


class ChangedCell(NamedTuple):
    """A cell with another value; `key` says which row of `table` it is of."""

    table: str
    key: Row
    column: str
    before: object
    after: object


def known_row(snapshot: Snapshot, table: str, row: Row) -> Row | None:
    """Row of a table with the same key; None: there is none."""
    frame = snapshot[table]
    for name in tables()[table].key:
        frame = frame.filter(pl.col(name).eq_missing(pl.lit(row.get(name))))
    return frame.row(0, named=True) if frame.height == 1 else None


def changed_cells(table: str, row: Row, before: Row) -> list[ChangedCell]:
    """Cells in which a row differs from the one that it stands for."""
    key = {name: row.get(name) for name in tables()[table].key}
    return [
        ChangedCell(table, key, column, before.get(column), value)
        for column, value in row.items()
        if column not in key and before.get(column) != value
    ]


def rows_html(rows: Rows, snapshot: Snapshot, names: Names) -> str:
    """List the cells that rows change in the tables of a snapshot."""
    return cells_html(
        [
            told
            for table, changed in rows.items()
            for row in changed
            for told in cell_words(
                table, row, known_row(snapshot, table, row) or {}, names
            )
        ]
    )


def cells_html(told: Sequence[tuple[str, str, str, str, str]]) -> str:
    """List changed cells that are words already."""
    columns = (
        say("column_in"),
        say("column_row"),
        say("column_cell"),
        say("column_now"),
        say("with_the_change"),
    )
    return table_html(columns, [tuple(map(escape, cells)) for cells in told])


def cell_words(
    table: str, row: Row, before: Row, names: Names
) -> Iterator[tuple[str, str, str, str, str]]:
    """What a row changes, a line each cell; a row like before says so."""
    place = said(table)
    where = ", ".join(value_words(row.get(name), names) for name in tables()[table].key)
    cells = [
        one
        for one in changed_cells(table, row, before)
        if before or one.after is not None
    ]
    for one in cells:
        now, then = value_words(one.before, names), value_words(one.after, names)
        yield place, where, said(one.column), now, then
    if not cells:
        yield place, where, "", "", "unchanged" if before else say("a_new_row")


def value_words(value: object, names: Names) -> str:
    """Cell for people: names for ids, local time, nothing for none."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return when(value, names.zone)
    if isinstance(value, dt.time):
        return f"{value:%H:%M}"
    if isinstance(value, (int, float)):
        return number(float(value))
    return names.told(str(value))
