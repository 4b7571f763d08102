"""Planning tables in a folder of CSV or Parquet files, or in one workbook.

Besides calendars this is the only place of the package that touches files. Reading
never raises for bad content: what cannot be used becomes a finding, the rest is read.
"""

from __future__ import annotations

import csv
import os
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl
import polars.selectors as cs

from medhavi import schema
from medhavi.errors import EnvironmentFailure
from medhavi.findings import Finding, finding
from medhavi.snapshot.reading.cells import as_csv
from medhavi.snapshot.reading.normalise import filled, folded, matched, names_of_table
from medhavi.snapshot.reading.outside_file import read_sheets, read_table
from medhavi.snapshot.reading.row_findings import LISTED, more, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

_KINDS = {".csv": "CSV", ".parquet": "Parquet", ".xlsx": "Excel"}
_PAGES = {".md", ".txt"}
"""Files for people; they may lie beside the tables."""
OTHER_MARKS = {";": "semicolons", "\t": "tabulators"}
"""What separates the columns of some files that are called CSV."""
DOCUMENTATION = "about the tables"
"""Sheet of the template that explains the others."""


@dataclass(slots=True, kw_only=True)
class _FolderReading:
    """What has been read so far; `by_columns`: files of any name are looked at."""

    by_columns: bool = False
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)

    def take(self, table: str, origin: str, frame: pl.DataFrame | None) -> None:
        """Keep a table, unless another file already gave it."""
        if table in self.origins:
            kept = self.origins[table]
            self.found.append(finding("FILE005", table=table, value=origin, kept=kept))
            return
        self.origins[table] = origin
        if frame is not None:
            self.frames[table] = frame

    def ignore(self, origin: str, stem: str) -> None:
        """Report a file or sheet that is no table."""
        hint = nearest(stem, schema.tables())
        self.found.append(finding("FILE003", value=origin, nearest=hint))


def table_named(name: str) -> str | None:
    """Table that a file or a sheet of a name holds; None: no table.

    >>> table_named("Supply Orders"), table_named("orders")
    ('supply_orders', None)
    """
    known = folded(name)
    return known if known in schema.tables() else None


def table_of_columns(columns: Collection[str]) -> str | None:
    """Table that a header fits; None: none, or more than one.

    It has all columns that the table needs, most of its own are known there, and no
    other table knows as many.

    >>> table_of_columns(["Demand", "product", "location", "Qty", "due", "colour"])
    'demands'
    >>> table_of_columns(["name", "colour"])
    """
    fits: dict[str, int] = {}
    for name, table in schema.tables().items():
        named = names_of_table(columns, table.columns)
        known = {named.get(one, one) for one in columns} & table.columns.keys()
        needed = {one.name for one in table.columns.values() if one.required}
        if needed and needed <= known and 2 * len(known) >= len(columns):
            fits[name] = len(known)
    best = [name for name, known in fits.items() if known == max(fits.values())]
    return best[0] if len(best) == 1 else None


def table_in(file: Path) -> str | None:
    """Table that a CSV or Parquet file holds by its name; None: no table."""
    is_table = file.suffix.lower() in (".csv", ".parquet")
    return table_named(file.stem) if is_table else None


def read(
    path: Path, *, by_columns: bool = False
) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
    """Read all tables of a folder or of one workbook, with what was found.

    CSV cells and cells of sheets stay text here; the schema types them later.

    Parameters
    ----------
    by_columns
        A file or a sheet of another name holds the table that its columns fit.
    """
    reading = _FolderReading(by_columns=by_columns)
    if path.is_file() and path.suffix.lower() == ".xlsx":
        _workbook(path, reading)
    elif path.is_dir():
        for file in sorted(path.iterdir()):
            _file(file, reading)
    else:
        reason = (
            "is neither a folder nor a workbook" if path.exists() else "does not exist"
        )
        reading.found.append(finding("FILE006", value=_named(path), reason=reason))
        return {}, reading.found
    if not reading.origins:
        reason = "holds no planning table"
        reading.found.append(finding("FILE006", value=_named(path), reason=reason))
    return reading.frames, reading.found


def _named(path: Path) -> str:
    """Name of a folder or file without its place: pages show it too."""
    return path.name or str(path)


def _file(path: Path, reading: _FolderReading) -> None:
    kind = path.suffix.lower()
    if path.is_dir() or path.name.startswith((".", "~")) or kind in _PAGES:
        return
    if kind == ".xlsx":
        _workbook(path, reading)
        return
    table = table_in(path)
    if table is None and reading.by_columns and kind in _KINDS:
        table = table_of_columns(_header(path))
    if table is None:
        reading.ignore(path.name, path.stem)
    else:
        reader = _csv if kind == ".csv" else _parquet
        frame = _attempt(path, table, reader, reading.found)
        reading.take(table, path.name, frame)


def _attempt(
    path: Path,
    table: str,
    reader: Callable[[Path, str, list[Finding]], pl.DataFrame | None],
    found: list[Finding],
) -> pl.DataFrame | None:
    """Read a file; whatever its content does to the reader is a finding."""
    try:
        if path.stat().st_size == 0:
            found.append(finding("FILE002", table=table, value=path.name))
            return None
        return reader(path, table, found)
    except (OSError, ValueError, pl.exceptions.PolarsError) as problem:
        reason = str(problem).strip().split("\n")[0].rstrip(".")
        found.append(
            finding(
                "FILE001",
                table=table,
                value=path.name,
                reason=reason or type(problem).__name__,
                kind=_KINDS[path.suffix.lower()],
            )
        )
        return None


def _header(path: Path) -> list[str]:
    """Columns of a CSV or Parquet file; none of one that cannot be read."""
    with suppress(OSError, ValueError, csv.Error, pl.exceptions.PolarsError):
        if path.suffix.lower() == ".parquet":
            return read_table(path, "parquet").columns
        with path.open(encoding="utf-8-sig", newline="") as lines:
            names = next(csv.reader(lines), [])
            marks = [one for one in OTHER_MARKS if len(names) == 1 and one in names[0]]
            return names[0].split(marks[0]) if marks else names
    return []


def _csv(path: Path, table: str, found: list[Finding]) -> pl.DataFrame | None:
    """Read a CSV file as text only."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        header = next(csv.reader(lines), [])
    if not any(header):
        found.append(finding("FILE002", table=table, value=path.name))
        return None
    if len(header) == 1 and (marks := [one for one in OTHER_MARKS if one in header[0]]):
        mark = OTHER_MARKS[marks[0]]
        found.append(finding("FILE008", table=table, value=path.name, mark=mark))
        return None
    twice = {name for name in header if name and header.count(name) > 1}
    found += [
        finding("FILE007", table=table, value=path.name, column=name)
        for name in sorted(twice)
    ]
    try:
        return filled(_scan(path, ragged=False))
    except pl.exceptions.ComputeError:
        found += _long_lines(path, table, len(header))
        return filled(_scan(path, ragged=True))


def _scan(path: Path, *, ragged: bool) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False, truncate_ragged_lines=ragged)


def _long_lines(path: Path, table: str, width: int) -> list[Finding]:
    """Name the lines with more cells than the header."""
    found: list[Finding] = []
    count = 0
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for number, cells in enumerate(csv.reader(lines)):
            if len(cells) > width:
                count += 1
                if count <= LISTED:
                    found.append(
                        finding(
                            "FILE004",
                            table=table,
                            row=number + 1,
                            value=path.name,
                            cells=len(cells),
                            width=width,
                        )
                    )
    return found + more("FILE004", table, None, count - LISTED)


def _parquet(path: Path, _table: str, _found: list[Finding]) -> pl.DataFrame:
    return read_table(path, "parquet")


def _workbook(path: Path, reading: _FolderReading) -> None:
    """Read the sheets of a workbook that are tables by their names, or columns."""

    def wanted(sheet: str) -> bool:
        by_columns = reading.by_columns and sheet != DOCUMENTATION
        return by_columns or table_named(sheet) is not None

    try:
        for sheet, frame in read_sheets(path, wanted).items():
            origin, table = f"{path.name}, sheet {sheet}", table_named(sheet)
            if table is None and frame is not None:
                if not _named_columns(frame):
                    continue  # the empty sheets of a new workbook
                table = table_of_columns(_named_columns(frame))
            if frame is not None and table is not None:
                reading.take(table, origin, _sheet(frame, table))
            elif sheet != DOCUMENTATION:
                reading.ignore(origin, sheet)
    except (OSError, ValueError) as problem:
        reason = str(problem).strip().split("\n")[0].rstrip(".")
        reading.found.append(
            finding("FILE001", value=path.name, reason=reason, kind="Excel")
        )


def _sheet(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """Named columns of a sheet; lines that are empty throughout are no rows.

    Each row keeps Excel's own number: the header is row 1.
    """
    named = _named_columns(frame)
    columns = schema.tables()[table].columns
    frame = as_csv(matched(frame.select(named), columns), columns)
    return filled(frame) if named else frame


def _named_columns(frame: pl.DataFrame) -> list[str]:
    return [name for name in frame.columns if not name.startswith("__UNNAMED__")]


def write(
    path: Path,
    tables: Mapping[str, pl.DataFrame],
    format: Literal["parquet", "csv"],  # noqa: A002 - the public word
) -> None:
    """Write every table that has rows; files of other tables and formats go.

    Each file is written beside its place and then moved there, so that a reader never
    sees half a file. Equal tables give equal bytes.

    Raises
    ------
    EnvironmentFailure
        The folder cannot be written; files that were complete before still are.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        written = set()
        for name, frame in tables.items():
            if frame.height:
                target = path / f"{name}.{format}"
                with _replacing(target) as draft:
                    _write(frame, draft, format)
                written.add(target)
        for stale in sorted(path.iterdir()):
            if table_in(stale) in tables and stale not in written:
                stale.unlink(missing_ok=True)
    except OSError as problem:
        message = (
            f"The tables cannot be written to {path} ({problem.strerror or problem}). "
            "Free space or choose another folder; finished files are intact."
        )
        raise EnvironmentFailure(message) from problem


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Draft beside the target that takes its place when all went well."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o644)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _write(frame: pl.DataFrame, draft: Path, format: str) -> None:  # noqa: A002
    if format == "parquet":
        # One row group of fixed size and no written-by clock: bytes follow content.
        frame.rechunk().write_parquet(
            draft, compression="zstd", compression_level=3, row_group_size=262_144
        )
        return
    as_text(frame).write_csv(draft, line_terminator="\n")


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists, instants and times of a table as a CSV file has them."""
    return frame.with_columns(
        pl.col(pl.List(pl.String)).list.join(";"),
        cs.datetime().dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        cs.time().dt.strftime("%H:%M:%S"),
    )
