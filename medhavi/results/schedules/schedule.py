"""The answer to a scheduling problem: who runs what, when, and how good that is.

Instants are UTC: start of the problem plus minutes, on the working axis too (rule 39).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi.display import Charted
from medhavi.findings import Finding
from medhavi.findings.groups import told_findings
from medhavi.results.amounts import percent
from medhavi.results.plans.folder import (
    INSTANT_TEXT,
    guarded,
    read_json,
    read_record,
    read_table,
    write_json,
)
from medhavi.results.plans.tables import COUNT, FLAG, INSTANT, NUMBER, TEXT, shaped
from medhavi.results.run_record import RunRecord
from medhavi.results.schedules.problem import ScheduleProblem
from medhavi.snapshot.fingerprint import frame_hash, tree_hash

if TYPE_CHECKING:
    from medhavi.results.plans.folder import Format
    from medhavi.results.plans.tables import Schema
    from medhavi.results.run_record import Status


SCHEDULE_SCHEMAS: Mapping[str, Schema] = MappingProxyType(
    {
        "operations": MappingProxyType(
            {
                "sales_order": TEXT,
                "step": COUNT,
                "name": TEXT,
                "resource": TEXT,
                "unit": COUNT,
                "start": INSTANT,
                "finish": INSTANT,
                "setup_start": INSTANT,
                "setup_minutes": NUMBER,
                "changeover_minutes": NUMBER,
                "changeover_cost": NUMBER,
                "run_minutes": NUMBER,
                "start_minutes": NUMBER,
                "finish_minutes": NUMBER,
                "setup_start_minutes": NUMBER,
                "fixed": FLAG,
            }
        ),
        "orders": MappingProxyType(
            {
                "order": TEXT,
                "product": TEXT,
                "customer": TEXT,
                "finish": INSTANT,
                "due": INSTANT,
                "late_minutes": NUMBER,
                "finish_minutes": NUMBER,
                "due_minutes": NUMBER,
                "weight": NUMBER,
            }
        ),
        "resources": MappingProxyType(
            {
                "resource": TEXT,
                "name": TEXT,
                "units": COUNT,
                "operations": COUNT,
                "run_minutes": NUMBER,
                "setup_minutes": NUMBER,
                "open_minutes": NUMBER,
                "idle_minutes": NUMBER,
                "utilization": NUMBER,
            }
        ),
        "objectives": MappingProxyType(
            {
                "place": COUNT,
                "objective": TEXT,
                "value": NUMBER,
                "bound": NUMBER,
                "gap": NUMBER,
                "proven": FLAG,
            }
        ),
        "conflict": MappingProxyType(
            {
                "kind": TEXT,
                "order": TEXT,
                "step": COUNT,
                "resource": TEXT,
                "text": TEXT,
            }
        ),
    }
)
"""`operations`: [start, finish) is the run. `setup_minutes` = changeover + own set-up,
which ends at or before start. `resources`: open time and idle time until the makespan,
of all units; utilization = run minutes / (makespan x units). `objectives`: in order of
importance; value and bound in minutes, orders, changeovers, money or squared minutes.
`conflict`: what cannot all hold."""

SCHEDULE_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "operations": ("sales_order", "step"),
        "orders": ("order",),
        "resources": ("resource",),
        "objectives": ("place",),
        "conflict": ("kind", "order", "step", "resource"),
    }
)


def _in_key_order(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    told = shaped(name, frame, SCHEDULE_SCHEMAS)
    return told.sort(SCHEDULE_KEYS[name], nulls_last=False).rechunk()


def table_of(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    """Make a table from rows."""
    frame = pl.DataFrame(rows, schema=dict(SCHEDULE_SCHEMAS[name]), orient="row")
    return _in_key_order(name, frame)


FILES = frozenset({*SCHEDULE_SCHEMAS, "run", "problem", "measured"})
"""What a folder of a schedule holds, without suffixes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Charted):
    """Operations on resources, with the proof that there is.

    Parameters
    ----------
    tables
        Frames by the names of `SCHEDULE_SCHEMAS`; an absent table has no rows.
    run
        How the schedule came about.
    findings
        What was found in the problem.
    measured
        Seconds: outside the fingerprint and every table.
    """

    problem: ScheduleProblem
    run: RunRecord
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    measured: Mapping[str, object] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        unknown = [name for name in self.tables if name not in SCHEDULE_SCHEMAS]
        if unknown:
            message = f"A schedule has no table {unknown[0]}."
            raise ValueError(message)
        frames = {
            name: _in_key_order(name, self.tables[name])
            if name in self.tables
            else table_of(name, [])
            for name in SCHEDULE_SCHEMAS
        }
        object.__setattr__(self, "tables", MappingProxyType(frames))

    def __getitem__(self, name: str) -> pl.DataFrame:
        """One table."""
        return self.tables[name]

    @property
    def operations(self) -> pl.DataFrame:
        """One row per step of an order."""
        return self.tables["operations"]

    @property
    def orders(self) -> pl.DataFrame:
        """End and lateness of each order."""
        return self.tables["orders"]

    @property
    def resources(self) -> pl.DataFrame:
        """Run, set-up and idle minutes of each resource."""
        return self.tables["resources"]

    @property
    def conflict(self) -> pl.DataFrame:
        """What cannot all hold; empty where a schedule exists."""
        return self.tables["conflict"]

    @property
    def status(self) -> Status:
        """What can be said about the schedule."""
        return self.run.status

    @property
    def objective(self) -> dict[str, float]:
        """Value of each objective, first counts most."""
        return self._figures("value")

    @property
    def bound(self) -> dict[str, float]:
        """Proven bound of each objective, given the values before it."""
        return self._figures("bound")

    @property
    def gap(self) -> dict[str, float | None]:
        """Gap of each objective to its bound (KPI-25); 0 is proven, None: that is 0."""
        return dict(self.tables["objectives"].select("objective", "gap").iter_rows())

    def _figures(self, column: str) -> dict[str, float]:
        rows = self.tables["objectives"].select("objective", column)
        return dict(rows.iter_rows())

    @property
    def makespan(self) -> float:
        """Minutes from start to the last finish; 0 without operations."""
        last = self.operations["finish_minutes"].max()
        return float(last) if isinstance(last, (int, float)) else 0.0

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all tables; measurements do not count."""
        return tree_hash(
            {
                name: frame_hash(frame, SCHEDULE_KEYS[name])
                for name, frame in self.tables.items()
            }
        )

    def with_measured(self, measured: Mapping[str, object]) -> Schedule:
        """Schedule with these measurements added."""
        return replace(self, measured={**self.measured, **measured})

    def replace(self, **tables: pl.DataFrame) -> Schedule:
        """Schedule with some tables exchanged."""
        return replace(self, tables={**self.tables, **tables})

    def to_frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        return dict(self.tables)

    def to_json(self) -> dict[str, object]:
        """Answer of `medhavi schedule --json`."""
        return {
            "status": str(self.status),
            "objective": self.objective,
            "bound": self.bound,
            "gap": self.gap,
            **{
                name: _json_rows(self.tables[name])
                for name in ("operations", "orders", "resources", "conflict")
            },
            "run": {**self.run.as_dict(), "fingerprint": self.fingerprint},
        }

    def to_folder(
        self,
        folder: str | Path,
        format: Format = "parquet",  # noqa: A002 - the public name, as in Plan
    ) -> Path:
        """Write tables, `run.json`, `problem.json` and `measured.json`."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        for name, frame in self.tables.items():
            if format == "csv":
                text = guarded(frame)
                text.write_csv(path / f"{name}.csv", datetime_format=INSTANT_TEXT)
            else:
                frame.write_parquet(path / f"{name}.parquet", compression="zstd")
        record = {
            **self.run.as_dict(),
            "fingerprint": self.fingerprint,
            "findings": [finding.as_dict() for finding in self.findings],
        }
        write_json(path / "run.json", record)
        write_json(path / "problem.json", self.problem.as_dict())
        write_json(path / "measured.json", dict(self.measured))
        return path

    @classmethod
    def from_folder(cls, folder: str | Path) -> Schedule:
        """Read a folder that `to_folder` wrote.

        Raises
        ------
        UsageError
            The folder holds no schedule.
        """
        path = Path(folder)
        record = read_record(path, "schedule", "schedule", "run.json", "problem.json")
        return cls(
            problem=ScheduleProblem.from_dict(read_json(path / "problem.json")),
            tables={
                name: read_table(path, name, schema)
                for name, schema in SCHEDULE_SCHEMAS.items()
            },
            run=RunRecord.from_dict(record),
            findings=told_findings(record.get("findings")),
            measured=read_json(path / "measured.json"),
        )

    def __str__(self) -> str:
        """Summary: status, objectives, the late orders or the conflict."""
        lines = [
            (
                f"Schedule {self.problem.name}: {self.status}, "
                f"{self.operations.height} operations of {self.orders.height} orders "
                f"on {self.resources.height} resources"
            )
        ]
        for row in self.tables["objectives"].iter_rows(named=True):
            gap = "bound 0" if row["gap"] is None else f"gap {percent(row['gap'])}"
            proof = "proven" if row["proven"] else gap
            lines.append(f"  {row['objective']}: {row['value']:,g} ({proof})")
        late = self.orders.filter(pl.col("late_minutes") > 0)
        worst = late.sort("late_minutes", "order", descending=[True, False]).head(3)
        lines += [
            f"  {order} is {minutes:,g} min late"
            for order, minutes in worst.select("order", "late_minutes").iter_rows()
        ]
        if self.conflict.height:
            lines.append("  These cannot all hold:")
            lines += [f"  - {text}" for text in self.conflict["text"]]
        lines.append(f"  {self.run}")
        return "\n".join(lines)


def _json_rows(frame: pl.DataFrame) -> list[dict[str, object]]:
    """Rows with instants as ISO 8601 text and whole numbers without a point."""
    texts = frame.with_columns(
        pl.col(column).dt.strftime(INSTANT_TEXT)
        for column, dtype in frame.schema.items()
        if isinstance(dtype, pl.Datetime)
    )
    return [
        {
            key: int(value)
            if isinstance(value, float) and value.is_integer()
            else value
            for key, value in row.items()
        }
        for row in texts.iter_rows(named=True)
    ]
