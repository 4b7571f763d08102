"""Plan the large demo company: CPU seconds and peak memory of the first plan.

    python benchmarks/large_company.py [--scale large] [--rounds 5]

Each row is a process of its own, which reads the tables from a folder first; that and
numba's compiling count in its memory, not in its seconds.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.constrained import Clock
from benchmarks.demo_company import company
from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

GATE_SECONDS, GOAL_SECONDS, GATE_GIGABYTES = 20.0, 5.0, 2.0
GATE_CHANGE, GOAL_CHANGE = 0.5, 0.1
KIBIBYTES = 1024**2
ROWS = ("mrp", "constrained", "one changed order")
"""First plan in mode mrp and constrained (effort light); a net change in mode mrp."""
HEAD = (
    "what",
    "operations",
    "late",
    "CPU of planning",
    "tables",
    "peak memory",
    "check",
)


def first_plan(folder: str, mode: str) -> dict[str, object]:
    """Plan the tables of a folder once; numba has compiled before."""
    from medhavi.planners.pipeline import plan
    from medhavi.results.verify import verify
    from medhavi.snapshot import Snapshot

    settings = {"effort": "light"} if mode == "constrained" else {}
    # By itself a small run takes the interpreted form: numba would load in the large.
    plan(company("small"), mode, {**settings, "engine": "numba"})
    snapshot = Snapshot.from_folder(folder)
    snapshot.require()
    clock = Clock()
    made = plan(snapshot, mode, settings, observe=clock)
    *parts, tables = clock.parts()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES
    late = made.fulfilment.filter(made.fulfilment["status"].is_in(("late", "short")))
    return {
        "operations": made.operations.height,
        "late": late.height,
        "seconds": sum(parts),
        "tables": tables,
        "memory": peak,
        "check": f"{len(verify(made, snapshot))} faults",
    }


def changed_order(folder: str, rounds: int) -> dict[str, object]:
    """Change one order a round and plan on top of the first plan."""
    from benchmarks.net_change import measure
    from medhavi.snapshot import Snapshot

    found = measure("large", Snapshot.from_folder(folder), rounds)
    return {
        "operations": "",
        "late": "",
        "seconds": found.seconds,
        "tables": None,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES,
        "check": "as planned anew" if found.equal else "DIFFERS",
    }


def measured(what: str, folder: str, rounds: int) -> dict[str, object]:
    """Measure one row in a process of its own."""
    command = [sys.executable, __file__, "--row", what, "--tables", folder]
    run = subprocess.run(
        [*command, "--rounds", str(rounds)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    row: dict[str, object] = json.loads(run.stdout.splitlines()[-1])
    return row


def missed(what: str, row: dict[str, object]) -> bool:
    """Whether a gate is missed, or the plan is not what it must be."""
    seconds, memory = float(str(row["seconds"])), float(str(row["memory"]))
    if what == ROWS[-1]:
        return seconds > GATE_CHANGE or row["check"] != "as planned anew"
    slow = seconds > GATE_SECONDS or memory > GATE_GIGABYTES
    return slow or row["check"] != "0 faults"


def cells(what: str, row: dict[str, object]) -> tuple[object, ...]:
    """Line of a row; a missed gate says so."""
    gate = GATE_CHANGE if what == ROWS[-1] else GATE_SECONDS
    seconds, memory = float(str(row["seconds"])), float(str(row["memory"]))
    operations, late = row["operations"], row["late"]
    return (
        what + (", effort light" if what == "constrained" else ""),
        f"{operations:,}" if isinstance(operations, int) else operations,
        f"{late:,}" if isinstance(late, int) else late,
        f"{seconds:.2f} s (≤ {gate:g})" + (", missed" if seconds > gate else ""),
        "" if row["tables"] is None else f"{float(str(row['tables'])):.2f} s",
        f"{memory:.2f} GiB"
        + (", missed" if what != ROWS[-1] and memory > GATE_GIGABYTES else ""),
        row["check"],
    )


def note(snapshot: Snapshot, scale: str) -> str:
    """How large the company is, and how that is counted."""
    tables = ("products", "resources", "routings", "demands", "supply_orders", "stock")
    sizes = ", ".join(f"{snapshot[name].height:,} {name}" for name in tables)
    plants = snapshot["locations"].filter(snapshot["locations"]["kind"] == "plant")
    return (
        f"Aurora, scale {scale}: {plants.height} plants, {sizes}. Operations are the rows "
        "of `operations`: steps of existing and planned work orders over the horizon of "
        f"150 days. Gates of a first plan: {GATE_SECONDS:g} CPU s (goal "
        f"{GOAL_SECONDS:g}) and {GATE_GIGABYTES:g} GiB in a process that has read its "
        f"tables; those of the plan stand beside it, as in `constrained`; of a changed "
        f"order, with its tables: {GATE_CHANGE:g} CPU s (goal {GOAL_CHANGE:g})."
    )


def main() -> int:
    """Write the section; exit 1 where a gate is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scale", default="large")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--row", choices=ROWS, help=argparse.SUPPRESS)
    options.add_argument("--tables", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.row is not None:
        change = chosen.row == ROWS[-1]
        row = (
            changed_order(chosen.tables, chosen.rounds)
            if change
            else first_plan(chosen.tables, chosen.row)
        )
        print(json.dumps(row))
        return 0
    with tempfile.TemporaryDirectory(prefix="medhavi-bench-") as folder:
        snapshot = company(chosen.scale)
        snapshot.to_folder(folder)
        rows: list[tuple[object, ...]] = []
        bad = False
        for what in ROWS:
            row = measured(what, folder, chosen.rounds)
            rows.append(cells(what, row))
            bad = bad or missed(what, row)
            # After each row: they take minutes, and one may end the command.
            write_section("large_company", HEAD, rows, note(snapshot, chosen.scale))
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
