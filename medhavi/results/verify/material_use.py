"""What orders take and give, re-derived from routings, bills of material and yields.

Rule 4: `order_qty` units start the first step; a step's units are those that the steps
before it let through; components count units that enter a step, outputs units that
leave it; the yield of the whole routing lowers the outputs only.

Within its step an offset counts the seconds that the step works by `operations`; before
and behind it, those in which place and step are open.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.results.verify.facts import once, valid_at, validity, whole_down, whole_up
from medhavi.results.verify.wall_clock import moved
from medhavi.units import MINUTE

if TYPE_CHECKING:
    from medhavi.results.verify.facts import Facts
    from medhavi.results.verify.wall_clock import OpenIntervals

    Stretches = list[tuple[int, int]]

_SHARES = ("entering", "leaving", "through")
_USES = {
    **dict.fromkeys(("order", "product", "location"), pl.String),
    "instant_s": pl.Int64,
    "qty": pl.Float64,
    "existing": pl.Boolean,
    "fixed": pl.Float64,
}
"""Columns of what orders take."""


def with_offsets(facts: Facts, rows: pl.DataFrame) -> pl.DataFrame:
    """Add `offset_minutes` to the instants.

    Rows need order, step_used, offset_minutes, instant_s, plant and step_calendar.
    """
    offset = rows.filter(pl.col("offset_minutes") != 0)
    if offset.is_empty():
        return rows
    places = facts.snapshot["locations"].select("location", "calendar")
    calendars = dict(places.iter_rows())
    work = _stretches(facts, offset["order"])
    shifted = []
    for order, step, instant, minutes, plant, step_calendar in offset.select(
        "order", "step_used", "instant_s", "offset_minutes", "plant", "step_calendar"
    ).iter_rows():
        common = facts.clock.common([calendars.get(plant), step_calendar])
        inside = work.get((order, step), [])
        shifted.append(_moved(inside, common, instant, round(minutes * MINUTE)))
    return pl.concat(
        [
            rows.filter(pl.col("offset_minutes") == 0),
            offset.with_columns(instant_s=pl.Series(shifted, dtype=pl.Int64)),
        ]
    )


def _stretches(facts: Facts, orders: pl.Series) -> dict[tuple[str, int], Stretches]:
    """List when each step of some orders works."""
    found: dict[tuple[str, int], Stretches] = defaultdict(list)
    rows = (
        facts.plan.operations.filter(pl.col("supply").is_in(orders.unique().to_list()))
        .select("supply", "step", pl.col("start", "finish").dt.epoch("s"))
        .unique()
        .sort("supply", "step", "start", "finish")
    )
    for order, step, start, finish in rows.iter_rows():
        found[order, step].append((start, finish))
    return found


def _moved(
    inside: Stretches, common: OpenIntervals | None, instant: int, seconds: int
) -> int:
    if inside and seconds > 0 and instant < inside[-1][1]:
        for start, finish in inside:
            if finish - start >= seconds:
                return start + seconds
            seconds -= finish - start
        instant = inside[-1][1]
    elif inside and seconds < 0 and instant > inside[0][0]:
        end = inside[-1][1]
        behind = _open(common, end, instant) if instant > end else 0
        if behind < -seconds:
            seconds, instant = seconds + behind, end
            for start, finish in reversed(inside):
                if finish - start >= -seconds:
                    return finish + seconds
                seconds += finish - start
            instant = inside[0][0]
    if common is None or not seconds:
        return instant + seconds
    return moved(common, instant, seconds)


def _open(common: OpenIntervals | None, start: int, finish: int) -> int:
    """Count the open seconds between two instants."""
    if common is None:
        return finish - start
    return int(common.between(np.array([start]), np.array([finish]))[0])


@once
def make_orders(facts: Facts) -> pl.DataFrame:
    """Make orders with a known routing: order, source, units, seconds.

    `order_qty` are the units still to come: an existing order's rest.
    """
    routings = (
        facts.snapshot["routings"]
        .lazy()
        .select(
            source="routing",
            main_product="product",
            plant="location",
            routing_yield="yield",
        )
    )
    return (
        facts.supplies.lazy()
        .filter(pl.col("main") & (pl.col("kind") == "make"))
        .join(
            facts.open_orders.lazy().select("rest", order="supply_order"),
            on="order",
            how="left",
        )
        .select(
            "order",
            "source",
            "product",
            "location",
            pl.coalesce("rest", "order_qty").alias("order_qty"),
            "start_s",
            "finish_s",
            "existing",
        )
        .join(routings, on="source", how="inner")
        .filter(
            (pl.col("product") == pl.col("main_product"))
            | pl.struct("source", "product", "location").is_in(_others(facts))
        )
        .drop("product", "location")
        .collect(engine="in-memory")
    )


def _others(facts: Facts) -> pl.Series:
    """What routings make beside their main product: source, product, location.

    An order that exists and names a routing of other goods comes from outside.
    """
    plants = facts.snapshot["routings"].select(
        "routing", pl.col("location").alias("at")
    )
    return (
        facts.snapshot["routing_outputs"]
        .join(plants, on="routing")
        .select(
            pl.struct(
                pl.col("routing").alias("source"),
                "product",
                pl.coalesce("location", "at").alias("location"),
            )
        )
        .to_series()
        .implode()
    )


_NEED = pl.coalesce(
    "choice", pl.concat_str("resource", "skill", separator="|", ignore_nulls=True)
).alias("need")
"""What a step needs as one: of the rows of a choice it uses one, of all others each."""


def _holding(moment: str, *group: str) -> pl.Expr:
    """Rows of `step_resources` that hold at an instant, and choices.

    All of a resource where none of them does.
    """
    now = valid_at(moment)
    return now | pl.col("choice").is_not_null() | ~now.any().over(group)


@once
def step_yields(facts: Facts) -> pl.DataFrame:
    """Per order and step the share of units that enters and that leaves it.

    Columns: order, step, entering, leaving, through: what leaves all steps. The yield
    of a step is its own times that of the resource chosen for it.
    """
    own = facts.snapshot["steps"].select("step", source="routing")
    return (
        make_orders(facts)
        .select("order", "source")
        .join(own, on="source")
        .join(losing_steps(facts), on=["order", "step"], how="left")
        .select("order", "step", *(pl.col(share).fill_null(1.0) for share in _SHARES))
    )


@once
def losing_steps(facts: Facts) -> pl.DataFrame:
    """Steps of `step_yields` whose routing has a yield other than 1 anywhere.

    Of all others no unit is lost: every share is 1.
    """
    steps = facts.snapshot["steps"]
    special = facts.snapshot["step_resources"].filter(pl.col("yield") != 1.0)
    losing = pl.concat(
        [
            steps.filter(pl.col("yield").ne_missing(1.0)).select(source="routing"),
            special.select(source="routing"),
        ]
    ).unique()
    orders = (
        make_orders(facts)
        .select("order", "source")
        .join(losing, on="source", how="semi")
    )
    if orders.is_empty():
        shares = dict.fromkeys(_SHARES, pl.Float64)
        return pl.DataFrame(schema={"order": pl.String, "step": pl.Int64, **shares})
    own = steps.select("step", source="routing", own="yield")
    rows = orders.join(own, on="source", how="inner").with_columns(other=pl.lit(1.0))
    if special.height:
        # A resource is named by its own row before that of its pool; one that may do
        # for several needs does for what no other one does.
        own_row = pl.col("named") == pl.col("resource")
        chosen = (
            facts.plan.operations.group_by(
                "step", "resource", order="supply", maintain_order=True
            )
            .agg(begin_s=pl.col("start").min().dt.epoch("s"))
            .join(orders, on="order", maintain_order="left")
            .join(
                facts.snapshot["step_resources"]
                .join(special, on=["routing", "step"], how="semi")
                .select(
                    _NEED,
                    *("choice", "step", "yield", *validity()),
                    source="routing",
                    named="resource",
                )
                .join(facts.named_resources, on="named", maintain_order="left"),
                on=["source", "step", "resource"],
                maintain_order="left_right",
            )
            .filter(_holding("begin_s", "order", "step", "named"))
            .sort(
                ~own_row,
                pl.col("need").n_unique().over("order", "step", "resource"),
                maintain_order=True,
            )
            .unique(["order", "step", "need"], keep="first", maintain_order=True)
            .group_by("order", "step")
            .agg(pl.col("yield").product().alias("other"))
        )
        # Steps that are done have no operations: theirs was the preferred resource.
        there = facts.plan.operations.select("step", order="supply").unique()
        done = rows.join(there, on=["order", "step"], how="anti")
        known = done.join(_preferred(facts), on=["source", "step"])
        chosen = pl.concat([chosen, known.select("order", "step", other="preferred")])
        rows = rows.drop("other").join(chosen, on=["order", "step"], how="left")
    rows = rows.with_columns(good=pl.col("own") * pl.col("other").fill_null(1.0))
    entering = (
        rows.select("order", "source", "step")
        .join(facts.predecessors, on=["source", "step"], how="left")
        .join(
            rows.select("order", pl.col("step").alias("earlier"), "good"),
            on=["order", "earlier"],
            how="left",
        )
        .group_by("order", "step")
        .agg(pl.col("good").fill_null(1.0).product().alias("entering"))
    )
    return rows.join(entering, on=["order", "step"]).select(
        "order",
        "step",
        "entering",
        (pl.col("entering") * pl.col("good")).alias("leaving"),
        pl.col("good").product().over("order").alias("through"),
    )


def _preferred(facts: Facts) -> pl.DataFrame:
    """Yield of the preferred resources of a step: source, step, preferred."""
    group = ["source", "step", _NEED]
    return (
        facts.snapshot["step_resources"]
        .rename({"routing": "source"})
        .with_columns(*validity(), as_of=pl.lit(facts.as_of))
        .filter(_holding("as_of", "source", "step", "resource"))
        .sort("preference", "resource")
        .group_by(group, maintain_order=True)
        .agg(pl.col("yield").first())
        .group_by("source", "step")
        .agg(preferred=pl.col("yield").product())
    )


@once
def choices(facts: Facts) -> pl.DataFrame:
    """Bill lines of which an order takes one: routing, substitute_group, component."""
    lines = facts.snapshot["bom_lines"].filter(pl.col("substitute_group").is_not_null())
    group = ["routing", "substitute_group"]
    return lines.filter(pl.len().over(group) > 1).select(*group, "component")


@once
def consumption(facts: Facts) -> pl.DataFrame:
    """What orders take: order, product, location, instant_s, qty.

    Lines whose group offers a choice are left out: a plan does not say which it took.
    Orders in process have taken their components; orders that are done take nothing
    more, whatever their fixed quantities.
    """
    if make_orders(facts).is_empty() or facts.snapshot["bom_lines"].is_empty():
        return pl.DataFrame(schema=_USES)
    lines = (
        facts.snapshot["bom_lines"]
        .with_columns(*validity())
        .join(choices(facts), on=["routing", "substitute_group"], how="anti")
    )
    started = facts.open_orders.filter(pl.col("status") == "in_process")
    orders = make_orders(facts).filter(
        ~pl.col("order").is_in(started["supply_order"].to_list())
        & (pl.col("order_qty") > 0)
    )
    used = orders.lazy().join(
        lines.lazy().rename({"routing": "source", "location": "from_location"}),
        on="source",
        how="inner",
    )
    placed = _at_steps(facts, used, default_first=True)
    amount = (
        pl.col("qty_per") * pl.col("order_qty") * pl.col("entering")
        + pl.col("qty_fixed")
    ) / (1.0 - pl.col("scrap"))
    return (
        placed.lazy()
        .filter(valid_at("instant_s"))
        .rename({"component": "product"})
        .with_columns(qty=amount)
        .join(facts.steps_of_products.lazy(), on="product", how="left")
        .with_columns(qty=_rounded(up=True))
        .select(
            "order",
            "product",
            pl.coalesce("from_location", "plant").alias("location"),
            "instant_s",
            "qty",
            "existing",
            (pl.col("qty_fixed") / (1.0 - pl.col("scrap"))).alias("fixed"),
        )
        .collect(engine="in-memory")
    )


@once
def outputs(facts: Facts) -> pl.DataFrame:
    """What orders bring: order, product, location, instant_s, qty, main, low.

    `low` is the quantity with the yield of the whole routing, `qty` the one without it;
    for the main product both are with it.
    """
    orders = make_orders(facts)
    if orders.is_empty():
        given = dict.fromkeys(("order", "product", "location"), pl.String)
        amounts = {"instant_s": pl.Int64, "qty": pl.Float64, "low": pl.Float64}
        known = {"main": pl.Boolean, "existing": pl.Boolean, "step_qty": pl.Float64}
        return pl.DataFrame(schema={**given, **amounts, **known, "latest_s": pl.Int64})
    rows = facts.snapshot["routing_outputs"].lazy().with_columns(*validity())
    stated = orders.lazy().join(
        rows.select(
            pl.col("routing").alias("source"),
            "product",
            "step",
            "qty_per",
            "qty_fixed",
            "anchor",
            "offset_minutes",
            pl.col("location").alias("from_location"),
            "valid_from_s",
            "valid_to_s",
        ),
        on="source",
        how="inner",
    )
    own = rows.select("product", source="routing").unique()
    silent = (
        orders.lazy()
        .join(
            own,
            left_on=["source", "main_product"],
            right_on=["source", "product"],
            how="anti",
        )
        .with_columns(
            product=pl.col("main_product"),
            step=pl.lit(None, pl.Int64),
            qty_per=pl.lit(1.0),
            qty_fixed=pl.lit(0.0),
            anchor=pl.lit("end"),
            offset_minutes=pl.lit(0.0),
            from_location=pl.lit(None, pl.String),
            valid_from_s=pl.lit(-(2**62)),
            valid_to_s=pl.lit(2**62),
        )
    )
    columns = stated.collect_schema().names()
    placed = _at_steps(
        facts, pl.concat([stated, silent.select(columns)]), default_first=False
    )
    plain = pl.col("qty_per") * pl.col("order_qty") * pl.col("leaving")
    is_main = pl.col("product") == pl.col("main_product")
    # An order is finished when the latest row of its product says, valid then or not.
    latest = pl.col("instant_s").max().over("order", "product")
    return (
        placed.lazy()
        .with_columns(latest_s=latest)
        .filter(valid_at("instant_s"))
        .join(facts.steps_of_products.lazy(), on="product", how="left")
        .with_columns(main=is_main, location=pl.coalesce("from_location", "plant"))
        .with_columns(
            low=plain * pl.col("routing_yield") + pl.col("qty_fixed"),
            qty=pl.when("main").then(plain * pl.col("routing_yield")).otherwise(plain)
            + pl.col("qty_fixed"),
        )
        .group_by("order", "product", "location", "instant_s", maintain_order=True)
        .agg(
            pl.col("qty", "low").sum(),
            pl.col("main", "existing", "step_qty", "latest_s").first(),
        )
        .with_columns(qty=_rounded(up=False), low=_rounded(up=False, column="low"))
        .collect(engine="in-memory")
    )


def _rounded(*, up: bool, column: str = "qty") -> pl.Expr:
    step = pl.col("step_qty").fill_null(1.0)
    ratio = pl.col(column) / step
    return (whole_up(ratio) if up else whole_down(ratio)) * step


def _at_steps(facts: Facts, rows: pl.LazyFrame, *, default_first: bool) -> pl.DataFrame:
    """Add the units at the step of each row and the instant of its anchor.

    Rows need order, source, step, anchor, offset_minutes, start_s and finish_s.
    """
    steps = facts.snapshot["steps"].lazy().rename({"routing": "source"})
    edges = ("edge_step",) if default_first else ("last_step", "edge_step")
    after = facts.snapshot["step_links"].lazy().rename({"routing": "source"})
    # The first is one that comes after no other, whatever its number is.
    firsts = steps.join(after, on=["source", "step"], how="anti")
    edge = (
        (firsts if default_first else steps)
        .sort("source", "sequence", "step")
        .group_by("source", maintain_order=True)
        .agg(
            (pl.col("step").first() if default_first else pl.col("step").last()).alias(
                "edge_step"
            )
        )
    )
    joined = rows.join(edge, on="source", how="left")
    if not default_first:
        joined = joined.join(_last_ends(facts), on="order", how="left")
    windows = facts.step_windows.lazy()
    joined = (
        joined.with_columns(
            step_used=pl.coalesce("step", *edges), no_step=pl.col("step").is_null()
        )
        .join(
            losing_steps(facts).lazy().rename({"step": "step_used"}),
            on=["order", "step_used"],
            how="left",
        )
        .join(
            windows.rename({"supply": "order", "step": "step_used"}),
            on=["order", "step_used"],
            how="left",
        )
        .join(
            steps.select(
                "source",
                pl.col("step").alias("step_used"),
                "move_minutes",
                pl.col("calendar").alias("step_calendar"),
            ),
            on=["source", "step_used"],
            how="left",
        )
        .with_columns(pl.col(_SHARES).fill_null(1.0))
    )
    if not default_first:
        # Steps beside each other: what no step gives comes out when all are through.
        whole = pl.when("no_step").then("through").otherwise("leaving")
        joined = joined.with_columns(leaving=whole)
    if default_first:
        # What a completed step has not taken yet, the first that remains takes.
        begun = windows.group_by(order="supply").agg(first_s=pl.col("begin_s").min())
        joined = joined.join(begun, on="order", how="left")
        at_start = pl.coalesce("begin_s", "first_s", "start_s")
        at_end = pl.coalesce("end_s", "first_s", "finish_s")
    else:
        carried = pl.col("end_s") + (pl.col("move_minutes") * MINUTE).ceil().cast(
            pl.Int64
        )
        at_start = pl.coalesce("begin_s", "finish_s")
        at_end = (
            pl.when("no_step")
            .then(pl.coalesce("last_end_s", "finish_s"))
            .otherwise(pl.coalesce(carried, "finish_s"))
        )
        # What a completed step gave is booked with the rest of the order.
        gone = ~pl.col("no_step") & pl.col("begin_s").is_null()
        offset = pl.when(gone).then(0.0).otherwise("offset_minutes")
        joined = joined.with_columns(offset_minutes=offset)
    anchor = pl.when(pl.col("anchor") == "start").then(at_start).otherwise(at_end)
    anchored = joined.with_columns(instant_s=anchor)
    return with_offsets(facts, anchored.collect(engine="in-memory"))


def _last_ends(facts: Facts) -> pl.LazyFrame:
    """Step of each order that is through last, and when, its move over.

    order, last_step, last_end_s.
    """
    steps = facts.snapshot["steps"].lazy()
    moves = steps.select(pl.col("routing").alias("source"), "step", "move_minutes")
    orders = make_orders(facts).lazy().select("order", "source")
    moved = (pl.col("move_minutes").fill_null(0.0) * MINUTE).ceil().cast(pl.Int64)
    return (
        facts.step_windows.lazy()
        .rename({"supply": "order"})
        .join(orders, on="order")
        .join(moves, on=["source", "step"], how="left")
        .with_columns(last_end_s=pl.col("end_s") + moved)
        .sort("order", "last_end_s", "begin_s", "step")
        .group_by("order", maintain_order=True)
        .agg(pl.col("last_end_s").last(), last_step=pl.col("step").last())
    )


@once
def move_departures(facts: Facts) -> pl.DataFrame:
    """What moves take at their origin, when it must be ready there.

    Existing transfers that are in process have left.
    """
    if not (facts.supplies["kind"] == "move").any():
        return pl.DataFrame(schema=_USES)
    # A lane that does not lead there is not used: the goods come from outside.
    lanes = facts.snapshot["lanes"].select(
        "lane", "origin", "cutoff_h", pl.col("destination").alias("location")
    )
    shipped = facts.open_orders.filter(pl.col("status") == "in_process")
    moves = facts.supplies.filter(
        (pl.col("kind") == "move")
        & ~pl.col("id").is_in(shipped["supply_order"].to_list())
    )
    places = facts.snapshot["locations"]["location"].to_list()
    cutoff = (pl.col("cutoff_h") * 3600).round().cast(pl.Int64)
    return (
        moves.with_columns(used=pl.coalesce("lane", "source"))
        .join(
            lanes,
            left_on=["used", "location"],
            right_on=["lane", "location"],
            how="left",
        )
        # An existing transfer may name its origin instead of a lane.
        .with_columns(
            pl.coalesce(
                "origin", pl.when(pl.col("used").is_in(places)).then("used")
            ).alias("origin"),
            pl.col("cutoff_h").fill_null(0.0),
        )
        .filter(pl.col("origin").is_not_null())
        .select(
            pl.col("id").alias("order"),
            "product",
            pl.col("origin").alias("location"),
            (pl.coalesce("departure_s", "start_s") - cutoff).alias("instant_s"),
            "qty",
            "existing",
            pl.lit(0.0).alias("fixed"),
        )
    )
