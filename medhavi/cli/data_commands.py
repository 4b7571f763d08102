"""Commands on tables, facts of the log and predictors: check, mirror, void, train."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medhavi.cli.boundary import summary
from medhavi.cli.command_output import show_table, talk
from medhavi.cli.lake_commands import TableSource, moments, open_workbench
from medhavi.cli.options import (
    ApproverOption,
    AsOfOption,
    DateFormatOption,
    FileFormat,
    FormatOption,
    KnownAtOption,
    LakeOption,
    OutOption,
    ReasonOption,
    Scale,
    ScaleOption,
    StoreOption,
    TablesOption,
    VerboseOption,
    instant,
)
from medhavi.errors import UsageError
from medhavi.results.amounts import percent
from medhavi.views.words import say

if TYPE_CHECKING:
    import datetime as dt

    from medhavi.predict.coverage import PredictorReport
    from medhavi.predict.versions import PredictorVersion
    from medhavi.snapshot import Snapshot
    from medhavi.workbench import Workbench
    from medhavi.workbench.training.training import TrainingResult


_MOST_SHOWN = 100
"""Doubtful values, or pairs, that a command prints; `--json` has all of them."""


def generate(
    to: Annotated[str, typer.Option("--to", help="Event store, e.g. sqlite:///e.db")],
    company: Annotated[
        str, typer.Option("--company", help="Which company.")
    ] = "aurora",
    scale: ScaleOption = Scale.SMALL,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same history.")] = 7,
) -> None:
    """Write a company's history into an event store."""
    from medhavi.events.urls import shown_url
    from medhavi.workbench.demonstration import generate_company

    conversation = talk()
    shown = shown_url(to)
    count = generate_company(
        company=company,
        scale=str(scale),
        seed=seed,
        url=to,
        observe=conversation.progress,
    )
    conversation.say(f"{count:,} events of {company} ({scale}, seed {seed}) in {shown}")
    conversation.answer(
        company=company, scale=scale, seed=seed, store=shown, events=count
    )


def template(
    xlsx: Annotated[
        Path | None, typer.Option("--xlsx", help="Workbook to write.")
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Folder to write.")] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Fill in a small company.")
    ] = False,
) -> None:
    """Write empty tables to fill: xlsx or CSV."""
    from medhavi.workbench.files.template_files import (
        write_csv_template,
        write_xlsx_template,
    )

    if (xlsx is None) == (csv is None):
        message = "Say where: --xlsx FILE or --csv DIR (one of them)."
        raise UsageError(message)
    conversation = talk()
    if xlsx is not None:
        count = write_xlsx_template(xlsx, example=example)
    else:
        count = write_csv_template(csv or Path(), example=example)
    place = xlsx or csv
    conversation.say(say("tables_in_fill_them", count, place))
    conversation.say(f"  medhavi check --tables {place}")
    conversation.say(f"  medhavi plan --tables {place} --out result")
    conversation.answer(place=place, tables=count)


def check(
    tables: TablesOption = None,
    date_format: DateFormatOption = None,
    lake: LakeOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    doubtful: Annotated[
        bool,
        typer.Option(
            "--doubtful", help="Also values that are likely wrong, and doubles."
        ),
    ] = False,
    least_chance: Annotated[
        float,
        typer.Option("--least-chance", help="Chance from which on these are listed."),
    ] = 0.5,
    verbose: VerboseOption = False,
) -> None:
    """Name everything that is wrong with tables, or with a lake at a moment."""
    conversation = talk()
    place = TableSource(tables=tables, lake=lake, date_format=date_format)
    moment = moments(as_of, known_at, lake, tables)
    taken = place.snapshot(moment)
    conversation.report((*taken.held.errors, *taken.findings))
    conversation.say(summary(conversation))
    if doubtful:
        bench = None if tables is not None else open_workbench(lake)
        tell_doubts(taken, bench, moment.known_at, least_chance)
    conversation.answer(tables=_sizes(taken), fingerprint=taken.fingerprint)


def tell_doubts(
    taken: Snapshot,
    bench: Workbench | None,
    known_at: dt.datetime | None,
    least_chance: float,
) -> None:
    """Print and answer values that are likely wrong, and rows that are likely one."""
    from medhavi.predict.master_data.doubtful_values import (
        DoubtSettings,
        doubtful_values,
    )
    from medhavi.predict.master_data.duplicates import (
        DuplicateSettings,
        likely_duplicates,
    )
    from medhavi.results.reports.work_lists import FindingCost
    from medhavi.views.data_pages import doubtful_list
    from medhavi.views.names import names_of
    from medhavi.workbench.plan_in_force import plan_in_force

    settings = DoubtSettings(least_chance=least_chance)
    of_pairs = DuplicateSettings(least_chance=least_chance)
    if bench is None:
        values = doubtful_values(taken, settings)
        pairs = likely_duplicates(taken, of_pairs)
    else:
        values = bench.doubtful_values(settings, snapshot=taken, known_at=known_at)
        pairs = bench.likely_duplicates(of_pairs, snapshot=taken)
    conversation, names = talk(), names_of(taken)
    conversation.say(doubtful_list.doubtful_finding(values))
    found = None
    if values.values and bench is not None:
        found = plan_in_force(taken, "mrp", bench.lake, past=known_at is not None)
    cost = None if found is None else FindingCost(found.plan)
    for rows in (
        doubtful_list.doubtful_rows(values, names, cost),
        doubtful_list.duplicate_rows(pairs),
    ):
        if rows.height:
            shown = rows.head(_MOST_SHOWN)
            show_table([name.lower() for name in rows.columns], shown.iter_rows())
        if rows.height > _MOST_SHOWN:
            conversation.say(say("and_more", rows.height - _MOST_SHOWN))
    conversation.answer(
        doubtful=[
            {
                **one.as_dict(),
                "late_cost": None if cost is None else cost.of(one.key),
                "exception": one.place,
            }
            for one in values.values
        ],
        duplicates=[{**one.as_dict(), "exception": one.place} for one in pairs.pairs],
        compared=values.checked,
        expected_precision=values.precision,
    )


def mirror(
    store: StoreOption = None,
    lake: LakeOption = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on as events come, until Ctrl-C.")
    ] = False,
) -> None:
    """Copy new events of a store into the lakehouse, exactly once."""
    from dataclasses import asdict

    from medhavi.cli.boundary import follow_store

    conversation = talk()
    workbench = open_workbench(lake, store)
    report = (
        follow_store(workbench) if follow else workbench.mirror(conversation.progress)
    )
    conversation.say(str(report))
    conversation.answer(**asdict(report))
    if follow:
        # There is no other end of it than this.
        raise KeyboardInterrupt


def snapshot(
    out: OutOption,
    lake: LakeOption = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Facts effective up to this instant.")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option("--known-at", help="Facts recorded up to it.")
    ] = None,
    file_format: FormatOption = FileFormat.PARQUET,
    verbose: VerboseOption = False,
) -> None:
    """Write the tables as they were at a moment."""
    from medhavi.workbench.files.tables_run import write_tables

    conversation = talk()
    moment = moments(as_of, known_at, lake)
    taken = open_workbench(lake).snapshot(**moment._asdict())
    write_tables(taken, out, file_format=str(file_format))
    conversation.report(taken.findings)
    conversation.say(str(taken))
    conversation.answer(
        out=out,
        as_of=taken.settings.as_of,
        tables=_sizes(taken),
        fingerprint=taken.fingerprint,
    )


def _sizes(taken: Snapshot) -> dict[str, int]:
    return {name: frame.height for name, frame in taken.tables.items() if frame.height}


EventArgument = Annotated[str, typer.Argument(help="Id of the event, or its position.")]


def verify(store: StoreOption = None) -> None:
    """Name everything that is wrong with a store.

    Positions, revisions, ids, categories and payloads of all events are checked.
    """
    from medhavi.events.store import audit

    conversation = talk()
    found = audit(open_workbench(None, store).store)
    conversation.report(found)
    if not found:
        conversation.say(say("nothing_is_missing_nothing"))
    conversation.answer(faults=len(found))


def void(
    event: EventArgument,
    reason: ReasonOption,
    approver: ApproverOption,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """Take a fact out for good; the log keeps both.

    Decisions, voids and corrections cannot be voided.
    """
    conversation = talk()
    made = open_workbench(lake, store).void_event(
        event, reason=reason, approver=approver
    )
    conversation.say(say("event_counts_no_more", event, made))
    conversation.answer(event=event, voided_by=made)


def correct(
    event: EventArgument,
    reason: ReasonOption,
    approver: ApproverOption,
    fields: Annotated[
        list[str] | None,
        typer.Option("--set", help="FIELD=VALUE of the payload; empty: absent."),
    ] = None,
    payload: Annotated[
        Path | None,
        typer.Option("--payload", help="JSON file with the whole payload."),
    ] = None,
    occurred_at: Annotated[
        str | None, typer.Option("--occurred-at", help="When it took effect.")
    ] = None,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """Replace a fact; the log keeps both.

    The payload must fit the type of the event.
    """
    conversation = talk()
    bench = open_workbench(lake, store)
    made = bench.correct_event(
        event,
        reason=reason,
        approver=approver,
        payload=None if payload is None else _object(payload),
        fields=dict(_field(text) for text in fields or ()),
        occurred_at=_moment(occurred_at, bench),
    )
    conversation.say(say("event_is_corrected_by", event, made))
    conversation.answer(event=event, corrected_by=made)


def _moment(text: str | None, bench: Workbench) -> dt.datetime | None:
    """Read --occurred-at; a date without a time is the begin of the company's day."""
    from medhavi.snapshot.reading.cells import is_day

    dated = text is not None and is_day(text.strip())
    zone = bench.snapshot().local_days.company if dated else "UTC"
    return instant(text, "--occurred-at", zone)


def _object(place: Path) -> dict[str, Any]:
    import msgspec

    try:
        return msgspec.json.decode(place.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        message = f"--payload {place}: {error}. It must be a file with a JSON object."
        raise UsageError(message) from None


def _field(text: str) -> tuple[str, Any]:
    """Read FIELD=VALUE; what is no JSON is a text, what is empty is absent."""
    import msgspec

    name, equals, value = text.partition("=")
    if not name or not equals:
        message = f"--set {text!r}: write FIELD=VALUE, such as qty=40."
        raise UsageError(message)
    if not value:
        return name, None
    try:
        return name, msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return name, value


DecisionStoreOption = Annotated[
    str | None, typer.Option("--store", help="Event store, for decisions.")
]


def train(
    lake: LakeOption = None,
    store: DecisionStoreOption = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help="lead_time or reliability; default: both."),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option("--recipe", help="Training recipe (TOML).")
    ] = None,
    approver: Annotated[
        str | None,
        typer.Option("--approver", help="Put in use what beats the plain quantile."),
    ] = None,
) -> None:
    """Learn lead times and reliability from what came.

    It trains on the lake and judges on later orders; see docs/predictors.md.
    """
    from medhavi.predict.estimates import KINDS
    from medhavi.predict.recipe import read_recipe

    conversation = talk()
    done = open_workbench(lake, store).train(
        kind or KINDS,
        approver=approver,
        recipe=None if recipe is None else read_recipe(recipe),
        observe=conversation.progress,
    )
    tell_trained(done)
    ready = [each for each in done if each.promotable and not each.promoted]
    for each in ready:
        conversation.say(say("to_use_it_medhavi", each.model))


def tell_trained(done: tuple[TrainingResult, ...]) -> None:
    """Print how each training did against the plain quantile, and answer it."""
    conversation = talk()
    show_table(
        ("predictor", "version", "against plain", "in use", "because"),
        [
            (
                each.model,
                each.version,
                None if each.comparison is None else f"{each.gain:+.1%}",
                "yes" if each.promoted else "ready" if each.promotable else "no",
                each.reason,
            )
            for each in done
        ],
    )
    conversation.answer(
        trained=[
            {
                "model": each.model,
                "version": each.version,
                "kind": each.kind,
                "about": each.about,
                "observations": each.observations,
                "gain": each.gain,
                "promotable": each.promotable,
                "promoted": each.promoted,
                "reason": each.reason,
                "scores": []
                if each.comparison is None
                else each.comparison.to_frame().to_dicts(),
            }
            for each in done
        ]
    )


def predictors(lake: LakeOption = None) -> None:
    """List predictors and how good they are."""
    from medhavi.errors import EnvironmentFailure
    from medhavi.findings import finding
    from medhavi.predict.registry import Registry

    conversation = talk()
    folder = open_workbench(lake).models
    try:
        found = Registry(folder).versions()
    except EnvironmentFailure as error:
        conversation.report([finding("PRED001", detail=error)])
        conversation.answer(folder=folder, predictors=[])
        return
    if found:
        show_table(
            ("predictor", "version", "alias", "against plain", "p80", "p95", "verdict"),
            [_row(each) for each in found],
        )
        conversation.say(say("mlflow_mlflow_ui_backend", folder))
    else:
        conversation.say(say("no_predictor_is_in", folder))
    conversation.answer(
        folder=folder,
        predictors=[
            {
                "model": each.model,
                "version": each.version,
                "aliases": list(each.aliases),
                "tags": dict(each.tags),
                "metrics": dict(each.metrics),
            }
            for each in found
        ],
    )


def _row(each: PredictorVersion) -> tuple[object, ...]:
    metrics = each.metrics

    def share(name: str) -> str | None:
        return None if name not in metrics else percent(metrics[name])

    gain = metrics.get("gain")
    return (
        each.model,
        each.version,
        ", ".join(each.aliases),
        None if gain is None else f"{gain:+.1%}",
        share("coverage_p80"),
        share("coverage_p95"),
        each.tags.get("reason", ""),
    )


def drift(lake: LakeOption = None) -> None:
    """Show the coverage of the newest outcomes, and since when it is another one."""
    conversation = talk()
    reports = open_workbench(lake).drift()
    show_table(
        ("predictor", "in use", "watched", "told", "came", "chance", "since"),
        [_coverage_row(each) for each in reports],
    )
    for each in reports:
        if each.problem:
            conversation.say(f"{each.model}: {each.problem}")
    conversation.answer(
        predictors=[
            {
                "model": each.model,
                "in_use": each.version_in_use or None,
                "challenger": each.challenger.version if each.challenger else None,
                "observations": each.observations,
                "watched": each.outcomes.height,
                "recent": [asdict(one) for one in each.recent],
                "by_month": each.by_month.to_dicts(),
                "problem": each.problem,
            }
            for each in reports
        ]
    )


def _coverage_row(each: PredictorReport) -> tuple[object, ...]:
    used = each.version_in_use or "plain rule"
    if not each.recent:
        return (each.model, used, each.outcomes.height, None, None, None, None)
    worst = each.recent[0]
    return (
        each.model,
        used,
        each.outcomes.height,
        f"{worst.quantile} {percent(worst.told)}",
        f"{percent(worst.share)} of {worst.orders}",
        f"{percent(worst.low)} to {percent(worst.high)}",
        "" if worst.since is None else f"{worst.since:%Y-%m-%d}",
    )


def promote(
    model: Annotated[str, typer.Argument(help="Predictor, as `predictors` says.")],
    approver: ApproverOption,
    version: Annotated[
        str | None, typer.Option("--version", help="The newest by default.")
    ] = None,
    lake: LakeOption = None,
    store: DecisionStoreOption = None,
) -> None:
    """Put a predictor in use.

    Its estimates are published, if it beats the plain quantile.
    """
    conversation = talk()
    used = open_workbench(lake, store).promote(
        model, approver=approver, version=version
    )
    conversation.say(say("version_is_in_use", used.model, str(used.version)))
    conversation.answer(model=used.model, version=used.version)
