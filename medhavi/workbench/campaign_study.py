"""Campaigns of a snapshot: two plans, what the campaigns save, how they were kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.results.campaign_report import (
    CampaignAdherence,
    CampaignDifference,
    CampaignProposal,
)
from medhavi.results.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStudy:
    """Two verified plans of one snapshot, and what is told about their campaigns.

    `adherence` is empty without a plan that was carried out.
    """

    without: Plan
    with_campaigns: Plan
    proposals: tuple[CampaignProposal, ...]
    difference: CampaignDifference
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
    carried_out: str | Path | None = None,
    observe: Callable[[str], object] | None = None,
) -> CampaignStudy:
    """Plan without and with campaigns, in mode constrained, and compare.

    Parameters
    ----------
    snapshot
        All planning tables.
    how
        "rules" or "propose", as `ConstrainedParameters.campaigns`.
    carried_out
        Folder of a plan with campaigns; its campaigns are compared with the progress
        that the snapshot reports.
    observe
        Told what goes on.

    Raises
    ------
    BadData
        The data has errors.
    UsageError
        `how` is neither.
    """
    from medhavi.errors import UsageError
    from medhavi.planners.campaigns.campaign_adherence import adherence
    from medhavi.planners.campaigns.campaign_proposals import (
        compare_campaigns,
        propose,
    )
    from medhavi.workbench.tables_run import plan_snapshot

    if how not in {"rules", "propose"}:
        message = f"how ({how}) must be rules or propose."
        raise UsageError(message)
    plans = [
        plan_snapshot(snapshot, "constrained", {"campaigns": name}, observe)
        for name in ("off", how)
    ]
    without, with_campaigns = plans
    kept: tuple[CampaignAdherence, ...] = ()
    if carried_out is not None:
        kept = tuple(adherence(Plan.from_folder(carried_out), snapshot))
    return CampaignStudy(
        without=without,
        with_campaigns=with_campaigns,
        proposals=tuple(propose(without, with_campaigns, snapshot)),
        difference=compare_campaigns(without, with_campaigns, snapshot),
        adherence=kept,
    )
