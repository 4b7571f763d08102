"""Demands: what is planned, short, late, and when it is delivered (rules 21 and 22)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.results.verify.facts import SECONDS, TOLERANCE
from medhavi.results.verify.faults import faults
from medhavi.units import DAY, HOUR

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts

_PLANNED = ("open", "quote")


def check_fulfilment(facts: Facts) -> list[Finding]:
    """Check the fulfilment of every demand against its deliveries."""
    rows = _judged(facts)
    return [
        *_coverage(facts),
        *_sums(rows),
        *_statuses(rows, facts.as_of),
        *_dates(facts, rows),
        *_masters(facts, rows),
    ]


def _judged(facts: Facts) -> pl.DataFrame:
    """Join fulfilment, deliveries and demand of each demand."""
    sums = facts.plan.deliveries.group_by("demand").agg(
        pl.col("qty").sum().alias("delivered"),
        pl.col("date").min().dt.epoch("s").alias("first_s"),
        pl.col("date").max().dt.epoch("s").alias("last_s"),
    )
    masters = facts.demands.select(
        "demand",
        "kind",
        pl.col("status").alias("state"),
        pl.col("due_s").alias("master_due_s"),
        "wanted",
        "max_lateness_days",
    )
    return (
        facts.plan.fulfilment.join(sums, on="demand", how="left")
        .join(masters, on="demand")
        .with_columns(
            pl.col("delivered").fill_null(0.0),
            pl.col("due").dt.epoch("s").alias("due_s"),
        )
        .sort("demand")
    )


def _left_out(facts: Facts) -> pl.DataFrame:
    """Demands of which an exception says that the whole quantity is not planned."""
    held = pl.col("code") == str(ExceptionCode.HELD_DATA)
    told = (
        facts.plan.exceptions.filter(held).group_by("demand").agg(pl.col("qty").sum())
    )
    whole = facts.demands.select("demand", "wanted").join(told, on="demand")
    odd = pl.col("qty") - pl.col("wanted")
    return whole.filter(odd.abs() <= TOLERANCE * pl.col("wanted")).select("demand")


def _coverage(facts: Facts) -> list[Finding]:
    planned = facts.plan.fulfilment.select("demand")
    wanted = facts.demands.filter(pl.col("status").is_in(_PLANNED)).select("demand")
    silent = wanted.join(planned, on="demand", how="anti")
    if facts.snapshot.holds:
        silent = silent.join(_left_out(facts), on="demand", how="anti")
    unknown = planned.join(facts.demands, on="demand", how="anti")
    stray = (
        facts.plan.deliveries.select("demand")
        .unique()
        .join(planned, on="demand", how="anti")
    )
    texts = (
        (silent, "it is open and has no row"),
        (unknown, "the snapshot does not have it"),
        (stray, "it has deliveries and no row"),
    )
    found: list[Finding] = []
    for rows, what in texts:
        found += faults(
            "VER050",
            "fulfilment",
            rows.sort("demand").select(
                pl.col("demand").alias("value"), pl.lit(what).alias("what")
            ),
        )
    return found


def _sums(rows: pl.DataFrame) -> list[Finding]:
    slack = TOLERANCE * (1 + pl.col("qty"))
    odd = rows.filter((pl.col("planned") - pl.col("delivered")).abs() > slack)
    open_rest = rows.filter(
        (pl.col("planned") + pl.col("short") - pl.col("qty")).abs() > slack
    ).filter(pl.col("status") != "ignored")
    return [
        *faults(
            "VER051",
            "fulfilment",
            odd.select(pl.col("demand").alias("value"), "planned", "delivered"),
        ),
        *faults(
            "VER052",
            "fulfilment",
            open_rest.select(
                pl.col("demand").alias("value"), "planned", "short", "qty"
            ),
        ),
    ]


def _statuses(rows: pl.DataFrame, as_of: int) -> list[Finding]:
    slack = TOLERANCE * (1 + pl.col("qty"))
    # Mode mrp dates deliveries on their due date, but nothing is there before now.
    there_s = pl.col("last_s").clip(lower_bound=as_of)
    right = (
        pl.when(pl.col("delivered") <= TOLERANCE)
        .then(pl.lit("unplanned"))
        .when(pl.col("delivered") < pl.col("qty") - slack)
        .then(pl.lit("short"))
        .when(there_s > pl.col("due_s"))
        .then(pl.lit("late"))
        .otherwise(pl.lit("on_time"))
    )
    hours = (
        pl.when(pl.col("delivered") > TOLERANCE)
        .then((there_s - pl.col("due_s")).clip(lower_bound=0) / HOUR)
        .otherwise(None)
    )
    live = rows.filter(pl.col("status") != "ignored").with_columns(
        right=right, right_hours=hours
    )
    near = (pl.col("lateness_h") - pl.col("right_hours")).abs() <= SECONDS / HOUR
    same = near.fill_null(
        pl.col("lateness_h").is_null() & pl.col("right_hours").is_null()
    )
    return [
        *faults(
            "VER053",
            "fulfilment",
            live.filter(pl.col("status") != pl.col("right")).select(
                pl.col("demand").alias("value"),
                "status",
                pl.col("right").alias("expected"),
            ),
        ),
        *faults(
            "VER054",
            "fulfilment",
            live.filter(~same).select(
                pl.col("demand").alias("value"),
                pl.col("lateness_h").alias("hours"),
                pl.col("right_hours").alias("expected"),
            ),
        ),
    ]


def _dates(facts: Facts, rows: pl.DataFrame) -> list[Finding]:
    floor = pl.col("due_s")
    if facts.mode != "mrp":
        floor = pl.max_horizontal("due_s", pl.lit(facts.as_of))
    early = rows.filter(pl.col("first_s") < floor)
    found = faults(
        "VER055",
        "deliveries",
        early.select(
            pl.col("demand").alias("value"),
            pl.col("first_s").alias("moment"),
            pl.col("due_s").alias("due"),
        ),
    )
    if facts.mode == "mrp":
        return found
    limit = pl.col("due_s") + (pl.col("max_lateness_days") * DAY).ceil().cast(pl.Int64)
    late = rows.with_columns(limit=limit).filter(pl.col("last_s") > pl.col("limit"))
    return found + faults(
        "VER063",
        "deliveries",
        late.select(
            pl.col("demand").alias("value"), pl.col("last_s").alias("moment"), "limit"
        ),
    )


def _masters(facts: Facts, rows: pl.DataFrame) -> list[Finding]:
    """Check due and quantity against the demand, and that ignoring has a reason."""
    horizon = facts.as_of + round(facts.snapshot.settings.horizon_days * DAY)
    live = rows.filter(pl.col("status") != "ignored")
    forecast = pl.col("kind") == "forecast"
    moved = live.filter(
        (pl.col("due_s") != pl.col("master_due_s"))
        & ~(forecast & (pl.col("due_s") == facts.as_of))
    )
    slack = TOLERANCE * (1 + pl.col("wanted"))
    resized = live.filter(
        pl.when(forecast)
        .then(pl.col("qty") > pl.col("wanted") + slack)
        .otherwise((pl.col("qty") - pl.col("wanted")).abs() > slack)
    )
    ignored = rows.filter(
        (pl.col("status") == "ignored")
        & ~forecast
        & pl.col("state").is_in(_PLANNED)
        & (pl.col("master_due_s") <= horizon)
    )
    served = rows.filter((pl.col("status") == "ignored") & (pl.col("delivered") > 0))
    return [
        *faults(
            "VER056",
            "fulfilment",
            moved.select(
                pl.col("demand").alias("value"),
                pl.col("due").cast(pl.String).alias("cell"),
                pl.col("master_due_s").alias("expected"),
            ),
            "due",
        ),
        *faults(
            "VER056",
            "fulfilment",
            resized.select(
                pl.col("demand").alias("value"),
                pl.col("qty").cast(pl.String).alias("cell"),
                pl.col("wanted").cast(pl.String).alias("expected"),
            ),
            "qty",
        ),
        *faults(
            "VER057",
            "fulfilment",
            pl.concat([ignored, served]).select(pl.col("demand").alias("value")),
        ),
    ]
