"""How suppliers and lanes kept their stated lead times, and since when they do not.

A change is the split of a subject's deliveries, in the order in which they came, with
the largest standardized difference of the mean ratio of lead time to stated time before
and after it (CUSUM; Page 1954, Hinkley 1970), where that is `CHANGED` standard errors.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    import datetime as dt

CHANGED: Final = 4.0
"""Standard errors from which a change of the mean ratio is told."""
LEAST_DELIVERIES: Final = 5
"""Deliveries before and after a change."""

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "subject": pl.String,
    "deliveries": pl.Int64,
    "on_time": pl.Float64,
    "recent": pl.Int64,
    "recent_on_time": pl.Float64,
    "ratio": pl.Float64,
    "recent_ratio": pl.Float64,
    "changed_at": pl.Datetime("us", "UTC"),
    "change": pl.Float64,
}


def delivery_record(
    history: pl.DataFrame, now: dt.datetime, recent_days: float = 90.0
) -> pl.DataFrame:
    """Deliveries of each supplier or lane, all and lately.

    Parameters
    ----------
    history
        subject, known_at, lead_days, stated_days, on_time: a row a delivery
        (`Workbench.history`).
    now
        Deliveries after it do not count; the recent ones end here.
    recent_days
        Length of the recent window [days].

    Returns
    -------
    pl.DataFrame
        subject, deliveries, on_time (share), recent, recent_on_time, ratio (mean of
        lead time over stated time), recent_ratio, changed_at (null: no change),
        change (of the mean ratio). Sorted by recent_on_time, the worst first.
    """
    known = history.filter(
        pl.col("known_at") <= now, pl.col("stated_days") > 0
    ).with_columns(ratio=pl.col("lead_days") / pl.col("stated_days"))
    if known.is_empty():
        return no_deliveries()
    recent = pl.col("known_at") > now - pl.duration(seconds=recent_days * 86_400)
    rows = known.group_by("subject").agg(
        deliveries=pl.len().cast(pl.Int64),
        on_time=pl.col("on_time").cast(pl.Float64).mean(),
        recent=recent.sum().cast(pl.Int64),
        recent_on_time=pl.col("on_time").filter(recent).cast(pl.Float64).mean(),
        ratio=pl.col("ratio").mean(),
        recent_ratio=pl.col("ratio").filter(recent).mean(),
    )
    changes = pl.DataFrame(
        [
            (subject, *_change(part.sort("known_at", maintain_order=True)))
            for (subject,), part in known.group_by("subject", maintain_order=True)
        ],
        schema={name: _SCHEMA[name] for name in ("subject", "changed_at", "change")},
        orient="row",
    )
    return (
        rows.join(changes, on="subject")
        .select(*_SCHEMA)
        .sort("recent_on_time", "on_time", "subject", nulls_last=True)
    )


def no_deliveries() -> pl.DataFrame:
    """Record of nobody."""
    return pl.DataFrame(schema=_SCHEMA)


def _change(part: pl.DataFrame) -> tuple[dt.datetime | None, float | None]:
    """Moment of the first delivery after the change, and the change of the mean."""
    ratios = part["ratio"].to_list()
    count = len(ratios)
    total, before = sum(ratios), 0.0
    mean = total / count
    spread = math.sqrt(sum((one - mean) ** 2 for one in ratios) / count)
    best, place = 0.0, None
    for at in range(1, count):
        before += ratios[at - 1]
        if not LEAST_DELIVERIES <= at <= count - LEAST_DELIVERIES or not spread:
            continue
        step = (total - before) / (count - at) - before / at
        weight = abs(step) * math.sqrt(at * (count - at) / count) / spread
        if weight > best:
            best, place = weight, (part["known_at"][at], step)
    return place if place is not None and best >= CHANGED else (None, None)
