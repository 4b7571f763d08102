"""What a snapshot shows to its own checks and arrays: its tables and its moment.

A protocol, so that the snapshot can call its checks without a circle of imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import polars as pl

    from medhavi.snapshot.settings import Settings


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
