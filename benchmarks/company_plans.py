"""Models like companies in mode constrained, beside the general engine of before.

    python benchmarks/company_plans.py [MODEL …] [--effort full]

`gate-1` to `gate-5` are the model of benchmarks/company_models.py without options, of
seeds 1 to 5; the others have 1,000 demands and one feature each.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.company_case.network import ModelSize
from benchmarks.company_case.tables import tables_of
from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot


def plain(**features: object) -> ModelSize:
    """Size of a model of 1,000 demands with the features stated alone."""
    none = {"steps": 1, "sites": 1, "shifts": 0, "open_orders": 0.0}
    none |= {"alternates": 0.0, "families": 0}
    return ModelSize(**{"demands": 1000, **none, **features})


MODELS = {
    **{f"gate-{seed}": ModelSize(seed=seed) for seed in range(1, 6)},
    "m1000, no feature": plain(),
    "m1000, 3 steps": plain(steps=3),
    "m1000, 2 sites": plain(sites=2),
    "m1000, two shifts": plain(shifts=2),
    "m1000, 5 % open orders": plain(open_orders=0.05),
    "m1000, 20 % alternates": plain(alternates=0.2),
    "m1000, 4 families": plain(families=4),
    "m1000, all": ModelSize(demands=1000),
}


class Anchor(NamedTuple):
    """Result of the general engine: late by priority, lateness in money, CPU s."""

    late: tuple[int, ...]
    money: float
    seconds: float


GENERAL = {
    "gate-1": Anchor((274, 299, 351), 8_830_644, 16.1),
    "gate-2": Anchor((261, 247, 339), 5_811_543, 17.9),
    "gate-3": Anchor((189, 217, 253), 3_966_147, 15.6),
    "gate-4": Anchor((322, 364, 396), 8_525_958, 18.6),
    "gate-5": Anchor((319, 361, 378), 7_070_524, 17.0),
    "m1000, no feature": Anchor((15, 41, 47), 752_731, 3.4),
    "m1000, 3 steps": Anchor((176, 188, 215), 5_047_113, 7.9),
    "m1000, 2 sites": Anchor((59, 90, 114), 1_419_353, 3.1),
    "m1000, two shifts": Anchor((32, 59, 67), 1_164_708, 3.9),
    "m1000, 5 % open orders": Anchor((1, 4, 7), 44_391, 3.7),
    "m1000, 20 % alternates": Anchor((17, 31, 42), 624_020, 3.5),
    "m1000, 4 families": Anchor((19, 37, 48), 735_142, 3.3),
    "m1000, all": Anchor((60, 73, 100), 1_220_970, 7.8),
}
"""The general engine ("rounds") at effort standard, commit 4de309bb."""
GENERAL_FULL = {"gate-1": Anchor((195, 229, 311), 6_012_656, 235.9)}
"""The same at effort full: what it reaches in the CPU that the search takes."""
EFFORTS = {"gate-": ("light", "standard"), "m1000": ("standard",)}
"""Efforts by the first letters of a model: the gate is one of equal CPU."""
COLUMNS = (
    "model, effort",
    "engine",
    "late",
    "priority 1/2/3",
    "mean days",
    "late at least",
    "lateness in money",
    "scorecard",
    "CPU s",
    "faults",
    "late (general)",
    "lateness in money",
    "CPU s",
    "gate",
    "commit",
)


def missed(late: tuple[int, ...], anchor: Anchor) -> str:
    """What of the gate is missed, in words; "" where nothing is."""
    found: list[str] = []
    if 2 * sum(late) > sum(anchor.late):
        found.append("more than half")
    if any(one > before for one, before in zip(late, anchor.late, strict=True)):
        found.append("a class is worse")
    if 3 * late[0] > anchor.late[0]:
        found.append("first class more than a third")
    return ", ".join(found)


def verdict(lacking: str, seconds: float, anchor: Anchor) -> str:
    """Whether the gate is kept, in words, with the CPU where it is not equal."""
    if lacking:
        return f"missed: {lacking}"
    ratio = seconds / anchor.seconds
    return "kept" if ratio <= 1.1 else f"kept, with {ratio:.1f} times the CPU"


def anchor_of(name: str, seconds: float) -> Anchor | None:
    """Result of the general engine in as much CPU, else in the most measured."""
    found = [one[name] for one in (GENERAL, GENERAL_FULL) if name in one]
    most = found[-1] if found else None
    return next((one for one in found if one.seconds >= seconds), most)


def row_of(
    name: str, snapshot: Snapshot, settings: dict[str, str]
) -> tuple[tuple[object, ...], bool]:
    """Plan one model; its row, and whether its gate is missed."""
    import polars as pl

    from benchmarks.constrained import at_least
    from medhavi.planners.pipeline import plan
    from medhavi.results.figures.scorecard import scorecard
    from medhavi.results.verify import verify

    snapshot.require()
    begun = time.process_time()
    made = plan(snapshot, "constrained", {**settings, "engine": "numba"})
    seconds = time.process_time() - begun
    rows = made.fulfilment.filter(pl.col("status") != "on_time").join(
        snapshot["demands"].select("demand", "priority"), on="demand"
    )
    late = tuple(rows.filter(pl.col("priority") == one).height for one in (1, 2, 3))
    days = rows["lateness_h"].fill_null(0.0).sum() / 24 / max(rows.height, 1)
    score = scorecard(made, snapshot)
    faults, anchor = len(verify(made, snapshot)), anchor_of(name, seconds)
    lacking = missed(late, anchor) if anchor else ""
    row = (
        name,
        made.run.engine,
        sum(late),
        "/".join(map(str, late)),
        f"{days:.1f}",
        at_least(made.run.effort),
        f"{score.lateness:,.0f}",
        f"{score.total:,.0f}",
        f"{seconds:.1f}",
        faults,
        f"{sum(anchor.late)} ({'/'.join(map(str, anchor.late))})" if anchor else "",
        f"{anchor.money:,.0f}" if anchor else "",
        f"{anchor.seconds:.1f}" if anchor else "",
        verdict(lacking, seconds, anchor) if anchor else "",
    )
    return row, bool(faults or lacking)


def commit() -> str:
    """Commit of the source tree, short; "unknown" where there is none."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def main() -> int:
    """Write the section; exit 1 where a gate is missed or a plan has a fault."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("models", nargs="*", default=list(MODELS))
    options.add_argument("--effort", default="", help="of all; else see EFFORTS")
    chosen = options.parse_args()
    from medhavi.planners.pipeline import plan
    from medhavi.snapshot import Snapshot

    small = Snapshot.from_frames(tables_of(ModelSize(demands=40)))
    plan(small, "constrained", {"engine": "numba"})
    rows: list[tuple[object, ...]] = []
    bad = False
    wanted = [
        (name, effort)
        for name in chosen.models
        for effort in ([chosen.effort] if chosen.effort else EFFORTS[name[:5]])
    ]
    every = [f"{one}, {effort}" for one in MODELS for effort in EFFORTS[one[:5]]]
    snapshots = {
        name: Snapshot.from_frames(tables_of(MODELS[name])) for name, _ in wanted
    }
    for name, effort in wanted:
        settings = {"effort": effort}
        row, failed = row_of(name, snapshots[name], settings)
        rows.append((f"{name}, {effort}", *row[1:], commit()))
        bad = bad or failed
        write_section("company models", COLUMNS, rows, NOTE, of=every)
    return int(bad)


NOTE = (
    "Models of `benchmarks/company_models.py`: finished goods, assemblies, parts, bought "
    "materials; `gate` has 3,000 demands, 3 steps, 2 sites with lanes, two shifts, 20 % "
    "alternates, 4 set-up families and 5 % open orders, seeds 1 to 5. Command: `medhavi "
    "bench company_plans`, with the names of some models for those "
    "alone. CPU of the whole plan; numba has compiled before. Money by the scorecard; late at least as "
    "proven with the plan. The last columns are the general engine as it was, where it "
    "took as much CPU, else at the most effort that was measured; gate: no more than half "
    "of its late demands, no class worse, the first at most a third."
)

if __name__ == "__main__":
    sys.exit(main())
