"""Pegs of components: together they are what pegged orders take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.verify.facts import PLACE, TOLERANCE
from medhavi.results.verify.faults import faults
from medhavi.results.verify.material.material_use import consumption, move_departures

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts


def check_components(facts: Facts) -> list[Finding]:
    """Check that pegs below the top sum to what pegged orders take, place by place.

    An order takes for demands the share of its output that is pegged. Where that is a
    part, every demand's share is cut to whole steps, and fixed quantities may go to
    any: that much play is left. What has no source has no peg, so it may be missing.
    """
    slack = TOLERANCE * (1 + pl.col("high"))
    both = (
        _taken(facts)
        .join(_pegged(facts), on=PLACE, how="full", coalesce=True)
        .with_columns(pl.col("used", "low", "high", "pegged", "missing").fill_null(0.0))
    )
    odd = both.filter(
        (pl.col("pegged") + pl.col("missing") < pl.col("low") - slack)
        | (pl.col("pegged") > pl.col("high") + slack)
    )
    # A plan does not say which component of a group an order took.
    choices = facts.snapshot["bom_lines"].filter(
        pl.col("substitute_group").is_not_null()
    )
    return faults(
        "VER014",
        "pegging",
        odd.filter(~pl.col("product").is_in(choices["component"].to_list()))
        .sort(PLACE)
        .select(pl.format("{}|{}", *PLACE).alias("value"), "used", "pegged"),
    )


def _taken(facts: Facts) -> pl.DataFrame:
    """What orders take for demands: product, location, used, low, high."""
    part = (pl.col("share") > TOLERANCE) & (pl.col("share") < 1 - TOLERANCE)
    play = pl.col("step_qty").fill_null(1.0) * pl.col("pegs") + pl.col("fixed")
    several = pl.col("outputs") > 1
    return (
        pl.concat([consumption(facts), move_departures(facts)], how="diagonal")
        .join(_shares(facts), on="order", how="left")
        .join(facts.steps_of_products, on="product", how="left")
        .with_columns(
            used=pl.col("qty") * pl.col("share"),
            play=pl.when(part).then(play).otherwise(0.0),
        )
        # Which output of several caused a component is not said.
        .with_columns(
            low=pl.when(several).then(0.0).otherwise(pl.col("used") - pl.col("play")),
            high=pl.when(several)
            .then("qty")
            .otherwise(pl.col("used") + pl.col("play")),
        )
        .group_by(PLACE)
        .agg(pl.col("used", "low", "high").sum())
    )


def _shares(facts: Facts) -> pl.DataFrame:
    """Pegged share of each order: order, share, outputs, pegs."""
    pegged = facts.plan.pegging.group_by("supply").agg(
        pl.col("qty").sum().alias("pegged"), pl.len().alias("pegs")
    )
    return (
        facts.supplies.join(pegged, left_on="id", right_on="supply", how="left")
        .group_by("order")
        .agg(
            (pl.col("pegged").fill_null(0.0).sum() / pl.col("qty").sum()).alias(
                "share"
            ),
            pl.len().alias("outputs"),
            pl.col("pegs").fill_null(0).sum(),
        )
        .with_columns(pl.col("share").fill_nan(0.0).fill_null(0.0))
    )


def _pegged(facts: Facts) -> pl.DataFrame:
    """Pegs below the top, and what had no source: place, pegged, missing."""
    lower = facts.plan.pegging.filter(pl.col("level") > 0)
    missing = facts.unsourced.filter(pl.col("supply").is_not_null())
    return (
        pl.concat(
            [
                lower.select(*PLACE, pl.col("qty").alias("pegged")),
                missing.select(*PLACE, pl.col("qty").alias("missing")),
            ],
            how="diagonal",
        )
        .group_by(PLACE)
        .agg(pl.col("pegged", "missing").sum())
    )
