"""Plan published cases of frePPLe and compare with what its engine answers.

    python benchmarks/conformance.py

Mode mrp: levels A to C must agree in cases with one right answer (tests/planners);
level D is told here: other orders for the same deliveries may be as right. Constrained:
late and short demands and days late beside those of frePPLe's heuristic.
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
from benchmarks.frepple_case.answers import (
    agreement,
    expected_lines,
    lateness,
    planned_lines,
)
from benchmarks.performance_page import write_section


def main() -> int:
    """Write the section."""
    from medhavi.planners.pipeline import plan
    from medhavi.results.verify import verify

    data = os.environ.get("MEDHAVI_PUBLIC_DATA")
    if not data:
        print("MEDHAVI_PUBLIC_DATA is not set: no published cases to plan.")
        return 0
    rows: list[tuple[object, ...]] = []
    finite: list[tuple[object, ...]] = []
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
        made = plan(snapshot, "constrained")
        wanted = expected_lines(case, "constrained")
        got = planned_lines(made)
        finite.append(
            (
                case["name"],
                case["engine_neutral"],
                f"{sum(got.get(d) == row for d, row in wanted.items())} of {len(wanted)}",
                *lateness(got, case),
                *lateness(wanted, case),
                len(verify(made, snapshot)),
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
    write_section(
        "conformance, constrained",
        (
            "case",
            "engine-neutral",
            "equal lines",
            "late",
            "short",
            "days late",
            "late (frePPLe)",
            "short (frePPLe)",
            "days late (frePPLe)",
            "faults",
        ),
        finite,
        "The same cases in mode constrained, beside frePPLe's constrained answers. Equal "
        "lines agree in quantity, last date and status. Faults are what the independent "
        "check finds. In cases that are not marked high a resource or a rule of frePPLe "
        "decides; there fewer late demands or fewer days are better. Known differences: "
        "those above; in operation_available frePPLe does not plan a demand whose step "
        "never fits its calendar at its due date, and combines calendars otherwise; as "
        "many demands are late there as in its plan, by fewer days in all.",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
