"""How sure a plan is: chances of its demands, and its figures with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.display import Charted
from medhavi.errors import UsageError
from medhavi.results.amounts import percent, with_unit
from medhavi.results.plans.lateness import Verdict
from medhavi.results.plans.tables import COUNT, INSTANT, NUMBER, TEXT, shaped
from medhavi.snapshot.fingerprint import frame_hash, tree_hash
from medhavi.snapshot.reading.row_findings import nearest
from medhavi.units import iso

if TYPE_CHECKING:
    from medhavi.results.plans.tables import Schema

ON_TIME, LATE, COST = "on_time_in_full", "late_demands", "cost_of_lateness"
"""Figures: share of KPI-28, demands with a lateness, money as in KPI-33.lateness."""
UNITS = MappingProxyType({ON_TIME: "fraction", LATE: "count", COST: "currency"})
PLAN_RISK_SCHEMAS: Mapping[str, Schema] = MappingProxyType(
    {
        "demands": {
            "demand": TEXT,
            "due": INSTANT,
            "verdict": TEXT,
            "date": INSTANT,
            "on_time_prob": NUMBER,
            "p50": INSTANT,
            "p80": INSTANT,
            "p95": INSTANT,
            "cost": NUMBER,
            "expected_cost": NUMBER,
            "order": TEXT,
            "order_share": NUMBER,
        },
        "figures": {
            "week": pl.Date(),
            "figure": TEXT,
            "demands": COUNT,
            "planned": NUMBER,
            "p10": NUMBER,
            "p50": NUMBER,
            "p90": NUMBER,
        },
    }
)
"""`date` and `cost` are those of the plan, `expected_cost` the mean over the scenarios
[base currency]. `order`: id of the order that makes the demand late most often, with
its share of the scenarios in which it is late; null where only the plan does. `week`:
Monday of the week of the due date where the demand is; null: the whole plan."""

_KEYS = {"demands": ("demand",), "figures": ("figure", "week")}
NO_ESTIMATES = "no estimates in use: each interval is its point"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRisk(Charted):
    """What becomes of a plan where deliveries and transports take uncertain times.

    Parameters
    ----------
    tables
        Frames by the names of `PLAN_RISK_SCHEMAS`.
    as_of
        Now of the plan [UTC s].
    scenarios, seed
        How many were drawn, and of which draws.
    uncertain
        How many orders of the plan have a time that varies.
    currency
        Of all money.
    plan
        Id of the run of the plan.
    """

    tables: Mapping[str, pl.DataFrame]
    as_of: int
    scenarios: int
    seed: int
    uncertain: int
    currency: str = "EUR"
    plan: str = ""

    def __post_init__(self) -> None:
        frames = {
            name: shaped(name, self.tables[name], PLAN_RISK_SCHEMAS)
            for name in PLAN_RISK_SCHEMAS
        }
        object.__setattr__(self, "tables", MappingProxyType(frames))

    @property
    def demands(self) -> pl.DataFrame:
        """One row per demand that is planned for."""
        return self.tables["demands"]

    @property
    def figures(self) -> pl.DataFrame:
        """Figures of each week and of the whole plan with their intervals."""
        return self.tables["figures"]

    def weeks(self, name: str) -> pl.DataFrame:
        """One figure by week, in order."""
        weekly = self.figures.filter(pl.col("figure") == name)
        return weekly.filter(pl.col("week").is_not_null()).sort("week")

    def whole(self, name: str) -> dict[str, Any]:
        """One figure of the whole plan: demands, planned, p10, p50, p90."""
        rows = self.figures.filter(pl.col("week").is_null())
        return rows.row(by_predicate=pl.col("figure") == name, named=True)

    def of(self, demand: str) -> dict[str, Any]:
        """Row of one demand.

        Raises
        ------
        UsageError
            The plan does not plan for it.
        """
        known = self.demands["demand"]
        if demand not in known:
            near = nearest(demand, known.to_list())
            message = f"The plan plans for no demand {demand}{near}."
            raise UsageError(message)
        return self.demands.row(by_predicate=pl.col("demand") == demand, named=True)

    def at_risk(self, least: float) -> pl.DataFrame:
        """Demands that are on time by the plan, but with less than this probability.

        Those of the greatest expected cost of lateness come first.
        """
        return self.demands.filter(
            (pl.col("verdict") == Verdict.ON_TIME) & (pl.col("on_time_prob") < least)
        ).sort("expected_cost", "demand", descending=[True, False])

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all tables."""
        return tree_hash(
            {name: frame_hash(one, _KEYS[name]) for name, one in self.tables.items()}
        )

    def to_frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        return dict(self.tables)

    def to_json(self) -> dict[str, object]:
        """Answer of `medhavi kpi --forecast --json`."""
        return {
            "as_of": iso(self.as_of),
            "scenarios": self.scenarios,
            "seed": self.seed,
            "uncertain_orders": self.uncertain,
            "currency": self.currency,
            "figures": self.figures.to_dicts(),
            "demands": self.demands.to_dicts(),
            "fingerprint": self.fingerprint,
        }

    def __str__(self) -> str:
        """Summarize the three figures of the whole plan and what they rest on."""
        basis = f"{self.uncertain:,} orders with uncertain times"
        lines = [
            f"Execution risk: {self.scenarios:,} scenarios, "
            + (basis if self.uncertain else NO_ESTIMATES)
        ]
        for name in UNITS:
            told = self.whole(name)
            words = name.replace("_", " ").capitalize()
            planned, low, middle, high = (
                self.told(name, told[part]) for part in ("planned", "p10", "p50", "p90")
            )
            lines.append(
                f"  {words}: {planned} as planned, {middle} expected, "
                f"80 % between {low} and {high}"
            )
        return "\n".join(lines)

    def told(self, name: str, value: float | None) -> str:
        """Text of a value of a figure, with its unit."""
        if name == ON_TIME:
            return percent(value)
        return with_unit(value, self.currency if name == COST else "")
