"""Money of a plan by the goal and the weights of mode optimize."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.master_plan.statement import ObjectivePart
from medhavi.results.figures.scorecard import sales, scorecard

if TYPE_CHECKING:
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


def plan_parts(
    made: Plan, snapshot: Snapshot, parameters: OptimizeParameters
) -> dict[ObjectivePart, float]:
    """Parts of what a plan costs, by the weights of the mode [base currency].

    By goal cost lateness holds the shortage. By goal profit what is never delivered
    costs its stated price and penalty, or what it costs by default without a price: the
    sum is what all demands would bring less what the plan earns.
    """
    found = scorecard(made, snapshot)
    parts = {
        ObjectivePart.MAKING: parameters.cost_weight * found.production,
        ObjectivePart.BUYING: parameters.cost_weight * found.purchase,
        ObjectivePart.MOVING: parameters.cost_weight * found.transport,
        ObjectivePart.OVERTIME: parameters.cost_weight * found.overtime,
        ObjectivePart.OVERLOAD: parameters.overload_weight * found.overload,
        ObjectivePart.HOLDING: parameters.inventory_weight * found.holding,
        ObjectivePart.LATENESS: parameters.lateness_weight * found.lateness,
        ObjectivePart.CO2: parameters.co2_price * found.co2_kg,
    }
    if parameters.goal == "profit":
        sold = sales(made, snapshot)
        late = found.lateness - float(sold["shortage"].sum())
        unpriced = pl.when(pl.col("priced")).then("penalty").otherwise("shortage")
        never = float(sold.select(pl.col("lost") + unpriced).to_series().sum())
        parts[ObjectivePart.LATENESS] = parameters.lateness_weight * late
        parts[ObjectivePart.SHORTAGE] = parameters.shortage_weight * never
    return parts


def worth(made: Plan, snapshot: Snapshot, parameters: OptimizeParameters) -> float:
    """What a plan costs by goal and weights of the mode [base currency]."""
    return sum(plan_parts(made, snapshot, parameters).values())
