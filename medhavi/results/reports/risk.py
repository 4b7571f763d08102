"""What a fixed schedule risks: the spread of its makespan and who may be late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi.display import Charted
from medhavi.findings import Finding
from medhavi.results.amounts import percent
from medhavi.results.plans.folder import read_record, write_json
from medhavi.results.plans.tables import COUNT, FLAG, NUMBER, TEXT
from medhavi.results.run_record import RunRecord
from medhavi.snapshot.fingerprint import frame_hash, tree_hash
from medhavi.snapshot.reading.outside_file import read_written

if TYPE_CHECKING:
    from medhavi.results.plans.tables import Schema

RISK_SCHEMAS: Mapping[str, Schema] = MappingProxyType(
    {
        "figures": {
            "nominal": NUMBER,
            "mean": NUMBER,
            "sd": NUMBER,
            "p50": NUMBER,
            "var95": NUMBER,
            "cvar95": NUMBER,
            "premium": NUMBER,
            "premium_low": NUMBER,
            "premium_high": NUMBER,
            "min": NUMBER,
            "max": NUMBER,
            "infeasible": COUNT,
        },
        "orders": {
            "order": TEXT,
            "due": NUMBER,
            "prob_late": NUMBER,
            "finish_p50": NUMBER,
            "finish_p95": NUMBER,
        },
        "scenarios": {"scenario": COUNT, "makespan": NUMBER, "possible": FLAG},
        "drivers": {
            "sales_order": TEXT,
            "step": COUNT,
            "name": TEXT,
            "resource": TEXT,
            "variance_share": NUMBER,
        },
    }
)
"""All times in minutes from start. `nominal`: makespan without any spread. `premium` =
(cvar95 - mean) / mean with its 95 % interval. `infeasible`: scenarios that found no
room in the windows; each counts with the worst makespan, and as late. `variance_share`:
squared correlation of a step's run with the makespan."""

_KEYS = {
    "figures": ("nominal",),
    "orders": ("order",),
    "scenarios": ("scenario",),
    "drivers": ("sales_order", "step"),
}
RISK_FILES = frozenset({*RISK_SCHEMAS, "run"})
_MAKESPAN = ("mean", "sd", "var95", "cvar95", "premium", "min", "max")


def risk_table(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    """Make a table from rows, sorted by its key."""
    frame = pl.DataFrame(rows, schema=dict(RISK_SCHEMAS[name]), orient="row")
    return frame.sort(_KEYS[name]).rechunk()


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskReport(Charted):
    """Spread of a schedule's makespan over common scenarios.

    Parameters
    ----------
    tables
        Frames by the names of `RISK_SCHEMAS`.
    run
        How it came about; bound, gap and status are those of the schedule, for a risk
        is worth no more than its plan (RSK-11).
    """

    tables: Mapping[str, pl.DataFrame]
    run: RunRecord
    name: str = ""
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", MappingProxyType(dict(self.tables)))

    def __getitem__(self, name: str) -> pl.DataFrame:
        """One table."""
        return self.tables[name]

    @property
    def figures(self) -> dict[str, float]:
        """Figures of the makespan by name [min]."""
        return self.tables["figures"].row(0, named=True)

    @property
    def orders(self) -> pl.DataFrame:
        """Probability late and finish of each order."""
        return self.tables["orders"]

    @property
    def makespans(self) -> pl.Series:
        """Makespan of every scenario [min]."""
        return self.tables["scenarios"]["makespan"]

    @property
    def drivers(self) -> pl.DataFrame:
        """Uncertain steps, the one that explains most first."""
        return self.tables["drivers"].sort(
            "variance_share", "sales_order", "step", descending=[True, False, False]
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all tables."""
        return tree_hash(
            {
                name: frame_hash(frame, _KEYS[name])
                for name, frame in self.tables.items()
            }
        )

    def to_frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        return dict(self.tables)

    def to_json(self) -> dict[str, object]:
        """Answer of `medhavi risk --json` (rule 42)."""
        figures = self.figures
        return {
            "makespan": {name: figures[name] for name in _MAKESPAN},
            "nominal": figures["nominal"],
            "median": figures["p50"],
            "premium_interval": [figures["premium_low"], figures["premium_high"]],
            "infeasible": figures["infeasible"],
            "scenarios": self.tables["scenarios"].height,
            "orders": self.orders.select(
                "order", "prob_late", "finish_p50", "finish_p95"
            ).to_dicts(),
            "drivers": self.drivers.to_dicts(),
            "run": {**self.run.as_dict(), "fingerprint": self.fingerprint},
        }

    def to_folder(self, folder: str | Path) -> Path:
        """Write tables as Parquet, and `run.json`."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        for name, frame in self.tables.items():
            frame.write_parquet(path / f"{name}.parquet", compression="zstd")
        record = {
            **self.run.as_dict(),
            "name": self.name,
            "fingerprint": self.fingerprint,
        }
        write_json(path / "run.json", record)
        return path

    @classmethod
    def from_folder(cls, folder: str | Path) -> RiskReport:
        """Read a folder that `to_folder` wrote.

        Raises
        ------
        UsageError
            The folder holds no such report.
        """
        path = Path(folder)
        files = "run.json", "scenarios.parquet"
        record = read_record(path, "risk report", "risk", *files)
        return cls(
            tables={n: read_written(path / f"{n}.parquet") for n in RISK_SCHEMAS},
            run=RunRecord.from_dict(record),
            name=str(record.get("name", "")),
        )

    def __str__(self) -> str:
        """Summarize makespan, premium, bound of the plan, the orders in danger."""
        found = self.figures
        words = self.run.bound_words()
        bound = f", {words}" if words else ""
        lines = [
            (
                f"Risk of {self.name}: {self.tables['scenarios'].height:,} scenarios, "
                f"{self.run.mode}"
            ),
            (
                f"  makespan {found['nominal']:,.0f} min as planned, mean "
                f"{found['mean']:,.0f}, 95 % within {found['var95']:,.0f}, "
                f"CVaR95 {found['cvar95']:,.0f}"
            ),
            (
                f"  premium {percent(found['premium'])} ({percent(found['premium_low'])} to "
                f"{percent(found['premium_high'])}); plan {self.run.status}{bound}"
            ),
        ]
        if found["infeasible"]:
            lines.append(
                f"  {found['infeasible']:,} scenarios find no room in the windows"
            )
        late = self.orders.filter(pl.col("prob_late") > 0)
        worst = late.sort("prob_late", "order", descending=[True, False]).head(3)
        lines += [
            f"  {order} is late in {percent(share)}"
            for order, share in worst.select("order", "prob_late").iter_rows()
        ]
        return "\n".join(lines)
