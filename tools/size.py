"""Count what makes a code base hard to enter: `python -m tools.size`.

Lines by kind, modules, who imports whom, names that mean two things. The figures stand
in docs/architecture.md beside their gates.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "medhavi"
PROMISING = "medhavi.planners.promising"


def main() -> None:
    """Print the figures, one a line."""
    for name, value in figures().items():
        print(f"{name:48s} {value:>10,}")


def figures() -> Mapping[str, int]:
    """All figures by name."""
    kinds: Counter[str] = Counter()
    for path in modules().values():
        kinds.update(lines_by_kind(path.read_text("utf-8")))
    users = importers()
    alone = [
        name
        for name, path in modules().items()
        if path.name != "__init__.py" and len(users[name]) == 1
    ]
    folders = Counter(
        path.parent for path in modules().values() if path.name != "__init__.py"
    )
    promising = [name for name in modules() if name.startswith(PROMISING)]
    return {
        "lines": sum(kinds.values()),
        "lines of code": kinds["code"],
        "modules": len(modules()),
        "modules that one other imports": len(alone),
        "files in the fullest folder": max(folders.values()),
        "modules of promising": len(promising),
        "longest import chain inside promising": longest_chain(promising),
        "class names defined twice": sum(many > 1 for many in class_names().values()),
    }


def lines_by_kind(source: str) -> Counter[str]:
    """How many lines are code, docstring, comment and blank.

    >>> sorted(lines_by_kind('"Doc."' + chr(10) * 2 + "x = 1  # one").items())
    [('blank', 1), ('code', 1), ('docstring', 1)]
    """
    lines = source.splitlines()
    kinds = dict.fromkeys(range(1, len(lines) + 1), "code")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            kinds[number] = "blank"
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        row, column = token.start
        if token.type == tokenize.COMMENT and not lines[row - 1][:column].strip():
            kinds[row] = "comment"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            stated = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            if isinstance(node.value.value, str):
                kinds |= dict.fromkeys(stated, "docstring")
    return Counter(kinds.values())


@cache
def modules() -> Mapping[str, Path]:
    """Modules of the package by their dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports(*, types: bool = True) -> Mapping[str, frozenset[str]]:
    """Modules of the package that each one imports; `types`: for annotations too."""
    return {
        name: frozenset(_imported(path, types=types)) - {name}
        for name, path in modules().items()
    }


def _imported(path: Path, *, types: bool) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    for part in tree.body if not types else ():
        if isinstance(part, ast.If) and ast.unparse(part.test) == "TYPE_CHECKING":
            part.body = [ast.Pass()]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in modules())
        elif isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                inner = f"{node.module}.{one.name}"
                if inner in modules():
                    yield inner
                elif node.module in modules():
                    yield node.module


def importers() -> Mapping[str, set[str]]:
    """Modules of the package that import each one."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, used in imports().items():
        for one in used:
            found[one].add(name)
    return found


def longest_chain(names: list[str]) -> int:
    """Modules in the longest chain of imports at run time."""
    inside, known = set(names), dict[str, int]()

    def depth(name: str, above: frozenset[str]) -> int:
        if name not in known:
            below = (imports(types=False)[name] & inside) - above
            deepest = max((depth(one, above | {name}) for one in below), default=0)
            known[name] = 1 + deepest
        return known[name]

    return max((depth(name, frozenset()) for name in names), default=0)


def class_names() -> Counter[str]:
    """How often each class name is defined."""
    return Counter(
        node.name
        for path in modules().values()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    )


if __name__ == "__main__":
    main()
