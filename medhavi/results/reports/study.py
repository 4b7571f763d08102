"""What a study or a hindsight found: runs and key figures, promises and what came.

Nothing here depends on when or how long runs took: a study run again is equal to the
byte.

Nothing here depends on when or how long it ran: equal logs give equal bytes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from medhavi.display import Charted
from medhavi.results.amounts import difference, figure, percent
from medhavi.results.plans.folder import read_record, write_frames, write_json
from medhavi.results.plans.tables import INSTANT
from medhavi.snapshot.reading.outside_file import read_written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.results.plans.folder import Format


RUNS: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "run": pl.String(),
        "scenario": pl.String(),
        "point": pl.String(),
        "planner": pl.String(),
        "seed": pl.Int64(),
        "status": pl.String(),
        "problem": pl.String(),
        "changes": pl.List(pl.String()),
        "plan_fingerprint": pl.String(),
        "snapshot_fingerprint": pl.String(),
    }
)
"""Columns of the runs, in the order of the study; `run` is the identity of the work."""

FIGURES: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "scenario": pl.String(),
        "point": pl.String(),
        "planner": pl.String(),
        "seed": pl.Int64(),
        "kpi": pl.String(),
        "name": pl.String(),
        "value": pl.Float64(),
        "unit": pl.String(),
        "compared": pl.Float64(),
        "difference": pl.Float64(),
    }
)
"""A row per run and key figure; `compared` is the value of the scenario compared to."""

_PLACE = ("point", "planner", "seed")
_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport(Charted):
    """The result of a study.

    Parameters
    ----------
    name, base, package_version
        Name of the study, fingerprint of its base snapshot, version of Medhavi.
    compare_to
        Scenario that the others are compared with; None: no comparison.
    runs, figures
        Tables as `RUNS` and `FIGURES` say.
    """

    name: str
    base: str
    package_version: str
    compare_to: str | None
    runs: pl.DataFrame = field(compare=False)
    figures: pl.DataFrame = field(compare=False)

    @classmethod
    def build(
        cls,
        *,
        name: str,
        base: str,
        package_version: str,
        compare_to: str | None,
        runs: Sequence[Mapping[str, object]],
        figures: Sequence[Mapping[str, object]],
    ) -> Self:
        """Put rows into tables and compare each figure with that of `compare_to`."""
        frame = pl.DataFrame(
            [{key: row.get(key) for key in FIGURES} for row in figures],
            schema=dict(FIGURES),
        )
        reference = frame.filter(
            pl.col("scenario").eq_missing(pl.lit(compare_to, pl.String))
        ).select(*_PLACE, "kpi", pl.col("value").alias("_reference"))
        compared = frame.join(
            reference, on=[*_PLACE, "kpi"], how="left", maintain_order="left"
        ).with_columns(
            pl.col("_reference").alias("compared"),
            (pl.col("value") - pl.col("_reference"))
            .round_sig_figs(_DIGITS)
            .alias("difference"),
        )
        return cls(
            name=name,
            base=base,
            package_version=package_version,
            compare_to=compare_to,
            runs=pl.DataFrame(
                [{key: row.get(key) for key in RUNS} for row in runs],
                schema=dict(RUNS),
            ),
            figures=compared.select(*FIGURES),
        )

    def to_frames(self) -> dict[str, pl.DataFrame]:
        """`runs`, `figures` and `table`, the figures side by side."""
        return {"runs": self.runs, "figures": self.figures, "table": self.table()}

    def table(self) -> pl.DataFrame:
        """One row a run: what it is, its status, and a column per key figure."""
        wide = self.runs.select("scenario", *_PLACE, "status", "run")
        names = self.figures["kpi"].unique(maintain_order=True).to_list()
        for name in names:
            part = self.figures.filter(pl.col("kpi") == name).select(
                "scenario", *_PLACE, pl.col("value").alias(name)
            )
            wide = wide.join(
                part, on=["scenario", *_PLACE], how="left", maintain_order="left"
            )
        return wide

    def to_folder(self, folder: str | Path, file_format: Format = "parquet") -> None:
        """Write `runs`, `figures`, `table` and study.json into a folder."""
        place = Path(folder)
        write_frames(place, self.to_frames(), file_format)
        write_json(place / "study.json", self.as_dict())

    @classmethod
    def from_folder(cls, folder: str | Path) -> Self:
        """Read what `to_folder` wrote as Parquet.

        Raises
        ------
        UsageError
            The folder holds no study.
        """
        place = Path(folder)
        facts = read_record(place, "study", "study run", "study.json")
        return cls(
            name=facts["name"],
            base=facts["base"],
            package_version=facts["package_version"],
            compare_to=facts["compare_to"],
            runs=read_written(place / "runs.parquet"),
            figures=read_written(place / "figures.parquet"),
        )

    def as_dict(self) -> dict[str, object]:
        """Facts of study.json."""
        return {
            "name": self.name,
            "base": self.base,
            "package_version": self.package_version,
            "compare_to": self.compare_to,
            "runs": self.runs.height,
        }

    def __str__(self) -> str:
        """Line a run: its key figures, and their distance from the compared."""
        lines = [f"study {self.name}: {self.runs.height} runs on base {self.base[:12]}"]
        for run in self.runs.iter_rows(named=True):
            figures = self.figures.filter(
                pl.all_horizontal(
                    pl.col(key) == run[key] for key in ("scenario", *_PLACE)
                )
            )
            words = ", ".join(_figure(row) for row in figures.iter_rows(named=True))
            point = f" {run['point']}" if run["point"] else ""
            lines.append(
                f"  {run['scenario']}{point} [{run['planner']}, seed {run['seed']}] "
                f"{run['status']}: {words or run['problem'].splitlines()[0]}"
            )
        return "\n".join(lines)


def _figure(row: Mapping[str, Any]) -> str:
    value, gap, unit = row["value"], row["difference"], row["unit"]
    if value is None:
        return f"{row['kpi']} undefined"
    apart = f" ({difference(gap, unit)})" if gap else ""
    return f"{row['kpi']} {figure(value, unit)}{apart}"


FACTS = "hindsight.json"

LINES: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "demand": pl.String(),
        "sales_order": pl.String(),
        "line": pl.Int64(),
        "customer": pl.String(),
        "tier": pl.String(),
        "product": pl.String(),
        "location": pl.String(),
        "qty": pl.Float64(),
        "due": INSTANT,
        "placed_at": INSTANT,
        "asked_at": INSTANT,
        "status": pl.String(),
        "option": pl.String(),
        "suppliers": pl.List(pl.String()),
        "on_time_prob": pl.Float64(),
        "date_prob": pl.Float64(),
        "date": INSTANT,
        "date_p50": INSTANT,
        "date_p80": INSTANT,
        "date_p95": INSTANT,
        "risk_basis": pl.String(),
        "model": pl.String(),
        "model_version": pl.String(),
        "promise": INSTANT,
        "promised_then": INSTANT,
        "delivered_at": INSTANT,
        "outcome": pl.String(),
        "met": pl.Boolean(),
        "met_then": pl.Boolean(),
        "on_time": pl.Boolean(),
        "days_off": pl.Float64(),
        "days_off_then": pl.Float64(),
    }
)
"""A row an order line.

`date` is the earliest that we would have said, `promise` the date that we would have
promised: the due date, or `date` where that is later; null where we would not have
promised all of it. `promised_then` is what was promised at the time. `outcome` is
delivered, overdue (not there, and every date has passed), open, changed, cancelled, or
unpromised. `met` and `met_then` say whether what was there by then kept the date,
`on_time` whether it kept the due date; null where nobody can say yet. `days_off` are
days from the promised date to delivery, negative where it was early.
"""

GROUPS: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "by": pl.String(),
        "name": pl.String(),
        "lines": pl.Int64(),
        "judged": pl.Int64(),
        "met": pl.Float64(),
        "met_said": pl.Float64(),
        "met_low": pl.Float64(),
        "met_high": pl.Float64(),
        "met_then": pl.Float64(),
        "bias_days": pl.Float64(),
        "bias_days_then": pl.Float64(),
        "error_days": pl.Float64(),
        "error_days_then": pl.Float64(),
        "on_time_said": pl.Float64(),
        "on_time": pl.Float64(),
        "brier": pl.Float64(),
    }
)
"""A row a group; `by` is all, customer, tier, product or supplier.

`met` is the share of judged lines that kept our date, with the 95 % interval of
Wilson, `met_said` the mean probability that was stated for that date; `bias_days` the
median and `error_days` the mean absolute distance of deliveries from the promised date,
of those that are there; `on_time_said` the mean stated probability of arrival by the
due date, `on_time` the share that was there by then, `brier` the mean squared gap of
the two. `_then`: the dates promised at the time.
"""

BINS: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "lines": pl.Int64(),
        "said": pl.Float64(),
        "happened": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
    }
)
"""Lines with a similar stated probability of being in time, and the share that was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HindsightReport(Charted):
    """The result of a hindsight.

    Parameters
    ----------
    name, package_version
        Name of the study, version of Medhavi.
    start, finish
        First and last day whose lines were asked again [ISO dates].
    known_at
        Up to when outcomes are known [UTC].
    tolerance_hours
        How much later than promised still counts as kept [h].
    lines, groups, bins
        Tables as `LINES`, `GROUPS` and `BINS` say.
    """

    name: str
    package_version: str
    start: str
    finish: str
    known_at: dt.datetime
    tolerance_hours: float
    lines: pl.DataFrame = field(compare=False)
    groups: pl.DataFrame = field(compare=False)
    bins: pl.DataFrame = field(compare=False)

    def to_frames(self) -> dict[str, pl.DataFrame]:
        """Tables by name."""
        return {"lines": self.lines, "groups": self.groups, "bins": self.bins}

    def overall(self) -> Mapping[str, Any]:
        """Row of all lines together."""
        row: Mapping[str, Any] = self.groups.filter(pl.col("by") == "all").to_dicts()[0]
        return row

    def to_folder(self, folder: str | Path, file_format: Format = "parquet") -> None:
        """Write the tables and hindsight.json into a folder."""
        place = Path(folder)
        write_frames(place, self.to_frames(), file_format)
        write_json(place / FACTS, self.as_dict())

    @classmethod
    def from_folder(cls, folder: str | Path) -> Self:
        """Read what `to_folder` wrote as Parquet.

        Raises
        ------
        UsageError
            The folder holds no hindsight.
        """
        place = Path(folder)
        facts = read_record(place, "hindsight", "study run", FACTS)
        return cls(
            name=facts["name"],
            package_version=facts["package_version"],
            start=facts["start"],
            finish=facts["finish"],
            known_at=dt.datetime.fromisoformat(facts["known_at"]),
            tolerance_hours=facts["tolerance_hours"],
            **{
                name: read_written(place / f"{name}.parquet")
                for name in ("lines", "groups", "bins")
            },
        )

    def as_dict(self) -> dict[str, object]:
        """Facts of hindsight.json."""
        return {
            "name": self.name,
            "package_version": self.package_version,
            "start": self.start,
            "finish": self.finish,
            "known_at": self.known_at.isoformat(),
            "tolerance_hours": self.tolerance_hours,
            "lines": self.lines.height,
        }

    def __str__(self) -> str:
        """What came out, in a few lines."""
        row = self.overall()
        head = (
            f"hindsight {self.name}: {row['lines']:,} lines from {self.start} to "
            f"{self.finish}, {row['judged']:,} judged"
        )
        if not row["judged"]:
            return f"{head}; none of them can be judged yet"
        band = f"{_share(row['met_low'])} to {_share(row['met_high'])}"
        then, days = _share(row["met_then"]), _days(row["bias_days_then"])
        said, was = _share(row["on_time_said"]), _share(row["on_time"])
        sure = _share(row["met_said"])
        return (
            f"{head}\n"
            f"  kept our date {_share(row['met'])} ({band}; stated {sure}), "
            f"the date promised at the time {then}\n"
            f"  median distance {_days(row['bias_days'])}, at the time {days}\n"
            f"  by the requested date: stated {said}, was {was}"
        )


def _share(value: float | None) -> str:
    return "unknown" if value is None else percent(value)


def _days(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.1f} d"
