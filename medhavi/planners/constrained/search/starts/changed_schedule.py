"""Schedule of an earlier plan with what changed of the tables since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.constrained.memory import ORDER_TABLES, WORKING_TIME
from medhavi.planners.constrained.search.starts.baseline_schedule import (
    BaselineSchedule,
)

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

OF_TIME = frozenset(
    {
        *WORKING_TIME,
        "resource_units",
        "resource_skills",
        "resource_state",
        "changeovers",
        "campaign_rules",
        "cleaning_windows",
        "tariffs",
        "lanes",
        "departures",
        "lane_blackouts",
        "disruptions",
    }
)
"""Tables that say when, and at what cost, goods are made and moved, and which lots are
held: what stock levels want, and how long other goods last, is as before."""


def schedule_since(plan: Plan, later: Snapshot) -> BaselineSchedule | None:
    """Schedule of a plan with what later tables change; None: it keeps none."""
    basis = plan.basis
    if basis is None or basis.schedule is None:
        return None
    # What changed of orders is told by the schedule itself.
    touched = basis.touched(later, besides=ORDER_TABLES)
    wide, products = frozenset(touched.tables), touched.products
    return BaselineSchedule(
        frame=basis.schedule,
        products=None if wide else products,
        renewed=products | _held(later) if wide <= OF_TIME else None,
    )


def _held(snapshot: Snapshot) -> frozenset[str]:
    """Products of lots that disruptions hold."""
    rows = snapshot["disruptions"].filter(pl.col("kind") == "lot_held")
    return frozenset(rows["subject"].str.split("|").list.first())
