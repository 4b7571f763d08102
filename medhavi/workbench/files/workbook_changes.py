"""Changed tables in a workbook of one's own: all else of it stays as it was."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from medhavi.schema import tables
from medhavi.snapshot.reading.folder import table_named
from medhavi.snapshot.reading.normalise import names_of_table
from medhavi.workbench.files.template_files import number_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    import polars as pl
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet


def update_sheets(
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
