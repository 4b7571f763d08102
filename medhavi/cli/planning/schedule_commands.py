"""Commands around schedules: schedule a file, simulate the risk of a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.command_output import CommandOutput, show_table, talk
from medhavi.cli.options import (
    FileFormat,
    FolderOption,
    FormatOption,
    JsonOption,
    existing_folder,
)
from medhavi.errors import UsageError

if TYPE_CHECKING:
    from medhavi.results.reports.risk import RiskReport
    from medhavi.results.schedules.schedule import Schedule

ProblemArgument = Annotated[Path, typer.Argument(help="Schedule file (JSON).")]
INTERRUPTED = 3


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("schedule", help="Schedule a file: who runs what, when.")(schedule)
    app.command("risk", help="Simulate a fixed schedule: how sure is its makespan.")(
        risk
    )


def schedule(
    file: ProblemArgument,
    out: FolderOption = None,
    objective: Annotated[
        str | None,
        typer.Option("--objective", help="Names with commas, first counts most."),
    ] = None,
    effort: Annotated[
        float | None,
        typer.Option("--effort", help="Deterministic effort; the file's if not given."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the search.")] = 1,
    file_format: FormatOption = FileFormat.PARQUET,
    as_json: JsonOption = False,
) -> None:
    """Schedule, check, and write the answer whole or not at all."""
    from medhavi.workbench.files.schedule_files import schedule as solve
    from medhavi.workbench.files.schedule_files import write_schedule

    conversation = talk()
    if effort is not None and not effort > 0:
        message = f"--effort {effort}: it must be above 0."
        raise UsageError(message)
    made = solve(
        file,
        objective=objective,
        effort=effort,
        seed=seed,
        observe=conversation.progress,
    )
    conversation.report(made.findings)
    if out is not None:
        write_schedule(made, out, str(file_format))
        conversation.note(f"written to {out}")
    conversation.say(str(made))
    if made.operations.height:
        _show(made)
    # Seconds stay in measured.json, so that the answer repeats to the byte (SCH-21).
    conversation.answer(**made.to_json(), out=out)
    _leave(made, conversation)


def _show(made: Schedule) -> None:
    show_table(
        ("order", "finish", "due", "late min"),
        [
            (row["order"], _text(row["finish"]), _text(row["due"]), row["late_minutes"])
            for row in made.orders.iter_rows(named=True)
        ],
    )


def _text(moment: object) -> str | None:
    return None if moment is None else f"{moment:%a %d %b %H:%M} UTC"


def _leave(made: Schedule, conversation: CommandOutput) -> None:
    """End with the code of an interruption where one cut the search short."""
    if str(made.status) == "cancelled":
        conversation.note("interrupted: the best schedule so far was kept")
        raise typer.Exit(INTERRUPTED)


def risk(
    file: ProblemArgument,
    folder: Annotated[
        Path, typer.Option("--schedule", help="Folder that schedule --out wrote.")
    ],
    scenarios: Annotated[
        int, typer.Option("--scenarios", min=1, help="How many scenarios.")
    ] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the draws.")] = 1,
    spread: Annotated[
        float | None,
        typer.Option("--spread", help="Half width of run times, such as 0.2."),
    ] = None,
    steps: Annotated[
        str | None, typer.Option("--steps", help="Name of the steps that spread.")
    ] = None,
    keep_starts: Annotated[
        bool,
        typer.Option("--keep-starts", help="Nothing begins before its planned start."),
    ] = False,
    out: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate the schedule's own sequence; nothing is solved again."""
    from medhavi.workbench.files.schedule_files import risk as simulate
    from medhavi.workbench.files.schedule_files import write_risk

    conversation = talk()
    report = simulate(
        file,
        existing_folder(folder, "--schedule"),
        scenarios=scenarios,
        seed=seed,
        spread=spread,
        steps=steps,
        keep_starts=keep_starts,
    )
    conversation.report(report.findings)
    if out is not None:
        write_risk(report, out)
        conversation.note(f"written to {out}")
    conversation.say(str(report))
    _show_orders(report)
    conversation.answer(**report.to_json(), out=out)


def _show_orders(report: RiskReport) -> None:
    show_table(
        ("order", "late in % of scenarios", "finish p50 min", "finish p95 min"),
        [
            (
                row["order"],
                100 * row["prob_late"],
                row["finish_p50"],
                row["finish_p95"],
            )
            for row in report.orders.iter_rows(named=True)
        ],
    )
