"""Flexible job shops of Brandimarte: makespan against the best known.

    python benchmarks/scheduling.py [INSTANCE …] [--effort 3]

Effort is deterministic, so gaps repeat; CPU seconds are told beside. Bounds are those
of ScheduleOpt/benchmarks (CC BY-SA 4.0), read from the public data, never copied here.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.instances import NoDataError, public_folder
from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.results.schedules.problem import ScheduleProblem

NAMES = tuple(f"mk{number:02d}" for number in range(1, 11))
EFFORT = 3.0
GATE, GOAL = 0.08, 0.03
"""Mean gap to the best known makespan."""


@dataclass(frozen=True, slots=True)
class Solved:
    """One instance."""

    name: str
    makespan: float
    bound: float
    best_known: float
    seconds: float

    @property
    def gap(self) -> float:
        """How far above the best known makespan it ends."""
        return self.makespan / self.best_known - 1


def flexible_job_shop(text: str, name: str, effort: float) -> ScheduleProblem:
    """Read an instance: jobs and machines, then a line a job.

    A line counts its operations, and for each its options as (machine, time); set-ups,
    where the file has them, are not read here.
    """
    from medhavi.planners.scheduling.problem_file import read_problem

    numbers = iter([int(float(word)) for word in text.split()])
    jobs, machines = next(numbers), next(numbers)
    return read_problem(
        {
            "schema": "medhavi.schedule/1",
            "name": name,
            "start": "2026-01-05T00:00:00Z",
            "objective": ["makespan"],
            "effort": effort,
            "resources": [{"resource": f"M{each:02d}"} for each in range(machines)],
            "orders": [
                {"order": f"J{job:02d}", "steps": list(_steps(numbers))}
                for job in range(jobs)
            ],
        }
    ).problem


def _steps(numbers: Iterator[int]) -> Iterator[dict[str, object]]:
    for step in range(1, next(numbers) + 1):
        options = [
            {"resource": f"M{next(numbers):02d}", "run_minutes": next(numbers)}
            for _ in range(next(numbers))
        ]
        yield {
            "step": step,
            "after": [step - 1] if step > 1 else [],
            "options": options,
        }


def best_known(folder: Path) -> dict[str, float]:
    """Best known makespan by name of the instance."""
    with (folder / "bks.csv").open(encoding="utf-8") as file:
        return {
            Path(row["path"]).stem: float(row["ub"])
            for row in csv.DictReader(file)
            if row["ub"]
        }


def solve_instance(name: str, effort: float) -> Solved:
    """Schedule an instance; the answer is checked as every other."""
    from medhavi.planners.scheduling.solve import solve

    folder = public_folder() / "fjsp"
    text = (folder / "brandimarte" / f"{name}.txt").read_text("utf-8")
    problem = flexible_job_shop(text, name, effort)
    started = time.process_time()
    made = solve(problem)
    return Solved(
        name=name,
        makespan=made.objective["makespan"],
        bound=made.bound["makespan"],
        best_known=best_known(folder)[name],
        seconds=time.process_time() - started,
    )


def main() -> int:
    """Write the section; exit 1 where the gate is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("instances", nargs="*", default=list(NAMES))
    options.add_argument("--effort", type=float, default=EFFORT)
    chosen = options.parse_args()
    try:
        found = [solve_instance(name, chosen.effort) for name in chosen.instances]
    except NoDataError as missing:
        print(f"scheduling is left out: {missing}.")
        return 0
    mean = sum(row.gap for row in found) / len(found)
    seconds = sum(row.seconds for row in found) / len(found)
    write_section(
        "scheduling",
        ("instance", "makespan", "proven bound", "best known", "gap", "CPU s"),
        [
            (
                row.name,
                f"{row.makespan:g}",
                f"{row.bound:g}",
                f"{row.best_known:g}",
                f"{row.gap:.1%}",
                f"{row.seconds:.1f}",
            )
            for row in found
        ],
        f"Flexible job shops of Brandimarte at deterministic effort {chosen.effort:g} "
        f"(mean {seconds:.1f} CPU s), one thread. Mean gap to the best known "
        f"{mean:.1%} (gate {GATE:.0%}, goal {GOAL:.0%}). Best known values: "
        "ScheduleOpt/benchmarks, CC BY-SA 4.0.",
    )
    return int(mean > GATE)


if __name__ == "__main__":
    sys.exit(main())
