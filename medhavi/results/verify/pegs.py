"""Pegs: every planned piece is explained, and no piece explains two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.verify.balance import usable_lots
from medhavi.results.verify.facts import PLACE, TOLERANCE, faults, once
from medhavi.results.verify.firm import check_firm_pegs
from medhavi.results.verify.material_use import consumption, move_departures, outputs
from medhavi.units import ALWAYS

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts


_SOURCES = {"make": "PROD", "buy": "SUP", "move": "TRANS"}


def check_pegs(facts: Facts) -> list[Finding]:
    """Check sums, references, sources, times and chains of the pegs."""
    # The joins keep the order of the pegs: their rows are counted by it.
    known = facts.plan.pegging.with_columns(_giver_of_each(facts)).join(
        _givers(facts).drop("supply"),
        on="giver",
        how="left",
        suffix="_given",
        maintain_order="left",
    )
    found = _references(facts, known)
    known = known.drop("product_given", "location_given")
    return [
        *found,
        *_supply_sums(facts),
        *_demand_sums(facts),
        *_sources(known),
        *_times(facts, known),
        *_chains(facts, known),
        *check_firm_pegs(facts, _givers(facts)),
        *_make_to_order(facts, known),
    ]


@once
def _giver_of_each(facts: Facts) -> pl.DataFrame:
    """Number of what serves each peg: giver, null where its name is unknown."""
    return (
        facts.plan.pegging.select("supply")
        .join(
            _givers(facts).select("supply", "giver"),
            on="supply",
            how="left",
            maintain_order="left",
        )
        .select("giver")
    )


@once
def _givers(facts: Facts) -> pl.DataFrame:
    """All that can serve: supply, place, available, ready_s, expected, giver.

    `giver` numbers them.

    Orders have their `kind`, make orders the number of their `routing`.
    """
    lots = usable_lots(facts).select(
        pl.col("lot_id").alias("supply"),
        "product",
        "location",
        pl.col("qty").clip(lower_bound=0.0).alias("available"),
        pl.lit(ALWAYS).alias("ready_s"),
        pl.lit("INV").alias("expected"),
    )
    always = facts.unlimited.select(
        pl.format("{}|{}|", "product", "location").alias("supply"),
        "product",
        "location",
        pl.lit(float("inf")).alias("available"),
        pl.lit(ALWAYS).alias("ready_s"),
        pl.lit("INV").alias("expected"),
    )
    first = outputs(facts).group_by("order", "product").agg(pl.col("instant_s").min())
    rows = (
        facts.supplies.join(first, on=["order", "product"], how="left")
        .join(facts.brought_forward, left_on="id", right_on="supply", how="left")
        .join(facts.routing_numbers, on="source", how="left")
    )
    # A co-product may be there before its order ends, at its own step; the first
    # instant of either is sure.
    own = (
        pl.when("main")
        .then("finish_s")
        .otherwise(pl.min_horizontal("start_s", "instant_s"))
    )
    orders = rows.select(
        pl.col("id").alias("supply"),
        "product",
        "location",
        pl.col("qty").alias("available"),
        pl.min_horizontal(own, pl.when("existing").then("usable_s")).alias("ready_s"),
        pl.when("existing")
        .then(pl.lit("FIRM"))
        .otherwise(pl.col("kind").replace_strict(_SOURCES, default="?"))
        .alias("expected"),
        "kind",
        "routing",
    )
    known = pl.concat([always, lots, orders], how="diagonal")
    return known.unique("supply", maintain_order=True).with_row_index("giver")


def _references(facts: Facts, known: pl.DataFrame) -> list[Finding]:
    unknown = (
        pl.col("available").is_null()
        | (pl.col("product") != pl.col("product_given"))
        | (pl.col("location") != pl.col("location_given"))
    )
    lost = known.filter(unknown).select(
        pl.col("id").alias("value"),
        pl.lit("supply").alias("what"),
        pl.col("supply").alias("named"),
    )
    orphans = known.join(facts.demands, on="demand", how="anti").select(
        pl.col("id").alias("value"),
        pl.lit("demand").alias("what"),
        pl.col("demand").alias("named"),
    )
    return faults("VER004", "pegging", pl.concat([lost, orphans]))


@once
def _pegged_supplies(facts: Facts) -> pl.DataFrame:
    """What is pegged of all that serves: supply, available, pegged, pegs (how many)."""
    return (
        facts.plan.pegging.select("qty", _giver_of_each(facts)["giver"])
        .group_by("giver")
        .agg(pl.col("qty").sum().alias("pegged"), pl.len().alias("pegs"))
        .join(_givers(facts).select("supply", "available", "giver"), on="giver")
        .drop("giver")
    )


def _supply_sums(facts: Facts) -> list[Finding]:
    sums = _pegged_supplies(facts).select("supply", "pegged", "available")
    over = sums.filter(
        pl.col("pegged") > pl.col("available") + TOLERANCE * (1 + pl.col("available"))
    )
    return faults("VER003", "pegging", over.rename({"supply": "value"}).sort("value"))


@once
def _ratios(facts: Facts) -> pl.DataFrame:
    """Units of a substitute for one ordered: demand, product, other, ratio, most.

    Where several rows hold at a place, either may have served: the least and the most.
    """
    rows = facts.snapshot["substitutes"].select(
        "product", pl.col("substitute").alias("other"), "ratio", at=pl.col("location")
    )
    return (
        facts.demands.select("demand", "product", "location")
        .join(rows, on="product")
        .filter((pl.col("at") == "*") | (pl.col("at") == pl.col("location")))
        .group_by("demand", "product", "other", maintain_order=True)
        .agg(pl.col("ratio").min(), pl.col("ratio").max().alias("most"))
    )


def _for_demands(facts: Facts, known: pl.DataFrame) -> pl.DataFrame:
    """Pegs of level 0, in units of what was ordered.

    `qty` is what they are at most, `sure` what they are at least.
    """
    top = known.filter(pl.col("level") == 0)
    if facts.snapshot["substitutes"].is_empty():
        return top.with_columns(sure="qty")
    return top.join(
        _ratios(facts).drop("product"),
        left_on=["demand", "product"],
        right_on=["demand", "other"],
        how="left",
    ).with_columns(
        qty=pl.col("qty") / pl.col("ratio").fill_null(1.0),
        sure=pl.col("qty") / pl.col("most").fill_null(1.0),
    )


def _demand_sums(facts: Facts) -> list[Finding]:
    top = (
        _for_demands(facts, facts.plan.pegging)
        .group_by("demand")
        .agg(pl.col("qty").sum().alias("pegged"), pl.col("sure").sum())
    )
    both = (
        facts.plan.fulfilment.select("demand", "planned")
        .join(top, on="demand", how="left")
        .join(_without_source(facts), on="demand", how="left")
        .with_columns(
            pl.col("pegged", "sure").fill_null(0.0) + pl.col("missing").fill_null(0.0)
        )
    )
    slack = TOLERANCE * (1 + pl.col("planned"))
    # A whole number of substitutes may serve a fraction of a piece more.
    odd = both.filter(
        (pl.col("planned") > pl.col("pegged") + slack)
        | (pl.col("planned") < pl.col("sure") - slack)
    ).join(_rounded_substitutes(facts), on="demand", how="anti")
    told = odd.drop("missing", "sure").rename({"demand": "value"})
    return faults("VER002", "pegging", told)


@once
def _without_source(facts: Facts) -> pl.DataFrame:
    """What demands themselves take without any source: demand, missing."""
    return (
        facts.unsourced.filter(pl.col("supply").is_null())
        .join(facts.demands, on=["demand", "product", "location"], how="semi")
        .group_by("demand")
        .agg(pl.col("qty").sum().alias("missing"))
    )


@once
def _rounded_substitutes(facts: Facts) -> pl.DataFrame:
    """Demands served by a substitute of which whole steps may be too much."""
    if facts.snapshot["substitutes"].is_empty():
        return pl.DataFrame(schema={"demand": pl.String})
    steps = facts.steps_of_products
    steps_each = pl.col("ratio", "most") * pl.col("step_qty") / pl.col("step_other")
    rounded = (steps_each - steps_each.round()).abs() > TOLERANCE
    ratios = (
        _ratios(facts)
        .join(steps, on="product")
        .join(steps.rename({"product": "other", "step_qty": "step_other"}), on="other")
        .filter(pl.any_horizontal(rounded))
    )
    return (
        facts.plan.pegging.filter(pl.col("level") == 0)
        .join(
            ratios,
            left_on=["demand", "product"],
            right_on=["demand", "other"],
            how="semi",
        )
        .select("demand")
        .unique()
    )


def _sources(known: pl.DataFrame) -> list[Finding]:
    odd = known.filter(pl.col("source") != pl.col("expected"))
    return faults("VER005", "pegging", odd, "source", "expected", value="id")


def _times(facts: Facts, known: pl.DataFrame) -> list[Finding]:
    """Check that what was delivered up to a moment was there by then."""
    top = _for_demands(facts, known)
    whole = _rounded_substitutes(facts)
    given = facts.plan.deliveries.select(
        "demand", pl.col("date").dt.epoch("s").alias("moment"), "qty"
    ).join(whole, on="demand", how="anti")
    moments = given.lazy().select("demand", "moment").unique()
    delivered = (
        moments.join(given.lazy(), on="demand", suffix="_then")
        .filter(pl.col("moment_then") <= pl.col("moment"))
        .group_by("demand", "moment")
        .agg(pl.col("qty").sum().alias("delivered"))
    )
    there = (
        moments.join(top.lazy().select("demand", "ready_s", "qty"), on="demand")
        .filter(pl.col("ready_s") <= pl.col("moment"))
        .group_by("demand", "moment")
        .agg(pl.col("qty").sum().alias("there"))
    )
    both = (
        delivered.join(there, on=["demand", "moment"], how="left")
        .join(_without_source(facts).lazy(), on="demand", how="left")
        .with_columns(pl.col("there").fill_null(0.0) + pl.col("missing").fill_null(0.0))
        .drop("missing")
    )
    late_by = pl.col("there") + TOLERANCE * (1 + pl.col("delivered"))
    early = (
        both.filter(pl.col("delivered") > late_by)
        .sort("demand", "moment")
        .collect(engine="in-memory")
    )
    return faults("VER007", "deliveries", early.rename({"demand": "value"}))


def _chains(facts: Facts, known: pl.DataFrame) -> list[Finding]:
    """Check that a peg of level k feeds a supply that a peg of level k - 1 names.

    Demand, level and product of a peg are one whole number: most rows of a plan are
    pegs, and numbers are compared far faster than three texts.
    """
    pegs = facts.plan.pegging
    if not (pegs["level"] > 0).any():
        return []
    lines = (
        facts.snapshot["bom_lines"]
        .select(source="routing", product="component")
        .join(facts.routing_numbers, on="source")
    )
    substitutes = facts.snapshot["substitutes"].select(
        "product", pl.col("substitute").alias("other")
    )
    names = pl.concat(
        [
            pegs["product"],
            lines["product"],
            substitutes["product"],
            substitutes["other"],
        ]
    )
    names = names.drop_nulls().unique()
    product = pl.col("product").cast(pl.Enum(names)).to_physical().cast(pl.Int64)
    demand = pl.col("demand").cast(pl.Enum(pegs["demand"].unique())).to_physical()
    deepest = pegs["level"].max()
    levels = 2 + (deepest if isinstance(deepest, int) else 0)
    stages = known.lazy().select(
        "kind",
        "routing",
        code=product,
        stage=demand.cast(pl.Int64) * levels + pl.col("level"),
    )
    below = pl.col("stage") + 1
    routings = facts.snapshot["routings"].height
    made = (
        stages.filter(pl.col("kind") == "make")
        .select(pair=below * routings + pl.col("routing"))
        .unique()
        .drop_nulls()
        .select(stage=pl.col("pair") // routings, routing=pl.col("pair") % routings)
        .join(lines.lazy().select("routing", code=product).unique(), on="routing")
    )
    moved = stages.filter(pl.col("kind") == "move").select("code", stage=below)
    key = pl.col("stage") * len(names) + pl.col("code")
    allowed = pl.concat([made.select(key=key), moved.select(key=key)]).unique()
    ratios = substitutes.lazy().select(
        code=product, other=pl.col("other").cast(pl.Enum(names))
    )
    other = (
        allowed.select(
            stage=pl.col("key") // len(names), code=pl.col("key") % len(names)
        )
        .join(ratios, on="code")
        .select(key=pl.col("stage") * len(names) + pl.col("other").to_physical())
    )
    orphans = (
        stages.select(key=key)
        .with_row_index("row")
        .filter(pegs["level"] > 0)
        .join(pl.concat([allowed, other]), on="key", how="anti", maintain_order="left")
        .collect(engine="in-memory")
    )
    lost = pegs[orphans["row"]]
    cells = pl.col("id").alias("value"), "level", "product"
    return faults("VER008", "pegging", lost.select(*cells))


def _make_to_order(facts: Facts, known: pl.DataFrame) -> list[Finding]:
    special = facts.snapshot["products"].filter("make_to_order").select("product")
    if special.is_empty():
        return []
    shared = (
        known.filter(~pl.col("expected").is_in(["INV", "FIRM"]))
        .join(special, on="product", how="semi")
        .group_by("supply")
        .agg(pl.col("demand").n_unique().alias("demands"))
        .filter(pl.col("demands") > 1)
        .sort("supply")
    )
    return faults("VER009", "pegging", shared.rename({"supply": "value"}))


def check_components(facts: Facts) -> list[Finding]:
    """Check that pegs below the top sum to what pegged orders take, place by place.

    An order takes for demands the share of its output that is pegged. Where that is a
    part, every demand's share is cut to whole steps, and fixed quantities may go to
    any: that much play is left. What has no source has no peg, so it may be missing.
    """
    slack = TOLERANCE * (1 + pl.col("high"))
    both = (
        _taken(facts)
        .join(_pegged_components(facts), on=PLACE, how="full", coalesce=True)
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
        odd.filter(~pl.col("product").is_in(choices["component"].to_list())).sort(
            PLACE
        ),
        "used",
        "pegged",
        value=pl.format("{}|{}", *PLACE),
    )


def _taken(facts: Facts) -> pl.DataFrame:
    """What orders take for demands: product, location, used, low, high."""
    # By quantity: of a large order a step is a very small share.
    part = (pl.col("share") > TOLERANCE) & (pl.col("left") > TOLERANCE)
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
    """Pegged share of each order: order, share, what is left, outputs, pegs."""
    return (
        facts.supplies.join(
            _pegged_supplies(facts).drop("available"),
            left_on="id",
            right_on="supply",
            how="left",
        )
        .group_by("order")
        .agg(
            (pl.col("pegged").fill_null(0.0).sum() / pl.col("qty").sum()).alias(
                "share"
            ),
            (pl.col("qty").sum() - pl.col("pegged").fill_null(0.0).sum()).alias("left"),
            pl.len().alias("outputs"),
            pl.col("pegs").fill_null(0).sum(),
        )
        .with_columns(pl.col("share").fill_nan(0.0).fill_null(0.0))
    )


def _pegged_components(facts: Facts) -> pl.DataFrame:
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
