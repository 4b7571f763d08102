"""Scores of quantiles and probabilities, and the one-sided conformal adjustment.

A promise is one-sided: it breaks when the goods come later, never when they come
earlier. So each quantile is adjusted by itself, after Romano, Patterson and Candès,
*Conformalized Quantile Regression*, 2019 (arXiv 1905.03222), with ratios in place of
differences: spread grows with the lead time.

A way is chosen on rolling origins (`windows.Split.choose`) and judged on a later window
that chose nothing. Against each plain rule, which is taken anew on the day of each
order, the mean difference of its losses must be below zero with confidence: the upper
bound of a paired bootstrap over blocks of consecutive weeks, after Künsch, *The
Jackknife and the Bootstrap for General Stationary Observations*, 1989 (Ann. Statist.
17:1217). The share of orders below each gated quantile must lie inside the binomial
interval of a rule that is calibrated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from medhavi.predict.recipe import QUANTILES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medhavi.predict.recipe import TrainingRecipe

    Floats = NDArray[np.float64]


_Z = 1.96


def pinball(actual: Floats, predicted: Floats, quantile: float) -> float:
    """Mean pinball loss of one quantile, in the unit of its arguments.

    >>> pinball(np.array([10.0]), np.array([8.0]), 0.8)
    1.6
    """
    return round(float(pinball_losses(actual, predicted, quantile).mean()), 12)


def pinball_losses(actual: Floats, predicted: Floats, quantile: float) -> Floats:
    """Pinball loss of each order, shape (n,), in the unit of its arguments."""
    over = actual - predicted
    loss: Any = np.where(over >= 0, quantile * over, (quantile - 1.0) * over)
    return np.asarray(loss, dtype=np.float64)


def coverage(actual: Floats, predicted: Floats) -> float:
    """Share of actual values that are not above the predicted ones."""
    return float(np.mean(actual <= predicted))


def one_sided_factor(actual: Floats, predicted: Floats, quantile: float) -> float:
    """Factor after which a share `quantile` of actual values lies below.

    The ceil((n + 1) q)-th smallest of actual / predicted; the largest where there are
    too few. Without any, 1.
    """
    ratios = np.sort(actual / predicted)
    if not len(ratios):
        return 1.0
    # 0.8 * 5 is a hair above 4 in binary; the rank is meant exactly.
    rank = math.ceil(round((len(ratios) + 1) * quantile, 9))
    return float(ratios[min(rank, len(ratios)) - 1])


def factors_of(ratios: Floats) -> Floats:
    """Factor of each of `QUANTILES` from actual / predicted, shape (n, 3)."""
    ones = np.ones(len(ratios))
    return np.array(
        [
            one_sided_factor(ratios[:, place], ones, quantile)
            for place, quantile in enumerate(QUANTILES)
        ]
    )


class Band(NamedTuple):
    """Between which shares the true share may lie (95 % where nothing else is said)."""

    low: float
    high: float


def wilson(share: float, count: int, z: float = _Z) -> Band:
    """Interval of Wilson (1927) for a share that was seen `count` times.

    `z` is the quantile of the normal distribution: 1.96 for 95 %, 2.5758 for 99 %.

    >>> wilson(0.8, 100)
    Band(low=0.7112, high=0.8666)
    """
    if count == 0:
        return Band(0.0, 1.0)
    square = z * z / count
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / count + square / (4 * count))
    half /= 1 + square
    return Band(round(middle - half, 4), round(middle + half, 4))


def brier(happened: NDArray[np.bool_], probability: Floats) -> float:
    """Brier score (1950): mean squared gap of probability and outcome."""
    return float(np.mean((probability - happened.astype(float)) ** 2))


class Bin(NamedTuple):
    """Of the cases with a similar probability: how many, what was said, what came."""

    cases: int
    stated: float
    observed: float


def reliability_curve(
    happened: NDArray[np.bool_], probability: Floats, bins: int = 5
) -> tuple[Bin, ...]:
    """Stated against observed frequency, in bins of equal size."""
    order = np.argsort(probability, kind="stable")
    return tuple(
        Bin(
            len(part),
            float(probability[part].mean()),
            float(happened[part].mean()),
        )
        for part in np.array_split(order, bins)
        if len(part)
    )


_MICROSECONDS_A_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Paired difference of losses on the judged orders, candidate less plain rule.

    Parameters
    ----------
    difference
        Mean over the orders, in the unit of the loss; negative where the candidate is
        better.
    upper
        Upper confidence bound of that mean; infinite where there are too few blocks.
    blocks
        Blocks of time that were drawn from.
    """

    difference: float
    upper: float
    blocks: int

    @property
    def better(self) -> bool:
        """Whether the candidate is better with confidence."""
        return self.upper < 0.0


def evidence(
    candidate: Floats, plain: Floats, ordered_at: pl.Series, recipe: TrainingRecipe
) -> Evidence:
    """Confidence that a candidate loses less than a plain rule on the same orders.

    Parameters
    ----------
    candidate, plain
        Loss of each order, shape (n,).
    ordered_at
        When each was placed, shape (n,).

    Notes
    -----
    Blocks last `recipe.block_days`, or less where the orders span fewer than
    `recipe.least_blocks` of them: orders of one week share their causes, so they are
    drawn together.
    """
    gaps = candidate - plain
    if not len(gaps):
        return Evidence(difference=0.0, upper=math.inf, blocks=0)
    sums, counts = _blocks(gaps, ordered_at, recipe)
    mean = float(gaps.mean())
    if len(sums) < recipe.least_blocks / 2:
        return Evidence(difference=mean, upper=math.inf, blocks=len(sums))
    chance = np.random.default_rng(recipe.seed)
    drawn = chance.integers(len(sums), size=(recipe.bootstrap_draws, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    upper = float(np.quantile(means, recipe.confidence))
    return Evidence(difference=mean, upper=upper, blocks=len(sums))


def _blocks(
    gaps: Floats, ordered_at: pl.Series, recipe: TrainingRecipe
) -> tuple[Floats, Floats]:
    """Sum and count of the gaps of each block of time that has any."""
    moments = ordered_at.cast(pl.Int64).to_numpy()
    first, span = moments.min(), int(moments.max() - moments.min()) + 1
    week = recipe.block_days * _MICROSECONDS_A_DAY
    length = max(min(week, span / recipe.least_blocks), 1.0)
    _, block = np.unique(
        ((moments - first) / length).astype(np.int64), return_inverse=True
    )
    counts = np.bincount(block)
    sums = np.bincount(block, weights=gaps).astype(np.float64)
    return sums, counts.astype(np.float64)


@cache
def coverage_band(quantile: float, count: int, level: float) -> Band:
    """Shares of `count` orders below a calibrated quantile, with confidence `level`.

    The central binomial interval: each side is left out with (1 - level) / 2 at most.

    >>> coverage_band(0.8, 150, 0.99)
    Band(low=0.7133, high=0.88)
    """
    from scipy.stats import binom

    if count == 0:
        return Band(0.0, 1.0)
    tail = (1.0 - level) / 2.0
    law: Any = binom(count, quantile)
    low, high = int(law.ppf(tail)), int(law.ppf(1.0 - tail))
    return Band(round(low / count, 4), round(high / count, 4))


def covers(share: float, quantile: float, count: int, recipe: TrainingRecipe) -> bool:
    """Whether a share of orders below a quantile is what chance allows."""
    low, high = coverage_band(quantile, count, recipe.coverage_level)
    return low - 1e-4 <= share <= high + 1e-4
