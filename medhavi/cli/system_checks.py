"""What `medhavi doctor` looks at: Python, packages, disk, memory, lake, browser."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from medhavi import __version__

State = Literal["ok", "missing", "optional", "unknown"]
LEAST_FREE_GB = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCheck:
    """One thing that was looked at.

    `missing` stops work and ends in exit code 4; `optional` only takes something away.
    """

    name: str
    state: State
    detail: str

    def as_dict(self) -> dict[str, str]:
        """JSON form."""
        return {"name": self.name, "state": self.state, "detail": self.detail}


def examine(lake: str | None) -> list[SystemCheck]:
    """Look at everything; nothing is changed and nothing is downloaded."""
    looks: list[Callable[[], SystemCheck]] = [
        _python,
        _packages,
        _numba,
        _processors,
        _disk,
        lambda: _lake(lake),
        lambda: _permissions(lake),
        _chromium,
        _public_data,
    ]
    return [look() for look in looks]


def _python() -> SystemCheck:
    version = ".".join(str(part) for part in sys.version_info[:3])
    good = sys.version_info >= (3, 11)
    detail = f"{version} at {sys.executable}; Medhavi {__version__}"
    return SystemCheck(name="Python", state="ok" if good else "missing", detail=detail)


def _packages() -> SystemCheck:
    """Compare what the project asks for with what is installed."""
    try:
        wanted = metadata.requires("medhavi") or []
    except metadata.PackageNotFoundError:
        detail = "medhavi itself is not installed; run `make setup`"
        return SystemCheck(name="packages", state="missing", detail=detail)
    names = [_bare(line) for line in wanted if "extra ==" not in line]
    absent = [name for name in names if not _installed(name)]
    if absent:
        detail = f"not installed: {', '.join(absent)}; run `make setup`"
        return SystemCheck(name="packages", state="missing", detail=detail)
    return SystemCheck(
        name="packages", state="ok", detail=f"all {len(names)} are installed"
    )


def _bare(requirement: str) -> str:
    """Cut a requirement down to its name.

    >>> _bare("marimo[sql]==0.25.2")
    'marimo'
    """
    for place, letter in enumerate(requirement):
        if not (letter.isalnum() or letter in "-_."):
            return requirement[:place]
    return requirement


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _numba() -> SystemCheck:
    if _installed("numba"):
        detail = f"{metadata.version('numba')}: compiled kernels can be used"
        return SystemCheck(name="numba", state="ok", detail=detail)
    detail = "not installed (extra `fast`); kernels run uncompiled"
    return SystemCheck(name="numba", state="optional", detail=detail)


def _processors() -> SystemCheck:
    usable = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    detail = f"{usable} processors, {memory:.1f} GB of memory"
    return SystemCheck(name="machine", state="ok", detail=detail)


def _disk() -> SystemCheck:
    free = shutil.disk_usage(Path.cwd()).free / 1024**3
    detail = f"{free:.1f} GB free in {Path.cwd()}"
    return SystemCheck(
        name="disk", state="ok" if free >= LEAST_FREE_GB else "missing", detail=detail
    )


def _lake(lake: str | None) -> SystemCheck:
    place = lake or os.environ.get("MEDHAVI_LAKE")
    if place is None:
        detail = "none named (--lake or MEDHAVI_LAKE); `medhavi demo` makes one"
        return SystemCheck(name="lake", state="optional", detail=detail)
    if "://" in place:
        return SystemCheck(
            name="lake", state="unknown", detail=f"{place} is not looked at"
        )
    folder = Path(place)
    if not folder.is_dir():
        detail = f"{place} is not there; `medhavi mirror --lake {place}` makes it"
        return SystemCheck(name="lake", state="missing", detail=detail)
    if not os.access(folder, os.W_OK):
        detail = f"{place} cannot be written to; change its permissions"
        return SystemCheck(name="lake", state="missing", detail=detail)
    return SystemCheck(name="lake", state="ok", detail=place)


def _permissions(lake: str | None) -> SystemCheck:
    """Name what other users of the machine may read or write of a workspace."""
    store = os.environ.get("MEDHAVI_STORE", "").removeprefix("sqlite:///")
    named = (lake or os.environ.get("MEDHAVI_LAKE"), store)
    places = [Path(one) for one in named if one and Path(one).exists()]
    beside = {place.parent / "events.db" for place in places if place.is_dir()}
    wide = [
        f"{place} ({place.stat().st_mode & 0o777:o})"
        for place in sorted({*places, *(one for one in beside if one.exists())})
        if place.stat().st_mode & 0o077 and not _closed_above(place)
    ]
    if not places:
        return SystemCheck(
            name="permissions", state="optional", detail="no workspace named"
        )
    if wide:
        detail = (
            f"other users of this machine can read {', '.join(wide)}; "
            "`chmod -R go-rwx` closes them"
        )
        return SystemCheck(name="permissions", state="optional", detail=detail)
    detail = "the workspace is open to its owner alone"
    return SystemCheck(name="permissions", state="ok", detail=detail)


def _closed_above(place: Path) -> bool:
    """Whether a folder above lets nobody else through."""
    return any(not folder.stat().st_mode & 0o011 for folder in place.resolve().parents)


def _chromium() -> SystemCheck:
    place = (
        os.environ.get("CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if place is None:
        detail = "not found; browser tests skip. `apt-get install chromium`"
        return SystemCheck(name="Chromium", state="optional", detail=detail)
    return SystemCheck(name="Chromium", state="ok", detail=place)


def _public_data() -> SystemCheck:
    place = os.environ.get("MEDHAVI_PUBLIC_DATA")
    if place is None:
        detail = "MEDHAVI_PUBLIC_DATA is not set; tests on public data skip"
        return SystemCheck(name="public data", state="optional", detail=detail)
    state: State = "ok" if Path(place).is_dir() else "missing"
    return SystemCheck(name="public data", state=state, detail=place)
