r"""Block of level loads: what the hours of a resource lie off their mean has a price.

Sets. g in G: resources that sources or existing orders work on, finite or not; p in P:
buckets of the settings from now to the horizon's end, of shares w_p of its length (sum
1); k in K: buckets of decisions, of which the share s_kp lies in p; x_j: units ordered
by column j, which takes h_jgk hours of g in k; e_gk: hours of existing orders.

    load_gp = sum_k s_kp (e_gk + sum_j h_jgk x_j)          [h]
    total_g = sum_p load_gp                                [h]
    load_gp - w_p total_g = above_gp - below_gp            [h]
    above_gp, below_gp >= 0,   cost  price sum_gp (above_gp + below_gp)  [base currency]

above + below is the least spread >= +-(load - mean) of production levelling, where the
mean is total_g / |P| for buckets of one length; by hours instead of units, so that
products of one resource add up. The linear form of an absolute deviation is that of
Charnes, Cooper and Ferguson (1955, Management Science 1, 138-151).

Switch: the block is empty where `levelling_price` is 0.

A plan pays the same price for `hours_off_mean`. Its work is as late as what takes it
allows, so it is levelled by `resource_levelling`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.master_plan.hours.open_hours import existing_hours
from medhavi.planners.master_plan.statement import ObjectivePart
from medhavi.results.figures.level_load import level_buckets

if TYPE_CHECKING:
    from medhavi.optimize.problem import Block, Floats, Ints, Problem
    from medhavi.planners.master_plan.statement import Statement

LOAD, TOTAL_LOAD = "load", "total load"
ABOVE, BELOW = "above the mean load", "below the mean load"


def add_levelling(problem: Problem, statement: Statement, orders: Block) -> None:
    """Add the load of resources, and its price off the mean."""
    price = statement.parameters.levelling_price
    if not price:
        return
    known = level_buckets(statement.run.snapshot)
    resources = _worked(statement)
    fixed = existing_hours(statement.run, statement.grid, resources)
    share = _shares(statement, known.starts, known.ends)
    size, n = len(known.starts), len(resources)
    given = (fixed @ share).ravel()
    load = problem.columns(LOAD, n * size)
    total = problem.columns(TOTAL_LOAD, n)
    above, below = (problem.columns(name, n * size) for name in (ABOVE, BELOW))
    rows = problem.rows(LOAD, n * size, given, given)
    sums = problem.rows(TOTAL_LOAD, n, 0.0, 0.0)
    means = problem.rows(ABOVE, n * size, 0.0, 0.0)
    every = np.arange(n * size)
    resource, bucket = every // size, every % size
    problem.entries(rows.at(every), load.at(every), 1.0)
    _add_hours(problem, statement, orders, rows, resources, share)
    problem.entries(sums.at(resource), load.at(every), 1.0)
    problem.entries(sums.at(np.arange(n)), total.at(np.arange(n)), -1.0)
    problem.entries(means.at(every), load.at(every), 1.0)
    problem.entries(means.at(every), total.at(resource), -known.shares[bucket])
    for columns, sign in ((above, -1.0), (below, 1.0)):
        problem.entries(means.at(every), columns.at(every), sign)
        problem.cost(ObjectivePart.UNEVEN, columns.at(every), price)


def _worked(statement: Statement) -> tuple[str, ...]:
    """Resources that sources or existing orders work on, sorted."""
    found = {work.resource for plan in statement.plans for work in plan.occupied}
    for order in statement.run.release.orders:
        found |= {name for window in order.timing.steps for name, _ in window.resources}
    return tuple(sorted(found))


def _shares(statement: Statement, starts: Ints, ends: Ints) -> Floats:
    """Share of each bucket of decisions in each of some buckets, shape (T, P)."""
    edges = statement.grid.edges
    begin = np.maximum(edges[:-1, None], starts[None, :])
    end = np.minimum(edges[1:, None], ends[None, :])
    found: Floats = np.maximum(end - begin, 0) / statement.grid.lengths[:, None]
    return found


def _add_hours(
    problem: Problem,
    statement: Statement,
    orders: Block,
    rows: Block,
    resources: tuple[str, ...],
    share: Floats,
) -> None:
    """Add the hours of orders to the rows of loads, resource first."""
    place = {name: number for number, name in enumerate(resources)}
    size = share.shape[1]
    cell, inside = np.nonzero(share)
    first = np.searchsorted(cell, np.arange(len(share) + 1))
    for plan in statement.plans:
        for work in plan.occupied:
            counts = np.diff(first)[work.bucket]
            which = np.repeat(np.arange(len(counts)), counts)
            begin = np.cumsum(counts) - counts
            at = first[work.bucket][which] + np.arange(len(which)) - begin[which]
            problem.entries(
                rows.at(place[work.resource] * size + inside[at]),
                orders.at(plan.first + work.column[which]),
                -work.hours[which] * share[cell[at], inside[at]],
            )
