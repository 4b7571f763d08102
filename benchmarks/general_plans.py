"""Plans in mode constrained of the demonstration and of small cases, at every effort.

    python benchmarks/general_plans.py [LAKE]

The company of the demonstration out of its lake (after `make demo`), and the public
cases of frePPLe that are not marked high, where MEDHAVI_PUBLIC_DATA is set.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.constrained import at_least
from benchmarks.frepple import snapshot_of
from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.snapshot import Snapshot

LAKE = Path("lakehouse/aurora-small/lake")
EFFORTS = ("light", "standard", "full")


def main() -> int:
    """Write the section."""
    lake = Path(sys.argv[1]) if len(sys.argv) > 1 else LAKE
    rows = [
        row(name, snapshot, effort)
        for name, snapshot in instances(lake)
        for effort in EFFORTS
    ]
    if not rows:
        print(f"Nothing to plan: no lake at {lake}, and no MEDHAVI_PUBLIC_DATA.")
        return 0
    write_section(
        "constrained, general",
        (
            "instance, effort",
            "engine",
            "late",
            "late by priority",
            "days late",
            "late at least",
            "weighted days",
            "lateness in money",
            "orders",
            "moves",
            "CPU s",
            "faults",
        ),
        rows,
        "Effort light constructs alone. Weighted days: 25:5:1 by "
        "priority, times 20 days and those that a demand is late. Money is that of the "
        "scorecard, by which the demonstration is improved; cases without prices go by "
        "weighted days. Late at least: by lead times alone; after a + what resources "
        "have no time for besides. CPU of the whole plan.",
    )
    return 0


def instances(lake: Path) -> Iterator[tuple[str, Snapshot]]:
    """What is planned, with its name."""
    if lake.is_dir():
        from medhavi.planners.pipeline import plan
        from medhavi.workbench import Workbench

        company = Workbench(str(lake)).snapshot()
        plan(company, "constrained", {"effort": "light"})  # what is loaded once
        yield "demonstration, small", company
    data = os.environ.get("MEDHAVI_PUBLIC_DATA")
    for path in sorted((Path(data) / "frepple").glob("*.json")) if data else ():
        case = json.loads(path.read_text("utf-8"))
        if "constrained" in case["expected"] and case["engine_neutral"] != "high":
            yield case["name"], snapshot_of(path)[0]


def row(name: str, snapshot: Snapshot, effort: str) -> tuple[object, ...]:
    """Plan and describe one row."""
    import polars as pl

    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.planners.pipeline import plan
    from medhavi.results.figures.scorecard import scorecard
    from medhavi.results.verify import verify

    begun = time.process_time()
    made = plan(snapshot, "constrained", {"effort": effort})
    seconds = time.process_time() - begun
    priorities = snapshot["demands"].select("demand", "priority")
    late = made.fulfilment.filter(pl.col("lateness_h") > 0).join(
        priorities, on="demand"
    )
    counts = late.group_by("priority").len().sort("priority")
    classes = ", ".join(f"{p}: {n}" for p, n in counts.iter_rows())
    weights = ConstrainedParameters().weights(snapshot.settings)
    weighted = sum(
        weights[min(max(priority, 1), len(weights)) - 1] * (20 + hours / 24)
        for priority, hours in late.select("priority", "lateness_h").iter_rows()
    )
    return (
        f"{name}, {effort}",
        made.run.engine.partition(" (")[0],
        late.height,
        classes if len(counts) <= 4 else "",
        f"{late['lateness_h'].sum() / 24:.1f}",
        at_least(made.run.effort),
        f"{weighted:,.0f}",
        f"{scorecard(made, snapshot).lateness:,.0f}",
        f"{made.run.effort['orders']:,.0f}",
        f"{made.run.effort.get('moves', 0.0):,.0f}",
        f"{seconds:.1f}",
        len(verify(made, snapshot)),
    )


if __name__ == "__main__":
    sys.exit(main())
