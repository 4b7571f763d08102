"""Which apps and notebooks there are: in the wheel, or in the checkout."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from medhavi.views.navigation import PAGES


@dataclass(frozen=True, slots=True, kw_only=True)
class AppEntry:
    """One app or notebook.

    `title` and `summary` come from its docstring: the first line, and the paragraph
    below it.
    """

    path: Path
    address: str
    title: str
    summary: str


def folder_of(kind: str) -> Path:
    """Folder of apps or notebooks.

    Parameters
    ----------
    kind
        "apps" or "notebooks".
    """
    package = Path(__file__).resolve().parents[1]
    shipped = package / f"_{kind}"
    return shipped if shipped.is_dir() else package.parent / kind


def entries(kind: str, folder: Path | None = None) -> list[AppEntry]:
    """List apps (`a_…`) in the order of `PAGES`, or notebooks (`n01_…`) by name."""
    place = folder or folder_of(kind)
    pattern = "a_*.py" if kind == "apps" else "n[0-9][0-9]_*.py"
    found = [_entry(path, kind) for path in sorted(place.glob(pattern))]
    known = list(PAGES)
    places = {entry.address: len(known) for entry in found}
    places |= {f"/{name}/": number for number, name in enumerate(known)}
    return sorted(found, key=lambda entry: places[entry.address])


def _entry(path: Path, kind: str) -> AppEntry:
    lines = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").splitlines()
    told = [line.strip() for line in lines if line.strip()]
    name = path.stem.removeprefix("a_") if kind == "apps" else path.stem
    return AppEntry(
        path=path,
        address=f"/{name}/",
        title=told[0] if told else name.replace("_", " "),
        summary=" ".join(told[1:]),
    )
