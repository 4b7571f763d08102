"""How well promises and suppliers kept their dates (SUP-09).

Only what the log observed: no ratings of environment or conduct, which no event tells.
"""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from medhavi.predict.calibration import brier, wilson
from medhavi.results.reports.study import BINS, GROUPS, LINES, HindsightReport
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


COMPLETE = ("promised", "promised_late")
"""Statuses of an answer that promises all that was asked for."""
GROUPED = ("customer", "tier", "product")
EDGES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Where the bins of stated probabilities begin; below the first is one too."""
_DIGITS = 9


def judged(
    ordered: pl.DataFrame,
    answers: pl.DataFrame,
    known_at: dt.datetime,
    tolerance_hours: float = 0.0,
) -> pl.DataFrame:
    """Put what we would have promised beside what happened.

    A line is judged once the due date and both promised dates have passed, delivered or
    not: judging what is there early would leave out its late neighbours. One that was
    ordered otherwise afterwards, or cancelled, is not judged.

    Parameters
    ----------
    ordered
        Gold table order_line_observations.
    answers
        What was answered, as `planners.promising.past_promises` gives it.
    known_at
        Up to when deliveries are known.
    tolerance_hours
        How much later than promised still counts as kept [h].

    Returns
    -------
    DataFrame
        Columns of `results.hindsight_report.LINES`, in the order of the answers.
    """
    lines = answers.join(ordered, on="demand", how="inner", maintain_order="left")
    promise = (
        pl.when(pl.col("status").is_in(COMPLETE))
        .then(pl.max_horizontal("date", "due"))
        .otherwise(None)
    )
    lines = lines.with_columns(promise=promise)
    last = pl.max_horizontal("promise", "promised_then", "due")
    slack = pl.duration(hours=tolerance_hours)
    passed = last + slack < pl.lit(known_at)
    lines = lines.with_columns(
        outcome=pl.when("cancelled")
        .then(pl.lit("cancelled"))
        .when("changed")
        .then(pl.lit("changed"))
        .when(pl.col("promise").is_null())
        .then(pl.lit("unpromised"))
        .when(pl.col("delivered_at").is_not_null())
        .then(pl.lit("delivered"))
        .when(passed)
        .then(pl.lit("overdue"))
        .otherwise(pl.lit("open"))
    )
    told = pl.col("outcome").is_in(["delivered", "overdue"]) & passed
    return lines.with_columns(
        met=_kept("promise", told, slack),
        met_then=_kept("promised_then", told, slack),
        on_time=_kept("due", told, slack),
        days_off=_days_off("promise", told),
        days_off_then=_days_off("promised_then", told),
    ).select(pl.col(name).cast(dtype) for name, dtype in LINES.items())


def _kept(date: str, told: pl.Expr, slack: pl.Expr) -> pl.Expr:
    """Whether a date was kept; what is not there by then did not keep it."""
    there = pl.col("delivered_at").is_not_null()
    kept = there & (pl.col("delivered_at") <= pl.col(date) + slack)
    return pl.when(told & pl.col(date).is_not_null()).then(kept.fill_null(value=False))


def _days_off(date: str, told: pl.Expr) -> pl.Expr:
    distance = (pl.col("delivered_at") - pl.col(date)).dt.total_seconds() / 86_400.0
    return pl.when(told).then(distance)


def report(
    lines: pl.DataFrame,
    *,
    name: str,
    start: str,
    finish: str,
    known_at: dt.datetime,
    tolerance_hours: float,
) -> HindsightReport:
    """Sum judged lines up: all together, by customer, tier, product, supplier."""
    groups = [_group("all", "", lines)]
    for column in GROUPED:
        groups += [
            _group(column, str(key), part)
            for (key,), part in _parts(
                lines.filter(pl.col(column).is_not_null()), column
            )
        ]
    bought = lines.explode("suppliers").filter(pl.col("suppliers").is_not_null())
    groups += [
        _group("supplier", str(key), part)
        for (key,), part in _parts(bought, "suppliers")
    ]
    return HindsightReport(
        name=name,
        package_version=__version__,
        start=start,
        finish=finish,
        known_at=known_at,
        tolerance_hours=tolerance_hours,
        lines=lines,
        groups=pl.DataFrame(groups, schema=dict(GROUPS)),
        bins=_bins(lines),
    )


def _parts(
    lines: pl.DataFrame, column: str
) -> Iterator[tuple[tuple[object, ...], pl.DataFrame]]:
    return iter(lines.sort(column, "demand").group_by(column, maintain_order=True))


def _group(by: str, name: str, lines: pl.DataFrame) -> dict[str, Any]:
    told = lines.filter(pl.col("met").is_not_null())
    row: dict[str, Any] = {
        "by": by,
        "name": name,
        "lines": lines.height,
        "judged": told.height,
    }
    if told.is_empty():
        return row
    met = _mean(told["met"])
    low, high = wilson(met or 0.0, told.height)
    sure = told.filter(pl.col("on_time_prob").is_not_null())
    return {
        **row,
        "met": met,
        "met_said": _mean(_stated(told)),
        "met_low": low,
        "met_high": high,
        "met_then": _mean(told["met_then"]),
        "bias_days": _rounded(told["days_off"].median()),
        "bias_days_then": _rounded(told["days_off_then"].median()),
        "error_days": _mean(told["days_off"].abs()),
        "error_days_then": _mean(told["days_off_then"].abs()),
        "on_time_said": _mean(sure["on_time_prob"]),
        "on_time": _mean(sure["on_time"]),
        "brier": _rounded(
            brier(sure["on_time"].to_numpy(), sure["on_time_prob"].to_numpy())
            if sure.height
            else None
        ),
    }


def _stated(lines: pl.DataFrame) -> pl.Series:
    """P(arrival <= the date that counts as promised): due, or a later quoted date."""
    is_due = pl.col("promise") == pl.col("due")
    chance = pl.when(is_due).then("on_time_prob").otherwise("date_prob")
    return lines.select(chance=chance)["chance"].drop_nulls()


def _mean(values: pl.Series) -> float | None:
    return _rounded(values.mean())


def _rounded(value: Any) -> float | None:
    """Round where summation order could show."""
    return None if value is None else round(float(value), _DIGITS)


def _bins(lines: pl.DataFrame) -> pl.DataFrame:
    sure = lines.filter(
        pl.col("on_time").is_not_null() & pl.col("on_time_prob").is_not_null()
    ).with_columns(
        edge=pl.sum_horizontal(pl.col("on_time_prob") >= edge for edge in EDGES)
    )
    rows = []
    for (_,), part in _parts(sure, "edge"):
        happened = _mean(part["on_time"]) or 0.0
        low, high = wilson(happened, part.height)
        cells = (part.height, _mean(part["on_time_prob"]), happened, low, high)
        rows.append(dict(zip(BINS, cells, strict=True)))
    return pl.DataFrame(rows, schema=dict(BINS), orient="row")


SCORES: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "subject": pl.String(),
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
        "recent": pl.Int64(),
        "recent_on_time": pl.Float64(),
        "changed_at": pl.Datetime("us", "UTC"),
        "change": pl.Float64(),
        "open": pl.Int64(),
        "overdue": pl.Int64(),
        "last_received": pl.Datetime("us", "UTC"),
    }
)
"""A row a supplier or lane, the least reliable first.

`orders` are wholly there, `judged` those of them with a stated date; `on_time` is the
share of these that came by it, with the 95 % interval of Wilson; `late_days_mean` and
`late_days_worst` count the late ones alone, `bias_days` is the median distance from the
stated date, negative where it is early. Lead days run from order to the last receipt,
`stated_days` is the median of what was stated. `split_share` is the share that came in
more than one receipt. `recent` and `recent_on_time` count the judged ones of the last
`RECENT_DAYS`. `changed_at` is the receipt from which on the ratio of lead time to
stated time is another one, `change` the difference of its mean (see `change_point`).
`open` and `overdue` are orders that are not there yet. Null: nothing to count.
"""

RECENT_DAYS = 90
CHANGED = 4.0
"""Standard errors from which a change of a mean is told."""
LEAST_BESIDE = 5
"""Deliveries before and after a change."""
_ORDERS = MappingProxyType({"supplier": "purchase", "lane": "transfer"})


def supplier_scorecard(
    observations: pl.DataFrame,
    orders: pl.DataFrame,
    now: dt.datetime,
    kind: str = "supplier",
) -> pl.DataFrame:
    """Scorecard of all suppliers, or lanes, that anything was ordered from.

    Parameters
    ----------
    observations
        Table `lead_time_observations`.
    orders
        Table `supply_orders` of the moment: what is not there yet.
    now
        The moment.
    kind
        supplier or lane.

    Returns
    -------
    DataFrame
        Columns of `SCORES`.
    """
    bought = observations.filter(pl.col("kind") == kind)
    late = (pl.col("received_at") - pl.col("promised_at")).dt.total_seconds() / 86400
    bought = bought.with_columns(
        late_days=late,
        recent=pl.col("received_at") >= now - dt.timedelta(days=RECENT_DAYS),
    )
    judged = pl.col("promised_at").is_not_null()
    broken = judged & (pl.col("late_days") > 0)
    scores = bought.group_by("subject").agg(
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
        recent=(judged & pl.col("recent")).sum().cast(pl.Int64),
        recent_on_time=(pl.col("late_days") <= 0)
        .filter(judged & pl.col("recent"))
        .mean(),
        last_received=pl.col("received_at").max(),
    )
    waiting = _waiting(orders.filter(pl.col("kind") == _ORDERS[kind]), now)
    found = scores.join(waiting, on="subject", how="full", coalesce=True)
    found = found.join(_changes(bought), on="subject", how="left")
    counts = ("orders", "products", "judged", "kept", "recent", "open", "overdue")
    found = found.with_columns(
        pl.col(*counts).fill_null(0), pl.col("qty").fill_null(0.0)
    )
    return _with_shares(found).sort(
        ["on_time", "late_days_mean", "subject"],
        descending=[False, True, False],
        nulls_last=True,
    )


def _waiting(orders: pl.DataFrame, now: dt.datetime) -> pl.DataFrame:
    """Count the orders that are not there yet."""
    waiting = orders.filter(
        pl.col("source").is_not_null()
        & ~pl.col("status").is_in(("planned", "completed", "closed", "cancelled"))
    )
    return waiting.group_by(subject="source").agg(
        open=pl.len().cast(pl.Int64),
        overdue=(pl.col("due") < now).sum().cast(pl.Int64),
    )


def _changes(bought: pl.DataFrame) -> pl.DataFrame:
    """Change of the ratio of lead time to stated time of each subject."""
    stated = bought.filter(pl.col("promised_days") > 0).with_columns(
        ratio=pl.col("elapsed_days") / pl.col("promised_days")
    )
    rows = []
    for (subject,), part in stated.group_by("subject", maintain_order=True):
        come = part.sort("received_at", maintain_order=True)
        found = change_point(come["ratio"].to_numpy())
        if found is not None:
            rows.append((subject, come["received_at"][found[0]], found[1]))
    columns = ("subject", "changed_at", "change")
    return pl.DataFrame(
        rows, schema={name: SCORES[name] for name in columns}, orient="row"
    )


def change_point(values: np.ndarray) -> tuple[int, float] | None:
    """Place from which on the mean is another one, and the difference of the means.

    It is the split with the largest standardized difference of means (CUSUM; Page 1954,
    Hinkley 1970).

    Parameters
    ----------
    values
        Shape (n,), float, in the order in which they came.

    Returns
    -------
    tuple of int and float, or None
        None: no split with `LEAST_BESIDE` values on each side differs by `CHANGED`
        standard errors.

    Examples
    --------
    >>> change_point(np.array([1.0, 1.1] * 10 + [2.0, 2.1] * 5))
    (20, 1.0)
    """
    count = len(values)
    spread = float(values.std()) if count else 0.0
    if count < 2 * LEAST_BESIDE or spread <= 0:
        return None
    places = np.arange(LEAST_BESIDE, count - LEAST_BESIDE + 1)
    before = values.cumsum()[places - 1]
    steps = (values.sum() - before) / (count - places) - before / places
    errors = np.abs(steps) * np.sqrt(places * (count - places) / count) / spread
    best = int(errors.argmax())
    if errors[best] < CHANGED:
        return None
    return int(places[best]), round(float(steps[best]), _DIGITS)


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
