"""SQL over the tables of a lake by name: `SELECT … FROM silver.stock`.

DuckDB runs in memory and sees views alone. It may read the lake's folder and nothing
else: no other file, no network, no extension; only one SELECT is let through. It runs
in a process of its own with limits of memory and time, as some of its functions cannot
be interrupted.
"""

from __future__ import annotations

import io
import re
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import LimitReached, UsageError
from medhavi.snapshot.reading.limited_process import LimitedProcess

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROCESS = Path(__file__).with_name("query_process.py")

_WORD = re.compile(r"[a-z_]\w*(?:\.[a-z_]\w*)?")
_CATALOGUE_WORDS = ("show", "information_schema", "duckdb_tables", "duckdb_views")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTable:
    """A table in Parquet files; `keep` names files whose `run_id` are visible."""

    files: tuple[str, ...]
    keep: tuple[str, ...] | None = None

    def sql(self) -> str:
        """SELECT that reads it."""
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
    """What a statement names that is not there, with the nearest tables."""
    name = re.search(r"Table with name (\S+) does not exist", text)
    if name is None:
        return f"The query cannot be run: {text}"
    return unknown_table(name[1], known)


def unknown_table(name: str, known: tuple[str, ...]) -> str:
    """Message for a missing table, with the nearest names."""
    plain = name.rpartition(".")[2]
    endings = {known_name.partition(".")[2]: known_name for known_name in known}
    near = [endings[found] for found in get_close_matches(plain, endings, n=3)]
    hint = (
        f"Near: {', '.join(near)}." if near else "See medhavi query 'SHOW ALL TABLES'."
    )
    return f"The lake has no table {name}. {hint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryLimits:
    """What one query may take.

    Parameters
    ----------
    rows
        Rows of the answer.
    answer_mib
        Size of the answer [MiB].
    memory_mib
        Memory of the process that runs it [MiB].
    cpu_seconds, seconds
        Processor time and time of the wall clock [s].
    """

    rows: int = 100_000
    answer_mib: int = 256
    memory_mib: int = 1_000
    cpu_seconds: int = 10
    seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in ("rows", "answer_mib", "memory_mib", "cpu_seconds", "seconds"):
            if getattr(self, name) <= 0:
                message = f"{name} ({getattr(self, name)}) must be positive."
                raise UsageError(message)


def run(
    sql: str,
    folder: Path,
    known: tuple[str, ...],
    resolve: Resolve,
    limits: QueryLimits | None = None,
) -> pl.DataFrame:
    """Rows of one SELECT.

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
    limits
        What it may take; the defaults where none are given.

    Raises
    ------
    UsageError
        The statement does not read, is not SQL, or names what is not there.
    LimitReached
        It would take more than the limits; nothing of the answer is given.
    """
    limits = limits or QueryLimits()
    with tempfile.TemporaryDirectory(prefix="medhavi-query-") as place:
        question = {
            "sql": sql,
            "folder": [str(folder.resolve())],
            "tables": {
                name: _source(resolve(name), Path(place) / f"{name}.arrow")
                for name in _named(sql, known)
            },
            "rows": limits.rows,
            "answer_mib": limits.answer_mib,
        }
        head, content = _answer(question, limits)
    wrong, text = head.get("wrong"), str(head.get("text", ""))
    if wrong == "no_select":
        message = "A query is one SELECT; nothing in the lake is changed by SQL."
        raise UsageError(message)
    if wrong == "name":
        raise UsageError(_not_there(text, known))
    if wrong == "sql":
        message = f"The query cannot be run: {text}"
        raise UsageError(message)
    if wrong is not None:
        raise LimitReached(_too_much(str(wrong), limits))
    import pyarrow as pa

    rows = pl.from_arrow(pa.ipc.open_stream(io.BytesIO(content)).read_all())
    assert isinstance(rows, pl.DataFrame)
    return rows


def _answer(
    question: Mapping[str, object], limits: QueryLimits
) -> tuple[Mapping[str, object], bytes]:
    """Answer of a process within the limits; it is gone afterwards, whatever comes."""
    process = LimitedProcess(
        _PROCESS, memory_mib=limits.memory_mib, cpu_seconds=limits.cpu_seconds
    )
    try:
        head, contents = process.ask(question, limits.seconds)
    except TimeoutError:
        return {"wrong": "seconds"}, b""
    except EOFError:
        out_of_time = process.ended_by in {signal.SIGXCPU, signal.SIGKILL}
        return {"wrong": "cpu_seconds" if out_of_time else "memory"}, b""
    finally:
        process.end()
    return head, contents[0]


def _too_much(limit: str, limits: QueryLimits) -> str:
    """Name the limit that a query reached and the way out."""
    reached, option = {
        "rows": (f"gives more than {limits.rows:,} rows", "--max-rows"),
        "size": (f"gives more than {limits.answer_mib:,} MiB", "--max-rows"),
        "memory": (f"takes more than {limits.memory_mib:,} MiB", "--max-memory"),
        "cpu_seconds": (
            f"takes more than {limits.cpu_seconds} s of processor time",
            "--max-seconds",
        ),
        "seconds": (f"takes more than {limits.seconds:g} s", "--max-seconds"),
    }[limit]
    way = (
        "Select fewer columns or rows."
        if limit == "size"
        else f"Ask for less (WHERE, LIMIT, count(*)), or raise {option}."
    )
    return f"The query {reached} and was ended. {way}"


def _named(sql: str, known: tuple[str, ...]) -> list[str]:
    """Full names of the tables that a statement may name."""
    lowered = sql.lower()
    if any(word in lowered for word in _CATALOGUE_WORDS):
        return list(known)
    by_name = {name.partition(".")[2]: name for name in sorted(known)}
    # Every word that could be a table; one too many costs a view, nothing else.
    words = set(_WORD.findall(lowered.replace('"', "")))
    return sorted({by_name.get(word, word) for word in words} & set(known))


def _source(table: pl.DataFrame | FileTable, place: Path) -> dict[str, str]:
    """SELECT of a table in files; any other is written to an Arrow file."""
    if isinstance(table, FileTable):
        return {"sql": table.sql()}
    table.write_ipc(place, compression="uncompressed")
    return {"file": str(place)}
