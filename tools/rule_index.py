"""The index of rules: which function decides each, who checks it, which tests show it.

The rules stand in docs/rules.toml; tests are found by their requirement marks, by the
modules that they import, and where the rule names them.
"""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
SEAM = "tests.api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """A function that decides a rule, as `module:qualified name`, and for whom."""

    function: str
    purpose: str

    @property
    def module(self) -> str:
        """Dotted name of its module."""
        return self.function.partition(":")[0]

    @property
    def name(self) -> str:
        """Qualified name within the module."""
        return self.function.partition(":")[2]

    @property
    def path(self) -> Path:
        """File of its module."""
        place = ROOT / self.module.replace(".", "/")
        # A folder of that name may hold nothing but bytecode of modules that are gone.
        package = place / "__init__.py"
        return package if package.is_file() else place.with_suffix(".py")

    def exists(self) -> bool:
        """Whether its module defines it, read from the source without importing."""
        if not self.path.is_file():
            return False
        body = ast.parse(self.path.read_text("utf-8")).body
        found: list[ast.FunctionDef | ast.ClassDef] = []
        for part in self.name.split("."):
            found = [
                node
                for node in body
                if isinstance(node, ast.FunctionDef | ast.ClassDef)
                and node.name == part
            ]
            if not found:
                return False
            body = found[-1].body
        return bool(found) and isinstance(found[-1], ast.FunctionDef)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Entry of docs/rules.toml; see its first lines."""

    id: str
    name: str
    words: str
    decided: tuple[Decider, ...]
    writings: int = 1
    also: str = ""
    checked: Decider | None = None
    req: tuple[str, ...] = ()
    stories: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()

    @property
    def functions(self) -> tuple[Decider, ...]:
        """Functions that decide or check it."""
        return (*self.decided, *([self.checked] if self.checked else []))


@cache
def rules() -> tuple[Rule, ...]:
    """Rules of docs/rules.toml in their order."""
    document = tomllib.loads((ROOT / "docs" / "rules.toml").read_text("utf-8"))
    return tuple(_rule(row) for row in document["rule"])


def _rule(row: Mapping[str, Any]) -> Rule:
    decided = tuple(
        Decider(function=one["function"], purpose=one.get("for", ""))
        for one in row["decided"]
    )
    checked = row.get("checked")
    lists = {name: tuple(row.get(name, ())) for name in ("req", "stories", "tests")}
    return Rule(
        id=row["id"],
        name=row["name"],
        words=row["words"],
        decided=decided,
        writings=row.get("writings", 1),
        also=row.get("also", ""),
        checked=Decider(function=checked, purpose="") if checked else None,
        **lists,
    )


@cache
def _imports() -> Mapping[str, frozenset[tuple[str, str]]]:
    """Test file → (module, name) of what it imports, itself or by tests/api.py."""
    seam = {
        name: (module, name) for module, name in _imported(ROOT / "tests" / "api.py")
    }
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        pairs = {
            seam.get(name, (module, name)) if module == SEAM else (module, name)
            for module, name in _imported(path)
        }
        found[str(path.relative_to(ROOT))] = frozenset(pairs)
    return found


def _calls(pairs: frozenset[tuple[str, str]], one: Decider) -> bool:
    """Whether a test file imports a function, or its class and names the method."""
    first, *rest = one.name.split(".")
    return (one.module, first) in pairs and all(("", name) in pairs for name in rest)


def _imported(path: Path) -> set[tuple[str, str]]:
    """(module, name) of imports and uses of modules; ("", name) of attributes."""
    tree = ast.parse(path.read_text("utf-8"))
    found = {
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    modules = {name: f"{module}.{name}" for module, name in found}
    used = {
        (modules[node.value.id], node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in modules
    }
    named = {
        ("", node.attr) for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }
    return found | used | named


def shown_by(rule: Rule, marks: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Test files that show a rule, with how each was found.

    Parameters
    ----------
    rule
        The rule.
    marks
        (requirement, test) of each mark; tests relative to tests/.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for requirement, test in marks:
        file = f"tests/{test.partition('::')[0]}"
        if requirement in rule.req and requirement not in found[file]:
            found[file].append(requirement)
    for file, pairs in _imports().items():
        found[file] += [
            f"calls `{one.name}`" for one in rule.decided if _calls(pairs, one)
        ]
    for file in rule.tests:
        found.setdefault(file, [])
    return {
        file: why for file, why in sorted(found.items()) if why or file in rule.tests
    }


def rules_page(notice: str, marks: Sequence[tuple[str, str]]) -> str:
    """Text of docs/rules.md.

    Parameters
    ----------
    notice
        Line that says who writes the page.
    marks
        (requirement, test) of each mark.
    """
    several = sum(rule.writings > 1 for rule in rules())
    lines = [
        "# Rules",
        "",
        notice,
        "",
        "Which function decides a rule, who checks it, which tests show it. Change a rule",
        "where it is decided, never in a caller. Several functions of a rule that is written",
        "once decide a part each, which stands beside them. The same rule is written more",
        f"than once for {several} of {len(rules())} rules: there a change has to be made in",
        "each place, and the tests that compare them have to pass. The check shares no code",
        "with planners on purpose: it is the second opinion on every plan.",
        "",
        "| rule | decided by | written |",
        "|---|---|---|",
        *(
            f"| [{rule.name}](#{rule.id}) | "
            + "<br>".join(f"`{_short(one)}`" for one in rule.decided)
            + f" | {_times(rule)} |"
            for rule in rules()
        ),
        "",
    ]
    for rule in rules():
        lines += _section(rule, marks)
    return "\n".join(lines).rstrip() + "\n"


def _section(rule: Rule, marks: Sequence[tuple[str, str]]) -> list[str]:
    lines = [f'<a id="{rule.id}"></a>', "", f"## {rule.name}", "", rule.words, ""]
    lines += [f"- decided by {_told(one)}" for one in rule.decided]
    if rule.writings > 1:
        lines.append(f"- **written {_times(rule)}**: a change has to be made in each")
    if rule.also:
        lines.append(f"- also: {rule.also}")
    if rule.checked is not None:
        lines.append(f"- checked by {_told(rule.checked)}")
    if rule.stories:
        stories = (f"[{name}](../tests/golden/{name})" for name in rule.stories)
        lines.append(f"- golden stories: {', '.join(stories)}")
    tests = (
        f"[{file.removeprefix('tests/')}](../{file})"
        + (f" ({', '.join(why)})" if why else "")
        for file, why in shown_by(rule, marks).items()
    )
    return [*lines, f"- tests: {', '.join(tests)}", ""]


def _times(rule: Rule) -> str:
    return "once" if rule.writings == 1 else f"{rule.writings} times"


def _told(one: Decider) -> str:
    place = one.path.relative_to(ROOT)
    purpose = f": {one.purpose}" if one.purpose else ""
    return f"[`{one.name}`](../{place}) in `{place.relative_to('medhavi')}`{purpose}"


def _short(one: Decider) -> str:
    return f"{one.module.split('.')[-1]}.{one.name}"
