"""JSON values in the types of their columns."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from medhavi.schema import tables

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


def cell(table: str, column: str, value: Any) -> Any:
    """JSON value in the type of its column; None is an empty cell.

    Raises
    ------
    msgspec.ValidationError
        The value does not fit the column.

    Examples
    --------
    >>> cell("settings", "horizon_days", 90)
    90.0
    """
    if value is None:
        return None
    return msgspec.convert(value, _TYPES[tables()[table].columns[column].type])
