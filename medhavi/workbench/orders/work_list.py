"""The orders of a plan as a planner works through them: state, urgency, next verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.work_orders.order_parameters import firming, urgencies
from medhavi.planners.work_orders.order_states import EDITS, OrderState, allowed
from medhavi.providers import Providers
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from medhavi.planners.work_orders.order_parameters import OrderParameters
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

_INSTANT = pl.Datetime("us", "UTC")
COLUMNS: dict[str, pl.DataType] = {
    "id": pl.String(),
    "number": pl.String(),
    "kind": pl.String(),
    "product": pl.String(),
    "location": pl.String(),
    "qty": pl.Float64(),
    "start": _INSTANT,
    "finish": _INSTANT,
    "source": pl.String(),
    "status": pl.String(),
    "firm": pl.Boolean(),
    "priority": pl.Int64(),
    "expedite": pl.Boolean(),
    "promoted": pl.Boolean(),
    "demand": pl.String(),
    "advice": pl.String(),
    "firm_by": _INSTANT,
    "rule": pl.String(),
    "verbs": pl.List(pl.String()),
}
"""Columns of the list."""


def order_list(
    plan: Plan, snapshot: Snapshot, parameters: OrderParameters
) -> pl.DataFrame:
    """List the orders of a plan, the most urgent first.

    Parameters
    ----------
    snapshot
        What was planned.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`: a row an order (co-products come with their order), by start,
        priority and id. `advice` is firm, ask or wait, of proposals; `verbs` are the
        edits that its state knows.
    """
    providers = Providers(snapshot, infinite=plan.run.mode == "mrp")
    advised = {one.supply: one for one in firming(plan, providers, parameters)}
    urgent = {one.supply: one for one in urgencies(plan, snapshot, parameters)}
    rows = []
    for row in plan.supplies.sort("id").iter_rows(named=True):
        if row["order_qty"] is None:
            continue
        advice = advised.get(row["id"])
        urgency = urgent[row["id"]]
        verbs = [verb for verb in allowed(OrderState(row["status"])) if verb in EDITS]
        by = None if advice is None else advice.firm_by
        rows.append(
            {
                **{name: row[name] for name in row if name in COLUMNS},
                "priority": urgency.priority,
                "expedite": urgency.expedite,
                "promoted": urgency.promoted,
                "demand": urgency.demand,
                "advice": None if advice is None else advice.action,
                "firm_by": None if by is None else from_seconds(by),
                "rule": None if advice is None else advice.rule,
                "verbs": [str(verb) for verb in verbs],
            }
        )
    frame = pl.DataFrame(rows, schema=COLUMNS)
    return frame.sort("start", "priority", "id", nulls_last=True)
