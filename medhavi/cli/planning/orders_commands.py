"""Commands around orders and exceptions: list, edit, publish, undo, export, review.

An edit states its price and its victims first; it is written on --commit alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from medhavi.cli.command_output import show_measures, show_table, talk
from medhavi.cli.options import (
    ApproverOption,
    CommandGroup,
    LakeOption,
    OptionalApprover,
    PlanMode,
    StoreOption,
    WhyOption,
    existing_plan,
    options_of,
    settings_file,
    signed,
)
from medhavi.errors import UsageError
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Collection

    from medhavi.edits.catalogue import ChangeKind
    from medhavi.edits.parameter import Parameter
    from medhavi.planners.work_orders import OrderParameters
    from medhavi.results.plans.plan import Plan
    from medhavi.workbench import Workbench
    from medhavi.workbench.orders.plan_edit_answers import EditCommit, Preview


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


def export_decisions(
    name: str,
    since: int,
    kind: str,
    out: Path | None,
    place: tuple[str | None, str | None],
) -> None:
    """Write what was decided behind a position, for an ERP.

    Parameters
    ----------
    name
        One of `DECISIONS`: orders, promises.
    place
        Lake and store; with a store the lake follows it first.

    Raises
    ------
    UsageError
        The kind is neither csv nor json, or the position is not in this log.
    """
    from medhavi.workbench.files.atomic_write import replaced_file
    from medhavi.workbench.orders.order_history import outbox
    from medhavi.workbench.promise_desk.promise_records import promise_outbox

    conversation = talk()
    bench = bench_of(*place)
    if place[1] is not None:
        bench.mirror()
    found = {"orders": outbox, "promises": promise_outbox}[name](bench.lake, since)
    text = found.text(kind)
    if out is not None:
        with replaced_file(out) as fresh:
            fresh.write_text(text, "utf-8")
        conversation.say(str(out))
    elif not conversation.as_json:
        conversation.say(text.rstrip("\n"))
    conversation.note(say("decisions_ask_next_since", len(found.rows), str(found.next)))
    conversation.answer(out=out, kind=kind, **found.as_dict())


DECISIONS = ("orders", "promises")
"""What `export` writes besides plans."""


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
    from medhavi.results.reports.work_lists import exception_list

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


SuppliesArgument = Annotated[
    list[str] | None, typer.Argument(help="Orders or proposals.")
]
PlanOption = Annotated[
    Path | None,
    typer.Option("--plan", help="Folder of a plan; default: the one in force."),
]
ModeOption = Annotated[
    PlanMode, typer.Option("--mode", help="How to plan where no plan is given.")
]
RulesOption = Annotated[
    Path | None,
    typer.Option("--settings", help="Firming and priority as TOML."),
]
UnlockedOption = Annotated[
    bool,
    typer.Option("--unlocked", help="The constrained planner may move its dates."),
]
CommitOption = Annotated[
    bool, typer.Option("--commit", help="Write it; without it only price and victims.")
]


class OrdersGroup(TyperGroup):
    """Commands of orders; those of edits are made of their signatures when asked for.

    The catalogue of edits reads tables: no other command waits for that.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands."""
        self._add_edits()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Command of a name."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            return found
        self._add_edits()
        return super().get_command(ctx, cmd_name)

    def _add_edits(self) -> None:
        from medhavi.edits.edit import EDITS

        group = CommandGroup()
        for kind in EDITS.values():
            name = kind.command.replace("_", "-")
            group.command(name, help=kind.meaning)(_command(kind))
        self.commands.update(typer.main.get_group(group).commands)


# ---------------------------------------------------------------------- what all have
@dataclass(frozen=True, slots=True, kw_only=True)
class EditOptions:
    """Options that every edit has."""

    plan: PlanOption = None
    mode: ModeOption = PlanMode.MRP
    reason: WhyOption = None
    commit: CommitOption = False
    approver: OptionalApprover = None
    lake: LakeOption = None
    store: StoreOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityEditOptions(EditOptions):
    """Options of edits that say something in mode constrained alone."""

    mode: ModeOption = PlanMode.CONSTRAINED


def _command(kind: ChangeKind) -> Callable[..., None]:
    """Command with the arguments of a kind of edit, then the options of all edits."""
    options = CapacityEditOptions if kind.event == "rows" else EditOptions
    of_all = options_of(options)
    stated = kind.parameters.values()
    own = [one for parameter in stated for one in _options_of(parameter)]
    if kind.name == "firm":
        own = options_of(_firm)[1:]

    def run(**given: Any) -> None:
        common = options(**{one.name: given.pop(one.name) for one in of_all})
        if kind.name == "firm":
            _firm(common, **given)
            return
        read: dict[str, Any] = {"kind": kind.name, "reason": common.reason}
        read |= {one.name: _stated(one, given) for one in stated}
        from medhavi.edits.edit import edit

        # What is wrong in the call is said before anything is planned.
        edit(**read)
        edited(read, common)

    return signed(run, [*own, *of_all])


_TYPES: Mapping[str, Any] = {"number": float, "flag": bool, "numbers": list[float]}
_LISTS = ("key", "cells", "rows", "edits", "texts")


def _options_of(stated: Parameter) -> Iterator[inspect.Parameter]:
    """Options by which an argument of an edit is stated; of an order, its id."""
    from medhavi.edits.parameter import flag

    name = stated.option_name
    asked = _TYPES.get(stated.type, list[str] if stated.type in _LISTS else str)
    for _, option, meaning in stated.columns or (("", name, stated.meaning),):
        words = flag(option)
        default: Any = inspect.Parameter.empty if stated.required else None
        of_type: Any = (
            str if stated.columns else asked if stated.required else asked | None
        )
        if stated.name == "supply":
            about: Any = typer.Argument(help=meaning)
        elif option.startswith("!"):
            about, of_type, default = typer.Option(words, help=meaning), bool, False
        elif stated.type == "flag":
            about = typer.Option(f"{words}/--no-{option}", help=meaning)
        else:
            about = typer.Option(words, help=meaning)
        yield inspect.Parameter(
            option.removeprefix("!"),
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=Annotated[of_type, about],
        )


def _stated(stated: Parameter, given: Mapping[str, Any]) -> Any:
    """Value of an argument of an edit from the options that state it."""
    from medhavi.edits.parameter import read_word

    if stated.columns:
        return {column: given[option] for column, option, _ in stated.columns}
    option = stated.option_name
    value = given[option.removeprefix("!")]
    if option.startswith("!"):
        return not value
    if stated.type == "key":
        pairs = [entry.partition("=") for entry in value or ()]
        if any(not middle for _, middle, _ in pairs):
            message = "--key names a row like --key product=A."
            raise UsageError(message)
        return {name: text for name, _, text in pairs}
    if stated.type in _LISTS:
        return [read_word(one) for one in value or ()]
    if stated.type == "cell" and value is not None:
        return read_word(value)
    return value


def _firm(
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
            talk().say(say("no_rule_firms_a"))
            talk().answer(preview=None, commit=None)
            return
    from medhavi.workbench.orders.plan_editing import firming_of

    values = firming_of(names, lock=not unlocked, reason=options.reason)
    _edit(bench, made, values, options)


# -------------------------------------------------------------------------- shared
def bench_of(lake: str | None, store: str | None) -> Workbench:
    """Open the named workspace, else that of the surroundings."""
    from medhavi.cli.lake_commands import open_workbench

    return open_workbench(lake, store)


def plan_of(bench: Workbench, folder: Path | None, mode: PlanMode) -> Plan:
    """Read the plan of a folder, else the plan in force, which pages show."""
    if folder is None:
        bench.mirror()
        return bench.plan_in_force(mode=str(mode))
    from medhavi.results.plans.plan import Plan

    return Plan.from_folder(existing_plan(folder))


def parameters_of(path: Path | None) -> OrderParameters:
    """Read how orders are handled; no file: the defaults."""
    from medhavi.planners.work_orders import OrderParameters

    return OrderParameters.from_mapping(settings_file(path))


def _opened(options: EditOptions) -> tuple[Workbench, Plan]:
    """Open the workspace and its plan; refuse a commit by nobody before any work."""
    if options.commit and not (options.approver or "").strip():
        message = "--commit needs --approver: an edit is confirmed by somebody."
        raise UsageError(message)
    bench = bench_of(options.lake, options.store)
    return bench, plan_of(bench, options.plan, options.mode)


def edited(values: Mapping[str, object], options: EditOptions) -> None:
    """Show price and victims of an edit; commit it where that is asked for."""
    _edit(*_opened(options), values, options)


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
        conversation.note(say("nothing_is_written_commit"))
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


def figures(
    lake: LakeOption = None,
    kind: Annotated[
        str, typer.Option("--kind", help="work, purchase or transfer.")
    ] = "work",
) -> None:
    """Key figures of orders, from the log: cycle times, throughput, variances."""
    show_measures(bench_of(lake, None).order_figures(kind))
