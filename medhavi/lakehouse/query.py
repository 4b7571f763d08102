"""SQL over the tables of a lake by name: `SELECT … FROM silver.stock`.

DuckDB runs in memory and sees views alone. It may read the lake's folder and nothing
else: no other file, no network, no extension; only one SELECT is let through.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection


_WORD = re.compile(r"[a-z_]\w*(?:\.[a-z_]\w*)?")
_CATALOGUE_WORDS = ("show", "information_schema", "duckdb_tables", "duckdb_views")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTable:
    """A table in Parquet files; `keep` names files whose `run_id` are visible."""

    files: tuple[str, ...]
    keep: tuple[str, ...] | None = None

    def sql(self) -> str:
        """Give the SELECT that reads it."""
        rows = f"SELECT * FROM {_parquet(self.files)}"
        if self.keep is None:
            return rows
        return f"{rows} WHERE run_id IN (SELECT run_id FROM {_parquet(self.keep)})"


Resolve = Callable[[str], pl.DataFrame | FileTable]
"""Gives the rows of a table by its full name, such as gold.supplies."""


def _parquet(files: tuple[str, ...]) -> str:
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"read_parquet([{listed}], union_by_name = true)"


def _not_there(text: str, known: tuple[str, ...]) -> str:
    """Say what a statement names that is not there, with the nearest tables."""
    name = re.search(r"Table with name (\S+) does not exist", text)
    if name is None:
        return f"The query cannot be run: {text}"
    return unknown_table(name[1], known)


def unknown_table(name: str, known: tuple[str, ...]) -> str:
    """Say that a table is not there, with the nearest names."""
    plain = name.rpartition(".")[2]
    endings = {known_name.partition(".")[2]: known_name for known_name in known}
    near = [endings[found] for found in get_close_matches(plain, endings, n=3)]
    hint = (
        f"Near: {', '.join(near)}." if near else "See medhavi query 'SHOW ALL TABLES'."
    )
    return f"The lake has no table {name}. {hint}"


def run(
    sql: str, folder: Path, known: tuple[str, ...], resolve: Resolve
) -> pl.DataFrame:
    """Run one SELECT.

    Parameters
    ----------
    sql
        One statement that reads. Tables may be named with or without their layer.
    folder
        The lake, the only folder that may be read.
    known
        Full names of all tables.
    resolve
        Gives a table that the statement names.

    Raises
    ------
    UsageError
        The statement does not read, is not SQL, or names what is not there.
    """
    import duckdb

    connection = duckdb.connect()
    try:
        _close(connection, folder)
        for name in _named(connection, sql, known):
            _view(connection, name, resolve(name))
        connection.execute("SET search_path = 'main,silver,gold,bronze'")
        connection.execute("SET lock_configuration = true")
        rows: pl.DataFrame = connection.sql(sql).pl()
    except duckdb.CatalogException as error:
        raise UsageError(_not_there(str(error), known)) from error
    except duckdb.Error as error:
        message = f"The query cannot be run: {error}"
        raise UsageError(message) from error
    finally:
        connection.close()
    return rows


def _close(connection: DuckDBPyConnection, folder: Path) -> None:
    """Take away everything but the lake's folder; the order of settings matters."""
    place = str(folder.resolve()).replace("'", "''")
    for setting in (
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "TimeZone = 'UTC'",
        f"allowed_directories = ['{place}']",
        "enable_external_access = false",
    ):
        connection.execute(f"SET {setting}")


def _named(
    connection: DuckDBPyConnection, sql: str, known: tuple[str, ...]
) -> list[str]:
    """Check that a statement reads; give the full names of tables that it may name."""
    from duckdb import StatementType

    for layer in ("bronze", "silver", "gold"):
        connection.execute(f"CREATE SCHEMA {layer}")
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != StatementType.SELECT:
        message = "A query is one SELECT; nothing in the lake is changed by SQL."
        raise UsageError(message)
    lowered = sql.lower()
    if any(word in lowered for word in _CATALOGUE_WORDS):
        return list(known)
    by_name = {name.partition(".")[2]: name for name in sorted(known)}
    # Every word that could be a table; one too many costs a view, nothing else.
    words = set(_WORD.findall(lowered.replace('"', "")))
    return sorted({by_name.get(word, word) for word in words} & set(known))


def _view(
    connection: DuckDBPyConnection, name: str, table: pl.DataFrame | FileTable
) -> None:
    if isinstance(table, FileTable):
        connection.execute(f"CREATE VIEW {name} AS {table.sql()}")
        return
    plain = name.replace(".", "_")
    connection.register(plain, table.to_arrow())
    connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {plain}")
