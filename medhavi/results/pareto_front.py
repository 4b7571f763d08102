"""Trade-offs between objectives: efficient points, each with its plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.display import Charted
from medhavi.errors import UsageError
from medhavi.results.amounts import percent, with_unit
from medhavi.results.plans.folder import guarded, write_json
from medhavi.results.plans.money_parts import BUDGETS
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import RunRecord
from medhavi.snapshot.fingerprint import frame_hash, tree_hash
from medhavi.snapshot.reading.outside_file import read_written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medhavi.results.plans.folder import Format

    Floats = NDArray[np.float64]


OBJECTIVES: Mapping[str, str] = MappingProxyType(
    {
        "cost": "making, buying, moving, holding, overtime",
        "lateness": "cost of late and missing deliveries",
        "co2": "emissions of new orders",
        "inventory": "mean value of stock",
        "overtime": "work outside of open hours, at its price",
        "churn": "planned orders of the baseline that do not stay as they are",
    }
)
"""What plans are traded between, with what each means."""
USUAL = ("cost", "lateness", "co2", "inventory")
"""Objectives that are traded where none are named."""
LEAST_OBJECTIVES, MOST_OBJECTIVES = 2, 4
CHURN = "churn"

POINT: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "point": pl.Int64(),
        **{name: pl.Float64() for name in OBJECTIVES},
        "program": pl.Int64(),
        "plan": pl.String(),
        "late_demands": pl.Int64(),
        "on_time_in_full": pl.Float64(),
    }
)
"""Columns of the points: what the plan comes to by its scorecard, and the program that
guides it; null: none of them does. Churn is null without a baseline."""
PROGRAM: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "program": pl.Int64(),
        **{name: pl.Float64() for name in OBJECTIVES if name != CHURN},
        "shortage": pl.Float64(),
        "limited": pl.String(),
        "limit": pl.Float64(),
    }
)
"""Columns of the programs: values of their objectives, and which of them was capped.

A program decides amounts, no orders: it has no churn."""
OBJECTIVE: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "objective": pl.String(),
        "unit": pl.String(),
        "meaning": pl.String(),
        "best": pl.Float64(),
        "worst": pl.Float64(),
        "chosen": pl.Boolean(),
    }
)
"""Columns of the objectives; best and worst are those among the points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoFront(Charted):
    """Efficient plans of one snapshot.

    Parameters
    ----------
    points
        One row per plan that no other one beats, columns `POINT`, by the first
        objective; values are those of the plans.
    programs
        One row per efficient point of the program, columns `PROGRAM`: no plans.
    objectives
        What was traded, columns `OBJECTIVE`.
    plans
        Plan of each point.
    run
        How the front came about.
    """

    points: pl.DataFrame
    programs: pl.DataFrame
    objectives: pl.DataFrame
    run: RunRecord
    plans: Mapping[int, Plan] = field(default_factory=dict)

    def to_frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        return {
            "points": self.points,
            "programs": self.programs,
            "objectives": self.objectives,
        }

    def plan(self, point: int) -> Plan:
        """Plan of a point.

        Raises
        ------
        KeyError
            There is no such point, or the front was made without plans.
        """
        return self.plans[point]

    @property
    def units(self) -> dict[str, str]:
        """Unit of each objective, and of what budgets are about besides."""
        units = dict(self.objectives.select("objective", "unit").iter_rows())
        money = units.get("cost", "")
        return {**units, **dict.fromkeys(set(BUDGETS) - set(OBJECTIVES), money)}

    @property
    def chosen(self) -> list[str]:
        """Names of the objectives that were traded."""
        return list(self.objectives.filter("chosen")["objective"])

    @property
    def budgets(self) -> dict[str, float]:
        """The most that its plans were asked to come to, by name."""
        most: dict[str, float] = dict(self.run.settings.get("budgets") or {})  # type: ignore[call-overload]
        return most

    @property
    def told(self) -> list[str]:
        """Names of the objectives to show: the usual ones, and what is traded or known.

        Overtime that no plan works is no news.
        """
        return [
            name
            for name in OBJECTIVES
            if name in {*USUAL, *self.chosen}
            or (self.points[name].fill_null(0.0) != 0).any()
        ]

    @property
    def hypervolume(self) -> float | None:
        """Share of the box of the traded objectives that some plan beats [fraction].

        From the best to the worst value of each among the points, where they differ;
        see `hypervolume_share`.
        """
        return hypervolume_share(self.points, self.chosen)

    def knee(self, x: str | None = None, y: str | None = None) -> int | None:
        """Point where giving up more x begins to buy little y; see `knee`.

        Parameters
        ----------
        x, y
            Names of objectives; of those not named, the first two that were traded.
        """
        first, second, *_ = self.chosen
        return knee(self.points, x or first, y or second)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the tables."""
        return tree_hash(
            {
                "points": frame_hash(self.points, ("point",)),
                "programs": frame_hash(self.programs, ("program",)),
                "objectives": frame_hash(self.objectives, ("objective",)),
            }
        )

    def to_folder(
        self,
        folder: str | Path,
        format: Format = "parquet",  # noqa: A002 - the public name, as in Plan
    ) -> Path:
        """Write the tables, `run.json`, and each plan under `plans/<point>`.

        Returns
        -------
        Path
            The folder.
        """
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        for name, frame in self.to_frames().items():
            if format == "csv":
                guarded(frame).write_csv(path / f"{name}.csv")
            else:
                frame.write_parquet(path / f"{name}.parquet")
        write_json(path / "run.json", self.run_json())
        for point, plan in sorted(self.plans.items()):
            plan.to_folder(path / "plans" / str(point), format=format)
        return path

    @classmethod
    def from_folder(cls, folder: str | Path) -> ParetoFront:
        """Read what `to_folder` wrote as Parquet, with all its plans.

        Raises
        ------
        UsageError
            Another release wrote it, with other columns.
        """
        import json

        path = Path(folder)
        record = json.loads((path / "run.json").read_text("utf-8"))
        points = read_written(path / "points.parquet")
        programs = read_written(path / "programs.parquet")
        if (points.schema, programs.schema) != (dict(POINT), dict(PROGRAM)):
            message = (
                f"{path} was written by another release: run medhavi pareto again."
            )
            raise UsageError(message)
        places = sorted((path / "plans").glob("*"), key=lambda place: place.name)
        return cls(
            points=points,
            programs=programs,
            objectives=read_written(path / "objectives.parquet"),
            run=RunRecord.from_dict(record),
            plans={int(place.name): Plan.from_folder(place) for place in places},
        )

    def run_json(self) -> dict[str, object]:
        """Content of `run.json`."""
        return {
            **self.run.as_dict(),
            "fingerprint": self.fingerprint,
            "hypervolume": self.hypervolume,
        }

    def __str__(self) -> str:
        """Line per point."""
        units = self.units
        chosen = self.chosen
        told = "plan" if self.points.height == 1 else "plans"
        front = (
            f"{self.points.height} {told} that no other beats in {', '.join(chosen)}"
        )
        guides = "program" if self.programs.height == 1 else "programs"
        lines = [str(self.run), f"{front}, guided by {self.programs.height} {guides}"]
        if most := self.budgets:
            limits = [f"{one} {with_unit(most[one], units[one])}" for one in most]
            lines.append(f"each keeps the budgets: at most {', '.join(limits)}")
        for row in self.points.iter_rows(named=True):
            parts = [f"{name} {with_unit(row[name], units[name])}" for name in chosen]
            service = row["on_time_in_full"]
            if service is not None:
                parts.append(f"on time {percent(service)}")
            lines.append(f"  {row['point']}: {', '.join(parts)}")
        if self.hypervolume is not None:
            lines.append(
                f"hypervolume {percent(self.hypervolume)} of the box of these plans"
            )
        middle = self.knee()
        if middle is not None:
            lines.append(f"knee between {' and '.join(chosen[:2])}: {middle}")
        return "\n".join(lines)


DECIMALS = 2
"""Plans whose objectives are equal to so many decimals of their units are one."""
_FEW = 3


def edge(points: pl.DataFrame, x: str, y: str) -> pl.DataFrame:
    """Points that no other beats in two objectives, by the first of them."""
    rows = points.sort(x, y, "point")
    best_before = rows[y].cum_min().shift(1)
    return rows.filter((pl.lit(best_before).is_null()) | (rows[y] < best_before))


def knee(points: pl.DataFrame, x: str, y: str) -> int | None:
    """Point where giving up more x begins to buy little y.

    The point that lies farthest below the straight line between the two ends of the
    front (Das 1999, doi:10.1007/s001580050111); None for fewer than three points.
    """
    rows = edge(points, x, y)
    if rows.height < _FEW:
        return None
    first, last = rows.row(0, named=True), rows.row(-1, named=True)
    wide, high = last[x] - first[x], first[y] - last[y]
    if wide <= 0 or high <= 0:
        return None
    below = [
        (1 - (row[x] - first[x]) / wide - (row[y] - last[y]) / high, -row["point"])
        for row in rows.iter_rows(named=True)
    ]
    best = max(below)
    return -best[1] if best[0] > 0 else None


def hypervolume_share(points: pl.DataFrame, names: Sequence[str]) -> float | None:
    """Share of the box between best and worst values that some point beats [fraction].

    The nearer to 1, the less of one objective costs of another. The box has the
    objectives in which the points differ: one that is equal everywhere is not traded.
    None where the points differ in fewer than two: there is no box.
    """
    values = points.select(names).to_numpy()
    if not len(values):
        return None
    best, worst = values.min(axis=0), values.max(axis=0)
    differ = worst.round(DECIMALS) > best.round(DECIMALS)
    if differ.sum() < LEAST_OBJECTIVES:
        return None
    shares = (values - best)[:, differ] / (worst - best)[differ]
    return hypervolume(shares, np.ones(shares.shape[1]))


def hypervolume(values: Floats, reference: Floats) -> float:
    """Volume of what some row beats, up to a reference: the larger, the better.

    Zitzler and Thiele 1999, doi 10.1109/4235.797969; sliced along the last objective
    (While et al. 2006, doi 10.1109/TEVC.2005.851275). Exact; some dozen points of few
    objectives, for it takes time that grows with their powers.

    Parameters
    ----------
    values
        Objectives to be small, shape (points, objectives).
    reference
        Worst value of each objective, shape (objectives,); rows beyond it count
        nothing there.

    Examples
    --------
    >>> hypervolume(np.array([[0.0, 2.0], [1.0, 1.0]]), np.array([2.0, 3.0]))
    3.0
    """
    inside = values[(values < reference).all(axis=1)]
    if not len(inside):
        return 0.0
    if inside.shape[1] == 1:
        return float(reference[0] - inside.min())
    order = np.argsort(inside[:, -1], kind="stable")
    inside = inside[order]
    ends = np.append(inside[1:, -1], reference[-1])
    return sum(
        float(end - row[-1]) * hypervolume(inside[: place + 1, :-1], reference[:-1])
        for place, (row, end) in enumerate(zip(inside, ends, strict=True))
        if end > row[-1]
    )
