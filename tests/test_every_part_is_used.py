"""What is declared is used: columns, findings, remedies and commands."""

from __future__ import annotations

import inspect
import re
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

from typer.models import ParameterInfo

from medhavi.cli.application import COMMANDS, GROUPS
from medhavi.results.limiter import Limiter
from medhavi.schema import tables

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "medhavi"


@cache
def words(*folders: str) -> frozenset[str]:
    """Words of the code of some folders of the package, all but what declares."""
    rooms = [PACKAGE / name for name in folders] or [PACKAGE]
    files = [path for room in rooms for path in room.rglob("*.py")]
    files += [path for room in rooms for path in room.rglob("like_rows.toml")]
    code = [path for path in files if PACKAGE / "demo" not in path.parents]
    return frozenset(re.findall(r"\w+", " ".join(p.read_text("utf-8") for p in code)))


def test_some_code_reads_each_column():
    """A column that nobody reads is a promise that nobody keeps."""
    columns = [(t.name, c) for t in tables().values() for c in t.columns]
    assert [pair for pair in columns if pair[1] not in words()] == []


def test_some_code_notices_each_finding():
    files = (PACKAGE / "findings").glob("*.toml")
    codes = {code for path in files for code in tomllib.loads(path.read_text("utf-8"))}
    assert codes - words() == set()


def test_some_planner_proposes_each_remedy_of_a_reason_that_is_given():
    given = {kind for one in Limiter if one.entry.emitters for kind in one.remedies}
    proposed = words("planners", "edits")
    assert {kind for kind in given if kind.name not in proposed} == set()


def test_each_function_with_options_is_a_command():
    listed = {
        *COMMANDS.values(),
        *(c for _, _, group in GROUPS for c in group.values()),
    }
    left_out = []
    for path in (PACKAGE / "cli").rglob("*_commands.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for verb, one in inspect.getmembers(import_module(name), inspect.isfunction):
            own = one.__module__ == name and not verb.startswith("_")
            if own and one not in listed and has_options(one):
                left_out.append(f"{name}.{verb}")
    assert left_out == []


def has_options(function):
    """Whether a function has parameters that a command line fills."""
    try:
        hints = get_type_hints(function, include_extras=True).values()
    except NameError:  # names of types alone: no program can read its parameters
        return False
    return any(
        isinstance(one, ParameterInfo)
        for hint in hints
        for one in getattr(hint, "__metadata__", ())
    )
