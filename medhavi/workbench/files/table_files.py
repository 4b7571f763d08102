"""Files of tables that people change here: each change is whole, kept, and undone.

Of a workbook all else stays as it was.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import time
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from medhavi.errors import UsageError
from medhavi.findings import has_errors
from medhavi.schema import tables
from medhavi.snapshot.reading.folder import read, table_in, table_named
from medhavi.snapshot.reading.normalise import ROW, names_of_table
from medhavi.snapshot.table_difference import cells_of
from medhavi.units import from_seconds
from medhavi.workbench.files.atomic_write import replaced_file
from medhavi.workbench.files.template_files import number_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import polars as pl
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

    from medhavi.findings import Finding
    from medhavi.snapshot.table_difference import TableDifference


def _update_sheets(
    old: Path,
    fresh: Path,
    before: Mapping[str, pl.DataFrame],
    after: Mapping[str, pl.DataFrame],
) -> None:
    """Write a workbook anew with the cells that a change makes others.

    Other sheets, columns that are no column of a table, formats and notes stay.
    Formulas of sheets with tables become their values: what is written has not been
    calculated by a spreadsheet yet, and would be read as empty.

    Parameters
    ----------
    old, fresh
        The workbook, and where it is written with the change.
    before, after
        Rows of the changed tables as text without row numbers: as the workbook has
        them, and as it is to have them.
    """
    import openpyxl

    book = openpyxl.load_workbook(old)
    known: dict[str, Worksheet] = {}
    formulas: list[Cell] = []
    for sheet in book.worksheets:
        table = table_named(sheet.title)
        if table is not None:
            cells = chain.from_iterable(sheet.iter_rows())
            formulas += [cell for cell in cells if cell.data_type == "f"]
            known.setdefault(table, sheet)
    if formulas:
        values = openpyxl.load_workbook(old, data_only=True)
        for cell in formulas:
            cell.value = values[cell.parent.title][cell.coordinate].value
    for table, rows in after.items():
        sheet = known.get(table) or book.create_sheet(table)
        _write_rows(sheet, table, before.get(table), rows)
    book.save(fresh)


def _write_rows(
    sheet: Worksheet, table: str, before: pl.DataFrame | None, after: pl.DataFrame
) -> None:
    """Write the rows of a table below its header; cells that are equal stay."""
    columns = tables()[table].columns
    filled = [
        row for row in sheet.iter_rows() if any(cell.value is not None for cell in row)
    ]
    top = filled[0][0].row if filled else 1
    places = {} if not filled else _headed(filled[0], columns)
    for name in after.columns:
        if name not in places:
            places[name] = max(places.values(), default=0) + 1
            sheet.cell(top, places[name], name)
    numeric = {name for name, one in columns.items() if one.type in ("int", "float")}
    numbers = [row[0].row for row in filled[1:]]
    last = max(numbers, default=top)
    there = [] if before is None else before.rows(named=True)
    for at, row in enumerate(after.iter_rows(named=True)):
        number = numbers[at] if at < len(numbers) else last + 1 + at - len(numbers)
        old = there[at] if at < len(there) else {}
        for name, value in row.items():
            if old.get(name) != value:
                stated = number_of(value) if name in numeric else None
                cell = sheet.cell(number, places[name])
                cell.value = (value or None) if stated is None else stated
    for number in reversed(numbers[after.height :]):
        sheet.delete_rows(number)


def _headed(header: Iterable[Any], known: Collection[str]) -> dict[str, int]:
    """Place of each column of a sheet, by the name that the table has for it."""
    places: dict[str, int] = {}
    for cell in header:
        if cell.value is not None:
            places.setdefault(str(cell.value), cell.column)
    names = names_of_table(places, known)
    return {names.get(text, text): place for text, place in places.items()}


MOST_BYTES = 50_000_000
"""Largest file that is taken."""
KINDS = (".xlsx", ".csv", ".parquet")
"""Kinds of files that are taken."""
_JOURNAL = "changes.jsonl"
_NO_TABLE = {"FILE003", "FILE006"}
"""Codes of files that are whole and hold no table."""


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of files: who approved it, what it did, and what stood there before.

    Attributes
    ----------
    number
        Counts from 1.
    files
        Hash of each file that it wrote, by name; empty: it took the file away.
    undoes
        Number of the change that it takes back.
    """

    number: int
    approver: str
    text: str
    recorded_at: dt.datetime
    files: dict[str, str]
    undoes: int | None = None


def read_files(
    files: Sequence[tuple[str, bytes]],
) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
    """Tables of files of one's own with row numbers, and what is wrong with them.

    Parameters
    ----------
    files
        Name and bytes of each: a workbook with a sheet a table, `TABLE.csv` or
        `TABLE.parquet`; of another name, the columns say which table it is. Several
        are read as one folder of them is.

    Raises
    ------
    UsageError
        One is of another kind, or larger than is taken, or none holds a table.
    """
    with TemporaryDirectory(prefix="medhavi-") as there:
        for name, content in files:
            if Path(name).suffix.lower() not in KINDS or len(content) > MOST_BYTES:
                message = (
                    f"{name} is not a file of tables of at most "
                    f"{MOST_BYTES // 1_000_000} MB ({', '.join(KINDS)}). "
                    "Fill the template: medhavi template --xlsx."
                )
                raise UsageError(message)
        written = [Path(there) / Path(name).name for name, _ in files]
        for path, (_, content) in zip(written, files, strict=True):
            path.write_bytes(content)
        is_book = [path.suffix.lower() == ".xlsx" for path in written] == [True]
        tables, found = cells_of(written[0] if is_book else there, by_columns=True)
    if not tables and {one.code for one in found} <= _NO_TABLE:
        told = ", ".join(Path(name).name for name, _ in files)
        message = (
            f"{told} holds no planning table: neither its name nor its columns are "
            "those of one. Name the file or the sheet after its table, such as "
            "demands, or fill the template."
        )
        raise UsageError(message)
    return tables, found


def holds_no_table(place: str | Path) -> bool:
    """Whether a place of tables is a folder without a file of them."""
    try:
        return not any(one.suffix.lower() in KINDS for one in Path(place).iterdir())
    except OSError:  # no folder, or none that can be read
        return False


class TableFiles:
    """A folder of tables, or one workbook, with the changes made to it.

    Beside the files lies a folder whose name begins with a dot: earlier files and a
    line for each change.
    """

    def __init__(self, place: str | Path) -> None:
        self.place = Path(place)
        self._is_book = self.place.suffix.lower() == ".xlsx"
        self._home = self.place.parent if self._is_book else self.place
        name = f".{self.place.name}.changes" if self._is_book else ".changes"
        self._kept = self._home / name

    def cells(self) -> dict[str, pl.DataFrame]:
        """The tables as they are written, with row numbers."""
        return cells_of(self.place)[0]

    def history(self) -> list[FileChange]:
        """All changes, the oldest first."""
        journal = self._kept / _JOURNAL
        lines = journal.read_bytes().splitlines() if journal.is_file() else []
        return [msgspec.json.decode(line, type=FileChange) for line in lines]

    def take(self, update: TableDifference, *, approver: str, text: str) -> FileChange:
        """Write the changed tables; the files before are kept.

        Raises
        ------
        UsageError
            Nobody approves, two files have one table, or the change brings errors.
        """
        _check(approver)
        if has_errors(update.findings):
            message = "The change brings errors. Correct them: nothing is taken before."
            raise UsageError(message)
        number = len(self.history()) + 1
        before = self._kept / str(number)
        before.mkdir(parents=True)
        names = self._files_of(update)
        for name in names:
            if (self._home / name).exists():
                shutil.copy2(self._home / name, before / name)
        self._write(update)
        return self._record(number, names, approver=approver, text=text)

    def undo(self, *, approver: str) -> FileChange:
        """Put the files back that stood before the last change that stands.

        Raises
        ------
        UsageError
            Nobody approves, nothing stands, or a file was written since.
        """
        _check(approver)
        past = self.history()
        undone = {one.undoes for one in past}
        standing = [one for one in past if not one.undoes and one.number not in undone]
        if not standing:
            message = "No change of these files stands."
            raise UsageError(message)
        last = standing[-1]
        for name, digest in last.files.items():
            if _digest(self._home / name) != digest:
                message = (
                    f"{name} was written since by somebody else. Mend it there; the "
                    f"file before is {self._kept.name}/{last.number}/{name}."
                )
                raise UsageError(message)
        for name in last.files:
            old = self._kept / str(last.number) / name
            if old.exists():
                with replaced_file(self._home / name) as fresh:
                    shutil.copy2(old, fresh)
            else:
                (self._home / name).unlink(missing_ok=True)
        return self._record(
            len(past) + 1,
            list(last.files),
            approver=approver,
            text=f"undo {last.text}",
            undoes=last.number,
        )

    def _files_of(self, update: TableDifference) -> list[str]:
        """Names of the files that a change writes or takes away."""
        if self._is_book:
            return [self.place.name]
        found = []
        for table in update.cells:
            there = self._files_with(table)
            if not there and table in read(self.place)[0]:
                message = (
                    f"{table} is a sheet of a workbook in the folder {self.place.name}. "
                    "Serve that workbook by itself to change it here."
                )
                raise UsageError(message)
            found += [*there, *([] if f"{table}.csv" in there else [f"{table}.csv"])]
        return found

    def _files_with(self, table: str) -> list[str]:
        """Names of the files of a folder that hold a table."""
        return sorted(
            one.name for one in self._home.iterdir() if table_in(one) == table
        )

    def _write(self, update: TableDifference) -> None:
        if self._is_book:
            before = {name: frame.drop(ROW) for name, frame in self.cells().items()}
            with replaced_file(self.place) as fresh:
                _update_sheets(self.place, fresh, before, update.cells)
            return
        for table, frame in update.cells.items():
            with replaced_file(self._home / f"{table}.csv") as fresh:
                frame.write_csv(fresh, line_terminator="\n")
            for name in self._files_with(table):
                if name != f"{table}.csv":
                    (self._home / name).unlink()

    def _record(
        self,
        number: int,
        names: list[str],
        *,
        approver: str,
        text: str,
        undoes: int | None = None,
    ) -> FileChange:
        made = FileChange(
            number=number,
            approver=approver.strip(),
            text=text,
            recorded_at=from_seconds(int(time.time())),
            files={name: _digest(self._home / name) for name in names},
            undoes=undoes,
        )
        self._kept.mkdir(parents=True, exist_ok=True)
        with (self._kept / _JOURNAL).open("ab") as journal:
            journal.write(msgspec.json.encode(made) + b"\n")
        return made


def _check(approver: str) -> None:
    if not approver.strip():
        message = "A change is approved by somebody: name the approver."
        raise UsageError(message)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
