"""The time grid of reports: hours, days, weeks, months or a row of them (rule 23).

Buckets are named by their start in UTC; weeks start on Monday. In a hybrid such as
`14xday+26xweek` the first part starts with the day of as_of; what lies before it falls
into the grid of its first part, what lies after it into the grid of its last. Where two
parts meet, the first bucket of the later part is cut there, so that weeks stay weeks
from Monday.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medhavi.units import DAY, HOUR

Instants = NDArray[np.int64]

_WEEK = 7 * DAY
_FIRST_MONDAY = 4 * DAY
_UNITS = ("hour", "day", "week", "month")
MOST_PARTS = 100_000
"""Eleven years of hours; a longer grid is a typing error."""
_PART = re.compile(r"([1-9]\d{0,8})x(hour|day|week|month)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A grid of buckets.

    Parameters
    ----------
    unit
        Length of a bucket outside the edges; `first_unit` before them.
    edges
        Starts of the buckets of a hybrid, ascending [UTC seconds]; empty for a plain
        grid. The last edge is the end of the hybrid.
    """

    unit: str
    first_unit: str
    edges: tuple[int, ...] = ()

    def starts(self, instants: Instants) -> Instants:
        """Start of the bucket of each instant, shape and order kept."""
        if not self.edges:
            return floor(instants, self.unit)
        edges = np.asarray(self.edges, dtype=np.int64)
        index = np.searchsorted(edges, instants, side="right") - 1
        inside = edges[np.clip(index, 0, len(edges) - 1)]
        after = np.maximum(floor(instants, self.unit), edges[-1])
        before = floor(instants, self.first_unit)
        return np.where(
            index < 0, before, np.where(index == len(edges) - 1, after, inside)
        )

    def ends(self, starts: Instants) -> Instants:
        """End of the bucket that starts at each of these starts."""
        if not self.edges:
            return following(starts, self.unit)
        edges = np.asarray(self.edges, dtype=np.int64)
        index = np.searchsorted(edges, starts, side="right") - 1
        inside = edges[np.clip(index + 1, 0, len(edges) - 1)]
        before = np.minimum(following(starts, self.first_unit), edges[0])
        last = index == len(edges) - 1
        return np.where(
            index < 0, before, np.where(last, following(starts, self.unit), inside)
        )


def grid(bucket: str, as_of: int) -> Grid:
    """Read a bucket setting.

    Parameters
    ----------
    bucket
        hour, day, week, month, or parts such as `14xday+26xweek`.
    as_of
        Now of the plan [UTC seconds]; a hybrid starts with its day.

    Raises
    ------
    ValueError
        The text is none of these.
    """
    if bucket in _UNITS:
        return Grid(unit=bucket, first_unit=bucket)
    parts = [_PART.fullmatch(part.strip()) for part in bucket.split("+")]
    if not all(parts):
        message = (
            f"settings.bucket ({bucket}) is not understood; give hour, day, week, month "
            "or parts such as 14xday+26xweek."
        )
        raise ValueError(message)
    read = [(int(part[1]), part[2]) for part in parts if part]
    if sum(count for count, _ in read) > MOST_PARTS:
        message = f"settings.bucket ({bucket}) has more than {MOST_PARTS:,} buckets."
        raise ValueError(message)
    edges = [int(as_of) // DAY * DAY]
    for count, unit in read:
        for _ in range(count):
            edges.append(int(following(np.asarray([edges[-1]]), unit)[0]))
    return Grid(unit=read[-1][1], first_unit=read[0][1], edges=tuple(edges))


def floor(instants: Instants, unit: str) -> Instants:
    """Start of the hour, day, week or month of each instant.

    >>> floor(np.array([4 * 86400 + 5]), "week").tolist()
    [345600]
    """
    if unit == "hour":
        return instants // HOUR * HOUR
    if unit == "day":
        return instants // DAY * DAY
    if unit == "week":
        return (instants - _FIRST_MONDAY) // _WEEK * _WEEK + _FIRST_MONDAY
    months = np.asarray(instants, dtype="datetime64[s]").astype("datetime64[M]")
    return months.astype("datetime64[s]").astype(np.int64)


def following(instants: Instants, unit: str) -> Instants:
    """Start of the next hour, day, week or month after each instant."""
    if unit == "month":
        months = np.asarray(instants, dtype="datetime64[s]").astype("datetime64[M]")
        return (months + 1).astype("datetime64[s]").astype(np.int64)
    length = {"hour": HOUR, "day": DAY, "week": _WEEK}[unit]
    return floor(instants, unit) + length
