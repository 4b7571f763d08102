"""Files of replenishment and trade-offs that other programs read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

import polars as pl

from medhavi.planners.replenishment.replenishing import replenish
from medhavi.progress import Progress
from medhavi.results.spreadsheet_text import guarded
from medhavi.workbench.files.atomic_write import replaced_folder
from medhavi.workbench.files.tables_run import RESULT_NAMES, verify_or_refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from medhavi.planners.replenishment.replenishing import Replenishment
    from medhavi.progress import Observe
    from medhavi.results.pareto_front import ParetoFront
    from medhavi.results.plans.plan import Plan
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


FRONT_NAMES = frozenset({"points", "objectives", "run"})
"""Files of a front; `--out` replaces a folder of these and its plans, no other."""


def trade_offs(
    snapshot: Snapshot,
    objectives: Sequence[str],
    points: int,
    *,
    settings: Mapping[str, object] | None = None,
    observe: Observe | None = None,
) -> ParetoFront:
    """Find efficient plans and verify each of them.

    A point whose plan does not verify stands without a plan, and `observe` is told.

    Raises
    ------
    BadData
        The data has errors; all are named.
    UsageError
        Objectives, points or settings that do not exist.
    """
    from medhavi.planners.master_plan.trade_offs import pareto
    from medhavi.results.verify import verify

    front = pareto(snapshot, objectives, points, settings=settings, observe=observe)
    kept: dict[int, Plan] = {}
    for point, plan in front.plans.items():
        found = verify(plan, snapshot)
        if not found:
            kept[point] = plan
        elif observe is not None:
            observe(Progress(f"point {point} has no plan: {found[0]}"))
    return replace(front, plans=kept)


def write_front(front: ParetoFront, out: str | Path, file_format: str) -> None:
    """Write a front with its plans, whole or not at all."""
    kind = cast("Literal['parquet', 'csv']", file_format)
    with replaced_folder(out, FRONT_NAMES, {"plans": RESULT_NAMES}) as folder:
        front.to_folder(folder, format=kind)
