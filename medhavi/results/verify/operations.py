"""Work of make orders: minutes, order of steps, open time, outputs, starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.results.verify.facts import SECONDS, TOLERANCE, faults, valid_at, validity
from medhavi.results.verify.material_use import make_orders, outputs, step_yields
from medhavi.units import HOUR, MINUTE

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts


def check_operations(facts: Facts) -> list[Finding]:
    """Check the operations of make orders, of those that exist what remains of them."""
    stated = stated_steps(facts)["supply_order"].to_list()
    orders = make_orders(facts).filter(~pl.col("order").is_in(stated))
    if orders.is_empty():
        return []
    new = orders.filter(~pl.col("existing"))
    steps = _planned_steps(facts, orders)
    made = steps.filter(~pl.col("existing"))
    return [
        *_missing(facts, new),
        *_minutes(facts, steps),
        *_sequence(facts, steps),
        *_starts(new, made),
        *_closed(facts),
    ]


def stated_steps(facts: Facts) -> pl.DataFrame:
    """Steps of existing orders with stated times: they stay, in sequence or not."""
    return facts.snapshot["supply_order_steps"].filter(
        pl.any_horizontal(pl.col("start", "finish").is_not_null())
    )


def _planned_steps(facts: Facts, new: pl.DataFrame) -> pl.DataFrame:
    """Each planned step with its master row and window."""
    own = facts.snapshot["steps"].rename({"routing": "source"})
    entering = step_yields(facts).select("order", "step", "entering")
    return (
        facts.step_windows.rename({"supply": "order"})
        .join(new, on="order")
        .join(own, on=["source", "step"])
        .join(entering, on=["order", "step"])
    )


def _missing(facts: Facts, new: pl.DataFrame) -> list[Finding]:
    steps = facts.snapshot["steps"].select("step", source="routing")
    wanted = new.join(steps, on="source")
    lost = wanted.join(
        facts.step_windows,
        left_on=["order", "step"],
        right_on=["supply", "step"],
        how="anti",
    ).sort("order", "step")
    return faults("VER029", "operations", lost, "step", "source", value="order")


def _minutes(facts: Facts, steps: pl.DataFrame) -> list[Finding]:
    """Compare the minutes of each resource of a step with what it needs.

    needed = set-up + (fixed + run x units) / (efficiency x speed); with several
    resources all are held as long as the slowest needs.
    """
    used = (
        # A step may use what it holds already: the same stretch of time, in two rows.
        facts.plan.operations.lazy()
        .unique(["supply", "step", "resource", "start", "finish"], maintain_order=True)
        .with_columns(
            worked=(pl.col("finish") - pl.col("start")).dt.total_seconds(),
            booked=(
                pl.col("setup_minutes").fill_null(0.0)
                + pl.col("run_minutes").fill_null(0.0)
            )
            * MINUTE,
        )
        .group_by(pl.col("supply").alias("order"), "step", "resource")
        .agg(pl.col("worked", "booked").sum(), pl.len().alias("rows"))
    )
    choice = (
        facts.snapshot["step_resources"]
        .lazy()
        .select(
            pl.col("routing").alias("source"),
            "step",
            pl.col("resource").alias("named"),
            "speed",
            pl.col("setup_minutes").alias("own_setup"),
            "choice",
            *validity(),
        )
    )
    pools = facts.snapshot["resources"].lazy().select("resource", "pool", "efficiency")
    rows = (
        steps.lazy()
        .join(used, on=["order", "step"])
        .join(pools, on="resource", how="left")
        .collect(engine="in-memory")
        .lazy()
    )
    named = pl.concat(
        [
            rows.with_columns(named=pl.col("resource")),
            rows.filter(pl.col("pool").is_not_null()).with_columns(
                named=pl.col("pool")
            ),
        ]
    )
    fitting = (
        named.join(choice, on=["source", "step", "named"])
        .filter(valid_at("begin_s"))
        .collect(engine="in-memory")
    )
    chosen = (
        _without_held(facts, fitting)
        .lazy()
        .unique(["order", "step", "resource"], maintain_order=True)
    )
    timed = rows.join(
        chosen.select("order", "step", "resource", "speed", "own_setup"),
        on=["order", "step", "resource"],
        how="left",
    )
    # Speed is null where the step does not work with it: a tool that stays with the
    # order (until_step) is held, it does not set the pace. The slowest one does, and
    # the longest set-up of those that state one.
    pace = pl.col("efficiency").fill_null(1.0) * pl.col("speed")
    timed = timed.with_columns(
        pace=pace.min().over("order", "step"),
        setup=pl.coalesce(
            pl.col("own_setup").max().over("order", "step"), "setup_minutes"
        ),
    )
    work = pl.col("fixed_minutes") * pl.col("left") + (
        pl.col("run_minutes_per_unit") * pl.col("units_left") * pl.col("entering")
    )
    to_set_up = pl.when("begun").then(0.0).otherwise(1.0)
    judged = _with_progress(facts, timed).with_columns(
        needed=MINUTE
        * pl.coalesce(
            "remaining_minutes",
            pl.col("setup") * to_set_up + work / pl.col("pace"),
            pl.col("setup_minutes") * to_set_up + work,
        )
    )
    # All resources of a step work as long as the slowest of them.
    free = judged.join(_variable(facts).lazy(), on="resource", how="semi")
    # What two rows name, itself and by its pool, works at the pace of either.
    twice = (
        fitting.lazy()
        .group_by("order", "step", "resource")
        .agg(pl.struct("speed", "own_setup").n_unique().alias("paces"))
        .filter(pl.col("paces") > 1)
    )
    odd = (
        judged.filter(
            ((pl.col("worked") - pl.col("needed")).abs() > SECONDS)
            | ((pl.col("booked") - pl.col("worked")).abs() > SECONDS * pl.col("rows"))
        )
        .join(free.select("order", "step").unique(), on=["order", "step"], how="anti")
        .join(twice, on=["order", "step"], how="anti")
        .sort("order", "step")
        .collect(engine="in-memory")
    )
    return faults(
        "VER027",
        "operations",
        odd,
        "step",
        value="order",
        minutes=(pl.min_horizontal("worked", "booked") / MINUTE),
        needed=(pl.col("needed") / MINUTE),
    )


def _with_progress(facts: Facts, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add what is done of the steps of existing orders: they do not do it again.

    Columns begun, remaining_minutes, units_left (that would start the order), and left:
    share of the fixed minutes. Of a completed step no minute remains.
    """
    stated = facts.snapshot["supply_order_steps"].lazy()
    orders = facts.snapshot["supply_orders"].lazy()
    begun = pl.any_horizontal(
        pl.col("status") == "in_process",
        pl.col("qty_done") > 0,
        pl.col("remaining_minutes").is_not_null(),
    )
    progress = stated.join(
        orders.select("supply_order", whole="qty"), on="supply_order"
    ).select(
        "step",
        "whole",
        pl.when(pl.col("status") == "completed")
        .then(0.0)
        .otherwise("remaining_minutes")
        .alias("remaining_minutes"),
        begun.alias("begun"),
        order="supply_order",
        step_done="qty_done",
    )
    through = pl.col("step_done") / pl.col("entering")
    units = pl.min_horizontal("order_qty", pl.col("whole") - through)
    return (
        rows.join(progress, on=["order", "step"], how="left")
        .with_columns(pl.col("begun").fill_null(value=False))
        .with_columns(
            units_left=pl.when("begun")
            .then(units.clip(lower_bound=0.0))
            .otherwise("order_qty")
        )
        .with_columns(
            left=pl.when("begun")
            .then(pl.col("units_left") / pl.col("whole"))
            .otherwise(1.0)
        )
    )


def _without_held(facts: Facts, chosen: pl.DataFrame) -> pl.DataFrame:
    """Leave out tools that only stay with the order while another of a group works."""
    tools = facts.snapshot["step_resources"].select(
        "until_step", source="routing", taken="step", named="resource"
    )
    several = chosen.filter(pl.col("choice").is_not_null()).filter(
        pl.col("named").n_unique().over("order", "step", "choice") > 1
    )
    if several.is_empty():
        return chosen
    held = several.join(tools.drop_nulls("until_step"), on=["source", "named"]).filter(
        pl.col("taken") != pl.col("step")
    )
    works = several.join(held, on=["order", "step", "named"], how="anti")
    # Where all of a group stay with the order, the fastest is taken to work.
    fastest = (
        several.join(works, on=["order", "step", "choice"], how="anti")
        .sort("speed", descending=True, nulls_last=True, maintain_order=True)
        .unique(["order", "step", "choice"], keep="first", maintain_order=True)
    )
    idle = held.join(fastest, on=["order", "step", "named"], how="anti")
    return chosen.join(idle, on=["order", "step", "named"], how="anti")


def _variable(facts: Facts) -> pl.DataFrame:
    """Resources whose pace or set-up changes by time, sequence or campaign."""
    paced = facts.snapshot["resource_units"].filter(pl.col("efficiency").is_not_null())
    changed = facts.snapshot["resources"].filter(
        pl.col("changeover_matrix").is_not_null()
    )
    slowed = facts.snapshot["campaign_rules"].filter(pl.col("reduction_pct") > 0)
    named = [frame.select("resource") for frame in (paced, changed, slowed)]
    return pl.concat(named).unique()


def _sequence(facts: Facts, steps: pl.DataFrame) -> list[Finding]:
    """Check finish + move + queue <= begin between neighbours, and linked lags."""
    linked = facts.snapshot["step_links"]
    plain = steps.join(
        linked.select(pl.col("routing").alias("source")).unique(),
        on="source",
        how="anti",
    )
    pairs = plain.join(plain, on="order", suffix="_earlier").filter(
        pl.col("sequence_earlier") < pl.col("sequence")
    )
    moved = (pl.col("move_minutes_earlier") * MINUTE).ceil()
    queued = (pl.col("queue_minutes") * MINUTE).ceil()
    free = (
        pl.when(pl.col("overlap_qty_earlier").is_null())
        .then(pl.col("end_s_earlier") + moved + queued)
        .otherwise("begin_s_earlier")
    )
    broken = pairs.filter(pl.col("begin_s") < free - SECONDS).select(
        pl.col("order").alias("value"), "step", pl.col("step_earlier").alias("earlier")
    )
    if linked.height:
        completed = _broken_over_completed(facts, steps)
        broken = pl.concat([broken, _broken_links(linked, steps), completed])
    return faults("VER026", "operations", broken.unique().sort("value", "step"))


def _broken_over_completed(facts: Facts, steps: pl.DataFrame) -> pl.DataFrame:
    """Steps that links part by completed ones alone, and the later one is too early.

    A step that is completed takes no time, and no waiting before or after it is left.
    """
    done: dict[str, set[int]] = {}
    rows = facts.snapshot["supply_order_steps"].filter(pl.col("status") == "completed")
    for order, step in rows.select("supply_order", "step").iter_rows():
        done.setdefault(order, set()).add(step)
    links: dict[str, list[tuple[int, int, str]]] = {}
    for routing, *link in (
        facts.snapshot["step_links"]
        .select("routing", "after", "step", "kind")
        .iter_rows()
    ):
        links.setdefault(routing, []).append((link[0], link[1], link[2]))
    parted = [
        (order, later, earlier, since, until)
        for order, routing in steps.filter(pl.col("order").is_in(list(done)))
        .select("order", "source")
        .unique()
        .iter_rows()
        for later, earlier, since, until in _over(links.get(routing, []), done[order])
    ]
    names = {"order": pl.String, "step": pl.Int64, "earlier": pl.Int64}
    frame = pl.DataFrame(
        parted, {**names, "since": pl.String, "until": pl.String}, orient="row"
    )
    times = steps.select("order", "step", "begin_s", "end_s", "overlap_qty")
    placed = frame.join(times, on=["order", "step"]).join(
        times.rename({"step": "earlier"}), on=["order", "earlier"], suffix="_earlier"
    )
    # Transfer batches: the later step may begin while the earlier one runs.
    ends = (pl.col("since") == "end") & (
        pl.col("overlap_qty_earlier").is_null() | (pl.col("until") == "end")
    )
    since = pl.when(ends).then("end_s_earlier").otherwise("begin_s_earlier")
    until = pl.when(pl.col("until") == "end").then("end_s").otherwise("begin_s")
    return (
        placed.filter(until < since - SECONDS)
        .select(pl.col("order").alias("value"), "step", "earlier")
        .unique()
    )


def _over(
    links: list[tuple[int, int, str]], done: set[int]
) -> list[tuple[int, int, str, str]]:
    """Pairs of open steps with completed ones alone in between.

    Later step, earlier step, whether `start` or `end` of the earlier one comes before
    `start` or `end` of the later one. A start before an end is left out.
    """
    found = set()
    for earlier in {link[0] for link in links} - done:
        reached = [(earlier, "", "")]
        while reached:
            step, since, point = reached.pop()
            for _, later, kind in (link for link in links if link[0] == step):
                first, last = {
                    "finish_start": ("end", "start"),
                    "start_start": ("start", "start"),
                    "finish_finish": ("end", "end"),
                }[kind]
                if since and (point, first) == ("end", "start"):
                    continue  # It may have begun before that end.
                way = later, since or first, last
                if later in done:
                    reached.append(way)
                elif since and (since, last) != ("start", "end"):
                    found.add((later, earlier, since, last))
    return sorted(found)


def _broken_links(links: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    rows = (
        links.select(
            pl.col("routing").alias("source"),
            "step",
            "after",
            pl.col("kind").alias("link"),
            pl.col("lag_minutes") * MINUTE,
            pl.col("max_lag_minutes") * MINUTE,
        )
        .join(steps, on=["source", "step"])
        .join(
            steps.select(
                "order",
                pl.col("step").alias("after"),
                pl.col("begin_s").alias("before_begin_s"),
                pl.col("end_s").alias("before_end_s"),
                "move_minutes",
                pl.col("overlap_qty").alias("transfer"),
            ),
            on=["order", "after"],
            suffix="_before",
        )
    )
    moved = (pl.col("move_minutes_before") * MINUTE).ceil()
    queued = (pl.col("queue_minutes") * MINUTE).ceil()
    later = (
        pl.when(pl.col("link") == "finish_finish").then("end_s").otherwise("begin_s")
    )
    earlier = (
        pl.when(pl.col("link") == "start_start")
        .then(pl.col("before_begin_s"))
        .otherwise(pl.col("before_end_s"))
    )
    handed = pl.col("link") == "finish_start"
    hard = pl.when(handed).then(moved + queued).otherwise(0.0)
    lag = later - earlier
    # Transfer batches: neither begins nor ends before what is handed on is there.
    least = (
        pl.when(handed & pl.col("transfer").is_not_null())
        .then(
            pl.min_horizontal(
                pl.col("begin_s") - pl.col("before_begin_s"),
                pl.col("end_s") - pl.col("before_end_s"),
            )
        )
        .otherwise(lag)
    )
    return rows.filter(
        (least < pl.col("lag_minutes") + hard - SECONDS)
        | (lag > pl.col("max_lag_minutes") + hard + SECONDS)
    ).select(pl.col("order").alias("value"), "step", pl.col("after").alias("earlier"))


def _starts(new: pl.DataFrame, steps: pl.DataFrame) -> list[Finding]:
    """Check that an order starts with its first queue."""
    queue = (pl.col("queue_minutes") * MINUTE).ceil().cast(pl.Int64)
    spans = steps.group_by("order").agg(
        (pl.col("begin_s") - queue).min().alias("first_s")
    )
    rows = new.join(spans, on="order").sort("order")
    return faults(
        "VER028",
        "supplies",
        rows.filter((pl.col("start_s") - pl.col("first_s")).abs() > SECONDS),
        value="order",
        what=pl.lit("start"),
        moment="start_s",
        expected="first_s",
    )


def check_past_starts(facts: Facts) -> list[Finding]:
    """Check that new supplies in the past are excused (mrp) or absent (constrained).

    A routing with a negative fence may start in the past, as far as its check tells.
    """
    early = ~pl.col("existing") & (pl.col("start_s") < facts.as_of)
    past = facts.supplies.filter(pl.col("main") & early).sort("id")
    if facts.mode == "mrp":
        said = list(facts.exceptions.get("PastDueStart", ()))
        past = past.filter(~pl.col("id").is_in(said))
        return faults("VER062", "supplies", past, value="id", moment="start_s")
    may = facts.snapshot["routings"].filter(pl.col("fence_days") < 0)["routing"]
    free = (pl.col("kind") == "make") & pl.col("source").is_in(may.to_list())
    return faults(
        "VER061", "supplies", past.filter(~free), value="id", moment="start_s"
    )


def check_outputs(facts: Facts) -> list[Finding]:
    """Check what orders give: quantity by yields, end by offset, a row per output."""
    return [*_whole_orders(facts), *_given(facts, outputs(facts))]


def _whole_orders(facts: Facts) -> list[Finding]:
    """Orders that make nothing: the order is for what the supply brings."""
    # Of an existing order, order_qty is the whole and qty what is still to come.
    plain = facts.supplies.filter(
        (pl.col("kind") != "make")
        & ~pl.col("existing")
        & (
            (pl.col("order_qty") - pl.col("qty")).abs()
            > TOLERANCE * (1 + pl.col("qty"))
        )
    )
    return faults(
        "VER070",
        "supplies",
        plain,
        "qty",
        "order_qty",
        value="id",
        expected="order_qty",
    )


def _given(facts: Facts, given: pl.DataFrame) -> list[Finding]:
    """What make orders give, against their outputs."""
    if given.is_empty():
        return []
    output = ["order", "product", "location"]
    sums = given.group_by(output).agg(
        pl.col("qty", "low").sum(),
        pl.col("main", "step_qty", "latest_s").first(),
    )
    rows = facts.supplies.filter(pl.col("kind") == "make").join(
        sums, on=output, suffix="_given"
    )
    orders = make_orders(facts).select("order", pl.col("order_qty").alias("units"))
    rows = rows.join(orders, on="order")
    # An order that is done gives nothing more, whatever its fixed quantities; one that
    # exists and is moved gives what it gave by its dates, whatever ends meanwhile.
    dated = facts.snapshot["routing_outputs"].filter(
        pl.any_horizontal(pl.col("valid_from", "valid_to").is_not_null())
    )
    kept = pl.col("existing") & pl.col("source").is_in(dated["routing"].implode())
    off = rows.filter((pl.col("units") > 0) & ~kept).filter(
        (pl.col("qty") > pl.col("qty_given") + TOLERANCE * (1 + pl.col("qty_given")))
        | (pl.col("qty") < pl.col("low") - TOLERANCE * (1 + pl.col("low")))
    )
    late = rows.filter(
        ~pl.col("existing")
        & pl.col("main")
        & ((pl.col("finish_s") - pl.col("latest_s")).abs() > SECONDS)
    )
    absent = (
        sums.filter((pl.col("low") > TOLERANCE) & ~pl.col("main"))
        .join(
            facts.supplies.filter(~pl.col("existing")).select("order"),
            on="order",
            how="semi",
        )
        .join(facts.supplies, on=output, how="anti")
    )
    return [
        *faults(
            "VER070",
            "supplies",
            off,
            "qty",
            value="id",
            order_qty="units",
            expected="qty_given",
        ),
        *faults(
            "VER028",
            "supplies",
            late,
            value="id",
            what=pl.lit("finish"),
            moment="finish_s",
            expected="latest_s",
        ),
        *faults(
            "VER071",
            "supplies",
            absent.sort("order", "product"),
            "product",
            value="order",
        ),
    ]


def _closed(facts: Facts) -> list[Finding]:
    """Check that work lies in time at which place, step and resource are open."""
    snapshot = facts.snapshot
    if snapshot["calendars"].is_empty():
        return []
    orders = make_orders(facts).filter(~pl.col("existing"))
    rows = (
        facts.plan.operations.join(
            orders.select(pl.col("order").alias("supply"), "source", "plant"),
            on="supply",
        )
        .join(
            snapshot["steps"].select(
                pl.col("routing").alias("source"),
                "step",
                pl.col("calendar").alias("c1"),
            ),
            on=["source", "step"],
            how="left",
        )
        .join(
            snapshot["resources"].select(
                "resource", facts.overtime_s, pl.col("calendar").alias("c2")
            ),
            on="resource",
            how="left",
        )
        .join(
            snapshot["locations"].select(
                pl.col("location").alias("plant"), pl.col("calendar").alias("c3")
            ),
            on="plant",
            how="left",
        )
    ).filter(pl.any_horizontal(pl.col("c1", "c2", "c3").is_not_null()))
    parts = []
    by = ("c1", "c2", "c3", "overtime_s")
    for (*calendars, overtime), group in rows.group_by(by, maintain_order=True):
        names = [None if c is None else str(c) for c in calendars]
        common = facts.clock.common(names, (names[1], overtime or 0))
        if common is None:
            continue
        start = group["start"].dt.epoch("s").to_numpy()
        finish = group["finish"].dt.epoch("s").to_numpy()
        closed = (finish - start) - common.between(start, finish)
        parts.append(group.with_columns(hours=closed.astype(np.float64) / HOUR))
    if not parts:
        return []
    wrong = pl.concat(parts).filter(pl.col("hours") > SECONDS / HOUR).sort("id")
    return faults("VER025", "operations", wrong, "supply", "hours", value="id")
