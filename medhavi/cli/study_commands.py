"""`medhavi study`, `medhavi hindsight`, `medhavi cycle`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medhavi.cli.command_output import show_table, talk
from medhavi.cli.data.lake_commands import moments, open_workbench
from medhavi.cli.options import (
    AsOfOption,
    DateFormatOption,
    FileFormat,
    FormatOption,
    JsonOption,
    KnownAtOption,
    LakeOption,
    StoreOption,
    StrictOption,
    existing_folder,
)

StudyFile = Annotated[Path, typer.Argument(help="Study file (TOML).")]
CacheOption = Annotated[
    Path | None,
    typer.Option("--cache", help="Folder of finished runs. Default: studies/cache."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(
        name="study",
        help="Studies: scenarios side by side, never computed twice.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("run", help="Run a study; finished runs are not repeated.")(run)
    group.command("compare", help="Compare the plans of two runs.")(compare)
    group.command("report", help="Write the page of a study that was run.")(report)
    app.add_typer(group)
    app.command(
        "cycle", help="Run the planning cycle: mirror, estimates, plans, stock."
    )(cycle)


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
    as_json: JsonOption = False,
) -> None:
    """Run what is not there yet; write tables and one offline page."""
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
    conversation.say(f"report   {place / 'report.html'}  (opens without a network)")
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
    conversation.say(f"report   {place / 'report.html'}  (opens without a network)")
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
    as_json: JsonOption = False,
) -> None:
    """Print what changed from the plan of one run to that of another."""
    from medhavi.results.difference import compare as difference
    from medhavi.workbench.studies.studies import plan_of_run

    conversation = talk()
    delta = difference(plan_of_run(first, cache), plan_of_run(second, cache))
    conversation.say(str(delta))
    conversation.answer(
        equal=delta.is_empty,
        stability=delta.stability,
        changes={name: frame.to_dicts() for name, frame in delta.to_frames().items()},
    )


def report(
    folder: Annotated[
        Path, typer.Argument(help="Folder of a study (study run --out).")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="File. Default: report.html there.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the offline page."""
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
    as_json: JsonOption = False,
) -> None:
    """Run the steps that are due; say one line for each.

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
        conversation.note(f"cycle {report.resumed} was cut short; this one went on")
    conversation.answer(**report.as_dict())
    if report.failure is not None:
        raise report.failure
