"""A plan for other programs and for reading: workbook, CSV folder, one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medhavi.errors import NotAvailable, UsageError
from medhavi.results.spreadsheet_text import WORKBOOK_OPTIONS
from medhavi.workbench.safe_folder import replaced_file

if TYPE_CHECKING:
    from medhavi.results.plan import Plan
    from medhavi.snapshot import Snapshot

KINDS = ("xlsx", "csv", "html")
_MOST_ROWS = 1_048_575
"""Rows of a sheet below its header, Excel's limit."""


def export_plan(
    plan: Plan,
    path: str | Path,
    *,
    kind: str,
    snapshot: Snapshot | None = None,
    source: str = "",
    command: str = "",
    raw: bool = False,
) -> Path:
    """Write a plan, whole or not at all.

    Parameters
    ----------
    path
        File, or folder for csv.
    kind
        One of `KINDS`.
    snapshot
        What was planned; the page shows names and local times with it.
    source, command
        Where the data came from and how to plan it again, for the page.
    raw
        Texts of CSV files as they are; else an apostrophe stands before each that a
        spreadsheet would run as a formula.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    NotAvailable
        Another kind.
    UsageError
        A table has more rows than a sheet holds.
    """
    place = Path(path)
    if kind == "csv":
        from medhavi.workbench.tables_run import write_plan

        write_plan(plan, place, "csv", raw=raw)
    elif kind == "xlsx":
        _refuse_long_tables(plan)
        with replaced_file(place) as fresh:
            _write_workbook(plan, fresh)
    elif kind == "html":
        from medhavi.views.report import html

        text = html(plan, snapshot, source=source, command=command)
        with replaced_file(place) as fresh:
            fresh.write_text(text, "utf-8")
    else:
        message = f"export to {kind} is not built yet; there are {', '.join(KINDS)}."
        raise NotAvailable(message)
    return place


def _refuse_long_tables(plan: Plan) -> None:
    for name, frame in plan.tables.items():
        if frame.height > _MOST_ROWS:
            message = (
                f"Table {name} has {frame.height:,} rows, a sheet holds {_MOST_ROWS:,}. "
                "Export csv instead."
            )
            raise UsageError(message)


def _write_workbook(plan: Plan, path: Path) -> None:
    """Write a sheet a table; instants are UTC without a zone, as Excel knows none."""
    import polars as pl
    import xlsxwriter

    with xlsxwriter.Workbook(path, WORKBOOK_OPTIONS) as book:
        facts = book.add_worksheet("run")
        for place, (name, value) in enumerate(plan.run.as_dict().items()):
            facts.write_string(place, 0, name)
            facts.write_string(place, 1, "" if value is None else str(value))
        for name, frame in plan.tables.items():
            plain = frame.with_columns(
                pl.col(pl.Datetime("us", "UTC")).dt.replace_time_zone(None)
            )
            plain.write_excel(book, worksheet=name, autofit=frame.height < 1_000)
