"""Gold: plans that were made and what was learned. The only writer of gold.

A run's rows go to one Delta table per result table, each append in one transaction with
the run's key, so that a repeated attempt writes nothing twice. The row in `plan_runs`
comes last, and readers show only the runs that have one: a run is whole or not there.
"""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import UsageError
from medhavi.events.memory import system_clock
from medhavi.findings.groups import told_findings
from medhavi.lakehouse.layout import environment, has_table
from medhavi.lakehouse.query import FileTable
from medhavi.results.identity import REGISTER, new_numbers
from medhavi.results.plans.plan import Plan
from medhavi.results.plans.tables import KEYS, SCHEMAS
from medhavi.results.run_record import Basis, RunRecord
from medhavi.schema import tables as schema_tables
from medhavi.snapshot.fingerprint import frame_hash
from medhavi.snapshot.tables import DTYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from medhavi.lakehouse.layout import LakeLayout, LocalTable

NUMBERS = "order_numbers"
"""Register of the numbers of planned orders: one row an order, for good (rule 44)."""
BASES = "plan_bases"
"""What plans were made from, and what a search found: plans on them need both."""
_INSTANT = pl.Datetime("us", "UTC")
_RUNS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "planner": pl.String(),
    "mode": pl.String(),
    "status": pl.String(),
    "as_of": _INSTANT,
    "package_version": pl.String(),
    "snapshot_fingerprint": pl.String(),
    "fingerprint": pl.String(),
    "seed": pl.Int64(),
    "bound": pl.Float64(),
    "gap": pl.Float64(),
    "repeatable": pl.Boolean(),
    "settings": pl.String(),
    "effort": pl.String(),
    "tables": pl.String(),
    "findings": pl.String(),
    "netting": pl.String(),
    "engine": pl.String(),
    "program": pl.String(),
    "steps": pl.String(),
    "budgets": pl.String(),
    "recorded_at": _INSTANT,
}
_OF_RUN = ("settings", "effort", "program", "steps", "budgets")
"""Columns of a run that hold JSON."""
_BASES: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "basis": pl.Binary(),
    "schedule": pl.Binary(),
}
GOLD_TABLES: Mapping[str, Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "plan_runs": _RUNS,
        # Frames as Arrow holds them: nobody asks for their rows.
        BASES: _BASES,
        # A batch is one append: whole or not there.
        "estimates": {"run_id": pl.String(), **DTYPES["estimates"]},
        # The run is the one that was recorded first with the order.
        NUMBERS: {"run_id": pl.String(), **REGISTER},
        **{
            table: {"run_id": pl.String(), **columns}
            for table, columns in SCHEMAS.items()
        },
    }
)
"""Columns of each gold table."""
_SINGLE = frozenset({"plan_runs", "estimates", NUMBERS})
"""Tables of which a run writes all its rows in one append."""
_written_last: dict[Path, tuple[str, object, Plan]] = {}
"""By lake, the run that this process recorded last, when, and its plan.

Plans on it find there what was read for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldRows:
    """Where one table of a run lies, what it must hash to, how many rows it has."""

    name: str
    uri: str
    hash: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """A run in gold; `written` is False where it was there before.

    `plan` is the one that was given, its planned orders under the lake's numbers.
    """

    run_id: str
    written: bool
    tables: tuple[GoldRows, ...]
    plan: Plan


def write(layout: LakeLayout, plan: Plan) -> RecordedRun:
    """Keep a plan; the same plan is kept once.

    The schedule of one that an earlier release recorded without it is added. Who makes
    the same plan at the same time waits, and finds it there.

    Raises
    ------
    EnvironmentFailure
        The disk or folder fails; no part of the run is visible then, and writing it
        again goes on where it stopped.
    """
    path = layout.gold("plan_runs")
    with environment("writing gold plan_runs", path), _alone(path):
        return _written(layout, plan)


def _written(layout: LakeLayout, plan: Plan) -> RecordedRun:
    fingerprint = plan.fingerprint
    runs = _runs(layout)
    run_id = _run_id(runs, plan.run.run_id, fingerprint)
    plan = _numbered(layout, plan, run_id)
    tables = tuple(
        GoldRows(
            name=name,
            uri=f"gold/{name}?run_id={run_id}",
            hash=frame_hash(frame, KEYS[name]),
            rows=frame.height,
        )
        for name, frame in plan.tables.items()
    )
    if run_id in runs["run_id"]:
        _keep_schedule(layout, run_id, plan.basis)
        return RecordedRun(run_id=run_id, written=False, tables=tables, plan=plan)
    for name, frame in plan.tables.items():
        _append_once(layout, name, run_id, frame)
    if plan.basis is not None:
        _append_once(layout, BASES, run_id, _basis_row(plan.basis))
    row = _run_row(plan, fingerprint, tables)
    _append_once(layout, "plan_runs", run_id, row)
    _written_last[layout.root] = run_id, row["recorded_at"][0], plan
    return RecordedRun(run_id=run_id, written=True, tables=tables, plan=plan)


def _numbered(layout: LakeLayout, plan: Plan, run_id: str) -> Plan:
    """Put numbers on the planned orders; what has none gets the next one for good.

    One writer at a time: two runs never give one number twice. A kill between this and
    the run itself leaves numbers that the repeated attempt finds.
    """
    from deltalake import write_deltalake

    from medhavi.lakehouse.layout import LocalTable

    path = layout.gold(NUMBERS)
    with environment(f"writing gold {NUMBERS}", path), _alone(path):
        register = read(layout, NUMBERS).select(list(REGISTER)).collect()
        fresh = new_numbers(plan.supplies, register)
        if fresh.height:
            rows = fresh.select(pl.lit(run_id).alias("run_id"), pl.all())
            LocalTable.made(path, rows.to_arrow().schema)
            write_deltalake(str(path), rows, mode="append")
    return plan.numbered(pl.concat([register, fresh]))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process writes, or gives numbers."""
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f".{path.name}.lock").open("a") as handle:
        # The lock goes with the handle, whatever ends the process.
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def write_estimates(layout: LakeLayout, rows: pl.DataFrame) -> GoldRows:
    """Keep a batch of estimates; the same rows are kept once.

    Parameters
    ----------
    rows
        Columns of table `estimates`.

    Raises
    ------
    EnvironmentFailure
        The disk or folder fails.
    """
    digest = frame_hash(rows, schema_tables()["estimates"].key)
    path = layout.gold("estimates")
    with environment("writing gold estimates", path), _alone(path):
        _append_once(layout, "estimates", digest[:16], rows)
    return GoldRows(
        name="estimates",
        uri=f"gold/estimates?run_id={digest[:16]}",
        hash=digest,
        rows=rows.height,
    )


def _run_id(runs: pl.DataFrame, run_id: str, fingerprint: str) -> str:
    """Name under which a run is kept.

    Equal input gives the equal run id. Where the planner has changed meanwhile, the
    result of the same input may differ; both are kept.
    """
    other = runs.filter(
        (pl.col("run_id") == run_id) & (pl.col("fingerprint") != fingerprint)
    )
    return f"{run_id}.{fingerprint[:8]}" if other.height else run_id


def _run_row(
    plan: Plan, fingerprint: str, tables: tuple[GoldRows, ...]
) -> pl.DataFrame:
    facts = plan.run.as_dict()
    moment = None if plan.run.as_of is None else plan.run.as_of * 1_000_000
    row = {
        **{name: facts[name] for name in _RUNS if name in facts},
        "as_of": moment,
        "fingerprint": fingerprint,
        **{name: _json(facts[name]) for name in _OF_RUN},
        "tables": _json({table.name: table.hash for table in tables}),
        "findings": _json([found.as_dict() for found in plan.findings]),
        "recorded_at": system_clock(),
    }
    schema = {name: kind for name, kind in _RUNS.items() if name != "run_id"}
    return pl.DataFrame([row], schema=schema, orient="row")


def _basis_row(basis: Basis) -> pl.DataFrame:
    def packed(frame: pl.DataFrame | None) -> bytes | None:
        if frame is None:
            return None
        content = io.BytesIO()
        frame.write_ipc(content, compression="zstd")
        return content.getvalue()

    row = (packed(basis.to_frame()), packed(basis.schedule))
    schema = {name: kind for name, kind in _BASES.items() if name != "run_id"}
    return pl.DataFrame([row], schema=schema, orient="row")


def _keep_schedule(layout: LakeLayout, run_id: str, basis: Basis | None) -> None:
    """Replace what a recorded plan was made from where its schedule differs."""
    from deltalake import write_deltalake

    from medhavi.lakehouse.layout import LocalTable

    if basis is None or basis.schedule is None:
        return
    known = basis_of(layout, run_id)
    schedule = None if known is None else known.schedule
    if schedule is not None and schedule.equals(basis.schedule):
        return
    path = layout.gold(BASES)
    row = _basis_row(basis).select(pl.lit(run_id).alias("run_id"), pl.all())
    with environment(f"writing gold {BASES}", path):
        write_deltalake(
            LocalTable.made(path, row.to_arrow().schema),
            row,
            mode="overwrite",
            predicate=f"run_id = '{run_id}'",
        )
    _written_last.pop(layout.root, None)


def basis_of(layout: LakeLayout, run_id: str) -> Basis | None:
    """What a recorded plan was made from; None where its version did not keep it."""
    kept = read(layout, BASES).filter(pl.col("run_id") == run_id).collect()
    if kept.is_empty():
        return None
    basis, schedule = kept.row(0)[1:]
    found = Basis.from_frame(pl.read_ipc(io.BytesIO(basis)))
    if schedule is None:
        return found
    return replace(found, schedule=pl.read_ipc(io.BytesIO(schedule)))


def read_plan(layout: LakeLayout, run_id: str) -> Plan:
    """Plan of a recorded run, with all that plans on it need.

    Raises
    ------
    UsageError
        No complete run has this id.
    """
    rows = _runs(layout).filter(pl.col("run_id") == run_id).to_dicts()
    if not rows:
        message = f"No run {run_id} is recorded."
        raise UsageError(message)
    run, recorded_at, written = _written_last.get(layout.root, ("", None, None))
    if written is not None and (run, recorded_at) == (run_id, rows[0]["recorded_at"]):
        return written
    told = {name: value for name, value in rows[0].items() if value is not None}
    told |= {name: json.loads(told.get(name, "null")) for name in _OF_RUN}
    told["as_of"] = None if "as_of" not in told else told["as_of"].isoformat()
    tables = {
        name: _stored(layout, name)
        .filter(pl.col("run_id") == run_id)
        .drop("run_id")
        .collect()
        for name in SCHEMAS
    }
    return Plan(
        tables=tables,
        run=RunRecord.from_dict(told),
        findings=told_findings(json.loads(told.get("findings", "[]"))),
        basis=basis_of(layout, run_id),
    )


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _append_once(
    layout: LakeLayout, table: str, run_id: str, frame: pl.DataFrame
) -> None:
    """Append a run's rows unless this table has them already."""
    from deltalake import CommitProperties, Transaction, write_deltalake

    from medhavi.lakehouse.layout import LocalTable

    path = layout.gold(table)
    rows = frame.select(
        pl.lit(run_id).alias("run_id"),
        *(
            pl.col(name).cast(kind)
            for name, kind in GOLD_TABLES[table].items()
            if name != "run_id"
        ),
    )
    with environment(f"writing gold {table}", path):
        target = LocalTable.made(path, rows.to_arrow().schema)
        key = f"medhavi/run/{run_id}"
        if rows.is_empty() or target.transaction_version(key) is not None:
            return
        write_deltalake(
            target,
            rows,
            mode="append",
            schema_mode="merge",
            commit_properties=CommitProperties(app_transactions=[Transaction(key, 1)]),
        )


def read(layout: LakeLayout, table: str) -> pl.LazyFrame:
    """Rows of all complete runs, with the run's id first."""
    rows = _stored(layout, table)
    if table in _SINGLE:
        return rows
    complete = _stored(layout, "plan_runs").select("run_id")
    return rows.join(complete, on="run_id", how="semi")


def _stored(layout: LakeLayout, table: str) -> pl.LazyFrame:
    """Rows of all runs, complete or not."""
    delta = _open(layout, table)
    if delta is None:
        return pl.LazyFrame(schema=dict(GOLD_TABLES[table]))
    stored = pl.scan_delta(delta)
    there = stored.collect_schema()
    # Earlier versions wrote fewer columns.
    return stored.select(
        pl.col(name) if name in there else pl.lit(None, dtype=kind).alias(name)
        for name, kind in GOLD_TABLES[table].items()
    )


def files(layout: LakeLayout, table: str) -> FileTable | None:
    """Files of a table for SQL; None where nothing is recorded."""
    delta = _open(layout, table)
    runs = delta if table in _SINGLE else _open(layout, "plan_runs")
    if delta is None or runs is None or not delta.file_uris():
        return None
    keep = None if table in _SINGLE else tuple(runs.file_uris())
    return FileTable(files=tuple(delta.file_uris()), keep=keep)


def _runs(layout: LakeLayout) -> pl.DataFrame:
    with environment("reading gold plan_runs", layout.gold("plan_runs")):
        return read(layout, "plan_runs").collect()


def _open(layout: LakeLayout, table: str) -> LocalTable | None:
    from medhavi.lakehouse.layout import LocalTable

    path = layout.gold(table)
    if not has_table(path):
        return None
    with environment(f"reading gold {table}", path):
        return LocalTable(str(path))
