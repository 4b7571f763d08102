"""Goal profit: demands that bring less than they cost, and why a demand is left short.

Of an order that serves several demands each bears its share, of what it costs whole or
but for its fixed cost: the rest of the order is made either way. Neither is exact, so
plans are made without the losing demands, and the best one is the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.findings import finding
from medhavi.results.amounts import with_unit
from medhavi.results.figures.order_costs import new_orders
from medhavi.results.figures.scorecard import sales
from medhavi.results.limiter import Limiter
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from medhavi.findings import Finding
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.results.plans.plan import Plan

    Reason = tuple[Limiter, str]

UNPROFITABLE = Limiter.UNPROFITABLE


def reasons_short(
    statement: Statement, less: Iterable[int], plain: Plan
) -> dict[int, Reason]:
    """Why demands are not wanted whole, by their index.

    They lack what they, or others of the same product at that place, lack in a plan
    without the program, or what makes them so late in it that they bring less than they
    cost. Who brings more gives way to others of its product that are so late. What is
    past due has no other cause, and all else could be served: it costs more than never
    to deliver, as does what brings less than its goods cost at least.
    """
    demands = statement.run.intake.demands
    short = set(plain.fulfilment.filter(pl.col("planned") < pl.col("qty"))["demand"])
    losses = {
        one.demand
        for one in demands
        if late_unit_cost(statement, one.index, plain) > brought(statement, one.index)
    }
    known, others = (_first_causes(plain, one) for one in (short, losses - short))
    others = {one: why for one, why in others.items() if why[0] != Limiter.PAST_DUE}
    alike, waits = (
        {
            one.node: causes[one.demand]
            for one in reversed(demands)
            if one.demand in causes and causes[one.demand][1] != one.demand
        }
        for causes in (known, others)
    )
    found: dict[int, Reason] = {}
    for index in less:
        demand, costs = demands[index], unit_cost(statement, index)
        cause = known.get(demand.demand) or alike.get(demand.node)
        cause = cause or others.get(demand.demand)
        if cause is None and demand.demand not in losses:
            cause = waits.get(demand.node)
        if cause is None or costs > brought(statement, index):
            cause = UNPROFITABLE, demand.demand
        found[index] = cause
    return found


def _first_causes(plain: Plan, demands: Collection[str]) -> dict[str, Reason]:
    """What costs most of what keeps demands from being served in time, by demand."""
    rows = (
        plain.causes.filter(pl.col("demand").is_in(sorted(demands)))
        .sort("money", descending=True, nulls_last=True, maintain_order=True)
        .unique("demand", keep="first", maintain_order=True)
    )
    return {
        demand: (Limiter(code), subject)
        for demand, code, subject in rows.select("demand", "code", "subject").rows()
    }


def late_unit_cost(statement: Statement, index: int, plain: Plan) -> float:
    """What a unit of a demand costs by its goods and as late as a plan delivers it."""
    demand = statement.run.intake.demands[index]
    rows = plain.fulfilment.filter(pl.col("demand") == demand.demand)
    hours = rows["lateness_h"].drop_nulls().to_list()
    late = sum(hours) / 24 or max(statement.run.as_of - demand.due, 0) / DAY
    return unit_cost(statement, index) + late * float(statement.wanted.late[index])


def unit_cost(statement: Statement, index: int) -> float:
    """What a unit of a demand costs by its goods at least [base currency]."""
    node = int(statement.wanted.node[index])
    return float(statement.value[node]) if node >= 0 else 0.0


def brought(statement: Statement, index: int) -> float:
    """What a unit of a demand brings, against leaving it short [base currency]."""
    return float(statement.wanted.short[index])


def losing(
    made: Plan, statement: Statement, fixed: Mapping[tuple[str, ...], float] | None
) -> dict[int, float]:
    """What a unit costs of each demand that costs more in a plan than it brings.

    Parameters
    ----------
    made
        Plan.
    fixed
        Fixed cost of an order by source, product and location, which a demand that
        shares the order does not bear; None: it bears its share of all.

    Returns
    -------
    dict of int to float
        By index; demands with a stated price alone.
    """
    snapshot, goals = statement.run.stated, statement.parameters
    orders = new_orders(made, snapshot).select(
        pl.col("id").alias("supply"), "source", "product", "location", "cost"
    )
    keys = orders.select("source", "product", "location").rows()
    own = [0.0 if fixed is None else fixed.get(key, 0.0) for key in keys]
    parts = pl.col("qty") / pl.col("qty").sum().over("supply")
    alone = pl.len().over("supply") == 1
    shared = pl.col("cost").fill_null(0.0) - pl.when(alone).then(0).otherwise("fixed")
    paid = (
        made.pegging.group_by("supply", "demand", maintain_order=True)
        .agg(pl.col("qty").sum())
        .join(orders.with_columns(fixed=pl.Series(own, dtype=pl.Float64)), on="supply")
        .with_columns(paid=parts * shared)
        .group_by("demand", maintain_order=True)
        .agg(pl.col("paid").sum())
    )
    late = made.causes.group_by("demand").agg(late=pl.col("money").fill_null(0.0).sum())
    rows = (
        sales(made, snapshot)
        .filter(pl.col("priced") & (pl.col("revenue") > 0))
        .join(made.fulfilment.select("demand", "planned"), on="demand")
        .join(paid, on="demand", how="left")
        .join(late, on="demand", how="left")
        .select(
            "demand",
            "planned",
            cost=goals.cost_weight * pl.col("paid").fill_null(0.0)
            + goals.lateness_weight
            * (pl.col("late").fill_null(0.0) - pl.col("shortage")),
        )
    )
    found = {name: (qty, cost) for name, qty, cost in rows.rows()}
    losses: dict[int, float] = {}
    for demand in statement.run.intake.demands:
        qty, cost = found.get(demand.demand, (0.0, 0.0))
        gain = goals.shortage_weight * brought(statement, demand.index)
        if cost > gain * qty:
            losses[demand.index] = cost / qty
    return losses


def losses_found(
    made: Plan,
    statement: Statement,
    costs: Mapping[int, float],
    plain: Plan,
    currency: str,
) -> tuple[Finding, ...]:
    """Finding that names the demands which are left short as unprofitable, if any.

    `costs` are what a unit costs where a plan said so, by index; `plain` is the plan
    without the program, which says how late a demand would be.
    """
    left = made.fulfilment.join(
        made.causes.filter(pl.col("code") == UNPROFITABLE), on="demand", how="semi"
    ).select("demand", pl.col("qty") - pl.col("planned"))
    rest = {name: qty for name, qty in left.rows() if qty > 0}
    told = []
    for demand in statement.run.intake.demands:
        qty = rest.get(demand.demand, 0.0)
        if qty:
            late = late_unit_cost(statement, demand.index, plain)
            unit = costs.get(demand.index, late)
            brings = qty * brought(statement, demand.index)
            # Others give way to who brings more: what they cost alone says nothing.
            if qty * unit > brings:
                told.append((qty * unit - brings, brings, qty * unit, demand.demand))
    if not told:
        return ()
    _, brings, cost, dearest = max(told)
    found = finding(
        "PLAN021",
        value=len(told),
        demand=dearest,
        brings=with_unit(brings, currency),
        cost=with_unit(cost, currency),
    )
    return (found,)
