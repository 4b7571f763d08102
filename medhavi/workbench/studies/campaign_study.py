"""Campaigns of a snapshot: two plans, what the campaigns save, how they were kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import UsageError
from medhavi.results.plans.plan import Plan
from medhavi.results.reports.campaign import (
    CampaignAdherence,
    CampaignDifference,
    CampaignProposal,
    campaign_measures,
)
from medhavi.workbench.runs import published_plan, published_plans

if TYPE_CHECKING:
    from pathlib import Path

    from medhavi.findings import Finding
    from medhavi.lakehouse import Lake
    from medhavi.progress import Observe
    from medhavi.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStudy:
    """Two verified plans of one snapshot, and what is told about their campaigns.

    `kpis` are those of the plan with campaigns, KPI-19 to KPI-21 with them: they need
    both plans and stand beside it. `adherence` is empty without a plan that was carried
    out.
    """

    without: Plan
    with_campaigns: Plan
    proposals: tuple[CampaignProposal, ...]
    difference: CampaignDifference
    kpis: pl.DataFrame
    adherence: tuple[CampaignAdherence, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What both plans found, each once."""
        told = (*self.with_campaigns.findings, *self.without.findings)
        return tuple(found for found in dict.fromkeys(told) if found.code != "CAM005")


def study_campaigns(
    snapshot: Snapshot,
    *,
    how: str = "propose",
    carried_out: str | Path | Plan | None = None,
    observe: Observe | None = None,
) -> CampaignStudy:
    """Plan without and with campaigns, in mode constrained, and compare.

    Parameters
    ----------
    snapshot
        All planning tables.
    how
        "rules" or "propose", as `ConstrainedParameters.campaigns`.
    carried_out
        A plan with campaigns, or its folder; its campaigns are compared with the
        progress that the snapshot reports.
    observe
        Told what goes on.

    Raises
    ------
    BadData
        The data has errors.
    UsageError
        `how` is neither.
    """
    from medhavi.workbench.files.tables_run import plan_snapshot

    if how not in {"rules", "propose"}:
        message = f"how ({how}) must be rules or propose."
        raise UsageError(message)
    without, with_campaigns = (
        plan_snapshot(snapshot, "constrained", {"campaigns": name}, observe)
        for name in ("off", how)
    )
    if carried_out is not None and not isinstance(carried_out, Plan):
        carried_out = Plan.from_folder(carried_out)
    return side_by_side(without, with_campaigns, snapshot, carried_out)


def side_by_side(
    without: Plan,
    with_campaigns: Plan,
    snapshot: Snapshot,
    carried_out: Plan | None = None,
) -> CampaignStudy:
    """Compare two plans of one snapshot.

    Parameters
    ----------
    carried_out
        A plan with campaigns that are compared with the progress of orders.
    """
    from medhavi.planners.campaigns.campaign_proposals import (
        adherence,
        compare_campaigns,
        propose,
    )
    from medhavi.results.figures.kpis import kpi_table

    kept = None if carried_out is None else tuple(adherence(carried_out, snapshot))
    difference = compare_campaigns(without, with_campaigns, snapshot)
    figures = campaign_measures(difference, kept)
    return CampaignStudy(
        without=without,
        with_campaigns=with_campaigns,
        proposals=tuple(propose(without, with_campaigns, snapshot)),
        difference=difference,
        kpis=kpi_table(with_campaigns, snapshot, figures),
        adherence=kept or (),
    )


def published_campaigns(lake: Lake) -> Plan | None:
    """Orders and the work of the last published plan that has campaigns.

    Its other tables are empty: what is asked of it is how it was carried out.
    """
    for told in published_plans(lake, "constrained"):
        plan = published_plan(lake, told, ("supplies", "operations"))
        if plan.supplies["campaign"].is_not_null().any():
            return plan
    return None
