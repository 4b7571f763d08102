"""Resources of steps: those that are asked for, all of them, with their units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.verify.facts import TOLERANCE, validity
from medhavi.results.verify.faults import faults
from medhavi.results.verify.material.material_use import make_orders

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts


def check_resources(facts: Facts) -> list[Finding]:
    """Check the resources of the steps of new make orders.

    Rows without a choice are all needed, of each choice at least one; a pool is served
    by any member; outside its validity a row is not needed.
    """
    orders = make_orders(facts).filter(~pl.col("existing")).select("order", "source")
    windows = facts.step_windows.rename({"supply": "order"}).join(orders, on="order")
    needed = (
        windows.join(
            facts.snapshot["step_resources"]
            .with_columns(*validity())
            .rename({"routing": "source"}),
            on=["source", "step"],
        )
        .filter(
            (pl.col("valid_from_s") <= pl.col("begin_s"))
            & (pl.col("begin_s") < pl.col("valid_to_s"))
        )
        .select("order", "step", pl.col("resource").alias("named"), "choice", "units")
    )
    used = (
        facts.plan.operations.filter(pl.col("resource").fill_null("") != "")
        .select(pl.col("supply").alias("order"), "step", "resource", "units")
        .unique()
        .join(orders, on="order", how="semi")
    )
    served = used.join(facts.named_resources, on="resource").join(
        pl.concat([needed, _held(facts, windows)]),
        on=["order", "step", "named"],
        suffix="_needed",
    )
    stray = used.join(served, on=["order", "step", "resource"], how="anti")
    near = (pl.col("units") - pl.col("units_needed")).abs() <= TOLERANCE
    odd_units = served.join(
        served.filter(near), on=["order", "step", "resource"], how="anti"
    )
    group = pl.coalesce("choice", "named").alias("group")
    lacking = needed.with_columns(group).join(
        served.with_columns(group), on=["order", "step", "group"], how="anti"
    )
    return [
        *_faults("works on", stray, "resource"),
        *_faults("takes other units of", odd_units, "resource"),
        *_faults("does without", lacking, "group"),
    ]


def _held(facts: Facts, windows: pl.DataFrame) -> pl.DataFrame:
    """Tools that an earlier step took and a later one gives back.

    Each step has the tool while its own start lies in the validity of the row.
    """
    spans = (
        facts.snapshot["step_resources"]
        .filter(pl.col("until_step").is_not_null())
        .with_columns(*validity())
    )
    sequence = facts.snapshot["steps"].select(
        pl.col("routing").alias("source"), "step", "sequence"
    )
    last = sequence.rename({"step": "until_step", "sequence": "last"})
    rows = (
        spans.select(
            pl.col("routing").alias("source"),
            "step",
            pl.col("resource").alias("named"),
            "until_step",
            "choice",
            "units",
            "valid_from_s",
            "valid_to_s",
        )
        .join(sequence, on=["source", "step"])
        .join(last, on=["source", "until_step"])
        .join(sequence, on="source", suffix="_later")
        .filter(
            (pl.col("sequence_later") >= pl.col("sequence"))
            & (pl.col("sequence_later") <= pl.col("last"))
            & (pl.col("step_later") != pl.col("step"))
        )
        .drop("step")
        .rename({"step_later": "step"})
    )
    return (
        windows.join(rows, on=["source", "step"])
        .filter(
            (pl.col("valid_from_s") <= pl.col("begin_s"))
            & (pl.col("begin_s") < pl.col("valid_to_s"))
        )
        .select("order", "step", "named", "choice", "units")
        .unique()
    )


def _faults(what: str, rows: pl.DataFrame, column: str) -> list[Finding]:
    return faults(
        "VER018",
        "operations",
        rows.select(
            pl.col("order").alias("value"),
            "step",
            pl.lit(what).alias("what"),
            pl.col(column).alias("resource"),
        )
        .unique()
        .sort("value", "step", "resource"),
    )
