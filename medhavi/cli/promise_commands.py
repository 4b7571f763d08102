"""The command of the order desk: promise."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.conversation import Conversation, talk
from medhavi.cli.options import (
    JsonOption,
    LakeOption,
    TablesOption,
    existing_tables,
    one_place,
)
from medhavi.errors import UsageError

if TYPE_CHECKING:
    from medhavi.results.promise import Promise
    from medhavi.snapshot import Snapshot

RequestOption = Annotated[
    str, typer.Option("--request", help="JSON, CSV or xlsx file; - reads stdin.")
]
PolicyOption = Annotated[
    str | None,
    typer.Option("--policy", help="Promise policy of requests that name none."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("promise", help="Answer requests: when, how sure, what would help.")(
        promise
    )


def promise(
    request: RequestOption,
    tables: TablesOption = None,
    lake: LakeOption = None,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer every request of a file; a rejection is an answer too."""
    from medhavi.planners.promising.promise_run import answer

    conversation = talk()
    one_place(tables, lake)
    content = request_content(request)
    snapshot = snapshot_of(tables, lake)
    answers = answer(snapshot, content, policy)
    conversation.report(answers.findings)
    show(conversation, answers.promises, snapshot)
    conversation.answer(
        promises=[one.as_dict() for one in answers.promises],
        run=answers.run.as_dict(),
    )


def request_content(place: str) -> bytes:
    """Read the requests.

    Raises
    ------
    UsageError
        There is no such file.
    """
    if place == "-":
        return sys.stdin.buffer.read()
    path = Path(place)
    if not path.is_file():
        message = f"--request {place}: there is no such file. Check the path."
        raise UsageError(message)
    return path.read_bytes()


def snapshot_of(tables: Path | None, lake: str | None) -> Snapshot:
    """Read the tables of a folder, or the head of a lake."""
    if tables is not None:
        from medhavi.workbench.tables_run import read_tables

        return read_tables(existing_tables(tables))
    from medhavi.cli.lake_commands import open_workbench

    return open_workbench(lake).snapshot()


def show(
    conversation: Conversation, promises: tuple[Promise, ...], snapshot: Snapshot
) -> None:
    """Tell each promise in a block, in the local time of where it is delivered."""
    from medhavi.results.promise import block

    places = snapshot["locations"]
    zones = dict(zip(places["location"], places["timezone"], strict=True))
    for one in promises:
        zone = zones.get(str(one.demand.get("location"))) or "UTC"
        conversation.say("\n".join(block(one, zone)))
        conversation.say()
