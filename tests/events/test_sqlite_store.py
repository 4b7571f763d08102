"""What only the SQLite store does: its file, its failures, its fast way to Arrow."""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import adbc_driver_manager
import adbc_driver_sqlite.dbapi
import pytest

from medhavi.errors import EnvironmentFailure
from medhavi.events.sqlite import table_by_adbc
from tests.api import SqliteStore, to_arrow
from tests.events.sample_events import event_id, sample, samples


@pytest.fixture
def store(tmp_path):
    return SqliteStore(tmp_path / "events.db")


def in_another_process(code, *arguments):
    """Run Python code elsewhere; its output without the last line break."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    return done.stdout.strip()


COUNT = """
    import sys
    from medhavi.events.sqlite import SqliteStore
    print(sum(1 for _ in SqliteStore(sys.argv[1]).read_all()))
"""


# ------------------------------------------------------------------ the file
def test_events_survive_the_store(tmp_path):
    SqliteStore(tmp_path / "events.db").append("lane-A", [sample(0)])
    gc.collect()
    (found,) = SqliteStore(tmp_path / "events.db").read("lane-A")
    assert found.event_id == event_id(0)


def test_a_missing_folder_is_made(tmp_path):
    store = SqliteStore(tmp_path / "new" / "folder" / "events.db")
    assert store.append("lane-A", [sample(0)]) == (1,)


def test_the_file_is_durable_and_strict(store):
    store.close()
    with sqlite3.connect(store.path) as database:
        (mode,) = database.execute("PRAGMA journal_mode").fetchone()
        (sql,) = database.execute("SELECT sql FROM sqlite_schema").fetchone()
        assert mode == "wal"
        assert "STRICT" in sql
        assert "AUTOINCREMENT" in sql
    database.close()
    with store._connection() as connection:
        full = 2
        assert connection.execute("PRAGMA synchronous").fetchone() == (full,)


def test_a_closed_store_opens_again_when_used(store):
    store.append("lane-A", [sample(0)])
    store.close()
    store.close()
    assert store.head() == 1


def test_two_stores_of_a_path_in_one_process_share_the_connection(store):
    other = SqliteStore(str(store.path))
    other.append("lane-A", [sample(0)])
    assert other._file is store._file
    assert store.head() == 1


def test_a_position_is_never_used_twice(store):
    store.append("lane-A", samples([0, 1]))
    store.close()
    with sqlite3.connect(store.path) as database:
        database.execute("DELETE FROM events WHERE position = 2")
    database.close()
    assert store.append("lane-A", [sample(2)]) == (3,)


def test_a_fork_opens_a_connection_of_its_own(store):
    store.append("lane-A", [sample(0)])
    child = os.fork()
    if child == 0:
        positions: tuple[int, ...] = ()
        with contextlib.suppress(Exception):
            positions = store.append("lane-A", [sample(1)], 0)
        os._exit(0 if positions == (2,) else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0
    store.append("lane-A", [sample(2)], 1)
    assert in_another_process(COUNT, store.path) == "3"


def test_a_long_history_is_loaded_in_one_transaction(store):
    batches = [(f"lane-{n % 7}", [sample(n)]) for n in range(12_000)]
    assert store.append_many(batches) == tuple(range(1, 12_001))
    assert store.append_many(batches[:11_000]) == tuple(range(1, 11_001))
    assert store.head() == 12_000


# --------------------------------------------------------------- failures
def test_a_lock_while_the_store_is_made_is_one_clear_message(tmp_path):
    path = tmp_path / "events.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(EnvironmentFailure, match="another program holds the lock"):
        SqliteStore(path, timeout=0.05)
    other.execute("ROLLBACK")
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    with pytest.raises(EnvironmentFailure, match="another program holds the lock"):
        SqliteStore(path, timeout=0.05)
    other.close()
    assert SqliteStore(path, timeout=0.05).head() == 0


def test_a_store_that_another_program_took_out_of_wal_goes_back(tmp_path):
    path = tmp_path / "events.db"
    SqliteStore(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM events").fetchall()
    with pytest.raises(EnvironmentFailure, match="another program holds the lock"):
        SqliteStore(path, timeout=0.05)
    other.execute("COMMIT")
    with SqliteStore(path)._connection() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_defect_of_ours_is_not_called_a_failure_of_the_surroundings(store):
    with (
        pytest.raises(sqlite3.OperationalError, match="syntax error"),
        store._connection() as connection,
    ):
        connection.execute("SELEC 1")


def test_a_missing_file_is_refused_where_one_only_reads(tmp_path):
    with pytest.raises(EnvironmentFailure, match="there is no event store"):
        SqliteStore(tmp_path / "events.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_sqlite_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello " * 1000)
    with pytest.raises(EnvironmentFailure, match="not a SQLite file; check the path"):
        SqliteStore(path)
    assert path.read_text() == "hello " * 1000


def test_a_database_of_another_program_is_refused(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE events (x)")
    database.close()
    with pytest.raises(EnvironmentFailure, match="database of another program"):
        SqliteStore(path)


def test_a_folder_that_cannot_be_made_is_one_clear_message(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFailure, match="its folder cannot be made"):
        SqliteStore(tmp_path / "file" / "events.db")


def test_a_path_that_is_a_folder_is_one_clear_message(tmp_path):
    with pytest.raises(EnvironmentFailure, match="cannot be opened; check path"):
        SqliteStore(tmp_path)


def test_a_full_disk_is_one_clear_message_and_nothing_half_written(store):
    store.append("lane-A", [sample(0)])
    with store._connection() as connection:
        # SQLite's own limit of pages; to it that is the same as a full disk.
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(EnvironmentFailure, match="the disk is full; free space"):
        store.append_many([("lane-A", samples(range(1, 2000)))])
    assert store.head() == 1
    store.close()
    assert store.append("lane-A", [sample(1)]) == (2,)


def test_a_locked_file_is_one_clear_message(tmp_path):
    store = SqliteStore(tmp_path / "events.db", timeout=0.05)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(EnvironmentFailure, match="another program holds the lock"):
        store.append("lane-A", [sample(0)])
    other.execute("ROLLBACK")
    other.close()
    assert store.append("lane-A", [sample(0)]) == (1,)


def test_a_read_only_file_is_one_clear_message(store):
    store.append("lane-A", [sample(0)])
    with store._connection() as connection:
        connection.execute("PRAGMA query_only = ON")
    with pytest.raises(EnvironmentFailure, match="read-only; allow writing"):
        store.append("lane-A", [sample(1)])
    assert store.head() == 1


def test_a_damaged_file_is_found_by_its_own_check(store):
    store.append_many([("lane-A", samples(range(500)))])
    store.close()
    assert store.problems() == []
    store.close()
    with store.path.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xff" * 4096)
    assert {f.code for f in store.problems()} == {"EVT014"}


def test_reading_a_damaged_file_is_one_clear_message(store):
    store.append_many([("lane-A", samples(range(500)))])
    store.close()
    with store.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(EnvironmentFailure, match="damaged; restore it from a copy"):
        list(store.read_all())


# -------------------------------------------------------------------- Arrow
LARGE = 3000


@pytest.fixture
def large(store):
    """A store above the size from which Arrow tables come through ADBC."""
    plain = samples(range(LARGE - 100))
    rich = samples(
        range(LARGE - 100, LARGE), correlation_id="c", causation_id="ü", actor="é"
    )
    store.append_many([("lane-A", plain), ("stock-B", rich)])
    return store


def test_the_fast_way_gives_what_the_rows_give(large):
    assert large.read_arrow().equals(to_arrow(large.read_all()))


def test_the_fast_way_starts_after_a_position_and_stops_at_a_limit(large):
    table = large.read_arrow(500, 2200)
    assert table["position"].to_pylist() == list(range(501, 2701))


def test_the_fast_way_joins_chunks_whose_columns_are_all_null_at_first(large):
    columns = "position, stream, category, revision, event_id, type, schema_version,"
    columns += "recorded_at, occurred_at, correlation_id, causation_id, actor,"
    columns += "'application/json' AS content_type, payload, metadata"
    with large._file.released() as path:
        table = table_by_adbc(path, columns, 0, LARGE, chunk=700)
    assert table is not None
    assert table.equals(to_arrow(large.read_all()))


def test_where_the_driver_fails_the_rows_are_read(large, monkeypatch):
    def fail(*_arguments, **_options):
        message = "the driver fails"
        raise adbc_driver_sqlite.dbapi.OperationalError(
            message, status_code=adbc_driver_manager.AdbcStatusCode.IO
        )

    monkeypatch.setattr("adbc_driver_sqlite.dbapi.connect", fail)
    assert large.read_arrow().equals(to_arrow(large.read_all()))


def test_writers_of_other_processes_lose_nothing_around_an_arrow_read(large):
    """Two SQLite libraries in one process would drop each other's locks here."""
    large.append("lane-C", [sample(LARGE)])
    assert large.read_arrow().num_rows == LARGE + 1
    writer = """
        import sys
        from medhavi.events.sqlite import SqliteStore
        from tests.events.sample_events import sample
        store = SqliteStore(sys.argv[1])
        store.append("lane-C", [sample(10_000)], 0)
        store.close()
    """
    in_another_process(writer, large.path)
    large.append("lane-C", [sample(10_001)], 1)
    assert in_another_process(COUNT, large.path) == str(LARGE + 3)


def test_threads_append_while_another_reads_arrow_tables(large):
    def write() -> None:
        for number in range(50):
            large.append("lane-D", [sample(20_000 + number)])

    writer = threading.Thread(target=write)
    writer.start()
    sizes = []
    while writer.is_alive():
        sizes.append(large.read_arrow().num_rows)
    writer.join()
    assert sizes == sorted(sizes)
    assert large.read_arrow().num_rows == LARGE + 50
    assert large.problems() == []
