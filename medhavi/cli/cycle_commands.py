"""The command that runs the planning cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medhavi.cli.command_output import talk
from medhavi.cli.data.lake_commands import moments, open_workbench
from medhavi.cli.options import (
    AsOfOption,
    JsonOption,
    KnownAtOption,
    LakeOption,
    StoreOption,
    StrictOption,
)


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(
        "cycle", help="Run the planning cycle: mirror, estimates, plans, stock."
    )(cycle)


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
