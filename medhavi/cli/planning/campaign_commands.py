"""The command of campaigns: proposals, adherence, plans with and without them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.command_output import CommandOutput, show_table, talk
from medhavi.cli.data.lake_commands import snapshot_of
from medhavi.cli.options import (
    DateFormatOption,
    JsonOption,
    LakeOption,
    TablesOption,
    existing_plan,
    one_place,
)
from medhavi.results.amounts import duration, full_money, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.reports.campaign import (
        CampaignAdherence,
        CampaignDifference,
        CampaignProposal,
    )
    from medhavi.snapshot import Snapshot


class CampaignPlanOptions(StrEnum):
    """What a plan with campaigns does."""

    RULES = "rules"
    PROPOSE = "propose"


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(
        "campaigns", help="Propose campaigns; compare plans with and without them."
    )(campaigns)


def campaigns(
    tables: TablesOption = None,
    lake: LakeOption = None,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", help="A plan with campaigns: how was it carried out?"),
    ] = None,
    how: Annotated[
        CampaignPlanOptions,
        typer.Option("--how", help="Obey the rules, or save set-up as well."),
    ] = CampaignPlanOptions.PROPOSE,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the plan with campaigns."),
    ] = None,
    date_format: DateFormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plan without and with campaigns, verify both, and say what campaigns save."""
    from medhavi.workbench.files.tables_run import write_plan
    from medhavi.workbench.studies.campaign_study import study_campaigns

    conversation = talk()
    one_place(tables, lake, date_format)
    folder = None if plan is None else existing_plan(plan)
    snapshot = snapshot_of(tables, lake, date_format=date_format)
    found = study_campaigns(
        snapshot, how=str(how), carried_out=folder, observe=conversation.progress
    )
    conversation.report(found.findings)
    _proposals(found.proposals, snapshot, conversation)
    _difference(found.difference, snapshot, conversation)
    if folder is not None:
        _adherence(found.adherence, conversation)
    figures = found.with_campaigns.replace(kpis=found.kpis)
    if out is not None:
        write_plan(figures, out)
        conversation.say(f"The plan with campaigns is in {out}.")
    named = {
        name: row
        for name, row in figures.kpis_json().items()
        if name.partition(".")[0] in {"KPI-19", "KPI-20", "KPI-21"}
    }
    conversation.answer(
        kpis=named,
        proposals=[one.as_dict() for one in found.proposals],
        difference=found.difference.as_dict(),
        adherence=[one.as_dict() for one in found.adherence],
    )


def _proposals(
    found: Sequence[CampaignProposal], snapshot: Snapshot, conversation: CommandOutput
) -> None:
    if not found:
        conversation.say("No campaigns: no rule and no changeover matrix asks for any.")
        return
    from medhavi.results.plan_locale import PlanLocale

    locale = PlanLocale.of(snapshot)
    places = dict(snapshot["resources"].select("resource", "location").iter_rows())
    show_table(
        ("campaign", "orders", "qty", "start", "saved time", "saved money", "late"),
        [
            (
                one.campaign,
                len(one.orders),
                number(one.qty),
                locale.told(one.start, places.get(one.resource)),
                duration(one.saved_minutes / 60),
                full_money(one.saved_money, locale.currency),
                duration(one.lateness_hours),
            )
            for one in found
        ],
    )


def _difference(
    found: CampaignDifference, snapshot: Snapshot, conversation: CommandOutput
) -> None:
    from medhavi.results.plan_locale import currency_of

    money = currency_of(snapshot)
    before, after = found.without, found.with_campaigns
    show_table(
        (
            "plan",
            "changes",
            "set-up time",
            "set-up money",
            "late",
            "unserved",
            "late in all",
        ),
        [
            (
                name,
                one.setups,
                duration(one.setup_minutes / 60),
                full_money(one.setup_money, money),
                one.late,
                one.unserved,
                duration(one.lateness_hours),
            )
            for name, one in (("without", before), ("with", after))
        ],
    )
    share = found.setup_reduction
    saved = "no set-up to save" if share is None else f"set-up reduction {share:.1%}"
    conversation.say(
        f"{saved}, lateness changes by {duration(found.lateness_hours)}, "
        f"saved in all {full_money(found.saved_money, money)}"
    )


def _adherence(found: Sequence[CampaignAdherence], conversation: CommandOutput) -> None:
    if not found:
        conversation.say("The plan has no campaigns.")
        return
    show_table(
        ("campaign", "start days", "end days", "qty", "set-up min", "in campaign"),
        [
            (
                one.campaign,
                _signed(one.start_days),
                _signed(one.finish_days),
                f"{one.qty_variance:+,.10g}",
                f"{one.setup_actual_minutes - one.setup_planned_minutes:+,.0f}",
                f"{one.in_campaign} of {one.assigned}",
            )
            for one in found
        ],
    )


def _signed(value: float | None) -> str:
    return "not yet" if value is None else f"{value:+.1f}"
