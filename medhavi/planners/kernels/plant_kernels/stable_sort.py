# mypy: disable-error-code="no-any-return"
# What an array gives is Any; the kernels are arithmetic on it.
"""Whole numbers in order: a heap, and a sort by digits that keeps equal ones in turn.

Source: Knuth 1998, The Art of Computer Programming 3, 5.2.3 (heaps) and 5.2.5 (sorting
by distribution).
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


def push(keys: np.ndarray, values: np.ndarray, count: int, key: int, value: int) -> int:
    """Add to a heap; gives its new length."""
    at = count
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] <= key:
            break
        keys[at] = keys[above]
        values[at] = values[above]
        at = above
    keys[at] = key
    values[at] = value
    return count + 1


def pop(keys: np.ndarray, values: np.ndarray, count: int) -> tuple[int, int]:
    """Take the least of a heap; gives its value, and the new length.

    The gap goes down to a leaf and what fills it up again: one comparison a level, and
    none that is hard to foresee (Floyd 1964, as told by Knuth 1998, 5.2.3).
    """
    value = values[0]
    count -= 1
    key, moved = keys[count], values[count]
    at, below = 0, 1
    while 0 < below < count - 1:
        below += keys[below + 1] < keys[below]
        keys[at] = keys[below]
        values[at] = values[below]
        at = below
        below = 2 * at + 1
    if below < count:
        keys[at] = keys[below]
        values[at] = values[below]
        at = below
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] < key:
            break
        keys[at] = keys[above]
        values[at] = values[above]
        at = above
    keys[at] = key
    values[at] = moved
    return value, count
