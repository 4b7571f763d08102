"""Which resources decide what a plan can do: those used above a threshold (CAP-14)."""

from __future__ import annotations

import polars as pl

BOTTLENECK = 0.95
"""A resource is a bottleneck from this utilisation on [fraction]."""


def bottlenecks(loads: pl.DataFrame, threshold: float = BOTTLENECK) -> pl.DataFrame:
    """List the resources used from a threshold on, and those with a bucket too full.

    Parameters
    ----------
    loads
        Table `loads` of a plan.
    threshold
        Run and set-up ÷ available hours, over the buckets in which a resource works
        [fraction].

    Returns
    -------
    polars.DataFrame
        resource, utilisation (null where nothing is available), overload [h]; the most
        used first.
    """
    used = pl.col("run") + pl.col("setup")
    total = loads.group_by("resource", maintain_order=True).agg(
        pl.col("run", "setup", "available", "overload").sum()
    )
    return (
        total.filter(
            (pl.col("overload") > 0) | (used >= threshold * pl.col("available"))
        )
        .select(
            "resource",
            pl.when(pl.col("available") > 0)
            .then(used / pl.col("available"))
            .alias("utilisation"),
            "overload",
        )
        .sort("utilisation", "resource", descending=[True, False])
    )
