"""What work costs and emits by the hour on the resources it occupies."""

from __future__ import annotations

import polars as pl

HOURS = 60.0
DECIMALS = 9
"""The last digits of a sum of floats depend on its order, and that on threads."""


def with_occupation(
    supplies: pl.DataFrame, operations: pl.DataFrame, resources: pl.DataFrame
) -> pl.DataFrame:
    """Add the cost and emission of occupied hours to supplies.

    Parameters
    ----------
    supplies
        Columns id, cost [base currency], co2_kg [kg], and others that stay.
    operations
        Columns supply, resource, units, setup_minutes, run_minutes.
    resources
        Table `resources`: cost_per_hour, co2_kg_per_hour.

    Returns
    -------
    DataFrame
        The supplies in their order; hours count set-up and run, times units.
    """
    rated = resources.filter(
        (pl.col("cost_per_hour") > 0) | (pl.col("co2_kg_per_hour") > 0)
    )
    if rated.is_empty() or operations.is_empty():
        return supplies
    hours = (pl.col("setup_minutes") + pl.col("run_minutes")) / HOURS * pl.col("units")
    added = (
        operations.join(
            rated.select("resource", "cost_per_hour", "co2_kg_per_hour"),
            on="resource",
            maintain_order="left",
        )
        .group_by("supply", maintain_order=True)
        .agg(
            (hours * pl.col("cost_per_hour")).sum().round(DECIMALS).alias("_cost"),
            (hours * pl.col("co2_kg_per_hour")).sum().round(DECIMALS).alias("_co2"),
        )
    )
    return (
        supplies.join(
            added, left_on="id", right_on="supply", how="left", maintain_order="left"
        )
        .with_columns(
            cost=pl.col("cost") + pl.col("_cost").fill_null(0.0),
            co2_kg=pl.col("co2_kg") + pl.col("_co2").fill_null(0.0),
        )
        .drop("_cost", "_co2")
    )
