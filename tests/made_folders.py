"""Folders that are made once a process; each test gets a copy of its own."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_made: dict[str, Path] = {}


def copied(key: str, make: Callable[[Path], object], place: Path) -> None:
    """Fill a folder with a copy of what was made under a key.

    Parameters
    ----------
    key
        Name of all that decides what is made.
    make
        Fills an empty folder; called once a process and key.
    place
        Folder of the test.
    """
    if key not in _made:
        folder = _room() / str(len(_made))
        folder.mkdir()
        make(folder)
        _made[key] = folder
    shutil.copytree(_made[key], place, dirs_exist_ok=True)


@cache
def _room() -> Path:
    return Path(tempfile.mkdtemp(prefix="medhavi-made-"))
