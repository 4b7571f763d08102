"""Rows given as dicts, as forms, tests and notebooks do."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


WIDEST = 127
"""Most bits of a whole number that a column holds as such."""
MOST_BITS = 4096
"""Longer whole numbers are told by their length."""
ROW = "row number of the input"
"""Working column that carries the input row; no schema name looks like it."""


def raw_frame(rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Put dict rows into a frame; a column of mixed types becomes text.

    >>> raw_frame([{"a": 1}, {"a": "x", "b": None}])["a"].to_list()
    ['1', 'x']
    """
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    return pl.DataFrame(
        [_series(name, [row.get(name) for row in rows]) for name in names]
    )


def _series(name: str, values: list[object]) -> pl.Series:
    wide = any(isinstance(one, int) and one.bit_length() > WIDEST for one in values)
    if not wide:
        try:
            return pl.Series(name, values, strict=True)
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            pass
    return pl.Series(name, [_text(value) for value in values], pl.String)


def _text(value: object) -> str | None:
    """Write a value as a CSV cell holds it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return ";".join(str(entry) for entry in value)
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        return f"a whole number of {value.bit_length():,} bits"
    return repr(value) if isinstance(value, float) else str(value)
