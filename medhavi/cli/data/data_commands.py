"""Commands around data: generate, template, check, mirror, snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.boundary import summary
from medhavi.cli.command_output import talk
from medhavi.cli.data.lake_commands import moments, open_workbench
from medhavi.cli.options import (
    DateFormatOption,
    FileFormat,
    FormatOption,
    JsonOption,
    LakeOption,
    OutOption,
    Scale,
    ScaleOption,
    StoreOption,
    VerboseOption,
    existing_tables,
)
from medhavi.errors import UsageError

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("generate", help="Write a company's history into an event store.")(
        generate
    )
    app.command("template", help="Write empty tables to fill: xlsx or CSV.")(template)
    app.command("check", help="Name everything that is wrong with a set of tables.")(
        check
    )
    app.command("mirror", help="Copy new events of a store into the lakehouse.")(mirror)
    app.command("snapshot", help="Write the tables as they were at a moment.")(snapshot)


def generate(
    to: Annotated[str, typer.Option("--to", help="Event store, e.g. sqlite:///e.db")],
    company: Annotated[
        str, typer.Option("--company", help="Which company.")
    ] = "aurora",
    scale: ScaleOption = Scale.SMALL,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same history.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Generate a company's events and append them to a store."""
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
    as_json: JsonOption = False,
) -> None:
    """Write a template of all tables."""
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
    conversation.say(f"{count} tables in {place}. Fill them, then:")
    conversation.say(f"  medhavi check --tables {place}")
    conversation.say(f"  medhavi plan --tables {place} --out result")
    conversation.answer(place=place, tables=count)


def check(
    tables: Annotated[
        Path, typer.Option("--tables", help="Folder of CSV or Parquet, or an xlsx.")
    ],
    date_format: DateFormatOption = None,
    verbose: VerboseOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check tables and name every problem at once."""
    from medhavi.workbench.files.tables_run import read_tables

    conversation = talk()
    taken = read_tables(existing_tables(tables), date_format=date_format)
    conversation.report(taken.findings)
    conversation.say(summary(conversation))
    conversation.answer(tables=_sizes(taken), fingerprint=taken.fingerprint)


def mirror(
    store: StoreOption = None,
    lake: LakeOption = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on as events come, until Ctrl-C.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Mirror new events exactly once."""
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
    as_json: JsonOption = False,
) -> None:
    """Write the tables of a moment to a folder."""
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
