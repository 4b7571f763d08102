"""Which campaigns a run has: the rules that its settings choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import polars as pl

from medhavi.errors import NotAvailable
from medhavi.findings import finding
from medhavi.planners.campaigns.campaign_rules import CampaignRules
from medhavi.planners.constrained.placement.campaigning import Campaigning
from medhavi.units import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.findings import Finding
    from medhavi.planners.constrained.orders.jobs import Job
    from medhavi.planners.mrp.netting_state.release import Release
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.providers import Providers
    from medhavi.snapshot import Snapshot

AHEAD = 7 * DAY
"""How far campaigns that save set-up pull work ahead of its need [s]."""


class Surroundings(Protocol):
    """What a run tells its campaigns."""

    @property
    def parameters(self) -> ConstrainedParameters:
        """Settings of the planner."""
        ...

    @property
    def providers(self) -> Providers:
        """Changeovers, cleanings, working time."""
        ...


def campaigning(
    rules: CampaignRules | None,
    release: Release,
    jobs: Sequence[Job],
    surroundings: Surroundings,
) -> Campaigning | None:
    """Campaigns of the orders of a run; `None`: no rule holds."""
    if rules is None:
        return None
    moving = {job.order.index for job in jobs}
    standing = [order for order in release.orders if order.index not in moving]
    saving = surroundings.parameters.campaigns == "propose"
    return Campaigning(
        rules, surroundings.providers, jobs, standing, AHEAD if saving else None
    )


def campaign_rules(
    snapshot: Snapshot, parameters: ConstrainedParameters, findings: list[Finding]
) -> CampaignRules | None:
    """Rules that a run obeys; `None`: it has no campaigns.

    Parameters
    ----------
    snapshot, parameters
        Of the run.
    findings
        Where it is told that rules have no effect.

    Raises
    ------
    NotAvailable
        A rule stands for a resource whose work has no sequence.
    """
    how = parameters.campaigns
    rows = snapshot["campaign_rules"]
    if how == "off":
        if rows.height:
            told = finding("CAM005", table="campaign_rules", value=rows.height)
            findings.append(told)
        return None
    more = snapshot["resource_units"].filter(pl.col("units") > 1)["resource"]
    resources = snapshot["resources"].with_columns(
        row=pl.col("finite")
        & pl.col("bucket").is_null()
        & (pl.col("units") == 1)
        & ~pl.col("resource").is_in(more.to_list())
    )
    in_a_row = set(resources.filter("row")["resource"].to_list())
    odd = sorted(set(rows["resource"].to_list()) - in_a_row)
    if odd:
        message = (
            f"Campaigns need resources of one unit at any time, finite and sequenced by "
            f"the minute; {', '.join(odd)} in campaign_rules is not. Take these rows "
            "out, or plan with campaigns = off."
        )
        asking = snapshot.input_rows("campaign_rules").filter(
            rows["resource"].is_in(odd)
        )
        raise NotAvailable(message, {"campaign_rules": tuple(asking)})
    every: list[str] = []
    if how == "propose":
        matrix = resources.filter(
            pl.col("changeover_matrix").is_not_null() & pl.col("row")
        )
        every = matrix["resource"].to_list()
    made = CampaignRules(rows.iter_rows(named=True), every)
    return made if made.resources else None
