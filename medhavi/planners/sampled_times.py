"""Times of estimates at many levels at once: how a quantile becomes a sample.

Promises and the risk of plans draw from here alone: what is uncertain has a level
between 0 and 1, and its quantiles say which time that is (see `Quantiles.at`).

Several delays may have a common cause F: with correlation r a subject has the normal
score sqrt(r) F + sqrt(1 - r) E, its own part E independent of F (one-factor Gaussian
copula: Li, Journal of Fixed Income 9, 2000, doi:10.3905/jfi.2000.319253). What one
subject does alone stays as it is; F has a dimension of its own.

SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators,
OOPSLA 2014) of a counter whose key is a hash of seed and name gives uniform numbers. No
draw depends on another name, on the number of scenarios or on threads: common random
numbers for free.
"""

from __future__ import annotations

import hashlib
from math import log, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medhavi.providers.lead_times import LEVELS as CURVE
from medhavi.providers.lead_times import STEEP
from medhavi.results.identity import GAMMA, spread
from medhavi.units import DAY, seconds_up

if TYPE_CHECKING:
    import numpy.typing as npt

    from medhavi.providers.lead_times import Quantiles

    Floats = npt.NDArray[np.float64]
    Instants = npt.NDArray[np.int64]


NEAR = 1e-4
"""Distance to a whole second within which floats are not trusted."""


class Levels(NamedTuple):
    """The levels of one dimension at all points, and where they lie on the curve.

    Parameters
    ----------
    levels
        Between 0 and 1.
    low
        Whether the lower of the two lines of a curve holds.
    share
        How far along that line.
    """

    levels: list[float]
    low: npt.NDArray[np.bool_]
    share: Floats


def leveled(levels: Floats) -> Levels:
    """Place levels between 0 and 1 on the curve of quantiles."""
    low = levels <= CURVE[1]
    begin = np.where(low, CURVE[0], CURVE[1])
    end = np.where(low, CURVE[1], CURVE[2])
    return Levels(levels.tolist(), low, (levels - begin) / (end - begin))


def uniforms(seed: int, name: str, count: int) -> Floats:
    """Uniform numbers in (0, 1), shape (count,); a longer call begins alike.

    >>> bool((uniforms(1, "a", 3) == uniforms(1, "a", 5)[:3]).all())
    True
    """
    digest = hashlib.sha256(f"{seed}\x1f{name}".encode()).digest()
    key = np.uint64(int.from_bytes(digest[:8], "little"))
    drawn = spread(key + np.arange(count, dtype=np.uint64) * GAMMA)
    # The middle of each of 2**53 cells: never 0, never 1.
    return ((drawn >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53


def even_levels(seed: int, name: str, count: int) -> Floats:
    """Equally likely levels, each once, in an order of a name's own, shape (count,).

    A Latin hypercube: the share of scenarios below a level is that level.

    >>> even_levels(1, "a", 4).tolist()
    [0.125, 0.625, 0.375, 0.875]
    """
    ranks = np.empty(count, dtype=np.int64)
    ranks[uniforms(seed, name, count).argsort(kind="stable")] = np.arange(count)
    return (ranks + 0.5) / count


def with_common_cause(points: Floats, correlation: float) -> Floats:
    """Mix the first dimension of points into all others; these are the result.

    Parameters
    ----------
    points
        Shape (n, 1 + dimensions), between 0 and 1.
    correlation
        Of the normal scores of any two dimensions, 0 to below 1.
    """
    from scipy.special import ndtr, ndtri

    # The first coordinate may be 0 and no score; the middle of its cell stands for it.
    least = 0.5 / len(points) ** 2
    scores = ndtri(np.clip(points, least, 1 - least))
    own = sqrt(1 - correlation) * scores[:, 1:]
    found: Floats = ndtr(sqrt(correlation) * scores[:, :1] + own)
    return found


def lead_seconds(quantiles: Quantiles, drawn: Levels) -> Instants:
    """Days of a purchase at each level [s], rounded up."""
    floats = times_at(quantiles, drawn) * DAY
    each = np.ceil(floats).astype(np.int64)
    for number in _unsure(floats):
        each[number] = seconds_up(quantiles.at(drawn.levels[number]), DAY)
    return each


def transit_seconds(quantiles: Quantiles, drawn: Levels) -> Instants:
    """Time of a lane at each level [s], rounded down."""
    floats = times_at(quantiles, drawn)
    each = np.floor(floats).astype(np.int64)
    for number in _unsure(floats):
        each[number] = int(quantiles.at(drawn.levels[number]))
    return each


def times_at(quantiles: Quantiles, drawn: Levels) -> Floats:
    """`Quantiles.at` of all levels, but for the last bits of its floats."""
    p50, p80, p95 = quantiles[:3]
    if p50 * STEEP <= p80 or p80 * STEEP <= p95:
        lines = _line(p50, p80, drawn.share), _line(p80, p95, drawn.share)
        return np.where(drawn.low, *lines)
    first = np.where(drawn.low, p50, p80)
    growth = np.where(drawn.low, log(p80 / p50), log(p95 / p80))
    found: Floats = first * np.exp(growth * drawn.share)
    return found


def _line(first: float, second: float, share: Floats) -> Floats:
    """Go on from one time to another: plainly from next to zero, else by logarithm."""
    if first * STEEP <= second:
        found: Floats = np.maximum(0.0, first + (second - first) * share)
        return found
    return first * np.exp(log(second / first) * share)


def _unsure(floats: Floats) -> list[int]:
    """Points next to a whole number: there the last bits decide.

    Zero is sure: only a plain line is cut there, and it has the same bits.
    """
    near = (np.abs(floats - np.rint(floats)) < NEAR) & (floats > 0.0)
    found: list[int] = near.nonzero()[0].tolist()
    return found
