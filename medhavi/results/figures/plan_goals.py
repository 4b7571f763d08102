"""The twenty goals of a plan, each by how far the plan is from it (KPI-29).

0 is a goal that is wholly kept. Each part names the deviation that an optimizer pays
for it, and is measured on the tables of a plan, whichever mode made it.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from medhavi.results.amounts import currency_of
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.figures.lane_use import places_behind
from medhavi.results.figures.level_load import hours_off_mean
from medhavi.results.figures.measure import amount, ratio, undefined
from medhavi.results.figures.scorecard import late_hours_by_domain, scorecard, valued
from medhavi.results.limiter import Domain
from medhavi.results.plans.lateness import live_verdicts
from medhavi.results.verify.facts import Facts
from medhavi.results.verify.fulfilment import check_asked
from medhavi.units import DAY, DAYS_PER_YEAR, from_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from medhavi.results.figures.measure import Measure
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


class Goal(NamedTuple):
    """A goal: its group, its name, and the deviation that an optimizer pays for it."""

    group: str
    name: str
    deviation: str


GOALS: Final[Mapping[str, Goal]] = MappingProxyType(
    {
        "delivery_performance": Goal("delivery", "Lateness cost", "lateness"),
        "delivery_fulfillment": Goal("delivery", "Shortage cost", "shortage"),
        "inventory_adherence": Goal(
            "inventory",
            "Stocks below safety or above their maximum",
            "below safety, above maximum",
        ),
        "supply_holding": Goal("inventory", "Holding cost of stock", "holding"),
        "inprocess_holding": Goal(
            "inventory", "Holding cost of goods in process", "duration of orders"
        ),
        "resource_utilization": Goal("capacity", "Idle hours", "unused capacity"),
        "resource_capacity_overload": Goal("capacity", "Hours overloaded", "overload"),
        "campaign_capacity_overload": Goal(
            "capacity", "Hours overloaded by campaigns", "overload"
        ),
        "missing_capacity_consumption": Goal(
            "capacity", "Hours of work without open time", "overload"
        ),
        "spread_capacity_consumption": Goal(
            "capacity", "Hours off the mean load", "deviation from the mean load"
        ),
        "supply_preference": Goal(
            "supply chain", "Orders not from a first preference", "preference"
        ),
        "supply_quality": Goal(
            "supply chain", "Supplies without what a demand requires", "quality"
        ),
        "missing_upstream": Goal(
            "supply chain",
            "Products that lack material or a source",
            "missing material",
        ),
        "invalid_upstream": Goal(
            "supply chain", "Pegs to stock that is held", "unusable supply"
        ),
        "late_upstream": Goal(
            "supply chain", "Late hours due to supply", "late material"
        ),
        "over_assigned_demand": Goal(
            "feasibility", "Demands served beyond their quantity", "over-assignment"
        ),
        "over_utilized_supply": Goal(
            "feasibility", "Supplies pegged beyond their quantity", "over-use"
        ),
        "partial_assigned_piece": Goal(
            "feasibility", "Full lines delivered in part", "part of a full line"
        ),
        "storage_capacity_excess": Goal(
            "feasibility", "Stocks beyond their storage", "storage excess"
        ),
        "co2_emissions": Goal("sustainability", "Emissions", "co2"),
    }
)
"""The goals by the names of their parts."""

NO_FAULTS: Final = frozenset(
    (
        *("supply_holding", "inprocess_holding", "resource_utilization"),
        *("spread_capacity_consumption", "supply_preference", "co2_emissions"),
    )
)
"""Goals that no plan is expected to keep wholly."""
_OFF_LEVEL = (ExceptionCode.BELOW_SAFETY, ExceptionCode.ABOVE_MAXIMUM)
_LACKING = (ExceptionCode.MISSING_MATERIAL, ExceptionCode.NO_SOURCE)
_SUPPLY = (Domain.MATERIAL, Domain.SUPPLIER, Domain.TRANSPORT)
_TOLERANCE = 1e-6
"""What sums of quantities may differ by, as share of one more than the quantity."""


def goals(plan: Plan, snapshot: Snapshot) -> list[Measure]:
    """KPI-29: goals that are wholly kept, of those that a plan may keep; all twenty.

    Parts without a unit of money, hours or kilograms count what is off; the preference
    of orders is a share of the new ones. Idle hours, hours off the mean load, holding,
    preference and emissions are no faults, and not counted. Goods in process count with
    their value while orders make or move them, at the rate of their stock. Hours are
    idle in buckets in which a resource works, as KPI-05 counts them; the mean load of a
    resource is that of the whole horizon, and a bucket without work lies off it too. A
    first preference is the best number among the sources of a product at a location.
    """
    card = scorecard(plan, snapshot)
    money = currency_of(snapshot)
    late = late_hours_by_domain(plan)
    found = {
        "delivery_performance": amount(card.lateness - card.shortage, money),
        "delivery_fulfillment": amount(card.shortage, money),
        "inventory_adherence": amount(_places(plan, _OFF_LEVEL), "count"),
        "supply_holding": amount(card.holding, money),
        "inprocess_holding": amount(_in_process(plan, snapshot), money),
        **_capacity(plan, snapshot),
        "supply_preference": _not_preferred(plan, snapshot),
        "supply_quality": amount(len(check_asked(Facts(plan, snapshot))), "count"),
        "missing_upstream": amount(_places(plan, _LACKING), "count"),
        "invalid_upstream": amount(_pegs_to_held(plan, snapshot), "count"),
        "late_upstream": amount(sum(late.get(one, 0.0) for one in _SUPPLY), "hour"),
        "over_assigned_demand": amount(_over_assigned(plan), "count"),
        "over_utilized_supply": amount(_over_used(plan, snapshot), "count"),
        "partial_assigned_piece": amount(_in_part(plan, snapshot), "count"),
        "storage_capacity_excess": amount(
            _places(plan, (ExceptionCode.STORAGE_LIMIT,)), "count"
        ),
        "co2_emissions": amount(card.co2_kg, "kg"),
    }
    faults = [one.value for part, one in found.items() if part not in NO_FAULTS]
    known = [one for one in faults if one is not None]
    parts = [
        replace(found[part], part=part, name=goal.name) for part, goal in GOALS.items()
    ]
    return [ratio(sum(one <= 0 for one in known), len(known)), *parts]


def _places(plan: Plan, codes: Collection[ExceptionCode]) -> int:
    """How many products and locations any exception of these codes names."""
    told = plan.exceptions.filter(pl.col("code").is_in([str(one) for one in codes]))
    return told.select("product", "location").unique().height


def _in_process(plan: Plan, snapshot: Snapshot) -> float:
    """Holding cost of what orders make or move, from now to the horizon's end."""
    begin = from_seconds(snapshot.as_of)
    end = from_seconds(snapshot.settings.horizon_end)
    moving = plan.supplies.filter(pl.col("kind").is_in(["make", "move"]))
    clipped = moving.with_columns(pl.col("start", "finish").clip(begin, end))
    held = valued(clipped, snapshot).select(
        cost=pl.col("qty")
        * pl.col("unit_cost")
        * pl.col("rate")
        * ((pl.col("finish") - pl.col("start")).dt.total_seconds() / DAY)
        / DAYS_PER_YEAR
    )
    return float(held["cost"].fill_null(0.0).sum())


def _capacity(plan: Plan, snapshot: Snapshot) -> dict[str, Measure]:
    """Hours idle, overloaded, without open time and off the mean load of resources."""
    parts = [part for part, goal in GOALS.items() if goal.group == "capacity"]
    if plan.loads.is_empty():
        return {one: undefined("no resource is loaded", "hour") for one in parts}
    loads = plan.loads.select(
        "resource",
        "bucket",
        "available",
        "overload",
        used=pl.col("run") + pl.col("setup"),
    )
    idle = (pl.col("available") - pl.col("used")).clip(lower_bound=0.0)
    closed = pl.col("used").filter(pl.col("available") <= 0)
    sums = loads.select(
        idle.sum().alias("idle"),
        pl.col("overload").sum(),
        closed.sum().alias("closed"),
    ).row(0)
    over = _of_campaigns(plan, loads)
    hours = (sums[0], sums[1], over, sums[2], hours_off_mean(plan, snapshot))
    return {
        one: amount(float(found), "hour")
        for one, found in zip(parts, hours, strict=True)
    }


def _of_campaigns(plan: Plan, loads: pl.DataFrame) -> float:
    """Hours overloaded in the buckets of resources in which campaigns run."""
    campaigns = plan.supplies.filter(pl.col("campaign").is_not_null())
    over = loads.filter(pl.col("overload") > 0)
    if campaigns.is_empty() or over.is_empty():
        return 0.0
    runs = (
        plan.operations.join(campaigns.select(supply="id"), on="supply", how="semi")
        .select("resource", "start")
        .sort("start")
    )
    within = runs.join_asof(
        loads.select("resource", "bucket").sort("bucket"),
        left_on="start",
        right_on="bucket",
        by="resource",
        check_sortedness=False,
    )
    found = over.join(within, on=["resource", "bucket"], how="semi")
    return float(found["overload"].sum())


def _not_preferred(plan: Plan, snapshot: Snapshot) -> Measure:
    """Share of new orders whose source is not of the first preference."""
    ranked = places_behind(plan, snapshot)
    return ratio(ranked.filter(pl.col("behind") > 0).height, ranked.height)


def _pegs_to_held(plan: Plan, snapshot: Snapshot) -> int:
    held = _lots(snapshot).filter(pl.col("status") != "available")
    return plan.pegging.join(held, on="supply", how="semi").height


def _lots(snapshot: Snapshot) -> pl.DataFrame:
    """Lots as pegs name them: supply, qty, status."""
    name = pl.concat_str("product", "location", "lot", separator="|", ignore_nulls=True)
    lot = pl.col("lot").fill_null("")
    return snapshot["stock"].with_columns(lot=lot).select("qty", "status", supply=name)


def _over_assigned(plan: Plan) -> int:
    most = pl.col("qty") + _TOLERANCE * (1 + pl.col("qty"))
    return live_verdicts(plan).filter(pl.col("planned") > most).height


def _over_used(plan: Plan, snapshot: Snapshot) -> int:
    there = pl.concat(
        [
            _lots(snapshot).select("supply", "qty"),
            plan.supplies.select("qty", supply="id").select("supply", "qty"),
        ]
    ).group_by("supply")
    pegged = plan.pegging.group_by("supply").agg(pl.col("qty").sum().alias("pegged"))
    both = pegged.join(there.agg(pl.col("qty").sum()), on="supply")
    most = pl.col("qty") + _TOLERANCE * (1 + pl.col("qty"))
    return both.filter(pl.col("pegged") > most).height


def _in_part(plan: Plan, snapshot: Snapshot) -> int:
    """How many full lines are delivered more than once, or not whole."""
    full = snapshot["demands"].filter("full_line").select("demand")
    lines = live_verdicts(plan).join(full, on="demand", how="semi")
    times = plan.deliveries.group_by("demand").len("times")
    parts = lines.join(times, on="demand", how="left")
    some = pl.col("planned") > 0
    whole = pl.col("planned") >= pl.col("qty") * (1 - _TOLERANCE)
    return parts.filter(some & (~whole | (pl.col("times") > 1))).height
