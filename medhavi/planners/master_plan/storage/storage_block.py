r"""Block of storage: no more of a product lies at a place than there is room for.

Sets. n in N: products at places with a limit L_n (storage_limits) [quantity]; t in
T(n): decisions whose bucket holds an end of a bucket of the settings, by which the
stock of a plan is measured. given_nt: what lies there and comes anyway less all that is
wanted of it by then, which no order changes.

    stock_nt - beyond_n <= max(L_n, given_nt)              [quantity]
    beyond_n >= 0,   cost  price_n sum_n beyond_n          [base currency]

beyond_n is the most that has no room at any time. A unit of it costs what one costs
that a demand of priority 1 never gets, of its standard cost or what it costs to supply:
so a dearer source or a later delivery keeps the limit where there is one, and what
falls out beside a product (routing_outputs) does not keep it back. The program with
whole orders has no beyond_n.

Stock that expires is no part of the running stock and not counted.

Switch: the block is empty where no storage_limits are stated.

Of the plans of a run that serve as much as the cheapest one those that exceed limits
least come first, see `beyond_limits`: what is wanted comes before what has no room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.planners.master_plan.statement import ObjectivePart
from medhavi.results.figures.level_load import level_buckets
from medhavi.results.figures.scorecard import SHORT_PRICES

if TYPE_CHECKING:
    from medhavi.optimize.problem import Block, Floats, Ints, Problem
    from medhavi.planners.master_plan.statement import Statement
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

BEYOND_LIMIT, STORAGE = "beyond storage", "storage"


def add_storage(
    problem: Problem, statement: Statement, stock: Block, *, whole: bool = False
) -> None:
    """Add a row per limited place and measured decision, and what exceeds a limit.

    `whole`: nothing does, for orders are whole.
    """
    limits = limits_of(statement)
    if not limits:
        return
    measured = _measured(statement)
    size, many = statement.grid.size, len(measured)
    nodes = np.array(list(limits), dtype=np.int64)
    no_more = 0.0 if whole else np.inf
    beyond = problem.columns(BEYOND_LIMIT, len(nodes), upper=no_more)
    most = np.array(list(limits.values()), dtype=float)[:, None]
    room = np.maximum(most, _given(statement)[nodes])[:, measured]
    rows = problem.rows(STORAGE, len(nodes) * many, upper=room.ravel())
    every = np.arange(len(nodes) * many)
    place = np.repeat(nodes, many) * size + np.tile(measured, len(nodes))
    problem.entries(rows.at(every), stock.at(place), 1.0)
    problem.entries(rows.at(every), beyond.at(every // many), -1.0)
    worth = np.maximum(statement.value, statement.stock_value)[nodes]
    price = SHORT_PRICES * np.where(worth > 0, worth, 1.0)
    price *= statement.run.settings.weight(1)
    problem.cost(ObjectivePart.STORAGE, beyond.at(np.arange(len(nodes))), price)


def limits_of(statement: Statement) -> dict[int, float]:
    """Limit of each place that has one, by number of the node."""
    rows = statement.run.stated["storage_limits"]
    limits = {
        (product, location): float(most)
        for product, location, most in rows.select(
            "product", "location", "max_qty"
        ).iter_rows()
    }
    return {
        number: limits[node.key]
        for number, node in enumerate(statement.nodes)
        if node.key in limits
    }


def _measured(statement: Statement) -> Ints:
    """Decisions whose bucket holds an end of a bucket of the settings."""
    ends = level_buckets(statement.run.stated).ends
    edges = statement.grid.edges
    found: Ints = np.unique(np.searchsorted(edges, ends, side="left") - 1)
    return found[(found >= 0) & (found < statement.grid.size)]


def _given(statement: Statement) -> Floats:
    """Stock of each node whatever is ordered, if demands take it, shape (N, T)."""
    wanted = statement.wanted
    level = statement.flow.cumsum(axis=1)
    first = np.unique(wanted.column_demand, return_index=True)[1]
    for column in first.tolist():
        demand = wanted.column_demand[column]
        at = int(wanted.column_edge[column])
        level[wanted.node[demand], at:] -= wanted.qty[demand]
    return level


def beyond_limits(made: Plan, snapshot: Snapshot) -> float:
    """Sum, over products at places, of the most stock beyond its limit."""
    if snapshot["storage_limits"].is_empty():
        return 0.0
    over = (
        made.positions.join(snapshot["storage_limits"], on=["product", "location"])
        .select("product", "location", over=pl.col("on_hand") - pl.col("max_qty"))
        .group_by("product", "location", maintain_order=True)
        .agg(pl.col("over").max().clip(lower_bound=0.0))
    )
    return float(over["over"].sum())
