"""Campaigns as proposals: changes, savings, and how they were kept (CMP-07).

`supply_order_steps` tells when a step began and ended, on which resource, and what it
gave; the events of supply orders fill it. An order is known by its id: a proposal that
was firmed keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi.providers import Providers
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.plans.lateness import Verdict, outcomes, tally
from medhavi.results.reports.campaign import (
    CampaignAdherence,
    CampaignDifference,
    CampaignFigures,
    CampaignProposal,
)
from medhavi.units import HOUR, MINUTE, to_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


class CampaignStep(NamedTuple):
    """A step of an order on a resource: order, start [UTC seconds], family."""

    order: str
    start: int
    family: str | None


class FamilyChange(NamedTuple):
    """A change of families before an order.

    Parameters
    ----------
    resource, order
        Where, and before which order.
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


def steps_of(plan: Plan, providers: Providers) -> dict[str, list[CampaignStep]]:
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
    found: dict[str, list[CampaignStep]] = {}
    for row in rows.iter_rows(named=True):
        source = row["source"]
        if source not in known:
            known[source] = families(providers, source)
        step = CampaignStep(row["supply"], row["start"], known[source].get(row["step"]))
        found.setdefault(row["resource"], []).append(step)
    return found


def changes(
    resource: str, steps: Iterable[CampaignStep], providers: Providers
) -> list[FamilyChange]:
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
                FamilyChange(
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


def plan_changes(plan: Plan, providers: Providers) -> list[FamilyChange]:
    """List the changes of all resources of a plan."""
    return [
        change
        for resource, steps in steps_of(plan, providers).items()
        for change in changes(resource, steps, providers)
    ]


NOTHING = (0.0, 0.0)
BETWEEN = "; "
"""Parts the names of several campaigns of one order."""


def campaign_rows(plan: Plan) -> pl.DataFrame:
    """List the orders of the campaigns of a plan.

    Returns
    -------
    polars.DataFrame
        campaign, resource, family, order, qty, start, finish: a row per order and
        campaign, by resource, start and order. Start and finish are those of its work
        on the resource.
    """
    named = (
        plan.supplies.filter(
            pl.col("campaign").is_not_null() & pl.col("order_qty").is_not_null()
        )
        .select(
            pl.col("id").alias("order"),
            "qty",
            pl.col("campaign").str.split(BETWEEN),
        )
        .explode("campaign")
        .with_columns(
            resource=pl.col("campaign").str.split("|").list.first(),
            family=pl.col("campaign")
            .str.split("|")
            .list.slice(1)
            .list.head(pl.col("campaign").str.split("|").list.len() - 2)
            .list.join("|"),
        )
    )
    work = plan.operations.group_by(pl.col("supply").alias("order"), "resource").agg(
        pl.col("start").min(), pl.col("finish").max()
    )
    return (
        named.join(work, on=["order", "resource"])
        .select("campaign", "resource", "family", "order", "qty", "start", "finish")
        .sort("resource", "start", "order")
    )


def propose(base: Plan, proposed: Plan, snapshot: Snapshot) -> list[CampaignProposal]:
    """Campaigns, each with its saving.

    Parameters
    ----------
    base
        Plan without campaigns.
    proposed
        Plan with campaigns of the same snapshot.
    snapshot
        What both were made from.

    Returns
    -------
    list of CampaignProposal
        The largest saving first. Changes that go into no campaign are in no proposal;
        those of all proposals and these sum to the changes of the plan.
    """
    providers = Providers(snapshot)
    before = _by_order(plan_changes(base, providers))
    after = _by_order(plan_changes(proposed, providers))
    served = _served(proposed)
    delays = _delays(base, proposed)
    ends = dict(base.supplies.select("id", "finish").iter_rows())
    now = dict(proposed.supplies.select("id", "finish").iter_rows())
    found = []
    for (name,), group in campaign_rows(proposed).group_by(
        "campaign", maintain_order=True
    ):
        orders = tuple(group["order"].to_list())
        resource = group["resource"][0]
        keys = [(resource, order) for order in orders]
        demands = sorted({d for order in orders for d in served.get(order, ())})
        hours = sum(delays.get(demand, NOTHING)[0] for demand in demands)
        money = sum(delays.get(demand, NOTHING)[1] for demand in demands)
        found.append(
            CampaignProposal(
                campaign=str(name),
                resource=resource,
                family=group["family"][0],
                orders=orders,
                qty=float(group["qty"].sum()),
                start=min(group["start"].to_list()),
                finish=max(group["finish"].to_list()),
                setup_before_minutes=sum(before.get(key, NOTHING)[0] for key in keys),
                setup_minutes=sum(after.get(key, NOTHING)[0] for key in keys),
                saved_money=sum(
                    before.get(key, NOTHING)[1] - after.get(key, NOTHING)[1]
                    for key in keys
                ),
                ahead_hours=sum(
                    max(0.0, (ends[order] - now[order]).total_seconds() / 3600)
                    for order in orders
                    if order in ends
                ),
                lateness_hours=hours,
                lateness_money=money,
            )
        )
    return sorted(found, key=lambda p: (-p.saved_minutes, p.campaign))


def compare_campaigns(
    base: Plan, proposed: Plan, snapshot: Snapshot
) -> CampaignDifference:
    """Put a plan without campaigns and one with them side by side (CMP-10)."""
    return CampaignDifference(
        without=figures(base, snapshot), with_campaigns=figures(proposed, snapshot)
    )


def figures(plan: Plan, snapshot: Snapshot) -> CampaignFigures:
    """What a plan has of set-up and lateness."""
    found = plan_changes(plan, Providers(snapshot))
    counts = tally(plan)
    card = scorecard(plan, snapshot)
    return CampaignFigures(
        setups=len(found),
        setup_minutes=sum(change.minutes for change in found),
        setup_money=sum(change.money for change in found),
        late=counts.by_verdict[Verdict.LATE] + counts.by_verdict[Verdict.PAST_DUE],
        unserved=counts.by_verdict[Verdict.SHORT]
        + counts.by_verdict[Verdict.UNPLANNED],
        lateness_hours=counts.late_hours,
        lateness_money=card.lateness,
        inventory=card.inventory,
    )


def _by_order(found: list[FamilyChange]) -> dict[tuple[str, str], tuple[float, float]]:
    sums: dict[tuple[str, str], tuple[float, float]] = {}
    for change in found:
        key = (change.resource, change.order)
        minutes, money = sums.get(key, NOTHING)
        sums[key] = minutes + change.minutes, money + change.money
    return sums


def _served(plan: Plan) -> dict[str, set[str]]:
    """Demands that each order serves, at any level."""
    found: dict[str, set[str]] = {}
    for supply, demand in plan.pegging.select("supply", "demand").iter_rows():
        found.setdefault(supply, set()).add(demand)
    return found


def _delays(base: Plan, proposed: Plan) -> dict[str, tuple[float, float]]:
    """Delay of each demand [h], and its cost."""
    before = _lateness(base)
    found = {}
    for demand, (hours, money) in _lateness(proposed).items():
        old_hours, old_money = before.get(demand, NOTHING)
        found[demand] = hours - old_hours, money - old_money
    return found


def _lateness(plan: Plan) -> dict[str, tuple[float, float]]:
    rows = outcomes(plan).select("demand", "lateness_h", "money")
    return {demand: (hours, cost) for demand, hours, cost in rows.iter_rows()}


BEGUN = ("in_process", "completed")
DAY_SECONDS = 86400.0


class ShopFloorReport(NamedTuple):
    """What the shop floor says of an order on a resource."""

    order: str
    start: dt.datetime
    finish: dt.datetime | None
    qty: float
    done: bool
    family: str | None


def adherence(plan: Plan, actual: Snapshot) -> list[CampaignAdherence]:
    """Compare the campaigns of a plan with what was done.

    Parameters
    ----------
    actual
        Data of a later moment: orders with the progress of their steps.

    Returns
    -------
    list of CampaignAdherence
        By resource and planned start. Start, end and quantity are those of the orders
        on the resource of the campaign.
    """
    providers = Providers(actual)
    reports = _reports(plan, actual, providers)
    planned = _by_order(plan_changes(plan, providers))
    done: list[FamilyChange] = []
    for resource, rows in reports.items():
        steps = [
            CampaignStep(row.order, to_seconds(row.start), row.family) for row in rows
        ]
        done += changes(resource, steps, providers)
    worked = _by_order(done)
    return [
        _of_one((str(name), group), reports, planned=planned, worked=worked)
        for (name,), group in campaign_rows(plan).group_by(
            "campaign", maintain_order=True
        )
    ]


def _of_one(
    campaign: tuple[str, pl.DataFrame],
    reports: Mapping[str, Sequence[ShopFloorReport]],
    *,
    planned: Mapping[tuple[str, str], tuple[float, float]],
    worked: Mapping[tuple[str, str], tuple[float, float]],
) -> CampaignAdherence:
    name, group = campaign
    resource = group["resource"][0]
    orders = set(group["order"].to_list())
    sequence = list(reports.get(resource, ()))
    own = [row for row in sequence if row.order in orders]
    begun = {row.order for row in own}
    ends = [row.finish for row in own if row.done and row.finish is not None]
    through = len({row.order for row in own if row.done}) == len(orders)
    start = min((row.start for row in own), default=None)
    finish = max(ends) if through and ends else None
    planned_start, planned_finish = (
        min(group["start"].to_list()),
        max(group["finish"].to_list()),
    )
    return CampaignAdherence(
        campaign=name,
        resource=resource,
        planned_start=planned_start,
        planned_finish=planned_finish,
        actual_start=start,
        actual_finish=finish,
        start_days=_days(planned_start, start),
        finish_days=_days(planned_finish, finish),
        qty_planned=float(group["qty"].sum()),
        qty_actual=sum(row.qty for row in own),
        setup_planned_minutes=sum(
            planned.get((resource, order), NOTHING)[0] for order in sorted(orders)
        ),
        setup_actual_minutes=sum(
            worked.get((resource, order), NOTHING)[0] for order in sorted(orders)
        ),
        assigned=len(orders),
        executed=len(begun),
        in_campaign=_longest_row(sequence, orders),
    )


def _reports(
    plan: Plan, actual: Snapshot, providers: Providers
) -> dict[str, list[ShopFloorReport]]:
    """List what was begun on each resource, in the sequence of its starts."""
    sources: dict[str, str] = dict(
        actual["supply_orders"].select("supply_order", "source").iter_rows()
    )
    sources.update(plan.supplies.select("id", "source").iter_rows())
    known = set(actual["routings"]["routing"].to_list())
    found: dict[str, list[ShopFloorReport]] = {}
    for row in actual["supply_order_steps"].iter_rows(named=True):
        if row["status"] not in BEGUN or row["start"] is None or not row["resource"]:
            continue
        routing = sources.get(row["supply_order"])
        of_step: dict[int, str | None] = {}
        if routing is not None and routing in known:
            of_step = families(providers, routing)
        found.setdefault(row["resource"], []).append(_report(row, of_step))
    for rows in found.values():
        rows.sort(key=lambda report: (report.start, report.order))
    return found


def _report(
    row: Mapping[str, Any], of_step: Mapping[int, str | None]
) -> ShopFloorReport:
    done = row["status"] == "completed"
    return ShopFloorReport(
        row["supply_order"],
        row["start"],
        row["finish"] if done else None,
        row["qty_done"] or 0.0,
        done,
        of_step.get(row["step"]),
    )


def _longest_row(sequence: Sequence[ShopFloorReport], orders: set[str]) -> int:
    """Count the orders in the longest row that nothing of another kind interrupts."""
    longest = 0
    row: set[str] = set()
    for report in sequence:
        if report.order in orders:
            row.add(report.order)
            longest = max(longest, len(row))
        else:
            row = set()
    return longest


def _days(planned: dt.datetime, actual: dt.datetime | None) -> float | None:
    if actual is None:
        return None
    return (actual - planned).total_seconds() / DAY_SECONDS
