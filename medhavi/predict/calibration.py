"""Scores of quantiles and probabilities, and the one-sided conformal adjustment.

A promise is one-sided: it breaks when the goods come later, never when they come
earlier. So each quantile is adjusted by itself, after Romano, Patterson and Candès,
*Conformalized Quantile Regression*, 2019 (arXiv 1905.03222), with ratios in place of
differences: spread grows with the lead time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medhavi.predict.recipe import QUANTILES

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
