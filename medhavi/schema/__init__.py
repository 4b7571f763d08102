"""The planning tables: one reading of the package's `tables.toml` (design 6)."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

import msgspec

PLANNED_STATUS = frozenset({"open", "quote"})
"""States of demands that are planned."""
_TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "timestamp": dt.datetime,
    "date": dt.date,
    "time": dt.time,
    "list": list[str],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: name, type, unit, default, bounds, closed list, references, meaning.

    `type` is one of str, int, float, bool, timestamp, date, time, list. `refs` are
    (table, column) pairs of which one must hold the value. `default` None means "not
    stated"; "always" is the open begin of a validity. `day` is the edge of the local
    day that a date without a time means, the begin in rows where `day_begins_where`
    ("column=value") holds. `for_people`: no plan reads it.
    """

    name: str
    type: str
    required: bool = False
    default: object = None
    unit: str | None = None
    one_of: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    min_open: float | None = None
    refs: tuple[tuple[str, str], ...] = ()
    wildcard: bool = False
    meaning: str = ""
    reason: str = ""
    day: Literal["begin", "end"] = "begin"
    day_begins_where: str = ""
    for_people: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: its key, its columns in order, its meaning."""

    name: str
    meaning: str
    key: tuple[str, ...]
    one_row: bool
    columns: Mapping[str, Column]


def _column(name: str, row: Mapping[str, object]) -> Column:
    fields = {k: v for k, v in row.items() if k not in {"ref", "one_of"}}
    reference = str(row.get("ref", ""))
    pairs = tuple(
        (part.split(".")[0], part.split(".")[1])
        for part in reference.split("|")
        if part
    )
    choices = row.get("one_of", ())
    return Column(
        name=name,
        refs=pairs,
        one_of=tuple(choices) if isinstance(choices, list) else (),
        **fields,  # type: ignore[arg-type]
    )


@lru_cache(maxsize=1)
def tables() -> Mapping[str, Table]:
    """Read all tables in the order of the file."""
    text = (resources.files("medhavi.schema") / "tables.toml").read_text("utf-8")
    document = tomllib.loads(text)
    return {
        name: Table(
            name=name,
            meaning=row["meaning"],
            key=tuple(row.get("key", ())),
            one_row=row.get("one_row", False),
            columns={n: _column(n, c) for n, c in row["columns"].items()},
        )
        for name, row in document.items()
        if name != "conventions"
    }


@lru_cache(maxsize=1)
def conventions() -> Mapping[str, str]:
    """Read the conventions that hold for all tables."""
    text = (resources.files("medhavi.schema") / "tables.toml").read_text("utf-8")
    return dict(tomllib.loads(text)["conventions"])


def cell(table: str, column: str, value: Any) -> Any:
    """JSON value in the type of its column; None is an empty cell.

    A text in a column of lists holds its entries with a semicolon between, as in files.

    Raises
    ------
    msgspec.ValidationError
        The value does not fit the column.

    Examples
    --------
    >>> cell("settings", "horizon_days", 90)
    90.0
    >>> cell("shifts", "start", "06:00")
    datetime.time(6, 0)
    >>> cell("settings", "priority_weights", "10; 5")
    ['10', '5']
    """
    if value is None:
        return None
    held = tables()[table].columns[column].type
    if held == "time" and isinstance(value, str) and len(value) == len("06:00"):
        value += ":00"
    if held == "list" and isinstance(value, str):
        value = [part.strip() for part in value.split(";") if part.strip()]
    return msgspec.convert(value, _TYPES[held])
