"""The program: all commands, one boundary for failures."""

from __future__ import annotations

import functools
import gc
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Annotated

import typer

from medhavi.cli import (
    accepted_promises,
    data_commands,
    desk_commands,
    lake_commands,
    promise_commands,
    study_commands,
    table_commands,
)
from medhavi.cli.boundary import guarded
from medhavi.cli.command_output import begin
from medhavi.cli.options import EPILOG, CommandGroup, refusing, register_unavailable
from medhavi.cli.planning import (
    orders_commands,
    plan_commands,
    plan_query_commands,
    planner_commands,
)
from medhavi.cli.planning.orders_commands import OrdersGroup

app = CommandGroup(
    name="medhavi",
    add_completion=False,
    help="A workbench for supply-chain planning: events, snapshots, plans that explain "
    "themselves. Exit codes: 0 ok, 1 errors in the data or no feasible answer, 2 usage, "
    "3 interrupted or ended at a limit, 4 environment.",
    epilog=EPILOG,
)
Commands = Mapping[str, Callable[..., object]]
COMMANDS: Commands = {
    "demo": desk_commands.demo,
    "serve": desk_commands.serve,
    "doctor": desk_commands.doctor,
    "bench": desk_commands.bench,
    "generate": data_commands.generate,
    "template": data_commands.template,
    "check": data_commands.check,
    "mirror": data_commands.mirror,
    "snapshot": data_commands.snapshot,
    "plan": plan_commands.plan,
    "explain": plan_commands.explain,
    "kpi": planner_commands.kpi,
    "compare": plan_commands.compare,
    "diagnose": plan_query_commands.diagnose,
    "replan": plan_query_commands.replan,
    "export": plan_commands.export,
    "pack": plan_commands.pack,
    "remedies": plan_commands.remedies,
    "pareto": planner_commands.pareto,
    "calibrate": planner_commands.calibrate,
    "replenish": planner_commands.replenish,
    "safety-stock": planner_commands.place_safety_stock,
    "campaigns": study_commands.campaigns,
    "train": data_commands.train,
    "predictors": data_commands.predictors,
    "drift": data_commands.drift,
    "promote": data_commands.promote,
    "promise": promise_commands.promise,
    "suppliers": accepted_promises.suppliers,
    "query": lake_commands.query,
    "lineage": lake_commands.lineage,
    "cycle": study_commands.cycle,
    "schedule": planner_commands.schedule,
    "risk": planner_commands.risk,
}
GROUPS: tuple[tuple[str, str, Commands], ...] = (
    (
        "tables",
        "Change tables: see what a file or a cell makes different, take it, undo.",
        {
            "update": table_commands.update,
            "mend": table_commands.mend,
            "undo": table_commands.undo,
            "history": table_commands.history,
        },
    ),
    (
        "orders",
        (
            "Orders of a plan: list, firm, move, split …; every edit shows its price "
            "and writes only with --commit --approver."
        ),
        {
            "list": orders_commands.list_orders,
            "publish": orders_commands.publish,
            "undo": orders_commands.undo,
            "history": orders_commands.history,
            "figures": orders_commands.figures,
        },
    ),
    (
        "exceptions",
        "Exception messages of a plan: list them, say who takes care of them.",
        {
            "list": orders_commands.list_exceptions,
            "review": orders_commands.review,
        },
    ),
    (
        "promises",
        "Accepted promises: which hold, promise them again, take them back.",
        {
            "at-risk": accepted_promises.at_risk,
            "renew": accepted_promises.renew,
            "release": accepted_promises.release,
            "figures": accepted_promises.figures,
            "sweep": accepted_promises.sweep,
        },
    ),
    (
        "quarantine",
        "Events that could not be read: list, show, replay.",
        {
            "list": lake_commands.list_quarantine,
            "show": lake_commands.show_quarantine,
            "replay": lake_commands.replay_quarantine,
        },
    ),
    (
        "events",
        "Facts of the log: void one, correct one; key figures of all.",
        {
            "void": data_commands.void,
            "correct": data_commands.correct,
            "figures": lake_commands.event_figures,
        },
    ),
    (
        "audit",
        "Check the log: nothing missing, nothing twice, everything readable.",
        {"verify": data_commands.verify},
    ),
    (
        "study",
        "Studies: scenarios side by side, never computed twice.",
        {
            "run": study_commands.run,
            "compare": study_commands.compare,
            "report": study_commands.report,
        },
    ),
)
for name, command in COMMANDS.items():
    app.command(name, answers=name != "serve")(command)
register_unavailable(app)
for name, about, commands in GROUPS:
    group = CommandGroup(
        name=name, help=about, cls=OrdersGroup if name == "orders" else None
    )
    for verb, command in commands.items():
        group.command(verb)(command)
    if name == "audit":
        refusing(group, "why", "audit why", "the history of one order")
    app.add_typer(group)


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


@functools.cache
def _commands() -> Callable[..., object]:
    """All commands with their options, built once a process."""
    return typer.main.get_command(app)


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
        lambda: _commands()(args=words, prog_name="medhavi", standalone_mode=False),
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
