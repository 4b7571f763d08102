"""The shape of the source tree: one concept a module, names that say something."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from tests.source_outline import outline
from tools.size import PROMISING, longest_chain, modules

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "medhavi").rglob("*.py"))
BESIDE = sorted(
    path
    for one in ("benchmarks", "tests", "tools")
    for path in (ROOT / one).rglob("*.py")
)
NOTEBOOKS = sorted([*ROOT.glob("notebooks/*.py"), *ROOT.glob("apps/*.py")])
LONGEST = 600
"""Lines at which a module is looked at again: it may hold two concepts."""
LONGEST_NOTEBOOK = 210
MOST_FILES = 16
EMPTY_VERBS = {"Give", "Tell", "Say", "Let"}
"""Verbs that say nothing of the thing or the work."""
FORBIDDEN_NAMES = {"utils", "helpers", "common", "core", "base", "misc"}


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_no_module_is_longer_than_600_lines():
    too_long = {
        str(p.relative_to(ROOT)): lines(p) for p in MODULES if lines(p) > LONGEST
    }
    assert too_long == {}


def test_no_name_of_a_module_is_stated_twice():
    """The second value holds for what was written for the first one too."""
    twice = {}
    for path in MODULES:
        named = Counter(
            target.id
            for one in ast.parse(path.read_text("utf-8")).body
            if isinstance(one, ast.Assign | ast.AnnAssign) and one.value is not None
            for target in (one.targets if isinstance(one, ast.Assign) else [one.target])
            if isinstance(target, ast.Name) and target.id != "_"
        )
        if many := [name for name, times in named.items() if times > 1]:
            twice[str(path.relative_to(ROOT))] = many
    assert twice == {}


def test_no_folder_holds_more_than_16_files():
    """A folder that holds more has several concepts, each with a room of its own."""
    counts = Counter(path.parent.relative_to(ROOT) for path in MODULES)
    assert {str(at): n for at, n in counts.items() if n > MOST_FILES} == {}


def test_promising_has_few_modules_in_short_chains():
    """Package markers count; a chain is one of imports at run time."""
    promising = [name for name in modules() if name.startswith(PROMISING)]
    assert len(promising) <= 30
    assert longest_chain(promising) <= 9


def test_docstrings_begin_with_the_thing_or_the_work():
    """The first line is a noun phrase or an imperative that names what is done."""
    found = [
        f"{path.relative_to(ROOT)}:{one.name}"
        for path in [*MODULES, *BESIDE, *NOTEBOOKS]
        for one in outline(path).definitions
        if one.doc.split(" ")[0] in EMPTY_VERBS
    ]
    assert found == []


def test_no_notebook_is_longer_than_210_lines():
    too_long = {
        p.name: lines(p)
        for p in NOTEBOOKS
        if lines(p) > LONGEST_NOTEBOOK and p.parent.name == "notebooks"
    }
    assert too_long == {}


def test_no_module_is_named_after_nothing():
    names = {
        part for p in MODULES for part in p.relative_to(ROOT).with_suffix("").parts
    }
    assert names & FORBIDDEN_NAMES == set()


def test_every_module_says_what_it_is_for():
    silent = [str(p.relative_to(ROOT)) for p in MODULES if outline(p).doc is None]
    assert silent == []


def test_nothing_is_left_to_do():
    mark = re.compile(r"\b(TODO|FIXME|XXX)\b")
    found = [
        str(p.relative_to(ROOT))
        for p in [*MODULES, *NOTEBOOKS]
        if mark.search(p.read_text("utf-8"))
    ]
    assert found == []


SEAM = {
    "units",
    "errors",
    "findings",
    "schema",
    "snapshot",
    "results",
    "scenarios",
    "cli",
}
"""Packages that tests may speak to beside `tests.api`: what goes in and comes out."""


def test_at_least_half_of_the_tests_speak_to_the_seam():
    """Tests of behaviour outlive a change inside: they import no planner's module."""
    counts = Counter[bool]()
    for path in (ROOT / "tests").rglob("test_*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        named = {node.module for node in nodes if isinstance(node, ast.ImportFrom)} | {
            a.name for node in nodes if isinstance(node, ast.Import) for a in node.names
        }
        parts = [name.split(".") for name in named if name and name != "medhavi"]
        inner = any(p[0] == "medhavi" and p[1] not in SEAM for p in parts)
        counts[inner] += sum(
            isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
            for node in nodes
        )
    assert counts[False] >= counts[True], counts
