"""The embedded store: one SQLite file, one table, durable and gap-free.

One writer at a time (BEGIN IMMEDIATE), and a rolled-back transaction gives its
positions back, so positions become visible in order and without gaps. WAL lets readers
go on while someone writes; synchronous FULL makes a committed event survive a power
cut.

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
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from medhavi.errors import EnvironmentFailure
from medhavi.events.envelope import (
    COLUMNS,
    JSON,
    RecordedEvent,
    arrow_schema,
    from_microseconds,
    rows_to_arrow,
    to_microseconds,
)
from medhavi.events.memory import StoredEvent, settle, system_clock
from medhavi.events.store import ANY, EventFilter
from medhavi.findings import finding

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa

    from medhavi.events.envelope import NewEvent
    from medhavi.findings import Finding

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
def _translated(path: Path) -> Iterator[None]:
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


def _shared_file(
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


_PAGE = 1_000
_BULK = 10_000
_POLL_SECONDS = 0.2
_ARROW_CHUNK = 100_000
# Opening a second reader costs some milliseconds: small reads take the plain cursor.
_ARROW_WORTH = 2_000

_STORED = tuple(name for name in COLUMNS if name != "content_type")
_SELECT = ", ".join(
    f"'{JSON}' AS content_type" if name == "content_type" else name for name in COLUMNS
)
_INSERT = (
    f"INSERT INTO events ({', '.join(_STORED)}) "
    f"VALUES ({', '.join('?' * len(_STORED))})"
)
_RECORDED_AT = COLUMNS.index("recorded_at")
_OCCURRED_AT = COLUMNS.index("occurred_at")


class SqliteStore:
    """An event store in one SQLite file; safe between threads and processes.

    Parameters
    ----------
    path
        The file; its folder is made when it is missing.
    create
        False: refuse when the file does not exist.
    timeout
        How long a write waits for another writer [seconds].
    clock
        Gives recorded_at of events that state none; it never falls along positions.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        create: bool = True,
        timeout: float = 30.0,
        clock: Callable[[], dt.datetime] = system_clock,
    ) -> None:
        self.path = Path(path).resolve()
        self._clock = clock
        self._timeout = timeout
        if not create and not self.path.is_file():
            message = f"{self.path}: there is no event store. Check the path."
            raise EnvironmentFailure(message)
        self._file: SqliteFile = _shared_file(self.path, timeout)
        with self._connection():
            pass

    def close(self) -> None:
        """Close the file; the store opens it again when it is used."""
        self._file.close()

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self._file = _shared_file(self.path, self._timeout, self._file)
        with self._file.lock, _translated(self.path):
            yield self._file.connection()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                # SQLite itself rolls back on a full disk; a second one would fail.
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    # ------------------------------------------------------------- writing
    def append(
        self, stream: str, events: Sequence[NewEvent], expected_revision: int = ANY
    ) -> tuple[int, ...]:
        """Append all events or none; give their positions."""
        with self._transaction() as database:
            writer = _Writer(database, self._clock())
            return writer.append(stream, events, expected_revision)

    def append_many(
        self, batches: Iterable[tuple[str, Sequence[NewEvent]]]
    ) -> tuple[int, ...]:
        """Append to many streams in one transaction, whatever they hold.

        Each batch is idempotent by itself; a conflict undoes all of them.
        """
        positions: list[int] = []
        with self._transaction() as database:
            writer = _Writer(database, self._clock())
            for chunk in _chunks(batches):
                positions.extend(writer.append_chunk(chunk))
        return tuple(positions)

    # ------------------------------------------------------------- reading
    def read(self, stream: str, from_revision: int = 0) -> Iterator[RecordedEvent]:
        """Events of a stream in order of revision."""
        revision = from_revision - 1
        sql = (
            f"SELECT {_SELECT} FROM events WHERE stream = ? AND revision > ? "
            f"ORDER BY revision LIMIT {_PAGE}"
        )
        while page := self._rows(sql, (stream, revision)):
            for row in page:
                event = _recorded(row)
                revision = event.revision
                yield event

    def read_all(
        self,
        after: int = 0,
        limit: int | None = None,
        filter: EventFilter | None = None,  # noqa: A002 - the verb of design 5
    ) -> Iterator[RecordedEvent]:
        """Events with position > after in order of position, at most `limit`."""
        return islice(self._pages(after, filter or EventFilter()), limit)

    def _pages(self, after: int, chosen: EventFilter) -> Iterator[RecordedEvent]:
        position = after
        condition = ""
        parameters: list[str] = []
        for column, values in (("type", chosen.types), ("category", chosen.categories)):
            if values:
                condition += f" AND {column} IN ({', '.join('?' * len(values))})"
                parameters.extend(values)
        sql = (
            f"SELECT {_SELECT} FROM events WHERE position > ?{condition} "
            f"ORDER BY position LIMIT {_PAGE}"
        )
        while page := self._rows(sql, (position, *parameters)):
            for row in page:
                event = _recorded(row)
                position = event.position
                yield event

    def subscribe(
        self, after: int = 0, cancelled: Callable[[], bool] | None = None
    ) -> Iterator[RecordedEvent]:
        """All events after a position, then wait for new ones."""
        position = after
        while not (cancelled and cancelled()):
            before = position
            for event in self.read_all(position):
                yield event
                position = event.position
            if position == before:
                time.sleep(_POLL_SECONDS)

    def head(self) -> int:
        """Position of the newest event; 0 when there is none."""
        return int(self._rows("SELECT coalesce(max(position), 0) FROM events")[0][0])

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        # Pages are fetched whole, so that no read stays open while the caller works.
        with self._connection() as database:
            try:
                return database.execute(sql, parameters).fetchall()
            except sqlite3.OperationalError as error:
                if "utf-8" not in str(error).lower():
                    raise
            # Rows of other programs may hold bytes that are no text.
            database.text_factory = partial(str, encoding="utf-8", errors="replace")
            try:
                return database.execute(sql, parameters).fetchall()
            finally:
                database.text_factory = str

    def read_arrow(self, after: int = 0, limit: int | None = None) -> pa.Table:
        """Events after a position as a table in the schema of the envelope.

        Notes
        -----
        Larger reads go through ADBC, which fills Arrow buffers without Python objects
        (measured three times as fast as rows).
        """
        with self._connection() as database:
            sql = (
                "SELECT count(*) FROM (SELECT 1 FROM events WHERE position > ? LIMIT ?)"
            )
            wanted = -1 if limit is None else limit
            (count,) = database.execute(sql, (after, wanted)).fetchone()
            if count >= _ARROW_WORTH:
                with self._file.released() as path:
                    table = table_by_adbc(path, _SELECT, after, count, _ARROW_CHUNK)
                if table is not None:
                    return table
        return rows_to_arrow(
            self._rows(
                f"SELECT {_SELECT} FROM events WHERE position > ? "
                "ORDER BY position LIMIT ?",
                (after, count),
            )
        )

    def problems(self) -> list[Finding]:
        """What SQLite's own integrity check finds."""
        try:
            rows = self._rows("PRAGMA integrity_check(20)")
        except DamagedFile as error:
            return [finding("EVT014", table="events", detail=str(error))]
        return [
            finding("EVT014", table="events", detail=row[0])
            for row in rows
            if row[0] != "ok"
        ]


class _Writer:
    """Appends inside one transaction."""

    def __init__(self, database: sqlite3.Connection, now: dt.datetime) -> None:
        self._database = database
        self._heads: dict[str, int] = {}
        last = database.execute(
            "SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1"
        ).fetchone()
        sequence = database.execute(
            "SELECT seq FROM sqlite_sequence WHERE name = 'events'"
        ).fetchone()
        self._position = sequence[0] if sequence else 0
        self._now = max(to_microseconds(now), last[1]) if last else to_microseconds(now)

    def append(
        self, stream: str, events: Sequence[NewEvent], expected_revision: int
    ) -> tuple[int, ...]:
        """Append one batch by the rule."""
        done = settle(
            stream, events, expected_revision, self._head(stream), self._known(events)
        )
        if done is not None:
            return done
        rows = list(self._new_rows(stream, events))
        self._database.executemany(_INSERT, rows)
        return tuple(row[0] for row in rows)

    def append_chunk(
        self, chunk: Sequence[tuple[str, Sequence[NewEvent]]]
    ) -> list[int]:
        """Append batches at once; where an id is stored already, one by one."""
        position, heads = self._position, dict(self._heads)
        rows: list[tuple[Any, ...]] = []
        for stream, events in chunk:
            settle(stream, events, ANY, self._head(stream), {})
            rows.extend(self._new_rows(stream, events))
        self._database.execute("SAVEPOINT chunk")
        try:
            self._database.executemany(_INSERT, rows)
        except sqlite3.IntegrityError:
            self._database.execute("ROLLBACK TO chunk")
            self._position, self._heads = position, heads
            positions = [self.append(stream, events, ANY) for stream, events in chunk]
        else:
            positions = [tuple(row[0] for row in rows)]
        self._database.execute("RELEASE chunk")
        return [position for batch in positions for position in batch]

    def _head(self, stream: str) -> int:
        if stream not in self._heads:
            sql = "SELECT coalesce(max(revision), -1) FROM events WHERE stream = ?"
            self._heads[stream] = self._database.execute(sql, (stream,)).fetchone()[0]
        return self._heads[stream]

    def _known(self, events: Sequence[NewEvent]) -> dict[str, StoredEvent]:
        sql = (
            "SELECT event_id, stream, revision, position, type, payload FROM events "
            "WHERE event_id = ?"
        )
        found = (
            self._database.execute(sql, (event.event_id,)).fetchone()
            for event in events
        )
        return {row[0]: StoredEvent(*row[1:]) for row in found if row}

    def _new_rows(
        self, stream: str, events: Sequence[NewEvent]
    ) -> Iterator[tuple[Any, ...]]:
        category = stream.partition("-")[0]
        for event in events:
            self._position += 1
            self._heads[stream] = revision = self._heads[stream] + 1
            recorded = self._now
            if event.recorded_at is not None:
                recorded = to_microseconds(event.recorded_at)
            occurred = recorded
            if event.occurred_at is not None:
                occurred = to_microseconds(event.occurred_at)
            yield (
                self._position,
                stream,
                category,
                revision,
                event.event_id,
                event.type,
                event.schema_version,
                recorded,
                occurred,
                event.correlation_id,
                event.causation_id,
                event.actor,
                event.payload_text,
                event.metadata_text,
            )


def _chunks(
    batches: Iterable[tuple[str, Sequence[NewEvent]]],
) -> Iterator[list[tuple[str, Sequence[NewEvent]]]]:
    chunk: list[tuple[str, Sequence[NewEvent]]] = []
    count = 0
    for batch in batches:
        chunk.append(batch)
        count += len(batch[1])
        if count >= _BULK:
            yield chunk
            chunk, count = [], 0
    if chunk:
        yield chunk


def _recorded(row: tuple[Any, ...]) -> RecordedEvent:
    values = dict(zip(COLUMNS, row, strict=True))
    values["recorded_at"] = from_microseconds(row[_RECORDED_AT])
    values["occurred_at"] = from_microseconds(row[_OCCURRED_AT])
    return RecordedEvent(**values)


def table_by_adbc(
    path: Path, columns: str, after: int, count: int, chunk: int
) -> pa.Table | None:
    """Read `count` events after a position; None where ADBC cannot.

    Notes
    -----
    The driver takes a column's type from its first batch and calls a column of nulls
    an integer, so a chunk is one batch and is cast by itself.
    """
    import adbc_driver_sqlite.dbapi as adbc
    import pyarrow as pa

    sql = f"SELECT {columns} FROM events WHERE position > ? ORDER BY position LIMIT ?"
    schema = arrow_schema()
    tables: list[pa.Table] = []
    try:
        with adbc.connect(f"{path.as_uri()}?mode=ro", autocommit=True) as connection:
            while count > 0:
                size = min(count, chunk)
                with connection.cursor() as cursor:
                    cursor.adbc_statement.set_options(
                        **{"adbc.sqlite.query.batch_rows": str(size)}
                    )
                    cursor.execute(sql, (after, size))
                    table = cursor.fetch_arrow_table().cast(schema)
                # Rows of other programs may hold bytes that are no text.
                table.validate(full=True)
                tables.append(table)
                after = table["position"][-1].as_py()
                count -= size
    except (adbc.Error, pa.ArrowInvalid):
        # The slower way reads everything too and names what is wrong.
        return None
    return pa.concat_tables(tables)
