"""Differences that a file makes to the tables, row by row and cell by cell."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from medhavi.findings.groups import told_together
from medhavi.schema import tables
from medhavi.snapshot.table_difference import changed_columns
from medhavi.views.changed_cells import value_words
from medhavi.views.names import NOTHING, count, said
from medhavi.views.page import empty, findings_html, table_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.snapshot.patch import RowChange
    from medhavi.snapshot.table_difference import TableDifference
    from medhavi.views.names import Names

_MOST_CELLS = 30
"""Cells that a page lists; it counts the others."""
_MOST_COLUMNS = 6
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
    wrong = findings_html(update.findings) if update.findings else ""
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
    where = ", ".join(value_words(stated.get(name), names) for name in key)
    head = (said(row.table), NOTHING if number is None else str(number), where)
    if row.after is None:
        return [_cells(*head, "", "", "removed")]
    if row.before is None:
        filled = [
            f"{said(name)} {value_words(value, names)}"
            for name, value in stated.items()
            if name not in key and value not in (None, "")
        ]
        words = ", ".join(filled[:_MOST_COLUMNS])
        return [_cells(*head, "", "", say("new_row_with", words))]
    return [
        _cells(
            *head,
            said(column),
            value_words(row.before.get(column), names),
            value_words(row.after.get(column), names),
        )
        for column in changed_columns(row)
    ]


def _cells(*cells: str) -> tuple[str, ...]:
    return tuple(map(escape, cells))
