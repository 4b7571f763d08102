"""Money of a plan by the goal and the weights of mode optimize."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.master_plan.statement import ObjectivePart
from medhavi.results.figures.scorecard import below_safety, sales, scorecard

if TYPE_CHECKING:
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


def plan_parts(
    made: Plan, snapshot: Snapshot, parameters: OptimizeParameters
) -> dict[ObjectivePart, float]:
    """Parts of what a plan costs, by the weights of the mode [base currency].

    By goal cost what is never delivered costs its default or stated short_cost. By goal
    profit it costs its stated price and penalty, where it has a price: the sum is what
    all demands would bring less what the plan earns.
    """
    found = scorecard(made, snapshot)
    never = found.shortage
    if parameters.goal == "profit":
        lost = pl.col("lost") + pl.col("penalty")
        own = pl.when("priced").then(lost).otherwise("shortage")
        never = float(sales(made, snapshot).select(own).to_series().sum())
    return {
        ObjectivePart.MAKING: parameters.cost_weight * found.production,
        ObjectivePart.BUYING: parameters.cost_weight * found.purchase,
        ObjectivePart.MOVING: parameters.cost_weight * found.transport,
        ObjectivePart.OVERTIME: parameters.cost_weight * found.overtime,
        ObjectivePart.OVERLOAD: parameters.overload_weight * found.overload,
        ObjectivePart.HOLDING: parameters.inventory_weight * found.holding,
        ObjectivePart.LATENESS: parameters.lateness_weight
        * (found.lateness - found.shortage),
        ObjectivePart.SHORTAGE: parameters.shortage_weight * never,
        ObjectivePart.SAFETY: parameters.safety_weight
        * below_safety(made, snapshot, parameters.end_stock_price),
        ObjectivePart.CO2: parameters.co2_price * found.co2_kg,
    }


def worth(made: Plan, snapshot: Snapshot, parameters: OptimizeParameters) -> float:
    """What a plan costs by goal and weights of the mode [base currency]."""
    return sum(plan_parts(made, snapshot, parameters).values())
