"""The program: all commands, one boundary for failures."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer

from medhavi.cli import (
    data_commands,
    desk_commands,
    lake_commands,
    promise_commands,
    standing_commands,
    study_commands,
    table_commands,
)
from medhavi.cli.boundary import guarded
from medhavi.cli.command_group import EPILOG, CommandGroup, register_unavailable
from medhavi.cli.command_output import begin
from medhavi.cli.planning import (
    exception_commands,
    orders_commands,
    plan_commands,
    planner_commands,
)

app = CommandGroup(
    name="medhavi",
    add_completion=False,
    help="A workbench for supply-chain planning: events, snapshots, plans that explain "
    "themselves. Exit codes: 0 ok, 1 errors in the data or no feasible answer, 2 usage, "
    "3 interrupted or ended at a limit, 4 environment.",
    epilog=EPILOG,
)
for register in (
    desk_commands.register,
    data_commands.register,
    table_commands.register,
    plan_commands.register,
    orders_commands.register,
    exception_commands.register,
    planner_commands.register,
    study_commands.register_campaigns,
    data_commands.register_predictors,
    promise_commands.register,
    standing_commands.register,
    lake_commands.register,
    data_commands.register_events,
    study_commands.register,
    planner_commands.register_schedules,
    register_unavailable,
):
    register(app)


def print_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        from medhavi import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=print_version,
            is_eager=True,
            help="Print the version and leave.",
        ),
    ] = False,
) -> None:
    """Take the options that belong to no command."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code.

    Parameters
    ----------
    arguments
        Words after the program's name; the process's own when not given.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    conversation = begin(words)
    code = guarded(
        conversation,
        lambda: app(args=words, prog_name="medhavi", standalone_mode=False),
    )
    try:
        conversation.finish(code)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader left (`medhavi … | head`); the answer is not wanted any more.
        sys.stdout = None
    return code


def run_process() -> int:
    """Run the process's own command line; a termination request ends it like Ctrl-C."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    code = run()
    # The interpreter ends with a walk over all that lives; a plan takes long to walk.
    gc.freeze()
    return code
