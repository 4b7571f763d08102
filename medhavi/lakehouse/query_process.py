"""The process in which a query is run; see `query`.

It is run by its path, so that nothing of the package is imported. It answers one
question and leaves.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BATCH = 2_048
_MIB = 1 << 20


def main() -> None:
    """Answer the question on standard input."""
    memory, processor = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if processor:
        resource.setrlimit(resource.RLIMIT_CPU, (processor, processor + 1))
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr
    head, content = _answer(json.loads(sys.stdin.buffer.readline()), memory)
    head["sizes"] = [len(content)]
    answers.write(json.dumps(head).encode() + b"\n")
    answers.write(content)
    answers.flush()


def _answer(question: dict[str, Any], memory: int) -> tuple[dict[str, Any], bytes]:
    """Rows as an Arrow stream, or what is wrong."""
    import duckdb

    connection = duckdb.connect()
    try:
        _close(connection, question["folder"], memory // 2)
        for layer in ("bronze", "silver", "gold"):
            connection.execute(f"CREATE SCHEMA {layer}")
        statements = connection.extract_statements(question["sql"])
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            return {"wrong": "no_select"}, b""
        for name, table in question["tables"].items():
            _view(connection, name, table)
        connection.execute("SET search_path = 'main,silver,gold,bronze'")
        connection.execute("SET lock_configuration = true")
        return _rows(connection, question)
    except (duckdb.OutOfMemoryException, MemoryError):
        return {"wrong": "memory"}, b""
    except duckdb.CatalogException as error:
        return {"wrong": "name", "text": str(error)}, b""
    except (duckdb.Error, OSError) as error:
        wrong = "memory" if "Out of Memory" in str(error) else "sql"
        return {"wrong": wrong, "text": str(error)}, b""


def _close(connection: DuckDBPyConnection, folders: list[str], memory: int) -> None:
    """Take away everything but the lake's folder; the order of settings matters."""
    places = ", ".join("'" + place.replace("'", "''") + "'" for place in folders)
    for setting in (
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "TimeZone = 'UTC'",
        "threads = 2",
        f"memory_limit = '{memory // _MIB}MiB'",
        "temp_directory = ''",
        f"allowed_directories = [{places}]",
        "enable_external_access = false",
    ):
        connection.execute(f"SET {setting}")


def _view(connection: DuckDBPyConnection, name: str, table: dict[str, str]) -> None:
    """Make a table known by its name: by its SELECT, or from an Arrow file."""
    if "sql" in table:
        connection.execute(f"CREATE VIEW {name} AS {table['sql']}")
        return
    import pyarrow as pa

    plain = name.replace(".", "_")
    with pa.memory_map(table["file"]) as source:
        connection.register(plain, pa.ipc.open_file(source).read_all())
    connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {plain}")


def _rows(
    connection: DuckDBPyConnection, question: dict[str, Any]
) -> tuple[dict[str, Any], bytes]:
    """Rows as far as the limits go; the answer has all of them or none."""
    import pyarrow as pa

    content = io.BytesIO()
    count = 0
    reader = connection.sql(question["sql"]).to_arrow_reader(_BATCH)
    with pa.ipc.new_stream(content, reader.schema) as stream:
        for batch in reader:
            count += batch.num_rows
            if count > question["rows"]:
                return {"wrong": "rows"}, b""
            if content.tell() + batch.nbytes > question["answer_mib"] * _MIB:
                return {"wrong": "size"}, b""
            stream.write_batch(batch)
    return {}, content.getvalue()


if __name__ == "__main__":
    main()
