"""Workbooks, Parquet and Arrow files from outside, read within limits.

A workbook of 1.5 kB can ask for 512 GB of memory, and the libraries that read such
files abort the process where memory ends; no exception can be caught then. So a file is
looked at first (sizes, ratio, the corner of its sheets), and read in another process,
which has a limit of memory and of time. That process is kept for the next file.
"""

from __future__ import annotations

import atexit
import html
import io
import os
import re
import struct
import tempfile
import zipfile
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl

from medhavi.findings import BadData, finding
from medhavi.snapshot.reading.limited_process import LimitedProcess
from medhavi.snapshot.reading.outside_reader import refuse_many

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

_READER = Path(__file__).with_name("outside_reader.py")
_MIB = 1 << 20
_CHUNK = 1 << 18
_OLD_FORM = b"\xd0\xcf\x11\xe0"
"""How .xls and workbooks with a password begin."""
_PLACE = re.compile(rb' r="([A-Z]{2,3})?([0-9]{1,7})"')
"""A row, or a cell beyond column Z: in a sheet of ordinary width that is rows alone."""
_FILLED = re.compile(
    rb'<(?:\w+:)?c\b[^>]*?\sr="([A-Z]{1,3})([0-9]{1,7})"[^>/]*>\s{0,9}<[^/]'
)
"""A cell with something in it."""
_VALUES = 10
"""Values of a Parquet file for each cell of a workbook that is read."""
_OVERLAP = 512
"""Bytes of a sheet that are looked at with the next piece too: a cell may be cut."""


class UnreadableFile(ValueError):  # noqa: N818 - reads as what it is
    """A file that cannot be read, or not within the limits; the text is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """What reading one file may take.

    Parameters
    ----------
    entries
        Parts of a workbook.
    unpacked_mib
        Size of a workbook's parts together, unpacked [MiB].
    ratio
        Unpacked by packed size of a part above 1 MiB.
    cells
        Cells between A1 and the farthest filled cell of a sheet, or rows by columns of
        a Parquet file.
    memory_mib
        Address space of the process that reads [MiB].
    seconds
        Time for one file [s of wall clock].
    """

    entries: int = 2_000
    unpacked_mib: int = 512
    ratio: int = 200
    cells: int = 20_000_000
    memory_mib: int = 2_048
    seconds: float = 120.0


LIMITS = ReadLimits()


def read_sheets(
    source: Path | bytes,
    wanted: Callable[[str], object] | None = None,
) -> dict[str, pl.DataFrame | None]:
    """Sheets of a workbook in their order, cells as text; None for one not wanted.

    Parameters
    ----------
    source
        The file, or its content.
    wanted
        True of the names of sheets to read; without it the first sheet is.

    Raises
    ------
    UnreadableFile
        It is no workbook, is damaged, or would take more than the limits.
    OSError
        The file cannot be opened.
    """
    names = check_workbook(source, wanted)
    with _path_of(source) as path:
        return _ask({"kind": "sheets", "path": str(path), "wanted": names}, LIMITS)


def read_table(
    path: Path, kind: Literal["parquet", "arrow"], limits: ReadLimits = LIMITS
) -> pl.DataFrame:
    """Rows of one Parquet or Arrow file.

    Raises
    ------
    UnreadableFile
        It is no such file, is damaged, or would take more than the limits.
    OSError
        The file cannot be opened.
    """
    if kind == "parquet":
        _check_parquet(path)
    question = {
        "kind": kind,
        "path": str(path.resolve()),
        "cells": limits.cells * _VALUES,
    }
    frame = _ask(question, limits)[""]
    assert frame is not None
    return frame


def read_written(path: Path) -> pl.DataFrame:
    """Rows of a Parquet or Arrow file of a result folder, read in this process.

    The program writes such files itself, and reads a dozen of them for a page; one that
    comes from elsewhere is refused by its footer before its rows are read.

    Raises
    ------
    BadData
        It is no such file, is damaged, or has more values than are read.
    """
    try:
        if path.suffix == ".parquet":
            _check_parquet(path)
            scan = pl.scan_parquet(path, hive_partitioning=False, glob=False)
        else:
            scan = pl.scan_ipc(path)
        refuse_many(scan, LIMITS.cells * _VALUES)
        return scan.collect()
    except (OSError, ValueError, pl.exceptions.PolarsError) as problem:
        reason = str(problem).strip().split("\n")[0].rstrip(".")
        kind = "Parquet" if path.suffix == ".parquet" else "Arrow"
        told = finding(
            "FILE001",
            table=path.stem,
            value=path.name,
            reason=reason or type(problem).__name__,
            kind=kind,
        )
        raise BadData((told,)) from problem


# --- looking at a file before it is read -------------------------------------------
def check_workbook(
    source: Path | bytes,
    wanted: Callable[[str], object] | None = None,
) -> list[str]:
    """Names of the sheets to read of a workbook, as of `read_sheets`.

    A workbook is refused whose directory or wanted sheets ask for more than the limits.
    Empty cells, however far, ask for nothing and are passed over.

    Raises
    ------
    UnreadableFile
        The text names the part or the sheet and cell, the limit and the way out.
    """
    with _opened(source) as file:
        if file.read(4) == _OLD_FORM:
            message = (
                "it has a password or the form of Excel 97 (.xls); save it as .xlsx "
                "without a password"
            )
            raise UnreadableFile(message)
        try:
            _check_directory_size(file)
            with zipfile.ZipFile(file) as book:
                _check_parts(book.infolist())
                sheets = list(_sheets(book))
                if wanted is None:
                    chosen = sheets[:1]
                else:
                    chosen = [(part, name) for part, name in sheets if wanted(name)]
                for part, name in chosen:
                    _check_corner(book, part, name)
                return [name for _, name in chosen]
        except (
            zipfile.BadZipFile,
            zlib.error,
            struct.error,
            EOFError,
            KeyError,
            NotImplementedError,
            RuntimeError,  # an encrypted part
        ) as problem:
            message = f"it is not a complete workbook ({problem})"
            raise UnreadableFile(message) from problem


def _check_directory_size(file: io.BufferedIOBase) -> None:
    """Refuse a directory of so many parts that listing them would fill the memory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at >= 0 and at + 16 <= len(tail):
        (listed,) = struct.unpack_from("<I", tail, at + 12)
        if listed != 0xFFFFFFFF and listed > LIMITS.entries * 512:
            message = f"its directory takes {listed:,} bytes; a workbook has few parts"
            raise UnreadableFile(message)
        if listed == 0xFFFFFFFF:
            message = "its directory is of the form for more than 4 GB"
            raise UnreadableFile(message)
    file.seek(0)


def _check_parts(parts: Collection[zipfile.ZipInfo]) -> None:
    """Refuse too many parts, too much unpacked, or a part packed too well."""
    if len(parts) > LIMITS.entries:
        message = f"it has {len(parts):,} parts; at most {LIMITS.entries:,} are read"
        raise UnreadableFile(message)
    total = sum(part.file_size for part in parts)
    if total > LIMITS.unpacked_mib * _MIB:
        message = (
            f"unpacked it has {total / _MIB:,.0f} MiB; at most {LIMITS.unpacked_mib} MiB "
            "are read. Save large tables as CSV or Parquet"
        )
        raise UnreadableFile(message)
    for part in parts:
        if part.file_size > LIMITS.ratio * max(
            part.compress_size, _MIB // LIMITS.ratio
        ):
            message = (
                f"its part {part.filename} unpacks to {part.file_size / _MIB:,.0f} MiB "
                f"from {part.compress_size:,} bytes, more than {LIMITS.ratio} times; "
                "no table is like that. Save the tables as CSV"
            )
            raise UnreadableFile(message)


def _check_corner(book: zipfile.ZipFile, part: str, name: str) -> None:
    """Refuse a sheet that spans too many cells, as memory is taken for all of them."""
    columns, rows = _reach(book, part, _PLACE)
    if max(columns, 26) * rows <= LIMITS.cells:
        return
    # Rows and cells that only have a format may reach far; look at filled ones alone.
    columns, rows = _reach(book, part, _FILLED)
    if columns * rows > LIMITS.cells:
        message = (
            f"sheet {name} has filled cells as far as {_cell_name(columns, rows)}, so it "
            f"spans {columns * rows:,} cells; at most {LIMITS.cells:,} are read. Delete "
            "the rows and columns outside the table in the spreadsheet and save it, or "
            "save the table as CSV"
        )
        raise UnreadableFile(message)


def _cell_name(column: int, row: int) -> str:
    """Name of a cell.

    >>> _cell_name(16384, 1048576)
    'XFD1048576'
    """
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(65 + letter) + letters
    return f"{letters}{row}"


def _reach(
    book: zipfile.ZipFile, part: str, found: re.Pattern[bytes]
) -> tuple[int, int]:
    """Farthest column and row that a pattern finds in a sheet, each by itself."""
    columns: set[bytes] = set()
    farthest = 0
    for piece in _pieces(book, part):
        places = found.findall(piece)
        columns.update(letters for letters, _ in places)
        farthest = max(farthest, max((int(row) for _, row in places), default=0))
    return max(map(_column, columns), default=0), farthest


def _pieces(book: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Content of a part, piece by piece, each with the end of the one before."""
    kept = b""
    with book.open(part) as content:
        while piece := content.read(_CHUNK):
            yield kept + piece
            kept = piece[-_OVERLAP:]


def _column(letters: bytes) -> int:
    """Count a column by its letters.

    >>> _column(b"A"), _column(b"XFD")
    (1, 16384)
    """
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _sheets(book: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Parts that hold sheets, each with the sheet's name, in the order of the book."""
    parts = set(book.namelist())
    places = {
        key[1]: target[1].removeprefix("/")
        if target[1][0] == "/"
        else f"xl/{target[1]}"
        for link in _elements(book, "xl/_rels/workbook.xml.rels", "Relationship")
        if (key := re.search(r'\bId="([^"]*)"', link))
        and (target := re.search(r'\bTarget="([^"]+)"', link))
    }
    for sheet in _elements(book, "xl/workbook.xml", "sheet"):
        key = re.search(r':id="([^"]*)"', sheet)
        name = re.search(r'\bname="([^"]*)"', sheet)
        if key and name and places.get(key[1]) in parts:
            yield places[key[1]], html.unescape(name[1])


def _elements(book: zipfile.ZipFile, part: str, name: str) -> list[str]:
    """Tags of a name in the first MiB of a part, which is absent in a damaged file."""
    with book.open(part) as content:
        text = content.read(_MIB).decode("utf-8", "replace")
    return re.findall(rf"<(?:\w+:)?{name}\b[^>]*>", text)


def _check_parquet(path: Path) -> None:
    """Refuse what does not begin and end as a Parquet file."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(4)
        file.seek(max(0, size - 8))
        tail = file.read(8)
    if size < 12 or head != b"PAR1" or tail[4:] != b"PAR1":
        message = "it does not begin and end as a Parquet file does; it may be cut off"
        raise UnreadableFile(message)
    (footer,) = struct.unpack("<I", tail[:4])
    if footer > size - 12:
        message = f"its footer would take {footer:,} of its {size:,} bytes"
        raise UnreadableFile(message)


@contextmanager
def _opened(source: Path | bytes) -> Iterator[io.BufferedIOBase]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    with source.open("rb") as file:
        yield file


@contextmanager
def _path_of(source: Path | bytes) -> Iterator[Path]:
    """Path of a file; content gets one for as long as it is read."""
    if isinstance(source, Path):
        yield source.resolve()
        return
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
        file.write(source)
        file.flush()
        yield Path(file.name)


# --- the process that reads ---------------------------------------------------------
_idle: dict[int, LimitedProcess] = {}
"""The process that waits for the next file, by the process that asks (it may fork)."""


def _ask(
    question: Mapping[str, object], limits: ReadLimits
) -> dict[str, pl.DataFrame | None]:
    """Answer of the process that waits, or of a fresh one."""
    waiting = _idle.pop(os.getpid(), None)
    if (
        waiting is not None
        and waiting.alive
        and waiting.memory_mib == limits.memory_mib
    ):
        # It leaves after a while: where it just did, a fresh one is asked.
        with suppress(EOFError):
            return _answered(waiting, question, limits.seconds)
    elif waiting is not None:
        waiting.end()
    try:
        fresh = LimitedProcess(_READER, memory_mib=limits.memory_mib)
        return _answered(fresh, question, limits.seconds)
    except EOFError:
        message = (
            f"reading it takes more than {limits.memory_mib:,} MiB of memory, or it is "
            "damaged. Save large tables as CSV, or in smaller files"
        )
        raise UnreadableFile(message) from None


def _answered(
    reader: LimitedProcess, question: Mapping[str, object], seconds: float
) -> dict[str, pl.DataFrame | None]:
    """Answer of a process, which then waits for the next file, or is ended."""
    usable = False
    try:
        head, contents = reader.ask(question, seconds)
        usable = True
    except TimeoutError:
        message = (
            f"reading it took more than {seconds:.0f} s. Save large tables as CSV, or in "
            "smaller files"
        )
        raise UnreadableFile(message) from None
    finally:
        if not usable or _idle.setdefault(os.getpid(), reader) is not reader:
            reader.end()
    if "reason" in head:
        raise UnreadableFile(head["reason"])
    frames = iter(contents)
    return {
        name: pl.read_ipc(next(frames)) if filled else None
        for name, filled in head["tables"]
    }


@atexit.register
def _end_waiting() -> None:
    waiting = _idle.pop(os.getpid(), None)
    if waiting is not None:
        waiting.end()
