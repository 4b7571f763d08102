"""What a study found: one row a run, its key figures and how far they are apart.

Nothing here depends on when or how long runs took: a study run again is equal to the
byte.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from medhavi.display import Charted
from medhavi.errors import UsageError
from medhavi.results.amounts import difference, figure
from medhavi.results.plans.folder import read_json, write_frames, write_json
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
        if not (place / "study.json").is_file():
            message = (
                f"{place} holds no study.json; give the folder that "
                "`medhavi study run --out` wrote."
            )
            raise UsageError(message)
        facts = read_json(place / "study.json")
        compared = facts["compare_to"]
        return cls(
            name=str(facts["name"]),
            base=str(facts["base"]),
            package_version=str(facts["package_version"]),
            compare_to=None if compared is None else str(compared),
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
