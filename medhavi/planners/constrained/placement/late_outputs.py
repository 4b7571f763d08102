"""What orders give at the dates they were placed at, and did not where netted.

A dated output of a recipe may begin between the two. It is free supply then: nothing
was netted with it, and no order waits for it or is kept from its place by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.mrp.netting_state.ways import Way

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.planners.constrained.netting.dating import FeasibleRelease
    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.mrp.netting_state.state import Order
    from medhavi.providers.material.recipes import Recipe


def give_late_outputs(release: FeasibleRelease, jobs: Iterable[Job]) -> None:
    """Register the outputs that new orders gained by where they were placed.

    Those that exist keep what they are planned to give (rule 3). Where an output of a
    product holds already, the order stays inside its validity (`jobs.Out`).

    Parameters
    ----------
    release
        Register of the run, changed in place.
    jobs
        Orders of the run where they stay.
    """
    for job in jobs:
        order = job.order
        if not job.placed or order.existing is not None or order.recipe is None:
            continue
        if order.source is not None and _is_dated(order.recipe):
            _give(release, order, Way(order.source, release.model))


def _is_dated(recipe: Recipe) -> bool:
    return recipe.main.dated or any(gain.dated for gain in recipe.others.values())


def _give(release: FeasibleRelease, order: Order, way: Way) -> None:
    known = {id(unit.node) for unit in order.units}
    for node, gain, _ in way.yields:
        if not gain.dated or id(node) in known:
            continue
        at = release.output_instant(order, gain)
        qty = gain.good_steps(order.steps, at)
        if qty <= 0:
            continue
        if node.key == order.node:
            order.qty = qty
        unit = release.unit(node, qty, at, at, "PROD", order)
        node.units.append(unit)
        if way.provides:
            unit.traits = way.traits(node)
