"""Stock at every instant: nothing is taken that is not there.

Per product and location all flows are listed and summed in order of time:
balance(t) = stock + outputs and receipts up to t - components, departures and
deliveries up to t >= 0, flows of one instant taken together. Stock of as_of counts for
instants before it too, since mode mrp may start in the past; what existing orders take
before as_of counts at as_of. What mode mrp takes without any source is in its
exceptions and counts as if it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.verify.facts import PLACE, TOLERANCE, faults, once, whole_down
from medhavi.results.verify.material.material_use import (
    consumption,
    move_departures,
    outputs,
)
from medhavi.units import ALWAYS

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts

FLOW = {
    "product": pl.String(),
    "location": pl.String(),
    "instant_s": pl.Int64(),
    "qty": pl.Float64(),
    "owner": pl.String(),
    "order": pl.String(),
    "finish_s": pl.Int64(),
    "stated_s": pl.Int64(),
    "given": pl.Boolean(),
}
"""Columns of flows: plus is what comes; `owner` is the demand that takes, `order` the
order that takes, null where neither does; `finish_s` is when a supply is finished, also
where it counts earlier because it should be brought forward; `stated_s` is when an
order takes by its dates, also where it counts later because that has passed; `given`
tells of what comes whether it is stock or an order that exists, null where neither."""


def check_balance(facts: Facts) -> list[Finding]:
    """Check that stock never falls below zero."""
    flows = all_flows(facts)
    running = (
        flows.group_by(*PLACE, "instant_s")
        .agg(pl.col("qty").sum(), pl.col("qty").abs().max().alias("size"))
        .sort(*PLACE, "instant_s")
        .with_columns(
            pl.col("qty").cum_sum().over(PLACE).alias("balance"),
            pl.col("size").cum_max().over(PLACE),
        )
    )
    below = (
        running.filter(pl.col("balance") < -TOLERANCE * (1 + pl.col("size")))
        .group_by(PLACE, maintain_order=True)
        .first()
    )
    return faults(
        "VER001",
        "supplies",
        below.join(facts.unlimited, on=PLACE, how="anti").select(
            pl.format("{}|{}", *PLACE).alias("value"),
            (-pl.col("balance")).alias("short"),
            pl.col("instant_s").clip(lower_bound=-(2**34)).alias("moment"),
        ),
    )


@once
def all_flows(facts: Facts) -> pl.DataFrame:
    """List every quantity that comes or goes."""
    columns = (*PLACE, "instant_s", "qty", "order", "existing")
    taken = pl.concat(
        [
            consumption(facts).select(*columns),
            move_departures(facts).select(*columns),
        ]
    ).with_columns(
        stated_s="instant_s",
        instant_s=pl.when("existing")
        .then(pl.col("instant_s").clip(lower_bound=facts.as_of))
        .otherwise("instant_s"),
        qty=-pl.col("qty"),
    )
    parts = [
        stock(facts),
        receipts(facts),
        taken,
        deliveries(facts),
        facts.unsourced.select(*PLACE, "instant_s", "qty"),
        # What an order that stands takes too early counts when it is there.
        facts.awaited.select(*PLACE, "qty", instant_s="use_s"),
        facts.awaited.select(*PLACE, qty=-pl.col("qty"), instant_s="there_s"),
    ]
    return pl.concat(
        [
            part.select(
                pl.col(name).cast(dtype)
                if name in part.columns
                else pl.lit(None, dtype).alias(name)
                for name, dtype in FLOW.items()
            )
            for part in parts
        ]
    )


def stock(facts: Facts) -> pl.DataFrame:
    """What is on hand: our lots, and of customers' lots what is pegged."""
    lots = usable_lots(facts)
    foreign = of_customers(facts)
    pegged = (
        facts.plan.pegging.join(
            lots.filter(foreign).select(pl.col("lot_id").alias("supply"), "owner"),
            on="supply",
        )
        .join(facts.snapshot["demands"].select("demand", "customer"), on="demand")
        .filter(pl.col("owner") == pl.col("customer"))
        .select(*PLACE, "qty")
    )
    return pl.concat(
        [lots.filter(~foreign).select(*PLACE, "qty"), pegged]
    ).with_columns(
        given=True,
        # A missing booking is made up by now, not before all time.
        instant_s=pl.when(pl.col("qty") < 0)
        .then(pl.lit(facts.as_of, dtype=pl.Int64))
        .otherwise(pl.lit(ALWAYS, dtype=pl.Int64)),
    )


def of_customers(facts: Facts) -> pl.Expr:
    """Which lots belong to customers; such a lot serves its owner alone."""
    customers = facts.snapshot["customers"]["customer"].to_list()
    demands = facts.snapshot["demands"]["customer"].drop_nulls().to_list()
    return pl.col("owner").is_in([*customers, *demands]).fill_null(value=False)


@once
def usable_lots(facts: Facts) -> pl.DataFrame:
    """Available lots with `lot_id`; whole steps, broken ones rounded down."""
    step = pl.col("step_qty").fill_null(1.0)
    return (
        facts.snapshot["stock"]
        .filter(pl.col("status") == "available")
        .join(facts.steps_of_products, on="product", how="left")
        .with_columns(
            (whole_down(pl.col("qty") / step) * step).alias("qty"),
            pl.format("{}|{}|{}", "product", "location", "lot").alias("lot_id"),
        )
    )


def receipts(facts: Facts) -> pl.DataFrame:
    """What supplies bring: outputs at their own step, all else at finish."""
    given = outputs(facts).select(
        "order", "product", pl.col("location").alias("out_location"), "instant_s"
    )
    # A row stands for all outputs of its product; where they come at several moments
    # the latest is certain.
    given = given.group_by("order", "product").agg(pl.col("instant_s").max())
    rows = facts.supplies.join(given, on=["order", "product"], how="left").join(
        facts.brought_forward, left_on="id", right_on="supply", how="left"
    )
    usable = pl.when("existing").then("usable_s")
    return rows.select(
        *PLACE,
        pl.when("main")
        .then(pl.min_horizontal("finish_s", usable))
        .otherwise(pl.min_horizontal("instant_s", "finish_s", usable))
        .alias("instant_s"),
        "qty",
        "finish_s",
        pl.col("existing").alias("given"),
    )


def deliveries(facts: Facts) -> pl.DataFrame:
    """What goes to demands; substitutes leave as the pegs say."""
    rows = (
        facts.plan.deliveries.select("demand", "qty", "date")
        .with_columns(pl.col("date").dt.epoch("s").alias("instant_s"))
        .join(
            facts.demands.select(
                "demand",
                pl.col("product").alias("wanted_product"),
                pl.col("location").alias("wanted_location"),
            ),
            on="demand",
        )
    )
    served = substituted(facts)
    plain = rows.join(served.select("demand").unique(), on="demand", how="anti").select(
        pl.col("wanted_product").alias("product"),
        pl.col("wanted_location").alias("location"),
        "instant_s",
        -pl.col("qty"),
        pl.col("demand").alias("owner"),
    )
    last = rows.group_by("demand").agg(last_s=pl.col("instant_s").max())
    # What a peg names goes with the first delivery after it is there.
    ready = facts.supplies.select(pl.col("id").alias("supply"), ready_s="finish_s")
    other = (
        served.with_row_index("peg")
        .join(last, on="demand")
        .join(ready, on="supply", how="left")
        .join(rows.select("demand", "instant_s"), on="demand")
        .with_columns(
            instant_s=pl.when(
                pl.col("ready_s").fill_null(ALWAYS) <= pl.col("instant_s")
            )
            .then("instant_s")
            .otherwise("last_s")
        )
        .group_by("peg", maintain_order=True)
        .agg(
            pl.col("product", "location", "qty", "demand").first(),
            pl.col("instant_s").min(),
        )
        .select(
            "product",
            "location",
            "instant_s",
            -pl.col("qty"),
            pl.col("demand").alias("owner"),
        )
    )
    return pl.concat([plain, other])


def substituted(facts: Facts) -> pl.DataFrame:
    """Pegs of level 0 of demands that got another product or place."""
    top = facts.plan.pegging.filter(pl.col("level") == 0).join(
        facts.demands.select(
            "demand",
            pl.col("product").alias("wanted_product"),
            pl.col("location").alias("wanted_location"),
        ),
        on="demand",
    )
    odd = top.filter(
        (pl.col("product") != pl.col("wanted_product"))
        | (pl.col("location") != pl.col("wanted_location"))
    )
    return top.join(odd.select("demand").unique(), on="demand", how="semi").select(
        "demand", *PLACE, "qty", "supply"
    )
