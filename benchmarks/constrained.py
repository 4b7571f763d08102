"""Plan the scaled models in mode constrained, beside frePPLe's figures.

    python benchmarks/constrained.py [INSTANCE …] [--effort standard]

Late demands by priority, days late, work and CPU of the whole plan with its tables.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.instances import INSTANCES, NoDataError
from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from medhavi.results.plan import Plan
    from medhavi.snapshot import Snapshot


class Anchor(NamedTuple):
    """What frePPLe 9.18.0 gives: late by priority, mean days, CPU s of its solve."""

    late: tuple[int, int, int]
    days: float
    seconds: str


FREPPLE = {
    "m1000": Anchor((4, 20, 177), 45.4, "1.2"),
    "m3000": Anchor((10, 115, 597), 43.2, "4.5-5.9"),
    "m10000": Anchor((31, 245, 1823), 42.7, "14-15"),
}
GATES = {"m3000": (400, 6.0)}
"""Most late demands, most CPU s."""


class Found(NamedTuple):
    """Late demands by priority, their days late, machine days of work."""

    late: tuple[int, ...]
    mean: float
    most: float
    work: float


def found_in(plan: Plan, snapshot: Snapshot) -> Found:
    """Count what is late in a plan."""
    import polars as pl

    rows = plan.fulfilment.filter(pl.col("status") != "on_time").join(
        snapshot["demands"].select("demand", "priority"), on="demand"
    )
    days = rows["lateness_h"].fill_null(0.0) / 24
    busy = plan.operations.filter(pl.col("resource") != "").select(
        (
            (pl.col("finish") - pl.col("start")).dt.total_seconds() * pl.col("units")
        ).sum()
        / 86400
    )
    return Found(
        tuple(rows.filter(pl.col("priority") == p).height for p in (1, 2, 3)),
        float(str(days.mean() or 0.0)),
        float(str(days.max() or 0.0)),
        float(busy.item()),
    )


def main() -> int:
    """Write the section; exit 1 where a gate is missed or a plan has a fault."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("instances", nargs="*", default=list(FREPPLE))
    options.add_argument("--effort", default="standard")
    chosen = options.parse_args()
    from medhavi.planners.pipeline import plan
    from medhavi.results.verify import verify

    rows: list[tuple[object, ...]] = []
    missed = False
    for name in chosen.instances:
        try:
            snapshot = INSTANCES[name]()
        except NoDataError as missing:
            print(f"{name} is left out: {missing}.")
            continue
        before = time.process_time()
        made = plan(snapshot, "constrained", {"effort": chosen.effort})
        seconds = time.process_time() - before
        faults = len(verify(made, snapshot))
        found = found_in(made, snapshot)
        total, anchor = sum(found.late), FREPPLE[name]
        most, limit = GATES.get(name, (total, seconds))
        missed = missed or faults > 0 or total > most or seconds > limit
        rows.append(
            (
                name,
                f"{total:,} ({'/'.join(map(str, found.late))})"
                + (f" (≤ {most})" if name in GATES else ""),
                f"{found.mean:.1f}",
                f"{found.most:.1f}",
                f"{found.work:,.0f}",
                f"{seconds:.1f}" + (f" (≤ {limit:g})" if name in GATES else ""),
                faults,
                f"{sum(anchor.late):,} ({'/'.join(map(str, anchor.late))})",
                f"{anchor.days:.1f}",
                anchor.seconds,
            )
        )
    if rows:
        write_section(
            "constrained",
            (
                "instance",
                "late (priority 1/2/3)",
                "mean days",
                "most days",
                "machine days",
                "CPU s",
                "faults",
                "late (frePPLe)",
                "mean days",
                "CPU s",
            ),
            rows,
            f"Effort {chosen.effort}, plain Python, the whole plan with its tables; frePPLe's "
            "CPU is that of its solve alone, in C++. Delivered after the due day is late. "
            "A demand weighs by its priority (settings.priority_weights), so priority 1 is "
            "not protected at any price: where frePPLe has fewer late of priority 1, it has "
            "many times more late of the others.",
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
