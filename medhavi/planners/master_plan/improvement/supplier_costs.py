"""What a plan pays suppliers more than by the shares that a program gives them.

An order takes what goes into it when it begins. So where slow and cheap suppliers come
too late for its first part, all of it is bought from fast and dear ones; the program,
whose amounts are of a bucket each, buys for each bucket by itself.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.master_plan.improvement.late_slices import bought
from medhavi.results.figures.order_costs import new_orders

if TYPE_CHECKING:
    from medhavi.optimize.problem import Floats
    from medhavi.planners.master_plan.blocks import BuiltProgram
    from medhavi.results.plans.plan import Plan

LEAST = 0.5
"""Quantity that a program buys of a product, at least."""


def dearer_purchases(made: Plan, built: BuiltProgram, values: Floats) -> float:
    """Money that a plan pays more than by the suppliers of a solution.

    Of what goes into products that are made, where several suppliers sell it and nobody
    makes or moves it, each by what is bought of it in the plan [base currency].
    """
    statement = built.statement
    costs = {
        (way.source.product, way.source.location, way.source.source): way.source.costs
        for plan in statement.plans
        for way in plan.ways
        if way.source.kind == "buy"
    }
    planned: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    new = new_orders(made, statement.run.stated).filter(pl.col("kind") == "buy")
    rows = new.select("product", "location", "qty", pl.col("cost").fill_null(0.0))
    for product, location, qty, cost in rows.iter_rows():
        own = planned[product, location]
        own[0] += qty
        own[1] += cost
    taken = {
        part.node.key
        for plan in statement.plans
        if plan.kind == "make"
        for part in plan.taken
    }
    more = 0.0
    for key, shares in bought(built, values).items():
        qty, cost = planned.get(key, (0.0, 0.0))
        total = sum(shares.values())
        if qty and total >= LEAST and key in taken:
            said = (
                costs[*key, name].cost(qty * share / total)
                for name, share in shares.items()
            )
            more += max(0.0, cost - sum(said))
    return more
