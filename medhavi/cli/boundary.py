"""The one place where failures become exit codes and messages without a traceback.

0 ok (warnings allowed), 1 errors in the data or no feasible answer, 2 usage,
3 interrupted or ended at a limit, 4 environment: store, lake, disk.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

from medhavi.cli.command_output import CommandOutput, talk
from medhavi.errors import MedhaviError
from medhavi.progress import Progress
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.lakehouse.log.mirror import MirrorReport
    from medhavi.workbench import Workbench


DATA, USAGE, INTERRUPTED, ENVIRONMENT = 1, 2, 3, 4
INTERRUPT_EXIT = 130
"""What typer answers for Ctrl-C; the shell's convention, not ours."""

_FULL_DISK = (
    "no space left",
    "os error 28",
    "disk quota",
    "disk is full",
    "file too large",
)
_FULL_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED_NUMBERS = (errno.EACCES, errno.EPERM, errno.EROFS)
_FORBIDDEN = (
    "permission denied",
    "os error 13",
    "read-only file system",
    "os error 30",
)
_LOCKED = ("database is locked", "readonly database", "unable to open database")


def guarded(conversation: CommandOutput, command: Callable[[], object]) -> int:
    """Run a command and give its exit code; say what went wrong, where, what to do."""
    from typer.exceptions import Abort, TyperException

    try:
        code = command()
    except (KeyboardInterrupt, Abort):
        code = INTERRUPT_EXIT
    except TyperException as failure:
        return _usage(conversation, failure)
    except MedhaviError as failure:
        return _expected(conversation, failure)
    except Exception as failure:  # noqa: BLE001 - the boundary takes them all
        return _unexpected(conversation, failure)
    if code == INTERRUPT_EXIT:
        message = "Interrupted; files that were complete before are as they were."
        _fail(conversation, "interrupted", message)
        return INTERRUPTED
    if isinstance(code, int) and code != 0:
        return code
    return DATA if conversation.failed else 0


def _usage(conversation: CommandOutput, failure: Exception) -> int:
    context = getattr(failure, "ctx", None)
    if context is not None and not str(failure):
        conversation.note(context.get_help())
        return USAGE
    hint = f" See `{context.command_path} --help`." if context is not None else ""
    text = getattr(failure, "format_message", failure.__str__)()
    _fail(conversation, "usage", f"{text}{hint}")
    return USAGE


def _expected(conversation: CommandOutput, failure: MedhaviError) -> int:
    findings = getattr(failure, "findings", None)
    if findings:
        conversation.report(findings)
        _fail(conversation, "bad_data", summary(conversation))
    else:
        _fail(conversation, _kind(failure), str(failure))
    return failure.exit_code


def _unexpected(conversation: CommandOutput, failure: Exception) -> int:
    reason = environment_reason(failure)
    if reason is not None:
        _fail(conversation, "environment", reason)
        return ENVIRONMENT
    if os.environ.get("MEDHAVI_DEBUG"):
        conversation.note("".join(traceback.format_exception(failure)))
    message = (
        f"Medhavi failed in a way it should not: {type(failure).__name__}: {failure}. "
        "Set MEDHAVI_DEBUG=1 to see where, and report it."
    )
    _fail(conversation, "defect", message)
    return DATA


def environment_reason(failure: Exception) -> str | None:
    """What of the surroundings failed, or None where they are not to blame.

    Libraries below (Arrow, Delta, SQLite) wrap the system's error in their own types,
    so the text is looked at as well as the number.
    """
    text = str(failure).lower()
    number = getattr(failure, "errno", None)
    place = getattr(failure, "filename", None)
    where = f" ({place})" if place else ""
    full = number in _FULL_NUMBERS or any(mark in text for mark in _FULL_DISK)
    closed = number in _CLOSED_NUMBERS or any(mark in text for mark in _FORBIDDEN)
    reasons = {
        say("the_disk_is_full", where): full,
        say("writing_or_reading_is", where, failure): closed,
        say("the_database_cannot_be", where, failure): any(
            mark in text for mark in _LOCKED
        ),
        say("memory_is_not_enough"): isinstance(failure, MemoryError),
        say("the_system_refused", where, failure): isinstance(failure, OSError)
        or "os error" in text,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def summary(conversation: CommandOutput) -> str:
    """Count the findings by severity."""
    counts: dict[str, int] = {}
    for finding in conversation.findings:
        counts[str(finding.severity)] = counts.get(str(finding.severity), 0) + 1
    parts = [
        f"{counts[name]} {name}{'s' if counts[name] > 1 else ''}"
        for name in ("error", "warning", "info")
        if name in counts
    ]
    return say("the_data_has", ", ".join(parts)) if parts else say("the_data_has_no")


def _kind(failure: MedhaviError) -> str:
    name = type(failure).__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")


def _fail(conversation: CommandOutput, kind: str, message: str) -> None:
    conversation.answer(error={"kind": kind, "message": message})
    conversation.note(f"medhavi: {message}")


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Question: whether somebody asked for the end (Ctrl-C or SIGTERM).

    What is under way may be finished; whoever asks twice is not kept waiting.
    """
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            signal.default_int_handler(number, frame)
        asked.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_if_cancelled(status: str, kept: str) -> None:
    """End with the code of an interruption where one cut the work short.

    Parameters
    ----------
    kept
        What there is all the same, for people.

    Raises
    ------
    typer.Exit
        The status is cancelled.
    """
    from typer import Exit

    if str(status) == "cancelled":
        talk().note(f"interrupted: {kept}")
        raise Exit(INTERRUPTED)


def follow_store(workbench: Workbench) -> MirrorReport:
    """Mirror until interrupted; tell each batch, and when the store is away."""
    from medhavi.lakehouse.log.mirror import follow

    observe = talk().progress
    store = workbench.store
    with interruption() as cancelled:
        mirror = partial(workbench.lake.mirror, store, observe, cancelled)
        observe(Progress(say("following_the_store_ctrl")))
        return follow(mirror, store, cancelled=cancelled, observe=observe)
