"""One edit of a plan as a person states it: firm, move, split …, override, add rows.

An edit says what is wanted; what rows that makes of which order is decided on a
snapshot (`edit_rows`), and nothing is written before somebody approves.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from medhavi import schema
from medhavi.errors import UsageError
from medhavi.snapshot.reading.cells import is_day
from medhavi.snapshot.reading.local_days import ASKED_EDGES, asked_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from medhavi.schema import Column
    from medhavi.snapshot import Snapshot


Cell = bool | int | float | str | None


class EditKind(StrEnum):
    """What a person may do to a plan."""

    FIRM = "firm"
    RELEASE = "release"
    MOVE = "move"
    CHANGE_QTY = "change_qty"
    CHANGE_SOURCE = "change_source"
    SPLIT = "split"
    CANCEL = "cancel"
    OVERRIDE = "override"
    CHANGEOVER = "changeover"
    ADD_ROWS = "add_rows"


OF_DATA = frozenset({EditKind.OVERRIDE, EditKind.CHANGEOVER, EditKind.ADD_ROWS})
"""Kinds that change planning data and no order."""
_VALUES: Mapping[EditKind, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        EditKind.FIRM: (),
        EditKind.RELEASE: (),
        EditKind.MOVE: (("due", "start"),),
        EditKind.CHANGE_QTY: (("qty",),),
        EditKind.CHANGE_SOURCE: (("source",),),
        EditKind.SPLIT: (("parts",),),
        EditKind.CANCEL: (),
        EditKind.OVERRIDE: (("table",), ("key",), ("column",)),
        EditKind.CHANGEOVER: (("key",),),
        EditKind.ADD_ROWS: (("rows",),),
    }
)
"""Per kind groups of fields, of each at least one has to be stated."""
_ALWAYS = ("kind", "supply", "lock", "reason")
_OPTIONAL: Mapping[EditKind, tuple[str, ...]] = MappingProxyType(
    {
        EditKind.FIRM: ("also",),
        EditKind.OVERRIDE: ("value", "valid_from", "valid_to", "cells"),
        EditKind.CHANGEOVER: ("value", "cleaning", "cost"),
    }
)
"""Per kind fields that may be left out."""


class CellValue(NamedTuple):
    """A cell of a planning table by its key columns, and the value that it gets."""

    table: str
    key: Mapping[str, str]
    column: str
    value: Cell


class NewRow(NamedTuple):
    """A row that a planning table gets, column by column; what is left out is empty."""

    table: str
    row: Mapping[str, Cell | tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One edit; make it with `edit`, which checks it.

    Parameters
    ----------
    kind
        What to do.
    supply
        The order or proposal: an id of `supplies`. None where data are edited.
    also
        firm: further proposals that become orders in the same edit.
    due, start
        move: when it is to be in stock, when it is to begin. Of one alone the other
        follows by the time that its source takes.
    qty
        change_qty: the new quantity [as the order: units started, of work orders].
    parts
        split: quantities that add up to the order.
    source
        change_source: routing, supplier, lane or origin.
    lock
        Whether the dates are fixed then; False: the order is kept and may be moved by
        the constrained planner. For edits before the release.
    table, key, column, value, valid_from, valid_to
        override: the cell, its value, and when it holds (absent: for ever).
        changeover: `key` names matrix, from_family and to_family, `value` the minutes
        (None: the row goes).
    cells
        override: further cells that get their values in the same edit.
    rows
        add_rows: rows that tables get.
    cleaning, cost
        changeover: whether the change is a cleaning, and its money; None: as before.
    reason
        Why, for people.
    """

    kind: EditKind
    supply: str | None = None
    also: tuple[str, ...] = ()
    due: dt.datetime | None = None
    start: dt.datetime | None = None
    qty: float | None = None
    parts: tuple[float, ...] = ()
    source: str | None = None
    lock: bool = True
    table: str | None = None
    key: Mapping[str, str] = field(default_factory=dict)
    column: str | None = None
    value: Cell = None
    valid_from: dt.datetime | None = None
    valid_to: dt.datetime | None = None
    cells: tuple[CellValue, ...] = ()
    rows: tuple[NewRow, ...] = ()
    cleaning: bool | None = None
    cost: float | None = None
    reason: str | None = None

    def overridden(self) -> Iterator[CellValue]:
        """Cells of an override with their values."""
        yield CellValue(self.table or "", self.key, self.column or "", self.value)
        yield from self.cells

    def as_dict(self) -> dict[str, object]:
        """What is stated, as JSON knows it, in a fixed order."""
        stated: dict[str, object] = {"kind": str(self.kind)}
        for name in sorted(
            entry.name for entry in fields(self) if entry.name != "kind"
        ):
            cell = getattr(self, name)
            empty = cell is None or cell in ((), {}) or name == "lock"
            if not empty or (name == "lock" and not cell):
                stated[name] = _plain(cell)
        return stated

    def __str__(self) -> str:
        """One line.

        >>> print(edit("change_qty", "PO-1", qty=5))
        change_qty PO-1: qty 5
        """
        told = {
            name: cell
            for name, cell in self.as_dict().items()
            if name not in ("kind", "supply", "reason")
        }
        words = ", ".join(f"{name} {_text(cell)}" for name, cell in told.items())
        head = f"{self.kind} {self.supply}" if self.supply else str(self.kind)
        return f"{head}: {words}" if words else head


def edit(
    kind: str, supply: str | None = None, *, zone: str = "UTC", **values: object
) -> Edit:
    """Make an edit from names and values, as a form or a command line gives them.

    A date without a time is a local day of `zone`: `due` and `valid_to` mean its end,
    the other instants its begin.

    Raises
    ------
    UsageError
        The kind is unknown, a value is missing, is of the wrong type, or does not
        belong to the kind.
    """
    if kind not in tuple(EditKind):
        message = f"There is no edit {kind}; there are {', '.join(EditKind)}."
        raise UsageError(message)
    found = EditKind(kind)
    stated = {name: cell for name, cell in values.items() if cell is not None}
    groups = _VALUES[found]
    known = {*_ALWAYS, *(name for group in groups for name in group)}
    known |= {*_OPTIONAL.get(found, ())}
    if "value" in known:
        stated.setdefault("value", values.get("value"))
    unknown = sorted(set(stated) - known)
    if unknown:
        message = f"Edit {kind} takes no {', '.join(unknown)}."
        raise UsageError(message)
    for group in groups:
        if not any(stated.get(name) not in (None, ()) for name in group):
            message = f"Edit {kind} needs {' or '.join(group)}."
            raise UsageError(message)
    if found not in OF_DATA and not supply:
        message = f"Edit {kind} needs the order: an id of the plan's supplies."
        raise UsageError(message)
    if supply:
        _word("supply", supply)
    read = {
        name: _instant(name, cell, zone)
        if _READ[name] is _instant
        else _READ[name](name, cell)
        for name, cell in stated.items()
    }
    return Edit(kind=found, supply=supply, **read)  # type: ignore[arg-type]


def _instant(name: str, value: object, zone: str = "UTC") -> dt.datetime:
    moment = asked_instant(value, ASKED_EDGES[name], zone_name=zone)
    if moment is None:
        message = f"{name} ({value}) is no instant; write 2026-03-01T06:00:00Z."
        raise UsageError(message)
    return moment.replace(microsecond=0)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        message = f"{name} ({value}) is no number."
        raise UsageError(message)
    return float(value)


def _numbers(name: str, value: object) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)):
        message = f"{name} ({value}) is no list of numbers."
        raise UsageError(message)
    return tuple(_number(name, one) for one in value)


def _words(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        message = f"{name} ({value}) is no list of ids."
        raise UsageError(message)
    return tuple(_word(name, one) for one in value)


def _word(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        message = f"{name} ({value}) is no text."
        raise UsageError(message)
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        message = f"{name} ({value}) must be true or false."
        raise UsageError(message)
    return value


def _pairs(name: str, value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        message = f"{name} ({value}) must name the row: key column and value."
        raise UsageError(message)
    return {str(column): str(value[column]) for column in sorted(value)}


def _cell(name: str, value: object) -> Cell:
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    message = f"{name} ({value}) must be a text, a number or true or false."
    raise UsageError(message)


def _cells(name: str, value: object) -> tuple[CellValue, ...]:
    fields_of = CellValue._fields
    if not isinstance(value, (list, tuple)) or not all(
        isinstance(one, Mapping) and set(one) == set(fields_of) for one in value
    ):
        message = f"{name} ({value}) is no list of cells, each {', '.join(fields_of)}."
        raise UsageError(message)
    return tuple(
        CellValue(*(_READ[one](one, cell[one]) for one in fields_of))  # type: ignore[arg-type]
        for cell in value
    )


def _rows(name: str, value: object) -> tuple[NewRow, ...]:
    if not isinstance(value, (list, tuple)) or not all(
        isinstance(one, Mapping)
        and set(one) == set(NewRow._fields)
        and isinstance(one["row"], Mapping)
        for one in value
    ):
        message = f"{name} ({value}) is no list of rows, each with table and row."
        raise UsageError(message)
    return tuple(
        NewRow(
            _word("table", one["table"]),
            {str(column): _item(column, cell) for column, cell in one["row"].items()},
        )
        for one in value
    )


def _item(name: str, value: object) -> Cell | tuple[str, ...]:
    """Read a cell of a row: as that of an override, or a list of texts."""
    if isinstance(value, (list, tuple)):
        return _words(name, value)
    return _cell(name, value)


_READ: Mapping[str, Callable[[str, object], object]] = {
    "due": _instant,
    "start": _instant,
    "valid_from": _instant,
    "valid_to": _instant,
    "qty": _number,
    "parts": _numbers,
    "also": _words,
    "source": _word,
    "reason": _word,
    "table": _word,
    "column": _word,
    "lock": _flag,
    "cleaning": _flag,
    "cost": _number,
    "key": _pairs,
    "value": _cell,
    "cells": _cells,
    "rows": _rows,
}


def _plain(cell: object) -> object:
    if isinstance(cell, dt.datetime):
        return cell.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(cell, (CellValue, NewRow)):
        return {name: _plain(one) for name, one in cell._asdict().items()}
    if isinstance(cell, tuple):
        return [_plain(one) for one in cell]
    if isinstance(cell, Mapping):
        return {name: _plain(one) for name, one in cell.items()}
    return cell


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:g}"
    if isinstance(cell, list):
        return " + ".join(_text(one) for one in cell)
    return cell if isinstance(cell, str) else json.dumps(cell)


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
        name: _instant_of_cell(value, column, new.row, snapshot)
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
    return _instant_of_cell(cell.value, column, row, snapshot)


def _stamp(table: str, name: str) -> Column | None:
    """Column of instants; None: there is none of that name."""
    known = schema.tables().get(table)
    column = None if known is None else known.columns.get(name)
    return None if column is None or column.type != "timestamp" else column


def _instant_of_cell(
    value: str, column: Column, row: Mapping[str, object], snapshot: Snapshot
) -> str:
    moment = snapshot.local_days.instant(value, column, row) if is_day(value) else None
    return value if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
