"""How new orders use lanes: least loads of departures, and lanes of lower preference.

The least load of a departure (lanes.min_fill_kg) is missing where a new order leaves
with it and all that leaves with it weighs less. A lane without a timetable sends a
vehicle for each order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.figures.order_costs import new_orders
from medhavi.snapshot.network.needs_and_sources import preferences

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

ORDER = ("product", "location", "kind", "source")
"""Columns that name the source of an order."""


def kg_below_fill(plan: Plan, snapshot: Snapshot) -> float:
    """Weight by which departures with new orders lie below their least load [kg]."""
    lanes = snapshot["lanes"].filter(pl.col("min_fill_kg") > 0)
    scheduled = snapshot["departures"]["lane"].unique().to_list()
    existing = snapshot["supply_orders"]["supply_order"].to_list()
    weights = snapshot["products"].select("product", "weight_kg")
    vehicle = pl.when(pl.col("lane").is_in(scheduled)).then(pl.lit("")).otherwise("id")
    departures = (
        plan.supplies.filter(pl.col("kind") == "move")
        .join(lanes.select("lane", "min_fill_kg"), on="lane")
        .join(weights, on="product")
        .group_by("lane", pl.coalesce("departure", "start"), vehicle.alias("vehicle"))
        .agg(
            pl.col("min_fill_kg").first(),
            kg=(pl.col("qty") * pl.col("weight_kg").fill_null(0.0)).sum(),
            new=(~pl.col("id").is_in(existing)).any(),
        )
        .filter("new")
        .sort("lane", "departure", "vehicle")
    )
    missing = departures["min_fill_kg"] - departures["kg"]
    return float(missing.clip(lower_bound=0.0).sum())


def places_behind(plan: Plan, snapshot: Snapshot) -> pl.DataFrame:
    """New orders by source, and how far it is behind the first of its product there.

    Returns
    -------
    polars.DataFrame
        product, location, kind, source and behind: its preference less the best number
        among the sources of the product at the location.
    """
    new = new_orders(plan, snapshot).filter(pl.col("order_qty").is_not_null())
    ranks = preferences(snapshot, new)
    first = ranks.group_by("product", "location").agg(
        pl.col("preference").min().alias("first")
    )
    return (
        new.select(ORDER)
        .join(ranks, on=ORDER)
        .join(first, on=ORDER[:2])
        .select(*ORDER, behind=pl.col("preference") - pl.col("first"))
    )


def lanes_behind(plan: Plan, snapshot: Snapshot) -> float:
    """Sum over new transfers of how far their lane is behind the first source."""
    moves = places_behind(plan, snapshot).filter(pl.col("kind") == "move")
    return float(moves["behind"].sum())
