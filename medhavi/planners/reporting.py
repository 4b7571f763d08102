"""Reports of a plan on the grid of settings.bucket: positions and loads (rule 23).

Both are made from the events of a plan and never steer it: netting is exact to the
second, buckets are for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.results.buckets import grid
from medhavi.results.plan_tables import INSTANT, SCHEMAS, empty
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable

    from medhavi.results.buckets import Grid
    from medhavi.snapshot import Snapshot

LEDGER = {
    "product": pl.String(),
    "location": pl.String(),
    "instant": pl.Int64(),
    "kind": pl.String(),
    "qty": pl.Float64(),
}
"""Columns of a ledger; `instant` in UTC seconds."""

KINDS = ("stock", "gross", "receipt", "new", "net", "hold", "safety", "waste")
"""Kinds of ledger rows.

stock: usable stock at as_of. gross: a need, independent or dependent, without safety.
receipt: what an existing order brings. new: what a new supply brings. net: new supply
that netting asked for, before lots. hold: change of the active holds (plus when they
begin, minus when the owner takes its goods). safety: the level from this instant on,
not a change. waste: what expires.
"""

_NAMES = ["product", "location"]
_PLACE = "place"
_FINE = 1_000_000
"""Parts of a unit-second in which loads are counted."""
_DECIMALS = 9
"""Sums of decimals are cut back to decimals: finer than any quantity step in use."""


def positions(snapshot: Snapshot, ledger: pl.DataFrame, bucket: str) -> pl.DataFrame:
    """Give gross, net and projected stock per product, location and bucket.

    Parameters
    ----------
    snapshot
        Gives as_of, where a hybrid grid starts.
    ledger
        Rows as in `LEDGER` and `KINDS`, in any order; quantities are not negative but
        for stock and hold.
    bucket
        Grid, as in settings.bucket.

    Returns
    -------
    DataFrame
        A row per bucket with an event. `gross`: needs without safety. `net`: new supply
        needed, from the ledger's net rows, and where a place has none the rise of the
        greatest shortfall against safety so far, exact to the second. `inbound`: all
        that arrives. `on_hand`, `reserved`, `safety`: at the end of the bucket.
        `short`: how far stock fell below zero inside it. From row to row
        on_hand = before + inbound - gross (- waste, + stock in the first row).
    """
    if ledger.is_empty():
        return empty("positions")
    rule = grid(bucket, snapshot.as_of)
    # Numbers in the order of the names group and sort faster than two texts.
    places = ledger.select(_NAMES).unique().sort(_NAMES).with_row_index(_PLACE)
    numbered = ledger.join(places, on=_NAMES, maintain_order="left").drop(_NAMES)
    instants = _by_instant(numbered, snapshot.settings.horizon_end)
    buckets = rule.starts(instants["instant"].to_numpy())
    framed = instants.with_columns(bucket=pl.Series(buckets, dtype=pl.Int64))
    grouped = framed.group_by(_PLACE, "bucket", maintain_order=True).agg(
        pl.col("gross", "net").sum().round(_DECIMALS),
        pl.col("on_hand", "reserved", "safety").last(),
        (pl.col("receipt") + pl.col("new")).sum().round(_DECIMALS).alias("inbound"),
        (-pl.col("on_hand").min()).clip(lower_bound=0.0).alias("short"),
    )
    return grouped.with_columns(
        (pl.col("bucket") * 1_000_000)
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC"),
        *(places[name].gather(grouped[_PLACE]) for name in _NAMES),
    ).select(pl.col(name).cast(dtype) for name, dtype in SCHEMAS["positions"].items())


def _by_instant(ledger: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """Sum the ledger per instant and run the projections; sorted by place and time."""
    amounts = [
        pl.when(pl.col("kind") == kind).then("qty").otherwise(0.0).sum().alias(kind)
        for kind in KINDS
        if kind != "safety"
    ]
    level = pl.when(pl.col("kind") == "safety").then("qty").max().alias("safety")
    # What is there serves needs before as_of too; mode mrp has such needs.
    begun = pl.col("instant").min().over(_PLACE)
    ledger = ledger.with_columns(
        instant=pl.when(pl.col("kind") == "stock")
        .then(pl.min_horizontal("instant", begun))
        .otherwise("instant")
    )
    instants = (
        ledger.group_by(_PLACE, "instant", maintain_order=True)
        .agg(*amounts, level)
        .sort(_PLACE, "instant")
    )
    flow = pl.col("stock") + pl.col("receipt") - pl.col("gross") - pl.col("waste")
    projected = instants.with_columns(
        pl.col("safety").forward_fill().over(_PLACE).fill_null(0.0),
        pl.col("hold").cum_sum().over(_PLACE).alias("reserved"),
        (flow + pl.col("new")).cum_sum().over(_PLACE).alias("on_hand"),
        flow.cum_sum().over(_PLACE).alias("without_new"),
        (pl.col("net").abs().sum() > 0).over(_PLACE).alias("stated"),
    )
    shortfall = (pl.col("safety") + pl.col("reserved") - pl.col("without_new")).clip(
        lower_bound=0.0
    )
    need = shortfall.cum_max().over(_PLACE)
    derived = (need - need.shift(1).over(_PLACE).fill_null(0.0)).clip(lower_bound=0.0)
    # Nothing is planned for what comes after the horizon.
    derived = pl.when(pl.col("instant") <= horizon).then(derived).otherwise(0.0)
    return projected.with_columns(
        pl.col("gross", "receipt", "new", "on_hand", "reserved").round(_DECIMALS),
        pl.when("stated").then("net").otherwise(derived).round(_DECIMALS).alias("net"),
    )


def loads(
    snapshot: Snapshot,
    operations: pl.DataFrame,
    available_of: Callable[[str, int, int], float],
) -> pl.DataFrame:
    """Give available, run, set-up and overload hours per resource and bucket.

    Parameters
    ----------
    snapshot
        Gives the grid (settings.bucket, as_of) and the resources.
    operations
        Table `operations` of a plan: working stretches with their resource. A stretch
        occupies `units` of it from start to finish; its set-up comes first.
    available_of
        Unit-seconds that a resource offers in `[start, finish)` [UTC seconds]: open
        time, shares of shifts and units by time are its matter (rule 17).

    Returns
    -------
    DataFrame
        A row per bucket in which the resource works, sorted by resource and bucket.
        Set-up is counted in utilisation: (run + setup) / available. `overload` is what
        exceeds `available`, 0 for resources that are not finite.
    """
    rule = grid(snapshot.settings.bucket, snapshot.as_of)
    used = _used_hours(operations.filter(pl.col("resource") != ""), rule)
    if used.is_empty():
        return empty("loads")
    facts = snapshot["resources"].select("resource", "finite")
    ends = rule.ends(used["bucket"].to_numpy())
    available = [
        available_of(resource, start, finish) / HOUR
        for resource, start, finish in zip(
            used["resource"].to_list(),
            used["bucket"].to_list(),
            ends.tolist(),
            strict=True,
        )
    ]
    excess = (pl.col("run") + pl.col("setup") - pl.col("available")).clip(
        lower_bound=0.0
    )
    return (
        used.with_columns(available=pl.Series(available, dtype=pl.Float64))
        .join(facts, on="resource", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("finite").fill_null(value=True))
            .then(excess)
            .otherwise(0.0)
            .alias("overload"),
            pl.from_epoch("bucket", time_unit="s").cast(INSTANT),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SCHEMAS["loads"].items())
    )


def _used_hours(operations: pl.DataFrame, rule: Grid) -> pl.DataFrame:
    """Split stretches at bucket edges; columns resource, bucket, run, setup [hours]."""
    if operations.is_empty():
        return pl.DataFrame()
    start = operations["start"].dt.epoch("s").to_numpy()
    finish = operations["finish"].dt.epoch("s").to_numpy()
    setup = np.rint(operations["setup_minutes"].fill_null(0.0).to_numpy() * 60)
    turn = np.minimum(start + setup.astype(np.int64), finish)
    rows = np.arange(len(start))
    pieces = []
    bucket = rule.starts(start)
    # One round per bucket that the longest stretch touches; most need one or two.
    while len(rows):
        end = rule.ends(bucket)
        low, high = np.maximum(start[rows], bucket), np.minimum(finish[rows], end)
        split = np.clip(turn[rows], low, high)
        pieces.append((rows, bucket, high - split, split - low))
        more = finish[rows] > end
        rows, bucket = rows[more], end[more]
    index = np.concatenate([piece[0] for piece in pieces])
    # Whole numbers: sums of floats depend on their order, and that on threads.
    units = operations["units"].fill_null(1.0).to_numpy()[index] * _FINE
    return (
        pl.DataFrame(
            {
                "resource": operations["resource"].gather(index),
                "bucket": np.concatenate([piece[1] for piece in pieces]),
                "run": _whole(np.concatenate([p[2] for p in pieces]) * units),
                "setup": _whole(np.concatenate([p[3] for p in pieces]) * units),
            }
        )
        .group_by("resource", "bucket")
        .agg(pl.col("run", "setup").sum() / (_FINE * HOUR))
        .filter((pl.col("run") > 0) | (pl.col("setup") > 0))
        .sort("resource", "bucket")
    )


def _whole(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.rint(values).astype(np.int64)
    return found
