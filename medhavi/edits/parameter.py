"""Parameters of changes: their types, ranges and what they refer to."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NewType, Protocol

from medhavi.findings import finding
from medhavi.snapshot.reading.cells import is_day
from medhavi.snapshot.reading.local_days import asked_instant
from medhavi.snapshot.reading.row_findings import nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.patch import Patch
    from medhavi.snapshot.reading.local_days import Edge

Type = Literal[
    "text",
    "number",
    "instant",
    "row",
    "moment",
    "flag",
    "key",
    "cell",
    "numbers",
    "texts",
    "cells",
    "rows",
    "edits",
]
Moment = NewType("Moment", str)
"""Instant in ISO 8601, or a date: a local day of the row that it meets."""
Cells = Mapping[str, object]
"""Cells of a row by their column."""
Key = Mapping[str, str]
"""Key columns of a row with their values as text."""
Cell = bool | int | float | str | None
"""Value of a cell as JSON has it."""


class CellValue(NamedTuple):
    """A cell of a planning table by its key columns, and the value that it gets."""

    table: str
    key: Key
    column: str
    value: Cell


class NewRow(NamedTuple):
    """A row that a planning table gets, column by column; what is left out is empty."""

    table: str
    row: Mapping[str, Cell | tuple[str, ...]]


class OrderEdit(Protocol):
    """An edit of one order, as part of an edit of several."""

    @property
    def supply(self) -> str | None:
        """Order or proposal: an id of `supplies`."""

    def patch(self, orders: Any) -> Patch:
        """Rows that it changes."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What an argument of a change means, and which values it takes.

    Parameters
    ----------
    meaning
        In words, for messages and docs/studies.md.
    least
        Smallest number; it must be above it where `open_end` says so.
    reference
        (table, column) in which the value has to occur; None: free.
    option
        Name on the command line, where it is not that of the argument; "!": the switch
        says no.
    columns
        Of a key whose columns are known: each column, its option and meaning.
    unit
        Unit of the number; "%": a form asks by how many per cent it changes.
    """

    meaning: str
    least: float | None = None
    open_end: bool = False
    reference: tuple[str, str] | None = None
    option: str = ""
    columns: tuple[tuple[str, str, str], ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Argument):
    """One parameter of a kind of change.

    Parameters
    ----------
    name
        As in the study file.
    type
        What a value is read as; a moment is an instant whose day lies in a known zone.
    required
        Whether it has to be stated.
    """

    name: str
    type: Type = "text"
    required: bool = False

    def read(self, value: object) -> Any:
        """Value in its plain form; None where it is not `wanted`.

        An instant is a text in ISO 8601, a moment is left to who knows its zone.
        """
        read = _READERS[self.type][0](value)
        if self.least is None or read is None:
            return read
        fits = read > self.least if self.open_end else read >= self.least
        return read if fits else None

    @property
    def option_name(self) -> str:
        """Name of its option on the command line; see `Argument.option`."""
        return self.option or self.name

    def words(self, value: Any) -> list[str]:
        """Words that state a value, as JSON knows it, on the command line."""
        if self.name == "supply":
            return [str(value)]
        option = flag(self.option_name)
        if self.option_name.startswith("!"):
            return [] if value else [option]
        if self.type == "flag":
            return [option if value else f"--no-{option[2:]}"]
        if self.columns:
            pairs = [(flag(one), value.get(column)) for column, one, _ in self.columns]
        elif self.type == "key":
            pairs = [(option, f"{column}={text}") for column, text in value.items()]
        else:
            pairs = [(option, one) for one in _listed(value)]
        return [
            word
            for own, one in pairs
            if one is not None or self.type == "cell"
            for word in (own, self._stated(one))
        ]

    def _stated(self, value: object) -> str:
        """Text that is read as a value: of a cell that looks like a number, quoted."""
        if isinstance(value, str) and (
            self.type != "cell" or read_word(value) == value
        ):
            return value
        return json.dumps(value).removesuffix(".0")

    @property
    def wanted(self) -> str:
        """What a value has to be, for messages."""
        words = _READERS[self.type][1]
        if self.least is None:
            return words
        return f"{words} {'above' if self.open_end else 'of at least'} {self.least:g}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def flag(option: str) -> str:
    """Option as a command line has it.

    >>> flag("valid_to"), flag("!unlocked")
    ('--valid-to', '--unlocked')
    """
    return f"--{option.removeprefix('!').replace('_', '-')}"


def read_word(text: str) -> Any:
    """Value of a word of a command line: JSON where it is any, else the text.

    >>> read_word("12.5"), read_word("PO-1"), read_word("null")
    (12.5, 'PO-1', None)
    """
    try:
        return json.loads(text)
    except ValueError:
        return text


# ----------------------------------------------------------------------------- readers
def _number(value: object) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None  # type: ignore[arg-type]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _instant(value: object) -> str | None:
    if is_day(value):
        # Which instant of that day is meant depends on the row it meets.
        return str(value)
    moment = instant(value)
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _each(read: Callable[[Any], Any]) -> Callable[[object], tuple[Any, ...] | None]:
    """Reader of a list by the reader of its items."""

    def reader(value: object) -> tuple[Any, ...] | None:
        if not isinstance(value, (list, tuple)):
            return None
        found = tuple(map(read, value))
        return None if None in found else found

    return reader


def _cells(value: object) -> dict[Any, Any] | None:
    return dict(value) if isinstance(value, Mapping) and value else None


def _key(value: object) -> Mapping[str, str] | None:
    if not isinstance(value, Mapping):
        return None
    return {str(column): str(value[column]) for column in sorted(value)}


def _cell(value: object) -> Cell:
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    return value if isinstance(value, (bool, int, float, str)) else None


def _cell_value(value: object) -> CellValue | None:
    if not isinstance(value, Mapping) or set(value) != set(CellValue._fields):
        return None
    table, key, column = _text(value["table"]), _key(value["key"]), value["column"]
    if table is None or key is None or _text(column) is None:
        return None
    return CellValue(table, key, column, _cell(value["value"]))


def _new_row(value: object) -> NewRow | None:
    if not isinstance(value, Mapping) or set(value) != set(NewRow._fields):
        return None
    table, row = _text(value["table"]), value["row"]
    if table is None or not isinstance(row, Mapping):
        return None
    return NewRow(table, {str(name): _item(cell) for name, cell in row.items()})


def _order_edit(value: object) -> object:
    """Edit of an order, or its kind, supply and values, which are left to `edit`."""
    stated = isinstance(value, Mapping) and "kind" in value
    return value if stated or hasattr(value, "patch") else None


def _item(value: object) -> Any:
    """Cell of a row: as that of an override, or a list of texts."""
    return tuple(value) if isinstance(value, (list, tuple)) else _cell(value)


_READERS: Mapping[Type, tuple[Callable[[object], Any], str]] = {
    "text": (_text, "a text"),
    "texts": (_each(_text), "a list of ids"),
    "number": (_number, "a number"),
    "numbers": (_each(_number), "a list of numbers"),
    "flag": (_flag, "true or false"),
    "instant": (_instant, 'a date or an instant in UTC, such as "2026-11-03"'),
    "moment": (_cell, "an instant such as 2026-03-01T06:00:00Z"),
    "row": (_cells, "a table of column = value"),
    "key": (_key, "a key: its columns and their values"),
    "cell": (_cell, "a text, a number or true or false"),
    "cells": (
        _each(_cell_value),
        f"a list of cells, each {', '.join(CellValue._fields)}",
    ),
    "rows": (_each(_new_row), "a list of rows, each with table and row"),
    "edits": (
        _each(_order_edit),
        "a list of edits, each kind, supply and values by name",
    ),
}
"""Reader of each type, None where the value does not fit; and what it has to be."""


def instant(
    value: object, edge: Edge = "begin", zone_name: str = "UTC"
) -> dt.datetime | None:
    """Read an instant: a TOML date or datetime, or its ISO text; UTC where unsaid.

    A date without a time is the begin or the end of that day in the zone.

    >>> instant("2026-11-03").isoformat(), instant("2026-11-03", "end").isoformat()
    ('2026-11-03T00:00:00+00:00', '2026-11-04T00:00:00+00:00')
    """
    moment = asked_instant(value, edge, zone_name=zone_name)
    return None if moment is None else moment.replace(microsecond=0)


def asked_moment(
    snapshot: Snapshot, value: Moment, edge: Edge, **cells: object
) -> dt.datetime | None:
    """Instant of a text; a date is a local day of the row that the cells lead to."""
    return instant(value, edge, snapshot.local_days.zone_of(**cells) or "UTC")


def known_moment(
    snapshot: Snapshot, value: Moment, edge: Edge, **cells: object
) -> dt.datetime:
    """Instant of a text that was read as one."""
    moment = asked_moment(snapshot, value, edge, **cells)
    assert moment is not None
    return moment


def instant_or_day(value: object) -> dt.date | None:
    """Read an instant as `instant`; a date without a time stays one.

    >>> instant_or_day("2026-11-03")
    datetime.date(2026, 11, 3)
    """
    if is_day(value):
        return dt.date.fromisoformat(str(value).strip())
    return instant(value)


def unknown_keys(
    given: Mapping[str, object], known: Mapping[str, object], place: str
) -> list[Finding]:
    """Name every key that nobody reads."""
    return [
        finding("STU002", value=key, place=place, nearest=nearest(key, tuple(known)))
        for key in given
        if key not in known
    ]
