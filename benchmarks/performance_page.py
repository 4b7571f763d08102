"""docs/performance.md: one section a benchmark, each renewed by its own run."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import OBJECTS, Stopwatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
HEAD = """# Performance

`make bench` measures all of it, `medhavi bench NAME` one section, and each run renews its
own section of this page. `planning` and `conformance` need the public data: set
MEDHAVI_PUBLIC_DATA. Figures are CPU seconds of one machine and one run, for neighbours
disturb wall time more than anything else; what can be a ratio inside one run is one. A
gate that is missed is written as missed: the command ends with exit 1. A section ends
with what a fixed loop took beside it: 0.134 CPU s on the fastest machine so far, 0.330 on
the slowest; compare figures of two sections in such loops.

| what | gate | goal |
|---|---|---|
| 10,000 demands, 5 levels: netting and pegging after load | 0.6 s | 0.2 s |
| the same with the tables of the plan | 2.0 s | 0.6 s |
| one changed order, 10,000 and 20,000 demands, and demo company large: check and net change | 0.5 s | 0.1 s |
| demo company large, 50,000 operations and more: first plan; memory | 20 s; 2 GB | 5 s |
| bill of materials of 10,000 levels | 1 s | |
| two of each over 70 levels | a finding, not a number | |
| m10000 in mode constrained, effort standard: late demands; CPU of reading, search and orders | 400; 15 s | 20 + 60 + 180; 15 s |
| company model of 3,000 demands: late demands against the general engine; first class | half, no class worse; a third | a quarter |
| `medhavi plan` of m10000, start to files, mode mrp; constrained; memory | 3 s; 12 s; 0.5 GB | 1.5 s; 10 s; 0.3 GB |
| first constrained plan after set-up: loading of kernels | 2 s | 1 s |
| one quote on a full book of 20,000 reservations, date and distribution: thread CPU p50; p99 | 1 ms; 3 ms | 0.4 ms; 0.8 ms |
| the same with limiter and remedies: p99 | 30 ms | 10 ms |
| 50 requesters who think 200 ms: p99 against that of one | 10 x | 4 x |
| a bulk of 50,000 lines | 40 s | 20 s |
| a quote of one line beside a call of 5,000, against alone: p99 | 3 x | |
| load of the book; memory | 8 s; 1 GB | 3 s; 0.5 GB |
| mirror of 200,000 events from SQLite, against a bare read and write | 0.5 x | 0.8 x |
| gRPC mirror, against a bare loop of the client | 0.55 x | 0.75 x |
| first fold of the lake of demo company large; a read 1 to 180 days back | 20 s; 4 s | |
| flexible job shops mk01 to mk10: mean gap to the best known, about 10 CPU s each | 8 % | 3 % |
| twelve lot-sizing instances in mode optimize: cost over HiGHS alone in 60 s; late; own bound | 4 %; 0; within 5 % | 2 %; 0; 3 % |
| multi-level instances in mode optimize, their own objective: S over the bound; M20 | 2 %; 556,700 | 1 % |
| mode optimize on the demo company: CPU at effort light; money less than mode constrained, medium and large; a front of 8 programs, plans that another one beats | 10 s; 5 %; 30 s, 0 | 10 %; 15 s |
| mode optimize on a baseline, at most 5 % of the demands changed, against a plan from nothing: times faster; dearer | 10; 1 % | |
| program of mode optimize with 1,000,000 columns: facts and blocks from a snapshot | 3 s | 1.5 s |
| `import medhavi`, against `python -c pass` | 3 x | |
| `medhavi --help`, against `python -c pass` | 15 x | |
| `make demo`, small, after installation | 240 s, 2 GB | 90 s |
| pages of the demo company: first after start; page to page | 3 s; 0.8 s | 1.5 s; 0.3 s |
| click without planning, p95 | 300 ms, 0.1 CPU s | 100 ms |
| full quote on the page | 0.6 s, 0.3 CPU s | 0.25 s |
| slowest page of m1000; m10000 | 4 s; 5 s | 3 s |
| further session; 20 at once, first content | 4 MB; 5 s | |

frePPLe's engine in C++ nets the model of 10,000 demands in 0.2 s (no tables of pegs).
"""


def machine() -> str:
    """Describe the machine in one line, without its name: what it has, how fast it is.

    Neighbours make one machine up to three times as slow from one hour to the next, so
    each section states what a fixed loop took when the section was measured.
    """
    speed = Stopwatch()
    for _ in range(3):
        speed.calibrate()
    processors = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{processors} processors, {memory:.0f} GB; a fixed loop over {OBJECTS:,} small "
        f"objects takes {speed.median('objects'):.3f} CPU s"
    )


def write_section(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    note: str = "",
    of: Sequence[str] = (),
) -> str:
    """Replace one section of the page, print it, and give its text.

    `of` has the first cells of all rows that it may have, in their order: rows that
    were not measured this time stay as they are, where the columns are the same.
    """
    text = PAGE.read_text("utf-8") if PAGE.is_file() else ""
    _, *sections = re.split(r"(?m)^(?=## )", text)
    head = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    made = [(str(row[0]), "| " + " | ".join(map(str, row)) + " |") for row in rows]
    before = next((one for one in sections if one.startswith(f"## {title}\n")), "")
    if of and "\n".join(head) in before:
        kept = {**dict(_rows(before)), **dict(made)}
        made = [(name, kept[name]) for name in of if name in kept]
    lines = [
        f"## {title}",
        "",
        *([note, ""] if note else []),
        *head,
        *(line for _, line in made),
        "",
        f"{machine()}.",
    ]
    section = "\n".join(lines) + "\n"
    others = [part for part in sections if part is not before]
    parts = sorted([*(part.strip() + "\n" for part in others), section])
    PAGE.write_text("\n".join([HEAD, *parts]), "utf-8")
    print(section)
    return section


def _rows(section: str) -> Iterator[tuple[str, str]]:
    """First cell and line of each row of a section's table, its head too."""
    for line in section.splitlines():
        if line.startswith("| "):
            yield line.split("|")[1].strip(), line
