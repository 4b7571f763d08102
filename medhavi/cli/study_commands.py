"""`medhavi study`, `medhavi hindsight`, `medhavi cycle`, `medhavi campaigns`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.command_output import CommandOutput, show_table, talk
from medhavi.cli.lake_commands import TableSource, moments, open_workbench
from medhavi.cli.options import (
    AsOfOption,
    DateFormatOption,
    FileFormat,
    FormatOption,
    KnownAtOption,
    LakeOption,
    StoreOption,
    StrictOption,
    existing_folder,
    existing_plan,
)
from medhavi.results.amounts import duration, full_money, number, percent
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.reports.campaign import (
        CampaignAdherence,
        CampaignDifference,
        CampaignProposal,
    )
    from medhavi.snapshot import Snapshot


StudyFile = Annotated[Path, typer.Argument(help="Study file (TOML).")]
CacheOption = Annotated[
    Path | None,
    typer.Option("--cache", help="Folder of finished runs. Default: studies/cache."),
]


def run(
    file: StudyFile,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder to write. Default: studies/NAME."),
    ] = None,
    cache: CacheOption = None,
    executor: Annotated[
        str | None,
        typer.Option("--executor", help="serial, processes or dask://host:port."),
    ] = None,
    track: Annotated[
        bool,
        typer.Option("--track/--no-track", help="Log new runs in the MLflow store."),
    ] = True,
    file_format: FormatOption = FileFormat.PARQUET,
    date_format: DateFormatOption = None,
) -> None:
    """Run a study; finished runs are not repeated."""
    from medhavi.workbench.studies.hindsight import asks_hindsight
    from medhavi.workbench.studies.studies import (
        run_study,
        tracking_folder,
        write_report,
    )

    if asks_hindsight(file):
        _hindsight(file, out, cache, executor, file_format)
        return
    conversation = talk()
    result = run_study(
        file,
        cache=cache,
        executor=executor,
        track=tracking_folder(file) if track else None,
        observe=conversation.progress,
        date_format=date_format,
    )
    place = out or Path("studies") / result.study.name
    write_report(result, place, str(file_format))
    figures = result.report.table()
    hidden = [
        name
        for name in ("point", "planner", "seed")
        if figures[name].n_unique() == 1 and len(figures) > 1
    ]
    shown = figures.drop(*hidden).with_columns(figures["run"].str.head(8))
    show_table(shown.columns, shown.rows())
    for row in result.report.runs.iter_rows(named=True):
        if row["problem"]:
            conversation.note(f"{row['scenario']}: {row['problem'].splitlines()[0]}")
    conversation.say(say("report_opens_without_a", place / "report.html"))
    conversation.answer(
        study=result.report.as_dict(),
        out=place,
        computed=result.computed,
        reused=result.reused,
        runs=result.report.runs.to_dicts(),
        figures=result.report.figures.to_dicts(),
    )


def _hindsight(
    file: Path,
    out: Path | None,
    cache: Path | None,
    executor: str | None,
    file_format: FileFormat,
) -> None:
    """Ask past days again; print how good the answers were."""
    from medhavi.workbench.studies.hindsight import run_hindsight, write_hindsight
    from medhavi.workbench.studies.studies import CACHE

    conversation = talk()
    result = run_hindsight(
        file, cache=cache or CACHE, executor=executor, observe=conversation.progress
    )
    place = out or Path("studies") / result.study.name
    write_hindsight(result, place, str(file_format))
    conversation.say(str(result.report))
    conversation.say(say("report_opens_without_a", place / "report.html"))
    conversation.answer(
        hindsight=result.report.as_dict(),
        out=place,
        days=result.days,
        computed=result.computed,
        reused=result.reused,
        groups=result.report.groups.to_dicts(),
        bins=result.report.bins.to_dicts(),
    )


def compare(
    first: Annotated[str, typer.Argument(help="Run (begin of its id).")],
    second: Annotated[str, typer.Argument(help="The other run.")],
    cache: CacheOption = None,
) -> None:
    """Compare the plans of two runs."""
    from medhavi.results.difference import compare as difference
    from medhavi.workbench.studies.studies import plan_of_run

    conversation = talk()
    delta = difference(plan_of_run(first, cache), plan_of_run(second, cache))
    conversation.say(str(delta))
    frames = delta.to_frames()
    conversation.answer(
        equal=delta.is_empty,
        stability=delta.stability,
        money=frames.pop("money").to_dicts(),
        changes={name: frame.to_dicts() for name, frame in frames.items()},
    )


def report(
    folder: Annotated[
        Path, typer.Argument(help="Folder of a study (study run --out).")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="File. Default: report.html there.")
    ] = None,
) -> None:
    """Write the page of a study that was run."""
    from medhavi.results.reports.study import StudyReport
    from medhavi.workbench.studies.studies import write_page

    conversation = talk()
    page = out or folder / "report.html"
    write_page(StudyReport.from_folder(existing_folder(folder, "STUDY")), page)
    conversation.say(str(page))
    conversation.answer(out=page)


def cycle(
    lake: LakeOption = None,
    store: StoreOption = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Cycle file. Default: cycle.toml by the lake."),
    ] = None,
    strict: StrictOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
) -> None:
    """Run the planning cycle: mirror, estimates, plans, stock.

    With --as-of or --known-at it plans that moment again: nothing is mirrored, no
    estimates are made, and plans are kept as proposals apart from those of today.
    """
    conversation = talk()
    report = open_workbench(lake, store).cycle(
        config,
        observe=conversation.progress,
        tell=lambda step: conversation.say(str(step)),
        strict=bool(strict),
        **moments(as_of, known_at, lake)._asdict(),
    )
    if report.resumed is not None:
        conversation.note(say("cycle_was_cut_short", report.resumed))
    conversation.answer(**report.as_dict())
    if report.failure is not None:
        raise report.failure


class CampaignPlanOptions(StrEnum):
    """What a plan with campaigns does."""

    RULES = "rules"
    PROPOSE = "propose"


def campaigns(
    place: TableSource,
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
) -> None:
    """Propose campaigns; compare plans with and without them."""
    from medhavi.workbench.files.tables_run import write_plan
    from medhavi.workbench.studies.campaign_study import study_campaigns

    conversation = talk()
    folder = None if plan is None else existing_plan(plan)
    snapshot = place.snapshot()
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
        conversation.say(say("the_plan_with_campaigns", out))
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
        conversation.say(say("no_campaigns_no_rule"))
        return
    from medhavi.results.amounts import PlanLocale

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
    from medhavi.results.amounts import currency_of

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
            say("late_in_all"),
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
    saved = (
        say("no_set_up_to") if share is None else f"set-up reduction {percent(share)}"
    )
    conversation.say(
        say(
            "lateness_changes_by_saved",
            saved,
            duration(found.lateness_hours),
            full_money(found.saved_money, money),
        )
    )


def _adherence(found: Sequence[CampaignAdherence], conversation: CommandOutput) -> None:
    if not found:
        conversation.say(say("the_plan_has_no"))
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
