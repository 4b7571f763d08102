"""The SQLite file of the predictor store: sound, in this folder, or refused by name.

MLflow reads a damaged file until some statement fails, waits half a minute for a locked
one, and keeps artifact places as absolute addresses, so that a moved folder loses its
models. All three are settled here, before MLflow is imported.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from medhavi.errors import EnvironmentFailure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARTIFACTS = "artifacts"
PATIENCE_S = 5.0
"""Seconds that a locked store is waited for."""
_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Columns of MLflow's tables that hold places of artifacts."""


@contextmanager
def named_failures(database: Path) -> Iterator[None]:
    """Turn every failure of the store into one of the environment.

    Raises
    ------
    EnvironmentFailure
        The file is damaged, locked, read-only, or MLflow cannot use it.
    """
    try:
        yield
    except _failures() as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise _unusable(database, reason) from error


def _unusable(database: Path, reason: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"The predictor store {database} cannot be used ({reason}). Restore it "
        "from a backup, or move it away and run: medhavi train"
    )


def _failures() -> tuple[type[Exception], ...]:
    """Exceptions by which MLflow and what it stands on report a store."""
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError, CommandError, sqlite3.Error, OSError


def check(database: Path) -> None:
    """Refuse a file that SQLite cannot read whole; a missing or empty one is new.

    Raises
    ------
    EnvironmentFailure
        It is damaged, or was locked for `PATIENCE_S`.
    """
    if not database.is_file() or not database.stat().st_size:
        return
    address = f"{database.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE_S)) as file:
            (verdict,) = file.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        verdict = str(error)
    if verdict != "ok":
        raise _unusable(database, " ".join(str(verdict).split()))


def bring_home(database: Path) -> None:
    """Point the places of artifacts at this folder, where it was moved or copied.

    Only places below a folder `artifacts` are touched: those that the registry made.
    """
    home = (database.parent / ARTIFACTS).resolve().as_uri()
    with closing(sqlite3.connect(database, timeout=PATIENCE_S)) as file, file:
        known = file.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        if ("experiments",) not in known:
            return
        roots = file.execute(
            "SELECT DISTINCT artifact_location FROM experiments "
            "WHERE artifact_location LIKE ? AND artifact_location <> ?",
            (f"%/{ARTIFACTS}", home),
        ).fetchall()
        for (root,) in roots:
            for table, column in _PLACES:
                file.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE {column} = ? OR {column} LIKE ? || '/%'",
                    (home, len(root) + 1, root, root),
                )
