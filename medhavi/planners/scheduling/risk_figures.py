"""Figures of a sample: quantiles, the mean of its tail, an interval for the premium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESAMPLES = 400


def quantile(ordered: NDArray[np.float64], level: float) -> float:
    """Least value that at least `level` of the sample does not exceed.

    >>> quantile(np.array([1.0, 2.0, 3.0, 4.0]), 0.5)
    2.0
    """
    return float(np.quantile(ordered, level, method="inverted_cdf"))


def tail_mean(ordered: NDArray[np.float64], percent: int) -> float:
    """Mean of the worst part: CVaR with a fractional tail.

    The tail holds percent / 100 x n values, so the last one counts by its fraction
    (Rockafellar and Uryasev, Conditional value-at-risk for general loss distributions,
    Journal of Banking and Finance 26, 2002, proposition 8).

    Parameters
    ----------
    ordered
        Sample, ascending, shape (n,).
    percent
        Size of the tail [%].

    >>> tail_mean(np.arange(1.0, 31.0), 5)
    29.666666666666668
    """
    size = len(ordered)
    whole, rest = divmod(size * percent, 100)
    total = float(ordered[size - whole :].sum())
    if rest:
        total += float(ordered[size - whole - 1]) * rest / 100
    return total * 100 / (size * percent)


def bootstrap_premium(
    ordered: NDArray[np.float64], percent: int, seed: int
) -> tuple[float, float]:
    """95 % interval of (CVaR - mean) / mean by resampling.

    Percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 13) of 400 resamples with a fixed seed.
    """
    size = len(ordered)
    generator = np.random.default_rng(seed)
    premiums = np.empty(RESAMPLES)
    for turn in range(RESAMPLES):
        drawn = np.sort(generator.integers(0, size, size))
        sample = ordered[drawn]
        mean = sample.mean()
        premiums[turn] = (tail_mean(sample, percent) - mean) / mean
    low, high = np.quantile(premiums, [0.025, 0.975])
    return float(low), float(high)
