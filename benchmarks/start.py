"""What starting costs: import and help against an empty Python."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GATES = {"import medhavi": 3.0, "medhavi --help": 15.0}
CALLS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import medhavi": [sys.executable, "-c", "import medhavi"],
    "medhavi --help": [
        sys.executable,
        "-c",
        (
            "import sys; sys.argv = ['medhavi', '--help']; "
            "from medhavi.cli import main; sys.exit(main())"
        ),
    ],
}


def cpu_seconds(command: Sequence[str]) -> float:
    """Measure user and system time of one run of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def measure(rounds: int = 7) -> dict[str, float]:
    """Least CPU seconds of each call; calls take turns, so load hits all."""
    best = dict.fromkeys(CALLS, float("inf"))
    for _ in range(rounds):
        for name, command in CALLS.items():
            best[name] = min(best[name], cpu_seconds(command))
    return best


def main() -> int:
    """Write the section; exit 1 where a gate is missed."""
    # `python benchmarks/start.py` has this folder, not the repository, on its path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from benchmarks.performance_page import write_section

    best = measure()
    empty = best["python -c pass"]
    rows = [
        (
            name,
            f"{seconds * 1000:.0f} ms",
            f"{seconds / empty:.1f} x",
            f"≤ {GATES[name]:g} x" if name in GATES else "",
        )
        for name, seconds in best.items()
    ]
    write_section("start", ("call", "CPU", "of an empty Python", "gate"), rows)
    return int(any(best[name] / empty > gate for name, gate in GATES.items()))


if __name__ == "__main__":
    sys.exit(main())
