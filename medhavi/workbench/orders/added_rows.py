"""Rows that an edit adds to tables of master data: one more shift, lane, alternate.

What other systems say of a row is theirs; a row that nobody has stated is anybody's to
add, as an event like theirs, and goes again when the edit is taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from medhavi import schema
from medhavi.events.event_types.master_data import MASTER
from medhavi.findings import finding
from medhavi.lakehouse.folds.decision_folds import cell
from medhavi.planners.work_orders.edit_rows import RowEdit
from medhavi.snapshot.patch import Patch
from medhavi.snapshot.reading.row_findings import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.findings import Finding
    from medhavi.planners.work_orders.order_edit import Edit, NewRow
    from medhavi.snapshot import Snapshot

    Row = dict[str, Any]

_NEEDED = "the row needs this column"
_OF_TYPE = "Give a value of the column's type."
_THERE = "the row is there already"
_CHANGE_IT = "Override its cells instead."
_ADD_TO = "Add rows to tables of master data (docs/tables.md)."


def added_rows(
    edit: Edit, snapshot: Snapshot
) -> tuple[tuple[RowEdit, ...], tuple[Finding, ...]]:
    """Decide an edit that adds rows.

    Parameters
    ----------
    edit
        Kind add_rows.

    Returns
    -------
    rows : tuple of RowEdit
        The rows with all their columns; empty where one of them cannot be.
    findings : tuple of Finding
        Why they cannot be, all of it.
    """
    rows: list[RowEdit] = []
    found: list[Finding] = []
    for new in edit.rows:
        typed, wrong = _typed(new)
        found += wrong
        if wrong:
            continue
        row = _whole(new.table, typed, snapshot)
        stated = row.after or {}
        typed_key = {name: stated[name] for name in row.key}
        there = _with_key(snapshot, row.table, typed_key) is not None
        if there or any(_same_key(row, one) for one in rows):
            key = ", ".join(row.key.values())
            found.append(_refused(new.table, "key", key, _THERE, _CHANGE_IT))
        rows.append(row)
    return (() if found else tuple(rows)), tuple(found)


def row_with(snapshot: Snapshot, row: Mapping[str, Any]) -> Row | None:
    """Row of the tables that has the key of a row of an edit; None: none."""
    table, stated = row["table"], row["after"] or row["before"] or {}
    key = {name: cell(table, name, stated.get(name)) for name in row["key"]}
    return _with_key(snapshot, table, key)


def _with_key(snapshot: Snapshot, table: str, key: Row) -> Row | None:
    rows = snapshot[table].iter_rows(named=True)
    return next((now for now in rows if key.items() <= now.items()), None)


def _typed(new: NewRow) -> tuple[Row, list[Finding]]:
    """Read the cells of a row; tell what is wrong with its table, columns and key."""
    found = _wrong_table(new)
    if found:
        return {}, found
    columns = schema.tables()[new.table].columns
    typed: Row = {}
    for name, value in new.row.items():
        if name not in columns:
            near = nearest(name, columns)
            found.append(finding("ORD003", column="column", value=name, nearest=near))
            continue
        try:
            # A list is a tuple in an edit, that it can be compared.
            plain = list(value) if isinstance(value, tuple) else value
            typed[name] = cell(new.table, name, plain)
        except msgspec.ValidationError as error:
            found.append(_refused(new.table, name, value, str(error), _OF_TYPE))
    for name in schema.tables()[new.table].key:
        if new.row.get(name) is None and columns[name].default is None:
            found.append(_refused(new.table, name, name, _NEEDED, "Give it a value."))
    return typed, found


def _wrong_table(new: NewRow) -> list[Finding]:
    """Whether rows can be added to a table."""
    tables = schema.tables()
    if new.table not in tables:
        near = nearest(new.table, tables)
        return [finding("ORD003", column="table", value=new.table, nearest=near)]
    if new.table not in MASTER:
        reason = "orders, stock and what happens fill it, and no edit adds to it"
        return [_refused(new.table, "table", new.table, reason, _ADD_TO)]
    return []


def _whole(table: str, typed: Row, snapshot: Snapshot) -> RowEdit:
    """Row with all its columns and their defaults."""
    row = Patch.of(snapshot, {table: [typed]}).upserts[table].row(0, named=True)
    key = {name: str(row[name]) for name in schema.tables()[table].key}
    return RowEdit(table=table, key=key, before=None, after=row)


def _same_key(row: RowEdit, other: RowEdit) -> bool:
    return (row.table, row.key) == (other.table, other.key)


def _refused(
    table: str, column: str, value: object, reason: str, way_out: str
) -> Finding:
    return finding(
        "ORD004",
        table=table,
        column=column,
        value=value,
        reason=reason,
        way_out=way_out,
    )
