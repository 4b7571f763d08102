"""Turn what the disk and its libraries raise into one clear message (exit code 4)."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from medhavi.errors import EnvironmentFailure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REMEDIES = (
    (
        ("no space left", "disk quota", "file too large", "os error 28", "os error 27"),
        "The disk is full",
        "Free space and run the command again; the last good version is intact.",
    ),
    (
        ("read-only file system", "os error 30"),
        "The folder is read-only",
        "Choose a lake in a folder that may be written.",
    ),
    (
        ("permission denied", "operation not permitted", "os error 13", "os error 1)"),
        "The folder may not be written or read",
        "Give this user the right to it, or choose another lake.",
    ),
)


@contextmanager
def environment(action: str, path: Path) -> Iterator[None]:
    """Translate failures of storage inside the block; new files are private there.

    Parameters
    ----------
    action
        What is being done, as it stands in the message: "writing bronze events".
    path
        Where it is done.

    Raises
    ------
    EnvironmentFailure
        The disk, the folder or the table cannot be used; programmer errors pass.
    """
    # Both libraries are imported by whoever works in the block; naming their errors
    # here costs nothing more.
    from deltalake.exceptions import DeltaError
    from polars.exceptions import ComputeError

    try:
        with _as_private_as(path):
            yield
    except (OSError, DeltaError, ComputeError) as error:
        raise EnvironmentFailure(_message(action, path, error)) from error


_turn = threading.Lock()
_inside = 0
_usual_mask = 0


@contextmanager
def _as_private_as(path: Path) -> Iterator[None]:
    """Take from new files what the folder, or the nearest that is there, refuses.

    The mask belongs to the process: the last block to end restores it.
    """
    global _inside, _usual_mask  # noqa: PLW0603
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    refused = 0o777 & ~there.stat().st_mode & 0o077
    with _turn:
        before = os.umask(0o077)
        _usual_mask = before if _inside == 0 else _usual_mask
        _inside += 1
        os.umask(before | refused)
    try:
        yield
    finally:
        with _turn:
            _inside -= 1
            if _inside == 0:
                os.umask(_usual_mask)


def _message(action: str, path: Path, error: Exception) -> str:
    text = str(error)
    for needles, reason, remedy in _REMEDIES:
        if any(needle in text.lower() for needle in needles):
            return f"{reason}: {action} at {path} stopped. {remedy}"
    first_line = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    return (
        f"{action.capitalize()} at {path} failed: {first_line} "
        "Check the folder and the disk, then run the command again; "
        "the last good version is intact."
    )
