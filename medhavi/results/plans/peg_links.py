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
    pegs = plan.pegging.select(
        "demand", "level", "supply", "product", "location"
    ).unique()
    takers = pegs.join(orders, left_on="supply", right_on="id").with_columns(
        below=pl.col("level") + 1
    )
    made = takers.filter(kind="make").join(
        snapshot["bom_lines"]
        .select("component", routing="routing", at="location")
        .unique(),
        left_on="source",
        right_on="routing",
    )
    moved = takers.filter(kind="move").join(
        snapshot["lanes"].select("lane", at="origin"), on="lane", how="left"
    )
    wanted = pl.concat(
        [
            made.select(
                "demand",
                "below",
                "start",
                taker="supply",
                product="component",
                at=pl.coalesce("at", "location"),
            ),
            moved.select("demand", "below", "start", "product", "at", taker="supply"),
        ],
        how="diagonal",
    )
    givers = pegs.join(
        orders.select("id", "finish"), left_on="supply", right_on="id"
    ).rename({"supply": "giver"})
    found = (
        wanted.join(
            givers,
            left_on=["demand", "below", "product"],
            right_on=["demand", "level", "product"],
        )
        .filter(
            (pl.col("at").is_null() | (pl.col("at") == pl.col("location")))
            & (pl.col("taker") != pl.col("giver"))
        )
        .unique(["taker", "giver", "product"])
    )
    there = (pl.col("finish") <= pl.col("start")).fill_null(value=True)
    return (
        found.filter(there | ~there.any().over("taker", "product"))
        .select("taker", "giver")
        .unique()
        .sort("taker", "giver")
    )
