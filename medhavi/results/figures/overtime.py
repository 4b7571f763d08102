"""What work beyond the open hours of resources costs: overtime and overload.

Work after the open hours of a day (mode optimize), or beyond those of a bucket (modes
that do not keep to them) is overtime as far as it is agreed
(resources.overtime_minutes_per_day), and overload beyond. Both come on top of the
ordinary cost of those hours, which is the order's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from medhavi.results.buckets import grid
from medhavi.results.verify.facts import Facts
from medhavi.units import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

OVERTIME_FACTOR: Final = 1.5
"""An hour of overtime in ordinary hours, where its cost is not stated."""
FREE_HOUR_OVERTIME: Final = 50.0
"""Cost of an hour of overtime where ordinary hours cost nothing [base currency]."""
OVERLOAD_FACTOR: Final = 10.0
"""Price of an hour of overload in hours of overtime: nobody has agreed to it."""
LEAST_OVERTIME: Final = 1.0
"""Least price of overtime that overload is priced by [base currency per hour]: free
overload would be no overload."""

Rates = Mapping[str, float | None]


class OvertimeCost(NamedTuple):
    """Money of overtime and of overload [base currency]."""

    overtime: float
    overload: float


def overtime_rate(resource: Rates) -> float:
    """Cost of an hour of overtime of a resource [base currency].

    >>> overtime_rate({"overtime_cost_per_hour": None, "cost_per_hour": 30.0})
    45.0
    """
    stated = resource["overtime_cost_per_hour"]
    if stated is not None:
        return stated
    return OVERTIME_FACTOR * (resource["cost_per_hour"] or 0.0) or FREE_HOUR_OVERTIME


def overtime_premium(resource: Rates) -> float:
    """Cost of an hour of overtime on top of an ordinary hour [base currency].

    >>> overtime_premium({"overtime_cost_per_hour": None, "cost_per_hour": 30.0})
    15.0
    """
    return max(0.0, overtime_rate(resource) - (resource["cost_per_hour"] or 0.0))


def overtime_cost(plan: Plan, snapshot: Snapshot) -> OvertimeCost:
    """Money of the hours by which a plan exceeds those of its resources, by bucket."""
    resources = {row["resource"]: row for row in snapshot["resources"].to_dicts()}
    overtime = sum(
        hours * overtime_premium(resources[name])
        for name, hours in overtime_worked(plan, snapshot).items()
    )
    overload = 0.0
    rule = grid(snapshot.settings.bucket, snapshot.as_of)
    over = plan.loads.filter(pl.col("overload") > 0).sort("resource", "bucket")
    starts = over["bucket"].dt.epoch("s").to_numpy()
    days = (rule.ends(starts) - starts) / DAY
    for name, hours, length in zip(
        over["resource"], over["overload"], days.tolist(), strict=True
    ):
        row = resources.get(name)
        if row is None:
            continue
        agreed = (row["overtime_minutes_per_day"] or 0.0) * MINUTE / HOUR * length
        premium = overtime_premium(row)
        bought = min(hours, agreed)
        overtime += bought * premium
        price = OVERLOAD_FACTOR * max(premium, LEAST_OVERTIME)
        overload += (hours - bought) * price
    return OvertimeCost(overtime, overload)


def agreed_overtime(snapshot: Snapshot) -> pl.DataFrame:
    """Rows of the resources that may work overtime.

    Work in sequence on a calendar of its own kind: hours that are counted by bucket,
    and what is always open, have no end of a day.
    """
    return snapshot["resources"].filter(
        (pl.col("overtime_minutes_per_day") > 0)
        & pl.col("finite")
        & pl.col("bucket").is_null()
        & pl.col("calendar").is_not_null()
    )


def overtime_worked(plan: Plan, snapshot: Snapshot) -> dict[str, float]:
    """Unit-hours that resources work outside their open time, by resource.

    Of mode optimize, which dates overtime; other modes work none.
    """
    if plan.run.mode != "optimize":
        return {}
    facts = Facts(plan, snapshot)
    resources = agreed_overtime(snapshot).select("resource", "calendar")
    work = plan.operations.join(resources, on="resource").sort(
        "resource", "start", "id"
    )
    found = {}
    for (name, calendar), rows in work.group_by(
        "resource", "calendar", maintain_order=True
    ):
        start, finish = (
            rows[column].dt.epoch("s").to_numpy() for column in ("start", "finish")
        )
        closed = (
            finish - start - facts.clock.open_time(str(calendar)).between(start, finish)
        )
        hours = float((closed * rows["units"].fill_null(1.0).to_numpy()).sum()) / HOUR
        if hours > 0:
            found[str(name)] = hours
    return found
