"""How good promises were: accuracy, bias and calibration against what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.predict.calibration import brier, wilson
from medhavi.results.reports.hindsight import BINS, GROUPS, LINES, HindsightReport
from medhavi.version import __version__

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

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
