"""Which demands are worst: their chain of orders should have begun long ago.

In mode mrp nothing is moved out of the past, so lateness shows as starts before now.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.results.plans.explanation import Explanation
from medhavi.units import DAY, to_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstDemand:
    """A demand with the earliest start in the past of all that serves it."""

    demand: str
    product: str
    location: str
    due: dt.datetime
    should_have_started: dt.datetime
    days_ago: float
    explanation: Explanation


def worst_demands(
    plan: Plan, names: Mapping[str, str] | None = None, count: int = 5
) -> tuple[WorstDemand, ...]:
    """Demands with the earliest start in the past, worst first.

    A supply that should have started before now is charged to every demand that it is
    pegged to; a demand is as bad as the earliest of them. Ties: due, then id.

    Parameters
    ----------
    names
        Texts for people by id, for the explanations.
    count
        How many.
    """
    if plan.run.as_of is None:
        return ()
    late = plan.exceptions.filter(pl.col("code") == ExceptionCode.PAST_DUE_START)
    starts = plan.supplies.join(
        late.select("supply"), left_on="id", right_on="supply", how="semi"
    ).select(supply="id", start="start")
    first = (
        plan.pegging.join(starts, on="supply")
        .group_by("demand")
        .agg(pl.col("start").min())
        .join(plan.fulfilment.select("demand", "due"), on="demand")
        .sort("start", "due", "demand")
        .head(count)
    )
    return tuple(
        _worst(plan, plan.run.as_of, row["demand"], row["start"], names)
        for row in first.iter_rows(named=True)
    )


def names_of(snapshot: Snapshot) -> dict[str, str]:
    """Texts for people by id, of the things that have one."""
    named = (
        ("products", "product"),
        ("suppliers", "supplier"),
        ("customers", "customer"),
    )
    return {
        row[key]: row["name"]
        for table, key in named
        for row in snapshot[table].select(key, "name").iter_rows(named=True)
        if row["name"]
    }


def _worst(
    plan: Plan,
    as_of: int,
    demand: str,
    start: dt.datetime,
    names: Mapping[str, str] | None,
) -> WorstDemand:
    explanation = plan.explain(demand, names=names)
    return WorstDemand(
        demand=demand,
        product=explanation.product,
        location=explanation.location,
        due=explanation.due,
        should_have_started=start,
        days_ago=round((as_of - to_seconds(start)) / DAY, 1),
        explanation=explanation,
    )
