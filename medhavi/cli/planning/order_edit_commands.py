"""Commands that edit orders: price and victims first, written only on --commit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

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
    for name, edit, text in (
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
        group.command(name, help=text)(_command(edit))


# ---------------------------------------------------------------------- what all have
@dataclass(frozen=True, slots=True, kw_only=True)
class EditOptions:
    """Options that every edit has."""

    plan: PlanOption = None
    mode: ModeOption = OrderMode.MRP
    reason: ReasonOption = None
    commit: CommitOption = False
    approver: ApproverOption = None
    lake: LakeOption = None
    store: StoreOption = None
    as_json: JsonOption = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityEditOptions(EditOptions):
    """Options of edits that say something in mode constrained alone."""

    mode: ModeOption = OrderMode.CONSTRAINED


def _command(edit: Callable[..., None]) -> Callable[..., None]:
    """Command with the options of an edit, then those of all edits.

    Parameters
    ----------
    edit
        Takes the options of all edits first, then its own by name.
    """
    options, *own = _parameters(edit)
    of_all = _parameters(options.annotation)

    def run(**given: Any) -> None:
        shared = {one.name: given.pop(one.name) for one in of_all}
        edit(options.annotation(**shared), **given)

    parameters = [
        one.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD)
        for one in (*own, *of_all)
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _parameters(of: Callable[..., object]) -> list[inspect.Parameter]:
    """Parameters with their types and options."""
    hints = get_type_hints(of, include_extras=True)
    return [
        one.replace(annotation=hints[one.name])
        for one in inspect.signature(of).parameters.values()
    ]


# --------------------------------------------------------------------------- edits
def firm(
    options: EditOptions,
    supplies: SuppliesArgument = None,
    automatic: Annotated[
        bool, typer.Option("--automatic", help="What the rules firm now.")
    ] = False,
    settings: RulesOption = None,
    unlocked: UnlockedOption = False,
) -> None:
    """Firm the named proposals, or with --automatic what the rules firm."""
    names = list(supplies or ())
    if bool(names) == automatic:
        message = "firm: name proposals, or give --automatic with --settings."
        raise UsageError(message)
    bench, made = _opened(options)
    if automatic:
        advice = bench.advice(made, parameters_of(settings))
        names = [one.supply for one in advice if one.action == "firm"]
        if not names:
            talk().say("No rule firms a proposal now.")
            talk().answer(preview=None, commit=None)
            return
    values = {
        "kind": "firm", "supply": names[0], "also": names[1:],
        "lock": not unlocked, "reason": options.reason,
    }  # fmt: skip
    _edit(bench, made, values, options)


def release(options: EditOptions, supply: SupplyArgument) -> None:
    """Release a firm order."""
    _one(options, kind="release", supply=supply)


def move(
    options: EditOptions,
    supply: SupplyArgument,
    due: Annotated[
        str | None, typer.Option("--due", help="When it is to be in stock.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", help="When it is to begin.")
    ] = None,
    unlocked: UnlockedOption = False,
) -> None:
    """Move an order; of due and start one is enough."""
    dates = {"due": due, "start": start}
    _one(options, kind="move", supply=supply, lock=not unlocked, **dates)


def split(
    options: EditOptions,
    supply: SupplyArgument,
    part: Annotated[
        list[float], typer.Option("--part", help="Quantity of a part; twice or more.")
    ],
    unlocked: UnlockedOption = False,
) -> None:
    """Split an order into parts that add up to it."""
    _one(options, kind="split", supply=supply, parts=part, lock=not unlocked)


def change_qty(
    options: EditOptions,
    supply: SupplyArgument,
    qty: Annotated[
        float, typer.Option("--qty", help="New quantity; work orders: units started.")
    ],
    unlocked: UnlockedOption = False,
) -> None:
    """Change the quantity of an order."""
    _one(options, kind="change_qty", supply=supply, qty=qty, lock=not unlocked)


def change_source(
    options: EditOptions,
    supply: SupplyArgument,
    source: Annotated[
        str, typer.Option("--source", help="Routing, supplier, lane or origin.")
    ],
    unlocked: UnlockedOption = False,
) -> None:
    """Change where an order comes from."""
    lock = not unlocked
    _one(options, kind="change_source", supply=supply, source=source, lock=lock)


def cancel(options: EditOptions, supply: SupplyArgument) -> None:
    """Cancel an order."""
    _one(options, kind="cancel", supply=supply)


def override(
    options: EditOptions,
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
) -> None:
    """Override a cell of a planning table, or several in one edit."""
    pairs = [entry.partition("=") for entry in key]
    if any(not middle for _, middle, _ in pairs):
        message = "--key names a row like --key product=A."
        raise UsageError(message)
    values = {
        "kind": "override", "table": table, "column": column,
        "key": {name: text for name, _, text in pairs}, "value": _json_or_text(value),
        "cells": [_json_or_text(cell) for cell in also or ()],
        "valid_from": valid_from, "valid_to": valid_to,
    }  # fmt: skip
    _one(options, **values)


def change_setup(
    options: CapacityEditOptions,
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
) -> None:
    """Edit one cell of a changeover matrix."""
    key = {"matrix": matrix, "from_family": before, "to_family": after}
    _one(options, kind="changeover", key=key, value=minutes, cleaning=cleaning)


def add_rows(
    options: CapacityEditOptions,
    row: Annotated[
        list[str],
        typer.Option("--row", help='JSON: {"table": …, "row": {column: value}}.'),
    ],
) -> None:
    """Add rows to tables of master data: one more unit, a departure, an alternate."""
    _one(options, kind="add_rows", rows=[_json_or_text(one) for one in row])


# -------------------------------------------------------------------------- shared
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


def _opened(options: EditOptions) -> tuple[Workbench, Plan]:
    """Open the workspace and its plan; refuse a commit by nobody before any work."""
    if options.commit and not (options.approver or "").strip():
        message = "--commit needs --approver: an edit is confirmed by somebody."
        raise UsageError(message)
    bench = bench_of(options.lake, options.store)
    return bench, plan_of(bench, options.plan, options.mode)


def _one(options: EditOptions, **stated: Any) -> None:
    from medhavi.planners.work_orders.order_edit import edit

    values = {**stated, "reason": options.reason}
    # What is wrong in the call is said before anything is planned.
    edit(**values)
    bench, made = _opened(options)
    _edit(bench, made, values, options)


def _edit(
    bench: Workbench, plan: Plan, values: Mapping[str, object], options: EditOptions
) -> None:
    """Show price and victims; with an approver commit too."""
    approver = options.approver if options.commit else None
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
