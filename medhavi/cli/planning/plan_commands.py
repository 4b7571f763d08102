"""Commands around plans: plan, explain, compare, export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.boundary import interruption, leave_if_cancelled
from medhavi.cli.command_output import show_figures, show_table, talk
from medhavi.cli.lake_commands import TableSource, moments, open_workbench
from medhavi.cli.options import (
    AsOfOption,
    BudgetsOption,
    DateFormatOption,
    FileFormat,
    FolderOption,
    FormatOption,
    KnownAtOption,
    LakeMoment,
    LakeOption,
    PlanArgument,
    PlanMode,
    ResumeOption,
    SettingsOption,
    StoreOption,
    StrictOption,
    TablesOption,
    VerboseOption,
    budgets_of,
    existing_folder,
    existing_plan,
    existing_tables,
    refuse_other_facts,
    refuse_place,
    settings_file,
)
from medhavi.errors import NotAvailable, UsageError
from medhavi.views.words import say, signed

if TYPE_CHECKING:
    from medhavi.progress import Cancelled, Observe, Progress
    from medhavi.results.plans.plan import Plan
    from medhavi.results.plans.source_choice import SourceChoice
    from medhavi.workbench.files.cache import StepCache


class Effort(StrEnum):
    """How long a plan is looked for."""

    LIGHT = "light"
    STANDARD = "standard"
    FULL = "full"
    INCREMENTAL = "incremental"


class ExportTarget(StrEnum):
    """What a plan is exported to."""

    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"
    HTML = "html"
    PDF = "pdf"


def plan(
    place: TableSource,
    mode: Annotated[
        PlanMode, typer.Option("--mode", help="How to plan.")
    ] = PlanMode.MRP,
    effort: Annotated[
        Effort | None,
        typer.Option(
            "--effort", help="Modes constrained and optimize: how many tries."
        ),
    ] = None,
    settings: SettingsOption = None,
    at_most: BudgetsOption = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", help="Folder of an earlier plan to build upon."),
    ] = None,
    strict: StrictOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    model: Annotated[
        Path | None,
        typer.Option("--write-model", help="Mode optimize: its program, x.mps.gz."),
    ] = None,
    resume: ResumeOption = False,
    out: FolderOption = None,
    file_format: FormatOption = FileFormat.PARQUET,
    verbose: VerboseOption = False,
) -> None:
    """Plan tables or a lake: what to make, buy, move, when.

    The plan is verified and rated, and written whole or not at all. In modes
    constrained and optimize Ctrl-C keeps the best plan so far; a second one ends at
    once. What ended a run of mode optimize, its finished steps are kept for --resume.
    Budgets (--at-most, mode optimize) choose among plans; what cannot hold together
    is told with the least that one of them has to rise.
    """
    from medhavi.results.plans.plan import key_figures
    from medhavi.workbench.files.cache import StepCache
    from medhavi.workbench.files.tables_run import RESULT_NAMES

    conversation = talk()
    _refuse_what_does_not_fit(mode, effort, baseline, model)
    _refuse_to_resume(mode, resume=resume)
    budgets = budgets_of(at_most)
    if budgets and mode is not PlanMode.OPTIMIZE:
        message = f"plan --at-most: mode {mode} has no budgets; add --mode optimize."
        raise UsageError(message)
    tables, lake = place.tables, place.lake
    moment = moments(as_of, known_at, lake, tables)
    refuse_place(out, RESULT_NAMES)
    parameters = settings_file(settings)
    if effort is not None:
        parameters = {**parameters, "effort": str(effort)}
    if budgets:
        parameters = {**parameters, "budgets": budgets}
    if model is not None:
        _write_model(place, moment, parameters, model)
        conversation.note(say("program_written_to", model))
        if parameters.get("budgets") or parameters.get("stages"):
            conversation.note(say("program_without_goals"))
    before = None if baseline is None else _stored(baseline)
    steps = StepCache(resume=resume)
    with _interruptible(mode) as cancelled:
        if tables is not None:
            work = partial(
                _plan_of_tables,
                tables,
                hold=strict is False,
                date_format=place.date_format,
            )
        else:
            work = partial(_plan_of_lake, lake, moment, strict=bool(strict))
        made = work(mode, parameters, before, conversation.progress, cancelled, steps)
    conversation.report(made.findings)
    _tell_of_data(made, tables)
    if out is not None:
        from medhavi.workbench.files.tables_run import write_plan

        write_plan(made, out, str(file_format))
        conversation.note(f"written to {out}")
    steps.end(made.run.status)
    conversation.say(str(made))
    conversation.answer(
        out=out,
        run=made.run.as_dict(),
        fingerprint=made.fingerprint,
        kpis=made.kpis_json(),
        figures={one.key: one.value for one in key_figures(made)},
        rows={name: frame.height for name, frame in made.tables.items()},
        measured=dict(made.measured),
    )
    leave_if_cancelled(made.run.status, say("the_best_plan_so"))


def _tell_of_data(made: Plan, tables: Path | None) -> None:
    """Note warnings about the data, and a plan for which nothing is asked."""
    from medhavi.views.names import count
    from medhavi.workbench.files.tables_run import WARNINGS

    conversation = talk()
    warnings = made.measured.get(WARNINGS)
    if isinstance(warnings, int) and warnings:
        told = count(warnings, "warning")
        conversation.note(say("check_names_warnings", told, tables))
    if made.fulfilment.is_empty():
        conversation.note(say("nothing_asked_for"))


@contextmanager
def _interruptible(mode: PlanMode) -> Iterator[Cancelled | None]:
    """End the improvement of a plan at Ctrl-C instead of discarding the plan."""
    if mode is PlanMode.MRP:
        yield None
        return
    with interruption() as cancelled:
        yield cancelled


def _refuse_what_does_not_fit(
    mode: PlanMode, effort: Effort | None, baseline: Path | None, model: Path | None
) -> None:
    if model is not None and mode is not PlanMode.OPTIMIZE:
        message = (
            f"plan --write-model: mode {mode} has no program; add --mode optimize."
        )
        raise UsageError(message)
    if effort is None:
        return
    if mode is PlanMode.MRP:
        message = f"plan --effort: mode {mode} has one effort."
        raise NotAvailable(message)
    if effort is Effort.INCREMENTAL and baseline is None:
        message = "plan --effort incremental builds on a plan: give --baseline DIR."
        raise UsageError(message)


def _refuse_to_resume(mode: PlanMode, *, resume: bool) -> None:
    if resume and mode is not PlanMode.OPTIMIZE:
        message = f"plan --resume: mode {mode} keeps no steps; add --mode optimize."
        raise UsageError(message)


def _write_model(
    place: TableSource, moment: LakeMoment, parameters: Mapping[str, object], to: Path
) -> None:
    from medhavi.workbench.files.export import write_model

    write_model(place.snapshot(moment), parameters, to)


def _stored(folder: Path) -> Plan:
    from medhavi.results.plans.plan import Plan

    return Plan.from_folder(existing_plan(folder))


def _plan_of_tables(
    place: Path,
    mode: PlanMode,
    parameters: dict[str, object],
    baseline: Plan | None,
    observe: Observe,
    cancelled: Cancelled | None,
    steps: StepCache,
    *,
    hold: bool,
    date_format: str | None,
) -> Plan:
    from medhavi.workbench.files.tables_run import plan_tables

    return plan_tables(
        existing_tables(place),
        mode=str(mode),
        settings=parameters,
        baseline=baseline,
        observe=observe,
        cancelled=cancelled,
        kept=steps,
        hold_bad_rows=hold,
        date_format=date_format,
    )


def _plan_of_lake(
    lake: str | None,
    moment: LakeMoment,
    mode: PlanMode,
    parameters: dict[str, object],
    baseline: Plan | None,
    observe: Observe,
    cancelled: Cancelled | None,
    steps: StepCache,
    *,
    strict: bool,
) -> Plan:
    from medhavi.cli.lake_commands import open_workbench

    workbench = open_workbench(lake)
    return workbench.plan(
        workbench.snapshot(**moment._asdict()) if moment else None,
        mode=str(mode),
        settings=parameters,
        baseline=baseline,
        observe=observe,
        cancelled=cancelled,
        kept=steps,
        strict=strict,
    )


def explain(
    folder: PlanArgument,
    demand: Annotated[str, typer.Option("--demand", help="Which demand.")],
    place: TableSource,
    sources: Annotated[
        bool,
        typer.Option(
            "--sources",
            help="Also why its orders come from where they do and not from another "
            "source; --tables or --lake say what was planned.",
        ),
    ] = False,
) -> None:
    """Print why a demand is served as it is."""
    from dataclasses import asdict

    from medhavi.planners.source_choices import source_choices
    from medhavi.results.plans.plan import Plan

    conversation = talk()
    made = Plan.from_folder(existing_plan(folder))
    explanation = made.explain(demand)
    conversation.say(str(explanation))
    chosen: tuple[SourceChoice, ...] = ()
    if sources:
        snapshot = place.snapshot()
        refuse_other_facts(made, snapshot, folder)
        chosen = source_choices(snapshot, made, demand=demand)
        lines = [str(one) for one in chosen] or [say("no_other_source")]
        conversation.say("\n".join(["", *lines]))
    conversation.answer(
        demand=demand,
        status=explanation.status,
        verdict=str(explanation.verdict),
        due=explanation.due,
        delivered=explanation.delivered,
        lateness_hours=explanation.lateness_hours,
        overdue_hours=explanation.overdue_hours,
        limiter=explanation.limiter,
        total_hours=explanation.total_hours,
        chain=[asdict(link) for link in explanation.chain],
        pegs=explanation.table.to_dicts(),
        sources=[one.as_dict() for one in chosen],
    )


def compare(
    first: Annotated[Path, typer.Argument(help="Folder of a plan.")],
    second: Annotated[Path, typer.Argument(help="Folder of the other plan.")],
) -> None:
    """Print how two plans differ."""
    from medhavi.results.difference import compare as difference
    from medhavi.results.difference import stability_json
    from medhavi.results.plans.plan import Plan

    conversation = talk()
    before = Plan.from_folder(existing_plan(first))
    after = Plan.from_folder(existing_plan(second))
    delta = difference(before, after)
    conversation.say(str(delta))
    figures = stability_json(before, after)
    show_figures(figures)
    frames = delta.to_frames()
    conversation.answer(
        equal=delta.is_empty,
        stability=delta.stability,
        kpis=figures,
        money=frames.pop("money").to_dicts(),
        changes={name: frame.to_dicts() for name, frame in frames.items()},
    )


def export(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of a plan (plan --out), or the word orders or promises."
        ),
    ],
    to: Annotated[ExportTarget, typer.Option("--to", help="Kind of file.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="File, or folder for csv.")
    ] = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            help="csv: texts as they are. Without it an apostrophe stands before each "
            "that a spreadsheet would run as a formula (= + - @).",
        ),
    ] = False,
    since: Annotated[
        int | None,
        typer.Option("--since", help="Decisions: `next` of the last export.", min=0),
    ] = None,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """Write a plan, or orders or promises decided since."""
    from medhavi.cli.planning.orders_commands import DECISIONS, export_decisions
    from medhavi.results.plans.plan import Plan
    from medhavi.workbench.files.export import export_plan

    conversation = talk()
    if str(folder) in DECISIONS and (since is not None or not folder.exists()):
        export_decisions(str(folder), since or 0, str(to), out, (lake, store))
        return
    _refuse_options_of_decisions({"--since": since, "--lake": lake, "--from": store})
    if to is ExportTarget.PDF:
        message = "The PDF of a plan is its meeting pack: medhavi pack --plan PLAN."
        raise UsageError(message)
    if to is ExportTarget.JSON:
        message = "export --to json is for decisions; a plan has xlsx, csv and html."
        raise NotAvailable(message)
    made = Plan.from_folder(existing_plan(folder))
    place = out or folder.with_name(
        f"{folder.resolve().name}-csv"
        if to is ExportTarget.CSV
        else f"{folder.resolve().name}.{to}"
    )
    export_plan(made, place, kind=str(to), raw=raw)
    conversation.say(str(place))
    conversation.answer(out=place, kind=to)


def pack(
    out: Annotated[Path, typer.Option("--out", help="PDF to write.")] = Path(
        "meeting-pack.pdf"
    ),
    plan_folder: Annotated[
        Path | None, typer.Option("--plan", help="Plan; none: the one in force.")
    ] = None,
    mode: Annotated[
        PlanMode, typer.Option("--mode", help="Mode of the plan in force.")
    ] = PlanMode.MRP,
    front_folder: Annotated[
        Path | None, typer.Option("--front", help="Trade-offs to add (pareto --out).")
    ] = None,
    tables: TablesOption = None,
    lake: LakeOption = None,
    date_format: DateFormatOption = None,
) -> None:
    """Write the meeting pack: figures, late demands, capacity, buy list as PDF."""
    from medhavi.results.pareto_front import ParetoFront
    from medhavi.results.plans.plan import Plan
    from medhavi.workbench.files.atomic_write import replaced_file
    from medhavi.workbench.plan_in_force import renewed_plan
    from medhavi.workbench.plan_pack import pack as packed

    conversation = talk()
    source = TableSource(tables=tables, lake=lake, date_format=date_format)
    snapshot = source.snapshot()
    bench = None if tables is not None else open_workbench(lake)
    if plan_folder is None:
        place = None if bench is None else bench.lake
        tell = conversation.progress
        made = renewed_plan(snapshot, mode.value, place, kept=False, observe=tell)
    else:
        made = Plan.from_folder(existing_plan(plan_folder))
        refuse_other_facts(made, snapshot, plan_folder)
    front = None
    if front_folder is not None:
        front = ParetoFront.from_folder(existing_folder(front_folder, "--front"))
    if bench is not None:
        bench.pack(out, made, snapshot=snapshot, front=front)
    else:
        named = "" if tables is None else tables.name
        content = packed(snapshot, made, front=front, source=named)
        with replaced_file(out) as fresh:
            fresh.write_bytes(content)
    conversation.say(str(out))
    conversation.answer(out=out)


def _refuse_options_of_decisions(given: Mapping[str, object]) -> None:
    """Refuse what only decisions have: a plan is written as its folder is.

    Raises
    ------
    UsageError
        One of them is given.
    """
    names = [name for name, value in given.items() if value is not None]
    if names:
        message = (
            f"export PLAN: {' and '.join(names)} can only be given with the word "
            "orders or promises (`medhavi export orders --since 0`). A plan is exported "
            "whole: leave that out, or name orders instead of a folder."
        )
        raise UsageError(message)


def remedies(
    folder: PlanArgument,
    place: TableSource,
    demand: Annotated[
        str | None, typer.Option("--demand", help="Only for this late demand.")
    ] = None,
    tries: Annotated[
        int, typer.Option("--tries", min=1, help="How many changes are tried at most.")
    ] = 60,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the plan with its causes noted here."),
    ] = None,
    file_format: FormatOption = FileFormat.PARQUET,
) -> None:
    """Try changes for late demands; tell their date and price.

    Ctrl-C keeps what was tried; a second one ends at once.
    """
    from medhavi.planners.late_remedies.remedy_trials import remedies as tried
    from medhavi.results.amounts import difference, full_money, with_local_times
    from medhavi.results.plan_remedy import with_remedies
    from medhavi.results.plans.plan import Plan
    from medhavi.units import from_seconds
    from medhavi.workbench.files.tables_run import RESULT_NAMES, write_plan

    conversation = talk()
    refuse_place(out, RESULT_NAMES)
    plan = Plan.from_folder(existing_plan(folder))
    locale = plan.locale
    changes: list[str] = []

    def told(tried: Progress) -> None:
        changes.append(tried.phase)
        conversation.note(say("of_tried", tried.done, tried.total, tried.phase))

    snapshot = place.snapshot()
    with interruption() as cancelled:
        found = tried(
            snapshot,
            plan,
            demand,
            tries=tries,
            observe=told,
            cancelled=cancelled,
        )
        stopped = cancelled()
    changes = list(dict.fromkeys(changes))
    if not found and not changes and _all_in_time(plan, demand):
        conversation.say(say("no_planned_demand_is"))
    elif stopped and not changes:
        conversation.say(say("stopped_before_a_change"))
    elif not found:
        told_changes = "; ".join(changes) or say("no_change_applies")
        what = with_local_times(told_changes, locale.told)
        conversation.say(say("no_remedy_found_tried", what))
    else:
        in_full = partial(full_money, currency=locale.currency)
        show_table(
            ["what", "late", "for", "its date", "saves", "costs", "worse off"],
            [
                (
                    with_local_times(one.text, locale.told),
                    difference(one.more_late, "count"),
                    one.demand,
                    "no delivery"
                    if one.tested_date is None
                    else locale.told(from_seconds(one.tested_date)),
                    signed(one.saved, in_full, "costs_amount"),
                    signed(one.price, in_full, "saves_amount")
                    if one.priced
                    else say(
                        "and_a_price_not_stated",
                        signed(one.price, in_full, "saves_amount"),
                    ),
                    len(one.harms),
                )
                for one in found
            ],
        )
    if out is not None:
        write_plan(with_remedies(plan, found), out, file_format.value)
        conversation.note(f"written to {out}")
    conversation.answer(
        out=out, remedies=[one.as_dict() for one in found], tried=changes
    )
    leave_if_cancelled("cancelled" if stopped else "", say("what_was_tried_so"))


def _all_in_time(plan: Plan, demand: str | None) -> bool:
    """Whether the demand, or every one, is delivered whole by its date."""
    from medhavi.results.plans.lateness import Verdict

    told = plan.fulfilment
    if demand is not None:
        told = told.filter(told["demand"] == demand)
    return set(told["status"]) <= {Verdict.ON_TIME, Verdict.IGNORED}
