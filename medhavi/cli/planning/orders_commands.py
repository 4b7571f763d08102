"""Commands around orders: list, publish, undo, history, export; edits are beside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.command_group import CommandGroup
from medhavi.cli.command_output import show_table, talk
from medhavi.cli.options import LakeOption, StoreOption
from medhavi.cli.planning.order_edit_commands import (
    ModeOption,
    OrderMode,
    OrdersGroup,
    PlanOption,
    ReasonOption,
    RulesOption,
    bench_of,
    parameters_of,
    plan_of,
    settled,
)
from medhavi.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection


def register(app: CommandGroup) -> None:
    """Add the commands of this module."""
    group = CommandGroup(
        name="orders",
        cls=OrdersGroup,
        help="Orders of a plan: list, firm, move, split …; every edit shows its price "
        "and writes only with --commit --approver.",
    )
    for name, command, text in (
        ("list", list_orders, "List orders, the most urgent first."),
        ("publish", publish, "Make a plan the plan."),
        ("undo", undo, "Take an edit back, the last one by default."),
        ("history", history, "Say who decided what; of one order all events."),
    ):
        group.command(name, help=text)(command)
    app.add_typer(group)


# ------------------------------------------------------------------------- looking
def list_orders(
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.MRP,
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
    """List the orders of a plan with state, priority and firming advice."""
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
    """Print all edits, or what happened to one order and what became of it."""
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
            f"{account.state}: {number(account.good)} good, "
            f"{number(account.scrap)} scrap, {number(account.rework)} sent back, "
            f"{number(account.remaining)} of {number(account.ordered)} still to come"
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
    approver: Annotated[str, typer.Option("--approver", help="Who confirms it.")],
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.MRP,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="Run that it replaces.")
    ] = None,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """Keep a plan in gold and say in one event that it is the plan."""
    conversation = talk()
    bench = bench_of(lake, store)
    made = plan_of(bench, plan, mode)
    event = bench.publish(made, approver=approver, baseline=baseline)
    conversation.say(f"Published run {made.run.run_id}, approved by {approver}.")
    conversation.answer(run=made.run.run_id, fingerprint=made.fingerprint, event=event)


def undo(
    approver: Annotated[str, typer.Option("--approver", help="Who confirms it.")],
    edit: Annotated[
        str | None, typer.Option("--edit", help="Id of the edit; default: the last.")
    ] = None,
    reason: ReasonOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """Take an edit back by events that restore what was before."""
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
    conversation.note(f"{len(found.rows)} decisions; ask next --since {found.next}")
    conversation.answer(out=out, kind=kind, **found.as_dict())
