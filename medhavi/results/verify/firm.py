"""What is firm: existing orders as they are, and pegs that bind supplies to demands.

What a supply is bound to is served by it, and by how much at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.results.verify.balance import of_customers, usable_lots
from medhavi.results.verify.facts import (
    ACTIVE,
    PLACE,
    TOLERANCE,
    faults,
    once,
    valid_at,
    validity,
    whole_up,
)
from medhavi.units import DAY

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts

_OWNED = ("demand", *PLACE)


def check_existing(facts: Facts) -> list[Finding]:
    """Check that existing orders are there with their rest, dates and source."""
    if facts.snapshot["supply_orders"].is_empty():
        return []
    orders = facts.open_orders.filter(pl.col("rest") > TOLERANCE)
    planned = facts.supplies.filter("main").rename({"order": "supply_order"})
    lost = orders.join(planned, on="supply_order", how="anti")
    dead = (
        facts.snapshot["supply_orders"]
        .filter(~pl.col("status").is_in(ACTIVE) & (pl.col("status") != "planned"))
        .join(planned.select("supply_order"), on="supply_order", how="semi")
    )
    return [
        *faults("VER030", "supplies", lost, value="supply_order"),
        *faults("VER032", "supplies", dead, "status", value="supply_order"),
        *_changed(facts, orders, planned),
    ]


def _changed(
    facts: Facts, orders: pl.DataFrame, planned: pl.DataFrame
) -> list[Finding]:
    both = planned.join(orders, on="supply_order", suffix="_was")
    # Only a constrained plan may move an order, and only one that is not locked.
    kept = both
    if facts.mode != "mrp":
        kept = both.filter(pl.col("locked").fill_null(pl.col("status_was") != "firmed"))
    # A work order counts in routing units; those it started with may stay in its row.
    near = TOLERANCE * (1 + pl.col("qty_was"))
    whole = (pl.col("order_qty") - pl.col("qty_was")).abs() <= near
    made = pl.col("kind") == "make"
    amount = pl.when(made).then("order_qty").otherwise("qty")
    amounts = both.with_columns(qty=amount).filter(
        ((pl.col("qty") - pl.col("rest")).abs() > near) & ~(made & whole)
    )
    differences = [
        ("due", kept, "finish_s", "due_s"),
        (
            "start",
            kept.filter(pl.col("start_s_was").is_not_null()),
            "start_s",
            "start_s_was",
        ),
        ("product", both, "product", "product_was"),
        ("location", both, "location", "location_was"),
        ("kind", both, "kind", "kind_was"),
        (
            "source",
            both.filter(pl.col("source_was").is_not_null()),
            "source",
            "source_was",
        ),
    ]
    found = faults(
        "VER031",
        "supplies",
        amounts,
        value="supply_order",
        what=pl.lit("quantity still to come"),
        planned=pl.col("qty").cast(pl.String),
        expected=pl.col("rest").cast(pl.String),
    )
    for what, rows, now, before in differences:
        found += faults(
            "VER031",
            "supplies",
            rows.filter(pl.col(now) != pl.col(before)),
            value="supply_order",
            what=pl.lit(what),
            planned=now,
            expected=before,
        )
    return found + _reassigned(facts, kept)


def _reassigned(facts: Facts, kept: pl.DataFrame) -> list[Finding]:
    """Check that steps work on the resource to which they are assigned.

    Those of orders that stay as they are, and those that have begun. A resource that
    the step may not use is left out, and a member of a pool that may lack a skill.
    """
    stays = pl.col("supply_order").is_in(kept["supply_order"].to_list())
    assigned = (
        facts.snapshot["supply_order_steps"]
        .filter(pl.col("resource").is_not_null() & (pl.col("status") != "completed"))
        .filter(stays | (pl.col("status") == "in_process"))
    )
    if assigned.is_empty():
        return []
    now = facts.plan.operations.group_by("step", supply_order="supply").agg(
        begin_s=pl.col("start").min().dt.epoch("s"),
        planned=pl.col("resource").unique().sort(),
    )
    members = facts.snapshot["resources"].select(
        pl.concat_list(pl.col("resource"), pl.col("pool")).alias("name"),
        member="resource",
    )
    may = (
        facts.snapshot["step_resources"]
        .join(members.explode("name"), left_on="resource", right_on="name")
        .filter(pl.col("skill").is_null() | (pl.col("resource") == pl.col("member")))
        .select("step", *validity(), source="routing", resource="member")
    )
    elsewhere = (
        assigned.join(now, on=["supply_order", "step"])
        .filter(~pl.col("planned").list.contains(pl.col("resource")))
        .join(
            facts.snapshot["supply_orders"].select("supply_order", "source"),
            on="supply_order",
        )
        .join(may, on=["source", "step", "resource"])
        .filter(valid_at("begin_s"))
        .sort("supply_order", "step")
    )
    return faults(
        "VER031",
        "operations",
        elsewhere,
        value="supply_order",
        what=pl.format("resource of step {}", "step"),
        planned=pl.col("planned").list.join(", "),
        expected="resource",
    )


def check_firm_pegs(facts: Facts, givers: pl.DataFrame) -> list[Finding]:
    """Check that firm pegs are kept, and what they keep beyond the need.

    Parameters
    ----------
    givers
        What may be pegged: columns supply and available.
    """
    return [*_kept(facts), *_over(facts, givers)]


def _kept(facts: Facts) -> list[Finding]:
    firm = facts.snapshot["pegs"].filter("firm")
    if firm.is_empty():
        return []
    broken = facts.exceptions.get("FirmPegBroken", set())
    open_demands = facts.plan.fulfilment.filter(pl.col("status") != "ignored")
    last = pl.col("due_s") + pl.col("min_shelf_days").fill_null(0.0) * 86_400
    own = facts.demands.select(
        "demand", *PLACE, "wanted", "customer", own=_is_plain(), needed=last
    )
    bound = facts.plan.pegging.join(firm, on="demand", how="semi")
    taken = bound.group_by("demand", *PLACE).agg(pl.col("qty").sum().alias("taken"))
    lost = (
        firm.join(open_demands.select("demand", "planned"), on="demand")
        .join(_pegged(facts), on=["demand", "supply"], how="left")
        .join(own, on=["demand", *PLACE], how="left")
        .join(taken, on=["demand", *PLACE], how="left")
        .join(_others(facts), on="supply", how="left")
        .join(_lives(facts), on="supply", how="left")
        .with_columns(pl.col("pegged", "others").fill_null(0.0))
        .with_columns(
            # Of what goes into it a demand cannot take more than it needs.
            most=pl.when(pl.col("own").is_null())
            .then("taken")
            # Nobody else has what it would take.
            .when(pl.col("own") & (pl.col("others") > TOLERANCE))
            .then(pl.min_horizontal("wanted", pl.col("planned") + pl.col("others")))
            .otherwise("planned")
        )
        .with_columns(qty=pl.min_horizontal("qty", "most"))
        # Other firm pegs may give it all that it needs there.
        .with_columns(rest=pl.col("most") - pl.col("pegged").sum().over(*_OWNED))
        .filter(pl.col("rest").is_null() | (pl.col("rest") > TOLERANCE))
        .filter(pl.col("pegged") < pl.col("qty") - TOLERANCE * (1 + pl.col("qty")))
        # What others have could have been theirs, whatever the plan says, if it lasts
        # and belongs to nobody else.
        .filter(
            (
                pl.col("own")
                & (pl.col("others") > TOLERANCE)
                & (pl.col("needed") <= pl.col("expires_s")).fill_null(value=True)
                & (
                    pl.col("belongs").is_null()
                    | (pl.col("belongs") == pl.col("customer"))
                )
            )
            | ~pl.any_horizontal(pl.col("demand", "supply").is_in(list(broken)))
        )
    )
    return faults(
        "VER006",
        "pegging",
        lost,
        "qty",
        "pegged",
        value=pl.format("{} → {}", "demand", "supply"),
    )


def _lives(facts: Facts) -> pl.DataFrame:
    """When lots and what orders bring expire, and whose they are.

    Columns supply, expires_s (null: never), belongs (null: ours, or not asked).
    """
    life = (pl.col("shelf_life_days") * DAY).round().cast(pl.Int64)
    brought = facts.supplies.filter("main", "existing").join(
        facts.snapshot["products"].select("product", "shelf_life_days"), on="product"
    )
    owner = pl.when(of_customers(facts)).then("owner")
    return pl.concat(
        [
            usable_lots(facts).select(
                supply="lot_id",
                expires_s=pl.col("expires_at").dt.epoch("s"),
                belongs=owner,
            ),
            brought.select(
                supply="order",
                expires_s=pl.col("finish_s") + life,
                belongs=pl.lit(None, pl.String),
            ),
        ]
    )


def _is_plain() -> pl.Expr:
    """Whether a demand takes any part of any class, whenever, also from its place."""
    whole = pl.col("full_line") | (pl.col("order_policy") != "independent")
    least = pl.max_horizontal("min_shipment", "min_shelf_days") > 0
    there = pl.col("ship_from").is_null() | (pl.col("ship_from") == pl.col("location"))
    asks = pl.col("requires").list.len().fill_null(0) > 0
    any_class = ~asks & pl.col("min_quality").is_null()
    return ~whole & ~least & there & any_class & pl.col("max_lateness_days").is_null()


def _others(facts: Facts) -> pl.DataFrame:
    """What supplies give to whom they are not bound: supply, others."""
    firm = facts.snapshot["pegs"].filter("firm").select("demand", "supply")
    made_for = facts.open_orders.select("demand", supply="supply_order")
    loose = _pegged(facts).join(
        pl.concat([firm, made_for]), on=["demand", "supply"], how="anti"
    )
    return _sum_of(loose, "others")


def _over(facts: Facts, givers: pl.DataFrame) -> list[Finding]:
    """Check what firm pegs keep beyond the need of their demands (PEG-08).

    What the plan says they keep nobody else has; and they keep all that is there where
    the settings allow it and their demands are served in full, else nothing.
    """
    told = (
        facts.plan.exceptions.filter(code=str(ExceptionCode.OVER_PEGGED))
        .group_by("supply")
        .agg(pl.col("qty").sum().alias("told"))
    )
    if told.is_empty() and not facts.snapshot["pegs"]["firm"].any():
        return []
    sums = (
        _surplus(facts)
        .join(told, on="supply", how="full", coalesce=True)
        .join(givers.select("supply", "available"), on="supply")
        .filter(pl.col("available").is_finite())
        .with_columns(pl.col("told", "taken", "others", "over").fill_null(0.0))
        .with_columns(rest=pl.col("available") - pl.col("taken"))
    )
    allowed = facts.snapshot.settings.over_peg == "allow"
    most = pl.col("over") if allowed else pl.lit(0.0)
    slack = TOLERANCE * (1 + pl.col("available"))
    wrong = sums.with_columns(
        due=pl.min_horizontal(most, pl.col("rest") + pl.col("others"))
    ).filter(
        (pl.col("told") > pl.col("rest") + slack)
        | (pl.col("told") > pl.col("due") + slack)
        | (pl.col("sure") & (pl.col("told") < pl.col("due") - slack))
    )
    cells = pl.col("supply").alias("value"), "told", "rest", "due"
    return faults("VER076", "pegging", wrong.select(*cells).sort("value"))


def _surplus(facts: Facts) -> pl.DataFrame:
    """Surplus of each supply bound firmly: supply, taken, others, over, sure.

    `taken` is pegged of it, `others` of that to demands that it is not bound to, `over`
    bound and not pegged; `sure` where all that it is bound to are served in full.
    """
    broken = list(facts.exceptions.get("FirmPegBroken", set()))
    served = facts.plan.fulfilment.filter(pl.col("status") != "ignored").select(
        "demand", whole=pl.col("planned") >= pl.col("qty") - TOLERANCE
    )
    pegged = _pegged(facts)
    step = pl.col("step_qty").fill_null(1.0)
    firm = (
        facts.snapshot["pegs"]
        .filter("firm")
        .join(served, on="demand")
        .join(pegged, on=["demand", "supply"], how="left")
        .join(facts.steps_of_products, on="product", how="left")
        .select(
            "demand",
            "supply",
            over=whole_up(pl.col("qty") / step) * step - pl.col("pegged").fill_null(0),
            sure=pl.col("whole")
            & (pl.col("pegged") > 0).fill_null(value=False)
            & ~pl.col("demand").is_in(broken),
        )
    )
    return (
        firm.group_by("supply")
        .agg(pl.col("over").clip(lower_bound=0.0).sum(), pl.col("sure").all())
        .join(_sum_of(pegged, "taken"), on="supply", how="left")
        .join(_others(facts), on="supply", how="left")
    )


@once
def _pegged(facts: Facts) -> pl.DataFrame:
    """What demands have of supplies that are bound firmly: demand, supply, pegged."""
    firm = facts.snapshot["pegs"].filter("firm")
    bound = facts.plan.pegging.join(firm, on="supply", how="semi")
    return bound.group_by("demand", "supply").agg(pegged=pl.col("qty").sum())


def _sum_of(pegged: pl.DataFrame, name: str) -> pl.DataFrame:
    return pegged.group_by("supply").agg(pl.col("pegged").sum().alias(name))
