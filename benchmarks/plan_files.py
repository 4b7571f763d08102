"""What `medhavi plan` costs as a whole process, from its start to the written files."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTANCE = "m10000"
LARGE = "demo company large"
GATES: dict[tuple[str, str], float | None] = {
    (INSTANCE, "mrp"): 3.0,
    (INSTANCE, "constrained"): 12.0,
    (LARGE, "mrp"): None,
}
"""Most CPU seconds by tables and mode; None: as it is."""
MOST_MEMORY_GB = 0.5
FIRST_GATE = 2.0
FIRST = """
from medhavi.planners.compile_kernels import RUNS, small_company
from medhavi.planners.pipeline import plan

plan(small_company(), mode="constrained", settings={{**RUNS[-1][1], "engine": "{engine}"}})
"""
"""A constrained plan by the search in a process of its own."""
COMMAND = "import sys; from medhavi.cli import main; sys.exit(main())"
MEASURED = """
import resource, subprocess, sys

done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024**2)
sys.exit(done.returncode)
"""
"""Program that starts another and tells its CPU seconds and its memory in GB: Linux
counts what the one who starts a process holds as memory of the process."""
ROUNDS = 3


def cost(command: Sequence[str]) -> tuple[float, float]:
    """Measure a process: CPU seconds of user and system, most memory in GB."""
    # With bytecode on disk, as any program has after its first run.
    known = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=known,
        text=True,
        check=False,
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command)
    cpu, memory = done.stdout.split()
    return float(cpu), float(memory)


def least(command: Sequence[str], rounds: int) -> tuple[float, float]:
    """Measure a process some times: least CPU seconds and least memory in GB."""
    costs = [cost(command) for _ in range(rounds)]
    return min(cpu for cpu, _ in costs), min(memory for _, memory in costs)


def planned(tables: Path, out: Path, mode: str, rounds: int) -> tuple[float, float]:
    """Measure `medhavi plan` of a folder of tables."""
    words = ["plan", "--tables", str(tables), "--mode", mode, "--out", str(out)]
    return least([sys.executable, "-c", COMMAND, *words], rounds)


def loading(rounds: int) -> float:
    """Measure what a first plan takes for its kernels after set-up [CPU s]."""
    compiled, plain = (
        least([sys.executable, "-c", FIRST.format(engine=engine)], rounds)[0]
        for engine in ("numba", "python")
    )
    return compiled - plain


def main() -> int:
    """Write the section; exit 1 where a gate is missed."""
    # As a program it has this folder, not the repository, on its path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from benchmarks.demo_company import company
    from benchmarks.instances import scaled
    from benchmarks.performance_page import write_section
    from medhavi.planners import compile_kernels

    compile_kernels.main()
    rows = []
    missed = False
    with tempfile.TemporaryDirectory(prefix="medhavi-bench-") as place:
        scaled(INSTANCE).to_folder(Path(place) / INSTANCE, format="csv")
        company("large").to_folder(Path(place) / LARGE, format="csv")
        for (name, mode), gate in GATES.items():
            cpu, memory = planned(Path(place) / name, Path(place) / mode, mode, ROUNDS)
            told = f"{cpu:.1f} s", f"{memory:.2f} GB"
            if gate is not None:
                over = cpu > gate, memory > MOST_MEMORY_GB
                missed |= any(over)
                words = [", missed" if one else "" for one in over]
                told = (
                    f"{told[0]} (≤ {gate:g}{words[0]})",
                    f"{told[1]} (≤ {MOST_MEMORY_GB:g}{words[1]})",
                )
            rows.append((f"{name}, {mode}", *told))
    first = loading(ROUNDS)
    missed |= first > FIRST_GATE
    word = ", missed" if first > FIRST_GATE else ""
    rows.append(
        (
            "kernels of a first constrained plan",
            f"{first:.1f} s (≤ {FIRST_GATE:g}{word})",
            "",
        )
    )
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    write_section(
        "plan, start to files",
        ("process", "CPU of user and system", "memory"),
        rows,
        f"`medhavi plan` of CSV tables as a process: import, read, check, plan, verify, key "
        f"figures, write; the least of {ROUNDS} runs, with bytecode and kernels on disk. "
        f"Kernels: a plan of a small company with compiled kernels against the same "
        f"without, after set-up. Load averages of the machine: {load}.",
    )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
