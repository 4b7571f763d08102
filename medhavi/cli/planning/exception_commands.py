"""Commands around exception messages of a plan: list them, say who takes care."""

from __future__ import annotations

from typing import Annotated

import typer

from medhavi.cli.command_group import CommandGroup
from medhavi.cli.command_output import show_table, talk
from medhavi.cli.options import LakeOption, StoreOption
from medhavi.cli.planning.order_edit_commands import (
    ModeOption,
    OrderMode,
    PlanOption,
    bench_of,
    plan_of,
)


def register(app: CommandGroup) -> None:
    """Add the commands of this module."""
    group = CommandGroup(
        name="exceptions",
        help="Exception messages of a plan: list them, say who takes care of them.",
    )
    group.command("list", help="List them by worth with who has them.")(list_exceptions)
    group.command("review", help="Assign, note, or settle exceptions by their keys.")(
        review
    )
    app.add_typer(group)


def list_exceptions(
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.MRP,
    done: Annotated[
        bool, typer.Option("--done", help="Also those that are settled.")
    ] = False,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """List exceptions, those of most worth first."""
    from medhavi.results.reports.exception_list import exception_list

    bench = bench_of(lake, store)
    made, snapshot = plan_of(bench, plan, mode), bench.snapshot()
    costs = dict(snapshot["products"].select("product", "unit_cost").iter_rows())
    reviews = bench.exception_reviews()
    told = []
    for row in exception_list(made, costs).iter_rows(named=True):
        review = reviews.get(row["exception"])
        settled = review is not None and review.done
        if done or not settled:
            told.append(
                {
                    **row,
                    "done": settled,
                    "assignee": None if review is None else review.assignee,
                    "note": None if review is None else review.note,
                }
            )
    shown = ("exception", "severity", "times", "worth", "assignee", "note")
    show_table(shown, [[row[name] for name in shown] for row in told])
    talk().answer(run=made.run.run_id, exceptions=told)


def review(
    exceptions: Annotated[list[str], typer.Argument(help="Keys of the list.")],
    approver: Annotated[str, typer.Option("--approver", help="Who says it.")],
    assignee: Annotated[
        str | None, typer.Option("--assignee", help="Who takes care of them.")
    ] = None,
    note: Annotated[
        str | None, typer.Option("--note", help="What was found or agreed.")
    ] = None,
    done: Annotated[
        bool | None,
        typer.Option("--done/--open", help="Whether nothing is left to do about them."),
    ] = None,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """Record who takes care of exceptions, a note, or that they are settled."""
    made = bench_of(lake, store).review_exceptions(
        exceptions, approver=approver, assignee=assignee, note=note, done=done
    )
    conversation = talk()
    conversation.say(f"Recorded for {len(made)} by {approver}.")
    conversation.answer(events=list(made))
