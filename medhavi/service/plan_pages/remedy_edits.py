"""What a tried remedy asks to do: the edit that puts its rows in place, or their file.

A remedy changes tables that other systems may own (docs/decisions/011). What a planner
may decide here goes through the edits of docs/orders.md: an order moves, cells get
other values, tables of master data get new rows. The rows of anything else are a file
for whoever enters them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from medhavi.edits.order_states import OrderState, Verb, allowed
from medhavi.planners.promising.what_if import HOLDS, REQUEST
from medhavi.snapshot.patch import Patch
from medhavi.views.changed_cells import changed_cells, known_row
from medhavi.views.names import said
from medhavi.views.words import say
from medhavi.workbench.orders.plan_edit_events import ROW_TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.snapshot import Snapshot
    from medhavi.views.changed_cells import ChangedCell

    Rows = Mapping[str, Sequence[Mapping[str, object]]]

ORDERS = "supply_orders"
_DATES = {"start", "due"}
CARRY = say("take_the_rows_along_have")
"""The way out where no edit does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyEdit:
    """The edit that does a remedy, or in a sentence why there is none."""

    edit: Mapping[str, Any] | None = None
    why: str = ""


def answer_of(
    rows: Rows, snapshot: Snapshot, removed: Rows | None = None
) -> RemedyEdit:
    """Edit that puts the rows of a remedy in place.

    Parameters
    ----------
    rows
        Changed rows by table, as a remedy carries them.
    snapshot
        The tables that the remedy was tried on.
    removed
        Keys of rows that go, by table, where a scenario takes some out.

    Returns
    -------
    Answer
        An order with other dates moves; other cells are overridden, and new rows of
        `ROW_TABLES` added, all in one edit; rows of both kinds, and such that go, are
        replaced. What changes orders and data together is nobody's to decide here.
    """
    changed = {name: new for name, new in rows.items() if new}
    lost = {name: gone for name, gone in (removed or {}).items() if gone}
    if lost:
        return _replaced(changed, lost)
    why = _nobodys(changed, snapshot)
    if why:
        return RemedyEdit(why=why)
    cells: list[ChangedCell] = []
    added: list[dict[str, object]] = []
    for table, new in changed.items():
        for row in new:
            before = known_row(snapshot, table, row)
            if before is None:
                added += _stated({table: (row,)})
            else:
                cells += changed_cells(table, row, before)
    if added and cells:
        if changed.keys() <= ROW_TABLES:
            return _replaced(changed, {})
        tables = ", ".join(sorted({said(one.table) for one in cells}))
        words = say("it_adds_rows_and_changes", tables)
        return RemedyEdit(why=say("and_an_edit_does", words, CARRY))
    if added:
        return RemedyEdit(edit={"kind": "add_rows", "rows": added})
    return _answer(cells)


def _replaced(changed: Rows, lost: Rows) -> RemedyEdit:
    """Edit by which rows are as stated, and those that are named go."""
    if not changed.keys() | lost.keys() <= ROW_TABLES:
        tables = ", ".join(map(said, lost))
        return RemedyEdit(why=say("it_takes_rows_out", tables, CARRY))
    gone = {"removed": _stated(lost)} if lost else {}
    return RemedyEdit(edit={"kind": "replace_rows", "rows": _stated(changed), **gone})


def _stated(rows: Rows) -> list[dict[str, object]]:
    """Rows as an edit states them."""
    return [
        {"table": table, "row": {name: _plain(cell) for name, cell in row.items()}}
        for table, new in rows.items()
        for row in new
    ]


def _nobodys(changed: Rows, snapshot: Snapshot) -> str:
    """Why nobody decides this here; nothing where an edit may do it."""
    if set(changed) <= {REQUEST}:
        return say("it_changes_the_question_alone")
    if HOLDS in changed:
        return say("it_frees_what_is_held")
    if REQUEST in changed:
        return say("it_changes_the_question", CARRY)
    for table, new in changed.items():
        known = [known_row(snapshot, table, row) for row in new]
        if None in known and table not in ROW_TABLES:
            words = say("it_adds_rows", said(table))
            return say("which_another_system_owns", words, CARRY)
        for before in known if table == ORDERS else ():
            if before is not None and not _may_move(before):
                words = f"{before['supply_order']} is {said(str(before['status']))}"
                return say("and_no_edit_moves", words, CARRY)
    return ""


def _may_move(order: Mapping[str, object]) -> bool:
    """Whether an order may have other dates in its state."""
    return Verb.MOVE in allowed(OrderState(str(order["status"])))


def _answer(cells: Sequence[ChangedCell]) -> RemedyEdit:
    orders = {one.key["supply_order"] for one in cells if one.table == ORDERS}
    dates = {one.column: one.after for one in cells if one.table == ORDERS}
    moved = "due" in dates and dates.keys() <= _DATES
    if moved and len(orders) == 1 and len(dates) == len(cells):
        # Its start follows by the time of its source.
        due = _plain(dates["due"])
        return RemedyEdit(edit={"kind": "move", "supply": orders.pop(), "due": due})
    if len(cells) > 1 and orders:
        tables = ", ".join(sorted({said(one.table) for one in cells}))
        words = say("it_changes_cells_of_orders", len(cells), tables)
        return RemedyEdit(why=say("and_an_edit_changes", words, CARRY))
    first, *others = [_overridden(one) for one in cells]
    also = {"cells": others} if others else {}
    return RemedyEdit(edit={"kind": "override", **first, **also})


def _overridden(one: ChangedCell) -> dict[str, object]:
    return {
        "table": one.table,
        "key": {name: str(value) for name, value in one.key.items()},
        "column": one.column,
        "value": _plain(one.after),
    }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else value


def rows_file(rows: Rows, snapshot: Snapshot) -> bytes:
    """Rows of a remedy as a workbook like the template, a sheet a table."""
    from medhavi.workbench.files.template_files import write_filled_sheets

    stated = {table: new for table, new in rows.items() if table != REQUEST}
    filled = {
        table: [
            {name: _text(cell) for name, cell in row.items()}
            for row in frame.to_dicts()
        ]
        for table, frame in Patch.of(snapshot, stated).upserts.items()
    }
    with TemporaryDirectory(prefix="medhavi-") as folder:
        path = Path(folder) / "rows.xlsx"
        write_filled_sheets(path, filled)
        return path.read_bytes()


def _text(cell: object) -> object:
    if isinstance(cell, dt.datetime):
        return f"{cell:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return _plain(cell)
