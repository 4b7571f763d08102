"""Commands about facts of the log: void, correct, audit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medhavi.cli.command_output import talk
from medhavi.cli.data.lake_commands import open_workbench
from medhavi.cli.options import JsonOption, LakeOption, StoreOption, instant
from medhavi.cli.unavailable_commands import refusing
from medhavi.errors import UsageError

if TYPE_CHECKING:
    import datetime as dt

    from medhavi.workbench import Workbench

EventArgument = Annotated[str, typer.Argument(help="Id of the event, or its position.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for people.")]
ApproverOption = Annotated[str, typer.Option("--approver", help="Who confirms it.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(
        name="events",
        help="Facts of the log: void one, correct one.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("void", help="Take a fact out for good; the log keeps both.")(void)
    group.command("correct", help="Replace a fact; the log keeps both.")(correct)
    app.add_typer(group)
    audits = typer.Typer(
        name="audit",
        help="Check the log: nothing missing, nothing twice, everything readable.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    audits.command("verify", help="Name everything that is wrong with a store.")(verify)
    refusing(audits, "why", "audit why", "the history of one order")
    app.add_typer(audits)


def verify(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Check positions, revisions, ids, categories and payloads of all events."""
    from medhavi.events import audit

    conversation = talk()
    found = audit.verify(open_workbench(None, store).store)
    conversation.report(found)
    if not found:
        conversation.say("Nothing is missing, nothing is twice, all can be read.")
    conversation.answer(faults=len(found))


def void(
    event: EventArgument,
    reason: ReasonOption,
    approver: ApproverOption,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Append EventVoided. Decisions, voids and corrections cannot be voided."""
    conversation = talk()
    made = open_workbench(lake, store).void_event(
        event, reason=reason, approver=approver
    )
    conversation.say(f"Event {event} counts no more; the void is event {made}.")
    conversation.answer(event=event, voided_by=made)


def correct(
    event: EventArgument,
    reason: ReasonOption,
    approver: ApproverOption,
    fields: Annotated[
        list[str] | None,
        typer.Option("--set", help="FIELD=VALUE of the payload; empty: absent."),
    ] = None,
    payload: Annotated[
        Path | None,
        typer.Option("--payload", help="JSON file with the whole payload."),
    ] = None,
    occurred_at: Annotated[
        str | None, typer.Option("--occurred-at", help="When it took effect.")
    ] = None,
    lake: LakeOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Append EventCorrected. The payload must fit the type of the event."""
    conversation = talk()
    bench = open_workbench(lake, store)
    made = bench.correct_event(
        event,
        reason=reason,
        approver=approver,
        payload=None if payload is None else _object(payload),
        fields=dict(_field(text) for text in fields or ()),
        occurred_at=_moment(occurred_at, bench),
    )
    conversation.say(f"Event {event} is corrected by event {made}.")
    conversation.answer(event=event, corrected_by=made)


def _moment(text: str | None, bench: Workbench) -> dt.datetime | None:
    """Read --occurred-at; a date without a time is the begin of the company's day."""
    from medhavi.snapshot.reading.cells import is_day

    dated = text is not None and is_day(text.strip())
    zone = bench.snapshot().local_days.company if dated else "UTC"
    return instant(text, "--occurred-at", zone)


def _object(place: Path) -> dict[str, Any]:
    import msgspec

    try:
        return msgspec.json.decode(place.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        message = f"--payload {place}: {error}. It must be a file with a JSON object."
        raise UsageError(message) from None


def _field(text: str) -> tuple[str, Any]:
    """Read FIELD=VALUE; what is no JSON is a text, what is empty is absent."""
    import msgspec

    name, equals, value = text.partition("=")
    if not name or not equals:
        message = f"--set {text!r}: write FIELD=VALUE, such as qty=40."
        raise UsageError(message)
    if not value:
        return name, None
    try:
        return name, msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return name, value
