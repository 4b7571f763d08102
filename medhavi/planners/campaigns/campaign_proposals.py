"""Campaigns as proposals: what each saves against a plan without them, and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.planners.campaigns.setup_changes import plan_changes
from medhavi.providers import Providers
from medhavi.results.figures.scorecard import scorecard
from medhavi.results.plans.lateness import Verdict, tally, verdicts
from medhavi.results.reports.campaign import (
    CampaignDifference,
    CampaignFigures,
    CampaignProposal,
)

if TYPE_CHECKING:
    from medhavi.planners.campaigns.setup_changes import Change
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

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


def _by_order(found: list[Change]) -> dict[tuple[str, str], tuple[float, float]]:
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
    money = plan.causes.group_by("demand").agg(pl.col("money").fill_null(0.0).sum())
    rows = (
        verdicts(plan)
        .join(money, on="demand", how="left")
        .select(
            "demand",
            pl.col("lateness_h").fill_null(0.0),
            pl.col("money").fill_null(0.0),
        )
    )
    return {demand: (hours, cost) for demand, hours, cost in rows.iter_rows()}
