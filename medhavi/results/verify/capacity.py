"""Resources of operations: which ones, how many units, which hours; loads by bucket.

Finite modes obey units and keep bucket hours. The table of loads has to count what
operations work per bucket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from medhavi.results.buckets import grid
from medhavi.results.verify.facts import TOLERANCE, faults, once, valid_at, validity
from medhavi.results.verify.material_use import make_orders
from medhavi.results.verify.operations import stated_steps
from medhavi.units import ALWAYS, HOUR, NEVER, exact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from medhavi.findings import Finding
    from medhavi.results.buckets import Grid
    from medhavi.results.verify.facts import Facts
    from medhavi.results.verify.wall_clock import OpenIntervals

    Instants = NDArray[np.int64]


def check_capacity(facts: Facts) -> list[Finding]:
    """Check that no finite resource is used above its units at any instant.

    Mode mrp does not limit it.
    """
    if facts.mode == "mrp":
        return []
    over = overused(facts)
    if over.is_empty():
        return []
    return faults("VER060", "operations", over)


@once
def overused(facts: Facts) -> pl.DataFrame:
    """Resources used above their units: the first instant."""
    finite = (
        facts.snapshot["resources"]
        .filter(pl.col("finite") & pl.col("bucket").is_null())
        .with_columns(facts.overtime_s)
    )
    operations = placed_operations(facts)
    over = []
    peaks = _peaks(operations)
    doubtful = {
        row["resource"]
        for row in finite.iter_rows(named=True)
        if peaks.get(row["resource"], 0.0) > row["units"] + TOLERANCE
        or row["calendar"]
        or facts.place_calendars.get(row["location"])
        or row["resource"] in facts.unit_windows
        or row["resource"] in facts.downtimes
    }
    looked_at = operations.filter(pl.col("resource").is_in(sorted(doubtful)))
    used = {str(name): group for (name,), group in looked_at.group_by("resource")}
    for row in finite.iter_rows(named=True):
        group = used.get(row["resource"])
        if group is None:
            continue
        calendars = (row["calendar"], facts.place_calendars.get(row["location"]))
        parts = (group, *_side_by_side(facts, group))
        told = (_overuse(facts, row, calendars, part) for part in parts)
        over += [fault for fault in told if fault is not None][:1]
    return pl.DataFrame(over)


def _side_by_side(facts: Facts, group: pl.DataFrame) -> list[pl.DataFrame]:
    """Work of each order that stands of which two steps are on a resource at once.

    Other orders may be there too; its own steps take turns, but for stated times.
    """
    standing = group.filter(~pl.col("planned"))
    if standing.is_empty():
        return []
    stated = pl.struct(supply="supply_order", step="step")
    given = stated_steps(facts).select(stated).to_series()
    own = standing.with_columns(
        planned=~pl.struct("supply", "step").is_in(given.to_list())
    )
    pairs = own.join(own, on="supply", suffix="_other").filter(
        (pl.col("step") < pl.col("step_other"))
        & (pl.col("start") < pl.col("finish_other"))
        & (pl.col("finish") > pl.col("start_other"))
    )
    names = pairs["supply"].unique().sort()
    return [own.filter(pl.col("supply") == name) for name in names]


def _peaks(operations: pl.DataFrame) -> dict[str, float]:
    """Most units of each resource that work at any instant."""
    units = pl.col("units").fill_null(1.0)
    changes = pl.concat(
        [
            operations.select("resource", instant="start", change=units),
            operations.select("resource", instant="finish", change=-units),
        ]
    )
    levels = (
        changes.group_by("resource", "instant")
        .agg(pl.col("change").sum())
        .sort("resource", "instant")
        .select("resource", level=pl.col("change").cum_sum().over("resource"))
    )
    return dict(levels.group_by("resource").agg(pl.col("level").max()).iter_rows())


@once
def placed_operations(facts: Facts) -> pl.DataFrame:
    """Operations with `planned`: false for orders that stand as they are."""
    dated = facts.plan.supplies.select(
        pl.col("id").alias("supply_order"), pl.col("finish").alias("planned_finish")
    )
    told = facts.exceptions
    held = [*told.get("CapacityOverload", ()), *told.get("MissingMaterial", ())]
    stands = (
        facts.open_orders.join(dated, on="supply_order", how="left")
        .filter(
            # What is released or started is not moved, locked or not; what finds no
            # room stays where it is dated, and the plan says so.
            pl.col("locked").fill_null(value=False)
            | (pl.col("status") != "firmed")
            | (
                pl.col("supply_order").is_in(held)
                & (pl.col("planned_finish") == pl.col("due"))
            )
        )["supply_order"]
        .to_list()
    )
    return facts.plan.operations.with_columns(planned=~pl.col("supply").is_in(stands))


def _overuse(
    facts: Facts,
    row: Mapping[str, Any],
    calendars: tuple[str | None, str | None],
    group: pl.DataFrame,
) -> dict[str, object] | None:
    resource = row["resource"]
    start = group["start"].dt.epoch("s").to_numpy()
    finish = group["finish"].dt.epoch("s").to_numpy()
    taken = group["units"].fill_null(1.0).to_numpy()
    instants = np.concatenate([start, finish])
    change = np.concatenate([taken, -taken])
    moments, place = np.unique(instants, return_inverse=True)
    level = np.cumsum(np.bincount(place, weights=change))
    ours = np.tile(group["planned"].to_numpy(), 2)
    new = np.cumsum(np.bincount(place, weights=change * ours))
    edges, available = units_on_offer(
        facts, resource, row["units"], calendars, moments, overtime=row["overtime_s"]
    )
    index = np.maximum(np.searchsorted(moments, edges, side="right") - 1, 0)
    used = np.where(edges >= moments[0], level[index], 0.0)
    # Orders that stand as they are dated may exceed it; nothing may be put beside them.
    added = np.where(edges >= moments[0], new[index], 0.0)
    over = np.flatnonzero((used > available + TOLERANCE) & (added > TOLERANCE))
    if not len(over):
        return None
    first = over[0]
    return {
        "value": resource,
        "used": float(used[first]),
        "available": float(available[first]),
        "moment": int(edges[first]),
    }


def units_on_offer(
    facts: Facts,
    resource: str,
    units: float,
    calendars: tuple[str | None, str | None],
    moments: Instants,
    *,
    whole: bool = True,
    overtime: int = 0,
) -> tuple[Instants, NDArray[np.float64]]:
    """Units that a resource offers from each instant on.

    Parameters
    ----------
    units
        Where `resource_units` has no row.
    calendars
        Of the resource and its location.
    moments
        Instants that are wanted in any case, rising; nothing outside them is given.
    whole
        A share of a shift leaves whole units (rule 17); False: it multiplies.
    overtime
        Which the resource works after each day at most [s].

    Returns
    -------
    edges, available
        Instants at which units may change, and the units from there on.
    """
    common = facts.clock.common(list(calendars), (calendars[0], overtime))
    edges = _edges(facts, resource, common, moments)
    available = _available(facts, resource, units, edges)
    if common is None:
        return edges, available
    shares = common.share(edges)
    if not whole:
        return edges, available * shares
    return edges, np.array(
        [
            float(int(exact(float(own)) * exact(float(share)))) if share != 1.0 else own
            for own, share in zip(available, shares, strict=True)
        ]
    )


def _edges(
    facts: Facts, resource: str, common: OpenIntervals | None, moments: Instants
) -> Instants:
    """All instants at which use or capacity of a resource may change."""
    parts = [moments]
    if common is not None:
        parts += [common.starts, common.finishes]
    windows = facts.unit_windows.get(resource, ())
    for low, high, _ in (*windows, *facts.downtimes.get(resource, ())):
        parts.append(np.array([low, high], dtype=np.int64))
    edges = np.unique(np.concatenate(parts))
    inside: Instants = edges[(edges >= moments[0]) & (edges <= moments[-1])]
    return inside


def _available(
    facts: Facts, resource: str, units: float, edges: Instants
) -> NDArray[np.float64]:
    available = np.full(len(edges), units)
    for low, high, own in facts.unit_windows.get(resource, ()):
        inside = (edges >= max(low, ALWAYS)) & (edges < min(high, NEVER))
        available[inside] = own
    down = facts.downtimes.get(resource, ())
    if down:
        # Of several disruptions at a time the worst counts.
        worst = np.zeros(len(edges))
        for low, high, severity in down:
            inside = (edges >= low) & (edges < high)
            worst[inside] = np.maximum(worst[inside], severity)
        for place in np.flatnonzero(worst):
            share = 1 - exact(float(worst[place]))
            available[place] = float(int(exact(float(available[place])) * share))
    return available


NEAR = 1e-3
"""Hours; starts and ends of operations are whole seconds."""


def check_loads(facts: Facts) -> list[Finding]:
    """Check that loads state the hours worked and open, and what is over them.

    Beyond mode mrp the hours of finite resources are those of the operations.
    """
    loads = facts.plan.loads.with_columns(pl.col("bucket").dt.epoch("s"))
    stated = loads.select("resource", "bucket", stated=pl.col("run") + pl.col("setup"))
    found = []
    if facts.mode != "mrp":
        rule = grid(facts.snapshot.settings.bucket, facts.as_of)
        finite = facts.snapshot["resources"].filter("finite")
        operations = facts.plan.operations.join(finite, on="resource", how="semi")
        miscounted = (
            _used_hours(operations, rule)
            .join(stated, on=["resource", "bucket"], how="left", maintain_order="left")
            .with_columns(pl.col("stated").fill_null(0.0))
            .filter((pl.col("stated") - pl.col("used")).abs() > NEAR)
        )
        told = miscounted.rename({"resource": "value", "bucket": "moment"})
        found = faults("VER064", "loads", told)
    return found + faults("VER087", "loads", _misstated(facts, loads))


def _misstated(facts: Facts, loads: pl.DataFrame) -> pl.DataFrame:
    """Loads that state other open or excess hours, with what is right.

    Agreed overtime is open where the plan works it: so much of it as the plan says may
    be among the open hours.
    """
    rule = grid(facts.snapshot.settings.bucket, facts.as_of)
    begins = pl.col("bucket").unique().sort().alias("begins")
    resources = (
        facts.snapshot["resources"]
        .with_columns(facts.overtime_s)
        .join(loads.group_by("resource").agg(begins), on="resource")
    )
    if resources.is_empty():
        return loads.head(0)
    offered, longer = [], []
    for row in resources.iter_rows(named=True):
        start = np.array(row["begins"])
        calendars = (row["calendar"], facts.place_calendars.get(row["location"]))
        windows = facts, row, calendars, start, rule.ends(start)
        offered.append(_offered(*windows))
        overtime = row["overtime_s"]
        longer.append(_offered(*windows, overtime) if overtime else offered[-1])
    hours = (
        resources.select("resource", "finite", bucket="begins")
        .explode("bucket")
        .with_columns(offered=np.concatenate(offered), longer=np.concatenate(longer))
    )
    over = (pl.col("run") + pl.col("setup") - pl.col("available")).clip(lower_bound=0.0)
    rows = loads.join(
        hours, on=["resource", "bucket"], maintain_order="left"
    ).with_columns(
        offered=pl.col("available").clip("offered", "longer"),
        over=pl.when("finite").then(over).otherwise(0.0),
    )
    wrong = [
        rows.filter((pl.col(stated) - pl.col(right)).abs() > NEAR).select(
            value="resource",
            moment="bucket",
            named=pl.lit(stated),
            told=stated,
            right=right,
        )
        for stated, right in (("available", "offered"), ("overload", "over"))
    ]
    return pl.concat(wrong)


def check_bucket_hours(facts: Facts) -> list[Finding]:
    """Check the hours of resources that count them per bucket, beyond mode mrp."""
    counted = facts.snapshot["resources"].filter(
        pl.col("finite") & pl.col("bucket").is_not_null()
    )
    if facts.mode == "mrp" or counted.is_empty():
        return []
    placed = placed_operations(facts)
    over = []
    for row in counted.sort("resource").iter_rows(named=True):
        resource, rule = row["resource"], grid(row["bucket"], facts.as_of)
        calendars = (row["calendar"], facts.place_calendars.get(row["location"]))
        own = placed.filter(pl.col("resource") == resource)
        hours = []
        for part in (own, *_side_by_side(facts, own)):
            # Orders that stand may exceed it; nothing may be put beside them.
            ours = _used_hours(part.filter("planned"), rule).select("bucket")
            hours.append(_used_hours(part, rule).join(ours, on="bucket", how="semi"))
        most = pl.concat(hours).group_by("bucket").agg(pl.col("used").max())
        for begin, used in most.sort("bucket").iter_rows():
            start = np.array([begin])
            (offered,) = _offered(facts, row, calendars, start, rule.ends(start))
            if used > offered + NEAR:
                told = {"value": resource, "moment": begin, "used": used}
                over.append({**told, "available": offered})
    return faults("VER065", "operations", over)


def _used_hours(operations: pl.DataFrame, rule: Grid) -> pl.DataFrame:
    """Unit-hours that operations occupy, sorted: resource, bucket, used."""
    start = operations["start"].dt.epoch("s").to_numpy()
    finish = operations["finish"].dt.epoch("s").to_numpy()
    units = operations["units"].fill_null(1.0).to_numpy()
    rows, bucket = np.arange(len(start)), rule.starts(start)
    pieces = [
        pl.DataFrame(schema={"row": pl.Int64, "bucket": pl.Int64, "used": pl.Float64})
    ]
    while len(rows):
        end = rule.ends(bucket)
        inside = np.minimum(finish[rows], end) - np.maximum(start[rows], bucket)
        used = inside * units[rows]
        pieces.append(pl.DataFrame({"row": rows, "bucket": bucket, "used": used}))
        more = finish[rows] > end
        rows, bucket = rows[more], end[more]
    hours = pl.concat(pieces)
    return (
        hours.select(operations["resource"].gather(hours["row"]), "bucket", "used")
        .group_by("resource", "bucket")
        .agg(pl.col("used").sum() / HOUR)
        .filter(pl.col("used") > 0)
        .sort("resource", "bucket")
    )


def _offered(
    facts: Facts,
    row: dict[str, object],
    calendars: tuple[str | None, str | None],
    starts: Instants,
    ends: Instants,
    overtime: int = 0,
) -> NDArray[np.float64]:
    """Unit-hours that a resource offers in each window, windows rising and apart."""
    edges, units = units_on_offer(
        facts,
        str(row["resource"]),
        float(str(row["units"])),
        calendars,
        np.unique(np.concatenate([starts, ends])),
        whole=row["bucket"] is None,
        overtime=overtime,
    )
    # Unit-seconds from the first edge up to each one.
    lengths = np.diff(edges, append=edges[-1])
    so_far = np.concatenate([[0.0], np.cumsum(units * lengths)])
    begun, done = np.searchsorted(edges, starts), np.searchsorted(edges, ends)
    hours: NDArray[np.float64] = (so_far[done] - so_far[begun]) / HOUR
    return hours


def check_resources(facts: Facts) -> list[Finding]:
    """Check the resources of the steps of new make orders.

    Rows without a choice are all needed, of each choice at least one; what serves two
    rows works with the units of both; a pool is served by any member that has the skill
    of the row as the step begins; outside its validity a row is not needed.
    """
    orders = make_orders(facts).filter(~pl.col("existing")).select("order", "source")
    if orders.is_empty():
        return []
    windows = facts.step_windows.rename({"supply": "order"}).join(orders, on="order")
    needed = (
        windows.join(
            facts.snapshot["step_resources"]
            .with_columns(*validity())
            .rename({"routing": "source"}),
            on=["source", "step"],
        )
        .filter(valid_at("begin_s"))
        .rename({"resource": "named"})
        .with_columns(_skill_of_pool(facts))
        .select(
            *("order", "step", "named", "choice", "units", "until_step"),
            *("skill", "begin_s"),
        )
    )
    used = (
        facts.plan.operations.filter(pl.col("resource").fill_null("") != "")
        .select(pl.col("supply").alias("order"), "step", "resource", "units")
        .unique()
        .join(orders, on="order", how="semi")
    )
    named = used.join(facts.named_resources, on="resource").join(
        _held(facts, windows, needed),
        on=["order", "step", "named"],
        suffix="_needed",
    )
    served = pl.concat(
        [named.filter(pl.col("skill").is_null()), _skilled(facts, named)]
    )
    stray = used.join(served, on=["order", "step", "resource"], how="anti")
    step = ["order", "step"]
    # What serves several rows works with the units of some of them together.
    rows = pl.col("units_needed").over(
        *step, "resource", "units", mapping_strategy="join"
    )
    near = pl.col("units").is_between(
        rows.list.min() - TOLERANCE, rows.list.sum() + TOLERANCE
    )
    odd_units = served.join(
        served.filter(near), on=["order", "step", "resource"], how="anti"
    )
    group = pl.coalesce(
        "choice", pl.concat_str("named", "skill", separator=" with "), "named"
    ).alias("group")
    lacking = needed.with_columns(group).join(
        served.with_columns(group), on=["order", "step", "group"], how="anti"
    )
    # A tool that stays with the order may be one of what it works with as well.
    wanted = (
        needed.filter(pl.col("until_step").is_null())
        .with_columns(group)
        .group_by(*step, "group")
        .agg(pl.col("units").min())
    )
    few = (
        wanted.group_by(step)
        .agg(pl.col("units").sum().alias("wanted"))
        .join(
            used.group_by(step).agg(pl.col("units").sum(), pl.col("resource").min()),
            on=step,
        )
        .filter(pl.col("units") < pl.col("wanted") - TOLERANCE)
    )
    return [
        *_faults("has fewer units than it needs of", few, "resource"),
        *_faults("works on", stray, "resource"),
        *_faults("takes other units of", odd_units, "resource"),
        *_faults("does without", lacking, "group"),
    ]


def _held(facts: Facts, windows: pl.DataFrame, needed: pl.DataFrame) -> pl.DataFrame:
    """What steps need, and tools that an earlier one took and a later one gives back.

    Each step has the tool while its own start lies in the validity of the row.
    """
    spans = (
        facts.snapshot["step_resources"]
        .filter(pl.col("until_step").is_not_null())
        .with_columns(*validity())
    )
    if spans.is_empty():
        return needed
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
    held = (
        windows.join(rows, on=["source", "step"])
        .filter(valid_at("begin_s"))
        .select("order", "step", "named", "choice", "units")
        .unique()
    )
    return pl.concat([needed, held], how="diagonal")


def _skill_of_pool(facts: Facts) -> pl.Expr:
    """The skill that a row asks of the members of a pool, null where it asks for none.

    In mode mrp a skill that no member ever has limits nothing.
    """
    members = facts.snapshot["resources"].select("resource", "pool").drop_nulls()
    asked = pl.col("named").is_in(members["pool"].to_list())
    if facts.mode == "mrp":
        had = members.join(facts.snapshot["resource_skills"], on="resource")
        pairs = had.select(pl.struct(named="pool", skill="skill").alias("pair"))["pair"]
        asked &= pl.struct("named", "skill").is_in(pairs.to_list())
    return pl.when(asked).then("skill")


def _skilled(facts: Facts, named: pl.DataFrame) -> pl.DataFrame:
    """Rows whose resource has the skill that is asked for as its step begins."""
    skills = facts.snapshot["resource_skills"].with_columns(*validity())
    columns = named.columns
    return (
        named.join(
            skills.select("resource", "skill", "valid_from_s", "valid_to_s"),
            on=["resource", "skill"],
        )
        .filter(valid_at("begin_s"))
        .select(columns)
        .unique(maintain_order=True)
    )


def _faults(what: str, rows: pl.DataFrame, column: str) -> list[Finding]:
    if rows.is_empty():
        return []
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
