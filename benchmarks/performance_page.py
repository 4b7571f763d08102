"""docs/performance.md: one section a benchmark, each renewed by its own run."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
HEAD = """# Performance

Each section is written by the benchmark that it names (`medhavi bench NAME`). Numbers are
of one machine and one run; gates are ratios within a run, or CPU seconds where they say
so. A gate that is missed is written as missed.
"""


def machine() -> str:
    """Describe the machine in one line, without its name."""
    processors = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{processors} processors, {memory:.0f} GB"
    )


def write_section(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], note: str = ""
) -> str:
    """Replace one section of the page, print it, and give its text."""
    lines = [
        f"## {title}",
        "",
        *([note, ""] if note else []),
        "| " + " | ".join(columns) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows),
        "",
        f"{machine()}.",
    ]
    section = "\n".join(lines) + "\n"
    text = PAGE.read_text("utf-8") if PAGE.is_file() else HEAD
    head, *sections = re.split(r"(?m)^(?=## )", text)
    others = [part for part in sections if not part.startswith(f"## {title}\n")]
    parts = sorted([*(part.strip() + "\n" for part in others), section])
    PAGE.write_text("\n".join([head.strip() + "\n", *parts]), "utf-8")
    print(section)
    return section
