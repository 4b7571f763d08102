"""A plan for other programs and for reading: workbook, CSV folder, one HTML page."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import polars as pl

from medhavi.errors import NotAvailable, UsageError
from medhavi.planners.replenishment.replenishing import replenish
from medhavi.results.plans.folder import WORKBOOK_OPTIONS, guarded, write_frames
from medhavi.results.plans.tables import INSTANT
from medhavi.workbench.files.atomic_write import replaced_file, replaced_folder
from medhavi.workbench.files.tables_run import RESULT_NAMES, verify_or_refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.planners.replenishment.replenishing import Replenishment
    from medhavi.planners.replenishment.safety_stock import SafetyStock
    from medhavi.results.pareto_front import ParetoFront
    from medhavi.results.plans.folder import Format
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


FRONT_NAMES = frozenset({"points", "programs", "objectives", "run"})
"""Files of a front; `--out` replaces a folder of these and its plans, no other."""
FRONT_PLANS = {"plans": RESULT_NAMES}
"""Folder of its plans, with the files of a plan."""


MODEL = ".mps.gz"
"""How the name of a written model ends."""


def write_model(
    snapshot: Snapshot, settings: Mapping[str, object], path: str | Path
) -> None:
    """Write the program of mode optimize as free MPS, compressed, whole or not at all.

    Raises
    ------
    BadData
        The data has errors; all are named.
    UsageError
        Settings that do not exist, or a name that does not end as such a file does.
    """
    from medhavi.optimize.problem import mps
    from medhavi.planners.master_plan.blocks import build
    from medhavi.planners.master_plan.master_run import built_run
    from medhavi.planners.master_plan.program_names import ProgramNames
    from medhavi.planners.master_plan.statement import state
    from medhavi.planners.parameters import OptimizeParameters

    if not str(path).endswith(MODEL):
        message = f"--write-model {path}: the name of a model ends in {MODEL}."
        raise UsageError(message)
    parameters = OptimizeParameters.from_mapping(settings)
    built = build(state(built_run(snapshot, parameters), parameters))
    named = ProgramNames(built)
    lines = mps(built.program, named.columns(), named.rows())
    # Without a name and a moment inside, the same program has the same bytes.
    with (
        replaced_file(path) as place,
        place.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
    ):
        packed.writelines(line.encode() for line in lines)


def write_front(front: ParetoFront, out: str | Path, file_format: str) -> None:
    """Write a front with its plans, whole or not at all."""
    kind = cast("Literal['parquet', 'csv']", file_format)
    with replaced_folder(out, FRONT_NAMES, FRONT_PLANS) as folder:
        front.to_folder(folder, format=kind)


def write_safety_stock(
    found: SafetyStock, out: str | Path, file_format: Format = "parquet"
) -> None:
    """Write places, the changed policies and the curve, whole or not at all."""
    frames = {
        "places": found.places,
        "inventory_policies": found.policies,
        "curve": found.curve,
    }
    with replaced_folder(out, frozenset(frames)) as folder:
        write_frames(folder, frames, file_format)
