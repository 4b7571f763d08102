"""The demo company from nothing to its report: CPU seconds and peak memory.

    python benchmarks/demonstration.py

Runs `medhavi demo` in a fresh folder, as `make demo` does after installation.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.performance_page import write_section

GATE_SECONDS, GOAL_SECONDS, GATE_GIGABYTES = 240, 90, 2.0
COMMAND = "import sys; from medhavi.cli import main; sys.exit(main())"
KIBIBYTES = 1024**2


def main() -> int:
    """Write the section; exit 1 where a gate is missed."""
    with tempfile.TemporaryDirectory(prefix="medhavi-bench-") as folder:
        rows = []
        missed = False
        for turn in ("first run", "second run"):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", COMMAND, "demo", "--dir", folder],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wall = time.perf_counter() - started
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            # Linux counts KiB; the largest child so far.
            peak = after.ru_maxrss / KIBIBYTES
            missed = missed or cpu > GATE_SECONDS or peak > GATE_GIGABYTES
            rows.append((turn, f"{cpu:.1f} s", f"{wall:.1f} s", f"{peak:.2f} GiB"))
    write_section(
        "demonstration",
        ("demo, small", "CPU", "wall", "peak memory"),
        rows,
        f"Gates: {GATE_SECONDS} CPU s and {GATE_GIGABYTES} GiB; "
        f"goal {GOAL_SECONDS} CPU s.",
    )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
