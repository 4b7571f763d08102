"""The command that tries remedies for the late demands of a plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.command_output import show_table, talk
from medhavi.cli.data.lake_commands import snapshot_of
from medhavi.cli.options import (
    DateFormatOption,
    FileFormat,
    FormatOption,
    JsonOption,
    LakeOption,
    PlanArgument,
    TablesOption,
    existing_plan,
    one_place,
)

if TYPE_CHECKING:
    from medhavi.progress import Progress
    from medhavi.results.plans.plan import Plan


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(
        "remedies", help="Try changes for late demands; tell their date and price."
    )(remedies)


def remedies(
    folder: PlanArgument,
    tables: TablesOption = None,
    lake: LakeOption = None,
    demand: Annotated[
        str | None, typer.Option("--demand", help="Only for this late demand.")
    ] = None,
    tries: Annotated[
        int, typer.Option("--tries", min=1, help="How many plans are made at most.")
    ] = 8,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the plan with its causes noted here."),
    ] = None,
    file_format: FormatOption = FileFormat.PARQUET,
    date_format: DateFormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plan again with one change at a time and list what helps, by money."""
    from medhavi.planners.late_remedies.trying_out import remedies as tried
    from medhavi.results.amounts import full_money
    from medhavi.results.plan_locale import with_local_times
    from medhavi.results.plan_remedy import with_remedies
    from medhavi.results.plans.plan import Plan
    from medhavi.units import from_seconds

    conversation = talk()
    one_place(tables, lake, date_format)
    plan = Plan.from_folder(existing_plan(folder))
    locale = plan.locale
    changes: list[str] = []

    def told(tried: Progress) -> None:
        changes.append(tried.phase)
        conversation.note(f"{tried.done} of at most {tried.total} plans made")

    found = tried(
        snapshot_of(tables, lake, date_format=date_format),
        plan,
        demand,
        tries=tries,
        observe=told,
    )
    if not found and not changes and _all_in_time(plan, demand):
        conversation.say("No planned demand is late or short; no remedy is needed.")
    elif not found:
        told_changes = "; ".join(changes) or "no change applies"
        what = with_local_times(told_changes, locale.told)
        conversation.say(f"No remedy found. Tried without gain: {what}.")
    else:
        show_table(
            ["what", "for", "its date", "saves", "costs", "worse off"],
            [
                (
                    with_local_times(one.text, locale.told),
                    one.demand,
                    "no delivery"
                    if one.tested_date is None
                    else locale.told(from_seconds(one.tested_date)),
                    full_money(one.saved, locale.currency),
                    "not stated"
                    if one.price is None
                    else full_money(one.price, locale.currency),
                    len(one.harms),
                )
                for one in found
            ],
        )
    if out is not None:
        with_remedies(plan, found).to_folder(out, file_format.value)
        conversation.note(f"written to {out}")
    conversation.answer(
        out=out, remedies=[one.as_dict() for one in found], tried=changes
    )


def _all_in_time(plan: Plan, demand: str | None) -> bool:
    """Whether the demand, or every one, is delivered whole by its date."""
    from medhavi.results.plans.lateness import Verdict

    told = plan.fulfilment
    if demand is not None:
        told = told.filter(told["demand"] == demand)
    return set(told["status"]) <= {Verdict.ON_TIME, Verdict.IGNORED}
