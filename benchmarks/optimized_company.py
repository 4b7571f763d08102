"""Mode optimize on companies against mode constrained, and a front of plans.

    python benchmarks/optimized_company.py [SIZE …]

Both modes plan the same snapshot at the same effort, and one objective weighs both
plans: the money of mode optimize with its default weights. `large` takes ten minutes.
`m1000` and `m3000` are public models without money: there late demands count.
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

from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

RUNS = (
    ("small", "light"),
    ("small", "standard"),
    ("medium", "light"),
    ("large", "light"),
    ("m1000", "standard"),
    ("m3000", "standard"),
)
MODELS = frozenset({"m1000", "m3000"})
"""Public models; the others are sizes of the demo company."""
MOST_LATE, MODEL_SECONDS = 60, 120.0
"""Most late demands of a model, beside those of mode constrained, and CPU seconds."""
LEAST_SAVED = {"medium": 0.05, "large": 0.05}
"""Share of the money of mode constrained that is saved at least; else none is lost."""
LIGHT_SECONDS = {"small": 10.0}
"""Most CPU seconds of mode optimize at effort light."""
FRONT_POINTS, FRONT_SECONDS = 8, 30.0
"""Programs of the front of the small company, and its most CPU seconds."""
COLUMNS = (
    *("company, effort", "engine", "constrained: money", "late", "CPU s"),
    *("optimize: money", "late", "CPU s", "saved", "gap to its bound", "faults"),
)


class Measured(NamedTuple):
    """A plan, its money, and what it took [CPU s]."""

    plan: Plan
    money: float
    seconds: float


def planned(
    snapshot: Snapshot, mode: str, effort: str, baseline: Plan | None = None
) -> Measured:
    """Plan in a mode, and weigh the plan as mode optimize does."""
    import medhavi as mv
    from medhavi.planners.master_plan.goals.staged_solve import worth
    from medhavi.planners.parameters import OptimizeParameters

    started = time.process_time()
    made = mv.plan(snapshot, mode, {"effort": effort}, baseline=baseline)
    seconds = time.process_time() - started
    return Measured(made, worth(made, snapshot, OptimizeParameters()), seconds)


def compared(size: str, effort: str) -> tuple[tuple[str, ...], bool]:
    """Row of a company at an effort, and whether it misses its gate."""
    from benchmarks.demo_company import company
    from benchmarks.instances import scaled
    from medhavi.results.plans.lateness import tally
    from medhavi.results.verify import verify

    model = size in MODELS
    snapshot = (scaled(size) if model else company(size)).require()
    plain, best = (
        planned(snapshot, one, effort) for one in ("constrained", "optimize")
    )
    saved = 1 - best.money / plain.money
    faults = len(verify(plain.plan, snapshot)) + len(verify(best.plan, snapshot))
    least = LEAST_SAVED.get(size, 0.0)
    most = LIGHT_SECONDS.get(size) if effort == "light" else None
    most = MODEL_SECONDS if model else most
    late = [tally(one.plan).late for one in (plain, best)]
    missed = [
        saved < least,
        most is not None and best.seconds > most,
        faults > 0,
        model and late[1] > min(late[0], MOST_LATE),
    ]
    words = [", missed" if one else "" for one in missed]
    allowed = "" if most is None else f" (≤ {most:g}{words[1]})"
    few = f" (≤ {min(late[0], MOST_LATE)}{words[3]})" if model else ""
    gap = best.plan.run.gap
    row = (
        *(f"{size}, {effort}", best.plan.run.engine),
        *(f"{plain.money:,.0f}", str(late[0]), f"{plain.seconds:.1f}"),
        *(f"{best.money:,.0f}", f"{late[1]}{few}"),
        f"{best.seconds:.1f}{allowed}",
        f"{saved:.1%} (≥ {least:.0%}{words[0]})",
        "none" if gap is None else f"{gap:.0%}",
        f"{faults}{words[2]}",
    )
    return row, any(missed)


def front() -> tuple[str, bool]:
    """What a front of the small company took, in words, and whether it is too much."""
    import numpy as np

    import medhavi as mv
    from benchmarks.demo_company import company
    from medhavi.optimize.pareto import nondominated

    snapshot = company("small").require()
    started = time.process_time()
    found = mv.pareto(snapshot, points=FRONT_POINTS)
    seconds = time.process_time() - started
    chosen = found.objectives.filter("chosen")["objective"].to_list()
    values = found.points.select(chosen).to_numpy().astype(np.float64)
    beaten = int(np.count_nonzero(~nondominated(values)))
    missed = seconds > FRONT_SECONDS or beaten > 0
    return (
        f"A front of {', '.join(chosen)} on the small company: {FRONT_POINTS} programs, "
        f"{found.points.height} plans of which another one beats {beaten}, in {seconds:.1f} "
        f"CPU s (≤ {FRONT_SECONDS:g}, 0{', missed' if missed else ''})."
    ), missed


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the section; exit 1 where a gate is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    sizes = list(dict.fromkeys(size for size, _ in RUNS))
    options.add_argument(
        "sizes", nargs="*", choices=[*sizes, []], help=", ".join(sizes)
    )
    chosen = options.parse_args(arguments).sizes or sizes
    found = [compared(*one) for one in RUNS if one[0] in chosen]
    told, slow = front()
    write_section(
        "optimized company",
        COLUMNS,
        [row for row, _ in found],
        "Modes constrained and optimize on the demo company, and on public models of 1,000 "
        "and 3,000 demands without money, at one effort. Money is that "
        "of mode optimize with its default weights, of both plans: making, buying, moving, "
        "overtime, holding, lateness, shortage, safety stock. CPU s from the checked "
        f"snapshot to the plan. {told}",
        of=[f"{size}, {effort}" for size, effort in RUNS],
    )
    return int(slow or any(missed for _, missed in found))


if __name__ == "__main__":
    sys.exit(main())
