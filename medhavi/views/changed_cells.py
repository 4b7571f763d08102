"""Changed cells of the tables, before and after: those of a remedy, those of a file."""

from __future__ import annotations

import calendar
import datetime as dt
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.findings.groups import told_together
from medhavi.schema import cell, tables
from medhavi.snapshot.reading.local_days import edge_of
from medhavi.snapshot.table_difference import changed_columns
from medhavi.views.names import NOTHING, count, day, local, number, said, when
from medhavi.views.page import empty, findings_html, table_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.patch import RowChange
    from medhavi.snapshot.table_difference import TableDifference
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


def changes_html(changes: Sequence[RowChange], names: Names) -> str:
    """List cells as they are and as an edit makes them, of changes that name them."""

    def words(one: RowChange, column: str, row: Row | None) -> str:
        value = cell(one.table, column, (row or {}).get(column))
        return cell_text(one.table, column, value, one.key, names)

    return cells_html(
        [
            (
                said(one.table),
                key_words(one.table, one.key, names),
                said(column),
                words(one, column, one.before),
                words(one, column, one.after),
            )
            for one in changes
            for column in one.after or {}
        ]
    )


def cell_words(
    table: str, row: Row, before: Row, names: Names
) -> Iterator[tuple[str, str, str, str, str]]:
    """What a row changes, a line each cell; a row like before says so."""
    place = said(table)
    where = key_words(table, row, names)
    cells = [
        one
        for one in changed_cells(table, row, before)
        if before or one.after is not None
    ]
    for one in cells:
        now, then = (
            cell_text(table, one.column, value, row, names)
            for value in (one.before, one.after)
        )
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
    entries = value if isinstance(value, list) else [value]
    return "; ".join(names.told(str(one)) for one in entries)


def place_of(row: Row) -> str | None:
    """Resource, location, order or demand that a row names: its times are those there.

    >>> place_of({"resource": None, "location": "LODZ"}), place_of({"product": "P-1"})
    ('LODZ', None)
    """
    named = ("resource", "location", "supply_order", "demand")
    return next((str(row[name]) for name in named if row.get(name)), None)


def cell_text(table: str, column: str, value: object, row: Row, names: Names) -> str:
    """Cell of a column for people: the day that was typed, a weekday by its name.

    Parameters
    ----------
    row
        Cells of its row: their zone is that of what they name, see `place_of`.
    """
    stated = tables()[table].columns[column]
    if stated.type == "timestamp" and isinstance(value, dt.datetime):
        place = place_of(row)
        there = local(value, names.zone_of(place))
        if edge_of(stated, row) == "end" and there.time() == dt.time():
            # The first instant after a day is the end of that day.
            return day(there - dt.timedelta(days=1))
        return names.when_there(value, place)
    if column == "weekday" and isinstance(value, int):
        return calendar.day_name[value - 1]
    return value_words(value, names)


def key_words(table: str, row: Row, names: Names) -> str:
    """Which row of a table it is: the stated cells of its key."""
    return ", ".join(
        cell_text(table, name, row[name], row, names)
        for name in tables()[table].key
        if row.get(name) is not None
    )


_MOST_CELLS = 30
"""Cells that a page lists; it counts the others."""
_MOST_COLUMNS = 8
"""Columns of a new row that are told."""


def update_finding(update: TableDifference) -> str:
    """In a sentence: rows that differ by table, errors that come and go."""
    told = [
        f"{said(table)} {', '.join(f'{n:,} {word}' for word, n in counts.items() if n)}"
        for table, counts in update.counts().items()
    ]
    wrong = len(update.findings)
    tail = f"; {count(wrong, 'new finding')}" if wrong else ""
    mended = len(update.mended)
    tail += f"; {count(mended, 'finding')} gone" if mended else ""
    return (". ".join(told) or "Nothing differs") + tail


def update_html(update: TableDifference, names: Names) -> str:
    """Counts, cells and findings of what a file or a cell makes different."""
    lead = f"<p><b>{escape(update_finding(update))}</b></p>"
    wrong = findings_html(update.findings, names) if update.findings else ""
    if not update.rows and not update.cells:
        return wrong or empty(say("no_table_in_file"), say("name_sheets_like_tables"))
    rows = [told for row in update.rows for told in _lines(update, row, names)]
    columns = (
        say("table"),
        say("column_file_row"),
        say("column_row"),
        say("column"),
        say("column_now"),
        say("column_then"),
    )
    listed = (
        table_html(columns, rows[:_MOST_CELLS], more=len(rows[_MOST_CELLS:]))
        if rows
        else ""
    )
    gone = "".join(
        f"<li>{escape(one.code)} {escape(one.message)}</li>"
        for one in told_together(update.mended)[:5]
    )
    mended = f"<p>{say('gone_with_it')}</p><ul>{gone}</ul>" if gone else ""
    return lead + wrong + mended + listed


def _lines(
    update: TableDifference, row: RowChange, names: Names
) -> list[tuple[str, ...]]:
    """What a row changes, a line each cell; a row that comes or goes is one line."""
    number = update.number(row)
    stated = row.after or row.before or {}
    key = tables()[row.table].key
    where = key_words(row.table, stated, names)
    head = (said(row.table), NOTHING if number is None else str(number), where)
    if row.after is None:
        return [_cells(*head, "", "", "removed")]
    if row.before is None:
        columns = tables()[row.table].columns
        # What every row has by default says nothing of this one.
        filled = [
            f"{said(name)} {cell_text(row.table, name, value, stated, names)}"
            for name, value in stated.items()
            if name not in key and value not in (None, "", [], columns[name].default)
        ]
        words = ", ".join(filled[:_MOST_COLUMNS])
        return [_cells(*head, "", "", say("new_row_with", words))]
    return [
        _cells(
            *head,
            said(column),
            *(
                cell_text(row.table, column, cells.get(column), stated, names)
                for cells in (row.before, row.after)
            ),
        )
        for column in changed_columns(row)
    ]


def _cells(*cells: str) -> tuple[str, ...]:
    return tuple(map(escape, cells))
