"""The typed frames of the planning tables: dtypes, access, frames made late.

A protocol, so that the snapshot can call its checks without a circle of imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar

import polars as pl

from medhavi import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from medhavi.snapshot.settings import Settings


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


class TableAccess(Protocol):
    """The part of `Snapshot` that the package itself reads."""

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Table by name."""
        ...

    def input_rows(self, name: str) -> pl.Series:
        """Input row number (from 1) of each row of a table."""
        ...

    @property
    def settings(self) -> Settings:
        """The one row of settings."""
        ...

    @property
    def as_of(self) -> int:
        """Now of every planner [UTC seconds]."""
        ...


Made = TypeVar("Made")


class LazyTables(Mapping[str, Made]):
    """Tables by name; those that change are made when they are first read.

    Parameters
    ----------
    known
        All tables as they are.
    changed
        Names of the tables that change.
    make
        Gives a changed table by its name; it is asked once.

    Examples
    --------
    >>> tables = LazyTables({"a": 1, "b": 2}, {"b"}, len)
    >>> dict(tables)
    {'a': 1, 'b': 1}
    """

    __slots__ = ("_changed", "_known", "_made", "_make")

    def __init__(
        self,
        known: Mapping[str, Made],
        changed: Collection[str],
        make: Callable[[str], Made],
    ) -> None:
        self._known = known
        self._changed = frozenset(changed)
        self._make = make
        self._made: dict[str, Made] = {}

    def __getitem__(self, name: str) -> Made:
        if name not in self._changed:
            return self._known[name]
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Walk over the names, in the order of the schema."""
        return iter(self._known)

    def __len__(self) -> int:
        """Count the tables."""
        return len(self._known)
