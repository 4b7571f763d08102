"""Print the coverage; hold what makes the numbers to 95 % of lines and branches."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from coverage import Coverage

GATED = ("snapshot", "results", "planners", "providers")
GATE = 95.0


def measured() -> dict[str, dict[str, int]]:
    """Sum statements and branches of each package from the last run's data."""
    coverage = Coverage()
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        coverage.json_report(outfile=str(report))
        files = json.loads(report.read_text("utf-8"))["files"]
    packages: dict[str, dict[str, int]] = {}
    for name, entry in files.items():
        parts = Path(name).parts
        package = parts[1] if len(parts) > 2 else parts[-1]
        sums = packages.setdefault(package, {})
        for key in (
            "num_statements",
            "covered_lines",
            "num_branches",
            "covered_branches",
        ):
            sums[key] = sums.get(key, 0) + int(entry["summary"][key])
    return packages


def share(part: int, whole: int) -> float:
    """Share in per cent; all of nothing is 100."""
    return 100.0 * part / whole if whole else 100.0


def main() -> int:
    """Print one line a package; exit 1 where a gated one is below the gate."""
    packages = measured()
    low = []
    print(f"{'package':<14}{'lines %':>9}{'branches %':>12}")
    for name, sums in sorted(packages.items()):
        lines = share(sums["covered_lines"], sums["num_statements"])
        branches = share(sums["covered_branches"], sums["num_branches"])
        mark = ""
        if name in GATED:
            mark = "  gate 95"
            if min(lines, branches) < GATE:
                low.append(name)
                mark = "  BELOW THE GATE of 95"
        print(f"{name:<14}{lines:>9.1f}{branches:>12.1f}{mark}")
    missing = [name for name in GATED if name not in packages]
    if missing:
        print(f"Not measured: {', '.join(missing)}. Run all tests first.")
    if low:
        print(f"Coverage is too low in: {', '.join(low)}.")
        coverage = Coverage()
        coverage.load()
        coverage.report(include=[f"medhavi/{name}/*" for name in low])
    return 1 if low or missing else 0


if __name__ == "__main__":
    sys.exit(main())
