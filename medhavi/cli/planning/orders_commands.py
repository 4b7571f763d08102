"""Commands around orders and exceptions: list, publish, undo, history, export, review.

Edits of orders are beside.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.command_output import show_table, talk
from medhavi.cli.options import (
    ApproverOption,
    LakeOption,
    PlanMode,
    StoreOption,
    WhyOption,
)
from medhavi.cli.planning.order_edit_commands import (
    ModeOption,
    PlanOption,
    RulesOption,
    bench_of,
    parameters_of,
    plan_of,
    settled,
)
from medhavi.errors import UsageError
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Collection


# ------------------------------------------------------------------------- looking
def list_orders(
    plan: PlanOption = None,
    mode: ModeOption = PlanMode.MRP,
    settings: RulesOption = None,
    status: Annotated[
        str | None, typer.Option("--status", help="Only orders of this status.")
    ] = None,
    product: Annotated[
        str | None, typer.Option("--product", help="Only of this product.")
    ] = None,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """List orders with state, priority and advice, the most urgent first."""
    import datetime as dt

    from medhavi.edits.order_states import OrderState
    from medhavi.results.amounts import PlanLocale
    from medhavi.workbench.orders.order_history import order_list

    conversation = talk()
    parameters = parameters_of(settings)
    bench = bench_of(lake, store)
    if plan is not None and store is not None:
        # Without a plan the newest facts are fetched anyway, to be planned.
        bench.mirror()
    made, snapshot = plan_of(bench, plan, mode), bench.snapshot()
    rows = order_list(made, snapshot, parameters)
    for column, value, known in (
        ("status", status, list(OrderState)),
        ("product", product, snapshot["products"]["product"].to_list()),
    ):
        if value is not None:
            _refuse_unknown(column, value, known)
            rows = rows.filter(rows[column] == value)
    shown = (
        "number", "kind", "product", "location", "qty", "start", "finish", "status",
        "priority", "advice",
    )  # fmt: skip
    locale = PlanLocale.of(snapshot)
    show_table(
        shown,
        [
            [
                locale.told(cell, row["location"])
                if isinstance(cell := row[name], dt.datetime)
                else cell
                for name in shown
            ]
            for row in rows.iter_rows(named=True)
        ],
    )
    conversation.answer(run=made.run.run_id, orders=rows.to_dicts())


def _refuse_unknown(option: str, value: str, known: Collection[str]) -> None:
    from medhavi.snapshot.reading.row_findings import nearest

    if value not in known:
        message = (
            f"--{option} {value}: there is no such {option}{nearest(value, known)}."
        )
        raise UsageError(message)


def history(
    order: Annotated[
        str | None, typer.Argument(help="One order; default: all edits.")
    ] = None,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """Print who decided what; of one order all events."""
    from dataclasses import asdict

    from medhavi.results.amounts import PlanLocale, number

    conversation = talk()
    bench = bench_of(lake, store)
    bench.mirror()
    if order is None:
        told = bench.edit_history()
        locale = PlanLocale.of(bench.snapshot())
        for one in told:
            undone = " (taken back)" if one.undone_by else ""
            conversation.say(
                f"{one.edit_id} {locale.told(one.recorded_at)} "
                f"{one.approver}: {one.text}{undone}"
            )
        conversation.answer(edits=[asdict(one) for one in told])
        return
    from medhavi.workbench.orders.order_history import order_history

    found = order_history(bench.lake, order)
    for event in found.events:
        conversation.say(str(event))
    account = found.account
    if account is not None:
        conversation.report(account.findings)
        conversation.say(
            say(
                "good_scrap_sent_back",
                account.state,
                number(account.good),
                number(account.scrap),
                number(account.rework),
                number(account.remaining),
                number(account.ordered),
            )
        )
    conversation.answer(
        order=order,
        events=[asdict(event) for event in found.events],
        account=None
        if account is None
        else {k: v for k, v in asdict(account).items() if k != "findings"},
    )


# ------------------------------------------------------------------ publish and undo
def publish(
    approver: ApproverOption,
    plan: PlanOption = None,
    mode: ModeOption = PlanMode.MRP,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="Run that it replaces.")
    ] = None,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """Make a plan the plan: keep it in gold and record one event."""
    conversation = talk()
    bench = bench_of(lake, store)
    made = plan_of(bench, plan, mode)
    event = bench.publish(made, approver=approver, baseline=baseline)
    conversation.say(say("published_run_approved_by", made.run.run_id, approver))
    conversation.answer(run=made.run.run_id, fingerprint=made.fingerprint, event=event)


def undo(
    approver: ApproverOption,
    edit: Annotated[
        str | None, typer.Option("--edit", help="Id of the edit; default: the last.")
    ] = None,
    reason: WhyOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """Take an edit back, the last one by default."""
    bench = bench_of(lake, store)
    settled(bench.undo(edit, approver=approver, reason=reason), approver)


def export_orders(
    since: int, kind: str, out: Path | None, place: tuple[str | None, str | None]
) -> None:
    """Write the orders that were decided behind a position, for an ERP.

    Parameters
    ----------
    place
        Lake and store; with a store the lake follows it first.

    Raises
    ------
    UsageError
        The kind is neither csv nor json, or the position is not in this log.
    """
    from medhavi.workbench.files.atomic_write import replaced_file
    from medhavi.workbench.orders.order_outbox import outbox

    conversation = talk()
    bench = bench_of(*place)
    if place[1] is not None:
        bench.mirror()
    found = outbox(bench.lake, since)
    text = found.text(kind)
    if out is not None:
        with replaced_file(out) as fresh:
            fresh.write_text(text, "utf-8")
        conversation.say(str(out))
    elif not conversation.as_json:
        conversation.say(text.rstrip("\n"))
    conversation.note(say("decisions_ask_next_since", len(found.rows), str(found.next)))
    conversation.answer(out=out, kind=kind, **found.as_dict())


# --------------------------------------------------------------- exception messages
def list_exceptions(
    plan: PlanOption = None,
    mode: ModeOption = PlanMode.MRP,
    done: Annotated[
        bool, typer.Option("--done", help="Also those that are settled.")
    ] = False,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """List exceptions by worth with who has them."""
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
    approver: ApproverOption,
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
    """Assign, note, or settle exceptions by their keys."""
    made = bench_of(lake, store).review_exceptions(
        exceptions, approver=approver, assignee=assignee, note=note, done=done
    )
    conversation = talk()
    conversation.say(say("recorded_for_by", len(made), approver))
    conversation.answer(events=list(made))
