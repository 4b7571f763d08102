"""Reading a lake: tables of a moment, lineage of a number, events, queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from medhavi.errors import UsageError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl

    from medhavi.lakehouse import Lake, QueryLimits
    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports.lineage import Lineage
    from medhavi.snapshot import Snapshot


class LakeReading:
    """What is read from the lake of a workbench."""

    if TYPE_CHECKING:

        @property
        def lake(self) -> Lake:
            """The lake."""

    def snapshot(
        self,
        known_at: dt.date | None = None,
        effective_at: dt.date | None = None,
    ) -> Snapshot:
        """Planning tables of a moment; see `Lake.snapshot`."""
        return self.lake.snapshot(known_at=known_at, effective_at=effective_at)

    def lineage(
        self,
        table: str,
        key: str | Mapping[str, str] = "",
        column: str | None = None,
        *,
        plan: Plan | None = None,
        known_at: dt.date | None = None,
        effective_at: dt.date | None = None,
    ) -> Lineage:
        """Where one number comes from: events, overrides, predictions, pegs.

        Parameters
        ----------
        table
            A planning table, or of a plan supplies, fulfilment or kpis.
        key, column
            Key cells by column or joined by |, and the column; None: all cells of the
            row. Of a plan: number of the order, demand, key figure.
        plan
            Plan whose number it is.
        known_at, effective_at
            As of `snapshot`.

        Raises
        ------
        UsageError
            There is no such table, row or column.
        """
        from medhavi.workbench.figure_lineage import lineage

        moments = {"known_at": known_at, "effective_at": effective_at}
        return lineage(self.lake, table, key, column, plan=plan, **moments)

    def query(self, sql: str, limits: QueryLimits | None = None) -> pl.DataFrame:
        """Run one SELECT over bronze, silver and gold by table name."""
        return self.lake.query(sql, limits)

    @property
    def connection(self) -> QueryConnection:
        """Queries as a database connection: `mo.sql(text, engine=wb.connection)`."""
        from medhavi.workbench.lake_reading import QueryConnection

        return QueryConnection(self.query)

    def events(self, type: str | None = None) -> pl.LazyFrame:  # noqa: A002 - design 8
        """Mirrored events, sorted by position; of one type, if named.

        Raises
        ------
        UsageError
            The type is not in the catalogue.
        """
        import polars as pl

        rows = self.lake.table("bronze.events")
        if type is not None:
            _refuse_unknown_type(type)
            rows = rows.filter(pl.col("type") == type)
        return rows.sort("position")


def _refuse_unknown_type(name: str) -> None:
    from difflib import get_close_matches

    from medhavi.events.event_types.catalog import TYPES

    if name not in TYPES:
        near = get_close_matches(name, TYPES, n=3)
        hint = f" Near: {', '.join(near)}." if near else ""
        message = f"There is no event type {name}.{hint}"
        raise UsageError(message)


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
