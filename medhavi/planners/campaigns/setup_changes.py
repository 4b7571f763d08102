"""The changes of families in a plan: how long, how much money, into which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.units import HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.providers import Providers
    from medhavi.results.plans.plan import Plan


class Step(NamedTuple):
    """A step of an order on a resource: order, start [UTC seconds], family."""

    order: str
    start: int
    family: str | None


class Change(NamedTuple):
    """A change of families before an order.

    Parameters
    ----------
    resource, order
        Where, and before which order.
    before, after
        Families.
    minutes, money
        Time; cost of the change and of the resource meanwhile [base currency].
    cleaning
        Whether it counts as a cleaning.
    """

    resource: str
    order: str
    before: str
    after: str
    minutes: float
    money: float
    cleaning: bool


def families(providers: Providers, routing: str) -> dict[int, str | None]:
    """Set-up family of each step of a routing."""
    tasks = providers.capacity.compiled(routing).tasks
    return {task.node.step: task.node.family for task in tasks}


def steps_of(plan: Plan, providers: Providers) -> dict[str, list[Step]]:
    """List the steps of make orders by resource, in order of their start."""
    made = plan.supplies.filter(
        (pl.col("kind") == "make") & pl.col("order_qty").is_not_null()
    ).select(pl.col("id").alias("supply"), "source")
    rows = (
        plan.operations.filter(pl.col("resource") != "")
        .group_by("supply", "step", "resource")
        .agg(pl.col("start").min().dt.epoch("s"))
        .join(made, on="supply")
        .filter(pl.col("source").is_not_null())
        .sort("resource", "start", "supply", "step")
    )
    known: dict[str, dict[int, str | None]] = {}
    found: dict[str, list[Step]] = {}
    for row in rows.iter_rows(named=True):
        source = row["source"]
        if source not in known:
            known[source] = families(providers, source)
        step = Step(row["supply"], row["start"], known[source].get(row["step"]))
        found.setdefault(row["resource"], []).append(step)
    return found


def changes(resource: str, steps: Iterable[Step], providers: Providers) -> list[Change]:
    """List the changes of a resource through its steps; idle time changes nothing.

    Parameters
    ----------
    resource
        Its id; without a matrix it has no changes.
    steps
        In order of their start.
    providers
        Matrix, present set-up, cost of the resource.
    """
    clock = providers.capacity.resource(resource)
    matrix = clock.matrix
    if matrix is None:
        return []
    known = providers.changeovers
    state = known.states.get(resource)
    found = []
    for step in steps:
        if step.family is None:
            continue
        if state is not None and state != step.family:
            seconds = known.seconds(matrix, state, step.family)
            money = known.cost(matrix, state, step.family)
            found.append(
                Change(
                    resource,
                    step.order,
                    state,
                    step.family,
                    seconds / MINUTE,
                    money + seconds / HOUR * clock.cost_per_hour,
                    known.cleans(matrix, state, step.family),
                )
            )
        state = step.family
    return found


def plan_changes(plan: Plan, providers: Providers) -> list[Change]:
    """List the changes of all resources of a plan."""
    return [
        change
        for resource, steps in steps_of(plan, providers).items()
        for change in changes(resource, steps, providers)
    ]
