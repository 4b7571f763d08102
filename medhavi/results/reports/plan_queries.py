"""Diagnostic queries of a plan: overload, safety stock, lateness, idle hours, changes.

Each answer is read from the plan by what says it elsewhere too: overload and safety
stock by its loads and positions, lateness by its verdicts, hours of resources without
work by the verifier's calendars, changes by the comparison of plans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.difference import compare, same_orders
from medhavi.results.plans import lateness
from medhavi.results.reports.resource_load import ResourceLoads

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

HALF = 0.5
"""Share of its open hours below which a resource is called unused."""


def overloaded_resources(plan: Plan) -> pl.DataFrame:
    """Buckets in which a resource works more than it is open, the worst first.

    Returns
    -------
    pl.DataFrame
        resource, bucket, available, used, overload [unit-hours].
    """
    return (
        plan.loads.filter(pl.col("overload") > 0)
        .select("resource", "bucket", "available", _USED, "overload")
        .sort("overload", "resource", "bucket", descending=[True, False, False])
    )


def safety_breaches(plan: Plan) -> pl.DataFrame:
    """Products at places whose projected stock is below their safety stock.

    Returns
    -------
    pl.DataFrame
        product, location, since (first such bucket), buckets (how many that have a
        movement), below (most that lacks) [units], by since.
    """
    return (
        plan.positions.filter(
            pl.col("on_hand") < pl.col("safety"), pl.col("safety") > 0
        )
        .group_by("product", "location")
        .agg(
            since=pl.col("bucket").min(),
            buckets=pl.len().cast(pl.Int64),
            below=(pl.col("safety") - pl.col("on_hand")).max(),
        )
        .sort("since", "product", "location")
    )


def late_demands(plan: Plan) -> pl.DataFrame:
    """Demands that come late, in part, not at all, or were past due, by what they cost.

    Returns
    -------
    pl.DataFrame
        demand, due, qty, short, verdict, lateness_h, limiter, money [base currency].
    """
    limiters = plan.fulfilment.select("demand", "limiter")
    return (
        lateness.late_demands(plan)
        .join(limiters, on="demand", how="left")
        .select(
            "demand", "due", "qty", "short", "verdict", "lateness_h", "limiter", "money"
        )
        .sort("money", "due", "demand", descending=[True, False, False])
    )


def unused_capacity(
    plan: Plan, snapshot: Snapshot, below: float = HALF
) -> pl.DataFrame:
    """Open buckets in which a resource is used less than a share, the idlest first.

    Parameters
    ----------
    snapshot
        Tables that the plan was made from: a resource without work has no load.
    below
        Share of the open hours, from 0 to 1.

    Returns
    -------
    pl.DataFrame
        resource, bucket, available, used [unit-hours], share.
    """
    hours = ResourceLoads(plan, snapshot).hours()
    return (
        hours.filter(pl.col("available") > 0)
        .select("resource", "bucket", "available", _USED)
        .with_columns(share=pl.col("used") / pl.col("available"))
        .filter(pl.col("share") < below)
        .sort("share", "resource", "bucket")
    )


def plan_changes(before: Plan, plan: Plan) -> pl.DataFrame:
    """Orders that a plan adds, leaves out, or has otherwise than one before it.

    Returns
    -------
    pl.DataFrame
        change (added, removed, changed), number, kind, product, location, qty, start,
        finish as they are in `plan`, of what is removed as they were.
    """
    delta = compare(before, plan).tables["supplies"]
    pairs = same_orders(before, plan)
    moved = pairs.join(delta.changed.select("id").unique(), on="id", how="semi")
    changed = plan.supplies.join(moved.select(id="id_new"), on="id", how="semi")
    parts = {"added": delta.added, "removed": delta.removed, "changed": changed}
    columns = ("number", "kind", "product", "location", "qty", "start", "finish")
    return pl.concat(
        rows.select(pl.lit(name).alias("change"), *columns)
        for name, rows in parts.items()
    ).sort("start", "number", "change")


_USED = (pl.col("run") + pl.col("setup")).alias("used")
