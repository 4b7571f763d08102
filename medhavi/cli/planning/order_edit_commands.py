"""Commands that edit orders: price and victims first, written only on --commit."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.command_output import talk
from medhavi.cli.options import (
    JsonOption,
    LakeOption,
    StoreOption,
    existing_plan,
    settings_file,
)
from medhavi.errors import UsageError

if TYPE_CHECKING:
    from medhavi.planners.work_orders.order_parameters import OrderParameters
    from medhavi.results.plans.plan import Plan
    from medhavi.workbench import Workbench
    from medhavi.workbench.orders.plan_edit_answers import EditCommit, Preview


class OrderMode(StrEnum):
    """How the plan is made that is edited."""

    MRP = "mrp"
    CONSTRAINED = "constrained"
    OPTIMIZE = "optimize"


SupplyArgument = Annotated[
    str, typer.Argument(help="Order or proposal, as `orders list` says.")
]
SuppliesArgument = Annotated[
    list[str] | None, typer.Argument(help="Orders or proposals.")
]
PlanOption = Annotated[
    Path | None,
    typer.Option("--plan", help="Folder of a plan; default: plan the newest facts."),
]
ModeOption = Annotated[
    OrderMode, typer.Option("--mode", help="How to plan where no plan is given.")
]
RulesOption = Annotated[
    Path | None,
    typer.Option("--settings", help="Firming, priority, replan as TOML."),
]
UnlockedOption = Annotated[
    bool,
    typer.Option("--unlocked", help="The constrained planner may move its dates."),
]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Why.")]
CommitOption = Annotated[
    bool, typer.Option("--commit", help="Write it; without it only price and victims.")
]
ApproverOption = Annotated[
    str | None, typer.Option("--approver", help="Who confirms it.")
]


def register_edits(group: typer.Typer) -> None:
    """Add the edits to the group of orders."""
    for name, command, text in (
        ("firm", firm, "Make proposals orders that the next plan keeps."),
        ("release", release, "Let the work of a firm order begin."),
        ("move", move, "Give an order other dates."),
        ("split", split, "Make several orders of one."),
        ("change-qty", change_qty, "Give an order another quantity."),
        ("change-source", change_source, "Let an order come from elsewhere."),
        ("cancel", cancel, "End an order of which nothing is there yet."),
        ("override", override, "Let your value win over a stated one."),
        ("change-setup", change_setup, "Give a change of families another time."),
        ("add-rows", add_rows, "Give tables of master data rows that they have not."),
    ):
        group.command(name, help=text)(command)


# --------------------------------------------------------------------------- edits
def firm(
    supplies: SuppliesArgument = None,
    automatic: Annotated[
        bool, typer.Option("--automatic", help="What the rules firm now.")
    ] = False,
    settings: RulesOption = None,
    unlocked: UnlockedOption = False,
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.MRP,
    reason: ReasonOption = None,
    commit: CommitOption = False,
    approver: ApproverOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Firm the named proposals, or with --automatic what the rules firm."""
    names = list(supplies or ())
    if bool(names) == automatic:
        message = "firm: name proposals, or give --automatic with --settings."
        raise UsageError(message)
    place = lake, store, plan, mode
    bench, made = _opened(place, commit=commit, approver=approver)
    if automatic:
        advice = bench.advice(made, parameters_of(settings))
        names = [one.supply for one in advice if one.action == "firm"]
        if not names:
            talk().say("No rule firms a proposal now.")
            talk().answer(preview=None, commit=None)
            return
    values = {
        "kind": "firm", "supply": names[0], "also": names[1:],
        "lock": not unlocked, "reason": reason,
    }  # fmt: skip
    _edit(bench, made, values, approver if commit else None)


def release(
    supply: SupplyArgument,
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.MRP,
    reason: ReasonOption = None,
    commit: CommitOption = False,
    approver: ApproverOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Release a firm order."""
    values = {"kind": "release", "supply": supply, "reason": reason}
    _one(values, (lake, store, plan, mode), commit=commit, approver=approver)


def move(
    supply: SupplyArgument,
    due: Annotated[
        str | None, typer.Option("--due", help="When it is to be in stock.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", help="When it is to begin.")
    ] = None,
    unlocked: UnlockedOption = False,
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.MRP,
    reason: ReasonOption = None,
    commit: CommitOption = False,
    approver: ApproverOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move an order; of due and start one is enough."""
    values = {
        "kind": "move", "supply": supply, "due": due, "start": start,
        "lock": not unlocked, "reason": reason,
    }  # fmt: skip
    _one(values, (lake, store, plan, mode), commit=commit, approver=approver)


def split(
    supply: SupplyArgument,
    part: Annotated[
        list[float], typer.Option("--part", help="Quantity of a part; twice or more.")
    ],
    unlocked: UnlockedOption = False,
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.MRP,
    reason: ReasonOption = None,
    commit: CommitOption = False,
    approver: ApproverOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Split an order into parts that add up to it."""
    values = {
        "kind": "split", "supply": supply, "parts": part,
        "lock": not unlocked, "reason": reason,
    }  # fmt: skip
    _one(values, (lake, store, plan, mode), commit=commit, approver=approver)


def change_qty(
    supply: SupplyArgument,
    qty: Annotated[
        float, typer.Option("--qty", help="New quantity; work orders: units started.")
    ],
    unlocked: UnlockedOption = False,
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.MRP,
    reason: ReasonOption = None,
    commit: CommitOption = False,
    approver: ApproverOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change the quantity of an order."""
    values = {
        "kind": "change_qty", "supply": supply, "qty": qty,
        "lock": not unlocked, "reason": reason,
    }  # fmt: skip
    _one(values, (lake, store, plan, mode), commit=commit, approver=approver)


def change_source(
    supply: SupplyArgument,
    source: Annotated[
        str, typer.Option("--source", help="Routing, supplier, lane or origin.")
    ],
    unlocked: UnlockedOption = False,
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.MRP,
    reason: ReasonOption = None,
    commit: CommitOption = False,
    approver: ApproverOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change where an order comes from."""
    values = {
        "kind": "change_source", "supply": supply, "source": source,
        "lock": not unlocked, "reason": reason,
    }  # fmt: skip
    _one(values, (lake, store, plan, mode), commit=commit, approver=approver)


def cancel(
    supply: SupplyArgument,
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.MRP,
    reason: ReasonOption = None,
    commit: CommitOption = False,
    approver: ApproverOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel an order."""
    values = {"kind": "cancel", "supply": supply, "reason": reason}
    _one(values, (lake, store, plan, mode), commit=commit, approver=approver)


def override(
    table: Annotated[str, typer.Option("--table", help="Planning table.")],
    key: Annotated[
        list[str], typer.Option("--key", help="column=value that names the row.")
    ],
    column: Annotated[str, typer.Option("--column", help="Which column.")],
    value: Annotated[
        str | None, typer.Option("--value", help="New value as JSON or text.")
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also", help="Further cell as JSON: table, key, column and value."
        ),
    ] = None,
    valid_from: Annotated[
        str | None, typer.Option("--valid-from", help="It holds from then on.")
    ] = None,
    valid_to: Annotated[
        str | None, typer.Option("--valid-to", help="It holds until then.")
    ] = None,
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.MRP,
    reason: ReasonOption = None,
    commit: CommitOption = False,
    approver: ApproverOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Override a cell of a planning table, or several in one edit."""
    pairs = [entry.partition("=") for entry in key]
    if any(not middle for _, middle, _ in pairs):
        message = "--key names a row like --key product=A."
        raise UsageError(message)
    values = {
        "kind": "override", "table": table, "column": column, "reason": reason,
        "key": {name: text for name, _, text in pairs}, "value": _json_or_text(value),
        "cells": [_json_or_text(cell) for cell in also or ()],
        "valid_from": valid_from, "valid_to": valid_to,
    }  # fmt: skip
    _one(values, (lake, store, plan, mode), commit=commit, approver=approver)


def change_setup(
    matrix: Annotated[str, typer.Option("--matrix", help="Changeover matrix.")],
    before: Annotated[
        str, typer.Option("--before", help="Family before; * is any family.")
    ],
    after: Annotated[str, typer.Option("--after", help="Family after.")],
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", help="Time; without it the row goes."),
    ] = None,
    cleaning: Annotated[
        bool | None,
        typer.Option("--cleaning/--no-cleaning", help="Left out: as before."),
    ] = None,
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.CONSTRAINED,
    reason: ReasonOption = None,
    commit: CommitOption = False,
    approver: ApproverOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Edit one cell of a changeover matrix."""
    values = {
        "kind": "changeover", "value": minutes, "cleaning": cleaning, "reason": reason,
        "key": {"matrix": matrix, "from_family": before, "to_family": after},
    }  # fmt: skip
    _one(values, (lake, store, plan, mode), commit=commit, approver=approver)


def add_rows(
    row: Annotated[
        list[str],
        typer.Option("--row", help='JSON: {"table": …, "row": {column: value}}.'),
    ],
    plan: PlanOption = None,
    mode: ModeOption = OrderMode.CONSTRAINED,
    reason: ReasonOption = None,
    commit: CommitOption = False,
    approver: ApproverOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add rows to tables of master data: one more unit, a departure, an alternate."""
    rows = [_json_or_text(one) for one in row]
    values = {"kind": "add_rows", "rows": rows, "reason": reason}
    _one(values, (lake, store, plan, mode), commit=commit, approver=approver)


# -------------------------------------------------------------------------- shared
Place = tuple[str | None, str | None, Path | None, OrderMode]


def bench_of(lake: str | None, store: str | None) -> Workbench:
    """Open the named workspace, else that of the surroundings."""
    from medhavi.cli.data.lake_commands import open_workbench

    return open_workbench(lake, store)


def plan_of(bench: Workbench, folder: Path | None, mode: OrderMode) -> Plan:
    """Read the plan of a folder, or plan the newest facts."""
    if folder is None:
        bench.mirror()
        return bench.plan(mode=str(mode))
    from medhavi.results.plans.plan import Plan

    return Plan.from_folder(existing_plan(folder))


def parameters_of(path: Path | None) -> OrderParameters:
    """Read how orders are handled; no file: the defaults."""
    from medhavi.planners.work_orders.order_parameters import OrderParameters

    return OrderParameters.from_mapping(settings_file(path))


def _opened(
    place: Place, *, commit: bool, approver: str | None
) -> tuple[Workbench, Plan]:
    """Open the workspace and its plan; refuse a commit by nobody before any work."""
    if commit and not (approver or "").strip():
        message = "--commit needs --approver: an edit is confirmed by somebody."
        raise UsageError(message)
    lake, store, folder, mode = place
    bench = bench_of(lake, store)
    return bench, plan_of(bench, folder, mode)


def _one(
    values: Mapping[str, object], place: Place, *, commit: bool, approver: str | None
) -> None:
    from medhavi.planners.work_orders.order_edit import edit

    # What is wrong in the call is said before anything is planned.
    edit(**dict(values))  # type: ignore[arg-type]
    bench, made = _opened(place, commit=commit, approver=approver)
    _edit(bench, made, values, approver if commit else None)


def _edit(
    bench: Workbench, plan: Plan, values: Mapping[str, object], approver: str | None
) -> None:
    """Show price and victims; with an approver commit too."""
    conversation = talk()
    preview: Preview = bench.preview(plan, values)
    conversation.answer(preview=preview.as_dict(), commit=None)
    conversation.report(preview.findings)
    for line in preview.lines():
        conversation.say(line)
    if not preview.ready:
        conversation.failed = True
        return
    if approver is None:
        conversation.note("Nothing is written; --commit --approver NAME does that.")
        return
    settled(bench.commit_edit(preview, approver=approver), approver)


def settled(done: EditCommit, approver: str) -> None:
    """What became of a commit; what was not committed ends in exit code 1."""
    conversation = talk()
    conversation.answer(commit=done.as_dict())
    conversation.report(done.findings)
    for line in done.lines(approver):
        conversation.say(line)
    conversation.failed = conversation.failed or not done.committed


def _json_or_text(value: str | None) -> object:
    """Read a value: JSON where it is a number, true, false or null, else text.

    >>> _json_or_text("12.5"), _json_or_text("PO-1"), _json_or_text("null")
    (12.5, 'PO-1', None)
    """
    import json

    try:
        read: object = json.loads(value) if value is not None else None
    except ValueError:
        return value
    return read
