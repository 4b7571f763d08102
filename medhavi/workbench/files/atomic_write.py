"""Writing a folder or file whole or not at all.

The new one grows beside the old one and takes its place when it is complete: a full
disk, a kill or Ctrl-C leaves the last good version as it was.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from medhavi.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping


@contextmanager
def replaced_folder(
    folder: str | Path,
    ours: Collection[str],
    inside: Mapping[str, Collection[str]] | None = None,
) -> Iterator[Path]:
    """Empty folder to write into; it becomes `folder` at the end.

    Parameters
    ----------
    folder
        Place of the result. It may be absent, empty, or hold an earlier result.
    ours
        Names (without suffix) that an earlier result may hold. Anything else there
        belongs to somebody, and is never deleted.
    inside
        Folders that an earlier result may hold, with the names (without suffix) of the
        files in them, at any depth.

    Raises
    ------
    UsageError
        `folder` is a file or holds something that is not ours.
    """
    target = Path(folder).absolute()
    refuse_foreign(target, ours, inside)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = _beside(target, "part")
    _remove(fresh)
    fresh.mkdir()
    try:
        yield fresh
        _swap(fresh, target)
    finally:
        _remove(fresh)


@contextmanager
def replaced_file(path: str | Path) -> Iterator[Path]:
    """Path to write to; it becomes `path` at the end.

    Raises
    ------
    UsageError
        `path` is a folder.
    """
    target = Path(path).absolute()
    if target.is_dir():
        message = f"{path} is a folder; give the name of a file."
        raise UsageError(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays at the end: writers choose their format by it.
    fresh = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        yield fresh
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def refuse_foreign(
    folder: str | Path,
    ours: Collection[str],
    inside: Mapping[str, Collection[str]] | None = None,
) -> None:
    """Refuse at once what `replaced_folder` would refuse at the end.

    Raises
    ------
    UsageError
        `folder` is a file or holds something that is not ours.
    """
    target, inside = Path(folder).absolute(), inside or {}
    if not target.exists():
        return
    if not target.is_dir():
        message = f"{target} is a file; give the name of a folder."
        raise UsageError(message)
    foreign: list[str] = []
    for entry in target.iterdir():
        if not entry.is_dir():
            foreign += _foreign([entry], ours)
        elif entry.name in inside:
            files = (file for file in entry.rglob("*") if not file.is_dir())
            foreign += _foreign(files, inside[entry.name])
        else:
            foreign.append(entry.name)
    foreign.sort()
    if foreign:
        message = (
            f"{target} holds {foreign[0]}, which is not part of such a result. "
            "Give a new or an empty folder."
        )
        raise UsageError(message)


def _foreign(files: Iterable[Path], ours: Collection[str]) -> list[str]:
    return [file.name for file in files if file.name.split(".")[0] not in ours]


def _beside(target: Path, role: str) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.{role}")


def _swap(fresh: Path, target: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    old = _beside(target, "old")
    _remove(old)
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise
    _remove(old)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
