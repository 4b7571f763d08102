"""Command of trade-offs: efficient plans between objectives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medhavi.cli.boundary import interruption, leave_if_cancelled
from medhavi.cli.command_output import talk
from medhavi.cli.lake_commands import TableSource
from medhavi.cli.options import (
    FileFormat,
    FolderOption,
    FormatOption,
    ResumeOption,
    settings_file,
)
from medhavi.errors import UsageError


def _budget(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError as wrong:
        message = f"--at-most {text}: write a name and a number, such as cost=900000."
        raise UsageError(message) from wrong


def pareto(
    place: TableSource,
    points: Annotated[
        int, typer.Option("--points", help="How many programs guide plans.")
    ] = 12,
    objectives: Annotated[
        str,
        typer.Option("--objectives", help="Names with commas, the first is the goal."),
    ] = "cost,lateness,co2,inventory",
    at_most: Annotated[
        list[str] | None,
        typer.Option(
            "--at-most", help="A budget, such as cost=900000 or co2=40000 (kg)."
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", help="Parameters of trade-offs and mode optimize."),
    ] = None,
    resume: ResumeOption = False,
    out: FolderOption = None,
    file_format: FormatOption = FileFormat.PARQUET,
) -> None:
    """Show what lateness, CO2 and stock cost: the best plans.

    Each is verified; all are written, or none. Ctrl-C keeps the plans that were made
    by then; a second one ends at once.
    """
    from medhavi.planners.master_plan.trade_offs import pareto as find_front
    from medhavi.workbench.files.export import write_front
    from medhavi.workbench.files.step_cache import StepCache

    conversation = talk()
    names = [name.strip() for name in objectives.split(",") if name.strip()]
    budgets = dict(map(_budget, at_most or ()))
    wishes, snapshot = settings_file(settings), place.snapshot()
    steps = StepCache(resume=resume)
    with interruption() as cancelled:
        front = find_front(
            snapshot,
            names,
            points,
            settings=wishes,
            budgets=budgets,
            observe=conversation.progress,
            cancelled=cancelled,
            kept=steps,
        )
        if not front.plans and cancelled():
            raise KeyboardInterrupt
    if out is not None:
        write_front(front, out, str(file_format))
        conversation.note(f"written to {out}")
    steps.end(front.run.status)
    conversation.say(str(front))
    conversation.answer(
        out=out,
        run=front.run.as_dict(),
        fingerprint=front.fingerprint,
        points=front.points.to_dicts(),
        hypervolume=front.hypervolume,
        knee=front.knee(*front.chosen[:2]),
        objectives=front.objectives.to_dicts(),
    )
    leave_if_cancelled(front.run.status, "the points so far were kept")
