"""Replenishment with the independent check, and its folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.replenishment.replenishing import replenish
from medhavi.results.spreadsheet_text import guarded
from medhavi.workbench.files.atomic_write import replaced_folder
from medhavi.workbench.files.tables_run import RESULT_NAMES, verify_or_refuse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from medhavi.planners.replenishment.replenishing import Replenishment
    from medhavi.snapshot import Snapshot

NAMES = RESULT_NAMES | {"monitor"}
"""What a folder of a replenishment holds."""


def replenish_verified(
    snapshot: Snapshot, settings: Mapping[str, object] | None = None
) -> Replenishment:
    """Replenish, verify and rate.

    Raises
    ------
    BadData
        The data has errors; all are named.
    VerificationFailed
        The plan breaks the levels it was made for, a defect of the planner.
    """
    from medhavi.results.figures.kpis import kpi_table

    found = replenish(snapshot, settings)
    verify_or_refuse(found.plan, found.wants)
    rated = found.plan.replace(kpis=kpi_table(found.plan, found.wants))
    return replace(found, plan=rated)


def write_replenishment(
    found: Replenishment, out: str | Path, file_format: str = "parquet"
) -> None:
    """Write the plan and the monitor, whole or not at all."""
    with replaced_folder(out, NAMES) as folder:
        monitor = found.monitor
        if file_format == "csv":
            found.plan.to_folder(folder, format="csv")
            text = monitor.with_columns(
                pl.col("need_date").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
            )
            guarded(text).write_csv(folder / "monitor.csv")
        else:
            found.plan.to_folder(folder)
            monitor.write_parquet(folder / "monitor.parquet")
