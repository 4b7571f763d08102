"""A scenario beside the plan of the tables as they are: figures, dates and orders.

All figures are those of the two plans (KPI-01, KPI-05, KPI-28, KPI-33, verdicts), so
that a page, a study and a notebook show the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.results.difference import same_orders
from medhavi.results.plans.lateness import outcomes, tally
from medhavi.results.plans.money_parts import PARTS

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

SCORECARD = "KPI-33"
COST_PARTS: Mapping[str, str] = MappingProxyType(
    {f"{SCORECARD}.{part}": part.capitalize() for part in PARTS}
)
"""Parts of the scorecard by key figure; they sum up to it."""
COMPARED_KPIS = ("KPI-01", "KPI-05", "KPI-28", SCORECARD)
"""Key figures that scenarios are compared by."""
_DATES = (
    "demand",
    "old_date",
    "new_date",
    "old_verdict",
    "new_verdict",
    "late_hours",
    "money",
)
_ORDER = ("product", "location", "kind", "number")
_WHEN = ("start", "finish", "qty")
CENT = 0.005
EXTRA_UNITS, OPEN_ORDERS = "Extra units", "Open orders"


class OrderCounts(NamedTuple):
    """Orders of a scenario beside today's: `gone + changed + stay` are today's."""

    new: int = 0
    gone: int = 0
    changed: int = 0
    stay: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioComparison:
    """One scenario beside today's plan.

    Parameters
    ----------
    status, problem
        As of `scenarios.Outcome`; a refused one has no figures.
    figures, today
        Key figures by name, of the scenario and of today's plan.
    not_kept, not_kept_today
        Demands that are late, short or not planned.
    note
        Why a plan was made from scratch, where it does not resume today's.
    beside
        Change of what the scorecard leaves out, for it is the same in every plan of the
        same tables: units beyond those of resources, orders in the books [base
        currency].
    demands
        Demands whose delivery, verdict or money differs, the dearest first: demand,
        old_date, new_date, old_verdict, new_verdict, late_hours (more), money (more).
    orders
        Planned and open orders that differ, by date: id, change (new, gone, moved,
        resized), the columns of an order, old_finish, new_finish, old_qty, new_qty.
    orders_today
        Planned and open orders of today's plan.
    """

    name: str
    status: str
    problem: str = ""
    note: str = ""
    figures: Mapping[str, float | None] = field(default_factory=dict)
    today: Mapping[str, float | None] = field(default_factory=dict)
    not_kept: int = 0
    not_kept_today: int = 0
    beside: Mapping[str, float] = field(default_factory=dict)
    demands: pl.DataFrame = field(default_factory=pl.DataFrame)
    orders: pl.DataFrame = field(default_factory=pl.DataFrame)
    orders_today: int = 0

    @classmethod
    def of(
        cls,
        name: str,
        status: str,
        plans: tuple[Plan, Plan],
        *,
        change: float = 0.0,
        extra_units: float = 0.0,
        extra_words: str = EXTRA_UNITS,
        problem: str = "",
    ) -> ScenarioComparison:
        """Compare the plan of today and that of a scenario.

        Parameters
        ----------
        plans
            Today's and the scenario's, with their key figures.
        change, extra_units
            What the scenario costs more than today, all orders and extra units
            counted; and the part of the extra units [base currency].
        extra_words
            How that part is called.
        """
        today, plan = plans
        old, new = _figures(today), _figures(plan)
        scored = (new[SCORECARD] or 0.0) - (old[SCORECARD] or 0.0)
        rest = {
            extra_words: extra_units,
            OPEN_ORDERS: change - scored - extra_units,
        }
        return cls(
            name=name,
            status=status,
            problem=problem,
            note=_note(plan),
            figures=new,
            today=old,
            not_kept=tally(plan).not_kept,
            not_kept_today=tally(today).not_kept,
            beside={part: cost for part, cost in rest.items() if abs(cost) > CENT},
            demands=dates_that_differ(today, plan),
            orders=orders_that_differ(today, plan),
            orders_today=today.supplies.height,
        )

    @property
    def is_planned(self) -> bool:
        """Whether there is a plan with figures."""
        return bool(self.figures)

    @property
    def order_counts(self) -> OrderCounts:
        """How many orders are new, gone and changed, and how many of today's stay."""
        if self.orders.is_empty():
            return OrderCounts(stay=self.orders_today)
        times = dict(self.orders.group_by("change").len().iter_rows())
        changed = times.get("moved", 0) + times.get("resized", 0)
        gone = times.get("gone", 0)
        return OrderCounts(
            new=times.get("new", 0),
            gone=gone,
            changed=changed,
            stay=self.orders_today - gone - changed,
        )

    @property
    def cost(self) -> float:
        """What the plan costs, with what stands beside its scorecard [currency]."""
        return (self.figures.get(SCORECARD) or 0.0) + sum(self.beside.values())

    @property
    def cost_today(self) -> float:
        """What today's plan costs [base currency]."""
        return self.today.get(SCORECARD) or 0.0

    @property
    def steps(self) -> dict[str, float]:
        """Change of each part of the cost [base currency]; their sum is that of all."""
        parts = {
            words: (self.figures.get(kpi) or 0.0) - (self.today.get(kpi) or 0.0)
            for kpi, words in COST_PARTS.items()
        }
        return {**parts, **self.beside}

    def change(self, kpi: str) -> float | None:
        """Change of a key figure; None where one of both has no value."""
        new, old = self.figures.get(kpi), self.today.get(kpi)
        return None if new is None or old is None else new - old


def best_first(
    compared: tuple[ScenarioComparison, ...],
) -> tuple[ScenarioComparison, ...]:
    """Sort scenarios by cost; those without a plan, or with a broken one, are last."""
    return tuple(
        sorted(
            compared, key=lambda one: (not one.is_planned, bool(one.problem), one.cost)
        )
    )


def _figures(plan: Plan) -> dict[str, float | None]:
    return dict(
        plan.kpis.select("kpi", "value")
        .filter(pl.col("kpi").str.split(".").list.first().is_in(COMPARED_KPIS))
        .iter_rows()
    )


def _note(plan: Plan) -> str:
    """Message of the finding that says why a constrained plan was made from scratch."""
    if plan.run.mode != "constrained":
        return ""
    return next((one.message for one in plan.findings if one.code == "NET001"), "")


def dates_that_differ(today: Plan, plan: Plan) -> pl.DataFrame:
    """Demands whose delivery, verdict or money differs, the dearest first."""
    both = outcomes(today).join(
        outcomes(plan), on="demand", how="full", coalesce=True, suffix="_new"
    )
    more = {
        "late_hours": pl.col("lateness_h_new").fill_null(0.0)
        - pl.col("lateness_h").fill_null(0.0),
        "money": pl.col("money_new").fill_null(0.0) - pl.col("money").fill_null(0.0),
    }
    differs = (
        pl.col("date").ne_missing(pl.col("date_new"))
        | pl.col("verdict").ne_missing(pl.col("verdict_new"))
        | (more["money"].abs() > CENT)
    )
    return (
        both.filter(differs)
        .with_columns(
            old_date="date",
            new_date="date_new",
            old_verdict="verdict",
            new_verdict="verdict_new",
            **more,
        )
        .select(_DATES)
        .sort(
            pl.col("money").abs(),
            pl.col("late_hours").abs(),
            "demand",
            descending=[True, True, False],
        )
    )


def orders_that_differ(today: Plan, plan: Plan) -> pl.DataFrame:
    """Orders that are new, gone, moved or resized, by date; see `same_orders`."""
    columns = ["id", *_ORDER, *_WHEN]
    new = plan.supplies.select(pl.col(columns).name.suffix("_new"))
    both = (
        today.supplies.select(columns)
        .join(same_orders(today, plan), on="id", how="left")
        .join(new, on="id_new", how="full", coalesce=True)
    )
    moved = (pl.col("start") != pl.col("start_new")) | (
        pl.col("finish") != pl.col("finish_new")
    )
    change = (
        pl.when(pl.col("id").is_null())
        .then(pl.lit("new"))
        .when(pl.col("id_new").is_null())
        .then(pl.lit("gone"))
        .when(moved)
        .then(pl.lit("moved"))
        .when(pl.col("qty") != pl.col("qty_new"))
        .then(pl.lit("resized"))
    )
    return (
        both.with_columns(change=change)
        .filter(pl.col("change").is_not_null())
        .select(
            pl.coalesce("id", "id_new").alias("id"),
            "change",
            *(pl.coalesce(name, f"{name}_new").alias(name) for name in _ORDER),
            old_finish="finish",
            new_finish="finish_new",
            old_qty="qty",
            new_qty="qty_new",
        )
        .sort(pl.coalesce("new_finish", "old_finish"), "id")
    )
