"""Flags of lateness, sums of causes, demands whose material has no source (rule 45).

Derived from due dates, pegs and the states of orders in the snapshot; what judges
lateness for pages and figures is not called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.verify.facts import SECONDS
from medhavi.results.verify.faults import faults
from medhavi.units import HOUR

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts

_PLACED = ("released", "in_process")
_PAST_DUE = "PastDue"


def check_lateness(facts: Facts) -> list[Finding]:
    """Check the flags of every demand, its causes, and that no-source means short."""
    return [*_flags(facts), *_causes(facts)]


def _flags(facts: Facts) -> list[Finding]:
    live = pl.col("status") != "ignored"
    overdue = live & (pl.col("due").dt.epoch("s") < facts.as_of)
    missed = _missed(facts)
    risky = live & ~overdue & pl.col("demand").is_in(missed.implode())
    if facts.mode != "mrp":
        risky = pl.lit(value=False)
    rows = facts.plan.fulfilment.with_columns(
        right_past_due=overdue, right_at_risk=risky
    ).sort("demand")
    found: list[Finding] = []
    for code, flag in (("VER077", "past_due"), ("VER078", "at_risk")):
        right = f"right_{flag}"
        odd = rows.filter(pl.col(flag).ne_missing(pl.col(right)))
        found += faults(
            code,
            "fulfilment",
            odd.select(
                pl.col("demand").alias("value"),
                pl.col(flag).alias("told"),
                pl.col(right).alias("right"),
            ),
            flag,
        )
    return found


def _missed(facts: Facts) -> pl.Series:
    """Demands pegged to an order that starts before now and is not placed yet."""
    orders = facts.snapshot["supply_orders"]
    placed = orders.filter(pl.col("status").is_in(_PLACED))["supply_order"]
    early = facts.supplies.filter(
        (pl.col("start_s") < facts.as_of) & ~pl.col("order").is_in(placed.implode())
    )
    pegs = facts.plan.pegging
    return pegs.join(early, left_on="supply", right_on="id", how="semi")[
        "demand"
    ].unique()


def _causes(facts: Facts) -> list[Finding]:
    """Check that hours sum to the lateness, those before now under their own code."""
    hours = pl.col("hours").fill_null(0.0)
    sums = facts.plan.causes.group_by("demand").agg(
        hours.sum().alias("told"),
        hours.filter(pl.col("code") == _PAST_DUE).sum().alias("told_overdue"),
        pl.len().alias("causes"),
    )
    late = pl.col("lateness_h").fill_null(0.0)
    overdue = (facts.as_of - pl.col("due").dt.epoch("s")) / HOUR
    rows = (
        facts.plan.fulfilment.filter(pl.col("status") != "ignored")
        .join(sums, on="demand", how="left")
        .with_columns(
            pl.col("told", "told_overdue").fill_null(0.0),
            lateness=late,
            overdue=pl.min_horizontal(late, overdue.clip(lower_bound=0.0)),
        )
        .sort("demand")
    )
    near = SECONDS / HOUR * pl.max_horizontal(1, pl.col("causes").fill_null(1))
    return [
        *faults(
            "VER079",
            "causes",
            rows.filter((pl.col("told") - pl.col("lateness")).abs() > near).select(
                pl.col("demand").alias("value"), "told", right="lateness"
            ),
        ),
        *faults(
            "VER080",
            "causes",
            rows.filter(
                (pl.col("told_overdue") - pl.col("overdue")).abs() > near
            ).select(
                pl.col("demand").alias("value"), told="told_overdue", right="overdue"
            ),
        ),
    ]
