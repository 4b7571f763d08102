"""Coverage of predictors over time: what was told of an order against what came.

Told is what the predictor said on the day of the order: on the orders that judged it
and on those placed since, none of which it had learned from.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from medhavi.display import TextDisplay
from medhavi.predict import windows
from medhavi.predict.calibration import coverage_band, covers
from medhavi.predict.lead_time import LeadTimeModel, PlainQuantile, calibrated
from medhavi.predict.recipe import GATED, TrainingRecipe
from medhavi.predict.reliability import PlainRecentRate, as_they_stood, told_by
from medhavi.predict.scorecards import change_point
from medhavi.predict.versions import PredictorVersion

if TYPE_CHECKING:
    from medhavi.predict.estimates import Predictor

_USUAL = TrainingRecipe()


def outcomes_since(
    model: Predictor, history: pl.DataFrame, known_at: dt.datetime
) -> pl.DataFrame:
    """Outcomes of orders placed after a kept predictor was trained.

    Parameters
    ----------
    history
        Observations, columns of `windows.HISTORY`.
    known_at
        Up to when it had learned.

    Returns
    -------
    DataFrame
        Columns of `windows.OUTCOMES`.
    """
    rows = _prepared(history, model.recipe, stated=model.stated)
    begin = known_at + dt.timedelta(microseconds=1)
    if isinstance(model, LeadTimeModel):
        taken = windows.placed_since(rows, begin, model.recipe)
        return windows.outcomes(taken.test, windows.as_it_stood(model, taken))
    judged = rows.filter(pl.col("on_time").is_not_null())
    taken = windows.placed_since(judged, begin, model.recipe)
    return windows.outcomes(taken.test, told_by(model.method, taken))


def plain_outcomes(history: pl.DataFrame, *, chances: bool) -> pl.DataFrame:
    """Outcomes of the latest orders as the plain rule told them.

    Parameters
    ----------
    chances
        Of the chance to be on time; else of lead times.
    """
    known = history.filter(pl.col("on_time").is_not_null()) if chances else history
    stated = windows.stated_in(known)
    rows = _prepared(known, _USUAL, stated=stated)
    taken = windows.windows(rows, _USUAL).judge
    if taken.fit.is_empty() or taken.calibrate.is_empty():
        return pl.DataFrame(schema=windows.OUTCOMES)
    if chances:
        said = as_they_stood(PlainRecentRate.name, taken, _USUAL)
    else:
        name = PlainQuantile.name
        model = calibrated(name, taken.fit, taken.calibrate, _USUAL, stated=stated)
        said = windows.as_it_stood(model, taken)
    return windows.outcomes(taken.test, said)


def _prepared(
    history: pl.DataFrame, recipe: TrainingRecipe, *, stated: bool
) -> pl.DataFrame:
    rows = windows.scaled(history, stated=stated)
    return windows.as_of(rows, rows, recipe)


CHANCE = "on_time"
"""Name of the chance to be on time beside those of the quantiles."""


def hits(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Whether each outcome was within each gated quantile, or on time.

    Returns
    -------
    DataFrame
        ordered_at, quantile, `told`: the probability of a hit as it was told, and hit.
    """
    parts = [
        outcomes.filter(pl.col(name).is_not_null()).select(
            "ordered_at",
            quantile=pl.lit(name),
            told=pl.lit(level),
            hit=pl.col("lead_days") <= pl.col(name),
        )
        for level in GATED
        for name in [f"p{level * 100:.0f}"]
    ]
    chance = outcomes.filter(
        pl.col("on_time_prob").is_not_null() & pl.col("on_time").is_not_null()
    ).select("ordered_at", quantile=pl.lit(CHANCE), told="on_time_prob", hit="on_time")
    return pl.concat([*parts, chance])


COVERAGE: dict[str, pl.DataType] = {
    "quantile": pl.String(),
    "month": pl.Date(),
    "orders": pl.Int64(),
    "told": pl.Float64(),
    "share": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}


def coverage_by_month(outcomes: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Share of the orders of each month that came within what was told.

    Returns
    -------
    DataFrame
        Columns of `COVERAGE`: `low` to `high` is what chance allows of so many orders.
    """
    local = pl.col("ordered_at").dt.convert_time_zone(zone)
    found = (
        hits(outcomes)
        .group_by("quantile", month=local.dt.date().dt.truncate("1mo"))
        .agg(
            orders=pl.len().cast(pl.Int64),
            told=pl.col("told").mean(),
            share=pl.col("hit").mean(),
        )
        .sort("quantile", "month")
    )
    bands = [
        coverage_band(round(told, 4), orders, _USUAL.coverage_level)
        for told, orders in found.select("told", "orders").iter_rows()
    ]
    return found.with_columns(
        low=pl.Series([one.low for one in bands], dtype=pl.Float64),
        high=pl.Series([one.high for one in bands], dtype=pl.Float64),
    ).select(pl.col(name).cast(kind) for name, kind in COVERAGE.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentCoverage:
    """Share of the newest outcomes within what was told of them.

    `quantile` is p80, p95 or `CHANCE`, `told` its probability, `low` to `high` what
    chance allows of so many orders. `since` is the order from which on the share is
    another one; None where it is within its interval.
    """

    quantile: str
    told: float
    share: float
    orders: int
    low: float
    high: float
    since: dt.datetime | None

    def __str__(self) -> str:
        """Share that came within a quantile, beside what was told and chance allows."""
        since = "" if self.since is None else f", since {self.since:%Y-%m-%d}"
        return (
            f"{self.quantile}: {self.share:.0%} of the newest {self.orders} came within "
            f"it, told {self.told:.0%}, chance {self.low:.0%} to {self.high:.0%}{since}"
        )

    @property
    def has_slipped(self) -> bool:
        """Whether the share is outside of what chance allows."""
        return self.since is not None


def recent_coverage(outcomes: pl.DataFrame) -> tuple[RecentCoverage, ...]:
    """Coverage of the newest outcomes, the worst quantile first."""
    found = [
        _recent(part, str(name))
        for (name,), part in hits(outcomes).group_by("quantile", maintain_order=True)
    ]
    return tuple(
        sorted(found, key=lambda one: (not one.has_slipped, -abs(one.share - one.told)))
    )


def _recent(part: pl.DataFrame, name: str) -> RecentCoverage:
    newest = part.tail(_USUAL.window)
    told = round(float(newest["told"].sum()) / newest.height, 4)
    share = float(newest["hit"].sum()) / newest.height
    low, high = coverage_band(told, newest.height, _USUAL.coverage_level)
    since = None
    if not covers(share, told, newest.height, _USUAL):
        gaps = part["hit"].cast(pl.Float64) - part["told"]
        changed = change_point(gaps.to_numpy())
        same = changed is not None and (changed[1] > 0) == (share > told)
        first = changed[0] if same and changed else part.height - newest.height
        since = part["ordered_at"][first]
    return RecentCoverage(
        quantile=name,
        told=told,
        share=share,
        orders=newest.height,
        low=low,
        high=high,
        since=since,
    )


SPREAD: dict[str, pl.DataType] = {
    "subject": pl.String(),
    "product": pl.String(),
    "basis": pl.String(),
    "orders": pl.Int64(),
    "stated_days": pl.Float64(),
    **{
        f"{when}_{name}": pl.Float64()
        for name in ("p50", "p80", "p95")
        for when in ("told", "came")
    },
    "on_time_told": pl.Float64(),
    "on_time_came": pl.Float64(),
    "judged": pl.Int64(),
    "within_p80": pl.Float64(),
}
"""A row a supplier or lane and product, all products as `*`.

`told` is what was published last, `came` the quantiles of its newest outcomes.
`judged` are its outcomes of which a predictor had told, `within_p80` the share of them
within the told P80.
"""


def spread(
    estimates: pl.DataFrame,
    history: pl.DataFrame,
    outcomes: pl.DataFrame,
) -> pl.DataFrame:
    """What is told of each supplier or lane beside what came, see `SPREAD`.

    Parameters
    ----------
    estimates
        Rows of table `estimates` of one kind.
    history
        Observations of the same kind.
    outcomes
        Of the predictor that is watched.
    """
    keys = ["subject", "product"]
    whole = history.with_columns(product=pl.lit("*"))
    came = (
        pl.concat([history, whole])
        .sort("known_at")
        .group_by(keys)
        .tail(_USUAL.window)
        .group_by(keys)
        .agg(
            orders=pl.len(),
            stated_days=pl.col("stated_days").tail(_USUAL.memory).median(),
            came_p50=pl.col("lead_days").quantile(0.5, "linear"),
            came_p80=pl.col("lead_days").quantile(0.8, "linear"),
            came_p95=pl.col("lead_days").quantile(0.95, "linear"),
            on_time_came=pl.col("on_time").mean(),
        )
    )
    told = pl.concat([outcomes, outcomes.with_columns(product=pl.lit("*"))])
    judged = told.group_by(keys).agg(
        judged=pl.len(),
        within_p80=(pl.col("lead_days") <= pl.col("p80")).mean(),
    )
    found = (
        estimates.filter(pl.col("quantity") == "lead_days")
        .join(came, on=keys, how="left")
        .join(judged, on=keys, how="left")
        .rename(
            {
                "p50": "told_p50",
                "p80": "told_p80",
                "p95": "told_p95",
                "on_time_prob": "on_time_told",
            }
        )
        .with_columns(pl.col("orders", "judged").fill_null(0))
    )
    return found.select(pl.col(name).cast(kind) for name, kind in SPREAD.items()).sort(
        ["orders", *keys], descending=[True, False, False]
    )


def undercovered(spread: pl.DataFrame) -> pl.DataFrame:
    """Rows of `spread` over all products whose own P80 covers too few, worst first.

    The confidence is shared by all of them: one of forty suppliers is outside of its
    interval by chance.
    """
    own = spread.filter((pl.col("product") == "*") & (pl.col("judged") > 0))
    own = own.filter(pl.col("within_p80").is_not_null())
    level = 1.0 - (1.0 - _USUAL.coverage_level) / max(own.height, 1)
    lows = [coverage_band(0.8, count, level).low for count in own["judged"]]
    low = pl.Series(lows, dtype=pl.Float64)
    return own.filter(own["within_p80"] < low - 1e-4).sort("within_p80", "subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorReport(TextDisplay):
    """A predictor and how it holds.

    Attributes
    ----------
    versions
        All of them, the newest first.
    champion
        The one in use; None: the plain rule is, and is watched, or `lost` is.
    challenger
        A newer one that may be put in use, or was refused; None: there is none.
    observations
        Orders whose outcome is known.
    outcomes
        Orders that were not learned from, with what was told of them; columns of
        `windows.OUTCOMES`.
    recent
        Coverage of the newest of them, the worst quantile first.
    by_month
        Columns of `COVERAGE`.
    spread
        Columns of `SPREAD`; empty for a chance to be on time.
    lost
        Number of the version that published the estimates in force while the store has
        none in use; empty: it has, or the plain rule published them.
    problem
        Why the version in use is not watched; empty: it is.
    """

    model: str
    kind: str
    about: str
    versions: tuple[PredictorVersion, ...]
    champion: PredictorVersion | None
    challenger: PredictorVersion | None
    observations: int
    outcomes: pl.DataFrame
    recent: tuple[RecentCoverage, ...]
    by_month: pl.DataFrame
    spread: pl.DataFrame
    lost: str = ""
    problem: str = ""

    def __str__(self) -> str:
        """Model and version; coverage of the newest outcomes against what it says."""
        number = self.version_in_use
        used = f"version {number}" if number else "the plain rule"
        lines = [f"{self.model}: {used}, {self.outcomes.height:,} outcomes watched"]
        lines += [str(one) for one in self.recent]
        return "\n".join([*lines, self.problem] if self.problem else lines)

    @property
    def version_in_use(self) -> str:
        """Number of the version that plans count on; empty: the plain rule."""
        return self.champion.version if self.champion else self.lost

    @property
    def slipped(self) -> RecentCoverage | None:
        """Coverage that is outside of what chance allows; None: all are within."""
        return next((one for one in self.recent if one.has_slipped), None)
