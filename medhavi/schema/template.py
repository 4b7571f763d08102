"""What a template of the tables says: columns, advice per column, example rows."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from medhavi.schema import tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.schema import Column, Table

START_HERE = ("settings", "products", "locations", "demands")
"""Tables without which there is nothing to plan."""


def advice(column: Column) -> str:
    """Describe a cell: content, permitted values, meaning when empty.

    >>> from medhavi.schema import tables
    >>> print(advice(tables()["settings"].columns["horizon_days"]))
    supplies are proposed for demands due up to here; number [day]; min 0; empty: 365
    """
    kind = {
        "str": "text",
        "int": "whole number",
        "float": "number",
        "bool": "true or false",
        "timestamp": "instant, UTC, like 2026-03-01T06:00:00Z",
        "date": "date, like 2026-03-01",
        "time": "local time, like 06:00",
        "list": "entries with ; between",
    }[column.type]
    parts = [column.meaning] if column.meaning else []
    parts.append(kind + (f" [{column.unit}]" if column.unit else ""))
    if column.one_of:
        parts.append("one of " + ", ".join(column.one_of))
    if column.refs:
        parts.append("as in " + " or ".join(".".join(pair) for pair in column.refs))
    parts.extend(_bounds(column))
    parts.append("must be filled" if column.required else f"empty: {_default(column)}")
    return "; ".join(parts)


def _bounds(column: Column) -> list[str]:
    bounds = []
    if column.min_open is not None:
        bounds.append(f"above {column.min_open:g}")
    if column.min is not None:
        bounds.append(f"min {column.min:g}")
    if column.max is not None:
        bounds.append(f"max {column.max:g}")
    return bounds


def _default(column: Column) -> str:
    value = column.default
    if value is None or value in ("", []):
        return "not stated"
    if value == "always":
        return "since ever"
    return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=1)
def example_rows() -> Mapping[str, Sequence[Mapping[str, object]]]:
    """Read the example company: rows by table, in the order of the schema.

    Returns
    -------
    Mapping
        Table name to rows; a row names only the columns that it fills.
    """
    text = (resources.files("medhavi.schema") / "example.toml").read_text("utf-8")
    document = tomllib.loads(text)
    return {
        name: [
            dict(zip(document[name]["columns"], row, strict=True))
            for row in document[name]["rows"]
        ]
        for name in tables()
        if name in document
    }


def columns_in_order(table: Table) -> list[Column]:
    """Columns that must be filled first, then the others."""
    columns = list(table.columns.values())
    return sorted(columns, key=lambda column: not column.required)
