"""Open time of calendars as rows of a plant."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.kernels.plant_kernels.plant_record import FAR
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

NEAR_DAYS = 400
"""Days from now on at which the window of a calendar is known without seeking it."""
COLUMNS = ("k_open", "k_close", "k_before", "k_first", "k_next")
"""Columns of rows, as of `Plant`."""


def open_rows(
    spans: Sequence[tuple[int, int]] | np.ndarray, walls: Sequence[int], zero: int
) -> np.ndarray:
    """Rows of the open spans of a calendar. Shape (n_spans, 5), int64.

    Parameters
    ----------
    spans
        In order of time, from -`FAR` to `FAR` [UTC s].
    walls
        Places before which busy time lies.
    zero
        Instant from which rows count [UTC s].
    """
    low, high = np.array(spans, np.int64).reshape(-1, 2).T
    opens = np.where(low == -FAR, low, low - zero)
    closes = np.where(high == FAR, high, high - zero)
    lengths = closes - opens
    bounds = np.array([0, *walls, len(spans)], np.int64)
    piece = np.searchsorted(bounds, np.arange(len(spans)), side="right")
    # The first span is as long as `FAR`: counted from there on, sums stay small.
    before = np.cumsum(lengths) - lengths - FAR
    return np.column_stack([opens, closes, before, bounds[piece - 1], bounds[piece]])


def departure_rows(pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Rows of pairs of instants that are no open time. Shape (n_pairs, 5), int64."""
    rows = np.zeros((len(pairs), len(COLUMNS)), np.int64)
    rows[:, :2] = np.array(pairs, np.int64).reshape(-1, 2)
    return rows


def columns_of(parts: Sequence[np.ndarray], first: int = 0) -> dict[str, np.ndarray]:
    """Windows of calendars in columns. Shapes (n_rows,), int64; `k_start` (n + 1,).

    Parameters
    ----------
    parts
        Rows of each calendar.
    first
        How many rows of other calendars come before.
    """
    counts = np.array([len(rows) for rows in parts], np.int64)
    start = np.concatenate([[first], first + np.cumsum(counts)]).astype(np.int64)
    rows = np.concatenate([np.zeros((0, len(COLUMNS)), np.int64), *parts])
    rows[:, 3:] += np.repeat(start[:-1], counts)[:, np.newaxis]
    found = {name: rows[:, at].copy() for at, name in enumerate(COLUMNS)}
    return {"k_start": start, **found}


def nearest(start: np.ndarray, close: np.ndarray) -> dict[str, np.ndarray]:
    """Places of windows by day: `k_near` and `k_days` of `Plant`.

    Parameters
    ----------
    start, close
        `k_start` and `k_close` of `Plant`.
    """
    days = np.arange(NEAR_DAYS) * DAY
    rows = [
        low + np.searchsorted(close[low:high], days, side="right")
        for low, high in pairwise(start.tolist())
    ]
    near = np.concatenate([np.zeros(0, np.int64), *rows])
    return {"k_near": near, "k_days": np.array([NEAR_DAYS])}
