"""What orders of a plan cost whatever their size, or because they are small.

Fewer and larger orders save it: the fixed cost of each order, and of what is bought at
prices by quantity (price_tiers) what it costs more than all of it would in one order.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.master_plan.goals.staged_solve import plan_parts
from medhavi.planners.master_plan.statement import ObjectivePart
from medhavi.results.figures.order_costs import new_orders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.planners.master_plan.statement import Statement
    from medhavi.planners.mrp.netting_state.state import NodeKey
    from medhavi.providers.sources import Costing, Source
    from medhavi.results.plans.plan import Plan


def fixed_costs(statement: Statement) -> dict[tuple[str, ...], float]:
    """What an order costs whatever its size, by source, product and location."""
    return {
        (one.source, one.product, one.location): one.own_fixed_cost
        for one in _sources(statement)
    }


def size_share(statement: Statement, made: Plan) -> float:
    """Share of what a plan costs that larger new orders could save.

    Without lateness: set-ups that fill the hours make plans late.
    """
    run, parameters = statement.run, statement.parameters
    fixed = fixed_costs(statement)
    keys = new_orders(made, run.stated).select("source", "product", "location")
    paid = sum(fixed.get(key, 0.0) for key in keys.iter_rows())
    paid += _small_orders(statement, made)
    parts = plan_parts(made, run.stated, parameters)
    late = parts[ObjectivePart.LATENESS] + parts[ObjectivePart.SHORTAGE]
    cost = sum(parts.values()) - late
    return parameters.cost_weight * paid / (cost or 1.0)


def _small_orders(statement: Statement, made: Plan) -> float:
    """What new purchases cost more than one order of all would [base currency].

    Of products with prices by quantity, at the best of those prices that so much has.
    """
    tiers: dict[NodeKey, list[Costing]] = defaultdict(list)
    for one in _sources(statement):
        if one.kind == "buy" and one.costs.min_qtys:
            tiers[one.product, one.location].append(one.costs)
    bought = (
        new_orders(made, statement.run.stated)
        .filter(pl.col("kind") == "buy")
        .group_by("product", "location", maintain_order=True)
        .agg(pl.col("qty").sum(), pl.col("cost").fill_null(0.0).sum())
    )
    more = (
        cost - min(one.cost(qty) for one in tiers[product, location])
        for product, location, qty, cost in bought.iter_rows()
        if (product, location) in tiers
    )
    return float(sum(max(0.0, one) for one in more))


def _sources(statement: Statement) -> Iterator[Source]:
    return (way.source for plan in statement.plans for way in plan.ways)
