"""How level the load of resources is, by the buckets of the settings (rule 23)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.results.buckets import grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


class LevelBuckets(NamedTuple):
    """Buckets in which a load is level, from now to the horizon's end.

    `starts` and `ends` have shape (P,) [UTC s]; `shares` are those of a level load.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    shares: NDArray[np.float64]


def level_buckets(snapshot: Snapshot) -> LevelBuckets:
    """Buckets of a snapshot, the first one whole and the last one up to the horizon."""
    settings = snapshot.settings
    rule, end = grid(settings.bucket, snapshot.as_of), settings.horizon_end
    starts = [int(rule.starts(np.array([snapshot.as_of]))[0])]
    ends: list[int] = []
    while not ends or ends[-1] < end:
        ends.append(int(rule.ends(np.array(starts[-1:]))[0]))
        starts.append(ends[-1])
    edges = np.array([*starts[:-1], max(end, starts[-2] + 1)], dtype=np.int64)
    lengths = np.diff(edges)
    return LevelBuckets(edges[:-1], edges[1:], lengths / lengths.sum())


def hours_off_mean(made: Plan, snapshot: Snapshot) -> float:
    """Hours that loads of buckets lie off the mean load of their resource.

    The mean is that of the whole horizon by the length of a bucket; one without work
    lies off it by all of its share.
    """
    known = level_buckets(snapshot)
    loads = made.loads.select(
        "resource",
        start=pl.col("bucket").dt.epoch("s"),
        used=pl.col("run") + pl.col("setup"),
    )
    shares = pl.DataFrame({"start": known.starts, "share": known.shares})
    within = loads.join(shares, on="start")
    total = pl.col("used").sum()
    off = (pl.col("used") - total * pl.col("share")).abs().sum()
    empty = total * (1.0 - pl.col("share").sum())
    found = within.group_by("resource", maintain_order=True).agg(hours=off + empty)
    return float(found["hours"].sum())
