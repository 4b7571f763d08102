"""The typed frames of the planning tables: one dtype a column, from the schema."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi import schema

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTANT = pl.Datetime("us", "UTC")

BY_TYPE: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "str": pl.String(),
        "int": pl.Int64(),
        "float": pl.Float64(),
        "bool": pl.Boolean(),
        "timestamp": INSTANT,
        "date": pl.Date(),
        "time": pl.Time(),
        "list": pl.List(pl.String()),
    }
)

DTYPES: Mapping[str, Mapping[str, pl.DataType]] = MappingProxyType(
    {
        name: MappingProxyType(
            {column.name: BY_TYPE[column.type] for column in table.columns.values()}
        )
        for name, table in schema.tables().items()
    }
)
"""Per table its columns in the order of the schema, with their polars types."""


def empty(name: str) -> pl.DataFrame:
    """Table without rows, with all its columns.

    >>> empty("fx_rates").columns
    ['currency', 'as_of', 'rate']
    """
    return pl.DataFrame(schema=dict(DTYPES[name]))
