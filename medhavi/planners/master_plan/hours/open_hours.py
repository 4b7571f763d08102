"""Hours of resources by bucket: open, taken by existing orders, agreed beyond."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from medhavi.planners.planned_tables import overtime_hours
from medhavi.units import HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.optimize.problem import Floats
    from medhavi.planners.master_plan.source_times import DecisionGrid
    from medhavi.planners.mrp.run import MrpRun


def free_hours(run: MrpRun, grid: DecisionGrid, resources: Sequence[str]) -> Floats:
    """Open hours that existing orders and holds leave, shape (R, T)."""
    capacity = run.providers.capacity
    edges = grid.edges.tolist()
    found = np.zeros((len(resources), grid.size))
    place = {name: i for i, name in enumerate(resources)}
    for name, number in place.items():
        clock = capacity.resource(name)
        found[number] = [
            clock.available(low, high) / HOUR for low, high in itertools.pairwise(edges)
        ]
    found -= existing_hours(run, grid, resources)
    own = {demand.demand for demand in run.intake.demands}
    for hold in run.providers.reservations.capacity:
        # Orders for a demand that is planned take the hours that it holds.
        number = -1 if hold.demand in own else place.get(hold.subject, -1)
        if number >= 0 and hold.finish > hold.start:
            share = _overlap(grid, hold.start, hold.finish)
            length = (hold.finish - hold.start) / HOUR
            found[number] -= share * (hold.qty / 60.0 / length)
    return np.maximum(found, 0.0)


def existing_hours(run: MrpRun, grid: DecisionGrid, resources: Sequence[str]) -> Floats:
    """Hours that existing orders work, shape (R, T)."""
    found = np.zeros((len(resources), grid.size))
    place = {name: i for i, name in enumerate(resources)}
    for order in run.release.orders:
        for window in order.timing.steps:
            for resource, units in window.resources:
                number = place.get(resource, -1)
                for low, high in window.segments if number >= 0 else ():
                    found[number] += _overlap(grid, low, high) * units
    return found


def agreed_hours(run: MrpRun, grid: DecisionGrid, resources: Sequence[str]) -> Floats:
    """Hours of agreed overtime, shape (R, T)."""
    edges = grid.edges.tolist()
    hours = overtime_hours(run.snapshot, run.providers.capacity, edges)
    none = [0.0] * grid.size
    found = [hours.get(name, none) for name in resources]
    return np.array(found, dtype=float).reshape(len(resources), grid.size)


def _overlap(grid: DecisionGrid, low: int, high: int) -> Floats:
    """Hours of [low, high) in each bucket, shape (T,)."""
    begin = np.maximum(grid.edges[:-1], low)
    end = np.minimum(grid.edges[1:], high)
    found: Floats = np.maximum(end - begin, 0) / HOUR
    return found
