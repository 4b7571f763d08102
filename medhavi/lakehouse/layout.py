"""The folder of a lake: where its parts lie, its Delta tables, failures of its disk.

A table states its files as addresses, in which a space, a percent sign or an umlaut of
the folder is written as `%20` and the like; readers of Parquet take them for paths.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from deltalake import DeltaTable  # noqa: TID253 - this module is imported to open one

from medhavi.errors import EnvironmentFailure, NotAvailable

if TYPE_CHECKING:
    from collections.abc import Iterator


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


_LAYERS = frozenset({"bronze", "silver", "gold"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeLayout:
    """Folders of one lake."""

    root: Path

    @property
    def events(self) -> Path:
        """The Delta table of all events."""
        return self.root / "bronze" / "events"

    @property
    def quarantine(self) -> Path:
        """The Delta table of events that are not folded, with their reason."""
        return self.root / "bronze" / "quarantine"

    @property
    def silver(self) -> Path:
        """The folder of tables and checkpoints; may be deleted at any time."""
        return self.root / "silver"

    def gold(self, table: str) -> Path:
        """Folder of one Delta table of gold."""
        return self.root / "gold" / table

    def create(self) -> None:
        """Make the folder for its owner alone; refuse one with other files in it.

        Raises
        ------
        EnvironmentFailure
            The place is a file, or a folder with something else in it.
        """
        with environment("looking for a lake", self.root):
            if not self.root.exists():
                self.root.mkdir(mode=0o700, parents=True)
                return
            foreign = (
                [self.root.name]
                if not self.root.is_dir()
                else sorted(
                    entry.name
                    for entry in self.root.iterdir()
                    if entry.name not in _LAYERS and not entry.name.startswith(".")
                )
            )
        if foreign:
            message = (
                f"{self.root} is not a lake and not empty: it has {foreign[0]!r}. "
                "Choose a new folder, or one that holds only bronze, silver and gold."
            )
            raise EnvironmentFailure(message)

    def check_exists(self) -> None:
        """Refuse to read where no lake is.

        Raises
        ------
        EnvironmentFailure
            Nothing is there, or it has no table of events.
        """
        with environment("looking for a lake", self.root):
            if has_table(self.events):
                return
            there = self.root.exists()
        message = (
            f"{self.root} is not a lake: it has no bronze/events. "
            if there
            else f"There is no lake at {self.root}. "
        )
        remedy = "Make one with: medhavi mirror --from STORE --lake " + str(self.root)
        raise EnvironmentFailure(message + remedy)


def has_table(path: Path) -> bool:
    """Whether a Delta table is there; a log that was only begun is none.

    A kill in the moment of creation leaves an empty log; the next writer makes the
    table in its place.
    """
    return any((path / "_delta_log").glob("[0-9]*"))


def lake_layout(uri: str | Path) -> LakeLayout:
    """Find the folder that a lake's URI names.

    Raises
    ------
    NotAvailable
        Object stores are not built yet.

    Examples
    --------
    >>> lake_layout("file:///data/my%20lake").root.as_posix()
    '/data/my lake'
    """
    text = str(uri)
    if "://" not in text:
        return LakeLayout(root=Path(text))
    parts = urlsplit(text)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"}:
        message = f"{text}: lakes in object stores are not built yet; use a folder or file://."
        raise NotAvailable(message)
    return LakeLayout(root=Path(unquote(parts.path)))


_UNUSABLE = re.compile(r"[\[\]^|\\]|%[0-9A-Fa-f]{2}")
"""In a path: what Delta refuses, and what it reads as another path."""


class LocalTable(DeltaTable):
    """Delta table of a local folder, whose files are named by their paths."""

    @classmethod
    def made(cls, path: Path, schema: Any, **options: Any) -> LocalTable:
        """Open a table, made where there is none; `options` as of `DeltaTable.create`.

        Raises
        ------
        EnvironmentFailure
            The name of the folder has characters that Delta cannot keep.
        """
        odd = _UNUSABLE.search(str(path.absolute()))
        if odd is not None:
            message = (
                f"A lake cannot be kept at {path}: {odd[0]} in the name of a folder is "
                "not read back as written. Use a name without [ ] ^ | \\ and without % "
                "before two hexadecimal digits."
            )
            raise EnvironmentFailure(message)
        if cls.is_deltatable(str(path)):
            return cls(str(path))
        table = cls.create(str(path), schema, mode="ignore", **options)
        return cast("LocalTable", table)

    def file_uris(self, *arguments: Any, **options: Any) -> list[str]:
        """Paths of the files of the table; see `DeltaTable.file_uris`."""
        found: list[str] = super().file_uris(*arguments, **options)
        return [unquote(address) for address in found]
