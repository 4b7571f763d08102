"""A plan for other programs and for reading: workbook, CSV folder, one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import NotAvailable, UsageError
from medhavi.results.plans.tables import INSTANT
from medhavi.results.spreadsheet_text import WORKBOOK_OPTIONS
from medhavi.workbench.files.atomic_write import replaced_file

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
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
        from medhavi.workbench.files.tables_run import write_plan

        write_plan(plan, place, "csv", raw=raw)
    elif kind == "xlsx":
        _refuse_long_tables(plan)
        with replaced_file(place) as fresh:
            _write_workbook(plan, fresh, snapshot)
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


def _write_workbook(plan: Plan, path: Path, snapshot: Snapshot | None) -> None:
    """Write a sheet a table; headers name the zone, as Excel's instants have none."""
    import xlsxwriter

    from medhavi.views.names import names_of

    with xlsxwriter.Workbook(path, WORKBOOK_OPTIONS) as book:
        facts = book.add_worksheet("run")
        for place, (name, value) in enumerate(plan.run.as_dict().items()):
            facts.write_string(place, 0, name)
            facts.write_string(place, 1, "" if value is None else str(value))
        zone = plan.locale.zone if snapshot is None else names_of(snapshot).zone
        facts.write_string(len(plan.run.as_dict()), 0, "zone of all instants")
        facts.write_string(len(plan.run.as_dict()), 1, zone)
        for name, frame in plan.tables.items():
            plain = _for_people(name, frame, plan, zone)
            plain.write_excel(book, worksheet=name, autofit=frame.height < 1_000)


def _for_people(name: str, frame: pl.DataFrame, plan: Plan, zone: str) -> pl.DataFrame:
    """Rows of a sheet: wall clocks of one named zone, orders by their numbers."""
    clocks = [column for column, kind in frame.schema.items() if kind == INSTANT]
    told = frame.with_columns(
        pl.col(clocks).dt.convert_time_zone(zone).dt.replace_time_zone(None)
    ).rename({column: f"{column} ({zone})" for column in clocks})
    if name != "supplies" and "supply" in told.columns:
        numbers = plan.supplies.select("number", supply="id")
        told = (
            told.join(numbers, on="supply", how="left", maintain_order="left")
            .with_columns(supply=pl.coalesce("number", "supply"))
            .drop("number")
        )
    return told.drop("id", "content_hash", strict=False)
