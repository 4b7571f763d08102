"""What the modules of a package define, each file read once a process."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One class or function of a module."""

    name: str
    doc: str
    is_class: bool


@dataclass(frozen=True, kw_only=True)
class Outline:
    """Docstring of a module and its classes and functions, at any depth."""

    doc: str | None
    definitions: tuple[Definition, ...]

    @property
    def classes(self) -> list[str]:
        """Names of its classes."""
        return [one.name for one in self.definitions if one.is_class]


@cache
def outline(path: Path) -> Outline:
    """Outline of a module."""
    tree = ast.parse(path.read_text("utf-8"))
    return Outline(
        doc=ast.get_docstring(tree),
        definitions=tuple(
            Definition(
                name=node.name,
                doc=ast.get_docstring(node) or "",
                is_class=isinstance(node, ast.ClassDef),
            )
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        ),
    )
