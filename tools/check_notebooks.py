"""Run `marimo check --strict` on notebooks and apps; lessons import medhavi alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

FOLDERS = ("notebooks", "apps")


def inner_imports(text: str) -> list[str]:
    """Modules inside medhavi that a text of Python imports."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return [name for name in found if name.startswith("medhavi.")]


def main() -> int:
    """Exit with marimo's own answer; 1 where a lesson imports an inner module."""
    root = Path(__file__).resolve().parents[1]
    lessons = {
        path: inner_imports(path.read_text("utf-8"))
        for path in sorted((root / "notebooks").glob("*.py"))
    }
    for path, inner in lessons.items():
        if inner:
            print(
                f"{path.name} imports {', '.join(inner)}; lessons take medhavi alone."
            )
    if any(lessons.values()):
        return 1
    files = [
        str(path) for name in FOLDERS for path in sorted((root / name).glob("*.py"))
    ]
    if not files:
        return 0
    return subprocess.call(
        [sys.executable, "-m", "marimo", "check", "--strict", *files]
    )


if __name__ == "__main__":
    sys.exit(main())
