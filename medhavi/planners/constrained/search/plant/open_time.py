"""Open time of calendars as rows of a plant."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.kernels.plant_kernels.plant_record import FAR

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = tuple[int, int, int, int, int]
"""`k_open`, `k_close`, `k_before`, `k_first` and `k_next` of `Plant`."""


def open_rows(
    spans: Sequence[tuple[int, int]], walls: Sequence[int], first: int, zero: int
) -> list[Row]:
    """Rows of the open spans of a calendar.

    Parameters
    ----------
    spans
        In order of time, from -`FAR` to `FAR` [UTC s].
    walls
        Places before which busy time lies.
    first
        How many rows of other calendars come before.
    zero
        Instant from which rows count [UTC s].
    """
    rows: list[Row] = []
    before = -FAR
    bounds = [0, *walls, len(spans)]
    for place, (low, high) in enumerate(spans):
        opens = low if low == -FAR else low - zero
        closes = high if high == FAR else high - zero
        piece = bisect_right(bounds, place)
        since, until = first + bounds[piece - 1], first + bounds[piece]
        rows.append((opens, closes, before, since, until))
        before += closes - opens
    return rows


def columns_of(rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """Windows of calendars in columns. Shapes (n_rows,), int64."""
    columns = np.array(rows, np.int64).reshape(-1, 5).T
    names = ("k_open", "k_close", "k_before", "k_first", "k_next")
    named = zip(names, columns, strict=True)
    return {name: column.copy() for name, column in named}
