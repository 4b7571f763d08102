"""Commands around the optimizer: the trade-offs between objectives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medhavi.cli.command_output import talk
from medhavi.cli.data.lake_commands import snapshot_of
from medhavi.cli.options import (
    DateFormatOption,
    FileFormat,
    FolderOption,
    FormatOption,
    JsonOption,
    LakeOption,
    TablesOption,
    one_place,
    settings_file,
)

INTERRUPTED = 3


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(
        "pareto", help="Show what lateness, CO2 and stock cost: the best plans."
    )(pareto)


def pareto(
    tables: TablesOption = None,
    lake: LakeOption = None,
    points: Annotated[int, typer.Option("--points", help="How many plans.")] = 12,
    objectives: Annotated[
        str,
        typer.Option("--objectives", help="Names with commas, the first is the goal."),
    ] = "cost,lateness,co2,inventory",
    settings: Annotated[
        Path | None, typer.Option("--settings", help="Parameters of mode optimize.")
    ] = None,
    out: FolderOption = None,
    file_format: FormatOption = FileFormat.PARQUET,
    date_format: DateFormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find efficient plans, verify each, and write them whole or not at all."""
    from medhavi.workbench.files.trade_off_files import trade_offs, write_front

    conversation = talk()
    one_place(tables, lake, date_format)
    names = [name.strip() for name in objectives.split(",") if name.strip()]
    front = trade_offs(
        snapshot_of(tables, lake, date_format=date_format),
        names,
        points,
        settings=settings_file(settings),
        observe=conversation.progress,
    )
    if out is not None:
        write_front(front, out, str(file_format))
        conversation.note(f"written to {out}")
    conversation.say(str(front))
    conversation.answer(
        out=out,
        run=front.run.as_dict(),
        fingerprint=front.fingerprint,
        points=front.points.to_dicts(),
        objectives=front.objectives.to_dicts(),
    )
    if str(front.run.status) == "cancelled":
        conversation.note("interrupted: the points so far were kept")
        raise typer.Exit(INTERRUPTED)
