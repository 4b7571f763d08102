"""Plans as files for other programs and for reading: xlsx, csv, html."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import NotAvailable, UsageError
from medhavi.results.plan_tables import SCHEMAS
from medhavi.workbench.safe_folder import replaced_file
from medhavi.workbench.tables_run import write_plan

if TYPE_CHECKING:
    from pathlib import Path

    from medhavi.results.plan import Plan
    from medhavi.snapshot import Snapshot

KINDS = ("xlsx", "csv", "html")
_EXCEL_ROWS = 1_048_575
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


def export_plan(
    plan: Plan, place: str | Path, kind: str, snapshot: Snapshot | None = None
) -> None:
    """Write a plan, whole or not at all.

    Parameters
    ----------
    place
        File to write; a folder where `kind` is csv.
    kind
        xlsx (a sheet a table), csv (a file a table) or html (one page that needs no
        network).
    snapshot
        What the plan was made from; the page then names products and places.

    Raises
    ------
    UsageError
        The kind is unknown, or a table is too long for a sheet.
    """
    if kind == "pdf":
        message = "export to pdf is not built yet; html prints well."
        raise NotAvailable(message)
    if kind not in KINDS:
        message = f"A plan is exported to {', '.join(KINDS)}, not to {kind}."
        raise UsageError(message)
    if kind == "csv":
        write_plan(plan, place, "csv")
    elif kind == "xlsx":
        _write_workbook(plan, place)
    else:
        _write_page(plan, place, snapshot)


def _write_workbook(plan: Plan, place: str | Path) -> None:
    import xlsxwriter

    too_long = [name for name in SCHEMAS if plan[name].height > _EXCEL_ROWS]
    if too_long:
        message = (
            f"Table {too_long[0]} has {plan[too_long[0]].height:,} rows; a sheet holds "
            f"{_EXCEL_ROWS:,}. Export to csv."
        )
        raise UsageError(message)
    with replaced_file(place) as fresh:
        workbook = xlsxwriter.Workbook(str(fresh))
        for name in SCHEMAS:
            texts = _with_text_instants(plan[name])
            texts.write_excel(
                workbook,
                worksheet=name,
                freeze_panes=(1, 0),
                autofit=texts.height < 5000,
            )
        workbook.close()


def _with_text_instants(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn instants into ISO text: a sheet knows no time zone, and would shift them."""
    instants = [
        pl.col(name).dt.strftime(_INSTANT)
        for name, dtype in frame.schema.items()
        if dtype == pl.Datetime
    ]
    return frame.with_columns(instants)


def _write_page(plan: Plan, place: str | Path, snapshot: Snapshot | None) -> None:
    from medhavi.views.report import report_page

    page = report_page(plan, snapshot)
    with replaced_file(place) as fresh:
        fresh.write_text(page, "utf-8")
