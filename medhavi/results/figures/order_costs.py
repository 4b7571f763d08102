"""What the orders of a plan cost, with what they share and what lies between them.

A departure is paid once, however many orders leave with it (lanes.fixed_cost), a change
of family on a resource costs its money (changeovers.cost), and work takes energy at the
price of its hour (tariffs): none of it is known of one order alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import polars as pl

from medhavi.results.verify.campaigns import Changes, sequences
from medhavi.results.verify.facts import Facts
from medhavi.units import HOUR

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
    plan, snapshot
        The plan and what it was made of.
    existing
        Orders of the tables count too; else new ones alone, and a departure that an
        existing order leaves with is paid already.
    """
    counted = plan.supplies.sort("id") if existing else _new(plan, snapshot)
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
    own = float(_new(plan, snapshot)["co2_kg"].fill_null(0.0).sum())
    return own + energy(plan, snapshot).co2_kg


def _new(plan: Plan, snapshot: Snapshot) -> pl.DataFrame:
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
            begin, finish = (_until(own, column, span) for span in spans)
            sums[place] += float((power * (finish - begin)).sum())
    return Energy(*sums)


def _until(tariffs: pl.DataFrame, column: str, instants: np.ndarray) -> np.ndarray:
    """Sum of a tariff over time up to instants, shape (n,) [per kW].

    A row holds until its end or the next row.
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
