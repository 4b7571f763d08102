"""What work costs and emits by the hour on the resources it occupies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

HOURS = 60.0
OVERTIME_FACTOR = 1.5
"""An hour of overtime in ordinary hours, where its cost is not stated."""
FREE_HOUR_OVERTIME = 50.0
"""Cost of an hour of overtime where ordinary hours cost nothing."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class HourRates:
    """What an hour of a resource costs and emits.

    Parameters
    ----------
    cost
        While occupied [base currency].
    co2_kg
        While occupied.
    overtime
        What an hour of overtime costs on top of `cost` [base currency].
    overtime_per_day
        Hours of overtime that may be bought a day.
    """

    cost: float
    co2_kg: float
    overtime: float
    overtime_per_day: float


def hour_rates(resources: pl.DataFrame) -> dict[str, HourRates]:
    """Rates of all resources by id.

    An hour of overtime costs overtime_cost_per_hour; where none is stated 1.5 times an
    ordinary hour, and 50 where that is free.
    """
    return {
        row["resource"]: HourRates(
            cost=row["cost_per_hour"],
            co2_kg=row["co2_kg_per_hour"],
            overtime=max(0.0, overtime_rate(row) - row["cost_per_hour"]),
            overtime_per_day=row["overtime_minutes_per_day"] / HOURS,
        )
        for row in resources.iter_rows(named=True)
    }


def overtime_rate(row: Mapping[str, float | None]) -> float:
    """What an hour of overtime of a resource costs [base currency]."""
    stated, ordinary = row["overtime_cost_per_hour"], row["cost_per_hour"] or 0.0
    if stated is not None:
        return stated
    return OVERTIME_FACTOR * ordinary or FREE_HOUR_OVERTIME
