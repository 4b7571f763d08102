"""One open SQLite file per process, its table, and its failures in plain words.

All stores of a path in one process share one connection. This is not thrift: ADBC
brings a SQLite library of its own, and POSIX drops all locks of a process on a file as
soon as any handle of that process is closed. Two libraries with the same file open in
one process could therefore lose each other's locks, and another process could remove
the log that this one still writes to. So the connection is closed while ADBC reads
(`released`).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from medhavi.errors import EnvironmentFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


APPLICATION_ID = 0x4D656476
"""Marks the file as an event store of Medhavi ("Medv")."""

_TABLE = """
CREATE TABLE events (
  position       INTEGER PRIMARY KEY AUTOINCREMENT,
  stream         TEXT    NOT NULL,
  category       TEXT    NOT NULL,
  revision       INTEGER NOT NULL,
  event_id       TEXT    NOT NULL UNIQUE,
  type           TEXT    NOT NULL,
  schema_version INTEGER NOT NULL,
  recorded_at    INTEGER NOT NULL,
  occurred_at    INTEGER NOT NULL,
  correlation_id TEXT,
  causation_id   TEXT,
  actor          TEXT    NOT NULL,
  payload        TEXT    NOT NULL,
  metadata       TEXT    NOT NULL,
  UNIQUE (stream, revision)
) STRICT
"""

_REASONS = {
    "SQLITE_FULL": "the disk is full; free space, then go on. Nothing was half written.",
    "SQLITE_READONLY": "the file or its folder is read-only; allow writing.",
    "SQLITE_BUSY": "another program holds the lock; end it or try again later.",
    "SQLITE_LOCKED": "another program holds the lock; end it or try again later.",
    "SQLITE_CANTOPEN": "it cannot be opened; check path and permissions.",
    "SQLITE_NOTADB": "it is not a SQLite file; check the path.",
    "SQLITE_CORRUPT": "the file is damaged; restore it from a copy.",
    "SQLITE_IOERR": "the disk fails or is full; check it.",
}


class DamagedFile(EnvironmentFailure):
    """The bytes of the file are not what SQLite wrote."""


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn failures of SQLite into one clear message."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        primary = "_".join(name.split("_")[:2])
        reason = _REASONS.get(primary)
        if reason is None:
            raise
        message = f"Event store {path}: {reason} ({error})"
        failure = DamagedFile if primary == "SQLITE_CORRUPT" else EnvironmentFailure
        raise failure(message) from None


class SqliteFile:
    """The connection of this process to one event store file."""

    def __init__(self, path: Path, timeout: float) -> None:
        self.path = path
        self.timeout = timeout
        self.process = os.getpid()
        self.lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def __del__(self, process_now: Callable[[], int] = os.getpid) -> None:
        """Close with the last store of the path; modules may be gone by then."""
        if self.process == process_now():
            self.close()

    def connection(self) -> sqlite3.Connection:
        """Connection, opened when it is not; the caller holds the lock."""
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextlib.contextmanager
    def released(self) -> Iterator[Path]:
        """Keep the file closed here while another library reads it."""
        with self.lock:
            self.close()
            yield self.path

    def _open(self) -> sqlite3.Connection:
        try:
            # For the owner alone; SQLite gives its side files the same rights.
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
        except OSError as error:
            message = f"Event store {self.path}: its folder cannot be made ({error})"
            raise EnvironmentFailure(message) from None
        connection = sqlite3.connect(
            self.path,
            timeout=self.timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if _application(connection) != APPLICATION_ID:
            self._create(connection)
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            self._switch_to_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        # Asked again under the lock: another process may have made it meanwhile.
        tag = _application(connection)
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tag != APPLICATION_ID:
            if tag or tables:
                message = (
                    f"Event store {self.path}: the file is a SQLite database of another "
                    "program; choose another path."
                )
                raise EnvironmentFailure(message)
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")

    def _switch_to_wal(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait for a lock here, so two programs that make the store at
        # the same moment would fail without this.
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                late = time.monotonic() > deadline
                if late or error.sqlite_errorname != "SQLITE_BUSY":
                    raise
                time.sleep(0.01)
            else:
                return


def _application(connection: sqlite3.Connection) -> int:
    (tag,) = connection.execute("PRAGMA application_id").fetchone()
    return int(tag)


_FILES: WeakValueDictionary[tuple[int, Path], SqliteFile] = WeakValueDictionary()
_FILES_LOCK = threading.Lock()
_INHERITED: list[SqliteFile] = []


def shared_file(
    path: Path, timeout: float, known: SqliteFile | None = None
) -> SqliteFile:
    """File object of a path in this process.

    A child made by fork gets its own: SQLite connections do not survive a fork. The
    parent's is kept alive, so that the child never closes it.
    """
    process = os.getpid()
    if known is not None:
        if known.process == process:
            return known
        _INHERITED.append(known)
    with _FILES_LOCK:
        found = _FILES.get((process, path))
        if found is None:
            found = _FILES[process, path] = SqliteFile(path, timeout)
        return found
