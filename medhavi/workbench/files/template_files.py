"""Templates of all tables as files to fill: a workbook or a folder of CSV."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from medhavi.errors import UsageError
from medhavi.schema import conventions, tables
from medhavi.schema.template import START_HERE, advice, columns_in_order, example_rows
from medhavi.snapshot.reading.folder import DOCUMENTATION
from medhavi.workbench.files.atomic_write import replaced_file, replaced_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xlsxwriter

    from medhavi.schema import Table


_EXCEL_LIST_LIMIT = 255
_LAST_ROW = 5000


def write_csv_template(folder: str | Path, *, example: bool = False) -> int:
    """Write one CSV file a table, with its header and perhaps example rows.

    Returns
    -------
    int
        Number of tables written.

    Raises
    ------
    UsageError
        The folder already holds files: filled tables are never overwritten.
    """
    _refuse_existing(Path(folder))
    with replaced_folder(folder, ()) as fresh:
        for name, table in tables().items():
            names = [column.name for column in columns_in_order(table)]
            rows = example_rows().get(name, ()) if example else ()
            with (fresh / f"{name}.csv").open(
                "w", newline="", encoding="utf-8"
            ) as file:
                writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
    return len(tables())


def write_xlsx_template(path: str | Path, *, example: bool = False) -> int:
    """Write a workbook with a sheet a table; headers say what a column means.

    Returns
    -------
    int
        Number of sheets for tables.

    Raises
    ------
    UsageError
        The file is there already, or does not end in .xlsx.
    """
    import xlsxwriter

    target = Path(path)
    if target.suffix.lower() != ".xlsx":
        message = f"--xlsx {path}: give a name that ends in .xlsx."
        raise UsageError(message)
    _refuse_existing(target)
    with replaced_file(target) as fresh:
        workbook = xlsxwriter.Workbook(str(fresh), {"in_memory": True})
        _write_readme(workbook)
        for name, table in tables().items():
            rows = example_rows().get(name, ()) if example else ()
            _write_sheet(workbook, table, rows)
        workbook.close()
    return len(tables())


def write_table_template(
    path: str | Path, table: Table, rows: Sequence[object] = ()
) -> None:
    """Write a workbook of one table alone, with perhaps example rows."""
    import xlsxwriter

    workbook = xlsxwriter.Workbook(str(path), {"in_memory": True})
    _write_sheet(workbook, table, rows)
    workbook.close()


def write_filled_sheets(path: str | Path, rows: Mapping[str, Sequence[object]]) -> None:
    """Write a workbook with a sheet for each table that has rows here."""
    import xlsxwriter

    workbook = xlsxwriter.Workbook(str(path), {"in_memory": True})
    for name, filled in rows.items():
        _write_sheet(workbook, tables()[name], filled)
    workbook.close()


def _refuse_existing(target: Path) -> None:
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        message = f"{target} is there already; a template overwrites nothing."
        raise UsageError(message)


def _write_readme(workbook: xlsxwriter.Workbook) -> None:
    sheet = workbook.add_worksheet(DOCUMENTATION)
    bold = workbook.add_format({"bold": True})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 22, wrapped)
    sheet.set_column(1, 1, 110, wrapped)
    lines = [("Medhavi tables", "One sheet a table. Point at a header to read it.")]
    lines += [("begin with", ", ".join(START_HERE))]
    lines += [("dark headers", "must be filled in each row; the others may stay empty")]
    lines += list(conventions().items())
    lines += [(name, table.meaning) for name, table in tables().items()]
    for place, (name, text) in enumerate(lines):
        sheet.write_string(place, 0, name, bold)
        sheet.write_string(place, 1, text)


def _write_sheet(
    workbook: xlsxwriter.Workbook, table: Table, rows: Sequence[object]
) -> None:
    sheet = workbook.add_worksheet(table.name)
    must = workbook.add_format({"bold": True, "bg_color": "#1f4e5f", "color": "white"})
    may = workbook.add_format({"bold": True, "bg_color": "#dbe7ea"})
    text = workbook.add_format({"num_format": "@"})
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(columns_in_order(table)):
        # Ids and instants are text: Excel must turn neither 0012 nor a date round.
        is_number = column.type in ("int", "float")
        width = max(10, len(column.name) + 2)
        sheet.set_column(place, place, width, None if is_number else text)
        sheet.write_string(0, place, column.name, must if column.required else may)
        sheet.write_comment(0, place, advice(column), {"x_scale": 2.5})
        choices = ["true", "false"] if column.type == "bool" else list(column.one_of)
        if choices and len(",".join(choices)) <= _EXCEL_LIST_LIMIT:
            sheet.data_validation(
                1, place, _LAST_ROW, place, {"validate": "list", "source": choices}
            )
        for number, row in enumerate(rows, start=1):
            value = row.get(column.name) if isinstance(row, dict) else None
            stated = number_of(value) if is_number else None
            if stated is not None:
                sheet.write_number(number, place, stated)
            elif value not in (None, ""):
                sheet.write_string(number, place, str(value))


def number_of(value: object) -> float | None:
    """Number of a cell, also of its text; None where it is none."""
    try:
        return float(str(value))
    except ValueError:
        return None
