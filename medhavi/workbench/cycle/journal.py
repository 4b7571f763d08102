"""The journal of the planning cycle: one line per fact, safe against a kill.

A line is written and flushed to the disk before anything else happens. A line that a
kill cut short is not counted, so the journal is always what was finished. One cycle
runs at a time: the lock goes with its process.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from medhavi.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "journal.jsonl"
LOCK = "lock"


class CycleJournal:
    """Facts of all cycles of one lake.

    Parameters
    ----------
    folder
        Where the journal lies; made when first written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self) -> list[dict[str, Any]]:
        """Read all whole lines, oldest first."""
        path = self.folder / FILE
        if not path.is_file():
            return []
        found = []
        for line in path.read_bytes().split(b"\n"):
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # cut short by a kill
            if isinstance(entry, dict):
                found.append(entry)
        return found

    def write(self, **facts: object) -> None:
        """Add one line and put it on the disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / FILE
        line = json.dumps(facts, ensure_ascii=False, default=str).encode() + b"\n"
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    # The rest of a line that a kill cut short stands alone.
                    line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def unfinished(self) -> str | None:
        """Name the newest cycle, if it began and never ended."""
        entries = self.entries()
        newest = next((e for e in reversed(entries) if e.get("event") == "begin"), None)
        if newest is None:
            return None
        ended = any(
            e.get("event") == "end" and e.get("cycle") == newest["cycle"]
            for e in entries
        )
        return None if ended else str(newest["cycle"])

    def last(self, step: str) -> dict[str, Any] | None:
        """Newest time that a step was done."""
        return next(
            (
                entry
                for entry in reversed(self.entries())
                if entry.get("step") == step and entry.get("status") == "done"
            ),
            None,
        )

    def next_number(self) -> str:
        """Name the next cycle."""
        begun = sum(entry.get("event") == "begin" for entry in self.entries())
        return f"{begun + 1:06d}"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other cycles of this lake out.

        Raises
        ------
        UsageError
            Another one runs.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                message = (
                    f"Another cycle of {self.folder} is running. Wait for its end, or "
                    "stop it."
                )
                raise UsageError(message) from error
            yield
