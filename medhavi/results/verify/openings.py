"""Opening costs: paid once for what new orders alone use.

Derived from the tables and the orders of the plan; the scorecard is not called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.verify.facts import TOLERANCE, faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.findings import Finding
    from medhavi.results.verify.facts import Facts

FIGURE = "KPI-33.opening"
_IDS = {"resources": "resource", "suppliers": "supplier", "lanes": "lane"}


def check_openings(facts: Facts) -> list[Finding]:
    """Check what the figures of a plan say that its openings cost.

    Not of a plan whose figures are not made yet.
    """
    figures = facts.plan.kpis
    if figures.is_empty():
        return []
    told = float(figures.filter(pl.col("kpi") == FIGURE)["value"].sum())
    paid = sum(_paid(facts))
    if abs(told - paid) <= TOLERANCE * (1 + paid):
        return []
    rows = [{"value": FIGURE, "told": told, "expected": paid}]
    return faults("VER058", "kpis", rows)


def _paid(facts: Facts) -> Iterator[float]:
    """Opening cost of each resource, supplier and lane that a plan has to open."""
    users_of = _users(facts)
    for table, key in _IDS.items():
        costs = facts.snapshot[table].filter(pl.col("opening_cost") > 0)
        if costs.height:
            users = users_of[table]
            standing = {name for name, existing in users if existing}
            opened = {name for name, existing in users if not existing} - standing
            for name, cost in costs.select(key, "opening_cost").rows():
                if name in opened:
                    yield cost


def _users(facts: Facts) -> dict[str, set[tuple[str, bool]]]:
    """Who uses what by table: its id, and whether an existing order does."""
    orders = facts.supplies.filter("main")
    bought = orders.filter(pl.col("kind") == "buy").select("source", "existing")
    moved = orders.filter(pl.col("kind") == "move").select("lane", "existing")
    work = facts.plan.operations.join(
        orders.select("id", "existing"), left_on="supply", right_on="id"
    ).select("resource", "existing")
    tables = {"suppliers": bought, "lanes": moved, "resources": work}
    return {table: set(used.drop_nulls().rows()) for table, used in tables.items()}
