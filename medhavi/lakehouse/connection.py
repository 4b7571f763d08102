"""Queries of a lake as a connection of Python's database interface (PEP 249).

SQL cells of notebooks take such an object as their engine. It reads, within the limits
of a query, and there is nothing to commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from medhavi.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl


class QueryConnection:
    """Connection whose cursors run one SELECT each.

    Parameters
    ----------
    run
        Runs a statement; its rows.
    """

    dialect = "duckdb"
    """SQL that it speaks, by which editors colour it."""

    def __init__(self, run: Callable[[str], pl.DataFrame]) -> None:
        self._run = run

    def cursor(self) -> QueryCursor:
        """Cursor for a statement."""
        return QueryCursor(self._run)

    def commit(self) -> None:
        """Do nothing: nothing is written."""

    def rollback(self) -> None:
        """Do nothing: nothing is written."""

    def close(self) -> None:
        """Do nothing: each query has a process of its own, which ended with it."""


class QueryCursor:
    """Rows of one statement.

    Attributes
    ----------
    description
        Name and type of each column, as PEP 249 has them; None before `execute`.
    """

    def __init__(self, run: Callable[[str], pl.DataFrame]) -> None:
        self._run = run
        self._rows: list[tuple[Any, ...]] = []
        self.description: list[tuple[Any, ...]] | None = None

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> QueryCursor:
        """Run a SELECT.

        Raises
        ------
        UsageError
            It does not read, is no SQL, names what is not there, or has parameters.
        LimitReached
            It would take more than a query may.
        """
        if parameters:
            _refuse_parameters()
        found = self._run(sql)
        nothing = (None,) * 5
        self.description = [
            (name, str(kind), *nothing) for name, kind in found.schema.items()
        ]
        self._rows = found.rows()
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that were not fetched yet."""
        rows, self._rows = self._rows, []
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """Next row; None: there is none."""
        return self._rows.pop(0) if self._rows else None

    def close(self) -> None:
        """Forget the rows."""
        self._rows = []


def _refuse_parameters() -> NoReturn:
    message = "A query has no parameters; write the values into the statement."
    raise UsageError(message)
