"""How planned campaigns were carried out, from the reports of the shop floor (CMP-07).

`supply_order_steps` tells when a step began and ended, on which resource, and what it
gave; the events of supply orders fill it. An order is known by its id: a proposal that
was firmed keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.planners.campaigns.campaign_proposals import campaign_rows
from medhavi.planners.campaigns.setup_changes import (
    Step,
    changes,
    families,
    plan_changes,
)
from medhavi.providers import Providers
from medhavi.results.reports.campaign import CampaignAdherence
from medhavi.units import to_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    import polars as pl

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

BEGUN = ("in_process", "completed")
DAY_SECONDS = 86400.0


class Report(NamedTuple):
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
    plan
        The plan with campaigns.
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
    planned_minutes: dict[tuple[str, str], float] = {}
    for change in plan_changes(plan, providers):
        key = (change.resource, change.order)
        planned_minutes[key] = planned_minutes.get(key, 0.0) + change.minutes
    actual_minutes: dict[tuple[str, str], float] = {}
    for resource, rows in reports.items():
        steps = [Step(row.order, to_seconds(row.start), row.family) for row in rows]
        for change in changes(resource, steps, providers):
            key = (resource, change.order)
            actual_minutes[key] = actual_minutes.get(key, 0.0) + change.minutes
    return [
        _of_one(
            (str(name), group),
            reports,
            planned_minutes=planned_minutes,
            actual_minutes=actual_minutes,
        )
        for (name,), group in campaign_rows(plan).group_by(
            "campaign", maintain_order=True
        )
    ]


def _of_one(
    campaign: tuple[str, pl.DataFrame],
    reports: Mapping[str, Sequence[Report]],
    *,
    planned_minutes: Mapping[tuple[str, str], float],
    actual_minutes: Mapping[tuple[str, str], float],
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
            planned_minutes.get((resource, order), 0.0) for order in sorted(orders)
        ),
        setup_actual_minutes=sum(
            actual_minutes.get((resource, order), 0.0) for order in sorted(orders)
        ),
        assigned=len(orders),
        executed=len(begun),
        in_campaign=_longest_row(sequence, orders),
    )


def _reports(
    plan: Plan, actual: Snapshot, providers: Providers
) -> dict[str, list[Report]]:
    """List what was begun on each resource, in the sequence of its starts."""
    sources: dict[str, str] = dict(
        actual["supply_orders"].select("supply_order", "source").iter_rows()
    )
    sources.update(plan.supplies.select("id", "source").iter_rows())
    known = set(actual["routings"]["routing"].to_list())
    found: dict[str, list[Report]] = {}
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


def _report(row: Mapping[str, Any], of_step: Mapping[int, str | None]) -> Report:
    done = row["status"] == "completed"
    return Report(
        row["supply_order"],
        row["start"],
        row["finish"] if done else None,
        row["qty_done"] or 0.0,
        done,
        of_step.get(row["step"]),
    )


def _longest_row(sequence: Sequence[Report], orders: set[str]) -> int:
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
