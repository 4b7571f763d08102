"""Dates without a time in the cells of an edit: instants of local days (rule 43)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi import schema
from medhavi.snapshot.reading.written_dates import is_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.work_orders.order_edit import Cell, CellValue, Edit, NewRow
    from medhavi.schema import Column
    from medhavi.snapshot import Snapshot


def with_instants(edit: Edit, snapshot: Snapshot) -> Edit:
    """Edit whose cells of instants are instants.

    Parameters
    ----------
    edit
        Its overridden cells and added rows may hold dates without a time.
    snapshot
        Tables that state in which zone the day of a row lies.

    Returns
    -------
    Edit
        A date is the edge of the local day that its column states; all else stays.
    """
    if edit.rows:
        rows = tuple(_row(new, snapshot) for new in edit.rows)
        edit = replace(edit, rows=rows)
    if edit.table and edit.column:
        value, *others = (_value(cell, snapshot) for cell in edit.overridden())
        cells = tuple(
            cell._replace(value=other)
            for cell, other in zip(edit.cells, others, strict=True)
        )
        edit = replace(edit, value=value, cells=cells)
    return edit


def _row(new: NewRow, snapshot: Snapshot) -> NewRow:
    told = {
        name: _instant(value, column, new.row, snapshot)
        if isinstance(value, str) and (column := _stamp(new.table, name))
        else value
        for name, value in new.row.items()
    }
    return new._replace(row=told)


def _value(cell: CellValue, snapshot: Snapshot) -> Cell:
    column = _stamp(cell.table, cell.column)
    if column is None or not isinstance(cell.value, str):
        return cell.value
    named = cell.key.items()
    row: Mapping[str, object] = next(
        (
            row
            for row in snapshot[cell.table].iter_rows(named=True)
            if all(str(row.get(name)) == text for name, text in named)
        ),
        cell.key,
    )
    return _instant(cell.value, column, row, snapshot)


def _stamp(table: str, name: str) -> Column | None:
    """Column of instants; None: there is none of that name."""
    known = schema.tables().get(table)
    column = None if known is None else known.columns.get(name)
    return None if column is None or column.type != "timestamp" else column


def _instant(
    value: str, column: Column, row: Mapping[str, object], snapshot: Snapshot
) -> str:
    moment = snapshot.local_days.instant(value, column, row) if is_day(value) else None
    return value if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
