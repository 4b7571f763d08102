"""Plan published cases of frePPLe in mode mrp and count what agrees.

    python benchmarks/conformance.py

Levels A to C must agree in cases with one right answer (tests/planners); level D is
told here: other orders for the same deliveries may be as right.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.frepple import snapshot_of
from benchmarks.frepple_case.answers import agreement
from benchmarks.performance_page import write_section


def main() -> int:
    """Write the section."""
    from medhavi.planners.pipeline import plan

    data = os.environ.get("MEDHAVI_PUBLIC_DATA")
    if not data:
        print("MEDHAVI_PUBLIC_DATA is not set: no published cases to plan.")
        return 0
    rows = []
    for path in sorted((Path(data) / "frepple").glob("*.json")):
        case = json.loads(path.read_text("utf-8"))
        if "unconstrained" not in case["expected"]:
            continue
        snapshot, _ = snapshot_of(path)
        counts = agreement(plan(snapshot), snapshot, case)
        rows.append(
            (
                case["name"],
                case["engine_neutral"],
                *(f"{good} of {there}" for good, there in counts.values()),
            )
        )
    write_section(
        "conformance",
        ("case", "engine-neutral", "A quantity", "B date", "C status", "D orders"),
        rows,
        "Public cases of frePPLe against its plain-MRP results. Where a case is not "
        "marked high, another answer may be as right. Known differences: in "
        "demand_status the order's status rules over its lines (order 6); in "
        "distribution_1 a transfer without destination leaves the network; in "
        "operation_routing and operation_available frePPLe delivers before the due "
        "date where work ends earlier, and here nothing is delivered early; "
        "quantity_completed has no demands.",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
