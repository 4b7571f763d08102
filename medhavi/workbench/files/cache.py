"""Cache of results that no lake keeps: its folder, and plans of finished steps.

A run of mode optimize makes several plans, a front a dozen. Each is written when it is
done; whatever ends the run, the next one of the same tables and settings reads them and
goes on. When a run has come to its end its steps are dropped. What other code made is
never read: the source of the package is part of a name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path

from medhavi.errors import MedhaviError
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import Status
from medhavi.workbench.files.tables_run import write_plan

CACHE_VARIABLE = "MEDHAVI_CACHE"
"""Environment variable that names the folder."""


def cache_folder() -> Path:
    """Folder of results that no lake keeps."""
    usual = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(CACHE_VARIABLE) or Path(usual) / "medhavi")


PACKAGE = Path(__file__).parents[2]
"""Folder of the source that makes steps."""
STEPS = "steps"
MOST_STEPS = 64
"""Plans of steps of runs that never came to their end, the newest."""


class StepCache:
    """Plans of steps under the names that their planner gives them.

    Parameters
    ----------
    resume
        Whether plans of an earlier run are read, beside those of this one.
    """

    def __init__(self, *, resume: bool) -> None:
        self._resume = resume
        self._folder = cache_folder() / STEPS
        self._names: set[str] = set()

    def read(self, name: str) -> Plan | None:
        """Plan that was kept under a name; None: there is none that can be read."""
        place = self._place(name)
        mine = self._resume or name in self._names
        if not (mine and (place / "run.json").is_file()):
            return None
        try:
            found = Plan.from_folder(place)
        except (MedhaviError, OSError, ValueError):
            return None
        self._names.add(name)
        return found

    def keep(self, name: str, plan: Plan) -> None:
        """Keep a plan; a cache that cannot be written keeps nothing."""
        with suppress(MedhaviError, OSError):
            write_plan(plan, self._place(name))
            self._names.add(name)
            known = sorted(self._folder.iterdir(), key=lambda one: one.stat().st_mtime)
            for place in known[:-MOST_STEPS]:
                _drop(place)

    def end(self, status: Status) -> None:
        """Drop the plans of a run that came to its end, not of one that was stopped."""
        for name in self._names if status is not Status.CANCELLED else ():
            _drop(self._place(name))

    def _place(self, name: str) -> Path:
        return self._folder / f"{name}-{source_digest(PACKAGE)}"


@cache
def source_digest(package: Path) -> str:
    """Digest of the source files of a package, by their places and their bytes."""
    digest = hashlib.sha256()
    for file in sorted((*package.rglob("*.py"), *package.rglob("*.toml"))):
        digest.update(f"{file.relative_to(package)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _drop(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
