"""Plan named instances in mode mrp, phase by phase.

    python benchmarks/planning.py [INSTANCE …] [--rounds 5] [--engine numba]

Phases: load (tables from a folder), check (findings), build (sources, routings, graph),
net (requirements), peg (all levels), frames (the tables of the plan).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    # Run as a file, this folder, not the repository, is on the path.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.instances import INSTANCES, POWERS, NoDataError, chain
from benchmarks.measure import Stopwatch
from benchmarks.performance_page import write_section

if TYPE_CHECKING:
    from medhavi.planners.kernels.compiled import EngineName
    from medhavi.snapshot import Snapshot

USUAL = ("m1000", "m3000", "m10000", "deep")
PHASES = ("load", "check", "build", "net", "peg", "frames")
AFTER_LOAD = ("net", "peg")
WITH_FRAMES = (*AFTER_LOAD, "frames")


@dataclass(frozen=True, slots=True)
class Gate:
    """Most CPU seconds of an instance: netting and pegging, and with frames."""

    planned: float
    framed: float


OVERFLOWS = {"PLAN001", "SNAP029"}
"""Findings that tell a quantity too large for 64 bits."""
GATES = {"m10000": Gate(0.6, 2.0), "deep": Gate(1.0, 1.0)}


@dataclass(frozen=True, slots=True)
class Measured:
    """One instance: its phases and sizes."""

    name: str
    watch: Stopwatch
    orders: int
    pegs: int

    def seconds(self, phases: tuple[str, ...]) -> float:
        """Sum the medians of phases [CPU s]."""
        return sum(self.watch.median(phase) for phase in phases)

    @property
    def missed(self) -> bool:
        """Whether a gate of the instance is missed."""
        gate = GATES.get(self.name)
        return gate is not None and (
            self.seconds(AFTER_LOAD) > gate.planned
            or self.seconds(WITH_FRAMES) > gate.framed
        )


def measure(
    name: str, snapshot: Snapshot, rounds: int, engine: EngineName = "numba"
) -> Measured:
    """Plan an instance several times; the first round only warms up."""
    from medhavi import __version__
    from medhavi.planners.mrp.run import MrpRun
    from medhavi.planners.parameters import MrpParameters
    from medhavi.planners.run_limits import without_collections
    from medhavi.snapshot import Snapshot

    parameters = MrpParameters(engine=engine)
    watch = Stopwatch()
    orders = pegs = 0
    with tempfile.TemporaryDirectory(prefix="medhavi-bench-") as place:
        snapshot.to_folder(place)
        for turn in range(rounds + 1):
            if turn == 1:
                watch = Stopwatch()
            watch.calibrate()
            with watch.phase("load"):
                loaded = Snapshot.from_folder(place)
            with watch.phase("check"):
                loaded.require()
            # As every plan is made (`pipeline.plan`): the collector pauses.
            with without_collections():
                with watch.phase("build"):
                    run = MrpRun(loaded, parameters)
                    run.build()
                with watch.phase("net"):
                    run.net()
                with watch.phase("peg"):
                    run.peg()
                with watch.phase("frames"):
                    plan = run.plan(__version__)
            orders, pegs = plan.supplies.height, plan.pegging.height
    return Measured(name, watch, orders, pegs)


def row(found: Measured) -> tuple[object, ...]:
    """Line of an instance."""
    gate = GATES.get(found.name)
    planned, framed = found.seconds(AFTER_LOAD), found.seconds(WITH_FRAMES)
    unit = found.watch.median("objects")
    return (
        found.name,
        f"{found.orders:,}",
        f"{found.pegs:,}",
        *(f"{found.watch.median(phase):.2f}" for phase in PHASES),
        f"{planned:.2f}" + (f" (≤ {gate.planned:g})" if gate else ""),
        f"{framed:.2f}" + (f" (≤ {gate.framed:g})" if gate else ""),
        f"{planned / unit:.1f}",
        f"{framed / unit:.1f}",
    )


def overflow() -> str:
    """Plan two of each over 70 levels; tell the finding that it ends in."""
    from medhavi.findings import BadData
    from medhavi.planners.pipeline import plan

    try:
        plan(chain(POWERS, 2.0))
    except BadData as bad:
        return bad.findings[0].code
    return "no finding"


def main() -> int:
    """Write the section; exit 1 where a gate is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("instances", nargs="*", default=list(USUAL))
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--engine", default="numba")
    chosen = options.parse_args()
    results: list[Measured] = []
    for name in chosen.instances:
        try:
            snapshot = INSTANCES[name]()
        except NoDataError as missing:
            print(f"{name} is left out: {missing}.")
            continue
        results.append(measure(name, snapshot, chosen.rounds, chosen.engine))
    if not results:
        return 0
    code = overflow()
    last = results[-1].watch
    note = (
        f"CPU seconds, median of {chosen.rounds} rounds after one to warm up "
        f"(engine {chosen.engine}; numba has compiled before, the collector "
        "pauses as in every plan). build: sources, routings, graph, state. The last two columns count in runs of a fixed loop over 200,000 "
        "small objects, measured in the same rounds (here "
        f"{last.median('objects'):.3f} s; 3,000,000 additions "
        f"{last.median('arithmetic'):.3f} s). Two of each over {POWERS} levels ends in "
        f"finding {code}."
    )
    write_section(
        "planning",
        (
            "instance",
            "orders",
            "pegs",
            *PHASES,
            "net + peg (gate)",
            "+ frames (gate)",
            "net + peg, loops",
            "+ frames, loops",
        ),
        [row(found) for found in results],
        note,
    )
    return int(code not in OVERFLOWS or any(found.missed for found in results))


if __name__ == "__main__":
    sys.exit(main())
