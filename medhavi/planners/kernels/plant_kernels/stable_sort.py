# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Sort whole numbers by their digits: equal ones stay in their sequence.

Source: Knuth 1998, The Art of Computer Programming 3, 5.2.5 (sorting by distribution).
"""

from __future__ import annotations

import numpy as np

DIGIT = 12
"""Bits of a digit."""


def ranks_of(keys: np.ndarray) -> np.ndarray:
    """Places of numbers in order of size, of equal ones the first first.

    Parameters
    ----------
    keys
        Shape (n,), int64; the largest is less than 2^62 above the least.

    Returns
    -------
    numpy.ndarray
        Shape (n,), int64, as `numpy.argsort` with kind "stable" gives.
    """
    count = len(keys)
    ranks = np.empty(count, np.int64)
    other = np.empty(count, np.int64)
    if count == 0:
        return ranks
    least = most = keys[0]
    for at in range(count):
        ranks[at] = at
        least = min(least, keys[at])
        most = max(most, keys[at])
    size = 1 << DIGIT
    starts = np.empty(size, np.int64)
    shift = 0
    # A machine shifts by the rest of 64: beyond that digits would never end.
    while shift < 64 and (most - least) >> shift > 0:
        for digit in range(size):
            starts[digit] = 0
        for at in range(count):
            starts[((keys[at] - least) >> shift) & (size - 1)] += 1
        begin = 0
        for digit in range(size):
            held = starts[digit]
            starts[digit] = begin
            begin += held
        for at in range(count):
            rank = ranks[at]
            digit = ((keys[rank] - least) >> shift) & (size - 1)
            other[starts[digit]] = rank
            starts[digit] += 1
        ranks, other = other, ranks
        shift += DIGIT
    return ranks
