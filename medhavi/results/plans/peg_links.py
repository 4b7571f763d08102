"""Which order takes from which, of a whole plan at once.

Pegs name the supplies of each level; an order takes from those one level below that its
bill of materials names, at the place of its work, a transfer from those of its product
at its origin. Which of two orders of one product an order took from they do not tell:
it took from those that were there at its start, and from all where none was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from medhavi.results.plans.tables import PlanAccess
    from medhavi.snapshot import Snapshot


def peg_links(plan: PlanAccess, snapshot: Snapshot) -> pl.DataFrame:
    """List who takes from whom.

    Parameters
    ----------
    plan
        A plan with pegging.
    snapshot
        What was planned: bills of materials and lanes.

    Returns
    -------
    pl.DataFrame
        taker, giver: ids of orders, each pair once, sorted. Stock is no giver.
    """
    orders = plan.supplies.select("id", "kind", "source", "lane", "start", "finish")
    rows = (
        plan.pegging.select("demand", "level", "supply", "product", "location")
        .unique()
        .join(orders, left_on="supply", right_on="id")
        .with_row_index()
    )
    found = (
        may_take(rows, snapshot)
        .join(rows.select("start", taker="index", by="supply"), on="taker")
        .join(rows.select("finish", "product", giver="index", of="supply"), on="giver")
        .select("start", "finish", "product", taker="by", giver="of")
        .filter(pl.col("taker") != pl.col("giver"))
        .unique(["taker", "giver", "product"])
    )
    there = (pl.col("finish") <= pl.col("start")).fill_null(value=True)
    return (
        found.filter(there | ~there.any().over("taker", "product"))
        .select("taker", "giver")
        .unique()
        .sort("taker", "giver")
    )


def may_take(rows: pl.DataFrame, snapshot: Snapshot | None) -> pl.DataFrame:
    """Pairs of rows of which one may have taken from the other one, a level below.

    Parameters
    ----------
    rows
        What is pegged: index, demand, level, supply, product, location, and kind,
        source and lane of orders.
    snapshot
        What was planned: bills of materials and lanes. Without it an order that is made
        takes every other product below, and places do not count.

    Returns
    -------
    pl.DataFrame
        taker, giver: indices of rows, each pair once, sorted.
    """
    takers = rows.select(
        "demand",
        "level",
        "product",
        "location",
        "kind",
        "source",
        "lane",
        taker="index",
    )
    givers = rows.select(
        "demand", "product", level=pl.col("level") - 1, giver="index", there="location"
    )
    made, moved = (takers.filter(kind=kind) for kind in ("make", "move"))
    anywhere = pl.lit(None, pl.String)
    if snapshot is None:
        others = givers.select("demand", "level", taken="product").unique()
        made = made.join(others, on=["demand", "level"])
        made = made.filter(pl.col("taken") != pl.col("product"))
        made, moved = (one.with_columns(at=anywhere) for one in (made, moved))
    else:
        lines = snapshot["bom_lines"].select("routing", "location", taken="component")
        made = made.join(lines, left_on="source", right_on="routing", suffix="_stated")
        made = made.with_columns(at=pl.coalesce("location_stated", "location"))
        lanes = snapshot["lanes"].select("lane", at="origin")
        moved = moved.join(lanes, on="lane", how="left")
    wanted = pl.concat(
        [
            one.select("taker", "demand", "level", "at", product=taken)
            for one, taken in ((made, "taken"), (moved, "product"))
        ]
    )
    return (
        wanted.join(givers, on=["demand", "level", "product"])
        .filter(pl.col("at").is_null() | (pl.col("at") == pl.col("there")))
        .select("taker", "giver")
        .unique()
        .sort("taker", "giver")
    )
