"""Positions of a plan, counted again from the flows of its other tables.

Of a product at a location, per bucket b of settings.bucket,

    inbound(b) = receipts of existing orders and new supplies in b
    gross(b)   = what orders take and what is delivered in b
    on_hand(b) <= stock + sum of inbound up to b - sum of gross up to b,

equal where the product does not expire; what expires is the rest. Rows before the
bucket of as_of count as one with it: what existing orders took before as_of may stand
at its own date or at as_of. Stock includes the lots of customers. In mode mrp a demand
is required as it is due, also where it is late or not all of it is supplied. Of what
stands in for another component a plan may take more, as it does not say which one an
order took; and of components with dates.
Not counted again: a place whose product is always there; a plan without positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.results.buckets import grid
from medhavi.results.verify.balance import (
    deliveries,
    perishable_places,
    receipts,
    taken,
    usable_lots,
)
from medhavi.results.verify.facts import PLACE, TOLERANCE, faults
from medhavi.results.verify.material_use import choices

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts

_KEY = (*PLACE, "bucket")


def check_positions(facts: Facts) -> list[Finding]:
    """Check that the positions are the sums of what comes and goes."""
    if facts.plan.positions.is_empty():
        return []
    rows = _counted(facts)
    found: list[Finding] = []
    more = pl.col("chosen") & (pl.col("gross") > pl.col("went"))
    for stated, counted, other in (
        ("inbound", "came", pl.lit(value=False)),
        ("gross", "went", more),
    ):
        found += faults(
            "VER085",
            "positions",
            rows.filter(_differ(stated, counted) & ~other),
            value=pl.format("{}|{}", *PLACE),
            moment="bucket",
            named=pl.lit(stated),
            told=stated,
            right=counted,
        )
    size = pl.max_horizontal(
        pl.col("came", "went", "stock").abs().cum_max().over(PLACE)
    )
    over = pl.col("on_hand") - pl.col("level") > TOLERANCE * (1 + size)
    under = pl.col("level") - pl.col("on_hand") > TOLERANCE * (1 + size)
    found += faults(
        "VER086",
        "positions",
        rows.filter(
            pl.col("on_hand").is_not_null()
            & (over | (under & ~(pl.col("expires") | pl.col("chosen"))))
        ),
        value=pl.format("{}|{}", *PLACE),
        moment="bucket",
        told="on_hand",
        right="level",
    )
    return found


def _undecided(facts: Facts) -> list[str]:
    """Components of which a plan may take more than its orders say.

    Those that stand in for others, and those of dated lines: an order that is moved
    keeps what it takes.
    """
    lines = facts.snapshot["bom_lines"]
    dated = pl.col("valid_from").is_not_null() | pl.col("valid_to").is_not_null()
    return [
        *choices(facts)["component"].to_list(),
        *lines.filter(dated)["component"].to_list(),
    ]


def _differ(stated: str, counted: str) -> pl.Expr:
    """Whether a stated amount is another than the counted one."""
    size = 1 + pl.max_horizontal(pl.col(stated, counted).abs())
    return (pl.col(stated) - pl.col(counted)).abs() > TOLERANCE * size


def _counted(facts: Facts) -> pl.DataFrame:
    """What is stated and counted, a row per place and bucket, sorted.

    Columns: product, location, bucket [UTC s]; inbound, gross, on_hand as stated,
    on_hand null where no row states it; came, went, stock, level as counted; expires:
    whether some of it may; chosen: whether it may be taken for another component.
    """
    rule = grid(facts.snapshot.settings.bucket, facts.as_of)
    first = int(rule.starts(np.array([facts.as_of]))[0])
    flows = _flows(facts)
    flows = flows.with_columns(
        bucket=pl.Series(rule.starts(flows["instant_s"].to_numpy()), dtype=pl.Int64)
    )
    counted = (
        flows.lazy()
        .with_columns(pl.col("bucket").clip(lower_bound=first))
        .group_by(_KEY)
        .agg(pl.col("came", "went").sum())
    )
    stated = (
        facts.plan.positions.lazy()
        .with_columns(pl.col("bucket").dt.epoch("s").clip(lower_bound=first))
        .group_by(_KEY, maintain_order=True)
        .agg(pl.col("inbound", "gross").sum(), pl.col("on_hand").last())
    )
    held = usable_lots(facts).lazy().group_by(PLACE).agg(stock=pl.col("qty").sum())
    expires = perishable_places(facts).lazy().with_columns(expires=pl.lit(value=True))
    return (
        stated.join(counted, on=_KEY, how="full", coalesce=True)
        .join(facts.unlimited.lazy(), on=PLACE, how="anti")
        .join(held, on=PLACE, how="left")
        .join(expires, on=PLACE, how="left")
        .with_columns(
            pl.col("inbound", "gross", "came", "went", "stock").fill_null(0.0),
            pl.col("expires").fill_null(value=False),
            chosen=pl.col("product").is_in(_undecided(facts)),
        )
        .sort(_KEY)
        .with_columns(
            level=pl.col("stock")
            + (pl.col("came") - pl.col("went")).cum_sum().over(PLACE)
        )
        .collect(engine="in-memory")
    )


def _flows(facts: Facts) -> pl.DataFrame:
    """What comes and goes: product, location, instant_s, came, went."""
    none = pl.lit(0.0)
    parts = [
        receipts(facts).select(*PLACE, instant_s="dated_s", came="qty", went=none),
        taken(facts).select(*PLACE, "instant_s", came=none, went="qty"),
        _required(facts).select(*PLACE, "instant_s", came=none, went="qty"),
    ]
    return pl.concat(parts)


def _required(facts: Facts) -> pl.DataFrame:
    """What demands take: product, location, instant_s, qty."""
    delivered = deliveries(facts).with_columns(-pl.col("qty"))
    if facts.mode != "mrp":
        return delivered
    due = facts.demands.select("demand", *PLACE, "due_s")
    lacking = facts.plan.fulfilment.filter(
        (pl.col("short") > 0) & (pl.col("status") != "ignored")
    )
    return pl.concat(
        [
            delivered.join(
                due.drop(PLACE), left_on="owner", right_on="demand", how="left"
            ).select(*PLACE, pl.min_horizontal("instant_s", "due_s"), "qty"),
            lacking.select("demand", qty="short")
            .join(due, on="demand")
            .select(*PLACE, instant_s="due_s", qty="qty"),
        ]
    )
