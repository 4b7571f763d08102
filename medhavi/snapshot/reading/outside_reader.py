"""The process in which files from outside are read; see `outside_file`.

It is run by its path, so that nothing of the package is imported. It answers questions
of one line each on its standard input, and leaves when nobody asks for a while.
"""

from __future__ import annotations

import json
import select
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

IDLE_SECONDS = 60.0


def main() -> None:
    """Answer questions until none comes."""
    import resource

    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.buffer.readline()
        if not line:
            return
        head, contents = _answer(json.loads(line))
        head["sizes"] = [len(content) for content in contents]
        answers.write(json.dumps(head).encode() + b"\n")
        for content in contents:
            answers.write(content)
        answers.flush()


def _answer(question: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Names of the tables and the content of each, or why there is none."""
    try:
        frames = _frames(question)
        contents = [_packed(frame) for frame in frames.values() if frame is not None]
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # noqa: BLE001 - a panic is no Exception
        reason = str(problem).strip().split("\n")[0].rstrip(".")
        return {"reason": reason or type(problem).__name__}, []
    tables = [(name, frame is not None) for name, frame in frames.items()]
    return {"tables": tables}, contents


def _frames(question: dict[str, Any]) -> dict[str, pl.DataFrame | None]:
    if question["kind"] == "sheets":
        return _sheets(question["path"], question["wanted"])
    import polars as pl

    path = question["path"]
    if question["kind"] == "arrow":
        return {"": pl.read_ipc(path)}
    scan = pl.scan_parquet(path, hive_partitioning=False, glob=False)
    refuse_many(scan, question["cells"])
    return {"": pl.read_parquet(path, hive_partitioning=False, glob=False)}


def refuse_many(scan: pl.LazyFrame, cells: int) -> None:
    """Refuse a file by the rows and columns that its footer states.

    Raises
    ------
    ValueError
        It has more values than are read.
    """
    import polars as pl

    rows = scan.select(pl.len()).collect().item()
    columns = len(scan.collect_schema())
    if rows * columns > cells:
        message = (
            f"it has {rows:,} rows of {columns:,} columns; at most {cells:,} values "
            "are read. Split it"
        )
        raise ValueError(message)


def _sheets(path: str, wanted: list[str]) -> dict[str, pl.DataFrame | None]:
    import fastexcel

    book = fastexcel.read_excel(path)
    return {
        name: book.load_sheet(name, dtypes="string").to_polars()
        if name in wanted
        else None
        for name in book.sheet_names
    }


def _packed(frame: pl.DataFrame) -> bytes:
    import io

    content = io.BytesIO()
    frame.write_ipc(content, compression="uncompressed")
    return content.getvalue()


if __name__ == "__main__":
    main()
