"""What the orders of a plan cost, with what they share, and work beyond open hours.

A departure is paid once, however many orders leave with it (lanes.fixed_cost), a change
of family on a resource costs its money (changeovers.cost), and work takes energy at the
price of its hour (tariffs): none of it is known of one order alone.

Work after the open hours of a day (mode optimize), or beyond those of a bucket (modes
that do not keep to them) is overtime as far as it is agreed
(resources.overtime_minutes_per_day), and overload beyond. Both come on top of the
ordinary cost of those hours, which is the order's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl

from medhavi.results.buckets import grid
from medhavi.results.verify.campaigns import Changes, sequences
from medhavi.results.verify.facts import Facts
from medhavi.units import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


KINDS: Final = {"buy": "purchase", "make": "production", "move": "transport"}
"""Part of the cost of a plan that each kind of order belongs to."""


def order_costs(
    plan: Plan, snapshot: Snapshot, *, existing: bool = False
) -> dict[str, float]:
    """Cost of orders by the parts of `KINDS` [base currency].

    Parameters
    ----------
    existing
        Orders of the tables count too; else new ones alone, and a departure that an
        existing order leaves with is paid already.
    """
    counted = plan.supplies.sort("id") if existing else new_orders(plan, snapshot)
    sums = dict(
        counted.group_by("kind", maintain_order=True)
        .agg(pl.col("cost").fill_null(0.0).sum())
        .iter_rows()
    )
    costs = {part: float(sums.get(kind, 0.0)) for kind, part in KINDS.items()}
    costs["transport"] -= _shared(plan, counted, snapshot)
    costs["production"] += changeover_cost(plan, snapshot)
    costs["production"] += energy(plan, snapshot).money
    return costs


def emitted_by(plan: Plan, snapshot: Snapshot) -> float:
    """Emissions of new orders and of the energy of all work [kg CO2]."""
    own = float(new_orders(plan, snapshot)["co2_kg"].fill_null(0.0).sum())
    return own + energy(plan, snapshot).co2_kg


def new_orders(plan: Plan, snapshot: Snapshot) -> pl.DataFrame:
    """Supplies of a plan that no existing order brings, by id."""
    existing = snapshot["supply_orders"].select(pl.col("supply_order").alias("id"))
    return plan.supplies.join(existing, on="id", how="anti").sort("id")


def _shared(plan: Plan, counted: pl.DataFrame, snapshot: Snapshot) -> float:
    """What orders of a departure beyond the first do not pay again."""
    fixed = snapshot["lanes"].filter(pl.col("fixed_cost") > 0)
    lanes = fixed.select("lane", "fixed_cost").join(
        snapshot["departures"].select("lane").unique(), on="lane", how="semi"
    )
    leaving = pl.col("kind") == "move", pl.col("departure").is_not_null()
    on = ["lane", "departure"]
    moves = counted.filter(*leaving).group_by(on).agg(pl.len().alias("counted"))
    every = plan.supplies.filter(*leaving).group_by(on).agg(pl.len().alias("all"))
    free = (
        moves.join(lanes, on="lane")
        .join(every, on=on)
        .with_columns(paid=(pl.col("all") == pl.col("counted")).cast(pl.Int64))
        .sort(on)
    )
    saved = (free["counted"].cast(pl.Int64) - free["paid"]) * free["fixed_cost"]
    return float(saved.sum())


def changeover_cost(plan: Plan, snapshot: Snapshot) -> float:
    """Money of the changes of family on all resources [base currency].

    Where what is set up is known: on resources of one unit that work in sequence.
    """
    if not (snapshot["changeovers"]["cost"].fill_null(0.0) > 0).any():
        return 0.0
    facts, cost = Facts(plan, snapshot), 0.0
    for resource, jobs in sequences(facts, {}):
        changes = Changes(facts, resource)
        before = changes.state
        for job in jobs:
            if job.finish > job.start:
                cost += changes.cost(before, job.family)
                before = job.family or before
    return cost


class Energy(NamedTuple):
    """Energy of the work of a plan: money [base currency] and emissions [kg CO2]."""

    money: float
    co2_kg: float


def energy(plan: Plan, snapshot: Snapshot) -> Energy:
    """Energy that resources take while they are occupied, by the tariff of each hour.

    Outside the tariffs of a location energy costs and emits nothing.
    """
    powered = snapshot["resources"].filter(pl.col("power_kw") > 0)
    tariffs = snapshot["tariffs"]
    if powered.is_empty() or tariffs.is_empty():
        return Energy(0.0, 0.0)
    work = plan.operations.join(
        powered.select("resource", "location", "power_kw"), on="resource"
    ).sort("location", "start", "id")
    sums = [0.0, 0.0]
    for (location,), rows in work.group_by("location", maintain_order=True):
        own = tariffs.filter(pl.col("location") == location).sort("valid_from")
        power = (rows["power_kw"] * rows["units"].fill_null(1.0)).to_numpy()
        spans = [rows[name].dt.epoch("s").to_numpy() for name in ("start", "finish")]
        for place, column in enumerate(("price_per_kwh", "co2_kg_per_kwh")):
            begin, finish = (tariff_until(own, column, span) for span in spans)
            sums[place] += float((power * (finish - begin)).sum())
    return Energy(*sums)


def tariff_until(
    tariffs: pl.DataFrame, column: str, instants: np.ndarray
) -> np.ndarray:
    """Sum of a tariff over time up to instants, shape (n,) [per kW].

    Rows of one location, by their begin; each holds until its end or the next one.
    """
    last = instants.max(initial=0)
    begin = np.minimum(tariffs["valid_from"].dt.epoch("s").to_numpy(), last)
    end = tariffs["valid_to"].dt.epoch("s").fill_null(last).to_numpy()
    end = np.clip(end, begin, np.append(begin[1:], last))
    paid = np.cumsum((end - begin) * tariffs[column].fill_null(0.0).to_numpy())
    before = np.append(0.0, paid[:-1])
    edges = np.column_stack([begin, end]).ravel()
    sums = np.column_stack([before, paid]).ravel()
    found: np.ndarray = np.interp(instants, edges, sums) / HOUR
    return found


OVERTIME_FACTOR: Final = 1.5
"""An hour of overtime in ordinary hours, where its cost is not stated."""
FREE_HOUR_OVERTIME: Final = 50.0
"""Cost of an hour of overtime where ordinary hours cost nothing [base currency]."""
OVERLOAD_FACTOR: Final = 10.0
"""Price of an hour of overload in hours of overtime: nobody has agreed to it."""
LEAST_OVERTIME: Final = 1.0
"""Least price of overtime that overload is priced by [base currency per hour]: free
overload would be no overload."""

Rates = Mapping[str, float | None]


class OvertimeCost(NamedTuple):
    """Money of overtime and of overload [base currency]."""

    overtime: float
    overload: float


def overtime_rate(resource: Rates) -> float:
    """Cost of an hour of overtime of a resource [base currency].

    >>> overtime_rate({"overtime_cost_per_hour": None, "cost_per_hour": 30.0})
    45.0
    """
    stated = resource["overtime_cost_per_hour"]
    if stated is not None:
        return stated
    return OVERTIME_FACTOR * (resource["cost_per_hour"] or 0.0) or FREE_HOUR_OVERTIME


def overtime_premium(resource: Rates) -> float:
    """Cost of an hour of overtime on top of an ordinary hour [base currency].

    >>> overtime_premium({"overtime_cost_per_hour": None, "cost_per_hour": 30.0})
    15.0
    """
    return max(0.0, overtime_rate(resource) - (resource["cost_per_hour"] or 0.0))


def overtime_cost(plan: Plan, snapshot: Snapshot) -> OvertimeCost:
    """Money of the hours by which a plan exceeds those of its resources, by bucket."""
    resources = {row["resource"]: row for row in snapshot["resources"].to_dicts()}
    overtime = sum(
        hours * overtime_premium(resources[name])
        for name, hours in overtime_worked(plan, snapshot).items()
    )
    overload = 0.0
    rule = grid(snapshot.settings.bucket, snapshot.as_of)
    over = plan.loads.filter(pl.col("overload") > 0).sort("resource", "bucket")
    starts = over["bucket"].dt.epoch("s").to_numpy()
    days = (rule.ends(starts) - starts) / DAY
    for name, hours, length in zip(
        over["resource"], over["overload"], days.tolist(), strict=True
    ):
        row = resources.get(name)
        if row is None:
            continue
        agreed = (row["overtime_minutes_per_day"] or 0.0) * MINUTE / HOUR * length
        premium = overtime_premium(row)
        bought = min(hours, agreed)
        overtime += bought * premium
        price = OVERLOAD_FACTOR * max(premium, LEAST_OVERTIME)
        overload += (hours - bought) * price
    return OvertimeCost(overtime, overload)


def agreed_overtime(snapshot: Snapshot) -> pl.DataFrame:
    """Rows of the resources that may work overtime.

    Work in sequence on a calendar of its own kind: hours that are counted by bucket,
    and what is always open, have no end of a day.
    """
    return snapshot["resources"].filter(
        (pl.col("overtime_minutes_per_day") > 0)
        & pl.col("finite")
        & pl.col("bucket").is_null()
        & pl.col("calendar").is_not_null()
    )


def overtime_worked(plan: Plan, snapshot: Snapshot) -> dict[str, float]:
    """Unit-hours that resources work outside their open time, by resource.

    Of mode optimize, which dates overtime; other modes work none.
    """
    if plan.run.mode != "optimize":
        return {}
    facts = Facts(plan, snapshot)
    resources = agreed_overtime(snapshot).select("resource", "calendar")
    work = plan.operations.join(resources, on="resource").sort(
        "resource", "start", "id"
    )
    found = {}
    for (name, calendar), rows in work.group_by(
        "resource", "calendar", maintain_order=True
    ):
        start, finish = (
            rows[column].dt.epoch("s").to_numpy() for column in ("start", "finish")
        )
        closed = (
            finish - start - facts.clock.open_time(str(calendar)).between(start, finish)
        )
        hours = float((closed * rows["units"].fill_null(1.0).to_numpy()).sum()) / HOUR
        if hours > 0:
            found[str(name)] = hours
    return found
