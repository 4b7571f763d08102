"""Who keeps their word, supplier by supplier, from what was received (SUP-09).

Only what the log observed: no ratings of environment or conduct, which no event tells.
"""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi.predict.calibration import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping

SCORES: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "supplier": pl.String(),
        "orders": pl.Int64(),
        "products": pl.Int64(),
        "qty": pl.Float64(),
        "judged": pl.Int64(),
        "on_time": pl.Float64(),
        "on_time_low": pl.Float64(),
        "on_time_high": pl.Float64(),
        "late_days_mean": pl.Float64(),
        "late_days_worst": pl.Float64(),
        "bias_days": pl.Float64(),
        "lead_days_p50": pl.Float64(),
        "lead_days_p95": pl.Float64(),
        "stated_days": pl.Float64(),
        "split_share": pl.Float64(),
        "recent_on_time": pl.Float64(),
        "open": pl.Int64(),
        "overdue": pl.Int64(),
        "last_received": pl.Datetime("us", "UTC"),
    }
)
"""A row a supplier, the least reliable first.

`orders` are wholly there, `judged` those of them with a stated date; `on_time` is the
share of these that came by it, with the 95 % interval of Wilson; `late_days_mean` and
`late_days_worst` count the late ones alone, `bias_days` is the median distance from the
stated date, negative where it is early. Lead days run from order to the last receipt,
`stated_days` is the median of what was stated. `split_share` is the share that came in
more than one receipt, `recent_on_time` that of the last `RECENT_DAYS`. `open` and
`overdue` are orders that are not there yet. Null: nothing to count.
"""

RECENT_DAYS = 90


def supplier_scorecard(
    observations: pl.DataFrame, orders: pl.DataFrame, now: dt.datetime
) -> pl.DataFrame:
    """Scorecard of all suppliers that anything was ordered from.

    Parameters
    ----------
    observations
        Table `lead_time_observations`.
    orders
        Table `supply_orders` of the moment: what is not there yet.
    now
        The moment.

    Returns
    -------
    DataFrame
        Columns of `SCORES`.
    """
    bought = observations.filter(pl.col("kind") == "supplier")
    late = (pl.col("received_at") - pl.col("promised_at")).dt.total_seconds() / 86400
    bought = bought.with_columns(
        late_days=late,
        recent=pl.col("received_at") >= now - dt.timedelta(days=RECENT_DAYS),
    )
    judged = pl.col("promised_at").is_not_null()
    broken = judged & (pl.col("late_days") > 0)
    scores = bought.group_by(supplier="subject").agg(
        orders=pl.len().cast(pl.Int64),
        products=pl.col("product").n_unique().cast(pl.Int64),
        qty=pl.col("qty").sum(),
        judged=judged.sum().cast(pl.Int64),
        kept=(judged & (pl.col("late_days") <= 0)).sum().cast(pl.Int64),
        late_days_mean=pl.col("late_days").filter(broken).mean(),
        late_days_worst=pl.col("late_days").filter(broken).max(),
        bias_days=pl.col("late_days").filter(judged).median(),
        lead_days_p50=pl.col("elapsed_days").quantile(0.5, "lower"),
        lead_days_p95=pl.col("elapsed_days").quantile(0.95, "higher"),
        stated_days=pl.col("promised_days").median(),
        split_share=(pl.col("first_received_at") < pl.col("received_at")).mean(),
        recent_on_time=(pl.col("late_days") <= 0)
        .filter(judged & pl.col("recent"))
        .mean(),
        last_received=pl.col("received_at").max(),
    )
    found = scores.join(_waiting(orders, now), on="supplier", how="full", coalesce=True)
    counts = ("orders", "products", "judged", "kept", "open", "overdue")
    found = found.with_columns(
        pl.col(*counts).fill_null(0), pl.col("qty").fill_null(0.0)
    )
    return _with_shares(found).sort(
        ["on_time", "late_days_mean", "supplier"],
        descending=[False, True, False],
        nulls_last=True,
    )


def _waiting(orders: pl.DataFrame, now: dt.datetime) -> pl.DataFrame:
    """Count the purchases that are not there yet."""
    waiting = orders.filter(
        (pl.col("kind") == "purchase")
        & pl.col("source").is_not_null()
        & ~pl.col("status").is_in(("planned", "completed", "closed", "cancelled"))
    )
    return waiting.group_by(supplier="source").agg(
        open=pl.len().cast(pl.Int64),
        overdue=(pl.col("due") < now).sum().cast(pl.Int64),
    )


def _with_shares(found: pl.DataFrame) -> pl.DataFrame:
    shares, lows, highs = [], [], []
    for kept, judged in found.select("kept", "judged").iter_rows():
        share = kept / judged if judged else None
        band = None if share is None else wilson(share, judged)
        shares.append(share)
        lows.append(None if band is None else band.low)
        highs.append(None if band is None else band.high)
    return found.with_columns(
        on_time=pl.Series(shares, dtype=pl.Float64),
        on_time_low=pl.Series(lows, dtype=pl.Float64),
        on_time_high=pl.Series(highs, dtype=pl.Float64),
    ).select(pl.col(name).cast(kind) for name, kind in SCORES.items())
