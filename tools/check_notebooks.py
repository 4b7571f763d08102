"""Run `marimo check --strict` on notebooks and apps; see what lessons import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

FOLDERS = ("notebooks", "apps")


OWN = ("medhavi", "marimo")
"""What lessons import beside the standard library; nothing inside medhavi."""


def other_imports(text: str) -> list[str]:
    """Modules that a text of Python imports and a lesson does not."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return [
        name
        for name in found
        if name not in OWN and name.partition(".")[0] not in sys.stdlib_module_names
    ]


def main() -> int:
    """Exit with marimo's own answer; 1 where a lesson imports something else."""
    root = Path(__file__).resolve().parents[1]
    lessons = {
        path: other_imports(path.read_text("utf-8"))
        for path in sorted((root / "notebooks").glob("*.py"))
    }
    for path, others in lessons.items():
        if others:
            print(f"{path.name} imports {', '.join(others)}; lessons: {OWN} alone.")
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
