"""Draws that belong to (seed, name, scenario): a counter-based generator.

SplitMix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators,
OOPSLA 2014) of a counter whose key is a hash of seed and name. No draw depends on
another operation, on the number of scenarios or on threads: common random numbers for
free.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def uniforms(seed: int, name: str, count: int) -> NDArray[np.float64]:
    """Uniform numbers in (0, 1), shape (count,); a longer call begins alike.

    >>> bool((uniforms(1, "a", 3) == uniforms(1, "a", 5)[:3]).all())
    True
    """
    digest = hashlib.sha256(f"{seed}\x1f{name}".encode()).digest()
    key = np.uint64(int.from_bytes(digest[:8], "little"))
    with np.errstate(over="ignore"):
        mixed = key + np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
        mixed ^= mixed >> np.uint64(31)
    # The middle of each of 2**53 cells: never 0, never 1.
    return ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53


def triangular(
    uniform: NDArray[np.float64], low: float, mode: float, high: float
) -> NDArray[np.float64]:
    """Turn uniform numbers into triangular ones by the inverse of the distribution.

    F(x) = (x - a)² / ((b - a)(c - a)) below the mode c, 1 - (b - x)² / ((b - a)(b - c))
    above (Kotz and van Dorp, Beyond Beta, 2004, chapter 1).

    >>> triangular(np.array([0.0, 0.5, 1.0]), 0.0, 1.0, 2.0)
    array([0., 1., 2.])
    """
    width = high - low
    if width <= 0:
        return np.full_like(uniform, mode)
    left = low + np.sqrt(uniform * width * (mode - low))
    right = high - np.sqrt((1.0 - uniform) * width * (high - mode))
    return np.where(uniform * width < mode - low, left, right)
